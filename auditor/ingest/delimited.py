"""Reads delimited text: finds delimiter and header, and splits all rows by pyarrow."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import mode
from typing import BinaryIO

from auditor.errors import AuditError
from auditor.ingest.encodings import Text, as_utf8
from auditor.ingest.header import (
    HEADER_WITHIN,
    find_header,
    fitted,
    header_cells,
    header_only,
    is_blank,
    title_note,
)
from auditor.ingest.pieces import parts_of, read_pieces
from auditor.ingest.raw import SAMPLE_ROWS, KnownColumns, RawLines, RawTable
from auditor.ingest.records import (
    Layout,
    leaves_quote_open,
    no_end_of_cell,
    quote_left_open,
    read_records,
)

_DELIMITERS = {
    ",": "comma",
    "|": "pipe",
    "\t": "tab",
    ";": "semicolon",
    "~": "tilde",
    "^": "caret",
}
_SHOWS_NOTHING = b" \v\f\x00\x1a" + "".join(_DELIMITERS).encode()
_HEAD_BYTES = 1 << 22
_HEAD_RECORDS = 300


@dataclass(frozen=True)
class _Head:
    """The first records of a text, split at one delimiter; ``ends`` are byte offsets."""

    delimiter: str
    records: list[list[str]]
    ends: list[int]
    header: int
    known: int

    @property
    def rows(self) -> list[list[str]]:
        return [cells for cells in self.records[self.header + 1 :] if not is_blank(cells)]


def open_delimited(file: BinaryIO, name: str, path: Path, known_columns: KnownColumns) -> RawTable:
    """The table in an open text file. Raises AuditError if there is no header or no line."""
    text = as_utf8(file, name)
    head = _find_delimiter(text, known_columns)
    if head is None:
        raise _no_header(text, name)
    if not head.rows and head.ends[-1] >= len(text.memory):
        first_byte = head.ends[head.header - 1] if head.header else text.start
        record = text.memory[first_byte : head.ends[head.header]].decode("utf-8")
        if leaves_quote_open(record.rstrip("\r\n"), head.delimiter):
            raise quote_left_open(name, head.header + 1)
        raise header_only(name, head.records[head.header])
    width = _width(head)
    header = fitted(header_cells(head.records[head.header]), width)
    named = len(head.records[head.header])
    layout = Layout(
        delimiter=head.delimiter,
        header=header[:named],
        header_row=head.header + 1,
        width=width,
        first_byte=head.ends[head.header],
    )
    fitting = [cells for cells in head.rows if len(cells) == width]

    def read(positions: Sequence[int]) -> RawLines:
        lines = read_records(text, layout, name, positions)
        if not len(lines.rows) and not lines.misfits:
            raise header_only(name)
        return lines

    def pieces(positions: Sequence[int], size: int) -> Iterator[RawLines]:
        return read_pieces(text, layout, name, positions, size)

    return RawTable(
        file=name,
        path=path,
        sheet=None,
        header=layout.header,
        header_row=layout.header_row,
        sample=tuple(fitted(cells, len(layout.header)) for cells in fitting[:SAMPLE_ROWS]),
        notes=(*_format_note(text, head), *title_note(head.records, head.header)),
        _read=read,
        _read_pieces=pieces,
        parts=parts_of(text, layout, name),
    )


def _no_header(text: Text, name: str) -> AuditError:
    first_lines = text.memory[text.start : text.start + _HEAD_BYTES].splitlines()[:HEADER_WITHIN]
    if any(line.translate(None, _SHOWS_NOTHING) for line in first_lines):
        return no_end_of_cell(text, text.start, name, 1)
    return AuditError(f"{name} shows nothing in its first {HEADER_WITHIN} rows; export it again")


def _find_delimiter(text: Text, known_columns: KnownColumns) -> _Head | None:
    """The delimiter whose header names most claim-line columns, then the one that splits evenly.

    csv.Sniffer guesses from the frequency of characters; the header's words decide more surely.
    """
    piece = text.memory[text.start : text.start + _HEAD_BYTES]
    found = [delimiter for delimiter in _DELIMITERS if delimiter.encode() in piece]
    heads = [
        head
        for delimiter in found or [","]
        if (head := _split_head(text, delimiter, known_columns)) is not None
    ]
    return max(heads, key=_likelihood, default=None)


def _likelihood(head: _Head) -> tuple[int, int, int]:
    width = len(head.records[head.header])
    even = sum(len(cells) == width for cells in head.rows) if width > 1 else 0
    return head.known, even, width


def _split_head(text: Text, delimiter: str, known_columns: KnownColumns) -> _Head | None:
    piece = text.memory[text.start : text.start + _HEAD_BYTES]
    whole = text.start + len(piece) >= len(text.memory)
    if not whole:
        piece = piece[: max(piece.rfind(b"\n"), piece.rfind(b"\r")) + 1] or piece
    taken = text.start

    def taking(line: str) -> str:
        nonlocal taken
        taken += len(line.encode("utf-8"))
        return line

    lines = map(taking, io.StringIO(piece.decode("utf-8", errors="ignore"), newline=""))
    ends: list[int] = []
    records: list[list[str]] = []
    try:
        for cells in islice(csv.reader(lines, delimiter=delimiter), _HEAD_RECORDS):
            records.append(cells)
            ends.append(taken)
    except csv.Error:  # a quote left open: reading on will say in which row
        pass
    header = find_header(records, known_columns)
    if header is None:
        return None
    return _Head(delimiter, records, ends, header, known_columns(records[header]))


def _width(head: _Head) -> int:
    """Cells a row: as the header, unless most rows only end in more or fewer blank ones."""
    header = head.records[head.header]
    usual = mode([len(cells) for cells in head.rows] or [len(header)])
    if usual < len(header) and is_blank(header[usual:]):
        return usual
    if usual > len(header) and all(is_blank(cells[len(header) :]) for cells in head.rows):
        return usual
    return len(header)


def _format_note(text: Text, head: _Head) -> tuple[str, ...]:
    delimited = "" if head.delimiter == "," else f"{_DELIMITERS[head.delimiter]}-delimited"
    found = [part for part in (text.encoding, delimited) if part]
    return (", ".join(found),) if found else ()
