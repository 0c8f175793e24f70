"""Exports spread over buckets of patients on disk: every patient's lines lie in one bucket."""

import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from auditor.ingest.mapping import Mapping
from auditor.ingest.normalise import Intake, join
from auditor.ingest.raw import RawTable
from auditor.ingest.restored import Restored
from auditor.intake import Claims, read_in_pieces, tables_to_read, together
from auditor.scale.exchange import lines_frame, lines_table
from auditor.schema import COLUMNS, REQUIRED, SOURCE_COLUMNS

Heard = Callable[[float, int], None]
"""Told the share of the files that is read, and the lines so far."""


@dataclass(frozen=True)
class Buckets:
    """Claim lines on disk: ``folder`` holds a folder a table, and in it a file a bucket."""

    folder: Path
    tables: int
    buckets: int

    def lines(self, bucket: int) -> pd.DataFrame:
        """The claim lines of a bucket in the order of the files."""
        paths = [_path(self.folder, table, bucket) for table in range(self.tables)]
        frames = [lines_frame(pq.read_table(path)) for path in paths if path.exists()]
        return join(frames)

    def filled(self) -> list[int]:
        """The buckets that hold lines; the first where none does."""
        found = {int(path.stem) for path in self.folder.glob("*/*.parquet")}
        return sorted(found) or [0]


def spread(
    paths: Sequence[Path],
    folder: Path,
    *,
    buckets: int,
    piece: int,
    heard: Heard,
    profile: Path | None = None,
    sheet: str | None = None,
    patient_id_substitute: str = "",
) -> tuple[Claims, Buckets]:
    """Reads files piece by piece and puts each line into its patient's bucket.

    Returns what ``read_files`` returns, without the lines. Raises AuditError as it does.
    """
    tables = tables_to_read(
        paths, profile=profile, sheet=sheet, patient_id_substitute=patient_id_substitute
    )
    parts = []
    lines = 0
    for number, (table, mapping) in enumerate(tables):

        def told(share: float, read: int, number: int = number, before: int = lines) -> None:
            heard((number + share) / len(tables), before + read)

        part = _spread_table(table, mapping, folder, number, buckets, piece, told)
        lines += part.lines_read
        parts.append(part)
    return together(parts), Buckets(folder, len(tables), buckets)


def _spread_table(
    table: RawTable,
    mapping: Mapping,
    folder: Path,
    number: int,
    buckets: int,
    piece: int,
    heard: Heard,
) -> Claims:
    columns = _columns(mapping)
    size = table.path.stat().st_size
    intakes: list[Intake] = []
    shelf = _Shelf(folder, number, buckets)
    try:
        current = 0
        for round_number, lines, intake in read_in_pieces(table, mapping, piece):
            if round_number != current:
                current = round_number
                intakes.clear()
                shelf.empty()
            intakes.append(intake)
            shelf.put(lines, columns)
            read = sum(one.lines_read for one in intakes)
            heard(min(len(intakes) * piece / size, 0.99), read)
    finally:
        shelf.close()
    intake = intakes_together(intakes)
    return together([Claims(join([]), (intake,), intake.rejected)])


class _Shelf:
    """The open files of one table's buckets."""

    def __init__(self, folder: Path, table: int, buckets: int) -> None:
        self._folder, self._table, self._buckets = folder, table, buckets
        self._writers: dict[int, Any] = {}
        self.empty()

    def put(self, lines: pd.DataFrame, columns: Collection[str]) -> None:
        """Puts lines into their buckets, behind those that are there."""
        bucket = buckets_of(lines, self._buckets)
        order = np.argsort(bucket, kind="stable")
        table = lines_table(lines, columns).take(order)
        ends = np.searchsorted(bucket[order], np.arange(self._buckets + 1))
        for number in np.flatnonzero(np.diff(ends)).tolist():
            if number not in self._writers:
                path = _path(self._folder, self._table, number)
                self._writers[number] = pq.ParquetWriter(path, table.schema, compression="lz4")
            self._writers[number].write_table(table.slice(ends[number], np.diff(ends)[number]))

    def empty(self) -> None:
        """Takes everything out again."""
        self.close()
        folder = _path(self._folder, self._table, 0).parent
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o700)

    def close(self) -> None:
        """Finishes the files."""
        while self._writers:
            self._writers.popitem()[1].close()


def buckets_of(lines: pd.DataFrame, buckets: int) -> Any:
    """The bucket of each line: a digest of its patient, the same on every machine."""
    words = lines["patient_id"].cat.categories.to_numpy(dtype=object)
    digest = pd.util.hash_array(words, categorize=False) % np.uint64(buckets)
    return digest.astype(np.int64)[lines["patient_id"].cat.codes.to_numpy()]


def _path(folder: Path, table: int, bucket: int) -> Path:
    return folder / f"{table:03d}" / f"{bucket:03d}.parquet"


def _columns(mapping: Mapping) -> frozenset[str]:
    """Columns that may hold something; modifiers may stand in the cells of procedure codes."""
    source = {column.name for column in SOURCE_COLUMNS}
    return frozenset(
        {match.column for match in mapping.matches} | source | {*REQUIRED, "modifiers"}
    )


def intakes_together(pieces: Sequence[Intake]) -> Intake:
    """What became of a table, from what became of its pieces in their order."""
    repairs = pd.concat([piece.repairs for piece in pieces], ignore_index=True)
    by = ["column", "repair"]
    summed = repairs.groupby(by, sort=False, as_index=False).agg(
        cells=("cells", "sum"), example_shape=("example_shape", "first")
    )
    place = summed["column"].map({name: number for number, name in enumerate(COLUMNS)})
    summed = summed.assign(place=place).sort_values(["place", "repair"]).drop(columns="place")
    rejected = [piece.rejected for piece in pieces if len(piece.rejected)]
    return replace(
        pieces[0],
        lines_read=sum(piece.lines_read for piece in pieces),
        totals_rows=sum(piece.totals_rows for piece in pieces),
        repairs=summed[list(repairs.columns)].reset_index(drop=True),
        rejected=pd.concat(rejected, ignore_index=True) if rejected else pieces[0].rejected,
        restored=_restored([one for piece in pieces for one in piece.restored]),
    )


def _restored(pieces: Sequence[Restored]) -> tuple[Restored, ...]:
    found = []
    for column in dict.fromkeys(one.column for one in pieces):
        some = [one for one in pieces if one.column == column]
        found.append(
            Restored(
                column,
                np.concatenate([one.rows for one in some]),
                pd.api.types.union_categoricals([one.before for one in some]),
                pd.api.types.union_categoricals([one.after for one in some]),
            )
        )
    return tuple(found)
