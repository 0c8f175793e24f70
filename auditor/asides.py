"""What to mind about a run's exports, in sentences: they were read, but may not be as meant."""

from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.claim_types import claims_of_both_kinds
from auditor.ingest.normalise import Intake
from auditor.intake import Claims


def asides_on(claims: Claims) -> tuple[str, ...]:
    """A sentence each on sheets left unread, mixed claim numbers and lost zeros."""
    return (
        *_unread_sheets(claims.intakes),
        *_both_kinds(claims.lines),
        *_lost_zeros(claims.lines),
    )


def _unread_sheets(intakes: Sequence[Intake]) -> tuple[str, ...]:
    """A sentence on each workbook of which another sheet looks like claim lines, too."""
    return tuple(
        f"{one.file}: only the sheet '{one.sheet}' was read; {', '.join(map(repr, one.unread))} "
        f"{'looks' if len(one.unread) == 1 else 'look'} like claim lines, too. Save each sheet as "
        "a file of its own and give them all in one run, or choose one: with --sheet, for a night "
        "with sheet in the settings of its inbox"
        for one in intakes
        if one.unread
    )


def _both_kinds(lines: pd.DataFrame) -> tuple[str, ...]:
    """A sentence on numbers under which hospital and professional lines stand together."""
    claims = claims_of_both_kinds(lines)
    if not claims:
        return ()
    are = "1 claim number holds" if claims == 1 else f"{claims:,} claim numbers hold"
    return (
        f"{are} both hospital and professional lines, and all lines of one number are judged as "
        "one claim, of one type. If it is the account's number, export the number of each claim "
        "instead, or add a column with the claim type of each line (institutional, professional)",
    )


def _lost_zeros(lines: pd.DataFrame) -> tuple[str, ...]:
    """A sentence on patients' numbers that lost their zeros on some lines."""
    numbers = _in_two_forms(lines)
    if not numbers:
        return ()
    some = "A patient number stands" if numbers == 1 else f"{numbers:,} patient numbers stand"
    return (
        f"{some} with leading zeros on some lines and without on others: as two patients, so that "
        "halves of studies seem to be missing. A spreadsheet may have dropped the zeros; export "
        "the patient's number as text everywhere",
    )


def _in_two_forms(lines: pd.DataFrame) -> int:
    """How many patients' numbers stand with leading zeros on some lines and without on others.

    ``lines`` are claim lines; ``patient_id`` must have no unused category.
    """
    numbers: Any = pa.array(lines["patient_id"].cat.categories, pa.string())
    with_zeros: Any = numbers.filter(pc.match_substring_regex(numbers, "^0+[1-9][0-9]*$"))
    if not len(with_zeros):
        return 0
    without: Any = pc.utf8_ltrim(with_zeros, characters="0")
    found: Any = pc.is_in(without, value_set=numbers)
    return len(pc.unique(without.filter(found)))
