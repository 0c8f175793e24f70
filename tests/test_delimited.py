"""Delimited text of every delimiter, encoding, quoting and fault."""

from pathlib import Path

import pytest
from exports import (
    HEADER,
    LINES,
    TWO_LINES,
    cells_in,
    cells_of,
    only_table,
    read,
    write,
)
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from auditor.ingest import records
from auditor.ingest.encodings import as_utf8
from auditor.ingest.row_streams import Counted
from auditor.ingest.tables import Misfit


@pytest.mark.parametrize(
    ("delimiter", "note"),
    [
        (",", ()),
        ("|", ("pipe-delimited",)),
        ("\t", ("tab-delimited",)),
        (";", ("semicolon-delimited",)),
    ],
)
def test_delimiters(tmp_path: Path, delimiter: str, note: tuple[str, ...]) -> None:
    path = write(tmp_path / "claims.csv", f"{HEADER}\n{LINES}".replace(",", delimiter))
    table = only_table(path)

    assert table.header == ("Claim", "Rev", "Code", "Charge")
    assert table.header_row == 1
    assert table.notes == note
    assert table.sample == tuple(TWO_LINES)
    assert cells_of(read(table)) == TWO_LINES


def test_pipes_win_over_more_commas_within_cells(tmp_path: Path) -> None:
    body = "".join(f"C{n}|0480|a,b,c,d,e|1,500.00\n" for n in range(50))
    path = write(tmp_path / "claims.txt", f"Claim|Rev|Code|Charge\n{body}")

    assert cells_in(path)[0] == ("C0", "0480", "a,b,c,d,e", "1,500.00")


@pytest.mark.parametrize(
    ("encoding", "note"),
    [
        ("utf-8", ()),
        ("utf-8-sig", ()),
        ("utf-16", ("UTF-16",)),
        ("utf-16-le", ("UTF-16",)),
        ("utf-16-be", ("UTF-16",)),
        ("utf-32", ("UTF-32",)),
        ("cp1252", ("Windows-1252",)),
    ],
)
def test_encodings(tmp_path: Path, encoding: str, note: tuple[str, ...]) -> None:
    text = f"{HEADER}\nC1,0480,Zoë Müller,1\nC2,0480,naïve façade – €,2\n"
    table = only_table(write(tmp_path / "claims.csv", text.encode(encoding)))

    assert table.header[0] == "Claim"
    assert table.notes == note
    assert read(table, [2]).cells.column(0).to_pylist() == ["Zoë Müller", "naïve façade – €"]


def test_utf_16_with_tabs_says_both(tmp_path: Path) -> None:
    text = f"{HEADER}\n{LINES}".replace(",", "\t")
    table = only_table(write(tmp_path / "claims.txt", text.encode("utf-16")))

    assert table.notes == ("UTF-16, tab-delimited",)
    assert cells_of(read(table)) == TWO_LINES


def test_latin_1_where_windows_1252_has_no_character(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.csv", f"{HEADER}\nC1,1,\x81é,1\n".encode("latin-1")))

    assert table.notes == ("Latin-1",)
    assert read(table, [2]).cells.column(0).to_pylist() == ["\x81é"]


def test_a_foreign_character_late_in_a_large_file(tmp_path: Path) -> None:
    body = "C1,0480,plain,1\n" * 100_000
    table = only_table(
        write(tmp_path / "a.csv", f"{HEADER}\n{body}C2,0480,Zoë,1\n".encode("cp1252"))
    )

    assert table.notes == ("Windows-1252",)
    assert read(table, [2]).cells.column(0)[-1].as_py() == "Zoë"


def test_codes_keep_zeros_and_cells_keep_spaces_and_words(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"{HEADER}\n01,0480,00100, 1 \nNA,null,None,#N/A\n")

    assert cells_in(path) == [("01", "0480", "00100", " 1 "), ("NA", "null", "None", "#N/A")]


def test_quotes_delimiters_and_doubled_quotes(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f'{HEADER}\n"C1","04,80","a ""b"" c",5" tube\n')

    assert cells_in(path) == [("C1", "04,80", 'a "b" c', '5" tube')]


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "end", "end end end"])
def test_line_ends(tmp_path: Path, line_end: str, last: str) -> None:
    text = f"{HEADER}\n{LINES}".rstrip("\n") + last.replace("end", "\n").replace(" ", "")
    lines = read(only_table(write(tmp_path / "a.csv", text.replace("\n", line_end).encode())))

    assert cells_of(lines) == TWO_LINES
    assert lines.rows.to_pylist() == [2, 3]
    assert lines.misfits == ()


def test_a_cell_of_several_lines_is_one_row(tmp_path: Path) -> None:
    text = f'{HEADER}\nC1,0480,"two\nlines",1\nC2,0480,x,2\nC3,0480,"three\r\n\r\nlines",3\n'
    lines = read(only_table(write(tmp_path / "a.csv", text)))

    assert lines.cells.column("2").to_pylist() == ["two\nlines", "x", "three\r\n\r\nlines"]
    assert lines.rows.to_pylist() == [2, 3, 4]


