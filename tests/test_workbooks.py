"""Workbooks: cells as text, sheets, true row numbers, damage."""

import io
import shutil
import subprocess
from pathlib import Path

import msoffcrypto
import openpyxl
import pytest
import xlsxwriter
from exports import (
    HEADER,
    LINES,
    TWO_LINES,
    TYPED,
    TYPED_TEXTS,
    cells_in,
    cells_of,
    only_table,
    read,
    refusal,
    workbook,
    write,
    zipped,
)

from auditor.ingest import archives


def test_workbook_cells_become_text(tmp_path: Path) -> None:
    table = only_table(workbook(tmp_path / "a.xlsx", {"Lines": TYPED}))

    assert table.sheet == "Lines"
    assert table.notes == ("sheet 'Lines'",)
    assert table.sample == tuple(TYPED_TEXTS)
    assert cells_of(read(table)) == TYPED_TEXTS
    assert read(table, [1]).rows.to_pylist() == [2, 3, 4]


def test_workbook_row_numbers_are_the_sheets(tmp_path: Path) -> None:
    rows: list[list[object]] = [
        [],
        ["", "Claims of June"],
        [],
        ["", "Claim", "Rev", "", "Units", "", ""],
        ["", "C1", 480, "", 1],
        [],
        ["", " "],
        ["", "C2", 489, "x", 1],
        [],
    ]
    table = only_table(workbook(tmp_path / "a.xlsx", {"Lines": rows}))
    lines = read(table)

    assert table.header_row == 4
    assert table.header == ("Claim", "Rev", "", "Units")
    assert table.notes == ("sheet 'Lines'", "1 title row above the header")
    assert lines.rows.to_pylist() == [5, 8]
    assert lines.blank_rows == 2
    assert cells_of(lines) == [("C1", "480", "", "1"), ("C2", "489", "x", "1")]


def test_the_sheet_that_names_most_columns_and_then_has_most_rows(tmp_path: Path) -> None:
    lines: list[list[object]] = [["Claim", "Rev", "Code"], ["C1", "1", "a"]]
    notes: list[list[object]] = [["Charge"], ["n"], ["n"], ["n"], ["n"]]
    path = workbook(
        tmp_path / "a.xlsx",
        {
            "Notes": notes,
            "Old": lines,
            "New": [*lines, ["C2", "2", "b"]],
            "Empty": [],
        },
        hidden=["Old"],
    )
    table = only_table(path)

    assert table.sheet == "New"
    assert table.notes == ("sheet 'New' of 4 (also: 'Notes', 'Old' (hidden), 'Empty')",)

    asked = only_table(path, sheet="old ")

    assert asked.sheet == "Old"
    assert asked.notes == ("sheet 'Old', which is hidden of 4 (also: 'Notes', 'New', 'Empty')",)
    assert cells_of(read(asked)) == [("C1", "1", "a")]


def test_a_hidden_sheet_comes_after_the_others_alike(tmp_path: Path) -> None:
    lines: list[list[object]] = [["Claim", "Rev", "Code"], ["C1", "1", "a"]]
    sheets = {"Shown": lines, "All": [*lines, *lines[1:] * 5]}

    table = only_table(workbook(tmp_path / "a.xlsx", sheets, hidden=["All"]))

    assert table.sheet == "Shown"


def test_a_merged_header_stands_on_each_of_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet("Lines")
        sheet.merge_range("A1:F1", "Charges of June")
        sheet.write_row("A2", ["Claim", "", "", "Rev", "", "Units"])
        sheet.merge_range("B2:C2", "Modifiers")
        sheet.merge_range("D2:E2", "Rev")
        sheet.write_row("A3", ["C1", "26", "59", "0480", "", "1"])

    table = only_table(path)

    assert table.header == ("Claim", "Modifiers", "Modifiers", "Rev", "", "Units")
    assert table.sample == (("C1", "26", "59", "0480", "", "1"),)


def test_sheets_that_look_like_claim_lines_too_are_named(tmp_path: Path) -> None:
    header: list[object] = ["Claim", "Line", "Rev", "Code", "Charge"]
    lines: list[list[object]] = [
        header,
        ["C1", "1", "0480", "a", "1"],
        ["C2", "1", "0480", "a", "1"],
    ]
    sheets = {
        "Pivot": [["Rev", "Charge"], ["0480", "2"]],
        "HB": lines,
        "PB": lines[:2],
        "Empty": [header],
        "Old": lines,
    }
    path = workbook(tmp_path / "a.xlsx", sheets, hidden=["Old"])

    assert (only_table(path).sheet, only_table(path).unread) == ("HB", ("PB",))
    assert only_table(path, sheet="HB").unread == ()


def test_wrong_sheet_names_the_sheets(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"A": TYPED, "B": []})

    assert "no sheet 'C'; its sheets are 'A', 'B'" in refusal(path, sheet="C")
    assert "shows nothing" in refusal(path, sheet="B")


