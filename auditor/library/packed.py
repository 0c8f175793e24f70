"""NCCI pairs as integers beside their words, so that an audit can look through millions of them.

``one`` and ``two`` are places among the words of the file's metadata; ``says`` packs first and last
day, indicator, rationale and edition of the edit into one integer.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.errors import AuditError
from auditor.library.pairs import BASE, OPEN, Pairs, as_table

Ints = npt.NDArray[np.integer[Any]]

PACKED = ("one", "two", "says")
_META = b"pairs"
_DAY, _INDICATOR, _WORD = 16, 2, 12
_LAST = 2**_DAY - 1


@dataclass(frozen=True)
class Words:
    """What the integers of a file stand for."""

    setting: str
    codes: tuple[str, ...]
    rationales: tuple[str, ...]
    sources: tuple[str, ...]


def packed(pairs: Pairs, setting: str, sources: Sequence[str]) -> pa.Table:
    """The edits as words and dates, and once more as integers; what those mean as metadata."""
    if max(len(pairs.rationales), len(sources)) >= 2**_WORD:
        raise AuditError(
            f"the editions have {len(sources):,} sources and {len(pairs.rationales):,} rationales, "
            f"more than {2**_WORD:,}; import them into several libraries"
        )
    said = pairs.start.astype(np.int64) - BASE
    said = said << _DAY | np.minimum(pairs.end.astype(np.int64) - BASE, _LAST)
    said = said << _INDICATOR | np.minimum(pairs.indicator, 2)
    said = (said << _WORD | pairs.rationale) << _WORD | pairs.said_by
    table = as_table(pairs, setting, sources)
    for name, column in zip(PACKED, (pairs.one, pairs.two, said), strict=True):
        kind = pa.int64() if name == "says" else pa.int32()
        table = table.append_column(name, pa.array(column, kind))
    meaning = {
        "setting": setting,
        "codes": list(pairs.words),
        "rationales": list(pairs.rationales),
        "sources": list(sources),
    }
    return table.replace_schema_metadata({_META: json.dumps(meaning).encode()})


def words_of_file(file: pq.ParquetFile, path: Path) -> Words:
    """What the integers of a file mean. Raises AuditError where it has none."""
    written = (file.schema_arrow.metadata or {}).get(_META)
    if written is None:
        raise AuditError(
            f"{path}: was written by an earlier version of the program; import its editions again"
        )
    meaning = json.loads(written)
    return Words(
        meaning["setting"],
        *(tuple(meaning[name]) for name in ("codes", "rationales", "sources")),
    )


def days_of(says: Ints) -> tuple[Ints, Ints]:
    """First and last day of each edit, in days since 1970-01-01; an open end lies beyond 2100."""
    end = says >> (_INDICATOR + 2 * _WORD) & _LAST
    return (says >> (_DAY + _INDICATOR + 2 * _WORD)) + BASE, end + BASE


def unpacked(one: Ints, two: Ints, says: Ints, words: Words) -> Pairs:
    """Edits of which the integers were read."""
    start, end = days_of(says)
    indicator = says >> (2 * _WORD) & (2**_INDICATOR - 1)
    return Pairs(
        words=np.array(words.codes, dtype=object),
        one=one,
        two=two,
        start=start.astype(np.int32),
        end=np.where(end == _LAST + BASE, OPEN, end).astype(np.int32),
        indicator=np.where(indicator == 2, 9, indicator).astype(np.int32),
        rationale=(says >> _WORD & (2**_WORD - 1)).astype(np.int32),
        rationales=words.rationales,
        said_by=(says & (2**_WORD - 1)).astype(np.int32),
    )
