"""An encrypted history: says the same as a plain one, to nobody without its key."""

import base64
import os
import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.errors import AuditError
from auditor.history import ledger, resealing
from auditor.history.alive_findings import alive_of
from auditor.history.compare import known_to
from auditor.history.ledger import Ledger
from auditor.history.memory import Memory
from auditor.history.seal import new_seal
from auditor.history.waiver_days import waiver_days
from auditor.history.waivers import read_waivers
from auditor.history.waiving import listed
from auditor.night.doctor import doctor
from auditor.report.dispositions import Disposition
from auditor.settings import HistorySettings
from tests import sites
from tests.nights import AS_OF, Site, open_findings
from tests.test_history_nights import OTHERS, READING, SCAN

KEY, OTHER = "AUDITOR_TEST_HISTORY_KEY", "AUDITOR_TEST_OTHER_KEY"
SEALED = HistorySettings(encryption_key_env=KEY)
PATIENT = "MRNQX70001"
SCAN = SCAN | {"patient_id": PATIENT, "claim_id": "CLMQX50001"}
READING = READING | {"patient_id": PATIENT, "claim_id": "CLMQX50002"}
NIGHTS = [[SCAN, *OTHERS], OTHERS[:1], [READING], [SCAN]]
CANARIES = (PATIENT, SCAN["claim_id"], READING["claim_id"], "a note on Mrs Hjklo", "Qwertz")


def new_key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture(autouse=True)
def keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, new_key())
    monkeypatch.setenv(OTHER, new_key())


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history", history=SEALED)


