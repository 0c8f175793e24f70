"""The doctor: one line a check, nothing changed, exit 1 when the next night would not go well."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.errors import AuditError
from auditor.night.doctor import Check, doctor, page
from auditor.night.night import only_one
from auditor.night.site import Site, open_site
from tests.mail_server import Mailbox, serving
from tests.sites import NIGHTS, SETTINGS, drop, fill, mail_settings, make_site, night, play, quickly

ROOT = Path(__file__).parent.parent
TODAY = date(2026, 3, 2)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quickly(monkeypatch.setattr)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


def told(site: Site, name: str, today: date = TODAY) -> list[tuple[str, str]]:
    """State and words of the checks of a name."""
    return [(one.state, one.words) for one in doctor(site, today) if one.name == name]


def states(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if check.state == "fail"}


def test_a_new_site_can_run_and_nothing_is_changed(site: Site) -> None:
    drop(site, "hospital/scans.csv", "x")
    before = sorted(site.file.parent.rglob("*"))

    checks = doctor(site, TODAY)

    assert states(checks) == set()
    assert sorted(site.file.parent.rglob("*")) == before
    assert page(checks).splitlines()[-1].startswith("The night can run: 0 fail, ")
    assert told(site, "tonight") == [("ok", "would audit hospital/scans.csv, as of 2026-03-02")]


def test_an_inbox_that_is_not_there_fails(site: Site) -> None:
    (site.file.parent / "inbox" / "hospital").rmdir()

    (one,) = [check for check in doctor(site, TODAY) if check.state == "fail"]
    assert one.name == "inbox hospital"
    assert "there is no such folder; make it" in one.words


def test_a_folder_that_others_may_enter_is_a_warning(site: Site) -> None:
    night(site)
    site.reports.chmod(0o755)

    (one,) = told(site, "folder reports")
    assert one[0] == "warn"
    assert one[1].endswith("others than its owner may enter it (0755); chmod 0700 it")


def test_too_little_room_fails(tmp_path: Path) -> None:
    site = make_site(
        tmp_path / "site", SETTINGS.replace("free_megabytes = 0", "free_megabytes = 999999999")
    )

    assert told(site, "disk space")[0][0] == "fail"


def test_a_night_at_work_is_named(site: Site) -> None:
    site.work.mkdir()
    with only_one(site):
        assert told(site, "lock")[0][0] == "warn"
    assert told(site, "lock")[0][0] == "ok"


def test_a_night_that_nobody_started_and_a_clock_set_back_are_named(site: Site) -> None:
    night(site, date(2026, 3, 2))

    assert told(site, "last night", date(2026, 3, 3)) == [("ok", "was as of 2026-03-02")]
    assert "does cron start it?" in told(site, "last night", date(2026, 3, 9))[0][1]
    assert told(site, "last night", date(2026, 2, 1))[0][0] == "fail"


def test_tables_that_end_soon_or_ended_are_named(site: Site) -> None:
    before, after = date(2026, 12, 15), date(2027, 1, 2)

    soon = [words for _, words in told(site, "tables", before) if words.startswith("end within")]
    past = told(site, "tables", after)[0][1]

    assert "ptp_edits institutional to 2026-12-31" in soon[0]
    assert "ptp_edits institutional to 2026-12-31" in past
    assert past.startswith("no longer answer for today: ")
    assert past.endswith(". Rules that need them call no later line clean")


def test_a_run_cut_short_and_failed_exports_are_named(site: Site) -> None:
    fill(site, 0)
    night(site)
    fill(site, 1)
    play(site.file.parent, 1, place="before write_files", ending="kill")

    assert told(site, "unfinished run") == [
        ("warn", "2026-03-02 was cut short; tonight goes on with it first")
    ]
    assert told(site, "failed exports")[0][1].startswith("1 in ")


def test_waivers_beside_a_history_that_is_not_there_yet_are_looked_at(tmp_path: Path) -> None:
    settings = SETTINGS + '\n[history]\nwaivers = "../waivers.csv"\n'
    site = make_site(tmp_path / "site", settings)
    lapsed = "rule,claim,provider,payer,revenue_code,reason,owner,expires\n"
    lapsed += "line_billed_twice,,,BCBS,,Known,Billing,2026-01-31\n"
    (tmp_path / "site" / "waivers.csv").write_text(lapsed, encoding="utf-8")
    assert not site.history.exists()

    assert told(site, "waivers")[0][0] == "warn"
    assert "lapsed on 2026-01-31" in told(site, "waivers")[0][1]
    listed = CliRunner().invoke(app, ["waive", "list", "--settings", str(site.file)])
    assert "line_billed_twice" in listed.stdout
    assert not site.history.exists()


def test_a_damaged_ledger_and_waivers_that_lapsed_are_named(site: Site) -> None:
    night(site)
    (site.history / "ledger.sqlite").write_bytes(b"nothing" * 1000)
    (site.history / "waivers.csv").write_text(
        "rule,claim,provider,payer,revenue_code,reason,owner,expires\n"
        "line_billed_twice,,,BCBS,,Known,Billing,2026-01-31\n",
        encoding="utf-8",
    )

    assert "tonight restores the copy" in told(site, "ledger")[0][1]
    assert "lapsed on 2026-01-31" in told(site, "waivers")[0][1]
    ran = night(site, NIGHTS[1])
    assert "was damaged: restored from the copy" in ran.log


def test_a_mail_server_is_called_and_gets_no_mail(tmp_path: Path) -> None:
    box = Mailbox()
    with serving(box, "none") as port:
        site = make_site(tmp_path / "site", SETTINGS + mail_settings(port))

        assert told(site, "mail server") == [("ok", f"127.0.0.1:{port} would take mail for 1")]
    assert box.taken == []

    assert told(site, "mail server")[0][0] == "fail"
    assert "mail would wait in the spool" in told(site, "mail server")[0][1]


def test_who_would_get_mail_and_a_missing_password_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = (
        SETTINGS.replace('"csv"', '"csv", "xlsx"')
        + mail_settings(1).replace("[mail]", '[mail]\nworkbook_password_env = "BOOK_WORD"')
        + 'workbook = true\n[[mail.recipients]]\naddress = "c@example.org"\npayers = ["medicare"]\n'
    )
    site = make_site(tmp_path / "site", settings)
    monkeypatch.delenv("BOOK_WORD", raising=False)

    assert told(site, "mail to") == [
        ("ok", "director@example.org: all findings in counts, with the workbook"),
        ("ok", "c@example.org: a part of the findings in counts"),
    ]
    ((state, words),) = told(site, "workbook password")
    assert state == "fail"
    assert "BOOK_WORD holds no password of 12 characters or more" in words
    monkeypatch.setenv("BOOK_WORD", "long enough it is")
    assert told(site, "workbook password") == []


def test_repeats_are_named_and_nothing_is_changed(site: Site) -> None:
    fill(site, 0)
    night(site)
    fill(site, 1)
    drop(site, "physicians/late.csv", (site.file.parent / "inbox/hospital/scans.csv").read_bytes())
    before = sorted(site.file.parent.rglob("*"))

    tonight, repeats = told(site, "tonight"), told(site, "repeat")

    assert tonight == [("ok", "would audit hospital/scans.csv, as of 2026-03-02")]
    assert repeats == [
        ("ok", "physicians/again.csv holds bytes audited before: not audited again"),
        ("ok", "physicians/late.csv holds bytes audited before: not audited again"),
    ]
    assert sorted(site.file.parent.rglob("*")) == before


def test_repeats_are_named_where_a_full_disk_left_the_ledger_in_its_log(site: Site) -> None:
    fill(site, 0)
    night(site)
    fill(site, 1)
    ledger = site.history / "ledger.sqlite"
    with closing(sqlite3.connect(ledger)) as db:  # open, it keeps the log beside the file
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA wal_autocheckpoint=0")
        db.execute("VACUUM")
        ledger.write_bytes(ledger.read_bytes()[:4096])

        assert told(site, "repeat") == [
            ("ok", "physicians/again.csv holds bytes audited before: not audited again")
        ]


def test_what_would_be_deleted_is_named(site: Site) -> None:
    night(site, date(2026, 3, 1))
    (site.archive / "2024-01-01").mkdir(parents=True)

    (go,) = told(site, "deletion")
    assert go[1].endswith("archive/2024-01-01")
    assert go[1].startswith("would delete ")
    held = told(site, "deletion", date(2026, 6, 1))[0][1]
    assert held == "1 is old enough, but nothing goes after a pause or in a first night"
    assert " are old enough, but" in told(site, "deletion", date(2027, 6, 1))[0][1]
    (site.archive / "2024-01-01").rmdir()
    assert told(site, "deletion") == [("ok", "nothing is old enough")]


def test_mail_that_waits_is_named(tmp_path: Path) -> None:
    box = Mailbox()
    with serving(box, "none") as port:
        pass
    site = make_site(tmp_path / "site", SETTINGS + mail_settings(port))

    ran = night(site)

    assert ran.problems[0].startswith("mail to director@example.org waits in the spool: ")
    assert told(site, "spool")[0][1].startswith("1 wait to be sent, 0 were refused")

    (problem,) = night(site, NIGHTS[1]).problems
    assert problem.startswith("2 mails to director@example.org wait in the spool: ")


def two_recipients(port: int) -> str:
    more = '\n[[mail.recipients]]\naddress = "billing@example.org"\n'
    return mail_settings(port).replace("attempts = 1", "attempts = 3\nretry_seconds = 0.0") + more


def calls_to_no_server(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every connection that is tried, and refused."""
    calls: list[str] = []

    def away(host: str, *_: object, **__: object) -> None:
        calls.append(host)
        raise ConnectionRefusedError(111, "Connection refused")

    monkeypatch.setattr("smtplib.SMTP", away)
    return calls


