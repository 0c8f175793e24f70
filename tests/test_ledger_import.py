"""`auditor ledger import --history`: decisions stand in the history and in later runs."""

import shutil
from pathlib import Path

import openpyxl
import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.errors import AuditError
from auditor.history.memory import Memory
from auditor.report.dispositions import FILE
from tests.sites import SCAN, export

pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")


def auditor(*words: str | Path) -> str:
    ran = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return ran.output


def decided(history: Path) -> list[tuple[str, str, str]]:
    with Memory.open(history) as memory:
        query = "SELECT disposition, owner, note FROM findings WHERE disposition <> ''"
        return memory.ledger.rows(query)


def fill(workbook: Path, row: int = 2, disposition: str = "appealed") -> None:
    book = openpyxl.load_workbook(workbook)
    head = [cell.value for cell in book["Worklist"][1]]
    for name, text in (("Disposition", disposition), ("Owner", "Coding"), ("Note", "sent")):
        book["Worklist"].cell(row, head.index(name) + 1).value = text
    book.save(workbook)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """The folder of a run with a history beside it, its worklist filled in."""
    (tmp_path / "scans.csv").write_text(export(SCAN.replace("0489", "0402"), range(1, 3)))
    again(tmp_path, "run")
    fill(tmp_path / "run" / "report.xlsx")
    return tmp_path / "run"


def again(folder: Path, name: str) -> None:
    words = ["--history", folder / "history", "--out", folder / name, "--as-of", "2026-03-01"]
    auditor("run", folder / "scans.csv", *words, "--formats", "xlsx,csv")


@pytest.mark.parametrize("named", [True, False])
def test_decisions_go_into_the_history_and_later_runs_show_them(run: Path, named: bool) -> None:
    history = run.parent / "history"
    said = auditor(
        "ledger", "import", run / "report.xlsx", *(["--history", history] if named else [])
    )

    assert "1 new" in said
    assert decided(history) == [("appealed", "Coding", "sent")]
    again(run.parent, "later")
    sheet = openpyxl.load_workbook(run.parent / "later" / "report.xlsx")["Worklist"]
    assert "appealed" in {cell.value for row in sheet.iter_rows() for cell in row}


def test_an_older_worklist_takes_nothing_back_that_was_decided_since(run: Path) -> None:
    history, older, later = run.parent / "history", run, run.parent / "later"
    auditor("ledger", "import", older / "report.xlsx")
    again(run.parent, "later")
    fill(later / "report.xlsx", disposition="corrected")
    auditor("ledger", "import", later / "report.xlsx")

    # Somebody still works in the older one, which has the first finding as it was decided then.
    fill(older / "report.xlsx", row=3, disposition="open")
    said = auditor("ledger", "import", older / "report.xlsx")

    assert "1 new, 0 changed, 2 known" in said
    assert {word for word, _, _ in decided(history)} == {"corrected", "open"}


def test_a_history_without_decisions_is_given_those_of_the_run(run: Path) -> None:
    history, aside = run.parent / "history", run.parent / "aside"
    shutil.copytree(history, aside)
    auditor("ledger", "import", run / "report.xlsx")
    shutil.rmtree(history)
    aside.rename(history)

    assert "0 new, 0 changed" in auditor("ledger", "import", run / "report.xlsx")
    assert decided(history) == [("appealed", "Coding", "sent")]


def test_a_site_that_was_moved_takes_decisions_into_its_own_history(run: Path) -> None:
    moved = run.parent / "elsewhere"
    moved.mkdir()
    for name in ("run", "history"):
        (run.parent / name).rename(moved / name)

    assert "1 new" in auditor("ledger", "import", moved / "run" / "report.xlsx")
    assert decided(moved / "history") == [("appealed", "Coding", "sent")]
    assert not (run.parent / "history").exists()


def test_decisions_are_refused_where_the_history_is_gone(run: Path) -> None:
    (run.parent / "history").rename(run.parent / "put away")

    with pytest.raises(AuditError, match="name it with --history, so that later runs know"):
        auditor("ledger", "import", run / "report.xlsx")
    assert not (run / FILE).exists()


def test_a_copy_elsewhere_is_taken_only_to_a_run_that_is_named(run: Path, tmp_path: Path) -> None:
    copy = tmp_path / "letters" / "report.xlsx"
    copy.parent.mkdir()
    copy.write_bytes((run / "report.xlsx").read_bytes())

    # Beside the copy no later report would find the decisions.
    with pytest.raises(AuditError, match="is not the folder of a run; name the run with --run"):
        auditor("ledger", "import", copy)
    assert not (copy.parent / FILE).exists()
    assert "1 new" in auditor("ledger", "import", copy, "--run", run)
    assert (run / FILE).exists()


def test_a_history_that_had_to_be_put_right_says_so(run: Path) -> None:
    (lines,) = (run.parent / "history" / "lines").glob("*.parquet")
    lines.write_bytes(lines.read_bytes()[:-50])

    said = auditor("ledger", "import", run / "report.xlsx")

    assert f"Mind: {lines}: is damaged and was set aside" in said
    assert "scans.csv are given again" in said


def test_a_history_named_apart_from_the_run_s_own_takes_them(run: Path, tmp_path: Path) -> None:
    # A history of another claim.
    (tmp_path / "others.csv").write_text(export(SCAN, range(7, 8)))
    words = ["--history", tmp_path / "other", "--out", tmp_path / "others", "--formats", "csv"]
    auditor("run", tmp_path / "others.csv", *words)
    auditor("ledger", "import", run / "report.xlsx", "--history", tmp_path / "other")

    # A history that knows none of the findings holds nothing of them; the run does.
    assert decided(tmp_path / "other") == decided(tmp_path / "history") == []
    assert "appealed" in (run / FILE).read_text("utf-8")


@pytest.mark.parametrize(
    ("option", "lacks"), [("--history", "ledger.sqlite"), ("--run", "run.json")]
)
def test_decisions_go_to_no_folder_that_is_neither_run_nor_history(
    run: Path, tmp_path: Path, option: str, lacks: str
) -> None:
    other = tmp_path / "letters"
    other.mkdir()

    with pytest.raises(AuditError, match=f"letters: holds no {lacks}; name the folder of a "):
        auditor("ledger", "import", run / "report.xlsx", option, other)

    assert list(other.iterdir()) == []
    assert not (run / FILE).exists()


def test_a_worklist_that_is_refused_changes_no_history(run: Path) -> None:
    book = openpyxl.load_workbook(run / "report.xlsx")
    head = [cell.value for cell in book["Worklist"][1]]
    book["Worklist"].cell(2, head.index("Disposition") + 1).value = "perhaps"
    book.save(run / "report.xlsx")

    with pytest.raises(AuditError) as fault:
        auditor("ledger", "import", run / "report.xlsx", "--history", run.parent / "history")

    assert fault.value.exit_code == 2
    assert decided(run.parent / "history") == []
