"""A table read in pieces gives the lines, rejects and counts that reading it whole gives."""

import tempfile
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from auditor.errors import AuditError
from auditor.ingest.normalise import claim_lines
from auditor.intake import mapping_of, read_files, read_in_pieces, tables_of, tables_to_read
from auditor.scale.spread import Spreading, spread
from auditor.scale.workers import workers
from auditor.schema import COLUMNS
from tests.benchmarks.generate import as_text, generate

HEADER = "Claim Number,Line,MRN,Service Date,CPT,Modifier 1,Units,Charge Amount,Dx 1,Dx 2\n"


def row(number: int, **cells: str) -> str:
    """One line of an export; its cells are given by their place: c3 is the service date."""
    plain = [f"C{number}", "1", f"P{number % 7}", "2025-03-10", "75574", "26", "1", "1200.00"]
    plain += ["I20.8", ""]
    for place, cell in cells.items():
        plain[int(place[1:])] = cell
    return ",".join(plain) + "\n"


def same(path: Path, size: int) -> int:
    """Compares both ways of reading a file; the number of pieces."""
    (table,) = tables_of(path, None, None)
    mapping = mapping_of(table, None, "")
    whole, intake = claim_lines(table, mapping)
    pieces = list(read_in_pieces(table, mapping, size))
    rounds = {number for number, _, _ in pieces}
    last = [(lines, said) for number, lines, said in pieces if number == max(rounds)]

    frames = [lines.astype("str") for lines, _ in last]
    pd.testing.assert_frame_equal(
        pd.concat(frames, ignore_index=True)[list(COLUMNS)], whole.astype("str")
    )
    assert sum(said.lines_read for _, said in last) == intake.lines_read
    assert sum(said.totals_rows for _, said in last) == intake.totals_rows
    rejected = pd.concat([said.rejected for _, said in last], ignore_index=True)
    assert rejected.to_dict("records") == intake.rejected.to_dict("records")
    same_in_parts(path, size)
    return len(last)


def same_in_parts(path: Path, size: int) -> None:
    """Compares reading a file in parts, by two workers, with reading it whole."""
    whole = read_files([path])
    work = Spreading(tables_to_read([path]), Path(tempfile.mkdtemp(dir=path.parent)), 1)
    with workers(2, work) as pool:
        claims, buckets = spread(work, pool, piece=size, heard=lambda *_: None)

    pd.testing.assert_frame_equal(
        buckets.lines(0).astype("str"), whole.lines.astype("str"), check_dtype=False
    )
    assert claims.rejected.to_dict("records") == whole.rejected.to_dict("records")
    for one, other in zip(claims.intakes, whole.intakes, strict=True):
        assert one.sha256 == other.sha256
        assert (one.lines_read, one.totals_rows) == (other.lines_read, other.totals_rows)
        assert sorted(one.repairs.iloc[:, :3].values.tolist()) == sorted(
            other.repairs.iloc[:, :3].values.tolist()
        )
        for some, more in zip(one.restored, other.restored, strict=True):
            assert some.rows.tolist() == more.rows.tolist()
            assert list(some.before) == list(more.before)


def written(folder: Path, text: str) -> Path:
    path = folder / "lines.csv"
    path.write_bytes(text.encode())
    return path


PLAIN = [row(number) for number in range(400)]


def with_line(place: int, line: str) -> str:
    return HEADER + "".join([*PLAIN[:place], line, *PLAIN[place:]])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("plain", HEADER + "".join(PLAIN)),
        ("no line end at the end", (HEADER + "".join(PLAIN)).rstrip("\n")),
        ("carriage returns too", (HEADER + "".join(PLAIN)).replace("\n", "\r\n")),
        ("carriage returns only", (HEADER + "".join(PLAIN)).replace("\n", "\r")),
        ("blank lines", with_line(150, "\n\n\n")),
        ("blank lines at the end", HEADER + "".join(PLAIN) + "\n\n\n"),
        ("a row of commas", with_line(222, "," * 9 + "\n")),
        (
            "a cell of several lines",
            with_line(200, row(900, c8='"' + "I20.8\n\nseen\n" * 300 + '"')),
        ),
        ("a row too long", with_line(301, "a,b,c,d,e,f,g,h,i,j,k,l\n")),
        ("an unreadable date", with_line(301, row(900, c3="13/45/2025"))),
        ("a total at the end", HEADER + "".join(PLAIN) + "Total,,,,,,,480000.00,,\n"),
        ("unnamed totals at the end", HEADER + "".join(PLAIN) + ",,,,,,400,480000.00,,\n"),
        ("unnamed sums in the middle", with_line(199, ",,,,,,400,480000.00,,\n")),
        ("a date that shows day first", with_line(390, row(900, c3="25/03/2025"))),
        ("a modifier in a late procedure", with_line(390, row(900, c4="75574-59"))),
        ("several diagnoses in a late cell", with_line(390, row(900, c8="I20.8 I25.10"))),
        ("a title above", "Monthly export\n\n" + HEADER + "".join(PLAIN)),
    ],
)
def test_pieces_are_the_whole(tmp_path, name, text) -> None:
    assert same(written(tmp_path, text), 1500) > 3


def test_dates_before_the_one_that_shows_the_order_are_read_again(tmp_path) -> None:
    lines = [row(number, c3="03/04/2025") for number in range(300)]
    text = HEADER + "".join([*lines, row(900, c3="25/04/2025")])

    assert same(written(tmp_path, text), 1500) > 3


def test_amounts_before_the_one_that_shows_a_comma_are_read_again(tmp_path) -> None:
    lines = [row(number, c7="1.200").replace(",", ";") for number in range(300)]
    late = row(900, c7="X").replace(",", ";").replace("X", "1.200,50")
    text = HEADER.replace(",", ";") + "".join([*lines, late])

    assert same(written(tmp_path, text), 1500) > 3


@pytest.mark.parametrize("size", [700, 5_000, 10**9])
def test_any_size_of_piece_will_do(tmp_path, size) -> None:
    assert (same(written(tmp_path, with_line(77, '"broken\nline",1\n')), size) > 1) == (
        size < 10**8
    )


def test_a_generated_export_and_its_parquet(tmp_path) -> None:
    path = tmp_path / "lines.csv"
    generate(path, lines=5_000, mix="departmental", seed=3)
    pq.write_table(as_text(path), tmp_path / "lines.parquet", row_group_size=900)

    assert same(path, 100_000) > 5
    assert same(tmp_path / "lines.parquet", 100_000) > 2


def test_a_quote_that_is_never_closed_is_refused_with_its_row(tmp_path) -> None:
    path = written(tmp_path, with_line(200, 'C900,1,"P1,2025-03-10,75574,26,1,1200.00,I20.8,\n'))
    (table,) = tables_of(path, None, None)
    mapping = mapping_of(table, None, "")
    with pytest.raises(AuditError) as whole:
        claim_lines(table, mapping)

    with pytest.raises(AuditError) as in_pieces:
        list(read_in_pieces(table, mapping, 1500))

    assert str(in_pieces.value) == str(whole.value)
