"""Recognises a header by what it says, wherever it stands and over however many rows."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.errors import AuditError

_SEARCHED = 60
_STACKED = 5


@dataclass(frozen=True)
class Header:
    """Where each column stands, and the first row below the header (both counted from 0).

    ``asked`` are our names of all columns asked for, ``others`` the names, in upper case, of those
    that are not.
    """

    positions: Mapping[str, int]
    first_row: int
    asked: tuple[str, ...] = ()
    others: tuple[str, ...] = ()

    def cell(self, row: Sequence[str], column: str) -> str:
        """A cell of a row, blank where the row is too short or the file has no such column."""
        place = self.positions.get(column, len(row))
        return row[place] if place < len(row) else ""


def recognised(
    rows: Sequence[Sequence[str]],
    wanted: Mapping[str, str],
    name: str,
    optional: Mapping[str, str] | None = None,
) -> Header:
    """The header whose names, stacked over up to six rows, match every wanted column once.

    ``wanted`` and ``optional`` map our names to patterns of the publisher's. Rows below the header
    that have no cell in the first wanted column still belong to it.
    Raises AuditError naming what was expected and what was found.
    """
    for last in range(min(len(rows), _SEARCHED)):
        for above in range(min(last, _STACKED) + 1):
            names = _stacked(rows[last - above : last + 1])
            found = {column: _matches(names, pattern) for column, pattern in wanted.items()}
            if all(len(places) == 1 for places in found.values()):
                positions = {column: places[0] for column, places in found.items()}
                for column, pattern in (optional or {}).items():
                    places = _matches(names, pattern)
                    if len(places) == 1:
                        positions[column] = places[0]
                below = _below(rows, last + 1, next(iter(positions.values())))
                read = set(positions.values())
                others = (name for place, name in enumerate(names) if name and place not in read)
                return Header(positions, below, (*wanted, *(optional or {})), tuple(others))
    raise AuditError(
        f"{name}: its header is not recognised; expected columns {_words(wanted)}; "
        f"found {_found(rows)}"
    )


def _stacked(rows: Sequence[Sequence[str]]) -> list[str]:
    width = max((len(row) for row in rows), default=0)
    return [
        " ".join(" ".join(row[place] for row in rows if place < len(row)).split()).upper()
        for place in range(width)
    ]


def _matches(names: Sequence[str], pattern: str) -> list[int]:
    return [place for place, name in enumerate(names) if re.fullmatch(pattern, name)]


def _below(rows: Sequence[Sequence[str]], first: int, key: int) -> int:
    """The first row that has a cell in the key column."""
    while first < len(rows) and not (key < len(rows[first]) and rows[first][key]):
        first += 1
    return first


def _words(wanted: Mapping[str, str]) -> str:
    return ", ".join(column.replace("_", " ") for column in wanted)


def _found(rows: Sequence[Sequence[str]]) -> str:
    fullest = max(rows[:_SEARCHED], key=lambda row: sum(bool(cell) for cell in row), default=[])
    cells = [cell[:40] for cell in fullest if cell][:8]
    return "; ".join(cells) or "nothing"