def test_cells_of_several_lines_in_a_file_of_many_blocks(tmp_path: Path) -> None:
    body = "".join(f'C{n},0480,"note\n{n}",1\nD{n},0480,x,1\n' for n in range(200_000))
    lines = read(only_table(write(tmp_path / "a.csv", f"{HEADER}\n{body}")), [0])

    assert lines.rows.to_pylist() == list(range(2, 400_002))
    assert lines.cells.column("0")[-1].as_py() == "D199999"


def test_title_rows_and_blank_rows_count_in_row_numbers(tmp_path: Path) -> None:
    text = (
        f"Claims of June\n\nRun 2025-07-01,by night\n{HEADER}\nC1,1,a,1\n\n,,,\n ,, ,\nC2,2,b,2\n"
    )
    table = only_table(write(tmp_path / "a.csv", text))
    lines = read(table)

    assert table.header_row == 4
    assert table.notes == ("2 title rows above the header",)
    assert table.sample == (("C1", "1", "a", "1"), ("C2", "2", "b", "2"))
    assert lines.rows.to_pylist() == [5, 9]
    assert lines.blank_rows == 3
    assert lines.misfits == ()


def test_a_row_blank_only_in_the_columns_asked_for_is_kept(tmp_path: Path) -> None:
    lines = read(only_table(write(tmp_path / "a.csv", f"{HEADER}\nC1,1,a,1\n,,,9\n,,,\n")), [0, 1])

    assert lines.rows.to_pylist() == [2, 3]
    assert lines.blank_rows == 1


