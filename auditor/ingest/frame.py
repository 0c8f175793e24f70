"""Columns of the claim lines frame, typed as ``schema`` says, and frames put together."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.ingest.cells import Codes, Mask, Places, Texts, string_array
from auditor.ingest.cleaning import Cleaned
from auditor.schema import COLUMNS

S = TypeVar("S")
T = TypeVar("T")

_FIRST_LINES = 10_000  # among them, most columns show all their texts
TEXT: Any = pd.StringDtype("pyarrow", na_value=np.nan)
_BLANK: Any = pd.CategoricalDtype(pd.Index(pd.array([""], dtype=TEXT)))


def categorical(codes: Codes, texts: Texts, *, distinct: bool = False) -> Any:
    """Text column: category 0 is always ``""``, and no other category is unused.

    ``distinct`` promises that no two of the texts are equal, so that none need be looked up.
    """
    if distinct:
        words, codes = _blank_first(codes, texts)
    else:
        everything: Any = pa.concat_arrays([string_array([""]), texts]).dictionary_encode()
        words = everything.dictionary
        places = everything.indices.to_numpy()[1:]
        codes = places.astype(np.min_scalar_type(-len(words)))[codes]
    used = np.zeros(len(words), dtype=np.bool_)
    used[0] = True
    used[codes[:_FIRST_LINES]] = True
    if not used.all():
        used[codes] = True
    if not used.all():
        codes = (np.cumsum(used, dtype=np.int32) - 1)[codes]
        words = words.filter(pa.array(used))
    return of_distinct(codes, words)


def of_distinct(codes: Codes, words: Texts) -> Any:
    """Text column as it is given: the words are distinct, the blank one is the first."""
    # pandas would hash all words to make sure that they are distinct.
    kind = pd.CategoricalDtype._from_fastpath(pd.Index(pd.array(words, dtype=TEXT)))  # type: ignore[attr-defined]
    return pd.Categorical.from_codes(codes, dtype=kind, validate=False)


def _blank_first(codes: Codes, texts: Texts) -> tuple[Texts, Codes]:
    """The texts with ``""`` before the others, and the codes that go with them."""
    blank = pc.index(texts, pa.scalar("")).as_py()
    if blank == 0:
        return texts, codes
    before = len(texts) if blank < 0 else blank
    words = pa.concat_arrays([string_array([""]), texts[:before], texts[before + 1 :]])
    if blank < 0:
        return words, codes + np.int32(1)
    moved = codes + (codes < blank).astype(np.int32)
    moved[codes == blank] = 0
    return words, moved


def whole_numbers(numbers: npt.NDArray[np.int64], missing: Mask) -> Any:
    """Column of cents or integers, Int64."""
    return pd.arrays.IntegerArray(numbers, missing)


def as_column(cleaned: Cleaned, kind: str) -> Any:
    """Values of all lines as a column of the frame; ``kind`` is the schema column's."""
    if kind == "text":
        as_found = cleaned.values is cleaned.cells.texts
        return categorical(cleaned.cells.codes, cleaned.values, distinct=as_found)
    of_lines = cleaned.values[cleaned.cells.codes]
    if kind == "date":
        return of_lines
    missing = cleaned.missing[cleaned.cells.codes]
    if kind == "number":
        of_lines[missing] = np.nan
        return of_lines
    return whole_numbers(of_lines, missing)


def blank_column(kind: str, lines: int) -> Any:
    """Column of the frame that the export doesn't have."""
    if kind == "text":
        return pd.Categorical.from_codes(np.zeros(lines, dtype=np.int8), dtype=_BLANK)
    if kind == "date":
        return np.full(lines, "NaT", dtype="datetime64[s]")
    if kind == "number":
        return np.full(lines, np.nan)
    return whole_numbers(np.zeros(lines, dtype=np.int64), np.ones(lines, dtype=np.bool_))


def some_lines(lines: pd.DataFrame, places: Places) -> pd.DataFrame:
    """Some of the lines, numbered anew; column by column on all cores."""
    arrays = side_by_side(lambda name: _taken(lines[name].array, places), list(lines.columns))
    return pd.DataFrame(dict(zip(lines.columns, arrays, strict=True)), copy=False)


def _taken(column: Any, places: Places) -> Any:
    """Some cells of a column; of few, only the words that occur, for rules ask each word once."""
    if not isinstance(column, pd.Categorical) or 2 * len(places) > len(column):
        return column.take(places)
    codes, words = column.codes[places], column.categories
    present = np.zeros(len(words), dtype=np.bool_)
    present[0] = True  # the blank is word 0 everywhere
    present[codes] = True
    if present.all():
        return pd.Categorical.from_codes(codes, dtype=column.dtype, validate=False)
    number = np.cumsum(present, dtype=np.int32) - np.int32(1)
    kept: Any = pa.array(words, type=pa.string())
    return of_distinct(number[codes], kept.filter(pa.array(present)))


def side_by_side(task: Callable[[S], T], given: Sequence[S]) -> list[T]:
    """What a task makes of each thing given; tasks of whole columns leave Python's lock.

    Two threads at most: more would wait for each other. None where Arrow, too, was told to keep to
    one core.
    """
    if pa.cpu_count() < 2:
        return list(map(task, given))
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(task, given))


def join(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Claim lines of several tables as one frame, in their order, the categories united."""
    if len(tables) == 1:
        return tables[0]
    columns: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        pieces: list[Any] = [table[name] for table in tables]
        if not pieces:
            columns[name] = blank_column(column.kind, 0)
        elif column.kind == "text":
            columns[name] = _united(pieces)
        else:
            columns[name] = pd.concat(pieces, ignore_index=True).array
    return pd.DataFrame(columns, copy=False)


def _united(pieces: Sequence[Any]) -> Any:
    """One text column out of several, each with its own categories."""
    texts = [string_array(piece.cat.categories.to_numpy()) for piece in pieces]
    starts = np.cumsum([0, *map(len, texts)][:-1])
    codes = [
        piece.cat.codes.to_numpy().astype(np.int32) + np.int32(start)
        for piece, start in zip(pieces, starts, strict=True)
    ]
    return categorical(np.concatenate(codes), pa.concat_arrays(texts))
