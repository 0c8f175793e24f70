"""Invented export files for tests of reading, and what is read from them."""

import datetime
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from auditor.errors import AuditError
from auditor.ingest.tables import RawLines, RawTable, open_tables

NAMES = {"claim", "line", "rev", "code", "charge", "units", "date"}
HEADER = "Claim,Rev,Code,Charge"
LINES = "C1,0480,75574,1500.00\nC2,0489,00100,99.50\n"


def known(cells: Sequence[str]) -> int:
    return len({cell.strip().casefold() for cell in cells} & NAMES)


def write(path: Path, contents: str | bytes) -> Path:
    path.write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    return path


def only_table(path: Path, sheet: str | None = None) -> RawTable:
    (table,) = open_tables(path, sheet=sheet, looks_like_claim_lines=known)
    return table


def read(table: RawTable, positions: Sequence[int] | None = None) -> RawLines:
    lines = table.read(range(len(table.header)) if positions is None else positions)
    for column in lines.cells.columns:
        assert column.type == pa.dictionary(pa.int32(), pa.string())
        assert column.null_count == 0
    assert lines.rows.type == pa.int64()
    assert lines.cells.num_rows == len(lines.rows) or not lines.cells.num_columns
    return lines


def cells_of(lines: RawLines) -> list[tuple[str, ...]]:
    return list(zip(*(column.to_pylist() for column in lines.cells.columns), strict=True))


def cells_in(path: Path) -> list[tuple[str, ...]]:
    return cells_of(read(only_table(path)))


def read_all(path: Path, sheet: str | None) -> None:
    for table in open_tables(path, sheet=sheet, looks_like_claim_lines=known):
        table.read(range(len(table.header)))


def refusal(path: Path, sheet: str | None = None) -> str:
    with pytest.raises(AuditError) as caught:
        read_all(path, sheet)
    message = str(caught.value)
    assert "\n" not in message
    assert path.name in message
    return message


TWO_LINES = [("C1", "0480", "75574", "1500.00"), ("C2", "0489", "00100", "99.50")]


TYPED: list[list[object]] = [
    ["Claim", "Rev", "Code", "Charge", "Units", "Date"],
    ["C1", "0480", "00100", 1500.5, 1, datetime.date(2025, 3, 10)],
    [123456789012.0, 480, 75574, 357.13, True, datetime.datetime.fromisoformat("2025-03-10 14:30")],
    ["C3", " 01 ", "0.10", 0, -2.0, 45659],
]
TYPED_TEXTS = [
    ("C1", "0480", "00100", "1500.5", "1", "2025-03-10"),
    ("123456789012", "480", "75574", "357.13", "TRUE", "2025-03-10 14:30:00"),
    ("C3", " 01 ", "0.10", "0", "-2", "45659"),
]


def zipped(path: Path, members: dict[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, contents in members.items():
            archive.writestr(name, contents)
    return path


def workbook(path: Path, sheets: dict[str, list[list[object]]], hidden: Sequence[str] = ()) -> Path:
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        clock = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for number, row in enumerate(rows):
                for position, cell in enumerate(row):
                    if isinstance(cell, datetime.datetime):
                        sheet.write_datetime(number, position, cell, clock)
                    elif isinstance(cell, datetime.date):
                        sheet.write_datetime(number, position, cell, day)
                    elif isinstance(cell, str):
                        if cell:
                            sheet.write_string(number, position, cell)
                    elif cell is not None:
                        sheet.write(number, position, cell)
    return path
