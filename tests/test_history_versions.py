"""Which export of a claim line stands, where columns come and go or lines have no numbers."""

from pathlib import Path

import pytest

from tests.nights import Site, open_findings
from tests.test_history_nights import OTHERS, PAIR, READING, SCAN

Row = dict[str, str]
UNNUMBERED = {"line_number": ""}
# As an export shows them that names neither type of claim nor of bill, place or revenue code.
UNTYPED = dict.fromkeys(("claim_type", "bill_type", "place_of_service", "revenue_code"), "")
ANALYSED = SCAN | {"procedure_code": "75580", "diagnosis_codes": ""}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "history")


def rules(site: Site, *nights: list[Row]) -> list[set[str]]:
    """The rules with an open finding after each night."""
    return [{rule for rule, _, _ in open_findings(site.night(rows))} for rows in nights]


def each(rows: list[Row], cells: Row) -> list[Row]:
    return [row | cells for row in rows]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(UNNUMBERED, id="line numbers"),
        pytest.param(UNTYPED, id="types of claim"),
        pytest.param(UNTYPED | UNNUMBERED, id="both"),
    ],
)
def test_an_export_with_a_column_more_bills_nothing_twice(
    site: Site, before: Row, tmp_path: Path
) -> None:
    """The same claims before and after somebody added what the report asked for."""
    again = {"line_number": "2", "modifiers": "26 76"}
    claims = [SCAN, READING | {"modifiers": "26"}, READING | again]
    site.night([*each(claims, before), *OTHERS])
    after = site.night(claims)
    back = site.night(each(claims, before))

    single = Site(tmp_path / "single").night([*claims, *OTHERS])
    assert open_findings(after) == open_findings(single)
    assert (after.changes.remembered_lines, after.superseded) == (0, 0)
    assert (back.changes.remembered_lines, back.superseded) == (0, 0)


def test_a_line_of_no_type_is_not_the_physicians_of_the_same_account(site: Site) -> None:
    site.night([SCAN | UNTYPED, *OTHERS])
    last = site.night([READING | {"claim_id": "H1", "service_date": SCAN["service_date"]}])

    assert last.changes.remembered_lines == 1


def test_a_finding_of_a_line_without_a_number_is_resolved_when_it_comes_with_one(
    site: Site,
) -> None:
    site.night([*each(PAIR, UNNUMBERED | {"diagnosis_codes": ""}), *OTHERS])
    mended = site.night(PAIR)

    assert open_findings(mended) == set()
    assert mended.changes.tonight.resolved == 2


def test_the_payers_number_of_a_claim_that_came_later_makes_no_other_line(site: Site) -> None:
    site.night([*PAIR, *OTHERS])
    paid = site.night(each(PAIR, {"original_claim_id": "ICN7", "paid": "90.00"}))

    assert "line_billed_twice" not in set(paid.audit.findings["rule"])
    assert paid.changes.remembered_lines == 0


def test_the_money_of_a_line_that_got_a_number_neither_came_nor_was_recovered(site: Site) -> None:
    bare = each(PAIR, {"diagnosis_codes": ""})
    first = site.night([*each(bare, UNNUMBERED), *OTHERS]).changes.tonight
    night = site.night(bare).changes.tonight

    assert first.identified_at_risk_cents == night.still_open_at_risk_cents > 0
    assert (night.identified_at_risk_cents, night.recovered_at_risk_cents) == (0, 0)


@pytest.mark.parametrize("claim", ["H1", "H2"])
def test_a_replacement_that_names_its_original_later_is_the_same(site: Site, claim: str) -> None:
    seven = SCAN | {"claim_id": claim, "claim_frequency": "7", "received_date": "2026-06-01"}
    site.night([SCAN | {"payer_claim_number": "ICN1"}, READING, *OTHERS])
    site.night([seven])
    named = site.night([seven | {"original_claim_id": "ICN1"}])

    assert open_findings(named) == set()


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"revenue_code": "0352"}, "revenue_code_not_preferred"),
        ({"revenue_code": ""}, "revenue_code_missing"),
        ({"modifiers": "TC"}, "component_modifier_on_hospital_line"),
    ],
)
def test_a_corrected_line_without_a_number_stands_alone(site: Site, wrong: Row, rule: str) -> None:
    scan, reading = each(PAIR, UNNUMBERED)
    first, mended = rules(site, [scan | wrong, reading, *OTHERS], [scan, reading])

    assert rule in first
    assert mended == set()


def test_lines_without_numbers_that_one_export_tells_apart_stay_apart(site: Site) -> None:
    whole = SCAN | UNNUMBERED
    again = whole | {"modifiers": "76"}
    site.night([whole, again, *each([READING, READING], UNNUMBERED), *OTHERS])
    last = site.night([again | {"paid": "1.00"}])

    # The first of the two stands, though its claim came without it.
    assert last.changes.remembered_lines == 3


def test_lines_of_one_number_stay_apart_when_files_are_merged(site: Site) -> None:
    site.night([SCAN, ANALYSED, READING, *OTHERS])
    # One of the two comes alone: its claim's other line stands, now and after the files are one.
    alone = SCAN | {"paid": "10.00"}
    early = open_findings(site.night([alone]))
    for number in range(12):
        site.night([OTHERS[0] | {"patient_id": f"X{number}", "claim_id": f"X{number}"}])
    late = site.night([alone | {"paid": "11.00"}])

    assert len(list((site.folder / "lines").glob("*.parquet"))) < 5
    assert ("diagnosis_missing", "H1", "1") in early
    assert early <= open_findings(late)
