"""Files made to harm: each is refused with one line, within set limits, and nothing else breaks."""

import gzip
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from exports import HEADER, LINES, cells_in, refusal, workbook, write, zipped
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import cli, intake
from auditor.errors import AuditError
from auditor.ingest import archives, workbook_limits
from auditor.ingest.columns import count_known
from auditor.ingest.tables import open_tables
from auditor.intake import read_files

Answer = TypeVar("Answer")

ROW = '<row r="{0}"><c r="{1}{0}"{2}><v>1</v></c></row>'
SHEET = (
    '<?xml version="1.0"?>{0}<worksheet xmlns='
    '"http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{1}</sheetData>'
    "</worksheet>"
)


def with_sheet(path: Path, rows: str, doctype: str = "") -> Path:
    """A workbook whose only sheet has this XML for rows."""
    plain = workbook(path.with_suffix(".plain"), {"A": [["Claim", "Rev"], ["C1", "0480"]]})
    with zipfile.ZipFile(plain) as source:
        members = {name: source.read(name) for name in source.namelist()}
    members["xl/worksheets/sheet1.xml"] = SHEET.format(doctype, rows).encode()
    plain.unlink()
    return zipped(path, members)


CLAIMS = (
    b"Claim ID,Patient ID,DOS,CPT,Mod,Rev,Units,Charge,NPI,Dx\n"
    b"C1,P1,2025-03-10,75574,26,0489,1,1500.00,1000000004,I25.10\n"
    b"C2,P2,03/11/2025,75580,,0480,2,$99.50,1000000004,R07.9 I20.9\n"
)


def text(cell: str, words: str) -> str:
    return f'<c r="{cell}" t="inlineStr"><is><t>{words}</t></is></c>'


FIRST = f'<row r="1">{text("A1", "Claim")}{text("B1", "Rev")}</row>'

FAR = {
    "two cells at the far ends": FIRST + ROW.format(1048576, "XFD", ' s="0"'),
    "a column beyond the last": FIRST + ROW.format(900000, "ZZZZ", ""),
    "a row beyond the last": FIRST + ROW.format(4294967295, "B", ""),
    "cells that don't say where they are": f"{FIRST}<row>{'<c><v>1</v></c>' * 60000}</row>"
    + '<row r="1000000"><c><v>1</v></c></row>',
    "other quotes": FIRST + "<row r='1048576'><c r='XFD1048576'><v>1</v></c></row>",
}


