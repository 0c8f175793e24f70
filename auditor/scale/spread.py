"""Exports spread over buckets of patients on disk: every patient's lines lie in one bucket.

A table is read in parts, by several workers at once. A part is cut behind a line end, and that is
the end of a record unless a cell holds line ends of its own; where one does, the part can't be
read for itself, and the table is read from its beginning, piece after piece.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed, wait
from dataclasses import dataclass, replace
from functools import reduce
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from auditor.errors import AuditError
from auditor.ingest.habits import Habits
from auditor.ingest.mapping import Mapping as ColumnMapping
from auditor.ingest.normalise import Intake, join, lines_of, positions_of
from auditor.ingest.raw import Part, RawTable
from auditor.intake import Claims, read_in_pieces, together
from auditor.scale.intakes import intakes_together, with_rows_behind
from auditor.scale.scratch import Codec
from auditor.scale.shelves import Place, columns_of, lines_at, put_away
from auditor.scale.workers import known

Heard = Callable[[float, int], None]
"""Told the share of the files that is read, and the lines so far."""


@dataclass(frozen=True)
class Spreading:
    """What a worker that reads must know."""

    tables: Sequence[tuple[RawTable, ColumnMapping]]
    folder: Path
    buckets: int
    codec: Codec = None

    def path(self, table: int, part: int) -> Path:
        """The file for the lines of a part of a table."""
        return self.folder / f"{table:03d}-{part:05d}.lines"


@dataclass(frozen=True)
class Buckets:
    """Claim lines on disk: ``places`` says, by bucket and table, where they lie."""

    places: Mapping[int, Mapping[int, Sequence[Place]]]

    def lines(self, bucket: int) -> pd.DataFrame:
        """The claim lines of a bucket in the order of the files."""
        return join([lines_at(places) for places in self.places.get(bucket, {}).values()])

    def filled(self) -> list[int]:
        """The buckets that hold lines; the first where none does."""
        return sorted(self.places) or [0]


class _Read(NamedTuple):
    """A part of a table that was read, as ``assumed``, and put away by bucket."""

    intake: Intake
    assumed: Habits
    shown: Habits
    records: int
    places: dict[int, Place]


def spread(work: Spreading, pool: Executor, *, piece: int, heard: Heard) -> tuple[Claims, Buckets]:
    """Reads tables and puts each line into its patient's bucket.

    ``pool``: workers that know ``work``. Returns what ``read_files`` returns, without the lines.
    Raises AuditError as it does.
    """
    places: dict[int, dict[int, list[Place]]] = {}
    claims = []
    lines = 0
    for number, (table, _) in enumerate(work.tables):

        def told(share: float, read: int, number: int = number, before: int = lines) -> None:
            heard((number + share) / len(work.tables), before + read)

        read = _in_parts(number, table, pool, piece, told)
        if read is None:
            read = _piece_by_piece(work, number, piece, told)
        for one in read:
            for bucket, place in one.places.items():
                places.setdefault(bucket, {}).setdefault(number, []).append(place)
        intake = intakes_together([one.intake for one in read])
        intake = replace(intake, sha256=table.sha256)
        lines += intake.lines_read
        claims.append(together([Claims(join([]), (intake,), intake.rejected)]))
    return together(claims), Buckets(places)


def _in_parts(
    number: int, table: RawTable, pool: Executor, piece: int, heard: Heard
) -> list[_Read] | None:
    """A table read by several workers; None where its parts can't be told apart.

    Each part is read as it writes itself, and again where all of them together show otherwise.
    """
    if table.parts is None:
        return None
    parts = table.parts.cut(piece)
    read: dict[int, _Read] = {}
    assumed: Habits | None = None
    while again := [one for one in range(len(parts)) if not _read_alike(read.get(one), assumed)]:
        asked = {
            pool.submit(read_part, number, place, parts[place], assumed): place for place in again
        }
        for done, future in enumerate(as_completed(asked), start=1):
            one = future.result()
            if one is None:
                _drop(asked)
                return None
            read[asked[future]] = one
            heard(done / len(asked), sum(other.intake.lines_read for other in read.values()))
        assumed = reduce(Habits.beside, [read[place].shown for place in range(len(parts))])
    found = [read[place] for place in range(len(parts))]
    if not any(one.intake.lines_read + one.intake.totals_rows for one in found):
        return None
    return found if table.parts.numbered else _numbered(found, table.header_row)


def _read_alike(one: _Read | None, assumed: Habits | None) -> bool:
    return one is not None and assumed is not None and one.assumed.read_alike(assumed)


def _drop(asked: Iterable["Future[_Read | None]"]) -> None:
    """Lets go of what was asked, and waits for what is being done."""
    wait([future for future in asked if not future.cancel()])


def _numbered(read: Sequence[_Read], header_row: int) -> list[_Read]:
    """Parts whose rows were counted from 1 on, with the numbers of the table."""
    before = accumulate((one.records for one in read), initial=header_row)
    return [
        one._replace(
            intake=with_rows_behind(one.intake, rows),
            places={
                bucket: place._replace(rows_before=rows) for bucket, place in one.places.items()
            },
        )
        for one, rows in zip(read, before, strict=False)
    ]


def read_part(number: int, place: int, part: Part, assumed: Habits | None) -> _Read | None:
    """What a worker does: reads a part and puts its lines away; None where that can't be done."""
    work: Spreading = known()
    table, mapping = work.tables[number]
    assert table.parts
    try:
        raw = table.parts.read(positions_of(mapping), part)
    except AuditError:  # reading the whole table will say what is wrong, and where
        return None
    # The digest is found beside, in the parent alone.
    lines, intake, shown = lines_of(replace(table, digest=str), mapping, raw, assumed)
    places = put_away(
        lines, columns_of(mapping), work.buckets, work.path(number, place), work.codec
    )
    return _Read(intake, assumed or shown, shown, raw.records, places)


def _piece_by_piece(work: Spreading, number: int, piece: int, heard: Heard) -> list[_Read]:
    """A table read from its beginning on; a workbook, which is never so large, comes whole."""
    table, mapping = work.tables[number]
    size = table.path.stat().st_size
    found: list[_Read] = []
    current = 0
    for round_number, lines, intake in read_in_pieces(table, mapping, piece):
        if round_number != current:
            current = round_number
            found.clear()
        path = work.path(number, len(found))
        places = put_away(lines, columns_of(mapping), work.buckets, path, work.codec)
        found.append(_Read(intake, Habits(), Habits(), 0, places))
        read = sum(one.intake.lines_read for one in found)
        heard(min(len(found) * piece / size, 0.99), read)
    return found
