"""Waivers set findings apart; comparing runs says what became of findings."""

import shutil
from datetime import date, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.errors import AuditError
from auditor.history.compare import comparison_page
from auditor.history.memory import Memory
from auditor.history.waivers import COLUMNS, read_waivers
from auditor.history.waiving import add, expire, listed
from auditor.report.dispositions import Disposition
from tests.nights import AS_OF, Site, open_findings
from tests.test_history_nights import OTHERS, READING, SCAN

GOOD = {
    "rule": "diagnosis_missing",
    "claim": "H*",
    "provider": "",
    "payer": "",
    "revenue_code": "",
    "reason": "known",
    "owner": "Coding",
    "expires": "2026-12-31",
}
SAMPLE_SITE = Path(__file__).parents[1] / "samples" / "site"
RUNNER = CliRunner()
BARE = SCAN | {"diagnosis_codes": ""}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history")


def waive(site: Site, *rows: dict[str, str]) -> None:
    site.folder.mkdir(parents=True, exist_ok=True)
    lines = [",".join(COLUMNS), *(",".join(row[name] for name in COLUMNS) for row in rows)]
    (site.folder / "waivers.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_waived_findings_are_shown_and_counted_apart(site: Site) -> None:
    waive(site, GOOD)
    night = site.night([BARE, READING, *OTHERS])

    assert open_findings(night) == set()
    assert night.audit.totals.findings == night.audit.totals.at_risk_cents == 0
    assert night.changes.waived["waiver"].tolist() == ["known (Coding, until 2026-12-31)"]
    assert night.changes.tonight.waived == 1
    assert night.changes.waiver_notes == ()


def test_a_waived_finding_that_is_mended_was_not_open_and_is_no_success(site: Site) -> None:
    other = BARE | {"patient_id": "P2", "claim_id": "K2"}
    waive(site, GOOD)
    site.night([BARE, other, READING, *OTHERS])
    mended = [SCAN, SCAN | {"patient_id": "P2", "claim_id": "K2"}]
    last = site.night(mended, run="tonight")
    again = site.night(mended, run="tonight")

    for night in (last, again):
        assert night.changes.tonight.resolved == 1
        assert night.changes.resolved["claim_id"].tolist() == ["K2"]
        assert night.changes.waived.empty


@pytest.mark.parametrize(
    ("payer", "waived"),
    [
        ("Medicare [1001]", 1),
        ("medicare [*]", 1),
        ("Medicare ?100??", 1),
        ("Medicare [1002]", 0),
        ("Medicare [1", 0),
        ("Medicare", 0),
    ],
)
def test_brackets_in_a_pattern_are_brackets(site: Site, payer: str, waived: int) -> None:
    named = BARE | {"payer": "Medicare [1001]", "payer_type": "medicare"}
    waive(site, GOOD | {"claim": "", "payer": payer})
    night = site.night([named, READING, *OTHERS])

    assert night.changes.tonight.waived == waived


@pytest.mark.parametrize(("code", "waived"), [("489", 1), ("48*", 0), ("48X", 0), ("480", 0)])
def test_a_revenue_code_that_a_spreadsheet_shortened_is_still_that_code(
    site: Site, code: str, waived: int
) -> None:
    waive(site, GOOD | {"claim": "", "revenue_code": code})

    assert site.night([BARE, READING, *OTHERS]).changes.tonight.waived == waived


@pytest.mark.parametrize("rows", [[], [BARE]], ids=["not exported again", "exported again"])
def test_a_lapsed_waiver_hides_nothing_and_is_named(site: Site, rows: list[dict[str, str]]) -> None:
    waive(site, GOOD | {"expires": "2026-06-30"})
    first = site.night([BARE, READING, *OTHERS])
    second = site.night(rows, as_of=AS_OF + timedelta(days=1))

    assert open_findings(first) == set()
    assert "lapses on 2026-06-30" in first.changes.waiver_notes[0]
    assert second.audit.findings["status"].tolist() == ["persisting"]
    assert "lapsed on 2026-06-30; it waives nothing" in second.changes.waiver_notes[0]


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"rule": "no_such_rule"}, "none of the catalogue"),
        ({"claim": ""}, "all blank"),
        ({"reason": ""}, "reason is blank"),
        ({"owner": ""}, "owner is blank"),
        ({"expires": ""}, "expires is blank"),
        ({"expires": "31.12.2026"}, "is not a date like"),
    ],
)
def test_a_malformed_waiver_hides_nothing_and_is_named(
    site: Site, cells: dict[str, str], words: str
) -> None:
    waive(site, GOOD | cells)

    found = read_waivers(site.folder / "waivers.csv")

    assert found.all == ()
    (note,) = found.notes(AS_OF, {}, {})
    assert note.startswith("waivers.csv line 2: ")
    assert words in note
    assert note.endswith("waives nothing")


