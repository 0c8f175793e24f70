"""Waivers set findings apart; comparing runs says what became of findings."""

from datetime import date, timedelta
from pathlib import Path

import pytest

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


def test_a_lapsed_waiver_hides_nothing_and_is_named(site: Site) -> None:
    waive(site, GOOD | {"expires": "2026-06-30"})
    first = site.night([BARE, READING, *OTHERS])
    second = site.night([], as_of=AS_OF + timedelta(days=1))

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


def test_a_folder_that_is_no_run_can_t_be_compared(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="name the folder of a finished run"):
        comparison_page(tmp_path, tmp_path)