def test_numbers_that_excel_has_rounded_are_told(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Claim", "Rev"], [1.23456789012345e18, "1"], [0.1 + 0.2, "1"]]
    table = only_table(workbook(tmp_path / "a.xlsx", {"A": rows}))

    assert "column 'Claim' holds numbers of more than 15 digits" in table.notes[1]
    assert read(table, [0]).cells.column(0).to_pylist() == ["1234567890123450000", "0.3"]


def test_a_workbook_of_more_rows_than_one_piece(tmp_path: Path) -> None:
    rows: list[list[object]] = [["Claim", "Units"], *([f"C{n}", n] for n in range(9000))]
    lines = read(only_table(workbook(tmp_path / "a.xlsx", {"A": rows})))

    assert lines.rows.to_pylist() == list(range(2, 9002))
    assert lines.cells.column("1").to_pylist() == [str(n) for n in range(9000)]


@pytest.mark.parametrize("name", ["a.csv", "a.xls", "a.xlsm", "a"])
def test_a_workbook_under_another_name(tmp_path: Path, name: str) -> None:
    book = workbook(tmp_path / "real.xlsx", {"A": TYPED})
    path = write(tmp_path / name, book.read_bytes())

    assert cells_in(path) == TYPED_TEXTS
    assert ("a workbook, though named .csv" in only_table(path).notes) == (name == "a.csv")


def test_tab_text_named_xls(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.xls", f"{HEADER}\n{LINES}".replace(",", "\t")))

    assert table.notes == ("delimited text, though named .xls", "tab-delimited")
    assert cells_of(read(table)) == TWO_LINES


def test_web_page_named_xls(tmp_path: Path) -> None:
    message = refusal(write(tmp_path / "a.xls", b"<html><table><tr><td>Claim</td></tr></table>"))

    assert "web page (HTML)" in message
    assert "save it as CSV" in message


def test_refused_workbooks(tmp_path: Path) -> None:
    whole = workbook(tmp_path / "a.xlsx", {"A": TYPED * 50}).read_bytes()
    middle = bytearray(whole)
    sheet = whole.index(b"xl/worksheets/sheet1.xml") + 24
    middle[sheet + 10 : sheet + 60] = bytes(50)

    assert "cut short" in refusal(write(tmp_path / "cut.xlsx", whole[: len(whole) // 2]))
    assert "damaged" in refusal(write(tmp_path / "damaged.xlsx", bytes(middle)))
    assert "no lines" in refusal(workbook(tmp_path / "header.xlsx", {"A": TYPED[:1]}))
    assert "shows nothing" in refusal(workbook(tmp_path / "blank.xlsx", {"A": []}))
    document = zipped(tmp_path / "a.docx", {"[Content_Types].xml": "", "word/document.xml": ""})
    assert "without sheets" in refusal(document)


def test_workbook_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "LARGEST_UNPACKED", 1000)

    assert "unpacks to more than" in refusal(workbook(tmp_path / "a.xlsx", {"A": TYPED}))


def test_workbook_with_a_password(tmp_path: Path) -> None:
    book = io.BytesIO(workbook(tmp_path / "a.xlsx", {"A": TYPED}).read_bytes())
    locked = io.BytesIO()
    msoffcrypto.OfficeFile(book).encrypt("secret", locked)

    assert "save it without one" in refusal(write(tmp_path / "locked.xlsx", locked.getvalue()))


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The typed workbook as .xls and .ods, converted by LibreOffice."""
    soffice = shutil.which("soffice")
    if soffice is None:
        pytest.skip("LibreOffice is not installed")
    folder = tmp_path_factory.mktemp("converted")
    book = workbook(folder / "a.xlsx", {"Notes": [["x"]], "Lines": [["June"], [], *TYPED]})
    for kind in ("xls", "ods"):
        profile = f"-env:UserInstallation=file://{folder}/profile"
        subprocess.run(
            [soffice, profile, "--headless", "--convert-to", kind, "--outdir", folder, book],
            check=True,
            capture_output=True,
            timeout=180,
        )
    return folder


@pytest.mark.parametrize(("value", "noted"), [(None, True), ("C1", False)])
def test_formulas_that_were_never_calculated_are_told(
    tmp_path: Path, value: str | None, *, noted: bool
) -> None:
    path = tmp_path / "a.xlsx"
    if value is None:
        book = openpyxl.Workbook()
        book.active.append(["Claim", "Rev", "Code"])
        book.active.append(['="C"&"1"', "0480", "75574"])
        book.save(path)
    else:
        with xlsxwriter.Workbook(path) as written:
            sheet = written.add_worksheet("Lines")
            sheet.write_row("A1", ["Claim", "Rev", "Code"])
            sheet.write_formula("A2", '="C"&"1"', None, value)
            sheet.write_row("B2", ["0480", "75574"])

    table = only_table(path)

    assert any("never calculated" in note for note in table.notes) is noted
    assert read(table, [0]).cells.column(0).to_pylist() == [value or ""]


def test_an_opendocument_with_a_damaged_manifest_is_refused(tmp_path: Path) -> None:
    parts = {"mimetype": b"m", "content.xml": b"<c/>", "META-INF/manifest.xml": b"<m/>"}
    before, mark, last = zipped(tmp_path / "a.ods", parts).read_bytes().rpartition(b"PK\3\4")

    path = write(tmp_path / "a.ods", before + mark.lower() + last)

    assert "a.ods is a workbook cut short or damaged; copy it again" in refusal(path)


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_older_and_open_workbooks(converted: Path, kind: str) -> None:
    table = only_table(converted / f"a.{kind}")

    assert table.sheet == "Lines"
    assert table.header_row == 3
    found = cells_of(read(table))
    # LibreOffice writes a boolean of an .ods as a number.
    shown = [tuple("TRUE" if cell == "1" else cell for cell in row) for row in found[1:2]]
    assert [found[0], *shown, found[2]] == TYPED_TEXTS
    assert read(table).rows.to_pylist() == [4, 5, 6]


@pytest.mark.parametrize("kind", ["xls", "ods"])
def test_older_and_open_workbooks_cut_short(
    converted: Path, kind: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    whole = (converted / f"a.{kind}").read_bytes()
    for part in (0.3, 0.6, 0.95):
        cut = write(tmp_path / f"cut{part}.{kind}", whole[: int(len(whole) * part)])
        assert "cut short" in refusal(cut)
    assert capfd.readouterr().err == ""
