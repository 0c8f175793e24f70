"""Splits all rows of a delimited text: many threads at once where that is safe, else with care.

Safe is: every record stands on one line and has as many cells as the header. Then record and line
numbers agree, and pyarrow's threads may cut the text at any line end.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from auditor.errors import AuditError
from auditor.ingest.encodings import LONGEST_CELL, Text, cell_too_long
from auditor.ingest.header import fitted, is_blank
from auditor.ingest.raw import Misfit, RawLines
from auditor.ingest.row_streams import Counted, Followed

CELL: Any = pa.dictionary(pa.int32(), pa.string())
# A block and its cells fit into a core's own cache: with larger ones splitting takes twice as long.
_BLOCKS = (1 << 19, 1 << 21)
_COUNTED_AT_ONCE = 1 << 18
_TAIL_BYTES = 4096
_LONGEST_LINE = 1 << 20
_FEWEST_CELLS_TO_TELL = 4
_ROWS_AFFECTED = re.compile(r"\([0-9]+ rows? affected\)")  # sqlcmd's last line


@dataclass(frozen=True)
class Layout:
    """Where the rows begin and how they are cut.

    ``width`` is the number of cells a row; more than the header's when rows end in blank cells.
    ``beyond`` is the byte behind the last row's line end; None reads to the end of the text.
    """

    delimiter: str
    header: tuple[str, ...]
    header_row: int
    width: int
    first_byte: int
    beyond: int | None = None


@dataclass(frozen=True)
class _Records:
    cells: pa.Table
    rows: npt.NDArray[np.int64]
    misfits: list[Misfit] = field(default_factory=list)
    blank_rows: int = 0


def read_records(text: Text, layout: Layout, name: str, positions: Sequence[int]) -> RawLines:
    """All rows below the header, for the columns at these positions.

    Raises AuditError where a quotation mark is never closed.
    """
    beyond = range(len(layout.header), layout.width)
    # Without any column pyarrow could not count rows.
    wanted = list(dict.fromkeys([*positions, *beyond])) or [0]
    quick = _read_quickly(text, layout, wanted)
    if quick is not None and blank_mask(quick.cells) is None:
        records = quick
    else:
        records = _read_carefully(text, layout, name)
    records = _without_spill(records, beyond)
    blank = blank_mask(records.cells)
    blank_rows = records.blank_rows
    if blank is not None:
        blank_rows += int(blank.sum())
        records = _kept(records, ~blank)
    return RawLines(
        cells=records.cells.select([str(position) for position in positions]),
        rows=pa.array(records.rows),
        misfits=tuple(sorted(records.misfits, key=lambda misfit: misfit.row)),
        blank_rows=blank_rows,
    )


def blank_mask(cells: pa.Table) -> npt.NDArray[np.bool_] | None:
    """Which rows have only blank cells; None if no row has."""
    mask: npt.NDArray[np.bool_] | None = None
    # Columns of few values first: most settle at once that no row is blank.
    for column in sorted(cells.columns, key=_distinct):
        here = np.concatenate([np.zeros(0, bool), *map(_blank_cells, column.chunks)])
        mask = here if mask is None else mask & here
        if not mask.any():
            return None
    return mask


def _distinct(column: Any) -> int:
    return sum(len(chunk.dictionary) for chunk in column.chunks)


def _blank_cells(chunk: Any) -> npt.NDArray[np.bool_]:
    trimmed: Any = pc.utf8_trim_whitespace(chunk.dictionary)
    blank = pc.equal(trimmed, pa.scalar("")).to_numpy(zero_copy_only=False)
    cells: npt.NDArray[np.bool_] = blank[chunk.indices.to_numpy()]
    return cells


def _kept(records: _Records, keep: npt.NDArray[np.bool_]) -> _Records:
    return _Records(
        records.cells.filter(pa.array(keep)),
        records.rows[keep],
        records.misfits,
        records.blank_rows,
    )


def _without_spill(records: _Records, beyond: Sequence[int]) -> _Records:
    """Rows whose cells beyond the header's last are not blank become misfits."""
    if not beyond:
        return records
    blank = blank_mask(records.cells.select([str(position) for position in beyond]))
    spilt = np.ones(len(records.rows), bool) if blank is None else ~blank
    misfits = [
        Misfit(int(row), f"more cells than the header, which has {beyond[0]}")
        for row in records.rows[spilt]
    ]
    kept = _kept(records, ~spilt)
    return _Records(kept.cells, kept.rows, [*records.misfits, *misfits], records.blank_rows)


