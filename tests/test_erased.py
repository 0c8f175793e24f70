"""What nights and runs delete or replace is gone from the disk, by the commands that people use."""

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from datetime import date, datetime
from pathlib import Path

import pytest

from auditor import erasing
from auditor.history import ledger
from auditor.history.memory import Memory
from tests.held_files import WATCH, Held
from tests.mail_server import Mailbox, serving
from tests.site_settings import INBOXES
from tests.sites import HEADER, drop, mail_settings, make_site
from tests.test_history_encryption import new_key

ROOT = Path(__file__).parent.parent
PATIENTS = tuple(f"MRNQX7{n:04}" for n in range(30))
SETTINGS = f"""
formats = ["csv", "parquet", "json", "html", "xlsx"]

[history]
keep_days = 30
keep_open_days = 30

[night]
stable_seconds = 0
wait_seconds = 0
free_megabytes = 0
keep_archive_days = 20
keep_reports_days = 20
keep_failed_days = 20
keep_log_days = 20
keep_mail_days = 20
{INBOXES}"""
KEY = "AUDITOR_TEST_HISTORY_KEY"


def export(day: str, patients: tuple[str, ...] = PATIENTS) -> str:
    rows = [
        f"H{one},1,{one},institutional,{day},75574,,0352,1,1500.00,Medicare,1000000004,,I25.10"
        for one in patients
    ]
    return "\n".join([HEADER, *rows]) + "\n"