def test_a_title_of_several_lines_is_one_row(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.csv", f'"Claims\nof June",x\n{HEADER}\n{LINES}'))

    assert table.header_row == 2
    assert read(table).rows.to_pylist() == [3, 4]


def test_the_header_is_the_row_that_names_most_columns(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.csv", f"Charge,,,\n{HEADER}\n{HEADER}\n{LINES}"))

    assert table.header_row == 2
    assert table.sample[0] == ("Claim", "Rev", "Code", "Charge")


def test_header_cells_are_trimmed_and_may_repeat_or_be_blank(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.csv", " Claim ,Code,Code,,Rev\nC1,A,B,x,9\n"))

    assert table.header == ("Claim", "Code", "Code", "", "Rev")
    assert cells_of(read(table, [2, 1, 3])) == [("B", "A", "x")]


def test_no_known_header_gives_the_first_of_the_fullest_rows(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.csv", "list\nfoo,bar\n1,2\n"))

    assert table.header == ("foo", "bar")
    assert table.header_row == 2


def test_rows_that_do_not_fit_are_told_and_the_rest_is_read(tmp_path: Path) -> None:
    text = f"{HEADER}\nC1,1,a,1\nC2,2\nC3,3,c,3,extra\nC4,4,d,4\ntotal\nC5,5,e,5\n"
    lines = read(only_table(write(tmp_path / "a.csv", text)))

    assert lines.misfits == (
        Misfit(3, "2 cells where the header has 4"),
        Misfit(4, "5 cells where the header has 4"),
        Misfit(6, "1 cell where the header has 4"),
    )
    assert lines.cells.column("0").to_pylist() == ["C1", "C4", "C5"]
    assert lines.rows.to_pylist() == [2, 5, 7]


def test_a_misfit_over_several_lines_hints_at_the_quote(tmp_path: Path) -> None:
    text = f'{HEADER}\nC1,"1,a,1\nC2,2,"b,2\nC3,3,c,3\n'
    lines = read(only_table(write(tmp_path / "a.csv", text)))

    reason = "3 cells where the header has 4; it runs over 2 lines, a quotation mark may be missing"
    assert lines.misfits == (Misfit(2, reason),)
    assert lines.rows.to_pylist() == [3]


def test_a_row_that_swallows_the_next_is_no_line(tmp_path: Path) -> None:
    text = f'{HEADER}\nC1,1,"a,1\nC2,2,"b,2\nC3,3,"c\nd, e",3\n'
    lines = read(only_table(write(tmp_path / "a.csv", text)), [0])

    assert lines.rows.to_pylist() == [3]
    assert [misfit.row for misfit in lines.misfits] == [2]
    assert "swallows the row after it" in lines.misfits[0].reason


def test_more_misfits_than_fitting_rows(tmp_path: Path) -> None:
    lines = read(only_table(write(tmp_path / "a.csv", f"{HEADER}\nC1,1\nC2,2\n")))

    assert len(lines.misfits) == 2
    assert len(lines.rows) == 0


def test_some_rows_with_blank_cells_too_many_fit_in_their_places(tmp_path: Path) -> None:
    text = f"{HEADER}\nC1,1,a,1\nC2,2,b,2,,\nC3,3,c,3\nC4,4,d,4,\n,,,,,\n"
    lines = read(only_table(write(tmp_path / "a.csv", text)), [3, 0])

    assert cells_of(lines) == [("1", "C1"), ("2", "C2"), ("3", "C3"), ("4", "C4")]
    assert lines.rows.to_pylist() == [2, 3, 4, 5]
    assert lines.misfits == ()
    assert lines.blank_rows == 1


def test_a_delimiter_at_the_end_of_all_rows_but_the_header(tmp_path: Path) -> None:
    text = f"{HEADER}\nC1,1,a,1,\nC2,2,b,2,\n" + "C3,3,c,3,\n" * 300 + "C4,4,d,4,x\nC5,5,e,5\n"
    lines = read(only_table(write(tmp_path / "a.csv", text)), [0])

    assert lines.misfits == (Misfit(304, "more cells than the header, which has 4"),)
    assert lines.rows.to_pylist() == [*range(2, 304), 305]


def test_a_delimiter_at_the_end_of_the_header_only(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.csv", f"{HEADER},\n{LINES}"))

    assert cells_of(read(table)) == TWO_LINES


def test_a_nul_byte_stays_in_its_cell(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", f"{HEADER}\nC1,04\x0080,a,1\nC2,1,b,2\n")

    assert cells_in(path)[0] == ("C1", "04\x0080", "a", "1")


def test_a_dos_end_of_file_mark_is_a_blank_row(tmp_path: Path) -> None:
    lines = read(only_table(write(tmp_path / "a.csv", f"{HEADER}\r\nC1,1,a,1\r\n\x1a")))

    assert lines.rows.to_pylist() == [2]
    assert lines.misfits == ()


def test_no_columns_asked_for_still_counts_rows(tmp_path: Path) -> None:
    lines = read(only_table(write(tmp_path / "a.csv", f"{HEADER}\n{LINES}")), [])

    assert lines.rows.to_pylist() == [2, 3]


def test_the_quick_way_and_the_careful_way_agree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "".join(
        f'C{n // 3},0{n % 500:03},"x ""{n % 7}""",{n / 100:.2f}\r\n' for n in range(60_000)
    )
    table = only_table(write(tmp_path / "a.csv", f"June\r\n{HEADER}\r\n{body}"))
    monkeypatch.setattr(records, "_BLOCKS", (1 << 16, 1 << 16))
    quick = read(table)
    monkeypatch.setattr(records, "_read_quickly", lambda *_: None)
    careful = read(table)

    assert quick.rows.equals(careful.rows)
    assert cells_of(quick) == cells_of(careful)


CELL = st.text(alphabet=' a0,;|"\n\r\té', max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.tuples(CELL, CELL, CELL), min_size=1, max_size=12),
    line_end=st.sampled_from(["\n", "\r\n"]),
    delimiter=st.sampled_from([",", "|", "\t", ";"]),
)
def test_what_was_written_is_read(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str, str, str]],
    line_end: str,
    delimiter: str,
) -> None:
    def quoted(cell: str) -> str:
        special = set(cell) & {'"', "\n", "\r", delimiter}
        return '"' + cell.replace('"', '""') + '"' if special else cell

    # A cell that holds a whole line's delimiters a line end can't be told from a swallowed row.
    assume(
        not any(
            cell.count("\n") and cell.count(delimiter) == 3 * cell.count("\n")
            for row in rows
            for cell in row
        )
    )
    written = [("Claim", "Rev", "Code", "Units"), *((*row, "1") for row in rows)]
    text = "".join(delimiter.join(map(quoted, row)) + line_end for row in written)
    path = write(tmp_path_factory.mktemp("any") / "a.csv", text)
    lines = read(only_table(path))

    assert cells_of(lines) == written[1:]
    assert lines.rows.to_pylist() == list(range(2, len(written) + 1))


@pytest.mark.parametrize("size", [1, 2, 3, 5, 64])
@pytest.mark.parametrize(
    ("rows", "lines"),
    [("a", 1), ("a\nb", 2), ("a\r\nb", 2), ("a\rb\nc\r\nd", 4), ("a\r\rb\n\nc\r\n\rd", 7)],
)
def test_lines_are_counted_wherever_the_reader_cuts(
    tmp_path: Path, rows: str, lines: int, size: int
) -> None:
    path = write(tmp_path / "rows.csv", f"header\n{rows}\nbehind")
    with path.open("rb") as file:
        text = as_utf8(file, path.name)
    counted = Counted(text, len("header\n"), len(f"header\n{rows}"))

    assert b"".join(iter(lambda: counted.read(size), b"")).decode() == rows
    assert counted.lines == lines


def test_what_a_query_tool_writes_below_the_rows_is_no_row(tmp_path: Path) -> None:
    text = f"{HEADER}\n{LINES}\n(2 rows affected)\n"
    lines = read(only_table(write(tmp_path / "a.csv", text)))

    assert cells_of(lines) == TWO_LINES
    assert (lines.misfits, lines.blank_rows) == ((), 2)
