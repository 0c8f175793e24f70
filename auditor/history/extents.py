"""What must be known of all lines at hand, kept as counts so that no night reads them all.

Counts add up: the change that a night makes is what its patients' lines come to now, less what
they came to before.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from auditor.editions import day_number
from auditor.extract import Extract, Span
from auditor.reference import day_numbers
from auditor.studies import PAIRING_DAYS, SEARCH_DAYS, readings

_TYPES = ("institutional", "professional")
_REACH_PERCENTILE = 1


@dataclass
class Extents:
    """How many standing lines there are by claim type and service day, and paired lines by NPI.

    Days are counted from 1970-01-01. The claim type is ``""`` where it is unknown.
    """

    days: dict[tuple[str, int], int] = field(default_factory=dict)
    pairs: dict[str, int] = field(default_factory=dict)

    def plus(self, other: "Extents", times: int = 1) -> "Extents":
        """The sum of both, the other taken ``times`` times; what comes to nothing is left out."""
        return Extents(_sum(self.days, other.days, times), _sum(self.pairs, other.pairs, times))

    def extract(self, as_of: date) -> Extract:
        """The extract of all lines that were counted."""
        days = np.array(
            sorted((day, count) for (_, day), count in self.days.items()), dtype=np.int64
        )
        spans, last = {}, day_number(as_of)
        for claim_type in _TYPES:
            of_type = [day for kind, day in self.days if kind == claim_type and day <= last]
            if of_type:
                spans[claim_type] = Span(min(of_type), max(of_type))
        return Extract(
            as_of=as_of,
            spans=spans,
            reach=_reach(days) if len(days) else 0,
            pairing_npis=frozenset(self.pairs),
        )


def _reach(days: Any) -> int:
    """The first percentile of the days, as ``extract.reach_of`` takes it from single lines."""
    total = int(days[:, 1].sum())
    place = np.floor((total - 1) * np.true_divide(_REACH_PERCENTILE, 100))
    return int(days[np.searchsorted(np.cumsum(days[:, 1]), place, side="right"), 0])


def _sum(one: dict[Any, int], other: dict[Any, int], times: int) -> dict[Any, int]:
    found = dict(one)
    for key, count in other.items():
        found[key] = found.get(key, 0) + times * count
    # Lines that went with an old file may be taken away again by a correction.
    return {key: count for key, count in found.items() if count > 0}


def extents_of(lines: pd.DataFrame, options: dict[str, Any]) -> Extents:
    """What prepared lines, all that stand, come to."""
    if lines.empty:
        return Extents()
    kind, day = lines["claim_type"].cat, day_numbers(lines["service_date"])
    first = int(day.min())
    size = int(day.max()) - first + 1
    counts = np.bincount(kind.codes.to_numpy().astype(np.int64) * size + day - first)
    days = {
        (str(kind.categories[place // size]), place % size + first): int(counts[place])
        for place in np.flatnonzero(counts).tolist()
    }
    pairing = readings(
        lines,
        options.get("pairing_days", PAIRING_DAYS),
        options.get("search_days", SEARCH_DAYS),
    )
    npi = lines["billing_npi"].cat
    codes = npi.codes.to_numpy()[pairing.partner >= 0]
    paired = np.bincount(codes, minlength=1)
    names = {
        str(npi.categories[place]): int(paired[place]) for place in np.flatnonzero(paired).tolist()
    }
    return Extents(days, names)