def _read_quickly(text: Text, layout: Layout, positions: Sequence[int]) -> _Records | None:
    """All rows by many threads; None unless each line proves to be one fitting record."""
    end = _end(text, layout)
    if end <= layout.first_byte or _last_line_leaves_quote_open(text, layout, end):
        return None
    rows = Counted(text, layout.first_byte, end)
    block = _block(end - layout.first_byte)
    try:
        cells = _split(pa.PythonFile(rows, "r"), layout, positions, block=block)
    except pa.ArrowInvalid:
        return None
    if cells.num_rows != rows.lines:
        return None
    first = layout.header_row + 1
    return _Records(cells, np.arange(first, first + cells.num_rows, dtype=np.int64))


def _end(text: Text, layout: Layout) -> int:
    """Byte offset behind the last row, without the line ends that follow it."""
    if layout.beyond is not None:
        line_end = text.memory[max(layout.first_byte, layout.beyond - 2) : layout.beyond]
        return layout.beyond - (2 if line_end == b"\r\n" else 1)
    tail = text.memory[max(layout.first_byte, len(text.memory) - _TAIL_BYTES) :]
    return len(text.memory) - len(tail) + len(tail.rstrip(b"\r\n"))


def _block(size: int) -> int:
    """Bytes that a thread takes at once: each block has its own dictionaries, to be united."""
    smallest, largest = _BLOCKS
    return min(max(smallest, size // pa.cpu_count() + 1), largest)


def _split(
    rows: Any,
    layout: Layout,
    positions: Sequence[int],
    on_misfit: Callable[[Any], Literal["skip"]] | None = None,
    *,
    block: int = LONGEST_CELL,
) -> pa.Table:
    careful = on_misfit is not None
    return pyarrow.csv.read_csv(
        rows,
        read_options=pyarrow.csv.ReadOptions(
            use_threads=not careful,  # only one thread knows the number of a misfit
            block_size=block,
            column_names=[str(position) for position in range(layout.width)],
        ),
        parse_options=pyarrow.csv.ParseOptions(
            delimiter=layout.delimiter,
            newlines_in_values=careful,
            ignore_empty_lines=not careful,
            invalid_row_handler=on_misfit,
        ),
        convert_options=pyarrow.csv.ConvertOptions(
            check_utf8=False,  # as_utf8 has checked it
            include_columns=[str(position) for position in positions],
            column_types={str(position): CELL for position in positions},
            strings_can_be_null=False,
        ),
    )


def _last_line_leaves_quote_open(text: Text, layout: Layout, end: int) -> bool:
    start = max(layout.first_byte, end - _LONGEST_LINE)
    line = text.memory[start:end]
    line = line[max(line.rfind(b"\n"), line.rfind(b"\r")) + 1 :]
    return leaves_quote_open(line.decode("utf-8", errors="replace"), layout.delimiter)


def leaves_quote_open(record: str, delimiter: str) -> bool:
    """Whether the record would go on with the next line."""
    try:
        return len(list(csv.reader([record + "\n", delimiter], delimiter=delimiter))) < 2
    except csv.Error:  # longer than any cell may be
        return True


def _read_carefully(text: Text, layout: Layout, name: str) -> _Records:
    """All rows by one thread: cells of several lines, blank rows, and rows that don't fit.

    All columns, too: only then is a row known to be blank, or to have swallowed the next.
    """
    end_mark = "\x1a" + layout.delimiter * layout.width
    unfit: list[int] = []
    repaired: list[tuple[int, tuple[str, ...]]] = []
    misfits: list[Misfit] = []
    blank_rows = 0
    ended = False

    def on_misfit(row: Any) -> Literal["skip"]:
        nonlocal ended, blank_rows
        if row.text == end_mark:
            ended = True
            return "skip"
        unfit.append(row.number)
        cells = _cells_of(row.text, layout)
        surplus, lacking = cells[len(layout.header) :], layout.header[len(cells) :]
        if is_blank(cells) or _ROWS_AFFECTED.fullmatch(row.text.strip()):
            blank_rows += 1
        elif is_blank(surplus) and is_blank(lacking):
            repaired.append((row.number, fitted(cells[: len(layout.header)], layout.width)))
        else:
            misfits.append(Misfit(layout.header_row + row.number, _reason(cells, row.text, layout)))
        return "skip"

    rows = Followed(text, layout.first_byte, _end(text, layout), f"\n{end_mark}\n".encode())
    try:
        table = _split(rows, layout, range(layout.width), on_misfit)
    except pa.ArrowInvalid:
        raise _not_split(text, layout, name) from None
    total = table.num_rows + len(unfit)
    if not ended:
        raise quote_left_open(name, layout.header_row + total)
    fit = np.setdiff1d(np.arange(1, total + 1), np.array(unfit, np.int64), assume_unique=True)
    records = _Records(table, layout.header_row + fit, misfits, blank_rows)
    return _with_repaired(_without_swallowed(records, layout), layout, repaired)


def _cells_of(record: str, layout: Layout) -> list[str]:
    try:
        return next(csv.reader(io.StringIO(record, newline=""), delimiter=layout.delimiter), [])
    except csv.Error:
        return [record]


def _reason(cells: Sequence[str], record: str, layout: Layout) -> str:
    found = f"{len(cells)} cell{'' if len(cells) == 1 else 's'}"
    lines = record.count("\n") + 1
    several = f"; it runs over {lines} lines, a quotation mark may be missing" if lines > 1 else ""
    return f"{found} where the header has {len(layout.header)}{several}"


def _without_swallowed(records: _Records, layout: Layout) -> _Records:
    """Rows that fit only because a cell holds the end of one line and the start of the next.

    A quotation mark that opens where none belongs closes at the next one; if that stands in the
    same column of a later line, the two lines make one record of the right width, and its cell
    has a whole line's delimiters for each line end.
    """
    if layout.width < _FEWEST_CELLS_TO_TELL:
        return records
    swallowed = np.zeros(len(records.rows), bool)
    for column in records.cells.columns:
        swallowed |= np.concatenate(
            [np.zeros(0, bool), *(_holds_lines(chunk, layout) for chunk in column.chunks)]
        )
    if not swallowed.any():
        return records
    reason = "it swallows the row after it: a quotation mark opens a cell and is not closed there"
    misfits = [Misfit(int(row), reason) for row in records.rows[swallowed]]
    kept = _kept(records, ~swallowed)
    return _Records(kept.cells, kept.rows, [*records.misfits, *misfits], records.blank_rows)


def _holds_lines(chunk: Any, layout: Layout) -> npt.NDArray[np.bool_]:
    line_ends: Any = pc.count_substring(chunk.dictionary, "\n")
    delimiters: Any = pc.count_substring(chunk.dictionary, layout.delimiter)
    ends: npt.NDArray[np.int32] = line_ends.to_numpy()
    holds = (ends > 0) & (delimiters.to_numpy() == ends * (layout.width - 1))
    cells: npt.NDArray[np.bool_] = holds[chunk.indices.to_numpy()]
    return cells


def _with_repaired(
    records: _Records,
    layout: Layout,
    repaired: list[tuple[int, tuple[str, ...]]],
) -> _Records:
    """Rows that only lacked or added blank cells at their end, back in their places."""
    if not repaired:
        return records
    added = pa.table(
        {
            str(position): pa.array([cells[position] for _, cells in repaired]).cast(CELL)
            for position in range(layout.width)
        }
    )
    rows = np.array([layout.header_row + number for number, _ in repaired], np.int64)
    rows = np.concatenate([records.rows, rows])
    order = np.argsort(rows)
    cells = pa.concat_tables([records.cells, added]).unify_dictionaries()
    return _Records(cells.take(order), rows[order], records.misfits, records.blank_rows)


def quote_left_open(name: str, row: int) -> AuditError:
    """The refusal of a text in which a quotation mark is never closed."""
    return AuditError(
        f"{name} row {row}: a quotation mark opens a cell and is never closed, so the rows after "
        "it can't be told apart; correct that row or export the file again"
    )


def no_end_of_cell(text: Text, start: int, name: str, row: int) -> AuditError:
    """The refusal of a row, from a byte on, in which a cell does not end where it should.

    A quotation mark that is never closed leaves an odd number of them.
    """
    pieces = range(start, len(text.memory), _COUNTED_AT_ONCE)
    marks = sum(text.memory[place : place + _COUNTED_AT_ONCE].count(b'"') for place in pieces)
    if marks % 2:
        return quote_left_open(name, row)
    return cell_too_long(name, row)


def _not_split(text: Text, layout: Layout, name: str) -> AuditError:
    """Why pyarrow gave up: a quote left open or a cell too long, whose row csv can name."""
    raw: Any = Followed(text, layout.first_byte, len(text.memory), b"")
    row, taken, start = layout.header_row, layout.first_byte, layout.first_byte

    def taking(line: str) -> str:
        nonlocal taken
        taken += len(line.encode("utf-8"))
        return line

    lines = map(taking, io.TextIOWrapper(raw, "utf-8", newline=""))
    former = csv.field_size_limit(LONGEST_CELL)
    try:
        for _ in csv.reader(lines, delimiter=layout.delimiter):
            row, start = row + 1, taken
    except csv.Error:
        return no_end_of_cell(text, start, name, row + 1)
    finally:
        csv.field_size_limit(former)
    return AuditError(f"{name} can't be split into rows; open it in Excel and save it as CSV again")