@pytest.mark.parametrize("rows", FAR.values(), ids=FAR)
def test_a_sheet_that_reaches_too_far_is_refused_without_being_laid_out(
    tmp_path: Path, rows: str
) -> None:
    """Laid out, the first would take 512 GB, and end the process where there is less."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    message = refusal(with_sheet(tmp_path / "far.xlsx", rows))

    assert "reach too far" in message or "damaged" in message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 512 * 1024


def test_a_large_plain_sheet_is_known_by_its_cells_and_opened_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbook_limits, "_LOOKED_THROUGH_FROM", 1000)
    monkeypatch.setattr(workbook_limits, "_PIECE", 100)

    def never(*_: object) -> None:
        raise AssertionError("opened twice")

    monkeypatch.setattr(workbook_limits, "_try_to_open", never)
    rows = [["Claim", "Rev"], *([f"C{number}", "0480"] for number in range(500))]

    assert len(cells_in(workbook(tmp_path / "plain.xlsx", {"A": rows}))) == 500


@pytest.mark.parametrize("place", [5, 150, 333])
def test_one_far_cell_among_many_plain_ones_is_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.setattr(workbook_limits, "_LOOKED_THROUGH_FROM", 1000)
    monkeypatch.setattr(workbook_limits, "_PIECE", 97)
    rows = [
        f'<row r="{n}">{text(f"A{n}", "C1")}{text(f"B{n}", "0480")}</row>' for n in range(2, 400)
    ]
    rows.insert(place, ROW.format(1048576, "XFD", ""))

    assert "reach too far" in refusal(with_sheet(tmp_path / "far.xlsx", FIRST + "".join(rows)))


def outcome(read: Callable[[], Answer]) -> tuple[Answer | None, str]:
    """What was read, or None and the words of the refusal; nothing else may be raised."""
    try:
        return read(), ""
    except AuditError as refused:
        return None, str(refused)


ENTITIES = "".join(f'<!ENTITY e{n + 1} "{f"&e{n};" * 10}">' for n in range(12))
DOCTYPE = f'<!DOCTYPE worksheet [<!ENTITY e0 "xxxxxxxxxx">{ENTITIES}]>'
OUTSIDE = '<!DOCTYPE worksheet [<!ENTITY e12 SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize("doctype", [DOCTYPE, OUTSIDE], ids=["a billion laughs", "a file of ours"])
def test_entities_of_a_sheet_are_not_followed(tmp_path: Path, doctype: str) -> None:
    rows = FIRST + f'<row r="2">{text("A2", "&e12;")}{text("B2", "0480")}</row>'
    path = with_sheet(tmp_path / "laughs.xlsx", rows, doctype)
    found, refused = outcome(lambda: cells_in(path))

    assert "\n" not in refused
    assert all(len(cell) < 100 and "hostname" not in cell for row in found or () for cell in row)


def test_deep_nesting_is_no_way_to_the_end_of_the_stack(tmp_path: Path) -> None:
    depth = 200_000
    path = with_sheet(tmp_path / "deep.xlsx", "<row>" * depth + "</row>" * depth)

    refusal(path)


def test_cells_that_never_end_are_not_searched_from_each_of_them(tmp_path: Path) -> None:
    path = with_sheet(tmp_path / "open.xlsx", "<c" * 400_000)

    refusal(path)


def test_a_workbook_that_unpacks_to_more_than_the_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archives, "LARGEST_WORKBOOK", 1000)

    message = refusal(workbook(tmp_path / "a.xlsx", {"A": [["Claim", "Rev"], ["C1", "0480"]]}))

    assert "export it as CSV" in message


def test_a_cell_of_many_megabytes_is_refused_or_read_in_bounds(tmp_path: Path) -> None:
    long = "x" * (40 << 20)
    path = write(tmp_path / "long.csv", f"{HEADER}\nC1,0480,75574,1.00\n{long},0480,75574,2.00\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    said = refusal(path)
    assert "row 3: a cell is longer than 16 MB" in said
    assert "quotation mark" not in said
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024


@pytest.mark.parametrize("place", ["sheet", "shared strings"])
def test_a_cell_of_many_megabytes_in_a_workbook_is_refused(tmp_path: Path, place: str) -> None:
    long = "x" * (40 << 20)
    path = with_sheet(tmp_path / "a.xlsx", FIRST + f'<row r="2">{text("A2", long)}</row>')
    if place == "shared strings":
        plain = workbook(tmp_path / "plain", {"A": [["Claim", "Rev"], ["C1", "0480"]]})
        with zipfile.ZipFile(plain) as source:
            members = {name: source.read(name) for name in source.namelist()}
        strings = members["xl/sharedStrings.xml"]
        members["xl/sharedStrings.xml"] = strings.replace(b"C1", long.encode())
        path = zipped(tmp_path / "a.xlsx", members)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    assert "a cell is longer than 16 MB" in refusal(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 128 * 1024


def test_a_long_cell_is_told_from_a_quotation_mark_left_open(tmp_path: Path) -> None:
    """In the header, quoted, and over many lines; with a cell before it that is long but fits."""
    long, fits, row = "x" * (40 << 20), "y" * (1 << 20), "C1,0480,75574,1.00\n"
    too_long = [
        f"{long},Claim,Rev\nC1,0480,1\n",
        f'{HEADER}\n{row}{fits},0480,75574,1.00\n"{long}",0480,75574,1.00\n{row}',
        f'{HEADER}\n{row}"{"x,y" + chr(10) * 9 + long}",0480,75574,1.00\n{row}',
    ]
    for row_number, content in zip((1, 4, 3), too_long, strict=True):
        said = refusal(write(tmp_path / "long.csv", content))
        assert f"row {row_number}: a cell is longer than 16 MB" in said
    left_open = f'{HEADER}\n{row}"C2,0480,75574,1.00\n{row * (1 << 20)}'
    said = refusal(write(tmp_path / "open.csv", left_open))
    assert "row 3: a quotation mark opens a cell and is never closed" in said


def test_too_little_memory_ends_a_run_with_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def starved(*_given: Any) -> None:
        raise MemoryError("of C1, whose patient is P1")

    path = write(tmp_path / "a.csv", CLAIMS)
    monkeypatch.setattr(intake, "mapping_of", starved)
    monkeypatch.setattr(sys, "argv", ["auditor", "run", str(path), "--out", str(tmp_path / "out")])
    with pytest.raises(SystemExit) as ended:
        cli.main()

    assert ended.value.code == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert (
        said == "auditor: needs more memory than there is; nothing was written: split the exports"
    )
    assert not (tmp_path / "out").exists()


def test_many_thousand_columns_are_read_or_refused(tmp_path: Path) -> None:
    names = ["Claim", "Rev", "Code", *(f"x{number}" for number in range(20_000))]
    cells = ["C1", "0480", "75574", *("" for _ in range(20_000))]

    assert cells_in(write(tmp_path / "wide.csv", f"{','.join(names)}\n{','.join(cells)}\n"))


def test_a_link_to_no_regular_file(tmp_path: Path) -> None:
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    os.mkfifo(tmp_path / "pipe.csv")

    for name in ("loop.csv", "pipe.csv"):
        with pytest.raises(AuditError) as refused:
            open_tables(tmp_path / name, looks_like_claim_lines=count_known)
        assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "words",
    [
        "run pipe.csv --out out",
        "run a.csv --settings pipe.csv --out out",
        "run a.csv --columns pipe.csv --out out",
        "run a.csv --reference tables --out out",
        "run a.csv --with-corrections pipe.csv --out out",
        "columns a.csv --columns pipe.csv",
        "reference import pfs pipe.csv --into library",
        "waive list --waivers pipe.csv",
    ],
)
def test_no_command_waits_for_a_pipe(tmp_path: Path, words: str) -> None:
    # Nobody writes to it: whoever opens it, be it to reckon its lines, waits for ever.
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "tables").mkdir()
    os.mkfifo(tmp_path / "tables" / "mue.csv")
    write(tmp_path / "a.csv", CLAIMS.decode())
    command = [sys.executable, "-m", "auditor", *words.split()]

    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)

    assert ended.returncode in (1, 2)
    assert "is not a regular file; copy it to one" in ended.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()


def test_a_file_that_grows_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a.csv", CLAIMS)
    mapping_of = intake.mapping_of

    def while_reading(*given: Any) -> Any:
        with path.open("ab") as file:
            file.write(CLAIMS.splitlines()[1] + b"\n")
        return mapping_of(*given)

    assert len(read_files([path]).lines) == 2
    monkeypatch.setattr(intake, "mapping_of", while_reading)
    with pytest.raises(AuditError, match="changed while it was read"):
        read_files([path])


def rows_of(count: int) -> bytes:
    head, one, other = CLAIMS.splitlines(keepends=True)
    return head + b"".join(
        row.replace(b"C1" if row is one else b"C2", b"C%d" % n)
        for n in range(count)
        for row in (one, other)
    )


def as_parquet(content: bytes) -> bytes:
    columns = list(zip(*(line.split(",") for line in content.decode().splitlines()), strict=True))
    table = pa.table({name: cells for name, *cells in columns})
    written = pa.BufferOutputStream()
    pq.write_table(table, written, row_group_size=1000, compression="none", use_dictionary=False)
    return bytes(written.getvalue())


@pytest.mark.parametrize("kind", ["csv", "csv with cells over lines", "cp1252", "parquet", "xlsx"])
@pytest.mark.parametrize("left", [0, 5_000, 900_000])
def test_a_file_that_is_cut_short_while_it_is_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, left: int
) -> None:
    content = rows_of(15_000)
    path = tmp_path / "a.csv"
    if kind == "xlsx":
        rows: list[list[object]] = [[*line.split(",")] for line in content.decode().splitlines()]
        workbook(path, {"A": rows})
    elif kind == "parquet":
        path.write_bytes(as_parquet(content))
    elif kind == "cp1252":
        path.write_bytes(content + "C9,Pé".encode("cp1252"))
    else:
        path.write_bytes(content + (b'C9,"P\n9"' if "over" in kind else b""))
    assert path.stat().st_size > 500_000
    mapping_of = intake.mapping_of

    def while_reading(*given: Any) -> Any:
        os.truncate(path, min(left, path.stat().st_size // 2))
        return mapping_of(*given)

    monkeypatch.setattr(intake, "mapping_of", while_reading)
    with pytest.raises(AuditError, match=r"^[^\n]*(short|changed) [^\n]*$"):
        read_files([path])


# Fuzzing: whatever the bytes, a table or one line.


def seeds(folder: Path) -> list[Path]:
    csv = f"{HEADER}\n{LINES}".encode()
    claims = CLAIMS
    columns = [name.split(",") for name in claims.decode().splitlines()]
    table = pa.table({name: [columns[1][n], columns[2][n]] for n, name in enumerate(columns[0])})
    pq.write_table(table, folder / "a.parquet")
    workbook(folder / "a.xlsx", {"A": [list(row) for row in columns]})
    zipped(folder / "a.zip", {"claims.csv": claims, "note.txt": b"read me"})
    write(folder / "a.csv.gz", gzip.compress(claims))
    write(folder / "a.csv", claims)
    write(folder / "b.csv", csv)
    write(folder / "c.csv", claims.decode().encode("utf-16"))
    write(folder / "d.csv", claims.replace(b"C1", "Cé".encode("cp1252")))
    return sorted(folder.iterdir())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    kept = Path(__file__).parent / "fuzz" / "corpus"
    made = seeds(tmp_path_factory.mktemp("seeds"))
    return [(path.name, path.read_bytes()) for path in [*made, *sorted(kept.glob("*"))]]


CHANGE = st.tuples(
    st.floats(0, 1, exclude_max=True),
    st.sampled_from(["cut", "drop", "twice", "set"]),
    st.binary(min_size=1, max_size=12)
    | st.sampled_from([b"\x00", b'"', b"\r", b"\xff\xfe", b"\n" * 9, b",", b"PK\x03\x04", b"PAR1"]),
)


def changed(contents: bytes, changes: list[tuple[float, str, bytes]]) -> bytes:
    for share, kind, piece in changes:
        place = int(share * len(contents))
        if kind == "cut":
            contents = contents[:place]
        elif kind == "drop":
            contents = contents[:place] + contents[place + len(piece) :]
        elif kind == "twice":
            contents = contents[:place] + contents[max(0, place - 200) :]
        else:
            contents = contents[:place] + piece + contents[place + len(piece) :]
    return contents


@settings(
    max_examples=int(os.environ.get("AUDITOR_FUZZ_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
@given(number=st.integers(0, 1000), changes=st.lists(CHANGE, min_size=1, max_size=4))
def test_damaged_exports_are_read_or_refused_in_one_line(
    corpus: list[tuple[str, bytes]], tmp_path_factory, number: int, changes
) -> None:
    """Reading, understanding the columns and normalising; every line read is kept or rejected."""
    name, contents = corpus[number % len(corpus)]
    path = write(tmp_path_factory.mktemp("fuzz") / name, changed(contents, changes))
    claims, refused = outcome(lambda: read_files([path]))

    assert "\n" not in refused
    if claims is None:
        assert name in refused
    else:
        assert claims.lines_read == len(claims.lines) + len(claims.rejected)


def test_reading_leaves_the_workbook_where_it_was(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"A": [["Claim", "Rev"], ["C1", "0480"]]})
    with path.open("rb") as file:
        workbook_limits.refuse_workbook_too_large(file, "a.xlsx")

        assert file.tell() == 0
        assert file.read(2) == b"PK"


def test_an_ordinary_workbook_passes(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for row in range(50):
            sheet.write_row(row, 0, ["Claim" if row == 0 else f"C{row}", "Rev", 1.5])

    assert len(cells_in(path)) == 49
