"""Claim lines of a part of a table in one file, the lines of each bucket together."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.ingest.mapping import Mapping
from auditor.scale.exchange import least_wide, lines_frame, lines_table
from auditor.scale.scratch import Codec
from auditor.schema import COLUMNS, REQUIRED, SOURCE_COLUMNS

# Lines that share a word, on average, where a column is kept as words and their numbers, and the
# most words: whoever reads a bucket unites those of every part.
_SHARED = 16
_MOST_WORDS = 2000


class Place(NamedTuple):
    """Where lines of one bucket lie in a file; ``rows_before`` is added to their row numbers."""

    path: Path
    batch: int
    rows_before: int = 0


def put_away(
    lines: pd.DataFrame,
    columns: Collection[str],
    buckets: int,
    path: Path,
    codec: Codec,
) -> dict[int, Place]:
    """Writes lines into a file, packed by ``codec``, and says where those of each bucket lie."""
    bucket = buckets_of(lines, buckets)
    order = np.argsort(bucket.astype(np.int16), kind="stable")  # numbers so narrow are counted
    ends = np.searchsorted(bucket[order], np.arange(buckets + 1))
    table = _narrow(_own_texts(lines_table(lines, columns))).take(order)
    filled = np.flatnonzero(np.diff(ends)).tolist()
    packed = pa.ipc.IpcWriteOptions(compression=codec)
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, table.schema, options=packed) as writer,
    ):
        for number in filled:
            writer.write_table(table.slice(ends[number], ends[number + 1] - ends[number]))
    return {number: Place(path, batch) for batch, number in enumerate(filled)}


def _own_texts(table: pa.Table) -> pa.Table:
    """The table with those texts as plain ones that few lines share.

    A bucket takes all words of a dictionary along; it shall not take those of other buckets.
    """
    for place, name in enumerate(table.column_names):
        if pa.types.is_dictionary(table.schema.field(name).type):
            column: Any = table.column(name).combine_chunks()
            words = len(column.dictionary)
            if words > min(table.num_rows // _SHARED, _MOST_WORDS):
                table = table.set_column(place, name, column.cast(pa.string()))
    return table


def _narrow(table: pa.Table) -> pa.Table:
    """The table with numbers as narrow as they are: what is written takes as long as it is wide."""
    for place, field in enumerate(table.schema):
        if pa.types.is_integer(field.type) or pa.types.is_floating(field.type):
            table = table.set_column(place, field.name, least_wide(table.column(place)))
    return table


def _wide(table: pa.Table) -> pa.Table:
    """The table with numbers and codes of one type, whatever part it is of."""
    for place, field in enumerate(table.schema):
        column: Any = table.column(place).combine_chunks()
        if pa.types.is_dictionary(field.type):
            codes = column.indices.cast(pa.int32())
            column = pa.DictionaryArray.from_arrays(codes, column.dictionary, safe=False)
        elif pa.types.is_integer(field.type):
            fractions = COLUMNS[field.name].kind == "number"
            column = column.cast(pa.float64() if fractions else pa.int64())
        else:
            continue
        table = table.set_column(place, field.name, column)
    return table


def lines_at(places: Sequence[Place]) -> pd.DataFrame:
    """The claim lines at some places of one table, in their order."""
    tables = [_at(place) for place in places]
    if any(table.schema != tables[0].schema for table in tables):
        plain = pa.schema([_plain(field) for field in tables[0].schema])
        tables = [table.cast(plain) for table in tables]
    return lines_frame(pa.concat_tables(tables))


def _plain(field: Any) -> Any:
    return field.with_type(pa.string()) if pa.types.is_dictionary(field.type) else field


def _at(place: Place) -> pa.Table:
    with pa.memory_map(str(place.path)) as file, pa.ipc.open_file(file) as reader:
        table = _wide(pa.Table.from_batches([reader.get_batch(place.batch)]))
    column = table.schema.get_field_index("source_row")
    rows: Any = pc.add(table.column(column), place.rows_before)
    return table.set_column(column, "source_row", rows)


def buckets_of(lines: pd.DataFrame, buckets: int) -> Any:
    """The bucket of each line: a digest of its patient, the same on every machine.

    A number with leading zeros goes where it would go without: one of them may have lost them.
    """
    numbers: Any = pa.array(lines["patient_id"].cat.categories, pa.string())
    words = pc.utf8_ltrim(numbers, characters="0").to_numpy(zero_copy_only=False)
    digest = pd.util.hash_array(words, categorize=False) % np.uint64(buckets)
    return digest.astype(np.int64)[lines["patient_id"].cat.codes.to_numpy()]


def columns_of(mapping: Mapping) -> list[str]:
    """Columns that may hold something; modifiers may stand in the cells of procedure codes."""
    source = {column.name for column in SOURCE_COLUMNS}
    filled = {match.column for match in mapping.matches} | source | {*REQUIRED, "modifiers"}
    return [name for name in COLUMNS if name in filled]
