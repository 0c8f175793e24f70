"""The joins that rules share: pairs on one day, and the nearest partner within days.

All of them work on integers: codes of categorical columns packed into one key, sorted once. Their
cost grows with the number of lines, not with the number of pairs, so that one patient with a
hundred thousand lines is no harder than a hundred thousand patients with one.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.caching import computed_lately
from auditor.reference import Bools, Ints, day_numbers

_KEY_ROOM = 2**42
_PAIRS_AT_ONCE = 2**21


def codes_of(lines: pd.DataFrame, column: str) -> tuple[Ints, int]:
    """The integer codes of a column and how many there can be."""
    if isinstance(lines[column].dtype, pd.CategoricalDtype):
        cells: Any = lines[column].array
        return cells.codes, len(cells.categories)
    if column == "service_date":
        days = day_numbers(lines[column])
        first, last = (int(days.min()), int(days.max())) if len(days) else (0, 0)
        return days - first, last - first + 1
    raise TypeError(f"{column} is neither categorical nor the service date")


def order_of(key: Ints) -> Ints:
    """The order that sorts a key, equal ones as they stand.

    Prepared lines stand by patient and day, and so, nearly, does any key that begins with the
    patient: this sort uses what is in order already.
    """
    return np.argsort(key, kind="stable")


def group_key(lines: pd.DataFrame, on: Sequence[str]) -> Ints:
    """One integer a line, equal for lines that agree in all columns ``on``.

    The integers stay below 2**42, so that a day can be packed beside them. Rules share the array.
    """
    return _group_key(lines, tuple(on))


@computed_lately
def _group_key(lines: pd.DataFrame, on: tuple[str, ...]) -> Ints:
    key = np.zeros(len(lines), dtype=np.int64)
    room = 1
    for column in on:
        codes, size = codes_of(lines, column)
        if room * size >= 2**62:
            key, room = _dense(key)
        key = key * size + codes
        room *= size
        if room >= _KEY_ROOM:
            key, room = _dense(key)
    return key


def whole_claims(lines: pd.DataFrame, mask: Bools) -> Bools:
    """Lines whose claim holds at least one of the masked lines."""
    whole = np.zeros(len(lines), dtype=bool)
    number, size = codes_of(lines, "claim_id")
    named = np.zeros(size, dtype=bool)
    named[number[mask]] = True
    # One number may stand for claims of several patients.
    places = np.flatnonzero(named[number])
    claim = group_key(lines, ["claim_id", "patient_id", "claim_type"])[places]
    whole[places] = is_among(claim, claim[mask[places]])
    return whole


def beside(lines: pd.DataFrame, asking: Bools, wanted: Bools) -> Bools:
    """Asking lines on whose claim a wanted line stands, be it themselves."""
    found = np.zeros(len(lines), dtype=bool)
    if asking.any() and wanted.any():
        near = np.flatnonzero(whole_claims(lines, asking))
        found[near] = whole_claims(lines.iloc[near], wanted[near])
    return found & asking


def numbered(key: Ints) -> Ints:
    """Numbers the distinct keys from 0."""
    return pd.factorize(key)[0].astype(np.int64)


def grouped(key: Ints) -> Ints:
    """The same for a key that begins with the patient: walked along instead of hashed."""
    order = order_of(key)
    new = np.empty(len(key), dtype=np.int64)
    if len(key):
        new[0] = 0
        np.not_equal(key[order[1:]], key[order[:-1]], out=new[1:], casting="unsafe")
    number = np.empty(len(key), dtype=np.int64)
    number[order] = np.cumsum(new)
    return number


def first_places(number: Ints) -> Ints:
    """The first place of each number that ``numbered`` or ``grouped`` gave, in their order."""
    first = np.zeros(int(number.max(initial=-1)) + 1, dtype=np.int64)
    first[number[::-1]] = np.arange(len(number) - 1, -1, -1)
    return first


def share_a_group(key: Ints, some: Bools) -> Bools:
    """Lines whose key, which begins with the patient, is also that of one of some lines."""
    group = grouped(key)
    holds = np.zeros(int(group.max(initial=-1)) + 1, dtype=bool)
    holds[group[some]] = True
    return holds[group]


def is_among(key: Ints, wanted: Ints) -> Bools:
    """Keys that occur among the wanted ones; hashed, for numpy sorts both sides."""
    found: Bools = pd.Series(key).isin(pd.unique(wanted)).to_numpy()
    return found


def _dense(key: Ints) -> tuple[Ints, int]:
    number = numbered(key)
    return number, int(number.max(initial=0)) + 1


def in_order(lines: pd.DataFrame, places: Ints, key: Ints, *, by_received: bool = True) -> Ints:
    """Sorts places of lines by their key, then received date, claim id as text, line number.

    This is the meaning of "later": of two lines with one key, the later stands further back. The
    key has one integer a place. Returns positions within ``places``.
    """
    order = order_of(key)
    # Only lines that tie in the key need an order of their own; most ties are of two.
    sorted_key = key[order]
    same = np.zeros(len(order) + 1, dtype=bool)
    np.equal(sorted_key[1:], sorted_key[:-1], out=same[1:-1])
    if not same.any():
        return order
    first = np.flatnonzero(same[1:-1] & ~same[:-2] & ~same[2:])
    left, right = order[first], order[first + 1]
    turned = _stands_behind(lines, places[left], places[right], by_received=by_received)
    order[first[turned]], order[first[turned] + 1] = right[turned], left[turned]
    several = same[1:] | same[:-1]
    several[first] = several[first + 1] = False
    tied = np.flatnonzero(several)
    if not len(tied):
        return order
    asked = order[tied]
    by = [*_numbers(lines, places[asked]), text_rank(lines["claim_id"], places[asked])]
    if by_received:
        by.append(day_numbers(lines["received_date"].iloc[places[asked]]))
    order[tied] = asked[np.lexsort((*by, key[asked]))]
    return order


def _stands_behind(lines: pd.DataFrame, one: Ints, other: Ints, *, by_received: bool) -> Bools:
    """Lines that are later than others, one by one."""
    claim: Any = lines["claim_id"].array
    same = claim.codes[one] == claim.codes[other]
    words = pa.array(claim.categories, type=pa.string())
    texts = [words.take(pa.array(claim.codes[these[~same]])) for these in (one, other)]
    behind = np.zeros(len(one), dtype=bool)
    behind[~same] = pc.call_function("greater", texts).to_numpy(zero_copy_only=False)
    (row, number), (other_row, other_number) = _numbers(lines, one), _numbers(lines, other)
    behind |= same & ((number > other_number) | (number == other_number) & (row > other_row))
    if by_received:
        days = lines["received_date"]
        received, other_received = day_numbers(days.iloc[one]), day_numbers(days.iloc[other])
        behind = (received > other_received) | (received == other_received) & behind
    return behind


def _numbers(lines: pd.DataFrame, places: Ints) -> tuple[Ints, Ints]:
    """The row and the line number of some lines."""
    row, number = (
        lines[name].array.take(places).to_numpy(dtype=np.int64, na_value=0)
        for name in ("source_row", "line_number")
    )
    return row, number


def _neighbours_agree(sorted_key: Ints) -> Bools:
    """Places of a sorted key that hold the same as the one before or after."""
    same = sorted_key[1:] == sorted_key[:-1]
    agree: Bools = np.r_[False, same] | np.r_[same, False]
    return agree[: len(sorted_key)]


def text_rank(column: "pd.Series[str]", places: Ints) -> Ints:
    """The rank of some cells as text, among those."""
    cells: Any = column.array
    codes, present = pd.factorize(cells.codes[places])
    words = pa.array(cells.categories[present], type=pa.string())
    rank = np.empty(len(present), dtype=np.int64)
    rank[pc.sort_indices(words).to_numpy()] = np.arange(len(present))
    return rank[codes]


def occur_again(key: Ints) -> Bools:
    """Keys that occur more than once."""
    again = np.zeros(len(key), dtype=bool)
    again[in_company(key)] = True
    return again


def in_company(key: Ints) -> Ints:
    """Places of the keys that occur more than once, sorted by their key."""
    order = order_of(key)
    return order[_neighbours_agree(key[order])]


def group_starts(sorted_key: Ints) -> Ints:
    """For each place in a sorted key, the place where its group begins."""
    first = np.r_[True, sorted_key[1:] != sorted_key[:-1]]
    return np.maximum.accumulate(np.where(first, np.arange(len(sorted_key)), 0))


def pairs(group: Ints, kind: Ints) -> tuple[Ints, Ints]:
    """All ordered pairs of different kinds that stand in one group.

    ``group`` and ``kind`` hold one integer a line. Returns positions of the left and the right
    line of each pair, one representative a group and kind: the first in the order given.
    """
    left, right = zip(*pairs_by_and_by(group, kind), strict=True)
    return np.concatenate(left), np.concatenate(right)


def pairs_by_and_by(group: Ints, kind: Ints) -> Iterator[tuple[Ints, Ints]]:
    """The same, no more than some million pairs at once; at least once, if without any."""
    lowest = int(kind.min(initial=0))
    key = grouped(group) * (int(kind.max(initial=0)) - lowest + 1) + kind - lowest
    order = order_of(key)
    firsts = order[np.diff(key[order], prepend=-1) != 0]
    sorted_group = group[firsts]
    nothing = np.empty(0, dtype=np.int64)
    left, right, held = [nothing], [nothing], 0
    # Whose group has a line so many places on, has one at every place before.
    same, shift = np.arange(len(firsts)), 1
    while len(same):
        same = same[: np.searchsorted(same, len(firsts) - shift)]
        same = same[sorted_group[same + shift] == sorted_group[same]]
        left += [firsts[same], firsts[same + shift]]
        right += [firsts[same + shift], firsts[same]]
        held += 2 * len(same)
        if held >= _PAIRS_AT_ONCE:
            yield np.concatenate(left), np.concatenate(right)
            left, right, held = [nothing], [nothing], 0
        shift += 1
    yield np.concatenate(left), np.concatenate(right)


def earlier_in_group(order: Ints, key: Ints) -> Ints:
    """For each line, the first line of its group in ``order``, or -1 if it is that line itself."""
    places = group_starts(key[order])
    first = np.empty(len(order), dtype=np.int64)
    first[order] = order[places]
    first[first == np.arange(len(first))] = -1
    return first


def nearest(
    study: Ints, day: Ints, candidate_study: Ints, candidate_day: Ints, *, after: bool
) -> tuple[Ints, Ints]:
    """The nearest candidate of the same study on or before each day (or strictly after it).

    Returns the candidate's position or -1, and the days between. Candidates that tie are taken in
    the order given.
    """
    packed = _pack(candidate_study, candidate_day)
    order = order_of(packed)
    packed = packed[order]
    asked = _pack(study, day)
    place = np.searchsorted(packed, asked, side="right")
    if not after:
        place = place - 1
    inside = np.flatnonzero((place >= 0) & (place < len(order)))
    place = place[inside]
    if not after:
        # Back to the first of several candidates on that day.
        place = np.searchsorted(packed, packed[place], side="left")
    reached = order[place]
    same = candidate_study[reached] == study[inside]
    reached, asking = reached[same], inside[same]
    found = np.full(len(study), -1, dtype=np.int64)
    found[asking] = reached
    gap = np.zeros(len(study), dtype=np.int64)
    gap[asking] = np.abs(candidate_day[reached] - day[asking])
    return found, gap


def count_between(
    study: Ints, first_day: Ints, last_day: Ints, candidate_study: Ints, candidate_day: Ints
) -> Ints:
    """How many candidates of the same study lie between two days, both inclusive."""
    packed = _pack(candidate_study, candidate_day)
    packed = packed[order_of(packed)]
    upper = np.searchsorted(packed, _pack(study, last_day), side="right")
    return upper - np.searchsorted(packed, _pack(study, first_day), side="left")


def _pack(study: Ints, day: Ints) -> Ints:
    return study * 2**21 + day


def one_to_one(study: Ints, day: Ints, opens: Bools, *, within: int) -> Ints:
    """Pairs each closing line with the nearest earlier unpaired opening line of its study.

    Lines come in the order in which ties are broken: the first reading of a day takes the first
    scan. On one day openings stand before closings.
    Walking through a study by date, an opening is put on a stack and a closing takes the top, so
    pairs are matching brackets: counting up at an opening and down at a closing, both ends cross
    the same height, one after the other. A closing that finds the stack empty has no end before it
    at its height. Pairs further apart than ``within`` days don't count. Returns each line's
    partner, or -1.
    """
    span = int(day.max()) - int(day.min()) + 1 if len(day) else 1
    stands = (grouped(study) * span + day) * 2 + ~opens
    order = _openings_reversed(order_of(stands), stands, opens)
    opening = opens[order]
    height = np.cumsum(np.where(opening, 1, -1)) + ~opening
    by_height = order_of(height)
    one, other = by_height[:-1], by_height[1:]
    match = (
        opening[one]
        & (height[one] == height[other])
        & (study[order][one] == study[order][other])
        & (day[order][other] - day[order][one] <= within)
    )
    partner = np.full(len(order), -1, dtype=np.int64)
    partner[order[one[match]]] = order[other[match]]
    partner[order[other[match]]] = order[one[match]]
    return partner


def _openings_reversed(order: Ints, key: Ints, opens: Bools) -> Ints:
    """The same order, in which openings that tie in the key stand last to first."""
    starts = group_starts(key[order])
    size = np.bincount(starts, minlength=len(order))[starts]
    place = np.arange(len(order))
    turned = np.where(opens[order], 2 * starts + size - 1 - place, place)
    return order[turned]
