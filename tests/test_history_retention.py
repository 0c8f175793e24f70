"""What leaves a memory when it has grown old, and what stays."""

import os
import sqlite3
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from auditor.history import ledger, lines
from auditor.settings import HistorySettings
from tests.nights import AS_OF, Site, open_findings
from tests.test_history_nights import MISSING, OTHERS, READING, SCAN, others

OLD = {"service_date": "2026-03-10", "received_date": "2026-03-15"}
FIRST = AS_OF - timedelta(days=100)
OTHER = {"patient_id": "P50", "claim_id": "H51"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history", history=HistorySettings(keep_days=60))


def kept_patients(site: Site) -> set[str]:
    return set(lines.read((site.folder / "lines").glob("*.parquet"), None).lines["patient_id"])


def in_ledger(site: Site, name: str = ledger.NAME) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(site.folder / name)) as db:
        return db.execute("SELECT claim_id, status FROM findings ORDER BY claim_id").fetchall()


def test_closed_findings_leave_the_ledger_and_its_copy(site: Site) -> None:
    site.night([SCAN | OLD | {"diagnosis_codes": "", "patient_id": "PSECRET"}], as_of=FIRST)
    site.night([SCAN | OLD | {"patient_id": "PSECRET"}], as_of=FIRST + timedelta(days=1))
    assert in_ledger(site) == [("H1", "resolved")]

    site.night([SCAN | OTHER], as_of=FIRST + timedelta(days=50))
    assert in_ledger(site) == [("H1", "resolved")]
    site.night([], as_of=FIRST + timedelta(days=75))

    assert "H1" not in dict(in_ledger(site))
    assert "H1" not in dict(in_ledger(site, ledger.COPY))
    # Its pages are overwritten, too; the open finding of the other claim stands.
    assert b"PSECRET" not in (site.folder / ledger.COPY).read_bytes()


def test_old_lines_leave_once_a_month_however_few_the_files(site: Site) -> None:
    site.night([SCAN | OLD, *OTHERS], as_of=FIRST)
    late = SCAN | OLD | {"patient_id": "P60", "claim_id": "H60"}
    site.night([SCAN | OTHER, late], as_of=FIRST + timedelta(days=50))
    assert "P1" in kept_patients(site)
    last = site.night([READING | OTHER | {"claim_id": "R51"}], as_of=FIRST + timedelta(days=100))

    # Served and arrived more than 60 days ago; the second pair is of yesterday, and one came late.
    assert kept_patients(site) == {"Q1", "P50", "P60"}
    # The finding of the line that left stays open: nobody can say that it is mended.
    assert MISSING in open_findings(last)
    after = site.night([], as_of=AS_OF)
    # The dates at hand no longer reach back to what has left: of the late one nothing is said.
    assert open_findings(after) == {MISSING}
    first_day = np.datetime64(OLD["service_date"], "D").astype(np.int64)
    assert after.extract.spans["institutional"].first_day == first_day


def test_a_memory_of_which_all_is_old_still_works(site: Site) -> None:
    site.night([SCAN | OLD], as_of=FIRST)
    site.night([], as_of=FIRST + timedelta(days=50))
    site.night([], as_of=FIRST + timedelta(days=100))
    assert list((site.folder / "lines").iterdir()) == []

    last = site.night([SCAN, READING], as_of=AS_OF)

    assert last.audited == 2
    assert kept_patients(site) == {"P1"}


def test_a_clock_that_is_wrong_for_a_night_empties_nothing(site: Site) -> None:
    site.night([SCAN | {"diagnosis_codes": ""}, READING, *OTHERS])
    site.night([SCAN])
    before = kept_patients(site), in_ledger(site)

    site.night([], as_of=AS_OF + timedelta(days=3000))

    assert (kept_patients(site), in_ledger(site)[:1]) == (before[0], before[1][:1])


def test_damaged_files_leave_by_their_age(site: Site) -> None:
    site.night([SCAN, *OTHERS], as_of=FIRST)
    old, young = site.folder / "damaged-ledger.sqlite", site.folder / "lines" / "damaged-x.parquet"
    for path, day in ((old, AS_OF - timedelta(days=90)), (young, AS_OF - timedelta(days=9))):
        path.write_bytes(b"of a bad disk")
        noon = datetime.combine(day, datetime.min.time()).timestamp() + 43_200
        os.utime(path, (noon, noon))

    site.night([], as_of=FIRST + timedelta(days=50))
    site.night([], as_of=date(2026, 6, 29))

    assert not old.exists()
    assert young.exists()


def test_a_finding_that_nobody_closed_leaves_when_it_has_stood_too_long(tmp_path: Path) -> None:
    limits = HistorySettings(keep_days=60, keep_open_days=90)
    site = Site(tmp_path / "history", history=limits)
    around = others("2026-01-02", "2026-03-20")
    site.night([SCAN | OLD | {"patient_id": "PSECRET"}, *around], as_of=FIRST)
    day = FIRST + timedelta(days=45)
    early = site.night([SCAN | OTHER, READING | OTHER | {"claim_id": "R51"}], as_of=day)
    site.night([], as_of=FIRST + timedelta(days=90))
    kept = site.night([], as_of=FIRST + timedelta(days=135))
    assert MISSING in open_findings(early)
    assert MISSING in open_findings(kept)

    last = site.night([], as_of=FIRST + timedelta(days=136), run="last")

    assert MISSING not in open_findings(last)
    assert (last.changes.tonight.resolved, last.changes.tonight.new) == (0, 0)
    (note,) = last.changes.notes
    assert "1 finding that stood open came in no export for longer than" in note
    # The same run asked again says the same; the next one says nothing of it, and it is gone.
    again = site.night([], as_of=FIRST + timedelta(days=136), run="last")
    assert again.changes.notes == last.changes.notes
    assert in_ledger(site) == [("H1", "unjudged")]
    assert site.night([], as_of=FIRST + timedelta(days=137)).changes.notes == ()
    assert in_ledger(site) == []
    assert b"PSECRET" not in (site.folder / ledger.COPY).read_bytes()


def test_a_wrong_clock_closes_no_finding(tmp_path: Path) -> None:
    site = Site(tmp_path / "history")
    site.night([SCAN | {"diagnosis_codes": ""}, READING, *OTHERS])

    wrong = site.night([], as_of=AS_OF + timedelta(days=9000))

    assert ("diagnosis_missing", "H1", "1") in open_findings(wrong)


def test_open_findings_are_kept_no_shorter_than_their_lines() -> None:
    with pytest.raises(ValueError, match="keep_open_days is less than keep_days"):
        HistorySettings(keep_days=400, keep_open_days=399)


def test_what_nobody_asks_for_again_leaves_the_ledger(site: Site) -> None:
    nights = 26
    for number in range(nights):
        day = FIRST + timedelta(days=5 * number)
        served = {"service_date": day.isoformat(), "received_date": day.isoformat()}
        site.night(
            [SCAN | served | {"patient_id": f"P{number}", "claim_id": f"H{number}"}], as_of=day
        )
    with closing(sqlite3.connect(site.folder / ledger.NAME)) as db:
        (told,) = db.execute("SELECT count(*) FROM runs WHERE extract <> ''").fetchone()
        numbers = {number for (number,) in db.execute("SELECT export FROM exports")}

    assert told == 1
    kept = lines.read((site.folder / "lines").glob("*.parquet"), None)
    assert set(kept.export.tolist()) == numbers
    assert max(numbers) == nights
    assert len(numbers) < nights
