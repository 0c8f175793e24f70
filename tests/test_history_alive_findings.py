"""The findings that stand open: those kept ready are those of the rows."""

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from auditor.history.alive_findings import alive_of
from auditor.history.ledger import Ledger
from auditor.history.memory import Memory
from auditor.report.dispositions import Disposition
from auditor.settings import HistorySettings
from tests.nights import AS_OF, Site
from tests.test_history_nights import OTHERS, READING, SCAN


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history")


def ready(ledger: Ledger) -> int:
    return len(ledger.rows("SELECT 1 FROM alive"))


def agree(site: Site) -> int:
    """Compares what is kept ready with the rows; gives the number of findings."""
    with Ledger(site.folder) as ledger:
        assert ready(ledger) == 1
        kept = alive_of(ledger).sort_values("finding", ignore_index=True)
        ledger.do("DELETE FROM alive")
        rows = alive_of(ledger).sort_values("finding", ignore_index=True)
    pd.testing.assert_frame_equal(kept, rows)
    return len(rows)


@pytest.mark.parametrize("nights", [1, 2, 3])
def test_what_is_kept_ready_is_what_the_rows_say(site: Site, nights: int) -> None:
    # New; carried and persisting; resolved by the reading.
    for lines in [[SCAN, *OTHERS], OTHERS[:1], [READING]][:nights]:
        site.night(lines)

    assert (agree(site) > 0) == (nights < 3)


def test_decisions_are_kept_ready_too(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    with Memory.open(site.folder) as memory:
        finding = alive_of(memory.ledger)["finding"][0]
        memory.decide({finding: Disposition("appealed", "Coding", "sent"), "0" * 12: Disposition()})

    assert agree(site) > 0
    with Ledger(site.folder) as ledger:
        alive = alive_of(ledger).set_index("finding")
    assert alive.loc[finding, ["disposition", "owner", "note"]].tolist() == [
        "appealed",
        "Coding",
        "sent",
    ]


def test_any_other_change_of_a_row_drops_what_was_ready(site: Site) -> None:
    site.night([SCAN, *OTHERS])

    with Ledger(site.folder) as ledger:
        before = len(alive_of(ledger))
        ledger.do("UPDATE findings SET status = 'resolved'")
        assert ready(ledger) == 0
        assert before > 0
        assert alive_of(ledger).empty


def test_what_an_earlier_version_kept_ready_is_read_from_the_rows(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    with Ledger(site.folder) as ledger:
        expected = alive_of(ledger).sort_values("finding", ignore_index=True)
        with ledger.writing():
            ledger.do("UPDATE alive SET findings = ?", b"PAR1, a block of another kind")
            ledger.do("PRAGMA user_version = 2")

    with Ledger(site.folder) as ledger:
        assert ready(ledger) == 0
        found = alive_of(ledger).sort_values("finding", ignore_index=True)
    pd.testing.assert_frame_equal(expected, found)


def test_a_finding_that_stays_open_leaves_its_row_alone(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    with Ledger(site.folder) as ledger:
        rows = ledger.rows("SELECT * FROM findings ORDER BY finding")

    later = site.night([])

    with Ledger(site.folder) as ledger:
        assert ledger.rows("SELECT * FROM findings ORDER BY finding") == rows
        assert set(alive_of(ledger)["status"]) == {"persisting"}
    assert set(later.audit.findings["status"]) == {"persisting"}


def test_what_is_kept_ready_stays_when_closed_findings_leave(tmp_path: Path) -> None:
    site = Site(tmp_path / "history", history=HistorySettings(keep_days=30))
    site.night([SCAN | {"diagnosis_codes": ""}, READING, *OTHERS])
    site.night([SCAN, {"claim_id": "H9", "patient_id": "P9", "diagnosis_codes": ""}])
    site.night([], as_of=AS_OF + timedelta(days=45))

    assert agree(site) > 0
    with Ledger(site.folder) as ledger:
        assert ledger.rows("SELECT count(*) FROM findings WHERE status = 'resolved'") == [(0,)]
