"""What an edition's name says of the dates of service it answers for."""

import re
from datetime import date, timedelta

from auditor.errors import AuditError

UNTIL_REPLACED = "until replaced"
# A first day of 1900 stands for ever in many exports.
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_QUARTER, _YEAR, _FISCAL = r"(\d{4})Q([1-4])", r"(\d{4})", r"FY(\d{4})"


def dates_of(edition: str, period: str) -> tuple[date, date]:
    """First and last date that an edition answers for.

    ``2026Q4`` is a calendar quarter, ``2026`` a calendar year, ``FY2026`` the fiscal year from
    October 2025; a day such as ``2026-04-01`` begins an edition in the middle of a ``period``
    (``quarter``, ``year`` or ``fiscal year``), which then ends it.
    What stands ``until replaced`` ends with the next edition only.
    Raises AuditError for any other name, and for years that no table is of.
    """
    year = re.match(r"(?:FY)?(\d{4})", edition)
    if year and not _FIRST_YEAR <= int(year[1]) <= _LAST_YEAR:
        raise AuditError(
            f"--edition {edition}: no edition is of {year[1]}; give its year, such as 2026Q4",
            exit_code=2,
        )
    if period == UNTIL_REPLACED:
        return dates_of(edition, "year")[0], date.max
    if found := re.fullmatch(_QUARTER, edition):
        return _quarter(int(found[1]), int(found[2]))
    if found := re.fullmatch(_YEAR, edition):
        return date(int(found[1]), 1, 1), date(int(found[1]), 12, 31)
    if found := re.fullmatch(_FISCAL, edition):
        return date(int(found[1]) - 1, 10, 1), date(int(found[1]), 9, 30)
    try:
        first = date.fromisoformat(edition)
    except ValueError as fault:
        raise AuditError(
            f"--edition {edition}: is neither a quarter (2026Q4), a year (2026), a fiscal year "
            "(FY2026) nor a first day (2026-04-01)",
            exit_code=2,
        ) from fault
    return first, dates_of(edition_of(first, period), period)[1]


def edition_of(day: date, period: str) -> str:
    """The name of the edition that answers for a day."""
    if period in ("year", UNTIL_REPLACED):
        return f"{day.year}"
    if period == "fiscal year":
        return f"FY{day.year + (day.month >= 10)}"
    return f"{day.year}Q{(day.month + 2) // 3}"


def _quarter(year: int, quarter: int) -> tuple[date, date]:
    first = date(year, 3 * quarter - 2, 1)
    following = date(year + quarter // 4, 3 * (quarter % 4) + 1, 1)
    return first, following - timedelta(days=1)