def content(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def canaries_in(folder: Path) -> list[tuple[str, str]]:
    files = content(folder)
    assert len(files) > 2
    return [(name, one) for name, held in files.items() for one in CANARIES if one.encode() in held]


def told(remembered) -> tuple:
    changes = remembered.changes
    return (
        open_findings(remembered),
        remembered.audit.findings[["finding", "status", "message", "amount"]].to_dict("list"),
        changes.resolved["finding"].tolist(),
        changes.tonight,
        changes.first_seen,
        remembered.audited,
    )


def decide(site: Site) -> None:
    with Memory.open(site.folder, site.history) as memory:
        finding = alive_of(memory.ledger)["finding"][0]
        memory.decide({finding: Disposition("appealed", "Qwertz", "a note on Mrs Hjklo")})


def test_it_says_what_a_plain_one_says_and_shows_nobody(site: Site, tmp_path: Path) -> None:
    plain = Site(tmp_path / "plain")
    for lines in NIGHTS:
        assert told(site.night(lines)) == told(plain.night(lines))
        for one in (site, plain):
            if one.runs == 1:
                decide(one)
        assert canaries_in(site.folder) == []

    assert {one for _, one in canaries_in(plain.folder)} == set(CANARIES)


def test_numbers_of_findings_and_patients_can_t_be_tried_out(site: Site, tmp_path: Path) -> None:
    plain = Site(tmp_path / "plain")
    for one in (site, plain):
        one.night([SCAN, *OTHERS])
    numbers = []
    for folder in (site.folder, plain.folder):
        with sqlite3.connect(folder / ledger.NAME) as db:
            found = db.execute("SELECT finding, patient_key FROM findings").fetchall()
            numbers.append({x for row in found for x in row})

    assert len(numbers[0]) == len(numbers[1]) > 1
    assert not numbers[0] & numbers[1]


def test_decisions_and_waivers_are_kept(site: Site) -> None:
    first = site.night([SCAN, *OTHERS])
    decide(site)
    with Memory.open(site.folder, SEALED) as memory:
        memory.waivers_file.write_text(
            "rule,claim,provider,payer,revenue_code,reason,owner,expires\n"
            "professional_component_missing,CLMQX*,,,,Qwertz says so,Qwertz,2030-01-01\n"
        )
    last = site.night(OTHERS[:1])

    assert len(last.changes.waived) == 1
    assert "Qwertz says so" in last.changes.waived["waiver"].iloc[0]
    assert [one.owner for one in last.dispositions.values()] == ["Qwertz"]
    assert len(open_findings(last)) == len(open_findings(first)) - 1
    assert {name for name, _ in canaries_in(site.folder)} <= {"waivers.csv"}


WAIVER = (
    "rule,claim,provider,payer,revenue_code,reason,owner,expires\n"
    "professional_component_missing,CLMQX50001,,,,a reason,Qwertz,2030-01-01\n"
)


def test_claims_of_waivers_can_t_be_tried_out_either(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "waivers.csv"
    file.write_text(WAIVER)
    limits = SEALED.model_copy(update={"waivers": str(file)})
    plain = Site(tmp_path / "plain", history=limits.model_copy(update={"encryption_key_env": ""}))
    sealed = Site(site.folder, history=limits)
    for number in (1, 2):
        for one in (plain, sealed):
            one.night([SCAN, *OTHERS] if number == 1 else [], as_of=AS_OF + timedelta(days=number))
    (digest,) = {waiver.digest for waiver in read_waivers(file).all}

    assert digest.encode() in content(plain.folder)[ledger.NAME]
    assert [name for name, held in content(sealed.folder).items() if digest.encode() in held] == []
    # Encrypted later, and under another key.
    plain.history = limits
    plain.night([], as_of=AS_OF + timedelta(days=3))
    for one in (plain, sealed):
        with Memory.open(one.folder, limits) as memory:
            resealing.reseal(one.folder, memory.ledger, new_seal(KEY))
        assert [name for name, held in content(one.folder).items() if digest.encode() in held] == []
        with Ledger(one.folder) as kept:
            assert waiver_days(kept)[0] == {digest: AS_OF + timedelta(days=1)}
    # One that left the file is forgotten, but not while the file can't be read.
    file.write_bytes(b"\xff\xfe\x00")
    plain.night([], as_of=AS_OF + timedelta(days=4))
    with Ledger(plain.folder) as kept:
        assert list(waiver_days(kept)[0]) == [digest]
    file.write_text(WAIVER.splitlines()[0] + "\n")
    plain.night([], as_of=AS_OF + timedelta(days=5))
    with Ledger(plain.folder) as kept:
        assert waiver_days(kept) == ({}, {})


@pytest.mark.parametrize("spoil", ["missing", "wrong", "no key"])
def test_without_the_key_nothing_is_read_or_changed(
    site: Site, monkeypatch: pytest.MonkeyPatch, spoil: str
) -> None:
    site.night([SCAN, *OTHERS])
    right, before = os.environ[KEY], content(site.folder)
    if spoil == "missing":
        monkeypatch.delenv(KEY)
    else:
        monkeypatch.setenv(KEY, new_key() if spoil == "wrong" else "not thirty-two bytes")

    with pytest.raises(AuditError, match=KEY) as fault:
        site.night([READING])
    assert "\n" not in str(fault.value)
    assert fault.value.exit_code == 2
    assert before == content(site.folder)
    monkeypatch.setenv(KEY, right)
    assert len(site.night([READING]).changes.resolved) == 1


def test_the_settings_need_not_name_the_key_again(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    site.history = HistorySettings()

    assert len(site.night([READING]).changes.resolved) == 1
    assert canaries_in(site.folder) == []


@pytest.mark.parametrize("merged", [False, True])
def test_a_plain_history_is_encrypted_by_the_next_run(
    tmp_path: Path, merged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if merged:
        monkeypatch.setattr("auditor.history.compaction._MERGED_AT", 2)
    once, plain = Site(tmp_path / "history"), Site(tmp_path / "plain")
    for lines in NIGHTS[:2]:
        once.night(lines)
        plain.night(lines)
    assert canaries_in(once.folder)
    once.history = SEALED

    for lines in NIGHTS[2:]:
        assert told(once.night(lines)) == told(plain.night(lines))
        assert canaries_in(once.folder) == []


def test_another_key_opens_it_after_a_change_of_keys_and_the_old_one_doesn_t(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    decide(site)
    with Memory.open(site.folder, SEALED) as memory:
        before = alive_of(memory.ledger)
        resealing.reseal(site.folder, memory.ledger, resealing.new_seal(OTHER))

    with pytest.raises(AuditError, match="not the one"):
        Memory.open(site.folder, SEALED)
    site.history = HistorySettings(encryption_key_env=OTHER)
    with Memory.open(site.folder, site.history) as memory:
        columns = before.columns.drop("patient_key")
        after = alive_of(memory.ledger)
        pd.testing.assert_frame_equal(
            before[columns].sort_values("finding", ignore_index=True),
            after[columns].sort_values("finding", ignore_index=True),
        )
    assert len(site.night([READING]).changes.resolved) == 1
    assert canaries_in(site.folder) == []


def test_a_damaged_ledger_is_restored_with_its_key(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    (site.folder / ledger.NAME).write_bytes(b"nothing of a ledger " * 500)

    last = site.night([READING])

    assert len(last.changes.resolved) == 1
    assert canaries_in(site.folder) == []


class Killed(BaseException):
    """The process dies."""


@pytest.mark.parametrize("place", ["write", "put_seal", "unlink", "vacuum", "copy"])
def test_a_kill_while_it_is_encrypted_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    site = Site(tmp_path / "history")
    site.night([SCAN, *OTHERS])
    site.history = SEALED

    def kill(*_: object, **__: object) -> None:
        raise Killed

    target: tuple[object, str] = {
        "write": (resealing.kept_lines, "write"),
        "put_seal": (ledger.Ledger, "put_seal"),
        "unlink": (Path, "unlink"),
        "vacuum": (resealing, "_remove_traces"),
        "copy": (ledger.Ledger, "lay_copy"),
    }[place]
    with monkeypatch.context() as patched:
        patched.setattr(*target, kill)
        with pytest.raises(Killed):
            Memory.open(site.folder, SEALED)

    assert len(site.night([READING]).changes.resolved) == 1
    assert canaries_in(site.folder) == []


def test_another_program_that_looks_on_keeps_no_plain_page(tmp_path: Path) -> None:
    """SQLite brings its log into the file by itself only when the last connection closes."""
    site = Site(tmp_path / "history")
    site.night([SCAN, *OTHERS])
    with closing(sqlite3.connect(site.folder / ledger.NAME)) as other:
        assert other.execute("SELECT count(*) FROM runs").fetchall() == [(1,)]
        site.history = SEALED

        assert len(site.night([READING]).changes.resolved) == 1

        assert canaries_in(site.folder) == []


def test_what_was_changed_is_told_and_not_believed(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    with sqlite3.connect(site.folder / ledger.NAME) as db:
        ((name, closed),) = db.execute("SELECT finding, message FROM findings").fetchall()
        changed = closed[:-1] + bytes([closed[-1] ^ 1])
        db.execute("UPDATE findings SET message = ? WHERE finding = ?", (changed, name))
    db.close()

    with pytest.raises(AuditError, match="changed after it was encrypted"):
        site.night([READING])


def test_an_earlier_version_of_the_program_can_t_take_it_for_a_plain_one(site: Site) -> None:
    site.night([SCAN])
    with sqlite3.connect(site.folder / ledger.NAME) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (5,)


def test_no_key_is_shown(site: Site) -> None:
    with Memory.open(site.folder, SEALED) as memory:
        seal = memory.ledger.seal
    assert os.environ[KEY] not in repr(seal)
    assert "root" not in repr(seal)


def night_site(root: Path) -> "sites.Site":
    return sites.make_site(root, sites.SETTINGS + f'\n[history]\nencryption_key_env = "{KEY}"\n')


def test_a_night_without_the_key_moves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = night_site(tmp_path / "site")
    sites.fill(site, 0)
    right, before = (
        os.environ[KEY],
        {path.name for path in (tmp_path / "site/inbox").rglob("*.csv")},
    )

    for key in ("", new_key()[:-8]):
        monkeypatch.setenv(KEY, key)
        with pytest.raises(AuditError, match=KEY) as fault:
            sites.night(site)
        assert fault.value.exit_code == 2
        assert before == {path.name for path in (tmp_path / "site/inbox").rglob("*.csv")}
    monkeypatch.setenv(KEY, right)
    sites.night(site)
    monkeypatch.setenv(KEY, new_key())
    sites.fill(site, 1)
    with pytest.raises(AuditError, match="not the one"):
        sites.night(site, sites.NIGHTS[1])
    monkeypatch.setenv(KEY, right)
    sites.night(site, sites.NIGHTS[1])

    assert (site.reports / "2026-03-02" / "findings.parquet").exists()
    assert not [name for name, held in content(site.history).items() if b"hospital/" in held]


def test_the_doctor_says_whether_it_is_encrypted_and_the_key_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[tuple[str, str]]:
        checks = doctor(site, sites.NIGHTS[0])
        return [(one.state, one.words) for one in checks if one.name in ("encryption", "history")]

    site = night_site(tmp_path / "site")
    assert "the next run encrypts it" in told()[0][1]
    sites.fill(site, 0)
    sites.night(site)
    assert told()[0][1].endswith(f"is encrypted, and the key in {KEY} opens it")
    monkeypatch.setenv(KEY, new_key())
    assert [state for state, _ in told()] == ["fail"]
    monkeypatch.delenv(KEY)
    assert f"{KEY} is not set" in told()[0][1]
    plain = sites.make_site(tmp_path / "plain")
    site = plain
    assert "is not encrypted: keep it on an encrypted disk" in told()[0][1]


def test_the_command_encrypts_changes_the_key_and_decrypts(tmp_path: Path) -> None:
    site = Site(tmp_path / "history")
    site.night([SCAN, *OTHERS])
    settings = tmp_path / "audit.toml"

    def rekey(key_env: str, *words: str) -> str:
        settings.write_text(f'[history]\nencryption_key_env = "{key_env}"\n', encoding="utf-8")
        asked = ["history", "rekey", "--settings", str(settings), "--history", str(site.folder)]
        ran = CliRunner().invoke(app, [*asked, *words])
        assert ran.exit_code == 0, ran.exception
        return ran.stdout

    assert f"encrypted with the key in {KEY}" in rekey(KEY)
    assert canaries_in(site.folder) == []
    # The same variable with another key, as a site rotates it.
    os.environ["AUDITOR_TEST_OLD_KEY"], os.environ[KEY] = os.environ[KEY], new_key()
    rekey(KEY, "--old-key-env", "AUDITOR_TEST_OLD_KEY")
    del os.environ["AUDITOR_TEST_OLD_KEY"]
    with Memory.open(site.folder, SEALED) as memory:
        assert len(alive_of(memory.ledger)) == 1
    assert "not encrypted any more" in rekey("")
    assert canaries_in(site.folder)
    assert len(site.night([READING]).changes.resolved) == 1


def test_commands_read_an_encrypted_history(site: Site) -> None:
    first = site.night([SCAN, *OTHERS]).audit.findings["finding"].tolist()

    assert [known_to(site.folder)[one][0] for one in first] == ["new"]
    assert "no waivers" in listed(site.folder, date(2026, 6, 30), site.folder)
