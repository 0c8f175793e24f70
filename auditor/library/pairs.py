"""NCCI pairs in bulk: millions of rows as integers, and what several editions say together."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

OPEN = np.iinfo(np.int32).max
# 2**16 days from here reach the year 2139.
BASE = -(2**13)
_DAY_ROOM = 2**16
Objects = npt.NDArray[np.object_]
Bools = npt.NDArray[np.bool_]
# 32 bits hold a code or a day; a key of both takes 64.
Ints = npt.NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Pairs:
    """Edits as integers, sorted by pair and first day; codes count into ``words``, sorted.

    ``end`` is the last day in force, the largest 32-bit integer while open. ``rationale`` and
    ``said_by`` count into lists.
    """

    words: Objects
    one: Ints
    two: Ints
    start: Ints
    end: Ints
    indicator: Ints
    rationale: Ints
    rationales: tuple[str, ...]
    said_by: Ints

    def take(self, places: Ints) -> "Pairs":
        """Some of the edits."""
        return Pairs(
            self.words,
            self.one[places],
            self.two[places],
            self.start[places],
            self.end[places],
            self.indicator[places],
            self.rationale[places],
            self.rationales,
            self.said_by[places],
        )

    @property
    def order_key(self) -> Ints:
        """One integer an edit that sorts by pair and first day."""
        pair = self.one.astype(np.int64) * len(self.words) + self.two
        found: Ints = pair * _DAY_ROOM + (self.start - BASE)
        return found


def pairs_of(table: pa.Table, said_by: int) -> Pairs:
    """The rows of an imported edition."""
    words = np.array(
        sorted({word for name in ("column_one", "column_two") for word in _distinct(table, name)}),
        dtype=object,
    )
    place = {word: code for code, word in enumerate(words)}
    rationales = tuple(_distinct(table, "rationale"))
    by_word = {word: code for code, word in enumerate(rationales)}
    return Pairs(
        words=words,
        one=_mapped(table, "column_one", place),
        two=_mapped(table, "column_two", place),
        start=_days(table, "effective_from", BASE),
        end=_days(table, "effective_to", OPEN),
        indicator=_mapped(table, "modifier_indicator", {"0": 0, "1": 1, "9": 9}),
        rationale=_mapped(table, "rationale", by_word),
        rationales=rationales,
        said_by=np.full(table.num_rows, said_by, dtype=np.int32),
    )


def in_pair_order(table: pa.Table) -> tuple[pa.Table, list[tuple[str, str]]]:
    """Rows sorted by pair and first day, each edit once, and why others were dropped."""
    table = table.unify_dictionaries().combine_chunks()
    if table.num_rows == 0:
        return table, []
    found = pairs_of(table, 0)
    key = found.order_key
    order = np.argsort(key, kind="stable")
    again = np.r_[False, key[order][1:] == key[order][:-1]]
    first = order[~again]
    dropped = []
    for place in np.flatnonzero(again):
        row, before = order[place], order[place - 1]
        same = found.end[row] == found.end[before]
        same = same and found.indicator[row] == found.indicator[before]
        reason = "repeats an earlier row" if same else "contradicts an earlier row of its key"
        dropped.append((reason, f"{found.words[found.one[row]]} {found.words[found.two[row]]}"))
    return table.take(pa.array(first)), dropped


def together(older: Pairs, newer: Pairs, first_day: int) -> Pairs:
    """What two editions say, the newer in force from ``first_day``.

    The newer restates every edit with its history, so its word on an edit holds for all dates. What
    it no longer states ended with the older edition.
    """
    words = np.array(sorted({*older.words, *newer.words}), dtype=object)
    older, newer = _with_words(older, words), _with_words(newer, words)
    rationales = tuple(dict.fromkeys([*older.rationales, *newer.rationales]))
    of_newer = np.array([rationales.index(word) for word in newer.rationales], dtype=np.int32)
    restated = _among_sorted(older.order_key, newer.order_key)
    kept = older.take(np.flatnonzero(~restated))
    whole = Pairs(
        words,
        np.concatenate([kept.one, newer.one]),
        np.concatenate([kept.two, newer.two]),
        np.concatenate([kept.start, newer.start]),
        np.concatenate([np.minimum(kept.end, first_day - 1), newer.end]),
        np.concatenate([kept.indicator, newer.indicator]),
        np.concatenate([kept.rationale, of_newer[newer.rationale]]),
        rationales,
        np.concatenate([kept.said_by, newer.said_by]),
    )
    return whole.take(np.argsort(whole.order_key, kind="stable"))


def ever_in_force(pairs: Pairs) -> Pairs:
    """The edits that are in force on some day, no two of a pair on the same day.

    Indicator 9, and a deletion on the day it began, mean that an edit never was. Where two rows of
    one pair overlap, the later begins and the earlier ends.
    """
    live = pairs.take(np.flatnonzero((pairs.indicator != 9) & (pairs.end > pairs.start)))
    if len(live.one) == 0:
        return live
    same = (live.one[1:] == live.one[:-1]) & (live.two[1:] == live.two[:-1])
    following = np.where(same, live.start[1:] - 1, OPEN)
    live.end[:-1] = np.minimum(live.end[:-1], following)
    return live.take(np.flatnonzero(live.end >= live.start))


def in_force_within(pairs: Pairs, first_day: int, last_day: int) -> Pairs:
    """The edits that are in force on some day of a span, the last of each pair."""
    live = ever_in_force(pairs)
    live = live.take(np.flatnonzero((live.start <= last_day) & (live.end >= first_day)))
    pair = live.one.astype(np.int64) * len(live.words) + live.two
    return live.take(np.flatnonzero(np.r_[pair[1:] != pair[:-1], True][: len(pair)]))


def always(pairs: Pairs) -> Pairs:
    """The same edits, in force on every day."""
    start = np.full(len(pairs.one), BASE, dtype=np.int32)
    return replace(pairs, start=start, end=np.full(len(pairs.one), OPEN, dtype=np.int32))


def as_table(pairs: Pairs, setting: str, sources: Sequence[str]) -> pa.Table:
    """The edits as a table of words and dates, to be stored."""
    words = pa.array(list(pairs.words), pa.string())
    starts, ends = pairs.start.astype(np.int32), pairs.end.astype(np.int32)
    return pa.table(
        {
            "setting": _worded(np.zeros(len(starts), np.int32), pa.array([setting])),
            "column_one": _worded(pairs.one, words),
            "column_two": _worded(pairs.two, words),
            "effective_from": pa.array(starts, pa.date32(), mask=starts == BASE),
            "effective_to": pa.array(ends, pa.date32(), mask=ends == OPEN),
            "modifier_indicator": _worded(np.minimum(pairs.indicator, 2), pa.array(["0", "1", ""])),
            "rationale": _worded(pairs.rationale, pa.array(list(pairs.rationales), pa.string())),
            "source": _worded(pairs.said_by, pa.array(list(sources), pa.string())),
        }
    )


def _worded(codes: Ints, words: Any) -> Any:
    return pa.DictionaryArray.from_arrays(codes.astype(np.int32), words)


def _with_words(pairs: Pairs, words: Objects) -> Pairs:
    moved = np.searchsorted(words, pairs.words).astype(np.int32)
    return Pairs(
        words,
        moved[pairs.one],
        moved[pairs.two],
        pairs.start,
        pairs.end,
        pairs.indicator,
        pairs.rationale,
        pairs.rationales,
        pairs.said_by,
    )


def _among_sorted(keys: Ints, wanted: Ints) -> Bools:
    place = np.minimum(np.searchsorted(wanted, keys), max(len(wanted) - 1, 0))
    found: Bools = wanted[place] == keys if len(wanted) else np.zeros(len(keys), dtype=bool)
    return found


def _distinct(table: pa.Table, name: str) -> list[str]:
    column: Any = table[name].unify_dictionaries()
    return [] if column.num_chunks == 0 else column.chunk(0).dictionary.to_pylist()


def _mapped(table: pa.Table, name: str, codes: dict[str, int]) -> Ints:
    column: Any = table[name].unify_dictionaries().combine_chunks()
    column = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    # Words of rows that were set aside may still stand in the dictionary.
    words = column.dictionary.to_pylist()
    known = np.array([codes.get(word, -1) for word in words] or [0], dtype=np.int32)
    found: Ints = known[column.indices.to_numpy(zero_copy_only=False)]
    return found


def _days(table: pa.Table, name: str, blank: int) -> Ints:
    column: Any = table[name].cast(pa.int32())
    column = column.fill_null(blank)
    return np.array(column.to_numpy(), dtype=np.int32)
