"""What Spark's workers do with their share of the lines: Arrow batches in, Arrow batches out.

Each function takes what all workers must know and gives one for ``mapInArrow``. Beside the lines
or findings stands a column of summaries, blank but on one row a share: pickled, for the driver.
"""

import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from auditor.asides import doubts_of
from auditor.audit import audit, prepare
from auditor.caching import forget
from auditor.corrections import proposed
from auditor.errors import AuditError
from auditor.extract import Extract, share_of
from auditor.faults import place_of
from auditor.ingest.habits import Habits
from auditor.ingest.mapping import Mapping as ColumnMapping
from auditor.ingest.normalise import Intake, lines_of, positions_of
from auditor.ingest.raw import RawLines, RawTable
from auditor.ingest.records import CELL
from auditor.reference import Reference
from auditor.scale.exchange import findings_arrow, findings_schema, lines_frame, lines_table
from auditor.scale.parts import bare
from auditor.schema import COLUMNS

Batches = Iterator[pa.RecordBatch]
Worker = Callable[[Batches], Batches]

FILE, ROW, SHARE, SUMMARY = "auditor_file", "auditor_row", "auditor_share", "auditor_summary"
_KINDS: dict[str, pa.DataType] = {
    "text": pa.string(),
    "date": pa.date32(),
    "number": pa.float64(),
}
LINES = pa.schema(
    [
        *(pa.field(name, _KINDS.get(column.kind, pa.int64())) for name, column in COLUMNS.items()),
        pa.field(SUMMARY, pa.binary()),
    ]
)
FINDINGS = pa.schema([*findings_schema(), (SUMMARY, pa.binary())])
SUMMARIES = pa.schema([(SUMMARY, pa.binary())])


@dataclass(frozen=True)
class Read:
    """What a reading worker must know.

    ``before`` is, by file and share of the lines, the number of rows of the file in earlier shares;
    None where each line brings its own row number. ``digests`` are by file.
    """

    header: tuple[str, ...]
    mapping: ColumnMapping
    digests: Mapping[str, str]
    before: Mapping[tuple[str, int], int] | None
    assumed: Habits | None


@dataclass(frozen=True)
class Judge:
    """What an auditing worker must know. ``files`` are in the order in which they were given."""

    reference: Reference
    as_of: date
    payers: Mapping[str, str]
    options: Mapping[str, Any]
    files: tuple[str, ...]
    intakes: tuple[Intake, ...] = ()
    extract: Extract | None = None


def reading(known: Read) -> Worker:
    """Rows of text to claim lines; the summary holds an intake and habits by file."""

    def work(batches: Batches) -> Batches:
        table = _whole(batches)
        if table is None:
            return
        summary: list[tuple[Intake, Habits]] = []
        files: Any = table.column(FILE).combine_chunks()
        for name in sorted(set(files.to_pylist())):
            some = table.filter(pa.compute.equal(files, name))
            lines, intake, habits = lines_of(
                _raw_table(known, name), known.mapping, _raw_lines(known, some, name), known.assumed
            )
            summary.append((intake, habits))
            yield from _batches(lines_table(lines, list(COLUMNS)), LINES)
        yield from _summary(summary, LINES)

    return work


def sharing(known: Judge) -> Worker:
    """Claim lines to what their patients add to the extract, and the doubts about them."""

    def work(batches: Batches) -> Batches:
        lines = _lines(batches, known)
        if lines is None:
            return
        doubts = doubts_of(lines)
        prepared = _prepared(lines, known)
        yield from _summary((share_of(prepared.extract, prepared.lines), doubts), SUMMARIES)
        forget()

    return work


def judging(known: Judge) -> Worker:
    """Claim lines to findings; the summary holds the audit without them, and corrections."""

    def work(batches: Batches) -> Batches:
        lines = _lines(batches, known)
        if lines is None:
            return
        prepared = replace(_prepared(lines, known), extract=known.extract)
        result = audit(prepared, known.reference, options=known.options)
        corrections = proposed(result.findings, result.lines, known.reference, known.intakes)
        yield from _batches(findings_arrow(result.findings), FINDINGS)
        yield from _summary((bare(result), corrections), FINDINGS)

    return work


def without_words(work: Worker) -> Worker:
    """The same work; of a fault that nobody foresaw, Spark logs no more than the place."""

    def told(batches: Batches) -> Batches:
        try:
            yield from work(batches)
        except AuditError:
            raise
        except Exception as fault:
            raise RuntimeError(f"{place_of(fault)}: a fault of the program") from None

    return told


def _whole(batches: Batches) -> pa.Table | None:
    held = [batch for batch in batches if batch.num_rows]
    return pa.Table.from_batches(held) if held else None


def _raw_table(known: Read, name: str) -> RawTable:
    def never(_positions: Any) -> RawLines:
        raise AssertionError("its rows are at hand")

    return RawTable(
        file=name,
        path=None,  # type: ignore[arg-type]  # nothing asks a table for it whose rows are at hand
        sheet=None,
        header=known.header,
        header_row=1,
        sample=(),
        notes=("read by Spark; its column names count as row 1",),
        _read=never,
        digest=lambda: known.digests.get(name, ""),
    )


def _raw_lines(known: Read, table: pa.Table, name: str) -> RawLines:
    """Cells by their place in the header, and the row of each line."""
    cells: dict[str, Any] = {}
    for place in positions_of(known.mapping):
        column: Any = table.column(str(place))
        cells[str(place)] = column.cast(pa.string()).fill_null("").dictionary_encode().cast(CELL)
    if known.before is None:
        rows: Any = table.column(ROW).combine_chunks()
    else:
        share = table.column(SHARE)[0].as_py()
        first = 2 + known.before.get((name, share), 0)
        rows = pa.array(np.arange(first, first + table.num_rows, dtype=np.int64))
    return RawLines(pa.table(cells), rows.cast(pa.int64()), (), ends=False)


def _lines(batches: Batches, known: Judge) -> pd.DataFrame | None:
    """Claim lines in the order of the files and their rows, which no shuffle keeps."""
    table = _whole(batches)
    if table is None:
        return None
    lines = lines_frame(table.drop_columns([SUMMARY]))
    place = {name: number for number, name in enumerate(known.files)}
    words = lines["source_file"].cat
    file = np.array([place.get(name, len(place)) for name in words.categories])
    row = lines["source_row"].to_numpy(dtype=np.int64)
    order = np.lexsort((row, file[words.codes.to_numpy()]))
    return lines.iloc[order].reset_index(drop=True)


def _prepared(lines: pd.DataFrame, known: Judge) -> Any:
    return prepare(
        lines, known.reference, as_of=known.as_of, payers=known.payers, options=known.options
    )


def _batches(table: pa.Table, schema: pa.Schema) -> Batches:
    """The table in the schema of the answer, its summary blank."""
    columns: dict[str, Any] = {}
    for field in schema:
        if field.name == SUMMARY:
            columns[SUMMARY] = pa.nulls(table.num_rows, pa.binary())
        else:
            columns[field.name] = table.column(field.name).cast(field.type)
    yield from pa.table(columns, schema=schema).to_batches(max_chunksize=10_000)


def _summary(content: object, schema: pa.Schema) -> Batches:
    row = [None if field.name != SUMMARY else pickle.dumps(content) for field in schema]
    arrays = [pa.array([cell], field.type) for cell, field in zip(row, schema, strict=True)]
    yield pa.RecordBatch.from_arrays(arrays, schema=schema)
