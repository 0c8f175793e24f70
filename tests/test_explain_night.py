"""Findings of a night are explained from its history, and shown as read in its archive."""

import csv
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from auditor import batch
from auditor.errors import AuditError
from auditor.explain import explain_page
from auditor.explain_line import line_page
from auditor.progress import Progress
from auditor.request import Request
from auditor.settings import Settings
from tests.sites import NIGHTS, OLD_REVENUE, READING, SCAN, drop, export, make_site, night

LAST = str(NIGHTS[-1])


def findings(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader((folder / "findings.csv").open(encoding="utf-8")))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights with one name of export; the last brings a line again and leaves others open."""
    root = tmp_path_factory.mktemp("site")
    site = make_site(root)
    drop(site, "hospital/lines.csv", export(OLD_REVENUE, range(1, 4), "2026-01-20"))
    drop(site, "physicians/lines.csv", export(READING, range(8, 9), "2026-01-20"))
    night(site, NIGHTS[0])
    drop(site, "hospital/lines.csv", export(OLD_REVENUE, range(5, 8)))
    night(site, NIGHTS[1])
    again = (
        export(OLD_REVENUE, range(5, 6))
        + export(OLD_REVENUE, range(9, 10), "2026-01-20").split("\n", 1)[1]
    )
    drop(site, "hospital/lines.csv", again)
    drop(site, "physicians/lines.csv", export(READING, range(1, 2), "2026-01-20"))
    night(site, NIGHTS[2])
    return root


@pytest.fixture
def site_folder(whole: Path, tmp_path: Path) -> Iterator[Path]:
    """The site, for a test that spoils it: what it names by its path lies there."""
    kept = tmp_path / "kept"
    shutil.copytree(whole, kept)
    yield whole
    shutil.rmtree(whole)
    shutil.move(kept, whole)


def of_claim(folder: Path, claim: str) -> str:
    return next(one["finding"] for one in findings(folder) if one["claim_id"] == claim)


def test_every_open_finding_of_the_last_night_is_explained(whole: Path) -> None:
    run = whole / "reports" / LAST
    found = findings(run)
    assert {one["claim_id"] for one in found} >= {"H2", "H3", "H5", "H6", "H9"}

    for one in found:
        page = explain_page(run, one["finding"])
        assert f"MRN: {one['patient_id']}" in page
        assert "holds: " in page
        assert "FAILS: " not in page
        assert f"claim_id: {one['claim_id']}" in page


def test_a_line_of_tonight_is_shown_as_tonights_export_has_it(whole: Path) -> None:
    run = whole / "reports" / LAST

    assert "hospital/lines.csv, row 3\n  Claim: H9\n" in explain_page(run, of_claim(run, "H9"))
    # Brought before, cell by cell, but read tonight.
    assert "hospital/lines.csv, row 2\n  Claim: H5\n" in explain_page(run, of_claim(run, "H5"))


def test_a_line_of_an_earlier_night_is_shown_as_that_nights_export_has_it(whole: Path) -> None:
    run = whole / "reports" / LAST

    page = explain_page(run, of_claim(run, "H3"))
    assert "hospital/lines.csv, row 4, of the run 2026-03-01\n  Claim: H3\n" in page
    page = explain_page(run, of_claim(run, "H6"))
    assert "lines.csv, row 3, of the run 2026-03-02\n  Claim: H6\n" in page


def test_lines_of_any_night_are_told_what_every_rule_says(whole: Path) -> None:
    """H3 came in the first night, H9 in the last; the reading F1 has no finding."""
    run = whole / "reports" / LAST

    for claim in ("H3", "H9"):
        assert f"finding {of_claim(run, claim)}: " in line_page(run, claim, None)
    page = line_page(run, "F1", None)
    assert "\nFound\n" not in page
    assert "FAILS: " in page


def test_without_the_archive_a_finding_is_explained_from_the_history(site_folder: Path) -> None:
    run = site_folder / "reports" / LAST
    shutil.rmtree(site_folder / "archive" / LAST)
    shutil.rmtree(site_folder / "reports" / "2026-03-01")

    page = explain_page(run, of_claim(run, "H9"))
    assert "lines.csv.gz is not there any more as it was read" in page
    assert "what follows is as the history keeps it" in page
    assert "claim_id: H9" in page
    page = explain_page(run, of_claim(run, "H3"))
    assert "of the run 2026-03-01: the export lies nowhere that this run knows of" in page


def test_another_export_in_the_archive_is_not_taken_for_it(site_folder: Path) -> None:
    run = site_folder / "reports" / LAST
    (packed,) = (site_folder / "archive" / LAST / "hospital").iterdir()
    packed.write_bytes((site_folder / "archive/2026-03-02/hospital" / packed.name).read_bytes())

    assert "not there any more as it was read" in explain_page(run, of_claim(run, "H9"))


def test_a_night_before_the_last_names_the_last(whole: Path) -> None:
    run = whole / "reports" / str(NIGHTS[0])

    with pytest.raises(AuditError, match=f"in the folder of the last one, {LAST}"):
        explain_page(run, of_claim(run, "H3"))


def test_a_night_without_its_history_says_so(site_folder: Path) -> None:
    shutil.rmtree(site_folder / "history")
    run = site_folder / "reports" / LAST

    with pytest.raises(AuditError, match="history: holds no history") as caught:
        explain_page(run, of_claim(run, "H9"))
    assert "\n" not in str(caught.value)
    assert not (site_folder / "history").exists()


def test_damaged_lines_of_the_history_are_told_in_one_line(site_folder: Path) -> None:
    for path in (site_folder / "history" / "lines").iterdir():
        path.write_bytes(b"no Parquet")
    run = site_folder / "reports" / LAST

    with pytest.raises(AuditError, match="history: its lines can't be read") as caught:
        explain_page(run, of_claim(run, "H9"))
    assert "\n" not in str(caught.value)


def test_a_run_with_a_history_is_explained_with_what_it_remembers(tmp_path: Path) -> None:
    """The older line is in no export of the second run, and still decides."""
    history = tmp_path / "history"

    def run(name: str, content: str, day: date) -> Path:
        path = tmp_path / f"{name}.csv"
        path.write_text(content)
        request = Request(
            files=(path,),
            out=tmp_path / name,
            settings=Settings(),
            as_of=day,
            formats=frozenset({"csv", "parquet"}),
            history=history,
        )
        batch.run(request, Progress(quiet=True))
        return tmp_path / name

    scan = export(SCAN, range(1, 2), "2026-01-20")
    first = run("first", scan, date(2026, 1, 21))
    later = run("later", scan.replace("H1,1", "H2,1"), date(2026, 1, 22))
    twice = next(one for one in findings(later) if one["rule"] == "line_billed_twice")

    page = explain_page(later, twice["finding"])
    assert "later.csv, row 2\n  Claim: H2" in page
    assert "claim_id: H1" in page
    assert findings(first) == []