def auditor(
    folder: Path, *words: object, before: str = "", ended: int = 0, **environment: str
) -> list[str]:
    """Runs the program; the files that lost their last name with their bytes."""
    told = folder.parent / f"told-by-{folder.name}"
    told.write_text("", encoding="utf-8")
    given = {"PYTHONPATH": str(ROOT), "WATCH_TOLD": str(told), "WATCH_WORDS": "|".join(PATIENTS)}
    start = f"{WATCH}\n{before}\nfrom auditor.cli import main\nmain()"
    ran = subprocess.run(
        [sys.executable, "-c", start, *map(str, words)],
        cwd=folder,
        env={**os.environ, **given, **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == ended, ran.stderr
    return told.read_text("utf-8").splitlines()


def night(root: Path, day: str, **environment: str) -> list[str]:
    ended = 1 if list((root / "inbox" / "hospital").glob("broken*")) else 0
    words = ("night", "--settings", "audit.toml", "--as-of", day)
    return auditor(root, *words, ended=ended, **environment)


def age(path: Path, day: str) -> None:
    noon = datetime.combine(date.fromisoformat(day), datetime.min.time()).timestamp() + 43_200
    os.utime(path, (noon, noon))


def without_claims(paths: list[Path]) -> list[str]:
    """What is replaced each night and names no patient: the day of the last one."""
    return [path.name for path in paths if path.name != "last.json"]


def test_the_watch_sees_what_is_only_unlinked(tmp_path: Path) -> None:
    """Else the tests below could not fail."""
    unlinked = "from auditor import erasing\nerasing._overwritten = lambda path: False"
    (tmp_path / "one.csv").write_text(export("2026-02-20"), encoding="utf-8")
    words = ("run", "one.csv", "--as-of", "2026-06-30", "--formats", "csv,xlsx", "--out", "out")
    assert auditor(tmp_path, *words) == []
    with Held(tmp_path / "out") as held:
        told = auditor(tmp_path, *words, before=unlinked)
        assert len(held.readable()) == len(held.gone()) > 3

    assert {"findings.csv", "report.xlsx"} <= {Path(path).name for path in told}


def test_nothing_that_a_night_deletes_by_age_stays_on_the_disk(tmp_path: Path) -> None:
    root, box = tmp_path / "site", Mailbox()
    with serving(box, "none") as port:
        site = make_site(root, SETTINGS + mail_settings(port))
        drop(site, "hospital/scans.csv", export("2026-02-10"))
        drop(site, "hospital/broken.csv", b"PK\x03\x04 no workbook of " + PATIENTS[0].encode())
        assert night(root, "2026-02-12") == []
        with Held(root) as held:
            assert night(root, "2026-03-20") == []
            early, readable = held.gone(), held.readable()
        refused = site.spool / "refused" / "0123456789abcdef.eml"
        refused.write_text(f"of {PATIENTS[0]}, with the workbook", encoding="utf-8")
        damaged = [site.history / "damaged-ledger.sqlite", site.history / "lines" / "damaged-x"]
        log = site.log / "2026-02.jsonl"
        for path in (refused, *site.spool.glob("sent/*"), *damaged, log):
            path.write_text(f"of {PATIENTS[0]}, or of a bad disk", encoding="utf-8")
            age(path, "2026-02-12")
        drop(site, "hospital/scans.csv", export("2026-04-20", PATIENTS[:3]))
        with Held(root) as held:
            assert night(root, "2026-04-22") == []
            late, readable = held.gone(), [*readable, *held.readable()]

    kinds = {path.relative_to(root).parts[0] for path in early}
    assert kinds >= {"archive", "failed", "reports"}
    assert [path for path in early if path.parent == site.history / "lines"]
    gone = {path.relative_to(root).as_posix() for path in late}
    assert gone >= {str(path.relative_to(root)) for path in (refused, *damaged, log)}
    assert gone >= {"inbox/hospital/scans.csv", "history/ledger-copy.sqlite"}
    assert [name for name in gone if name.startswith("spool/sent/")]
    assert without_claims(readable) == []
    logged = [json.loads(line) for path in site.log.iterdir() for line in path.open("rb")]
    assert [one for one in logged if one["event"].startswith("deleted by age")]
    assert not [one for one in logged if "could not be overwritten" in one["event"]]


def test_what_a_backup_holds_by_a_second_name_is_left_to_it_and_counted(tmp_path: Path) -> None:
    root = tmp_path / "site"
    site = make_site(root, SETTINGS)
    drop(site, "hospital/scans.csv", export("2026-02-10"))
    night(root, "2026-02-12")
    shutil.copytree(site.archive, tmp_path / "backup", copy_function=os.link)
    copied = {path: path.read_bytes() for path in (tmp_path / "backup").rglob("*.gz")}
    assert copied

    night(root, "2026-03-20")

    assert list(site.archive.iterdir()) == []
    assert copied == {path: path.read_bytes() for path in copied}
    logged = [json.loads(line) for path in site.log.iterdir() for line in path.open("rb")]
    (one,) = [one for one in logged if "could not be overwritten" in one["event"]]
    assert (one["level"], one["count"]) == ("warning", 2)  # the export and the list beside it


KILL = """
import os, signal
from auditor import erasing
number = 0
def killed(path, overwritten=erasing._overwritten):
    global number
    number += 1
    with open(os.environ["WATCH_TOLD"] + "-count", "w") as told:
        told.write(str(number))
    if str(number) == os.environ["KILL_AT"]:
        with open(path, "r+b") as file:
            file.write(os.urandom(os.path.getsize(path) // 2))
        os.kill(os.getpid(), signal.SIGKILL)
    return overwritten(path)
erasing._overwritten = killed
"""


def test_a_night_killed_while_it_erases_leaves_nothing_to_be_read(tmp_path: Path) -> None:
    """At files spread over all that the night erases; the same night again ends it."""
    root = tmp_path / "site"
    site = make_site(root, SETTINGS.replace(', "html", "xlsx"', ""))
    drop(site, "hospital/scans.csv", export("2026-02-10"))
    night(root, "2026-02-12")
    night(root, "2026-03-10")
    drop(site, "hospital/scans.csv", export("2026-04-05", PATIENTS[:3]))
    words = ("night", "--settings", "audit.toml", "--as-of", "2026-04-10")
    before = Path(shutil.copytree(root, tmp_path / "before"))
    auditor(root, *words, before=KILL, KILL_AT="never")
    count = int((tmp_path / "told-by-site-count").read_text("utf-8"))
    assert count > 10
    for at in sorted({1, 2, count - 1, count, *range(1, count, count // 5)}):
        shutil.rmtree(root)
        shutil.copytree(before, root)
        with Held(root) as held:
            auditor(root, *words, before=KILL, ended=-signal.SIGKILL, KILL_AT=str(at))
            night(root, "2026-04-10")

            assert list(root.rglob(".erasing-*")) == [], at
            assert without_claims(held.readable()) == [], at
        with Memory.open(site.history) as memory:
            assert memory.notes == ()
        assert len(list((site.history / "lines").glob("*.parquet"))) == 1
        assert (site.reports / "2026-04-10" / "findings.csv").is_file()


@pytest.mark.parametrize("fault", ["", "import auditor.report.html as place\nplace.write = None"])
def test_reports_that_are_replaced_or_never_finished_are_erased(tmp_path: Path, fault: str) -> None:
    (tmp_path / "one.csv").write_text(export("2026-02-20"), encoding="utf-8")
    words = ("run", "one.csv", "--as-of", "2026-06-30", "--out", "out")
    assert auditor(tmp_path, *words) == []
    with Held(tmp_path / "out") as held:
        assert auditor(tmp_path, *words, before=fault, ended=1 if fault else 0) == []

        assert bool(held.gone()) == (fault == "")
        assert held.readable() == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "out"]


def test_what_a_killed_run_left_of_its_reports_is_erased_by_the_next(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(export("2026-02-20"), encoding="utf-8")
    words = ("run", "one.csv", "--as-of", "2026-06-30", "--out", "out")
    killed = "import os, signal\nimport auditor.batch as place\n"
    killed += "place.put_in_place = lambda *given: os.kill(os.getpid(), signal.SIGKILL)"
    auditor(tmp_path, *words, before=killed, ended=-signal.SIGKILL)
    (left,) = tmp_path.glob(".out-*")
    going_on = tmp_path / ".out-writing-12345678"
    going_on.mkdir()
    foreign = [tmp_path / ".out-archives", tmp_path / ".outer-writing-12345678"]
    for path in foreign:
        path.mkdir()
    with Held(left) as held, locked(going_on):
        assert auditor(tmp_path, *words) == []

        assert len(held.gone()) > 4
        assert held.readable() == []
    assert sorted(tmp_path.glob(".*")) == sorted([going_on, *foreign])


def locked(folder: Path):
    from auditor.target import _in_use

    return _in_use(folder)


def test_an_earlier_run_that_a_kill_left_without_its_place_is_kept(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(export("2026-02-20"), encoding="utf-8")
    words = ("run", "one.csv", "--as-of", "2026-06-30", "--out", "out")
    auditor(tmp_path, *words)
    killed = "import os, signal\nfrom pathlib import Path\nrename = Path.rename\n"
    killed += "def stop(one, other):\n    rename(one, other)\n"
    killed += "    if other.name == 'run': os.kill(os.getpid(), signal.SIGKILL)\nPath.rename = stop"
    auditor(tmp_path, *words, before=killed, ended=-signal.SIGKILL)
    assert not (tmp_path / "out").exists()

    auditor(tmp_path, *words)
    (former,) = tmp_path.glob(".out-former-*")
    assert (former / "run" / "findings.csv").is_file()
    auditor(tmp_path, *words)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.csv", "out"]


@pytest.mark.parametrize("way", ["encrypted later", "rekeyed", "decrypted"])
def test_a_change_of_key_leaves_nothing_of_before_on_the_disk(tmp_path: Path, way: str) -> None:
    root, keys = tmp_path / "site", {KEY: new_key(), "OLD": new_key()}
    plain, closed = (
        SETTINGS,
        SETTINGS.replace("[history]", f'[history]\nencryption_key_env = "{KEY}"'),
    )
    site = make_site(root, plain if way == "encrypted later" else closed.replace(KEY, "OLD"))
    drop(site, "hospital/scans.csv", export("2026-02-10"))
    night(root, "2026-02-12", **keys)
    settings = root / "audit.toml"
    settings.write_text(plain if way == "decrypted" else closed, encoding="utf-8")
    with Held(site.history) as held:
        if way == "encrypted later":
            assert night(root, "2026-02-13", **keys) == []
        else:
            words = ("history", "rekey", "--settings", "audit.toml", "--old-key-env", "OLD")
            assert auditor(root, *words, **keys) == []

        assert {path.name for path in held.gone()} > {ledger.COPY}
        assert held.readable() == []


def test_what_a_log_of_the_ledger_held_is_overwritten_when_it_goes(tmp_path: Path) -> None:
    """Its pages hold rows as they were; SQLite only unlinks it."""
    with Memory.open(tmp_path) as memory:
        with memory.ledger.writing():
            memory.ledger.put("waivers", ("digest", "first_seen"), [(PATIENTS[0], "2026-01-01")])
        held = Held(tmp_path)
        log = tmp_path / f"{ledger.NAME}-wal"
        assert PATIENTS[0].encode() in log.read_bytes()
    with held:
        assert log in held.gone()
        assert log not in held.readable()
    with Memory.open(tmp_path) as memory:
        assert memory.ledger.rows("SELECT digest FROM waivers") == [(PATIENTS[0],)]
    assert [path.name for path in tmp_path.iterdir() if erasing.is_leaving(path)] == []


def test_a_log_that_is_in_use_still_is_not_touched(tmp_path: Path) -> None:
    with Memory.open(tmp_path) as memory:
        other = sqlite3.connect(tmp_path / ledger.NAME)
        other.execute("SELECT * FROM waivers").fetchall()
        with memory.ledger.writing():
            memory.ledger.put("waivers", ("digest", "first_seen"), [(PATIENTS[0], "2026-01-01")])
    assert other.execute("SELECT digest FROM waivers").fetchall() == [(PATIENTS[0],)]
    other.execute("INSERT INTO waivers VALUES ('more', '2026-01-01', NULL)")
    other.commit()
    other.close()

    with Memory.open(tmp_path) as memory:
        assert len(memory.ledger.rows("SELECT digest FROM waivers")) == 2
    assert not list(tmp_path.glob(".erasing-*"))


def test_waivers_that_are_replaced_are_erased(tmp_path: Path) -> None:
    named = (
        "--reason",
        f"as told by {PATIENTS[0]}",
        "--owner",
        "Qwertz",
        "--expires",
        "2031-01-31",
    )
    words = ("waive", "add", "revenue_code_not_preferred", *named, "--waivers", "waivers.csv")
    assert auditor(tmp_path, *words, "--claim", "H1") == []
    with Held(tmp_path) as held:
        assert auditor(tmp_path, *words, "--claim", "H2") == []

        assert [path.name for path in held.gone()] == ["waivers.csv"]
        assert held.readable() == []
