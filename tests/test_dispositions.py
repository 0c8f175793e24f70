"""Dispositions: filled in on a worklist, taken back, kept beside the run, shown again."""

import csv
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pytest
from sample_run import findings_frame as invented
from sample_run import run_of, small_run

from auditor import cli
from auditor.errors import AuditError
from auditor.report.content import Run, build
from auditor.report.dispositions import (
    COLUMNS,
    DISPOSITIONS,
    FILE,
    Disposition,
    import_dispositions,
    open_dispositions,
    read_dispositions,
    save_dispositions,
)
from auditor.report.workbook import write_workbook

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
SOFFICE = shutil.which("soffice")
HOSTILE = ["=1+1", "+2", "-3", "@x", "'tis", "'=x", 'a,b\n"c"', "0480", "é 漢字", "<r>x</r>"]


def report(folder: Path, run: Run, **options: int) -> Path:
    path = folder / "report.xlsx"
    write_workbook(build(run), path, **options)
    return path


def filled(path: Path, rows: Mapping[int, tuple[str, str, str]], sheet: str = "Worklist") -> Path:
    """The workbook with disposition, owner and note in some rows, as a person would leave it."""
    book = openpyxl.load_workbook(path)
    head = [cell.value for cell in book[sheet][1]]
    for row, cells in rows.items():
        for name, cell in zip(("Disposition", "Owner", "Note"), cells, strict=True):
            book[sheet].cell(row, head.index(name) + 1).value = cell
            book[sheet].cell(row, head.index(name) + 1).data_type = "s" if cell else "n"
    book.save(path)
    return path


def ids(run: Run) -> list[str]:
    return [str(finding) for finding in run.audit.findings["finding"]]


def test_what_is_filled_in_is_read_by_finding_and_blank_rows_say_nothing(tmp_path) -> None:
    run = small_run()
    path = filled(
        report(tmp_path, run),
        {
            2: ("corrected", "M. Okafor", "rebilled"),
            5: ("", "", "ask"),
            9: ("Accepted  Risk", "", ""),
        },
    )

    assert read_dispositions(path) == {
        ids(run)[0]: Disposition("corrected", "M. Okafor", "rebilled"),
        ids(run)[3]: Disposition("", "", "ask"),
        ids(run)[7]: Disposition("accepted risk", "", ""),
    }


def test_a_day_that_a_spreadsheet_made_of_a_note_is_read_as_a_day(tmp_path) -> None:
    run = small_run()
    path = report(tmp_path, run)
    book = openpyxl.load_workbook(path)
    sheet = book["Worklist"]
    place = [cell.value for cell in sheet[1]].index("Note") + 1
    sheet.cell(2, place).value = datetime.fromisoformat("2026-07-20")
    sheet.cell(3, place).value = datetime.fromisoformat("2026-07-20T14:30")
    book.save(path)

    assert [one.note for one in read_dispositions(path).values()] == [
        "2026-07-20",
        "2026-07-20 14:30:00",
    ]


@pytest.mark.parametrize("word", DISPOSITIONS)
def test_every_disposition_that_is_offered_is_taken(tmp_path, word) -> None:
    run = small_run()

    found = read_dispositions(filled(report(tmp_path, run), {2: (word, "", "")}))

    assert found == {ids(run)[0]: Disposition(word)}


def test_all_sheets_of_a_split_worklist_are_read(tmp_path) -> None:
    run = small_run()
    path = report(tmp_path, run, rows_per_sheet=70)
    filled(path, {2: ("open", "", "")})
    filled(path, {3: ("appealed", "", "")}, sheet="Worklist 2")

    assert read_dispositions(path) == {
        ids(run)[0]: Disposition("open"),
        ids(run)[71]: Disposition("appealed"),
    }


def refused(path: Path) -> str:
    with pytest.raises(AuditError) as fault:
        read_dispositions(path)
    assert "\n" not in str(fault.value)
    assert fault.value.exit_code == 2
    return str(fault.value)


