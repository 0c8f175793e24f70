"""What a rule lacks has a name: a column of claim lines, or a table of ours."""

from collections.abc import Iterable, Iterator

from auditor.cases import Case
from auditor.reference import Reference
from auditor.rule import STAND_INS
from auditor.schema import CLAIM_LINES

_COLUMNS = frozenset(column.name for column in CLAIM_LINES)


def misnamed(case: Case, reasons: Iterable[tuple[str, str]], reference: Reference) -> Iterator[str]:
    """The reasons for which lines of a case are not evaluated that name what the case has."""
    for reason, detail in reasons:
        if reason == "column_missing":
            asked = {word for name in detail.split("|") for word in STAND_INS.get(name, (name,))}
            wrong = not asked <= case.without
        elif reason == "value_missing":
            wrong = detail not in _COLUMNS
        elif reason in ("reference_missing", "reference_stale"):
            wrong = not set(detail.split()) <= set(reference.tables)
        else:
            wrong = reason not in ("partner_outside_extract", "awaiting_partner")
        if wrong:
            yield f"{reason} {detail}"