def test_a_waiver_that_matches_nothing_for_ninety_days_is_named(site: Site) -> None:
    waive(site, GOOD | {"claim": "X*", "expires": "2027-12-31"})
    first = site.night([BARE, READING, *OTHERS])
    # A night on which the file can't be read forgets no day.
    kept = (site.folder / "waivers.csv").read_bytes()
    (site.folder / "waivers.csv").write_bytes(b"rule\xff")
    site.night([], as_of=AS_OF + timedelta(days=45))
    (site.folder / "waivers.csv").write_bytes(kept)
    last = site.night([], as_of=AS_OF + timedelta(days=90))

    assert first.changes.waiver_notes == ()
    assert "has matched nothing since 2026-06-30" in last.changes.waiver_notes[0]
    assert "X*" not in last.changes.waiver_notes[0]


def test_waivers_are_added_listed_and_ended(tmp_path: Path) -> None:
    today = date(2026, 6, 1)
    add(tmp_path, GOOD, today)
    add(tmp_path, GOOD | {"rule": "filed_late"}, today)
    expire(tmp_path, 2, today)

    page = listed(tmp_path, today)
    assert "2  diagnosis_missing  claim=H*  lapsed 2026-05-31" in page
    assert "3  filed_late  claim=H*  until 2026-12-31" in page
    with pytest.raises(AuditError, match="has no waiver in line 9"):
        expire(tmp_path, 9, today)
    with pytest.raises(AuditError, match="is past"):
        add(tmp_path, GOOD | {"expires": "2026-01-01"}, today)


def test_decisions_are_remembered_with_their_findings(site: Site) -> None:
    first = site.night([BARE, READING, *OTHERS])
    finding = first.audit.findings["finding"].iloc[0]
    with Memory.open(site.folder) as memory:
        memory.decide({finding: Disposition("appealed", "Coding", "sent"), "0" * 12: Disposition()})

    assert site.night([]).dispositions == {finding: Disposition("appealed", "Coding", "sent")}


def test_what_was_decided_about_a_finding_is_told_when_it_is_mended(site: Site) -> None:
    first = site.night([BARE, READING, *OTHERS])
    finding = first.audit.findings["finding"].iloc[0]
    sent = Disposition("corrected", "Coding", "sent")
    with Memory.open(site.folder) as memory:
        memory.decide({finding: sent})

    mended = site.night([SCAN])

    assert mended.changes.resolved["finding"].tolist() == [finding]
    assert mended.dispositions == {finding: sent}
    assert site.night([]).dispositions == {}


def test_a_folder_that_is_no_run_can_t_be_compared(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="name the folder of a finished run"):
        comparison_page(tmp_path, tmp_path)


def test_waivers_that_can_t_be_read_hide_nothing_and_stop_no_night(site: Site) -> None:
    waive(site, GOOD | {"owner": "Müller"})
    path = site.folder / "waivers.csv"
    path.write_bytes(path.read_text("utf-8").encode("cp1252"))
    before = path.read_bytes()

    night = site.night([BARE, READING, *OTHERS])

    assert [rule for rule, _, _ in open_findings(night)] == ["diagnosis_missing"]
    (note,) = night.changes.waiver_notes
    assert note == f"{path}: is no UTF-8 CSV; save it as CSV UTF-8; it waives nothing"
    for rewrite in (lambda: add(path, GOOD, AS_OF), lambda: expire(path, 2, AS_OF)):
        with pytest.raises(AuditError, match="save it as CSV UTF-8"):
            rewrite()
    assert path.read_bytes() == before


def test_what_people_added_to_the_file_stays_when_a_command_changes_it(tmp_path: Path) -> None:
    path = tmp_path / "waivers.csv"
    row = "diagnosis_missing,H*,,,,known,Coding,2026-12-31"
    text = f"Rule,{','.join(COLUMNS[1:])},ticket\n{row},T-99\n\n{row},T-100,more\n"
    path.write_text(text, "utf-8")

    add(path, GOOD | {"rule": "filed_late"}, AS_OF)
    assert path.read_text("utf-8") == f"{text}{row.replace('diagnosis_missing', 'filed_late')},\n"
    expire(path, 2, AS_OF)
    assert path.read_text("utf-8").splitlines()[1] == row.replace("12-31", "06-29") + ",T-99"
    with pytest.raises(AuditError, match="has no waiver in line 3"):
        expire(path, 3, AS_OF)
    found = read_waivers(path)
    assert [one.line for one in found.all] == [2, 5]
    assert found.faults == ("waivers.csv line 4 has more cells than the header",)


def test_a_file_without_a_column_of_patterns_gets_it_with_the_first_waiver(tmp_path: Path) -> None:
    path = tmp_path / "waivers.csv"
    row = "filed_late,H7,known,Coding,2026-12-31"
    path.write_text(f"rule,claim,reason,owner,expires\n{row}\n", "utf-8")
    assert read_waivers(path).all[0].claim == "H7"

    add(path, GOOD | {"payer": "Acme"}, AS_OF)

    first, second = read_waivers(path).all
    assert (first.claim, first.payer, second.claim, second.payer) == ("H7", "", "H*", "Acme")


