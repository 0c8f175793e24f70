"""A history that a crash, a bad disk or a second run met."""

import sqlite3
from pathlib import Path

import pytest

from auditor.errors import AuditError
from auditor.history import ledger, lines
from auditor.history.again import known_of_patient, last_run
from auditor.history.compare import known_to
from auditor.history.memory import Memory
from auditor.history.waiving import listed
from tests.nights import AS_OF, Site, open_findings
from tests.test_history_nights import MISSING, OTHERS, PAIR, READING, SCAN


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history")


def notes(site: Site) -> tuple[str, ...]:
    with Memory.open(site.folder) as memory:
        return memory.notes


def test_nobody_else_reads_what_is_remembered(site: Site) -> None:
    site.night([SCAN, *OTHERS])

    for path in [site.folder, *site.folder.rglob("*")]:
        assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("spoil", ["cut", "garbage", "gone"])
def test_a_damaged_ledger_is_restored_from_the_last_copy(site: Site, spoil: str) -> None:
    site.night([SCAN, *OTHERS])
    path = site.folder / ledger.NAME
    if spoil == "cut":
        path.write_bytes(path.read_bytes()[:5000])
    elif spoil == "garbage":
        path.write_bytes(b"nothing of a ledger " * 500)
    else:
        path.unlink()

    (note,) = notes(site)
    last = site.night([READING])

    assert "was damaged: restored from the copy" in note
    assert open_findings(last) == set()
    assert last.changes.resolved["claim_id"].tolist() == ["H1"]


