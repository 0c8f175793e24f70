"""Claim type, payer type and frequency where an export leaves them to be inferred."""

import pytest

from auditor.claim_types import claims_of_both_kinds, payer_type_of, with_types
from tests.case_lines import _filled, lines_of

NOTHING = {
    "claim_type": "",
    "bill_type": "",
    "modifiers": "",
    "place_of_service": "",
    "revenue_code": "",
}


def typed(*rows: dict[str, str], payers: dict[str, str] | None = None):
    lines, rejected = lines_of([_filled(row) for row in rows])
    assert len(rejected) == 0
    return with_types(lines, payers or {})


def claim_types(*rows: dict[str, str]) -> list[str]:
    return typed(*(NOTHING | row for row in rows))["claim_type"].tolist()


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (
            {"claim_type": "professional", "bill_type": "0131", "revenue_code": "0489"},
            "professional",
        ),
        ({"claim_type": "institutional", "place_of_service": "22"}, "institutional"),
        ({"claim_type": "837P"}, "professional"),
        ({"claim_type": "UB-04"}, "institutional"),
        ({"bill_type": "131"}, "institutional"),
        ({"bill_type": "0131", "modifiers": "26", "place_of_service": "22"}, "institutional"),
        ({"modifiers": "26", "place_of_service": "22", "revenue_code": "0489"}, "professional"),
        ({"modifiers": "59 TC", "place_of_service": "11"}, "professional"),
        ({"modifiers": "26", "revenue_code": "0972"}, "institutional"),
        ({"revenue_code": "0489", "place_of_service": "22"}, "institutional"),
        ({"place_of_service": "11"}, "professional"),
        ({"modifiers": "26"}, ""),
        ({}, ""),
    ],
)
def test_claim_type_is_the_surest_sign(cells, expected) -> None:
    assert claim_types(cells) == [expected]


HOSPITALS = [{"bill_type": "0131"}, {"revenue_code": "0489", "place_of_service": "22"}]
PHYSICIANS = [{"modifiers": word, "place_of_service": "22"} for word in ("26", "TC", "59 26")]


def both_kinds(*rows: dict[str, str]) -> int:
    lines, _ = lines_of([_filled(NOTHING | row) for row in rows])
    return claims_of_both_kinds(lines)


@pytest.mark.parametrize("hospital", HOSPITALS)
@pytest.mark.parametrize("physician", PHYSICIANS)
def test_a_number_over_a_hospitals_and_a_physicians_lines_is_no_claims(hospital, physician) -> None:
    assert both_kinds(hospital, physician) == 1
    assert both_kinds(hospital, physician, hospital, physician | {"patient_id": "P2"}) == 1
    assert both_kinds(hospital, physician | {"claim_id": "C9"}, hospital) == 0
    for kind in ("institutional", "professional"):
        assert both_kinds(hospital | {"claim_type": kind}, physician) == 0
        assert both_kinds(hospital, physician | {"claim_type": kind}) == 0


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"modifiers": "26"},
        {"place_of_service": "22"},
        *({**line, **PHYSICIANS[0]} for line in HOSPITALS),
    ],
)
def test_a_line_that_may_be_either_makes_no_claim_of_both_kinds(other) -> None:
    assert both_kinds(HOSPITALS[0], other) == 0
    assert both_kinds(PHYSICIANS[0], other) == 0


def test_one_line_speaks_for_its_whole_claim() -> None:
    found = claim_types(
        {"claim_id": "C1", "revenue_code": "0489"},
        {"claim_id": "C1", "line_number": "2"},
        {"claim_id": "C1", "line_number": "3", "place_of_service": "22"},
        {"claim_id": "C2"},
        {"claim_id": "C3", "place_of_service": "11"},
        {"claim_id": "C3", "line_number": "2", "bill_type": "0131"},
    )

    assert found == ["institutional"] * 3 + [""] + ["institutional"] * 2


def test_claims_of_two_patients_with_one_number_are_two_claims() -> None:
    found = claim_types(
        {"claim_id": "C1", "patient_id": "P1", "bill_type": "0131"},
        {"claim_id": "C1", "patient_id": "P2", "place_of_service": "22"},
    )

    assert found == ["institutional", "professional"]


