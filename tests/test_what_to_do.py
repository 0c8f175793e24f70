"""Who does what a finding says meets no other finding for it, or is told which."""

from functools import cache

from auditor.audit import audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, clean_line, lines_of

RULES = {rule.name: rule for rule in CATALOGUE}
DAY = {"statement_from": "2025-03-10", "statement_through": "2025-03-10"}
METHOD_TWO = {"bill_type": "0851", "allowed": "400.00", "paid": "300.00"}


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


def flagged(*rows: dict[str, str]) -> dict[tuple[str, int], str]:
    """The message of each finding, by rule and line."""
    cells = [
        clean_line(row.get("claim_type", "")) | DAY | {"line_number": str(n)} | row
        for n, row in enumerate(rows, 1)
    ]
    lines, rejected = lines_of(cells)
    assert len(rejected) == 0
    found = audit(prepare(lines, reference(), as_of=AS_OF), reference()).findings
    return dict(
        zip(zip(found["rule"], found["line_number"], strict=True), found["message"], strict=True)
    )


def test_the_reading_of_a_critical_access_hospital_moves_to_its_own_revenue_code() -> None:
    """Without 26 it would be a second scan."""
    scan, reading = METHOD_TWO, METHOD_TWO | {"modifiers": "26", "revenue_code": "0480"}
    rule = RULES["component_modifier_on_hospital_line"]

    assert list(flagged(scan, reading)) == [(rule.name, 2)]
    assert "096X to 098X" in rule.remedy
    assert flagged(scan, reading | {"revenue_code": "0972"}) == {}
    assert ("units_exceed_mue", 2) in flagged(scan, reading | {"modifiers": ""})


def test_a_repeat_with_its_modifier_is_past_the_limit_and_appealed() -> None:
    scan = {"procedure_code": "75574"}

    assert list(flagged(scan, scan)) == [("line_billed_twice", 2)]
    assert "limit" in RULES["line_billed_twice"].remedy
    assert set(flagged(scan, scan | {"modifiers": "76"})) == {
        ("units_exceed_mue", 1),
        ("units_exceed_mue", 2),
    }
    assert "appeal" in RULES["units_exceed_mue"].remedy


def test_a_limit_that_nothing_lifts_says_so() -> None:
    """Indicator 2 stands whatever the record shows."""
    ccta, ffrct = (
        flagged({}, {"procedure_code": code, "units": "2"})["units_exceed_mue", 2]
        for code in ("75574", "75580")
    )

    assert ccta.startswith("3 units of 75574 on 2025-03-10 by one provider; the limit is 1 a day.")
    assert "the limit is 1 a day, which no record lifts." in ffrct


def test_a_calcium_score_is_not_kept_in_place_of_a_chest_angiography() -> None:
    """It is a scan without contrast: one acquisition with contrast is none."""
    chest = {"procedure_code": "71275", "revenue_code": "0350"}
    found = flagged({"procedure_code": "75571"}, chest)

    assert ("one_acquisition_billed_twice", 2) in found
    assert "without contrast" in RULES["one_acquisition_billed_twice"].remedy
    assert "cardiac code alone" not in RULES["one_acquisition_billed_twice"].remedy


def test_a_surgical_centre_keeps_the_scan_that_it_bills_itself() -> None:
    """It bills on the physicians' form, with TC; only another's TC there is to go."""
    found = flagged({"claim_type": "professional", "modifiers": "TC", "place_of_service": "24"})

    assert ("technical_component_billed_in_facility", 1) in found
    assert "24" in RULES["technical_component_billed_in_facility"].remedy