def test_who_only_looks_leaves_a_damaged_ledger_to_the_next_run(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    path, lines_file = site.folder / ledger.NAME, site.folder / "lines" / "000009-later.parquet"
    path.write_bytes(path.read_bytes()[:5000])
    lines_file.write_bytes(b"a night that the copy does not know")

    for look in (
        lambda: listed(site.folder, AS_OF, site.folder),
        lambda: known_to(site.folder),
        lambda: last_run(site.folder, ""),
        lambda: known_of_patient(site.folder, "", "P1"),
    ):
        with pytest.raises(AuditError, match=r"is damaged .*; the next run restores"):
            look()

    restored, aside = notes(site)
    assert "restored from the copy" in restored
    assert "was set aside" in aside
    assert lines_file.with_name(f"damaged-{lines_file.name}").exists()
    assert "no waivers" in listed(site.folder, AS_OF, site.folder)


def test_a_ledger_of_another_version_is_refused_and_left_as_it_lies(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    path = site.folder / ledger.NAME
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    other.close()
    lying = {each.name for each in site.folder.iterdir()}

    with pytest.raises(AuditError, match=r"another version of the program \(format 99\)") as told:
        Memory.open(site.folder)

    assert {each.name for each in site.folder.iterdir()} == lying
    assert (
        told.value is not None
    )  # its traceback still holds the ledger: it was closed, not dropped


def test_a_ledger_without_a_whole_copy_stops_the_run_in_one_line(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    for name in (ledger.NAME, ledger.COPY):
        (site.folder / name).write_bytes(b"x" * 4000)

    with pytest.raises(AuditError, match="put both back from your backup") as fault:
        Memory.open(site.folder)
    assert "\n" not in str(fault.value)


def test_lines_without_a_ledger_are_not_taken_for_a_new_history(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    for name in (ledger.NAME, ledger.COPY):
        (site.folder / name).unlink()
    (path,) = (site.folder / "lines").iterdir()
    before = path.read_bytes()

    with pytest.raises(AuditError, match="holds claim lines, but neither"):
        Memory.open(site.folder)

    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", [1, 8, 15])
def test_a_kill_while_the_ledger_is_made_leaves_none(
    site: Site, statement: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = ledger._SCHEMA.split(";\n")
    with monkeypatch.context() as patched:
        cut = [*parts[:statement], "nothing that SQLite knows"]
        patched.setattr(ledger, "_SCHEMA", ";\n".join(cut))
        patched.setattr("pathlib.Path.unlink", lambda *_, **__: None)
        with pytest.raises(AuditError, match="can't be made"):
            Memory.open(site.folder)

    assert open_findings(site.night([SCAN, *OTHERS])) == {MISSING}


def test_a_damaged_file_of_lines_is_set_aside_and_its_exports_may_come_again(site: Site) -> None:
    site.night([SCAN, *OTHERS], run="first")
    (path,) = (site.folder / "lines").glob("*.parquet")
    path.write_bytes(path.read_bytes()[:-50])

    (note,) = notes(site)
    with Memory.open(site.folder) as memory:
        assert not memory.seen("first-0.csv-digest")
    without = site.night([READING])
    again = site.night([SCAN, *OTHERS])

    assert "is damaged and was set aside" in note
    assert "first-0.csv" in note
    assert path.with_name(f"damaged-{path.name}").exists()
    # What the lost lines said of all others is forgotten, too.
    assert without.patients is None
    # The scan is not at hand, so its finding is neither resolved nor lost.
    assert MISSING in open_findings(without)
    assert open_findings(again) == set()


def test_a_run_killed_before_its_commit_leaves_nothing_that_counts(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.night([SCAN, *OTHERS])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("auditor.history.memory.write_night", killed)
        with pytest.raises(KeyboardInterrupt):
            site.night([READING], run="killed")
    assert len(list((site.folder / "lines").iterdir())) == 2
    (site.folder / "lines" / ".half.parquet").write_bytes(b"half")

    assert notes(site) == ()
    assert len(list((site.folder / "lines").iterdir())) == 1
    assert open_findings(site.night([READING], run="killed")) == set()


def test_a_run_killed_between_commit_and_copy_is_remembered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(
            "auditor.history.ledger.Ledger.lay_copy", lambda _: (_ for _ in ()).throw(SystemExit)
        )
        with pytest.raises(SystemExit):
            site.night([SCAN, *OTHERS], run="killed")

    assert notes(site) == ()
    with Memory.open(site.folder) as memory:
        assert memory.committed("killed")
    assert open_findings(site.night([READING])) == set()


def test_two_runs_at_once_don_t_share_a_history(site: Site) -> None:
    with (
        Memory.open(site.folder),
        pytest.raises(AuditError, match="another run is using this history"),
    ):
        Memory.open(site.folder)
    assert notes(site) == ()


def test_a_full_disk_is_said_in_one_line_and_changes_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.night([SCAN, *OTHERS])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(lines.pq, "write_table", full)
        with pytest.raises(AuditError, match="No space left on device"):
            site.night([READING], run="full")
    with monkeypatch.context() as patched:
        patched.setattr(
            "auditor.history.memory.write_night",
            lambda *_: (_ for _ in ()).throw(sqlite3.OperationalError("database or disk is full")),
        )
        with pytest.raises(AuditError, match="disk is full"):
            site.night([READING], run="full")

    assert open_findings(site.night([READING], run="full")) == set()


def test_a_ledger_of_another_version_is_refused(site: Site) -> None:
    site.night(PAIR)
    db = sqlite3.connect(site.folder / ledger.NAME)
    db.execute("PRAGMA user_version = 9")
    db.close()

    with pytest.raises(AuditError, match="another version"):
        Memory.open(site.folder)


def test_a_ledger_from_before_reopened_money_was_told_is_read(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    db = sqlite3.connect(site.folder / ledger.NAME)
    for name in ("reopened_at_risk_cents", "reopened_missed_cents"):
        db.execute(f"ALTER TABLE runs DROP COLUMN {name}")
    db.execute("PRAGMA user_version = 1")
    db.close()

    last = site.night([READING])

    assert last.changes.tonight.resolved == 1
    assert [night.reopened_at_risk_cents for night in last.changes.nights] == [0, 0]