def test_an_unknown_disposition_is_refused_with_file_sheet_and_row(tmp_path) -> None:
    said = refused(filled(report(tmp_path, small_run()), {4: ("done", "", "")}))

    assert "report.xlsx, sheet Worklist, row 4" in said
    assert all(word in said for word in DISPOSITIONS)
    # What somebody typed may be anything.
    assert "done" not in said


@pytest.mark.parametrize("spoilt", ["", "abc", "C0000020"])
def test_a_row_that_names_no_finding_is_refused(tmp_path, spoilt) -> None:
    path = filled(report(tmp_path, small_run()), {4: ("open", "", "")})
    book = openpyxl.load_workbook(path)
    book["Worklist"]["A4"].value = spoilt
    book.save(path)

    assert "row 4: names no finding" in refused(path)


def test_a_finding_decided_in_two_ways_is_refused(tmp_path) -> None:
    path = filled(report(tmp_path, small_run()), {4: ("open", "", ""), 5: ("corrected", "", "")})
    book = openpyxl.load_workbook(path)
    book["Worklist"]["A5"].value = book["Worklist"]["A4"].value
    book.save(path)

    assert "row 5" in refused(path)


@pytest.mark.parametrize(
    "made",
    [
        lambda path: None,
        lambda path: path.mkdir(),
        lambda path: path.write_bytes(b"no workbook"),
        lambda path: path.write_bytes(b"PK\x03\x04" + bytes(60)),
        lambda path: openpyxl.Workbook().save(path),
    ],
    ids=["missing", "folder", "text", "damaged", "another workbook"],
)
def test_what_is_no_worklist_is_refused_in_one_line(tmp_path, made) -> None:
    path = tmp_path / "report.xlsx"
    made(path)

    assert str(path) in refused(path)


# Beside the run.


def test_what_is_saved_is_read_again_whatever_it_holds(tmp_path) -> None:
    decided = {
        f"{number:012x}": Disposition(DISPOSITIONS[number % 5], text, text)
        for number, text in enumerate(HOSTILE)
    }

    save_dispositions(decided, tmp_path)

    assert open_dispositions(tmp_path) == decided
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    with (tmp_path / FILE).open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            assert not any(
                cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values()
            )


def test_decisions_are_for_their_owner_alone(tmp_path) -> None:
    aside = tmp_path / f".{FILE}.new"
    aside.touch(mode=0o644)  # what a killed import of an older version left

    save_dispositions({"a" * 12: Disposition("open", "A", "see chart")}, tmp_path)

    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600


def test_no_file_no_decisions(tmp_path) -> None:
    assert open_dispositions(tmp_path) == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("finding,owner\n", "lacks one of the columns"),
        ("finding,disposition,owner,note\nabc,open,,\n", "line 2: names no finding"),
        (f"finding,disposition,owner,note\n{'a' * 12},done,,\n", "line 2: the disposition"),
    ],
)
def test_a_spoilt_file_beside_the_run_is_one_line(tmp_path, text, says) -> None:
    (tmp_path / FILE).write_text(text, encoding="utf-8")

    with pytest.raises(AuditError, match=says):
        open_dispositions(tmp_path)


def test_an_import_keeps_what_it_does_not_speak_of(tmp_path) -> None:
    run = small_run()
    first, second, third = ids(run)[:3]
    known = {
        first: Disposition("open"),
        second: Disposition("open", "A", ""),
        "f" * 12: Disposition("appealed"),
    }
    save_dispositions(known, tmp_path)
    path = filled(
        report(tmp_path, run), {3: ("corrected", "B", ""), 4: ("not an error", "", "see chart")}
    )

    imported = import_dispositions(path, tmp_path)

    assert (imported.new, imported.changed) == (1, 1)
    assert open_dispositions(tmp_path) == known | {
        second: Disposition("corrected", "B", ""),
        third: Disposition("not an error", "", "see chart"),
    }


def test_a_refused_import_changes_nothing(tmp_path) -> None:
    save_dispositions({"a" * 12: Disposition("open")}, tmp_path)
    before = (tmp_path / FILE).read_bytes()
    path = filled(report(tmp_path, small_run()), {3: ("open", "", ""), 4: ("done", "", "")})

    with pytest.raises(AuditError):
        import_dispositions(path, tmp_path)

    assert (tmp_path / FILE).read_bytes() == before


