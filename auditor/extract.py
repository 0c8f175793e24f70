"""What must be known of a whole run before a part of its patients can be judged."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from auditor.claim_lines import among
from auditor.editions import day_number
from auditor.reference import day_numbers

# The reach of an extract is where its dates begin in earnest: a few old stragglers don't count.
_REACH_PERCENTILE = 1


@dataclass(frozen=True)
class Span:
    """First and last service date of one claim type, in days since 1970-01-01."""

    first_day: int
    last_day: int


@dataclass(frozen=True)
class Extract:
    """The as-of date, the span of service dates by claim type, and the NPIs that pair at all.

    ``reach`` is the day from which on the lines speak for the past, in days since 1970-01-01.
    ``pairing_npis`` holds the billing NPIs of which some line found the other component.
    """

    as_of: date
    spans: Mapping[str, Span]
    reach: int
    pairing_npis: frozenset[str]

    @property
    def as_of_day(self) -> int:
        """The as-of date in days since 1970-01-01."""
        return day_number(self.as_of)


def spans(lines: pd.DataFrame, as_of: date) -> dict[str, Span]:
    """The span of service dates of each claim type that occurs, up to the as-of date.

    What is dated after it is mistyped, and says nothing of how far the lines at hand reach.
    """
    found: dict[str, Span] = {}
    day = day_numbers(lines["service_date"])
    known = day <= day_number(as_of)
    for claim_type in ("institutional", "professional"):
        days = day[known & among(lines["claim_type"], [claim_type])]
        if len(days):
            found[claim_type] = Span(int(days.min()), int(days.max()))
    return found


def reach_of(lines: pd.DataFrame) -> int:
    """The day from which on the lines speak for the past."""
    days = day_numbers(lines["service_date"])
    return int(np.percentile(days, _REACH_PERCENTILE, method="lower")) if len(days) else 0


@dataclass(frozen=True)
class Share:
    """What some patients of a run add to its extract: spans, NPIs, and lines by service date."""

    spans: Mapping[str, Span]
    lines_on_day: Mapping[int, int]
    pairing_npis: frozenset[str]


def share_of(extract: Extract, lines: pd.DataFrame) -> Share:
    """The share of patients whose ``extract`` was made as if they were the whole run."""
    counts = np.bincount(day_numbers(lines["service_date"]))
    days = np.flatnonzero(counts)
    on_day = dict(zip(days.tolist(), counts[days].tolist(), strict=True))
    return Share(extract.spans, on_day, extract.pairing_npis)


def together(shares: Sequence[Share], as_of: date) -> Extract:
    """The extract of a whole run from the shares of all its patients."""
    lines_on_day: Counter[int] = Counter()
    for share in shares:
        lines_on_day.update(share.lines_on_day)
    found = {
        name: [share.spans[name] for share in shares if name in share.spans]
        for name in ("institutional", "professional")
    }
    return Extract(
        as_of=as_of,
        spans={
            name: Span(min(one.first_day for one in some), max(one.last_day for one in some))
            for name, some in found.items()
            if some
        },
        reach=_reach(lines_on_day),
        pairing_npis=frozenset().union(*(share.pairing_npis for share in shares)),
    )


def _reach(lines_on_day: Mapping[int, int]) -> int:
    """As ``reach_of``, of days that are counted."""
    if not lines_on_day:
        return 0
    days = np.array(sorted(lines_on_day))
    counts = np.array([lines_on_day[day] for day in days.tolist()])
    place = math.floor((counts.sum() - 1) * (_REACH_PERCENTILE / 100))
    return int(days[np.searchsorted(np.cumsum(counts), place, side="right")])