def test_a_server_that_is_away_is_waited_for_once_a_night_and_told_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path / "site", SETTINGS + two_recipients(1))
    night(site)
    fill(site, 1)
    play(site.file.parent, 1, place="before write_files", ending="kill")
    drop(site, "hospital/more.csv", "x")
    calls = calls_to_no_server(monkeypatch)

    ran = night(site, NIGHTS[2])

    # The run cut short waits for the server, the one after it asks once; both have two readers.
    assert len(calls) == 3 + 1
    told = [words for words in ran.problems if "mail" in words]
    assert told == [
        "6 mails to billing@example.org and director@example.org wait in the spool: "
        "127.0.0.1:1: Connection refused"
    ]
    assert ran.log.count('"count": 6, "sent": "waiting"') == 1


def test_the_mail_of_a_failure_asks_a_server_once_that_was_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make_site(tmp_path / "site", SETTINGS + two_recipients(1))
    calls = calls_to_no_server(monkeypatch)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("auditor.night.steps.file_away", full)
    with pytest.raises(AuditError) as stopped:
        night(site)

    assert len(calls) == 3 + 1
    assert str(stopped.value).startswith(f"{site.archive}: No space left on device; nothing is")


def test_a_night_stopped_by_a_fault_names_its_folder(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    for place, folder in (
        ("auditor.batch.write_files", site.work / "2026-03-01" / "reports"),
        ("auditor.history.memory.Memory.commit", site.history),
        ("auditor.night.durable.move_folder", site.reports),
        ("auditor.night.steps.tidy", site.file.parent),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(place, full)
            with pytest.raises(AuditError) as stopped:
                night(site)
        assert str(stopped.value).startswith(f"{folder}: No space left on device"), place
    night(site)


def test_a_night_that_stops_is_mailed_once_a_day(tmp_path: Path) -> None:
    box = Mailbox()
    with serving(box, "none") as port:
        settings = SETTINGS.replace("free_megabytes = 0", "free_megabytes = 999999999")
        site = make_site(tmp_path / "site", settings + mail_settings(port))
        for _ in range(2):
            with pytest.raises(Exception, match="MB are free"):
                night(site)

    (message,) = box.messages()
    assert "FAILED" in message["Subject"]


def auditor(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auditor", *words],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def test_exit_codes_say_whether_somebody_must_look(site: Site) -> None:
    root = site.file.parent
    quiet = auditor("night", "--settings", "audit.toml", "--as-of", "2026-03-01", folder=root)
    fill(site, 0)
    broken = auditor("night", "--settings", "audit.toml", "--as-of", "2026-03-02", folder=root)
    wrong = auditor("night", "--settings", "none.toml", folder=root)
    (root / "inbox" / "hospital").rmdir()
    ill = auditor("doctor", "--settings", "audit.toml", folder=root)

    assert (quiet.returncode, broken.returncode, wrong.returncode, ill.returncode) == (0, 1, 2, 1)
    assert quiet.stdout.startswith("2026-03-01: no export came. ")
    assert broken.stderr.splitlines()[-1].startswith("auditor: hospital/broken.csv: broken.csv")
    assert "will not go well" in ill.stdout


def test_a_site_is_opened_from_any_folder(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site.file.parent)

    assert open_site(Path("audit.toml")).work == site.work
