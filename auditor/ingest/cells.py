"""Dictionary-encoded columns: a cell is read once for each distinct text, not once a line.

A column is its distinct texts and, for each line, the code of its text. Columns that are read
together are brought to one code for each combination of cells that occurs.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

Codes = npt.NDArray[np.signedinteger[Any]]
Mask = npt.NDArray[np.bool_]
Places = npt.NDArray[np.int64]
Texts = Any  # a pyarrow StringArray, whose methods its type stubs don't know


@dataclass(frozen=True)
class Cells:
    """A column of an export: ``texts``, mostly distinct, and a code into them for each line."""

    codes: Codes
    texts: Texts

    def of(self, lines: "Runs") -> "Cells":
        """The cells of some lines."""
        return Cells(lines.of(self.codes), self.texts)


@dataclass(frozen=True)
class Runs:
    """Some lines, most of them in long runs: a column of them is copied run by run."""

    bounds: Sequence[tuple[int, int]]

    def of(self, column: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A column's values of these lines."""
        return np.concatenate([column[:0], *(column[first:end] for first, end in self.bounds)])


def runs_of(lines: Mask) -> Runs:
    """The lines of a mask."""
    edges = np.flatnonzero(np.diff(np.r_[False, lines, False])).tolist()
    return Runs(list(zip(edges[::2], edges[1::2], strict=True)))


def encode(column: Any) -> Cells:
    """Cells of an Arrow column of text, chunked or not, dictionary-encoded or not."""
    if isinstance(column, pa.Array):
        column = pa.chunked_array([column])
    if pa.types.is_dictionary(column.type):
        chunks = column.unify_dictionaries().chunks
    else:  # its chunks share one dictionary, which would be hashed again for each
        chunks = column.cast(pa.string()).dictionary_encode().chunks
    if not chunks:
        return same("", 0)
    texts = chunks[-1].dictionary.cast(pa.string()).fill_null("")
    indices = [chunk.indices for chunk in chunks]
    if column.null_count:
        indices = [some.fill_null(len(texts)) for some in indices]
        texts = pa.concat_arrays([texts, string_array([""])])
    parts = [some.to_numpy() for some in indices]
    return Cells(np.concatenate(parts, dtype=_narrow(len(texts)), casting="unsafe"), texts)


def _narrow(size: int) -> type[np.signedinteger[Any]]:
    """The least type of the codes of so many texts."""
    kind: type[np.signedinteger[Any]] = np.min_scalar_type(-max(size, 1)).type
    return kind


def string_array(texts: Sequence[str | None]) -> Texts:
    """Texts as Arrow strings, also where there are none or all are missing."""
    return pa.array(texts, pa.string())


def same(text: str, lines: int) -> Cells:
    """Cells that all hold the same text."""
    return Cells(np.zeros(lines, dtype=np.int32), string_array([text]))


def lines_of_code(codes: Codes, size: int) -> Places:
    """Number of lines that have each code."""
    return np.bincount(codes, minlength=size)


def combine(columns: Sequence[tuple[Codes, int]]) -> tuple[Codes, Places]:
    """One code a line for the combination of its codes, and a line that shows each combination.

    ``columns`` gives the codes of each column and how many there can be.
    """
    lines = len(columns[0][0])
    key = np.zeros(lines, dtype=np.int64)
    size = 1
    for codes, count in columns:
        if size * max(count, 1) >= 2**62:
            key, distinct = pd.factorize(key)
            size = len(distinct)
        key = key * max(count, 1) + codes
        size *= max(count, 1)
    if size <= 4 * lines:
        return _numbered(key, size)
    combined, distinct = pd.factorize(key)
    shown = np.zeros(len(distinct), dtype=np.int64)
    shown[combined] = np.arange(lines)
    return combined.astype(np.int32), shown


def _numbered(key: Places, size: int) -> tuple[Codes, Places]:
    """The same where there are few keys: counted instead of hashed."""
    line = np.full(size, -1, dtype=np.int64)
    line[key] = np.arange(len(key))
    present = np.flatnonzero(line >= 0)
    number = np.zeros(size, dtype=np.int32)
    number[present] = np.arange(len(present), dtype=np.int32)
    return number[key], line[present]


def together(columns: Sequence[Cells], piece: Callable[[str], str], separator: str) -> Cells:
    """One column out of several: in each line their texts, each through ``piece``, joined."""
    if len(columns) == 1:
        return columns[0]
    codes, shown = combine([(cells.codes, len(cells.texts)) for cells in columns])
    pieces = [[piece(text) for text in cells.texts.to_pylist()] for cells in columns]
    rows = zip(*(cells.codes[shown].tolist() for cells in columns), strict=True)
    texts = [
        separator.join(filter(None, (of[code] for of, code in zip(pieces, row, strict=True))))
        for row in rows
    ]
    return Cells(codes, string_array(texts))
