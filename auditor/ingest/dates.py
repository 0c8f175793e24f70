"""One column of days at a time: what is written, as days; a column is read in one order.

Dates are in US order, month before day, unless the column shows the other: a first part above 12
and no second part above 12.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from auditor.ingest.values import LOST_ZERO, NO_VALUE, UNREADABLE, Value, unquoted

DAY_FIRST = "read as day before month"
DAY_NUMBER = "day number of a spreadsheet read as a date"
PLACEHOLDER = "placeholder date, left blank"
ONE_OF_SPAN = "one day taken of a span"
_PLACEHOLDER_FAULT = "is a placeholder, not a date"

FIRST_YEAR, LAST_YEAR = 1990, 2100
_OLDEST_PLACEHOLDER, _NEWEST_PLACEHOLDER = 1900, 9000
_DAY_ZERO = date(1899, 12, 30)  # day 0 of the 1900 date system, its false leap day included
_DAY_NUMBERS = range(20_000, 80_001)

# Each part of an export, and each of its columns, has the same days: of so many each is read once.
_DAYS_AT_HAND = 1 << 14

# RE2, too: Arrow takes the time off a whole column of time stamps with it. SAS writes
# 10MAR2025:14:30:00, Oracle 10-MAR-25 02.30.00.000000 PM, DB2 2025-03-10-14.30.00.
TIME_OF_DAY = (
    r"(?i)([T:\s]+[0-9]{1,2}:[0-9]{2}(:[0-9]{2}([.,:][0-9]+)?)?"
    r"|[-\s]+[0-9]{1,2}\.[0-9]{2}\.[0-9]{2}([.,][0-9]+)?)"
    r"\s*([AP]\.?M\.?)?\s*(Z|UTC|GMT|[A-Z]{1,2}[DS]?T|[+-][0-9]{2}:?([0-9]{2})?)?\s*$"
)
_TIME_OF_DAY = re.compile(TIME_OF_DAY)
_SPAN = re.compile(
    r"\s+(?:-|TO|THRU|THROUGH)\s+|(?<=[0-9]{8})-(?=[0-9]{8}$)|(?<=/[0-9]{4})-(?=[0-9]{1,2}/)"
)
_WEEKDAY = re.compile(r"(?:MON|TUE|WED|THU|FRI|SAT|SUN)[A-Z]*[,.]?\s+")
_SEPARATOR = r"\s*[-/.\s]\s*"
_YEAR_FIRST = re.compile(r"([0-9]{4})[-/.]([0-9]{1,2})[-/.]([0-9]{1,2})")
_TWO_PARTS = re.compile(
    rf"([0-9]{{1,2}}){_SEPARATOR}([0-9]{{1,2}}){_SEPARATOR}([0-9]{{4}}|[0-9]{{2}})"
)
_DAY_MONTH_NAME = re.compile(r"([0-9]{1,2})[-/.,\s]*([A-Z]{3,9})[-/.,\s]*([0-9]{4}|[0-9]{2})")
_MONTH_NAME_DAY = re.compile(r"([A-Z]{3,9})[-/.\s]*([0-9]{1,2})(?:ST|ND|RD|TH)?[-/,\s]+([0-9]{4})")
_YEAR_MONTH_NAME = re.compile(r"([0-9]{4})[-/\s]*([A-Z]{3,9})[-/\s]*([0-9]{1,2})")
_MONTHS = (
    *("JANUARY", "FEBRUARY", "MARCH", "APRIL", "MAY", "JUNE", "JULY", "AUGUST"),
    *("SEPTEMBER", "OCTOBER", "NOVEMBER", "DECEMBER"),
)


class Order(NamedTuple):
    """What a column's dates show of their order: whether a first, a second part is above 12."""

    first_above_12: bool
    second_above_12: bool


def order_shown(texts: Iterable[str]) -> Order:
    """Evidence of the order of day and month in the distinct cells of a column."""
    shown = [_shown(text) for text in texts]
    return Order(any(one[0] for one in shown), any(one[1] for one in shown))


@lru_cache(_DAYS_AT_HAND)
def _shown(text: str) -> Order:
    match = _TWO_PARTS.fullmatch(_SPAN.split(_day_part(text), maxsplit=1)[0])
    if not match or _may_begin_with_year(match):
        return Order(first_above_12=False, second_above_12=False)
    return Order(12 < int(match[1]) <= 31, 12 < int(match[2]) <= 31)


def is_day_first(order: Order, others: Iterable[Order]) -> bool:
    """Whether a column is read day first: by its own dates, else by the table's other columns."""
    if any(order):
        return order.first_above_12 and not order.second_above_12
    orders = list(others)
    first = any(other.first_above_12 for other in orders)
    return first and not any(other.second_above_12 for other in orders)


