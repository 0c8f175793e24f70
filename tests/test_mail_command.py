"""The command, and when a mail is sent at all."""

import io
import os
import re
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from auditor import cli
from auditor.mail import deliver, deliver_summary, failure
from auditor.mail_settings import Family, MailSettings, RecipientSettings
from auditor.night.log import open_log
from auditor.night.night import night
from auditor.rule import FAMILIES
from auditor.settings import read_settings
from tests.mail_runs import folder_of, renamed, settings_of
from tests.mail_server import PASSWORD, USER, Mailbox, free_port, serving, trusted
from tests.sample_run import small_run
from tests.sites import SCAN, SETTINGS, drop, export, mail_settings, make_site
from tests.test_report_summary import with_history

ROOT = Path(__file__).parent.parent
DIRECTOR, ANALYST = "director@hospital.example", "analyst@hospital.example"
TOML = """
[mail]
sender = "audit@hospital.example"
host = "127.0.0.1"
port = {port}
security = "none"
charts = false
attempts = 1
[[mail.recipients]]
address = "director@hospital.example"
[[mail.recipients]]
address = "analyst@hospital.example"
families = ["unbundling"]
"""

Ran = tuple[int, str, str]


@pytest.fixture
def auditor(monkeypatch: pytest.MonkeyPatch, capsys, tmp_path: Path) -> Callable[..., Ran]:
    monkeypatch.chdir(tmp_path)

    def ran(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["auditor", "mail", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return ran


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return folder_of(tmp_path / "run")


def with_settings(place: Path, port: int) -> Path:
    (place / "site").mkdir(exist_ok=True)
    (place / "site" / "audit.toml").write_text(TOML.format(port=port), encoding="utf-8")
    return place / "site" / "audit.toml"


def test_mail_is_sent_and_told_and_not_sent_again(
    auditor: Callable[..., Ran], folder: Path, tmp_path: Path
) -> None:
    box = Mailbox()
    with serving(box, "none") as port:
        settings = with_settings(tmp_path, port)
        first = auditor(folder, "--settings", settings)
        second = auditor(folder, "--settings", settings)
        third = auditor(folder, "--settings", settings, "--again", "--to", ANALYST)

    assert first == (0, f"{DIRECTOR}: sent\n{ANALYST}: sent\n", "")
    assert second == (0, f"{DIRECTOR}: sent before\n{ANALYST}: sent before\n", "")
    assert third == (0, f"{ANALYST}: sent\n", "")
    assert box.recipients() == [DIRECTOR, ANALYST, ANALYST]
    assert (tmp_path / "site" / "spool" / "sent").is_dir()


def test_what_could_not_be_sent_is_told_and_sent_by_spool(
    auditor: Callable[..., Ran], folder: Path, tmp_path: Path
) -> None:
    code, out, err = auditor(folder, "--settings", with_settings(tmp_path, free_port()))
    assert code == 1
    assert out.count("waiting (127.0.0.1:") == 2
    assert err.startswith("auditor: 2 of 2 messages wait in ")
    assert err.count("\n") == 1

    box = Mailbox()
    with serving(box, "none") as port:
        settings = with_settings(tmp_path, port)
        code, out, err = auditor("--spool", "--settings", settings)
        assert (code, err) == (0, "")
        assert sorted(box.recipients()) == [ANALYST, DIRECTOR]
        assert auditor("--spool", "--settings", settings)[1] == "Nothing waits to be sent.\n"


def test_who_has_the_mail_of_a_night_does_not_get_it_again_by_hand(
    auditor: Callable[..., Ran], tmp_path: Path
) -> None:
    box = Mailbox()
    with serving(box, "none") as port:
        site = make_site(tmp_path / "site", SETTINGS + mail_settings(port))
        drop(site, "hospital/scans.csv", export(SCAN, range(1, 4)))
        night(site, date(2026, 3, 1), open_log(None, date(2026, 3, 1), stream=io.StringIO()))
        by_hand = auditor(site.reports / "2026-03-01", "--settings", site.file)
        again = auditor(site.reports / "2026-03-01", "--settings", site.file, "--again")

    assert by_hand == (0, "director@example.org: sent before\n", "")
    assert again == (0, "director@example.org: sent\n", "")
    assert len({message["Message-ID"] for message in box.messages()}) == 1


def test_files_of_the_settings_are_found_from_their_folder_as_in_a_night(
    auditor: Callable[..., Ran], folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    box = Mailbox()
    with serving(box, login=True) as port:
        settings = with_settings(tmp_path, port)
        trusted(settings.parent)
        (settings.parent / "secret").write_text(PASSWORD, encoding="utf-8")
        words = f'security = "starttls"\nca_file = "authority.pem"\nuser = "{USER}"\n'
        text = settings.read_text("utf-8").replace('security = "none"\n', words)
        text = text.replace(words, f'{words}password_file = "secret"\n')
        settings.write_text(f'{text}\n[night]\nspool = "~/spool"\n', encoding="utf-8")
        sent = auditor(folder, "--settings", settings)

    assert sent == (0, f"{DIRECTOR}: sent\n{ANALYST}: sent\n", "")
    assert (tmp_path / "home" / "spool" / "sent").is_dir()


def test_a_dry_run_writes_the_messages_and_calls_nobody(
    auditor: Callable[..., Ran], folder: Path, tmp_path: Path
) -> None:
    settings = with_settings(tmp_path, free_port())
    code, out, err = auditor(folder, "--settings", settings, "--dry-run", "dry")

    assert (code, err) == (0, "")
    assert out.count("[Claim audit] ") == 2
    paths = sorted((tmp_path / "dry").iterdir())
    assert [path.name for path in paths] == [f"{ANALYST}.eml", f"{DIRECTOR}.eml"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert b"Auto-Submitted: auto-generated" in paths[0].read_bytes()
    assert not (tmp_path / "site" / "spool").exists()


def test_a_dry_run_writes_a_message_for_each_recipient_whatever_their_names(
    auditor: Callable[..., Ran], folder: Path, tmp_path: Path
) -> None:
    settings = with_settings(tmp_path, free_port())
    names = ["ct+audit@hospital.example", "ct_audit@hospital.example"]
    text = settings.read_text("utf-8").replace(DIRECTOR, names[0]).replace(ANALYST, names[1])
    settings.write_text(text, encoding="utf-8")
    code, _, _ = auditor(folder, "--settings", settings, "--dry-run", "dry")

    assert code == 0
    messages = [path.read_text("utf-8") for path in (tmp_path / "dry").iterdir()]
    to = sorted(line for one in messages for line in one.splitlines() if line.startswith("To: "))
    assert to == sorted(f"To: {name}" for name in names)


def test_a_dry_run_whose_reader_left_has_written_all_messages_and_blames_no_folder(
    folder: Path, tmp_path: Path
) -> None:
    settings = with_settings(tmp_path, free_port())
    words = ["mail", folder, "--settings", settings, "--dry-run", "dry"]
    reader, writer = os.pipe()
    os.close(reader)

    ended = subprocess.run(
        [sys.executable, "-m", "auditor", *words],
        stdout=writer,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    os.close(writer)

    assert (ended.returncode, ended.stderr) == (1, b"")
    assert len(list((tmp_path / "dry").iterdir())) == 2


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "name the folder of a run, or --spool"),
        (("run", "--spool"), "name the folder of a run, or --spool"),
        (("--spool", "--again"), "--spool takes no other option"),
        (("run", "--to", "stranger@else.example"), "is no recipient in"),
        (("elsewhere",), "holds no report.json"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    words: tuple[str, ...], says: str, auditor: Callable[..., Ran], folder: Path, tmp_path: Path
) -> None:
    settings = with_settings(tmp_path, free_port())
    code, out, err = auditor(*words, "--settings", settings)

    assert (code, out) == (2, "")
    assert says in err
    assert err.count("\n") == 1


def test_without_recipients_the_command_says_so(
    auditor: Callable[..., Ran], folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "audit.toml").write_text("", encoding="utf-8")
    code, _, err = auditor(folder)

    assert code == 2
    assert "mail.recipients is empty" in err


# Only on change.


def test_only_on_change_leaves_quiet_nights_and_quiet_recipients_alone(tmp_path: Path) -> None:
    run = with_history(small_run())
    findings = run.audit.findings
    one = findings["rule"].eq("line_billed_twice")
    findings = findings.assign(status=one.map({True: "new", False: "persisting"}))
    assert one.any()
    assert run.changes
    changes = replace(run.changes, resolved=run.changes.resolved.head(0))
    folder = folder_of(
        tmp_path / "run",
        replace(run, audit=replace(run.audit, findings=findings), changes=changes),  # type: ignore[type-var]
    )
    family = findings.loc[one, "family"].iat[0]
    other = next(name for name in findings["family"].unique() if name != family)
    box = Mailbox()
    with serving(box, "none") as port:
        settings = settings_of(
            RecipientSettings(address=DIRECTOR),
            RecipientSettings(address=ANALYST, families=[other]),
            port=port,
            only_on_change=True,
        )
        told = deliver(folder, settings, tmp_path / "spool")

    assert [one.state for one in told] == ["sent", "unchanged"]
    assert box.recipients() == [DIRECTOR]


def test_failures_are_always_mailed_and_so_is_the_first_night_after(tmp_path: Path) -> None:
    run = with_history(small_run())
    findings = run.audit.findings.assign(status="persisting")
    assert run.changes
    changes = replace(run.changes, resolved=run.changes.resolved.head(0))
    quiet = replace(run, audit=replace(run.audit, findings=findings), changes=changes)  # type: ignore[type-var]
    nights = [folder_of(tmp_path / name, renamed(quiet, name * 12)) for name in ("a", "b", "c")]
    moment = datetime(2026, 7, 1, 2, 15, tzinfo=UTC)
    bad = failure("night-2", date(2026, 7, 1), moment, "hospital.csv: is cut short")
    box, spool = Mailbox(), tmp_path / "spool"
    with serving(box, "none") as port:
        settings = settings_of(DIRECTOR, port=port, only_on_change=True)
        states = [
            deliver(nights[0], settings, spool),
            deliver_summary(bad, settings, spool),
            deliver_summary(bad, settings, spool),
            deliver(nights[1], settings, spool),
            deliver(nights[2], settings, spool),
        ]

    assert [told[0].state for told in states] == [
        "unchanged",
        "sent",
        "sent before",
        "sent",
        "unchanged",
    ]
    subjects = [str(message["Subject"]) for message in box.messages()]
    assert "FAILED" in subjects[0]
    assert "FAILED" not in subjects[1]


# Settings.


def test_families_of_the_settings_are_those_of_the_rules() -> None:
    from typing import get_args

    assert set(get_args(Family)) == set(FAMILIES)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[[mail.recipients]]\naddress = 'a@b.example'", "recipients need a host and a sender"),
        ("[mail]\nsecurity = 'ssl'", "mail.security"),
        ("[mail]\nuser = 'x'\nsecurity = 'none'", "no password goes over an open line"),
        ("[mail]\nuser = 'x'", "either password_env or password_file"),
        ("[mail]\npassword = 'x'", "mail.password: extra inputs"),
        ("[mail]\nlink = 'https://x/{claim}'", "only {run} and {folder}"),
        (TOML.format(port=1) + "\nproviders = ['12']", "an npi of ten digits"),
        (TOML.format(port=1).replace("analyst@", "Director@"), "is a recipient twice"),
        ("formats = ['html']\n" + TOML.format(port=1), "needs json and parquet among the formats"),
    ],
)
def test_settings_that_cannot_work_are_refused_with_the_key(
    content: str, says: str, tmp_path: Path
) -> None:
    from auditor.errors import AuditError

    (tmp_path / "audit.toml").write_text(content, encoding="utf-8")
    with pytest.raises(AuditError) as fault:
        read_settings(tmp_path / "audit.toml")
    assert says in str(fault.value).lower() or says in str(fault.value)
    assert fault.value.exit_code == 2


def test_usual_ports() -> None:
    ports = {kind: MailSettings(security=kind).server_port for kind in ("starttls", "tls", "none")}  # type: ignore[arg-type]

    assert ports == {"starttls": 587, "tls": 465, "none": 25}


def test_the_sample_settings_show_every_key_with_its_default() -> None:
    text = (ROOT / "samples" / "audit.toml").read_text(encoding="utf-8")
    shown = tomllib.loads(text)["mail"]
    keys = set(re.findall(r"^(?:# )?(\w+) = ", text, re.MULTILINE))

    assert shown == MailSettings().model_dump(exclude={"recipients"})
    assert set(RecipientSettings.model_fields) <= keys
    assert read_settings(ROOT / "samples" / "mail.toml").mail.recipients
