"""Headers that could be a schema column, ranked by their names and by their values."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from auditor.ingest.header_names import FIRST_FURTHER, Reading, header_key, readings
from auditor.ingest.mapping import SEVERAL
from auditor.ingest.shapes import (
    filled_values,
    fit,
    only_components,
    only_diagnoses,
    only_grouped_adjustments,
    only_long_numbers,
    only_modifiers,
    without_codes,
)

if TYPE_CHECKING:
    from auditor.ingest.raw import RawTable

_FITS = 0.5
_MUCH_BETTER = 0.2

# Columns of their own for 26 and TC; what they hold comes before the other modifiers.
_COMPONENTS = frozenset({"26tc", "tc26", "pctc", "component", "componentmodifier", "componentmod"})
_AMOUNTS_OR_CODES = frozenset({"adjustment", "adj"})
_FIVE_DIGITS = re.compile(r"[0-9]{5}")
_UNIT_NUMBERS = frozenset({"unitnumber", "unitno", "unitnbr", "unitnum"})
_UNMISTAKABLE = {"modifiers": only_modifiers, "diagnosis_codes": only_diagnoses}
# CLM05-1 is the place of service of an 837P, whose lines are SV1, and the bill type's of an 837I.
_ONLY_BESIDE = {("place_of_service", "clm051"): "sv1", ("bill_type", "clm051"): "sv2"}


@dataclass(frozen=True)
class Candidate:
    """Header positions that could be a schema column.

    ``level`` is 0 for a name of the column, 1 for a second choice, 2 for an everyday word;
    ``fit`` is the share (0 to 1) of its values that look right.
    """

    positions: tuple[int, ...]
    level: int
    order: int
    filled: bool
    fit: float


def cells(table: "RawTable", position: int) -> list[str]:
    """Values of the sample below a header."""
    return [row[position] for row in table.sample]


def candidates(column: str, table: "RawTable", positions: Iterable[int]) -> list[Candidate]:
    """Everything among some header positions that could be a schema column by its name."""
    named: dict[tuple[int, int], list[tuple[int, Reading]]] = {}
    for position in positions:
        for reading in readings(table.header[position]):
            if reading.column == column and _is_meant(reading, position, table):
                rank = (reading.level, reading.order)
                named.setdefault(rank, []).append((position, reading))
    found = []
    for (level, order), entries in named.items():
        if column in SEVERAL:
            apart = tuple(position for position, one in entries if one.name in _COMPONENTS)
            others = [entry for entry in entries if entry[1].name not in _COMPONENTS]
            groups = [
                (*apart, *group, *_without_header(column, group, table))
                for group in _in_order(others, table)
            ] or [apart]
        else:
            groups = [(position,) for position, reading in entries if reading.number is None]
        found += [candidate(column, table, group, level, order) for group in groups]
    return found


def _without_header(column: str, group: tuple[int, ...], table: "RawTable") -> tuple[int, ...]:
    """Positions right of the last one of a group that have no header and hold the same.

    A header merged over several columns stands on its first one only, once it is saved as text.
    """
    holds_it = _UNMISTAKABLE.get(column)
    if holds_it is None or not table.header[group[-1]].strip():
        return ()
    found = takewhile(
        lambda place: not table.header[place].strip() and holds_it(cells(table, place)),
        range(group[-1] + 1, len(table.header)),
    )
    return tuple(found)


def _is_meant(reading: Reading, position: int, table: "RawTable") -> bool:
    """Whether a header of several meanings has this one, by its values or by the others."""
    if reading.name in _COMPONENTS:
        return only_components(cells(table, position))
    if reading.name in _UNIT_NUMBERS:
        if reading.column == "patient_id":
            return only_long_numbers(cells(table, position))
        return not any(_FIVE_DIGITS.search(cell) for cell in cells(table, position))
    if reading.name in _AMOUNTS_OR_CODES:
        return only_grouped_adjustments(cells(table, position))
    if without_codes(reading.column, cells(table, position)):
        return False
    begins = _ONLY_BESIDE.get((reading.column, reading.name), "")
    return not begins or any(header_key(header).startswith(begins) for header in table.header)


def candidate(
    column: str, table: "RawTable", positions: tuple[int, ...], level: int, order: int
) -> Candidate:
    """Some header positions with what their values say about a schema column."""
    values = [cell for position in positions for cell in cells(table, position)]
    return Candidate(positions, level, order, bool(filled_values(values)), fit(column, values))


def best(found: Sequence[Candidate], table: "RawTable") -> tuple[Candidate | None, list[Candidate]]:
    """The best candidate, and those that are as good and hold other values.

    Filled beats blank, a better name a lesser one, and among equal names the better fit; an
    everyday word counts only if the values fit.
    """
    usable = [one for one in found if one.level < 2 or one.fit >= _FITS]
    if not usable:
        return None, []
    first = min(usable, key=_rank)
    equals = [one for one in usable if _rank(one) == _rank(first)]
    highest = max(one.fit for one in equals)
    equals = [one for one in equals if one.fit >= highest - _MUCH_BETTER]
    chosen, *others = equals
    values = _values(chosen, table)
    return chosen, [other for other in others if _values(other, table) != values]


def _rank(one: Candidate) -> tuple[bool, int, int]:
    return (not one.filled, one.level, one.order)


def _values(one: Candidate, table: "RawTable") -> list[list[str]]:
    return [[cell.strip() for cell in cells(table, position)] for position in one.positions]


def _in_order(entries: Sequence[tuple[int, Reading]], table: "RawTable") -> list[tuple[int, ...]]:
    """Positions of a repeated column in the order of their numbers, or its several lists."""
    families: dict[str, dict[int, int]] = {}
    for position, reading in entries:
        if reading.number is not None:
            families.setdefault(reading.name, {}).setdefault(reading.number, position)
    lists = {position: reading.name for position, reading in entries if reading.number is None}
    numbered = _merged(families, lists)
    lists = {
        position: name for position, name in lists.items() if position not in numbered.values()
    }
    in_order = [numbered[number] for number in sorted(numbered)]
    if not in_order:
        names = dict.fromkeys(lists.values())
        return [tuple(p for p, name in lists.items() if name == wanted) for wanted in names]
    ahead = [
        position
        for position, name in lists.items()
        if _stands_ahead(name, position, families, numbered, table)
    ]
    # Beside Dx1 and Dx2 the Principal Dx is another one, or the first again.
    alone = {members[1] for members in families.values() if members.keys() == {1}}
    ahead += [
        position
        for position in sorted(alone.difference(in_order, lists))
        if 1 in numbered and cells(table, position) != cells(table, numbered[1])
    ]
    return [(*ahead, *in_order)]


def _merged(families: dict[str, dict[int, int]], lists: dict[int, str]) -> dict[int, int]:
    """Number to position over the families of names that complete one another, biggest first."""
    merged: dict[int, int] = {}
    for pattern, members in sorted(
        families.items(), key=lambda item: (-len(item[1]), min(item[1].values()))
    ):
        # "ICD10" is the tenth of a family only if there is a ninth.
        real = {
            number: position
            for number, position in members.items()
            if position not in lists or number - 1 in members
        }
        started = (
            not 2 < min(real, default=3) < FIRST_FURTHER
            or len(real) > 1
            or pattern.replace("#", "") in lists.values()
        )
        if started and merged.keys().isdisjoint(real):
            merged |= {n: p for n, p in real.items() if p not in merged.values()}
    return merged


def _stands_ahead(
    name: str,
    position: int,
    families: dict[str, dict[int, int]],
    numbered: dict[int, int],
    table: "RawTable",
) -> bool:
    """Whether a header without a number comes first: ``Modifier, Modifier.1, Modifier.2``.

    A list beside a complete family (``Diagnosis Codes, Dx1, Dx2``) repeats it and is left out.
    """
    if 1 not in numbered:
        return True
    if not any(pattern.replace("#", "") == name for pattern in families):
        return False
    first = cells(table, numbered[1])
    return cells(table, position) != first or not filled_values(first)
