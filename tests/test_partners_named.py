"""Of several partners the first by claim and line is named, whenever it was received."""

import pytest

from auditor.audit import audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.judging import judge
from auditor.reference import load_reference
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, clean_line, lines_of

REFERENCE = load_reference(reference_dir())
RULES = {rule.name: rule for rule in CATALOGUE}
DAY = {"service_date": "2025-03-10", "statement_from": "2025-03-10"}


def line(kind: str, claim: str, number: str, code: str, **cells: str) -> dict[str, str]:
    own = {"claim_id": claim, "line_number": number, "procedure_code": code, "modifiers": ""}
    return clean_line(kind) | DAY | own | cells


def findings(rule: str, rows: list[dict[str, str]]):
    lines, _ = lines_of(rows)
    return audit(prepare(lines, REFERENCE, as_of=AS_OF), REFERENCE, rules=[RULES[rule]]).findings


# The flagged line, and the code of its partners: received in the other order than they are named.
SEVERAL = {
    "global_billed_with_component": (line("professional", "G", "1", "75574"), "75574"),
    "one_acquisition_billed_twice": (line("institutional", "X", "1", "71275"), "75574"),
    "ptp_pair_without_modifier": (line("institutional", "X", "1", "76376"), "75574"),
}


@pytest.mark.parametrize("rule", SEVERAL)
def test_the_first_by_claim_and_line_is_named_and_the_rest_listed(rule: str) -> None:
    flagged, code = SEVERAL[rule]
    if flagged["claim_type"] == "professional":
        flagged = flagged | {"place_of_service": "11"}
    # Lines of one code and renderer stand for each other in pairs of codes.
    partners = [
        line("institutional", claim, number, code, received_date=received, rendering_npi=npi)
        for claim, number, received, npi in (
            ("C9", "1", "2025-03-11", "3000000000"),
            ("C1", "3", "2025-03-12", "3000000018"),
            ("C1", "2", "2025-03-13", ""),
        )
    ]

    found = findings(rule, [*partners, flagged])

    assert found["partner_claim_id"].tolist() == ["C1"]
    assert found["partner_line_number"].tolist() == [2]
    assert found["other_partners"].tolist() == ["C1 line 3; C9 line 1"]


def test_without_line_numbers_the_claims_alone_are_listed() -> None:
    rows = [
        line("institutional", claim, "1", "75574", rendering_npi=npi)
        for claim, npi in (("C9", ""), ("C1", "3000000000"), ("C5", "3000000018"))
    ]
    rows.append(line("institutional", "X", "1", "76376"))
    lines, _ = lines_of(rows, without=frozenset({"line_number"}))
    prepared = prepare(lines, REFERENCE, as_of=AS_OF)

    found = audit(prepared, REFERENCE, rules=[RULES["ptp_pair_without_modifier"]]).findings

    assert found["partner_claim_id"].tolist() == ["C1"]
    assert found["other_partners"].tolist() == ["C5; C9"]


def test_each_of_two_flagged_lines_lists_its_own_partners() -> None:
    """The lists of lines that stand one after the other don't run together."""
    rows = [line("institutional", "C1", "1", "75574")]
    rows += [line("institutional", "C2", "1", "75574", rendering_npi="3000000000")]
    rows += [line("institutional", "X", number, "76376") for number in ("1", "2")]
    rows = [row | {"patient_id": patient} for patient in ("P1", "P2") for row in rows]

    found = findings("ptp_pair_without_modifier", rows)

    assert found["other_partners"].tolist() == ["C2 line 1"] * 4


def test_a_chest_ct_of_another_day_is_no_other_partner() -> None:
    near = {"service_date": "2025-03-11", "statement_through": "2025-03-11"}
    rows = [
        line("institutional", "C1", "1", "75574"),
        line("institutional", "C2", "1", "75574", **near),
        line("institutional", "X", "1", "71275"),
    ]

    assert findings("one_acquisition_billed_twice", rows)["other_partners"].tolist() == [""]


def test_the_row_that_proves_a_finding_is_that_of_its_own_code() -> None:
    """Lines that are not flagged push no row of theirs to one that is."""
    rows = [
        line("professional", "C1", "1", "0501T", modifiers="26 TC"),
        line("professional", "C2", "1", "75577"),
        line("professional", "C3", "1", "0503T", modifiers="TC"),
        line("professional", "C4", "1", "0504T", modifiers="26"),
    ]
    rows = [row | {"service_date": "2023-05-02"} for row in rows]
    lines, _ = lines_of(rows)
    prepared = prepare(lines, REFERENCE, as_of=AS_OF)
    rule = RULES["component_modifier_not_applicable"]

    said = judge(rule, prepared.lines, REFERENCE, prepared.extract, {})

    table = REFERENCE.table("procedure_codes").rows
    assert said.verdicts is not None
    assert table["procedure_code"].iloc[said.verdicts.row].tolist() == ["0503T", "0504T"]
