"""What nights remember: partners that come later, replacements, re-exports, statuses."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from auditor.changes import otherwise
from auditor.history.memory import Memory, Remembered
from auditor.settings import HistorySettings, Settings
from tests.nights import AS_OF, Site, open_findings

SCAN = {"claim_id": "H1", "service_date": "2026-05-10", "received_date": "2026-05-15"}
READING = {
    "claim_type": "professional",
    "claim_id": "R1",
    "service_date": "2026-05-11",
    "received_date": "2026-05-20",
}
PAIR = [SCAN, READING]
MISSING = ("professional_component_missing", "H1", "1")


def others(*days: str) -> list[dict[str, str]]:
    """Pairs of other patients, so that both kinds of claims, these days and providers are there."""
    return [
        {"claim_id": f"{c}{n}0", "patient_id": f"Q{n}", "service_date": day, "received_date": day}
        | ({"claim_type": "professional"} if c == "R" else {})
        for n, day in enumerate(days)
        for c in "HR"
    ]


OTHERS = others("2026-01-02", "2026-06-29")


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history")


def statuses(remembered: Remembered) -> dict[str, str]:
    found = remembered.audit.findings
    return dict(zip(found["claim_id"], found["status"], strict=True))


def test_a_reading_that_arrives_later_finds_its_scan(site: Site) -> None:
    first = site.night([SCAN, *OTHERS])
    second = site.night([READING])

    assert open_findings(first) == {MISSING}
    assert open_findings(second) == set()
    assert second.changes.resolved["claim_id"].tolist() == ["H1"]
    assert second.changes.tonight.resolved == 1
    assert (second.audited, second.superseded, second.changes.remembered_lines) == (1, 0, 1)


def test_a_line_that_waits_for_its_partner_matures_though_nothing_of_it_comes_again(
    site: Site,
) -> None:
    early = site.night([SCAN, *others("2026-01-02", "2026-05-18")], as_of=date(2026, 5, 20))
    late = site.night([], as_of=date(2026, 6, 20))

    assert open_findings(early) == set()
    assert open_findings(late) == {MISSING}
    assert statuses(late) == {"H1": "new"}


def test_a_partner_that_was_outside_the_dates_at_hand_is_missed_once_they_reach_it(
    site: Site,
) -> None:
    first = site.night([SCAN, *OTHERS[:2]])
    second = site.night(OTHERS[2:])

    assert open_findings(first) == set()
    assert open_findings(second) == {MISSING}


def test_a_finding_stays_open_with_its_age_while_its_claim_is_in_no_file(site: Site) -> None:
    site.night([SCAN, *others("2026-01-02", "2026-05-18")], as_of=AS_OF - timedelta(days=20))
    last = site.night([PAIR[1] | {"patient_id": "P9", "claim_id": "R9"}])

    found = last.audit.findings.set_index("claim_id")
    assert found.loc["H1", "status"] == "persisting"
    assert last.changes.first_seen[found.loc["H1", "finding"]] == AS_OF - timedelta(days=20)
    assert last.changes.tonight.persisting == 1


def test_what_is_superseded_resolves_its_findings_in_whatever_order_it_comes(site: Site) -> None:
    bad = SCAN | {"diagnosis_codes": ""}
    good = {"claim_id": "H2", "claim_frequency": "7", "original_claim_id": "H1"}
    replacement = SCAN | good | {"received_date": "2026-06-01"}

    first = site.night([bad, READING, *OTHERS])
    second = site.night([replacement])
    again = site.night([bad | {"patient_id": "P2"}, replacement | {"patient_id": "P3"}])
    other_way_round = site.night([bad | {"patient_id": "P3"}])

    assert ("diagnosis_missing", "H1", "1") in open_findings(first)
    assert open_findings(second) == set()
    assert second.changes.resolved["rule"].tolist() == ["diagnosis_missing"]
    assert len(again.audit.findings[again.audit.findings["patient_id"] == "P2"]) == 2
    late = other_way_round.audit.findings
    assert late[late["patient_id"] == "P3"]["claim_id"].tolist() == ["H2"]
    assert (other_way_round.audited, other_way_round.superseded) == (0, 1)


def test_a_replacement_is_kept_whatever_its_code(site: Site) -> None:
    unknown = {"procedure_code": "36415", "claim_id": "H7", "service_date": "2026-06-30"}
    void = {"claim_frequency": "8", "original_claim_id": "H6", "received_date": "2026-06-15"}
    site.night([unknown | void, *OTHERS])
    # Dated after it was received, but voided by what an earlier night brought.
    last = site.night([unknown | {"claim_id": "H6", "received_date": "2026-06-01"}])

    assert open_findings(last) == set()
    assert last.superseded == 1


def test_a_line_exported_again_is_the_same_line(site: Site) -> None:
    site.night([*PAIR, *OTHERS])
    again = site.night([*PAIR, *OTHERS])

    assert open_findings(again) == set()
    assert again.audited == 6
    assert len(again.keep.lines) == 0
    assert len(list((site.folder / "lines").iterdir())) == 1


def test_two_identical_lines_of_one_export_stay_two_and_no_more(site: Site) -> None:
    first = site.night([*PAIR, SCAN, *OTHERS])
    again = site.night([*PAIR, SCAN])
    mended = site.night(PAIR)

    assert [rule for rule, _, _ in open_findings(first)] == ["line_billed_twice"]
    assert open_findings(again) == open_findings(first)
    assert len(again.audit.findings) == 1
    assert open_findings(mended) == set()
    assert mended.changes.tonight.resolved == 1


def test_a_claim_billed_again_under_another_number_is_a_duplicate(site: Site) -> None:
    site.night([*PAIR, *OTHERS])
    last = site.night([SCAN | {"claim_id": "H5", "received_date": "2026-05-30"}])

    assert open_findings(last) == {("line_billed_twice", "H5", "1")}


def test_the_newest_export_of_a_line_stands(site: Site) -> None:
    site.night([SCAN | {"revenue_code": ""}, READING, *OTHERS])
    still = site.night([SCAN | {"revenue_code": "", "paid": "0.00"}])
    mended = site.night([SCAN])
    # An older state that comes late changes nothing.
    late = site.night([SCAN | {"revenue_code": "", "received_date": "2026-05-01"}])

    assert statuses(still) == {"H1": "persisting"}
    assert open_findings(mended) == set()
    assert open_findings(late) == set()


def test_a_finding_that_comes_back_is_reopened(site: Site) -> None:
    site.night([SCAN | {"diagnosis_codes": ""}, READING, *OTHERS])
    site.night([SCAN])
    last = site.night([SCAN | {"diagnosis_codes": ""}])

    assert statuses(last) == {"H1": "reopened"}
    assert last.changes.tonight.reopened == 1


def test_a_line_that_can_no_longer_be_judged_is_neither_open_nor_resolved(site: Site) -> None:
    late = SCAN | {"service_date": "2025-01-10", "received_date": "2026-05-15"}
    first = site.night([late, *OTHERS])
    last = site.night([late | {"received_date": ""}])
    back = site.night([late])

    assert ("filed_late", "H1", "1") in open_findings(first)
    assert ("filed_late", "H1", "1") not in open_findings(last)
    assert last.changes.unjudged["rule"].tolist() == ["filed_late"]
    assert "filed_late" not in set(last.changes.resolved["rule"])
    assert "could not be judged again" in last.changes.notes[0]
    assert statuses(back) == {"H1": "reopened"}


@pytest.mark.parametrize(
    "other", [{"line_number": "", "procedure_code": "75580"}, {"claim_type": "professional"}]
)
def test_the_line_that_is_judged_again_is_the_one_of_the_finding(
    site: Site, other: dict[str, str]
) -> None:
    day = {"service_date": "2025-01-10", "received_date": "2025-02-01"}
    scan = SCAN | day | {"line_number": other.get("line_number", "1")}
    late = SCAN | day | other | {"received_date": "2026-05-15"}
    first = site.night([scan, late, *OTHERS])
    last = site.night([scan, late | {"received_date": ""}])

    assert first.audit.findings["rule"].eq("filed_late").sum() == 1
    assert last.changes.unjudged["rule"].tolist() == ["filed_late"]
    assert "filed_late" not in set(last.changes.resolved["rule"])


def test_the_same_run_asked_again_says_the_same_and_is_written_once(site: Site) -> None:
    site.night([SCAN, *OTHERS])
    first = site.night([READING, SCAN | {"patient_id": "P2"}], run="tonight")
    again = site.night([READING, SCAN | {"patient_id": "P2"}], run="tonight")

    assert again.changes.nights == first.changes.nights
    assert len(again.changes.nights) == 2
    columns = ["finding", "status"]
    assert again.audit.findings[columns].equals(first.audit.findings[columns])
    assert again.changes.resolved["finding"].tolist() == first.changes.resolved["finding"].tolist()


def test_an_input_is_seen_by_its_digest(site: Site) -> None:
    site.night(PAIR, run="first")

    with Memory.open(site.folder) as memory:
        assert memory.seen("first-0.csv-digest")
        assert not memory.seen("second-0.csv-digest")
        assert memory.committed("first")


def test_a_night_without_exports_is_a_night(site: Site) -> None:
    empty = site.night()
    after = site.night(PAIR)

    assert empty.audit.findings.empty
    assert len(after.changes.nights) == 2


def test_another_setting_judges_every_line_again(tmp_path: Path) -> None:
    early = date(2026, 5, 27)
    patient = Settings.model_validate({"limits": {"waiting_days": 60}})
    site = Site(tmp_path / "history", settings=patient)
    first = site.night([SCAN, *others("2026-01-02", "2026-05-18")], as_of=early)
    site.settings = Settings()
    second = site.night([], as_of=early)

    assert open_findings(first) == set()
    assert open_findings(second) == {MISSING}
    assert second.patients is None


def test_many_nights_leave_few_files_and_what_is_old_stays_open(tmp_path: Path) -> None:
    site = Site(tmp_path / "history", history=HistorySettings(keep_days=60))
    old = {"service_date": "2026-03-10"}
    site.night([SCAN | old, *OTHERS], as_of=AS_OF - timedelta(days=70))
    for number in range(13):
        more = {"patient_id": f"P{number}0", "claim_id": f"H{number}1"}
        last = site.night([SCAN | more, READING | more | {"claim_id": f"R{number}1"}])

    assert len(list((site.folder / "lines").glob("*.parquet"))) <= 2
    assert open_findings(last) == {MISSING}
    # Its line has left the memory, so nobody can say that it is mended.
    late = site.night([READING | old])
    assert MISSING in open_findings(late)


def test_patients_who_waited_long_enough_are_left_alone_until_the_dates_at_hand_change(
    site: Site,
) -> None:
    site.night([SCAN, *OTHERS])
    quiet = site.night([READING | {"patient_id": "P7", "claim_id": "R7"}])
    # The same line once more, dated before all others: the dates at hand reach further back.
    early = {"patient_id": "P8", "claim_id": "R8", "service_date": "2025-12-30"}
    wider = site.night([READING | early])

    assert quiet.patients is not None
    assert wider.patients is not None
    assert (len(quiet.patients), len(wider.patients)) == (1, 3)
    assert MISSING in open_findings(quiet) & open_findings(wider)


def test_money_is_identified_recovered_and_still_open(site: Site) -> None:
    first = site.night([SCAN | {"diagnosis_codes": ""}, READING, *OTHERS])
    second = site.night([SCAN])

    night = first.changes.tonight
    assert night.identified_at_risk_cents == night.still_open_at_risk_cents == 35713
    assert second.changes.tonight.recovered_at_risk_cents == 35713
    assert second.changes.tonight.still_open_at_risk_cents == 0
    assert second.changes.since == AS_OF


def test_money_that_comes_back_is_told_and_the_flows_add_up(site: Site) -> None:
    bare = {"diagnosis_codes": ""}
    late = {"service_date": "2024-01-10", "received_date": "2026-05-15"}
    nights = [
        site.night([SCAN | bare, READING, *OTHERS]),
        site.night([SCAN, SCAN | late | {"patient_id": "P2", "claim_id": "H2"}]),
        # Two findings on one line, of which one held its money before.
        site.night([SCAN | bare, SCAN | late | bare | {"patient_id": "P2", "claim_id": "H2"}]),
        site.night([SCAN | bare]),
        site.night([SCAN]),
    ]

    trend = nights[-1].changes.nights
    came_back = [night.reopened_at_risk_cents for night in trend]
    assert came_back == [0, 0, 35713, 0, 0]
    assert [night.reopened for night in trend] == [0, 0, 1, 0, 0]
    for money in ("at_risk", "missed"):
        held = 0
        for night in trend:
            held += getattr(night, f"identified_{money}_cents")
            held += getattr(night, f"reopened_{money}_cents")
            held -= getattr(night, f"recovered_{money}_cents")
            assert held == getattr(night, f"still_open_{money}_cents"), night.run
    assert trend[1].identified_at_risk_cents > 0
    assert otherwise(trend) == (0, 0)


@pytest.mark.parametrize(
    ("other", "worth"),
    [
        # Without line numbers a claim's lines are told apart by what was billed.
        ({"line_number": "", "procedure_code": "75580", "allowed": "877.34"}, 123_377),
        # Two that are alike are two, as long as they come together.
        (
            {
                "line_number": "",
                "modifiers": "76",
                "billing_npi": "1000000012",
                "allowed": "356.43",
            },
            71_286,
        ),
        # The hospital and the physician bill under the number of one account.
        ({"claim_type": "professional", "allowed": "110.56"}, 46_699),
    ],
)
def test_the_money_of_two_lines_stays_that_of_two(
    site: Site, other: dict[str, str], worth: int
) -> None:
    one = {"allowed": "356.43", "line_number": other.get("line_number", "1")}
    lines = [SCAN | one, SCAN | other]
    analysed = {"procedure_code": "75580", "line_number": "2", "allowed": "34.40"}
    readings = [READING, READING | analysed]
    site.night([*(line | {"diagnosis_codes": ""} for line in lines), *readings, *OTHERS])
    carried = site.night(OTHERS[:1])
    mended = site.night(lines)

    first, second, third = (
        (night.identified_at_risk_cents, night.still_open_at_risk_cents)
        for night in mended.changes.nights
    )
    assert carried.patients is not None
    assert (first, second, third) == ((worth, worth), (0, worth), (0, 0))
    assert mended.changes.tonight.recovered_at_risk_cents == worth


def test_what_is_waived_is_told_as_changed_otherwise(site: Site) -> None:
    first = site.night([SCAN | {"diagnosis_codes": ""}, READING, *OTHERS])
    (site.folder / "waivers.csv").write_text(
        "rule,claim,provider,payer,revenue_code,reason,owner,expires\n"
        "diagnosis_missing,H1,,,,known,Coding,2026-12-31\n",
        encoding="utf-8",
    )
    second = site.night([])

    (_, tonight) = second.changes.nights
    assert first.changes.tonight.still_open_at_risk_cents == 35713
    assert tonight.still_open_at_risk_cents == tonight.recovered_at_risk_cents == 0
    assert otherwise([tonight], first.changes.tonight) == (-35713, 0)
