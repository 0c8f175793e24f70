"""Claim lines of a part of a table in one file, the lines of each bucket together."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.ingest.frame import some_lines
from auditor.ingest.mapping import Mapping
from auditor.scale.exchange import lines_frame, lines_table
from auditor.schema import COLUMNS, REQUIRED, SOURCE_COLUMNS


class Place(NamedTuple):
    """Where lines of one bucket lie in a file; ``rows_before`` is added to their row numbers."""

    path: Path
    first: int
    size: int
    rows_before: int = 0


def put_away(
    lines: pd.DataFrame, columns: Collection[str], buckets: int, path: Path
) -> dict[int, Place]:
    """Writes lines into a file and says where those of each bucket lie."""
    bucket = buckets_of(lines, buckets)
    order = np.argsort(bucket, kind="stable")
    ends = np.searchsorted(bucket[order], np.arange(buckets + 1))
    found: dict[int, Place] = {}
    with pa.OSFile(str(path), "wb") as file:
        for number in np.flatnonzero(np.diff(ends)).tolist():
            places = order[ends[number] : ends[number + 1]]
            table = lines_table(some_lines(lines[columns], places), columns)
            first = file.tell()
            with pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table)
            found[number] = Place(path, first, file.tell() - first)
    return found


def lines_at(places: Sequence[Place]) -> pd.DataFrame:
    """The claim lines at some places of one table, in their order."""
    return lines_frame(pa.concat_tables([_at(place) for place in places]))


def _at(place: Place) -> pa.Table:
    with pa.memory_map(str(place.path)) as file:
        file.seek(place.first)
        table = pa.ipc.open_stream(file.read_buffer(place.size)).read_all()
    column = table.schema.get_field_index("source_row")
    rows: Any = pc.add(table.column(column), place.rows_before)
    return table.set_column(column, "source_row", rows)


def buckets_of(lines: pd.DataFrame, buckets: int) -> Any:
    """The bucket of each line: a digest of its patient, the same on every machine."""
    words = lines["patient_id"].cat.categories.to_numpy(dtype=object)
    digest = pd.util.hash_array(words, categorize=False) % np.uint64(buckets)
    return digest.astype(np.int64)[lines["patient_id"].cat.codes.to_numpy()]


def columns_of(mapping: Mapping) -> list[str]:
    """Columns that may hold something; modifiers may stand in the cells of procedure codes."""
    source = {column.name for column in SOURCE_COLUMNS}
    filled = {match.column for match in mapping.matches} | source | {*REQUIRED, "modifiers"}
    return [name for name in COLUMNS if name in filled]
