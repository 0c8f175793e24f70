"""What to mind about a run's exports, in sentences: they were read, but may not be as meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.claim_lines import Mask, coded, taken_back
from auditor.claim_types import claims_of_both_kinds
from auditor.ingest.normalise import Intake
from auditor.matching import group_key, numbered
from auditor.reference import Ints

_AS_BILLED = (
    "patient_id",
    "claim_id",
    "claim_type",
    "claim_frequency",
    "service_date",
    "procedure_code",
    "modifiers",
    "revenue_code",
    "billing_npi",
    "payer",
)


@dataclass(frozen=True)
class Doubts:
    """How many numbers of some claim lines may not be what they seem.

    ``both_kinds`` are claims with a hospital's and a physician's lines, ``two_forms`` patients'
    numbers that stand with leading zeros on some lines and without on others, ``exported_again``
    lines that stand in more than one file.
    """

    both_kinds: int = 0
    two_forms: int = 0
    exported_again: int = 0

    def plus(self, other: "Doubts") -> "Doubts":
        """Those of both. The other's lines must be of other patients, zeros or not."""
        return Doubts(
            self.both_kinds + other.both_kinds,
            self.two_forms + other.two_forms,
            self.exported_again + other.exported_again,
        )


def doubts_of(lines: pd.DataFrame) -> Doubts:
    """The doubts about some claim lines, as they were read."""
    return Doubts(claims_of_both_kinds(lines), _in_two_forms(lines), _exported_again(lines))


def asides_on(intakes: Sequence[Intake], doubts: Doubts) -> tuple[str, ...]:
    """A sentence each on sheets left unread, exports that overlap, mixed numbers, lost zeros."""
    return (
        *_unread_sheets(intakes),
        *_overlapping(doubts.exported_again),
        *_both_kinds(doubts.both_kinds),
        *_lost_zeros(doubts.two_forms),
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


def _overlapping(lines: int) -> tuple[str, ...]:
    """A sentence on lines that stand in more than one file."""
    if not lines:
        return ()
    stand = "1 line stands" if lines == 1 else f"{lines:,} lines stand"
    return (
        f"{stand} in more than one of the exports, alike in claim, line and what was billed: "
        "audited as often, as if billed twice. Export each line once, in periods that don't "
        "overlap, or run with --history, where the newest export of a line stands",
    )


def _both_kinds(claims: int) -> tuple[str, ...]:
    """A sentence on numbers under which hospital and professional lines stand together."""
    if not claims:
        return ()
    are = "1 claim number holds" if claims == 1 else f"{claims:,} claim numbers hold"
    return (
        f"{are} both hospital and professional lines, and all lines of one number are judged as "
        "one claim, of one type. If it is the account's number, export the number of each claim "
        "instead, or add a column with the claim type of each line (institutional, professional)",
    )


def _lost_zeros(numbers: int) -> tuple[str, ...]:
    """A sentence on patients' numbers that lost their zeros on some lines."""
    if not numbers:
        return ()
    some = "A patient number stands" if numbers == 1 else f"{numbers:,} patient numbers stand"
    return (
        f"{some} with leading zeros on some lines and without on others: as two patients, so that "
        "halves of studies seem to be missing. A spreadsheet may have dropped the zeros; export "
        "the patient's number as text everywhere",
    )


def _exported_again(lines: pd.DataFrame) -> int:
    """How many lines stand in more than one file, alike in claim, line and what was billed."""
    if len(lines["source_file"].cat.categories) < 2:
        return 0
    file = lines["source_file"].cat.codes.to_numpy().astype(np.int64)
    claim = numbered(group_key(lines, ["claim_id", "patient_id"]))
    places = np.flatnonzero(_in_several(claim, file)[claim])
    some = lines[[*_AS_BILLED, "line_number", "units", "charge_cents"]].iloc[places]
    number = numbered(some["line_number"].fillna(-1).to_numpy(dtype=np.int64))
    line = numbered(group_key(some, _AS_BILLED)) * (len(some) + 1) + number
    return int(_in_several(numbered(line * 2 + taken_back(some)), file[places]).sum())


def _in_several(key: Ints, file: Ints) -> Mask:
    """Which keys, numbered from 0, stand in more than one file."""
    first = np.full(int(key.max(initial=-1)) + 1, np.iinfo(np.int64).max)
    last = np.zeros(len(first), dtype=np.int64)
    np.minimum.at(first, key, file)
    np.maximum.at(last, key, file)
    return first < last


def _in_two_forms(lines: pd.DataFrame) -> int:
    """How many patients' numbers stand with leading zeros on some lines and without on others."""
    codes, words = coded(lines["patient_id"])
    there = np.bincount(codes, minlength=len(words)) > 0
    numbers: Any = pa.array(words[there], pa.string())
    with_zeros: Any = numbers.filter(pc.match_substring_regex(numbers, "^0+[1-9][0-9]*$"))
    if not len(with_zeros):
        return 0
    without: Any = pc.utf8_ltrim(with_zeros, characters="0")
    found: Any = pc.is_in(without, value_set=numbers)
    return len(pc.unique(without.filter(found)))
