"""Exports of one name are told apart, by as little of their folders as that needs."""

import csv
import json
import os
import sqlite3
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from auditor import batch
from auditor.errors import AuditError
from auditor.explain import explain_page
from auditor.intake import read_files
from auditor.progress import Progress
from auditor.request import Request
from auditor.settings import Settings
from auditor.shown_names import shown_names
from tests.sites import OLD_REVENUE, SCAN, export, make_site, night

CSV = frozenset({"csv", "parquet", "json"})


@pytest.mark.parametrize(
    ("paths", "names"),
    [
        (["in/lines.csv"], ["lines.csv"]),
        (["in/a.csv", "other/b.csv"], ["a.csv", "b.csv"]),
        (["north/lines.csv", "south/lines.csv"], ["north/lines.csv", "south/lines.csv"]),
        (["/x/mon/in/l.csv", "/x/tue/in/l.csv"], ["mon/in/l.csv", "tue/in/l.csv"]),
        (["a/in/l.csv", "b/in/l.csv", "c/l.csv"], ["a/in/l.csv", "b/in/l.csv", "c/l.csv"]),
        (["/l.csv", "/in/l.csv"], ["l.csv", "in/l.csv"]),
        (["/in/l.csv", "/in/in/l.csv"], ["in/l.csv", "in/in/l.csv"]),
    ],
)
def test_a_name_is_as_short_as_tells_files_apart(paths: list[str], names: list[str]) -> None:
    assert list(shown_names([Path(path) for path in paths])) == names


def two(root: Path) -> list[Path]:
    """Two exports of one name: the third row of each is wrong, and the second is flagged."""
    paths = []
    for n, place in enumerate(("north", "south")):
        (root / place).mkdir()
        path = root / place / "lines.csv"
        numbers = range(10 * n + 1, 10 * n + 3)
        path.write_text(export(OLD_REVENUE, numbers).replace("2026-02-20,75574", "soon,75574", 1))
        paths.append(path)
    return paths


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8")))


def test_two_exports_of_one_name_are_two_in_all_reports(tmp_path: Path) -> None:
    files, out, history = two(tmp_path), tmp_path / "out", tmp_path / "history"
    request = Request(
        tuple(files), out, Settings(), date(2026, 7, 1), CSV | {"html"}, history=history
    )
    batch.run(request, Progress(quiet=True))

    names = {"north/lines.csv", "south/lines.csv"}
    assert {row["source_file"] for row in rows(out / "findings.csv")} == names
    assert {row["file"] for row in rows(out / "rejected.csv")} == names
    run = json.loads((out / "run.json").read_text("utf-8"))
    assert {one["file"] for one in run["inputs"]} == names
    assert set(json.loads((out / "report.json").read_text("utf-8"))["inputs"]) == names
    with closing(sqlite3.connect(history / "ledger.sqlite")) as ledger:
        for table in ("exports", "inputs"):
            found = ledger.execute(f"SELECT file FROM {table}").fetchall()
            assert {name for (name,) in found} == names
    page = (out / "report.html").read_text("utf-8")
    assert all(name in page for name in names)
    assert str(tmp_path) not in page


def test_a_refusal_says_which_of_two_files_it_is(tmp_path: Path) -> None:
    files = two(tmp_path)
    files[1].write_bytes(b"PK\x03\x04 no workbook")

    with pytest.raises(AuditError, match=r"south/lines\.csv"):
        read_files(files)


def test_zips_of_one_name_with_members_of_one_name_are_four_exports(tmp_path: Path) -> None:
    import zipfile

    paths = []
    for n, place in enumerate(("north", "south")):
        (tmp_path / place).mkdir()
        paths.append(tmp_path / place / "night.zip")
        with zipfile.ZipFile(paths[-1], "w") as packed:
            for m, name in enumerate(("a.csv", "b.csv")):
                packed.writestr(name, export(SCAN, range(20 * n + 5 * m, 20 * n + 5 * m + 2)))

    found = set(read_files(paths).lines["source_file"].cat.categories)

    ends = ("night.zip/a.csv", "night.zip/b.csv")
    assert found - {""} == {f"{place}/{end}" for place in ("north", "south") for end in ends}


def test_lines_of_two_nights_in_one_row_of_files_of_one_name_are_two(tmp_path: Path) -> None:
    """A nightly export has the same name every night; its rows are other lines."""
    history, path = tmp_path / "history", tmp_path / "lines.csv"
    for number in (1, 2):
        path.write_text(export(OLD_REVENUE, range(number, number + 1)))
        request = Request(
            (path,), tmp_path / "out", Settings(), date(2026, 7, number), CSV, history=history
        )
        report = batch.run(request, Progress(quiet=True)).report

    notes = next(row for row in report.severities if row.severity == "note")
    assert (notes.findings, notes.lines) == (2, 2)


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_is_no_utf_8_is_written_out_and_the_file_read_again(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"f\xe9vrier.csv")
    path.write_text(export(OLD_REVENUE, range(1, 3)), "utf-8")
    request = Request((path,), tmp_path / "out", Settings(), date(2026, 7, 1), CSV)

    batch.run(request, Progress(quiet=True))

    found = rows(tmp_path / "out" / "findings.csv")
    assert {row["source_file"] for row in found} == {r"f\xe9vrier.csv"}
    assert r"f\xe9vrier.csv" in explain_page(tmp_path / "out", found[0]["finding"])


def test_a_night_names_the_inbox_of_exports_of_one_name(tmp_path: Path) -> None:
    site = make_site(tmp_path)
    for inbox, numbers in (("hospital", range(1, 3)), ("physicians", range(5, 7))):
        (tmp_path / "inbox" / inbox / "lines.csv").write_text(export(OLD_REVENUE, numbers))

    night(site)

    run = site.reports / "2026-03-01"
    names = {"hospital/lines.csv", "physicians/lines.csv"}
    assert {row["source_file"] for row in rows(run / "findings.csv")} == names
    with closing(sqlite3.connect(site.history / "ledger.sqlite")) as ledger:
        assert {name for (name,) in ledger.execute("SELECT file FROM exports")} == names