@lru_cache(_DAYS_AT_HAND)
def day(text: str, *, day_first: bool = False, last_of_span: bool = False) -> Value:
    """Calendar day of a cell, ``None`` where blank; a fault says why a text is no date.

    Of a span (3/10/2025 - 3/11/2025) it is the first day, or the last. Days before 1990 and after
    2100 are no dates of a claim. Days such as 1900-01-01 and 9999-12-31 stand for none: they have
    a fault of their own, see :func:`is_placeholder`.
    """
    text = _day_part(text)
    if text in NO_VALUE:
        return Value(None)
    span = _SPAN.split(text, maxsplit=1)
    if len(span) > 1:
        read = day(span[1 if last_of_span else 0], day_first=day_first)
        return Value(read.value, read.repair or (ONE_OF_SPAN if read.value else ""), read.fault)
    parts, repair = _parts(text, day_first=day_first)
    if parts is None:
        return Value(None, fault="is not a date like 2025-03-10")
    year, month, day_of_month = parts
    if is_placeholder(year):
        return Value(None, fault=_PLACEHOLDER_FAULT)
    if not FIRST_YEAR <= year <= LAST_YEAR:
        return Value(None, fault=f"is not a date between {FIRST_YEAR} and {LAST_YEAR}")
    try:
        return Value(date(year, month, day_of_month), repair)
    except ValueError:
        return Value(None, fault="is not a day of the calendar")


def optional_day(text: str, *, day_first: bool = False, last_of_span: bool = False) -> Value:
    """Like :func:`day`, where a date may be missing: what can't be read is blank and a repair."""
    read = day(text, day_first=day_first, last_of_span=last_of_span)
    if not read.fault:
        return read
    is_none = read.fault == _PLACEHOLDER_FAULT
    return Value(None, PLACEHOLDER if is_none else UNREADABLE)


def is_placeholder(year: int) -> bool:
    """Whether a year stands for no date at all, as in 0000-00-00, 1000-01-01 or 9999-12-31."""
    return year <= _OLDEST_PLACEHOLDER or year >= _NEWEST_PLACEHOLDER


def _day_part(text: str) -> str:
    return _TIME_OF_DAY.sub("", unquoted(text).upper()).strip()


def _parts(text: str, *, day_first: bool) -> tuple[tuple[int, int, int] | None, str]:
    """Year, month and day that a text spells, unchecked, and the repair it took."""
    if match := _YEAR_FIRST.fullmatch(text):
        return (int(match[1]), int(match[2]), int(match[3])), ""
    if match := _TWO_PARTS.fullmatch(text):
        first, second, year = int(match[1]), int(match[2]), _full_year(match[3])
        if day_first and not _may_begin_with_year(match):
            return (year, second, first), DAY_FIRST
        return (year, first, second), ""
    digits, _, fraction = text.partition(".")
    if digits.isascii() and digits.isdecimal() and (fraction.isdecimal() or "." not in text):
        return _run_of_digits(digits, whole=not fraction.strip("0"))
    return _with_month_name(_WEEKDAY.sub("", text, count=1)), ""


def _run_of_digits(digits: str, *, whole: bool) -> tuple[tuple[int, int, int] | None, str]:
    if len(digits) == 5 and int(digits) in _DAY_NUMBERS:
        found = _DAY_ZERO + timedelta(days=int(digits))
        return (found.year, found.month, found.day), DAY_NUMBER
    if not whole:
        return None, ""
    if not digits.strip("0"):
        return (0, 0, 0), ""
    if len(digits) in {12, 14}:  # a time stamp, hours and minutes behind the day
        digits = digits[:8]
    if len(digits) not in {7, 8}:
        return None, ""
    repair = LOST_ZERO if len(digits) == 7 else ""
    digits = digits.zfill(8)
    year = int(digits[:4])
    if FIRST_YEAR <= year <= LAST_YEAR or year >= _NEWEST_PLACEHOLDER or year <= 100:
        return (year, int(digits[4:6]), int(digits[6:])), repair
    return (int(digits[4:]), int(digits[:2]), int(digits[2:4])), repair


def _may_begin_with_year(match: re.Match[str]) -> bool:
    """Whether 25-03-10 could be meant as year, month, day: such dates are never day first."""
    return len(match[3]) == 2 and "-" in match[0]


def _with_month_name(text: str) -> tuple[int, int, int] | None:
    if match := _DAY_MONTH_NAME.fullmatch(text):
        day_of_month, month, year = match[1], match[2], match[3]
    elif match := _MONTH_NAME_DAY.fullmatch(text):
        month, day_of_month, year = match[1], match[2], match[3]
    elif match := _YEAR_MONTH_NAME.fullmatch(text):
        year, month, day_of_month = match[1], match[2], match[3]
    else:
        return None
    for position, month_name in enumerate(_MONTHS, start=1):
        if month_name.startswith(month):
            return _full_year(year), position, int(day_of_month)
    return None


def _full_year(year: str) -> int:
    if len(year) == 4:
        return int(year)
    return int(year) + (1900 if int(year) >= 70 else 2000)