def test_the_column_speaks_for_a_line_before_the_rest_of_its_claim() -> None:
    found = claim_types(
        {"claim_type": "professional", "bill_type": "0131"},
        {"line_number": "2", "bill_type": "0131"},
    )

    assert found == ["professional", "professional"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Medicare", "medicare"),
        ("MEDICARE PART A", "medicare"),
        ("Medicare Part B", "medicare"),
        ("MEDICARE PART A AND PART B", "medicare"),
        ("MEDICARE PART A/B", "medicare"),
        ("  medicare  ", "medicare"),
        ("MEDICARE PART B NOVITAS", "medicare"),
        ("Palmetto GBA - Medicare Part A", "medicare"),
        ("MEDICARE PART B WPS J8", "medicare"),
        ("MEDICARE [1001]", "medicare"),
        ("Medicare (100)", "medicare"),
        ("MEDICARE 65", "other"),
        ("MEDICARE [MSP]", "other"),
        ("HUMANA MEDICARE PART B", "medicare_advantage"),
        ("MEDICARE PART B SUPPLEMENT", "commercial"),
        ("NON-MEDICARE PART B DRUGS", "other"),
        ("NOVITAS MEDICARE", "other"),
        ("Medicare Advantage", "medicare_advantage"),
        ("HUMANA MEDICARE", "medicare_advantage"),
        ("Aetna Medicare (PPO)", "medicare_advantage"),
        ("UnitedHealthcare Medicare Solutions", "medicare_advantage"),
        ("MEDICARE PARTS A & B", "medicare"),
        ("MEDICARE PARTS A/B NOVITAS", "medicare"),
        ("MEDICARE A", "medicare"),
        ("MEDICARE A AND B", "medicare"),
        ("PART B MEDICARE", "medicare"),
        ("MA MEDICARE", "medicare_advantage"),
        ("PART C MEDICARE", "medicare_advantage"),
        ("MEDICARE PARTS SUPPLY", "other"),
        ("MEDICARE MA", "medicare_advantage"),
        ("MEDICARE PART C", "medicare_advantage"),
        ("BLUE CROSS MEDICARE ADVANTAGE", "medicare_advantage"),
        ("Medicare Supplement", "commercial"),
        ("AARP MEDICARE SUPPLEMENT", "commercial"),
        ("MEDICAID", "medicaid"),
        ("Molina Medicaid", "medicaid"),
        ("MEDICARE PART D", "other"),
        ("MEDICARE SET ASIDE TRUST", "other"),
        ("NON-MEDICARE PAYER", "other"),
        ("Medicarex", "other"),
        ("MEDI-CARE", "other"),
        ("AETNA", "other"),
        ("MA HEALTH CONNECTOR", "other"),
        ("ADVANTAGE CARE", "other"),
        ("SELF PAY", "other"),
        ("", ""),
        ("  ", ""),
    ],
)
def test_payer_type_by_whole_words_of_the_name(name, expected) -> None:
    assert payer_type_of(name) == expected


def test_the_column_then_the_settings_then_the_name_decide_the_payer_type() -> None:
    found = typed(
        {"payer": "Medicare", "payer_type": "commercial"},
        {"payer": "Harbor Health", "payer_type": ""},
        {"payer": "harbor health ", "payer_type": ""},
        {"payer": "Medicare", "payer_type": ""},
        {"payer": "", "payer_type": ""},
        payers={"HARBOR Health": "medicare_advantage"},
    )

    assert found["payer_type"].tolist() == [
        "commercial",
        "medicare_advantage",
        "medicare_advantage",
        "medicare",
        "",
    ]


def test_the_settings_table_overrules_the_name() -> None:
    found = typed({"payer": "Medicare", "payer_type": ""}, payers={"medicare": "other"})

    assert found["payer_type"].tolist() == ["other"]


def test_a_payer_is_found_by_its_name_as_exported_blanks_and_all() -> None:
    name = "LAKESIDE  HEALTH   PLAN"
    found = typed({"payer": name, "payer_type": ""}, payers={name: "commercial"})

    assert found["payer_type"].tolist() == ["commercial"]


@pytest.mark.parametrize(
    ("bill_type", "column", "expected"),
    [
        ("0131", "", "1"),
        ("131", "", "1"),
        ("0137", "", "7"),
        ("138", "", "8"),
        ("0137", "1", "1"),
        ("0131", "8", "8"),
        ("13", "", ""),
        ("13X", "", ""),
        ("013", "", ""),
        ("", "7", "7"),
        ("", "", ""),
    ],
)
def test_frequency_is_its_own_column_else_the_last_of_the_bill_type(
    bill_type, column, expected
) -> None:
    found = typed({"bill_type": bill_type, "claim_frequency": column})

    assert found["claim_frequency"].tolist() == [expected]


def test_no_lines_have_no_types() -> None:
    lines = typed({}).iloc[:0]

    assert len(with_types(lines, {})) == 0


def test_nothing_else_is_touched() -> None:
    lines, _ = lines_of([_filled({}), _filled({"claim_type": "professional"})])
    found = with_types(lines, {})

    assert list(found.columns) == list(lines.columns)
    assert found.drop(columns=["claim_type", "payer_type", "claim_frequency"]).equals(
        lines.drop(columns=["claim_type", "payer_type", "claim_frequency"])
    )
