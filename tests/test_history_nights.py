"""What nights remember: partners that come later, replacements, re-exports, statuses."""

from pathlib import Path

import pytest

from tests.nights import Site, open_findings

SCAN = {"claim_id": "H1", "service_date": "2026-05-10", "received_date": "2026-05-15"}
READING = {
    "claim_type": "professional",
    "claim_id": "R1",
    "service_date": "2026-05-11",
    "received_date": "2026-05-20",
}
# A pair of another patient, so that both kinds of claims, their dates and providers are at hand.
OTHERS = [
    {"claim_id": f"{c}{n}", "patient_id": f"Q{n}", "service_date": day, "received_date": day}
    | ({"claim_type": "professional"} if c == "R" else {})
    for n, day in enumerate(("2026-01-02", "2026-06-29"))
    for c in "HR"
]


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history")


def test_a_reading_that_arrives_later_finds_its_scan(site: Site) -> None:
    first = site.night([SCAN, *OTHERS])
    second = site.night([READING])

    assert open_findings(first) == {("professional_component_missing", "H1", "1")}
    assert open_findings(second) == set()
    assert second.changes.resolved["claim_id"].tolist() == ["H1"]
    assert second.changes.tonight.resolved == 1
