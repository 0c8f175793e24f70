"""What must be known of a whole run before a part of its patients can be judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from auditor.claim_lines import among
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
        return int(np.datetime64(self.as_of, "D").astype(np.int64))


def spans(lines: pd.DataFrame) -> dict[str, Span]:
    """The span of service dates of each claim type that occurs."""
    found: dict[str, Span] = {}
    day = day_numbers(lines["service_date"])
    for claim_type in ("institutional", "professional"):
        days = day[among(lines["claim_type"], [claim_type])]
        if len(days):
            found[claim_type] = Span(int(days.min()), int(days.max()))
    return found


def reach_of(lines: pd.DataFrame) -> int:
    """The day from which on the lines speak for the past."""
    days = day_numbers(lines["service_date"])
    return int(np.percentile(days, _REACH_PERCENTILE, method="lower")) if len(days) else 0