def test_a_regenerated_workbook_shows_them_and_gives_the_same_back(tmp_path) -> None:
    run = run_of(invented(40).head(len(HOSTILE)), in_family=2_940)
    decided = {
        finding: Disposition("appealed", text.strip(), text.strip())
        for finding, text in zip(ids(run), HOSTILE, strict=True)
        if not text.startswith("<r>")
    }

    path = report(tmp_path, replace(run, dispositions=decided))

    assert read_dispositions(path) == decided


def test_owners_named_before_are_offered_and_others_may_be_typed(tmp_path) -> None:
    run = small_run()
    owners = ["B. Ito", "A. Okafor", "Ito, B.", "B. Ito", "x" * 250, "=1+1"]
    decided = {
        finding: Disposition("open", owner, "")
        for finding, owner in zip(ids(run), owners, strict=False)
    }

    book = openpyxl.load_workbook(report(tmp_path, replace(run, dispositions=decided)))

    lists = {str(one.sqref)[0]: one for one in book["Worklist"].data_validations.dataValidation}
    assert lists["M"].formula1 == '"A. Okafor,B. Ito"'
    assert not lists["M"].showErrorMessage
    assert lists["N"].showErrorMessage


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_a_workbook_saved_by_another_program_is_read_the_same(tmp_path) -> None:
    run = small_run()
    decided = {ids(run)[1]: Disposition("accepted risk", "M. Okafor", "0480 =1+1")}
    path = report(tmp_path, replace(run, dispositions=decided))
    home = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    words = [str(SOFFICE), home, "--headless", "--convert-to", "xlsx", "--outdir", tmp_path / "b"]
    subprocess.run([*words, path], check=True, capture_output=True, timeout=120)

    assert read_dispositions(tmp_path / "b" / "report.xlsx") == decided


# The program.


@pytest.fixture
def auditor(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    def ran(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["auditor", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return ran


def test_decisions_outlive_the_workbook_they_were_made_in(auditor, tmp_path) -> None:
    samples = Path(__file__).parent.parent / "samples"
    out = tmp_path / "out"
    run = ["run", samples / "hospital.csv", "--out", out, "--as-of", "2026-07-13", "--quiet"]
    assert auditor(*run, "--formats", "xlsx")[0] == 0
    filled(out / "report.xlsx", {2: ("appealed", "M. Okafor", "letter of 07-14")})

    code, said, err = auditor("ledger", "import", out / "report.xlsx")

    assert (code, err) == (0, "")
    assert said == f"Dispositions: 1 new, 0 changed, 1 known; see {out / FILE}\n"
    with (out / FILE).open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert tuple(row) == COLUMNS
    # A later run into the same folder replaces all else.
    assert auditor(*run, "--formats", "xlsx")[0] == 0
    assert open_dispositions(out)[row["finding"]].owner == "M. Okafor"
    assert read_dispositions(out / "report.xlsx") == open_dispositions(out)


def test_a_wrong_word_is_one_line_and_exit_two(auditor, tmp_path) -> None:
    path = filled(report(tmp_path, small_run()), {2: ("later", "", "")})
    (tmp_path / "run.json").touch()

    code, said, err = auditor("ledger", "import", path, "--run", tmp_path)

    assert (code, said) == (2, "")
    assert err.startswith("auditor: report.xlsx, sheet Worklist, row 2")
    assert err.count("\n") == 1
    assert not (tmp_path / FILE).exists()


def test_decisions_may_be_taken_into_the_folder_of_another_run(auditor, tmp_path) -> None:
    path = filled(report(tmp_path, small_run()), {2: ("open", "", "")})
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "run.json").touch()

    assert auditor("ledger", "import", path, "--run", tmp_path / "run")[0] == 0

    assert len(open_dispositions(tmp_path / "run")) == 1
    assert auditor("ledger", "import", path, "--run", tmp_path / "none")[0] == 2
