"""Reads Parquet files, columns of any plain type as text."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.errors import AuditError
from auditor.ingest.file_bytes import FileBytes
from auditor.ingest.header import header_cells, header_only, is_blank
from auditor.ingest.raw import SAMPLE_ROWS, Part, Parts, RawLines, RawTable
from auditor.ingest.records import CELL, blank_mask

_INTEGERS_END = 2.0**63

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _File:
    """An open Parquet file and its bytes."""

    name: str
    contents: FileBytes
    schema: Any
    metadata: Any
    header: tuple[str, ...]


def open_parquet(file: BinaryIO, name: str, path: Path) -> RawTable:
    """The table in an open Parquet file; its column names count as row 1.

    Raises AuditError for a damaged file and for one without rows.
    """
    contents = FileBytes(file, name)
    parquet = _whole(name, lambda: pq.ParquetFile(contents.as_file()))
    schema = _whole(name, lambda: parquet.schema_arrow)
    header = _whole(name, lambda: header_cells(schema.names))
    if not schema.names:
        raise AuditError(f"{name} holds no columns; export it again")
    if parquet.metadata.num_rows == 0:
        raise header_only(name, header)
    opened = _File(name, contents, schema, parquet.metadata, header)

    def pieces(positions: Sequence[int], size: int) -> Iterator[RawLines]:
        for groups in _runs(opened.metadata, size):
            yield _read(opened, positions, groups)

    return RawTable(
        file=name,
        path=path,
        sheet=None,
        header=header,
        header_row=1,
        sample=_sample(parquet, name),
        notes=("Parquet; its column names count as row 1",),
        _read=lambda positions: _read(opened, positions, range(opened.metadata.num_row_groups)),
        _read_pieces=pieces,
        parts=_parts_of(opened),
    )


def _parts_of(file: _File) -> Parts:
    """The same table in runs of row groups."""

    def cut(size: int) -> list[Part]:
        return [(groups.start, groups.stop) for groups in _runs(file.metadata, size)]

    def read(positions: Sequence[int], part: Part) -> RawLines:
        first, beyond = part
        end = file.metadata.num_row_groups if beyond is None else beyond
        return _read(file, positions, range(first, end))

    return Parts(cut, read, numbered=True)


def _read(file: _File, positions: Sequence[int], groups: range) -> RawLines:
    """The rows of some row groups."""
    wanted = positions or (0,)
    cells = _read_cells(file, wanted, groups)
    first = 2 + sum(file.metadata.row_group(group).num_rows for group in range(groups.start))
    rows = np.arange(first, first + cells.num_rows, dtype=np.int64)
    blank = blank_mask(cells)
    if blank is not None and len(wanted) < len(file.header):
        plain = [p for p in range(len(file.header)) if _is_plain(file.schema.types[p])]
        blank = blank_mask(_read_cells(file, plain, groups))
    blank_rows = 0
    if blank is not None:
        blank_rows = int(blank.sum())
        cells, rows = cells.filter(pa.array(~blank)), rows[~blank]
    kept = cells.select([str(position) for position in positions])
    ends = groups.stop == file.metadata.num_row_groups
    begins = groups.start == 0
    return RawLines(kept, pa.array(rows), (), blank_rows, begins=begins, ends=ends)


def _read_cells(file: _File, positions: Sequence[int], groups: range) -> pa.Table:
    names, types = file.schema.names, file.schema.types
    texts = [names[p] for p in positions if _is_text(types[p])]
    again = pq.ParquetFile(file.contents.as_file(), read_dictionary=texts)
    asked = [names[p] for p in positions]
    table = _whole(file.name, lambda: again.read_row_groups(list(groups), columns=asked))
    cells: dict[str, Any] = {}
    for p in positions:
        # Columns of the same name all come; each is known by its place among them.
        column = table.columns[_place(table.column_names, names, p)]
        cells[str(p)] = _as_cells(column, f"{file.name} column '{file.header[p]}'")
    return pa.table(cells)


def _runs(metadata: Any, size: int) -> Iterator[range]:
    """Runs of row groups of about so many bytes unpacked; a row group is never cut.

    What little is left at the end belongs to the last run.
    """
    groups = range(metadata.num_row_groups)
    left = sum(metadata.row_group(group).total_byte_size for group in groups)
    start, held = 0, 0
    for group in groups:
        held += metadata.row_group(group).total_byte_size
        if (held >= size and left - held > size // 2) or group == groups[-1]:
            yield range(start, group + 1)
            start, left, held = group + 1, left - held, 0


def _whole(name: str, ask: Callable[[], Answer]) -> Answer:
    try:
        return ask()
    except (pa.ArrowException, OSError, UnicodeError):
        raise AuditError(
            f"{name} is a Parquet file cut short or damaged; copy or write it again"
        ) from None


def _sample(parquet: Any, name: str) -> tuple[tuple[str, ...], ...]:
    rows: list[tuple[str, ...]] = []
    batches = parquet.iter_batches(batch_size=SAMPLE_ROWS)
    while len(rows) < SAMPLE_ROWS:
        batch = _whole(name, lambda: next(batches, None))
        if batch is None:
            break
        columns = [
            _texts(column, name).to_pylist() if _is_plain(column.type) else [""] * batch.num_rows
            for column in batch.columns
        ]
        rows += (row for row in zip(*columns, strict=True) if not is_blank(row))
    return tuple(rows[:SAMPLE_ROWS])


def _place(found: Sequence[str], names: Sequence[str], position: int) -> int:
    """Where, among the columns that were read, the one at this position of the file stands."""
    name = names[position]
    earlier = names[:position].count(name)
    return [place for place, each in enumerate(found) if each == name][earlier]


def _is_text(kind: pa.DataType) -> bool:
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_plain(kind: pa.DataType) -> bool:
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return _is_plain(kind.value_type)
    return not pa.types.is_nested(kind)


def _as_cells(column: Any, shown: str) -> Any:
    return pa.chunked_array([_recoded(chunk, shown) for chunk in column.chunks], CELL)


def _recoded(chunk: Any, shown: str) -> Any:
    """The chunk as text, each distinct value turned once; null becomes blank."""
    if not pa.types.is_dictionary(chunk.type):
        if pa.types.is_nested(chunk.type):
            chunk = _texts(chunk, shown)
        chunk = chunk.dictionary_encode()
    values = chunk.dictionary
    # Distinct values may read the same (a date, and the same date at midnight).
    texts = pa.concat_arrays([_texts(values, shown), pa.array([""])]).dictionary_encode()
    codes = pc.fill_null(chunk.indices.cast(pa.int32()), len(values))
    return pa.DictionaryArray.from_arrays(texts.indices.take(codes), texts.dictionary)


def _texts(values: Any, shown: str) -> Any:
    """Values as text, never null."""
    kind = values.type
    try:
        if pa.types.is_dictionary(kind):
            values = values.dictionary_decode()
            kind = values.type
        if pa.types.is_boolean(kind):
            texts = pc.if_else(values, "TRUE", "FALSE")
        elif pa.types.is_floating(kind):
            texts = _float_texts(values)
        elif pa.types.is_timestamp(kind):
            texts = _timestamp_texts(values)
        elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
            inner = _texts(values.values, shown).cast(pa.string())
            offsets = values.offsets.cast(pa.int32())
            texts = pc.binary_join(pa.ListArray.from_arrays(offsets, inner), " ")
        elif pa.types.is_fixed_size_binary(kind):
            texts = values.cast(pa.binary()).cast(pa.string())
        else:
            texts = values.cast(pa.string())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise AuditError(
            f"{shown} is of type {kind}, which has no text; write it as text"
        ) from None
    return pc.fill_null(texts, "")


def _float_texts(values: Any) -> Any:
    numbers = values.cast(pa.float64())
    whole = pc.and_(
        pc.equal(numbers, pc.floor(numbers)), pc.less(pc.abs(numbers), pa.scalar(_INTEGERS_END))
    )
    integers = pc.if_else(whole, numbers, 0.0).cast(pa.int64()).cast(pa.string())
    decimals = values if pa.types.is_float32(values.type) else numbers
    texts = pc.if_else(whole, integers, decimals.cast(pa.string()))
    return pc.if_else(pc.is_nan(numbers), "", texts)


def _timestamp_texts(values: Any) -> Any:
    if values.type.tz is not None:
        values = pc.local_timestamp(values)
    return pc.replace_substring_regex(
        values.cast(pa.string()), pattern=r"( 00:00:00)?(\.0+)?$", replacement=""
    )