@pytest.mark.parametrize("missing", ["rule", "reason", "owner", "expires", "all"])
def test_a_file_without_the_columns_of_waivers_waives_nothing_and_is_not_overwritten(
    tmp_path: Path, missing: str
) -> None:
    path = tmp_path / "waivers.csv"
    names = [name for name in COLUMNS if name != missing]
    path.write_text((";" if missing == "all" else ",").join(names) + "\nH7\n", "utf-8")
    before = path.read_bytes()

    words = r"its first line lacks .*rule,claim,provider,payer,revenue_code,reason,owner,expires"
    found = read_waivers(path)
    assert found.all == ()
    assert "its first line lacks " in found.unread
    for rewrite in (lambda: add(path, GOOD, AS_OF), lambda: expire(path, 2, AS_OF)):
        with pytest.raises(AuditError, match=words):
            rewrite()
    assert path.read_bytes() == before


def test_the_file_of_waivers_is_named_as_people_write_it(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.folder.mkdir()
    (site.folder.parent / "waivers.csv").write_bytes(b"rule\xff")
    monkeypatch.chdir(site.folder.parent)

    found = read_waivers(site.folder / "../waivers.csv")

    assert found.notes(AS_OF, {}, {})[0].startswith("waivers.csv: is no UTF-8 CSV")


def test_the_list_shows_what_lapses_soon_and_what_matches_nothing(site: Site) -> None:
    waive(site, GOOD | {"expires": "2026-10-20"}, GOOD | {"claim": "X*", "expires": "2027-12-31"})
    site.night([BARE, READING, *OTHERS])
    site.night([BARE], as_of=AS_OF + timedelta(days=90))

    page = listed(site.folder, AS_OF + timedelta(days=90), site.folder)
    without = listed(site.folder, AS_OF + timedelta(days=90))

    soon, idle = page[: page.index("   3  ")], page[page.index("   3  ") :]
    assert "lapses in 22 days" in soon
    assert "nothing since" not in soon
    assert "has matched nothing since 2026-06-30" in idle
    assert "lapses" not in idle
    assert "nothing since" not in without


def shown(*words: object) -> tuple[int, str]:
    """Exit code and what ``auditor waive list`` says."""
    ended = RUNNER.invoke(app, ["waive", "list", *map(str, words)])
    fault = ended.exception
    if isinstance(fault, AuditError):
        return fault.exit_code, str(fault)
    return ended.exit_code, ended.output


def test_a_list_tells_a_file_that_is_not_there_from_one_without_waivers(tmp_path: Path) -> None:
    for path in (tmp_path / "waiver.csv", tmp_path / "histroy"):
        code, said = shown("--waivers", path)
        assert code == 2
        assert said.startswith(f"{path}: there is no such file or folder; check the path")
    # The history of a site that never waived anything is nobody's mistake.
    code, said = shown("--waivers", tmp_path)
    assert code == 0
    assert f"{tmp_path / 'waivers.csv'}: there is no such file, so no waivers" in said

    (tmp_path / "waivers.csv").write_text(",".join(COLUMNS), "utf-8")
    assert shown("--waivers", tmp_path) == (0, f"{tmp_path / 'waivers.csv'}: no waivers\n")


@pytest.mark.parametrize("name", ["audit.toml", "waivers.csv"])
def test_a_list_of_what_is_no_file_of_waivers_can_not_be_had(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text("[limits]\npairing_days = 7\n", "utf-8")

    code, said = shown("--waivers", path)

    assert code == 1
    assert said.startswith(f"{path}: its first line lacks rule, reason, owner, expires")


def test_a_folder_by_the_name_of_a_file_holds_the_waivers(tmp_path: Path) -> None:
    (tmp_path / "waivers.csv").mkdir()
    add(tmp_path / "waivers.csv", GOOD, AS_OF)

    assert "diagnosis_missing  claim=H*" in shown("--waivers", tmp_path / "waivers.csv")[1]
    code, said = shown("--waivers", tmp_path)
    assert code == 1
    assert said.endswith("it must be a file you may read; it waives nothing")


def test_a_site_s_settings_say_which_waivers_its_nights_read(tmp_path: Path) -> None:
    shutil.copytree(SAMPLE_SITE, tmp_path / "site", ignore=shutil.ignore_patterns("nights"))
    settings = str(tmp_path / "site" / "audit.toml")
    waiver = ["filed_late", "--claim", "H7", "--reason", "known", "--owner", "Coding"]

    added = RUNNER.invoke(
        app, ["waive", "add", *waiver, "--expires", "2999-12-31", "--settings", settings]
    )
    shown = RUNNER.invoke(app, ["waive", "list", "--settings", settings])
    both = RUNNER.invoke(app, ["waive", "list", "--settings", settings, "--waivers", str(tmp_path)])

    assert added.exit_code == shown.exit_code == 0
    assert ".." not in added.output
    assert "filed_late,H7" in (tmp_path / "site" / "waivers.csv").read_text("utf-8")
    assert "filed_late  claim=H7  until 2999-12-31" in shown.output
    assert isinstance(both.exception, AuditError)
    assert both.exception.exit_code == 2
