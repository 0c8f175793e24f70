"""How a table writes its columns, as far as only all of its cells together tell.

A table that is read whole shows it at once. One that is read piece by piece shows it piece by
piece: each is read as those before it wrote, and all are read again if a later one shows otherwise.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import pyarrow.compute as pc

from auditor.ingest import dates, numbers
from auditor.ingest.cells import Cells, Texts
from auditor.ingest.dates import Order
from auditor.schema import COLUMNS

_FIRST = 1000


class Decimals(NamedTuple):
    """What a column's numbers show: whether some are written with a comma, some with a point."""

    comma: bool
    point: bool


@dataclass(frozen=True)
class Habits:
    """What the cells of a table show of how it writes.

    ``orders`` and ``decimals`` speak of its date and number columns. ``modifiers_in_procedures``:
    some procedure cell holds a modifier; ``lists``: columns beside others of their kind of which
    some cell holds several words.
    """

    orders: Mapping[str, Order] = field(default_factory=dict)
    decimals: Mapping[str, Decimals] = field(default_factory=dict)
    modifiers_in_procedures: bool = False
    lists: frozenset[str] = frozenset()

    @property
    def day_first(self) -> dict[str, bool]:
        """For each date column whether it is read day before month."""
        return {
            name: dates.is_day_first(order, self.orders.values())
            for name, order in self.orders.items()
        }

    @property
    def decimal_comma(self) -> dict[str, bool]:
        """For each number column whether it is read with a decimal comma.

        A column of cells such as 1.500, 1,000 or 2 shows nothing: it is written as the others are.
        """
        comma = any(shown.comma for shown in self.decimals.values())
        point = any(shown.point for shown in self.decimals.values())
        return {
            name: shown.comma and not shown.point if any(shown) else comma and not point
            for name, shown in self.decimals.items()
        }

    def read_alike(self, other: "Habits") -> bool:
        """Whether a table would be read the same way by both."""
        return (self.day_first, self.decimal_comma, self.modifiers_in_procedures, self.lists) == (
            other.day_first,
            other.decimal_comma,
            other.modifiers_in_procedures,
            other.lists,
        )

    def beside(self, other: "Habits") -> "Habits":
        """What two pieces of one table show together."""
        return Habits(
            {
                name: Order(*map(any, zip(order, other.orders[name], strict=True)))
                for name, order in self.orders.items()
            },
            {
                name: Decimals(*map(any, zip(shown, other.decimals[name], strict=True)))
                for name, shown in self.decimals.items()
            },
            self.modifiers_in_procedures or other.modifiers_in_procedures,
            self.lists | other.lists,
        )


def habits_of(found: Mapping[str, Sequence[Cells]], *, whole: bool) -> Habits:
    """What the date and number columns show; ``found`` holds the cells of each schema column.

    ``whole``: these are all cells of the table, and nothing that another piece shows counts.
    """
    texts = {name: columns[0].texts for name, columns in found.items()}
    kinds = {name: COLUMNS[name].kind for name in found}
    commas = {
        name: _shows_comma(texts[name]) for name in found if kinds[name] in ("cents", "number")
    }
    # Beside commas alone it matters whether there are points.
    asked = not whole or any(commas.values())
    return Habits(
        {
            name: dates.order_shown(texts[name].to_pylist())
            for name in found
            if kinds[name] == "date"
        },
        {
            name: Decimals(comma, asked and _shows_point(texts[name]))
            for name, comma in commas.items()
        },
    )


def _shows_comma(texts: Texts) -> bool:
    return _matches(pc.match_substring(texts, ",")) and _matches(
        pc.match_substring_regex(texts, numbers.COMMA_DECIMALS)
    )


def _shows_point(texts: Texts) -> bool:
    # Where amounts have points, the first ones show it.
    return any(
        _matches(pc.match_substring_regex(some, numbers.POINT_DECIMALS))
        for some in (texts[:_FIRST], texts[_FIRST:])
    )


def _matches(mask: Any) -> bool:
    return bool(pc.any(mask, min_count=0).as_py())
