"""A workbook's cells, column by column, are those that stand in it, each at its own place."""

import io
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from auditor.errors import AuditError
from auditor.official import sheets
from auditor.official.published import Published
from tests import official_files as made
from tests.test_official import imported, quarantine, rows, saved, sheet


def book(*, shared: bool, chart_first: bool = False) -> bytes:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"constant_memory": not shared}) as made_book:
        day = made_book.add_format({"num_format": "yyyy-mm-dd"})
        if chart_first:
            chart = made_book.add_chart({"type": "line"})
            chart.add_series({"values": "=table!$B$4:$B$5"})
            made_book.add_chartsheet().set_chart(chart)
        made_book.add_worksheet("empty")
        hidden = made_book.add_worksheet("hidden")
        hidden.write(0, 0, "not looked at")
        hidden.hide()
        page = made_book.add_worksheet("table")
        page.write(2, 1, "  two \n words ")
        page.write(3, 1, 1)
        page.write(3, 2, "1")
        page.write(4, 1, True)
        page.write(4, 2, 1.5)
        page.write_datetime(6, 1, date(2024, 1, 1), day)
        page.write(6, 3, "last")
        made_book.add_worksheet("later").write(0, 0, "not looked at")
    return stream.getvalue()


CELLS = [
    ["", "", "", ""],
    ["", "", "", ""],
    ["", "two words", "", ""],
    ["", "1", "1", ""],
    ["", "True", "1.5", ""],
    ["", "", "", ""],
    ["", date(2024, 1, 1).isoformat(), "", "last"],
]


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("at_a_time", [1, 2, 50_000])
def test_cells_stand_at_their_places(monkeypatch, shared, at_a_time) -> None:
    monkeypatch.setattr(sheets, "_ROWS", at_a_time)

    columns = sheets.columns_of(book(shared=shared))

    assert sheets.rows_of(columns) == CELLS
    assert sheets.rows_of(columns, 4) == CELLS[:4]


def test_a_sheet_of_a_chart_is_passed_over() -> None:
    assert sheets.rows_of(sheets.columns_of(book(shared=True, chart_first=True))) == CELLS


def test_values_that_read_alike_are_one_word() -> None:
    column = sheets.columns_of(book(shared=True))[1]

    assert isinstance(column, pa.DictionaryArray)
    words = column.dictionary.to_pylist()
    assert len(words) == len(set(words))


def test_a_workbook_of_empty_sheets_has_no_columns() -> None:
    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream) as empty:
        empty.add_worksheet()

    assert sheets.columns_of(stream.getvalue()) == []
    assert Published("x.xlsx", "", stream.getvalue()).rows() == []


def test_pairs_in_an_empty_workbook_are_refused(tmp_path) -> None:
    path = tmp_path / "edits.xlsx"
    with xlsxwriter.Workbook(path) as empty:
        empty.add_worksheet()

    with pytest.raises(AuditError, match=r"edits\.xlsx: its header is not recognised.*nothing"):
        imported("ncci-ptp", [path], tmp_path / "lib", edition="2026Q3", setting="professional")


def test_pairs_as_workbooks_are_set_aside_as_from_text(tmp_path) -> None:
    odd = [
        *made.ODD_PAIRS,
        ("75575", "36004", "20240101", "99991231", " 0 "),
    ]
    content = made.ptp_text(odd) + b"\t\t\t\t\t\t\r\nFu\xdfnote\t\t\t\t\t\t\r\n"
    files: list[Path] = [
        saved(tmp_path, "edits.txt", content),
        sheet(tmp_path, "edits.xlsx", content, "\t"),
    ]
    libraries = [tmp_path / "text", tmp_path / "book"]
    text, from_book = (
        imported("ncci-ptp", [path], library, edition="2026Q3", setting="institutional")
        for path, library in zip(files, libraries, strict=True)
    )

    assert rows(libraries[0], text, "ptp_edits") == rows(libraries[1], from_book, "ptp_edits")
    told = [
        [(row["row"], row["reason"], row["content"].replace(".xlsx", ".txt")) for row in found]
        for found in (quarantine(libraries[0], text), quarantine(libraries[1], from_book))
    ]
    assert told[0] == told[1]
    assert text.edition.rows_read == from_book.edition.rows_read == 9
