"""Columns with several codes in a line: modifiers, diagnoses, adjustment and remark codes.

Codes become numbers, a row of numbers stands for each combination of cells that occurs, and what
is done to a row is done to all rows at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from auditor.ingest.cells import Cells, Codes, Places, Texts, combine, string_array
from auditor.ingest.values import Value

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Words:
    """Words of each line: ``codes`` gives its row of ``ids``, an id its word; 0 is blank."""

    codes: Codes
    ids: Ids
    words: tuple[str, ...]


def words_of(columns: Sequence[Cells], values: Sequence[Sequence[Value]]) -> Words:
    """Words of several columns side by side, in the order of the columns.

    ``values`` has for each column the :class:`Value` of each of its texts, a tuple of words.
    """
    known: dict[str, int] = {"": 0}
    tables = [_table(column_values, known) for column_values in values]
    if len(columns) == 1:
        return Words(columns[0].codes, tables[0], tuple(known))
    codes, shown = combine([(cells.codes, len(cells.texts)) for cells in columns])
    pairs = list(zip(tables, columns, strict=True))
    ids = np.hstack([table[cells.codes[shown]] for table, cells in pairs])
    return Words(codes, ids, tuple(known))


def _table(values: Sequence[Value], known: dict[str, int]) -> Ids:
    """Ids of the words of each value, a row each; new words are added to the known ones."""
    found = [[known.setdefault(word, len(known)) for word in value.value] for value in values]
    table = np.zeros((len(found), max(map(len, found), default=0) or 1), dtype=np.int32)
    for row, ids in enumerate(found):
        table[row, : len(ids)] = ids
    return table


def closed_up(words: Words) -> Words:
    """Words without blank places between them."""
    order = np.argsort(words.ids == 0, axis=1, kind="stable")
    return replace(words, ids=np.take_along_axis(words.ids, order, axis=1))


def without_repeats(words: Words) -> Words:
    """Words of which each stands once in a line, where it stood first."""
    ordered = np.sort(words.ids, axis=1)
    repeats = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] != 0)
    rows = np.flatnonzero(repeats.any(axis=1))
    if not len(rows):
        return words
    some = words.ids[rows]
    order = np.argsort(some, axis=1, kind="stable")
    ordered = np.take_along_axis(some, order, axis=1)
    repeats = ordered[:, 1:] == ordered[:, :-1]
    ordered[:, 1:][repeats] = 0
    np.put_along_axis(some, order, ordered, axis=1)
    ids = words.ids.copy()
    ids[rows] = some
    return replace(words, ids=ids)


def first_words(words: Words, most: int) -> tuple[Words, Places]:
    """At most so many words of a line, and the lines that had more."""
    beyond = (np.cumsum(words.ids != 0, axis=1) > most) & (words.ids != 0)
    more = beyond.any(axis=1)
    if not more.any():
        return words, np.empty(0, dtype=np.int64)
    return replace(words, ids=np.where(beyond, 0, words.ids)), np.flatnonzero(more[words.codes])


def pointed(words: Words, pointers: Cells, values: Sequence[Value]) -> tuple[Words, Places]:
    """Of each line's words those that its pointer names, A the first, in the pointer's order.

    A line without a pointer keeps all its words; so does one whose pointer names a place that
    holds none: such lines are given back, too.
    """
    known: dict[tuple[str, ...], int] = {(): 0}
    choice = np.array([known.setdefault(value.value, len(known)) for value in values], np.int32)
    if len(known) == 1:
        return words, np.empty(0, dtype=np.int64)
    chosen = choice[pointers.codes]
    codes, shown = combine([(words.codes, len(words.ids)), (chosen, len(known))])
    ids, lost = _picked(words.ids[words.codes[shown]], chosen[shown], list(known))
    lines = np.flatnonzero(lost[codes]) if lost.any() else np.empty(0, dtype=np.int64)
    return Words(codes, ids, words.words), lines


def _picked(
    ids: Ids, chosen: Codes, choices: Sequence[tuple[str, ...]]
) -> tuple[Ids, npt.NDArray[np.bool_]]:
    """Rows of ids with the chosen places only, and whether a place held nothing."""
    picked = ids.copy()
    lost = np.zeros(len(ids), dtype=np.bool_)
    order = np.argsort(chosen, kind="stable")
    ends = np.searchsorted(chosen[order], np.arange(len(choices)), side="right")
    for number in range(1, len(choices)):
        rows = order[ends[number - 1] : ends[number]]
        places = np.array([ord(letter) - ord("A") for letter in choices[number]])
        if places.max() >= ids.shape[1]:
            lost[rows] = True
            continue
        found = ids[np.ix_(rows, places)]
        whole = (found != 0).all(axis=1)
        lost[rows[~whole]] = True
        picked[rows[whole]] = 0
        picked[np.ix_(rows[whole], np.arange(len(places)))] = found[whole]
    return picked, lost


def joined(words: Words) -> Texts:
    """Text of each combination: its words with blanks between them."""
    vocabulary = string_array(["", *(f" {word}" for word in words.words[1:])])
    places = [vocabulary.take(pa.array(place)) for place in np.ascontiguousarray(words.ids.T)]
    texts = pc.call_function("binary_join_element_wise", [*places, pa.scalar("")])
    return pc.utf8_slice_codeunits(texts, start=1)
