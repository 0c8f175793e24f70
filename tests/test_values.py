"""What one cell says, however exports write it."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.ingest import codes, dates, numbers, values

ANY_TEXT = st.text() | st.text(alphabet="0123456789.,-/ TXCOPRA$()[]:;'\"=")


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("25/13/AB", "99/99/AA"),
        ("Größe 12", "AAAAA 99"),
        ("x" * 40, "A" * 24),
        ("", ""),
        ("a\x00\u200bb", "A??A"),
    ],
)
def test_shape_shows_the_form_and_nothing_else(text: str, form: str) -> None:
    assert values.shape(text) == form


@pytest.mark.parametrize(
    ("text", "code", "modifiers", "repair"),
    [
        ("75574", "75574", (), ""),
        ("75574.0", "75574", (), values.DECIMALS),
        (" 075574", "75574", (), values.EXTRA_ZERO),
        ("75574-26", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("75574-26-59", "75574", ("26", "59"), codes.MODIFIER_IN_CODE),
        ("7557426", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("75574TC", "75574", ("TC",), codes.MODIFIER_IN_CODE),
        ("75574 26", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("HC:75574:26:59", "75574", ("26", "59"), codes.MODIFIER_IN_CODE),
        ("0503t", "0503T", (), ""),
        ("502T", "0502T", (), values.LOST_ZERO),
        ("100", "00100", (), values.LOST_ZERO),
        ("75574 CT ANGIO", "75574", (), values.DESCRIPTION),
        ("75574-26 CT ANGIO HEART", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("75574 - CT ANGIO", "75574", (), values.DESCRIPTION),
        ("75574-CT ANGIO HEART", "75574", (), values.DESCRIPTION),
        ("75574-26-CT ANGIO HEART", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("75574-CT", "75574", ("CT",), codes.MODIFIER_IN_CODE),
        ("75574-26TC", "75574", ("26", "TC"), codes.MODIFIER_IN_CODE),
        ("75574 2659", "75574", ("26", "59"), codes.MODIFIER_IN_CODE),
        ("75574_26", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("75574 26 CT ANGIO HEART", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("75574 TC 59 CT ANGIO HEART", "75574", ("TC", "59"), codes.MODIFIER_IN_CODE),
        ("99213 25 MIN VISIT", "99213", (), codes.DESCRIPTION),
        ("99213 20-29 MIN", "99213", (), codes.DESCRIPTION),
        ("75574-2023", "75574", (), codes.DESCRIPTION),
        ("0503T-26", "0503T", ("26",), codes.MODIFIER_IN_CODE),
        ("7557", "07557", (), values.LOST_ZERO),
        ("93000-12 LEAD", "93000", (), values.DESCRIPTION),
        ("75574 (26)", "75574", ("26",), codes.MODIFIER_IN_CODE),
        ("75574 [TC, 59]", "75574", ("TC", "59"), codes.MODIFIER_IN_CODE),
        ("75574 (CT)", "75574", (), values.DESCRIPTION),
        ("CT ANGIO HEART [75574]", "75574", (), values.DESCRIPTION),
        ("CPT 75574", "75574", (), ""),
        ('="75574"', "75574", (), ""),
        ("'75574", "75574", (), ""),
        ("75574\u200f\u00a0", "75574", (), ""),
        ("q9967", "Q9967", (), ""),
        ("00000", "", (), ""),
        ("N/A", "", (), ""),
        ("NULL", "", (), ""),
        ("(blank)", "", (), ""),
    ],
)
def test_procedure(text: str, code: str, modifiers: tuple[str, ...], repair: str) -> None:
    assert codes.procedure(text) == ((code, modifiers), repair, "")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("hcpcs1", codes.NOT_A_PROCEDURE),
        ("12", codes.NOT_A_PROCEDURE),
        ("4012345", codes.NOT_A_PROCEDURE),
        ("B2211ZZ", codes.NOT_A_PROCEDURE),
        ("CHEST CT", codes.NOT_A_PROCEDURE),
        ("75574, 75580", codes.SEVERAL_PROCEDURES),
    ],
)
def test_procedure_of_impossible_shape(text: str, fault: str) -> None:
    assert codes.procedure(text) == (("", ()), "", fault)


@pytest.mark.parametrize(
    ("text", "code", "repair"),
    [
        ("0480", "0480", ""),
        ("480", "0480", values.LOST_ZERO),
        ("480.0", "0480", values.LOST_ZERO),
        ("0480.0", "0480", values.DECIMALS),
        (" 0480 ", "0480", ""),
        ("CT SCAN - BODY SCAN [0352]", "0352", values.DESCRIPTION),
        ("0352 - CT", "0352", values.DESCRIPTION),
        ("352 CT", "0352", values.DESCRIPTION),
        ("CT SCAN - 0352", "0352", values.DESCRIPTION),
        ("CT SCAN 0352", "0352", values.DESCRIPTION),
        ("0352|CT SCAN", "0352", values.DESCRIPTION),
        ("0352/0480", "0352/0480", ""),
        ("REV 0352", "0352", ""),
        ("048x", "048X", ""),
        ("48X", "048X", values.LOST_ZERO),
        ("1", "0001", values.LOST_ZERO),
        ("48", "48", ""),
        ("4", "4", ""),
        ("REVENUE CODE: 480", "0480", values.LOST_ZERO),
        ("RC0350", "0350", ""),
        ("04801", "04801", ""),
        ("CARD", "CARD", ""),
        ("NA", "", ""),
    ],
)
def test_revenue(text: str, code: str, repair: str) -> None:
    assert codes.revenue(text) == (code, repair, "")


@pytest.mark.parametrize(
    ("text", "found", "repair"),
    [
        ("26,59", ("26", "59"), ""),
        ("26 59", ("26", "59"), ""),
        ("TC-59", ("TC", "59"), ""),
        ("2659", ("26", "59"), codes.RUN_TOGETHER),
        ("26TCXU", ("26", "TC", "XU"), codes.RUN_TOGETHER),
        ("2659.0", ("26", "59"), codes.RUN_TOGETHER),
        ("265976.0", ("26", "59", "76"), codes.RUN_TOGETHER),
        ("26597677XU", ("26", "59", "76", "77", "XU"), codes.RUN_TOGETHER),
        ("tc", ("TC",), ""),
        ("26.0", ("26",), values.DECIMALS),
        ("6", ("6",), ""),
        ("1P", ("1P",), ""),
        ("26;26", ("26",), ""),
        ("0", (), ""),
        ("00", (), ""),
        ("0.0", (), ""),
        ("NA", ("NA",), ""),
        ("N/A", (), ""),
        ("none", (), ""),
        ("mf1", (), codes.NOT_A_MODIFIER),
        ("LEFT", (), codes.NOT_A_MODIFIER),
        ("26 prof", ("26",), codes.NOT_A_MODIFIER),
        ("76 - Repeat by same physician, 26", ("76", "26"), codes.NOT_A_MODIFIER),
        ("TC - part of a service", ("TC",), codes.NOT_A_MODIFIER),
        ("TC - Technical", ("TC",), codes.NOT_A_MODIFIER),
        ("Professional Component", ("26",), codes.COMPONENT_IN_WORDS),
        ("PROFESSIONAL", ("26",), codes.COMPONENT_IN_WORDS),
        ("Prof. Comp.", ("26",), codes.COMPONENT_IN_WORDS),
        ("technical component", ("TC",), codes.COMPONENT_IN_WORDS),
        ("Tech", ("TC",), codes.COMPONENT_IN_WORDS),
        ("PROF TECH", (), codes.NOT_A_MODIFIER),
        ("Professional and technical", (), codes.NOT_A_MODIFIER),
        ("Other professional", (), codes.NOT_A_MODIFIER),
        ("76 - Repeat by other professional", ("76",), codes.NOT_A_MODIFIER),
        ("Global", (), codes.NOT_A_MODIFIER),
        ("PC", ("PC",), ""),
    ],
)
def test_modifiers(text: str, found: tuple[str, ...], repair: str) -> None:
    assert codes.modifiers(text) == (found, repair, "")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("I2510", ("I25.10",)),
        ("i25.10", ("I25.10",)),
        ("I25.10,R07.9", ("I25.10", "R07.9")),
        ("I2510;R079|E785 I10", ("I25.10", "R07.9", "E78.5", "I10")),
        ("I2510^R079", ("I25.10", "R07.9")),
        ("125.10", ("125.10",)),
        ("12510", ("125.10",)),
        ("I10.", ("I10",)),
        ("ABK:I2510", ("I25.10",)),
        ("I25.10 Heart disease", ("I25.10",)),
        ("I25.10-Atherosclerotic heart disease", ("I25.10",)),
        ("E11.9 Type 2 diabetes, 50% controlled", ("E11.9",)),
        ("1: I25.10, 2: R07.9", ("I25.10", "R07.9")),
        ("[I25.10][R07.9]", ("I25.10", "R07.9")),
        ("I25.10(Y)", ("I25.10",)),
        ("I25.10 (ICD-10-CM)", ("I25.10",)),
        ("R07.9, 125.10", ("R07.9", "125.10")),
        ("S/P CABG x3 [Z95.1]", ("Z95.1",)),
        ("E11.9 Diabetes, A1C over 7, T2DM", ("E11.9",)),
        ("R94.31 Abnormal EKG 2024", ("R94.31",)),
        ("C7A.00 Carcinoid of the lung", ("C7A.00",)),
        ("I25.10&R07.9+E78.5", ("I25.10", "R07.9", "E78.5")),
        ("I25.10_R07.9\\E78.5", ("I25.10", "R07.9", "E78.5")),
        ('=""', ()),
        ("414.01", ("414.01",)),
        ("V5869", ("V58.69",)),
        ("dgns1", ("DGNS1",)),
        ("S72.001A", ("S72.001A",)),
        ("S72001A", ("S72.001A",)),
        ("NULL", ()),
        ("(blank)", ()),
    ],
)
def test_diagnoses(text: str, found: tuple[str, ...]) -> None:
    assert codes.diagnoses(text).value == found


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("A,B", "AB"),
        ("1,2", "AB"),
        ("12", "AB"),
        ("AB", "AB"),
        ("BA", "BA"),
        ("1:3", "AC"),
        ("10", "J"),
        ("1,12", "AL"),
        ("1.0", "A"),
        ("01", "A"),
        ("1234", "ABCD"),
        ("", ""),
        ("0", ""),
        ("x9", ""),
    ],
)
def test_pointers(text: str, letters: str) -> None:
    assert "".join(codes.pointers(text).value) == letters


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("CO-97", ("CO-97",)),
        ("CO97", ("CO-97",)),
        ("97", ("97",)),
        ("97.0", ("97",)),
        ("CO 97;PR 1", ("CO-97", "PR-1")),
        ("CO97 PR1", ("CO-97", "PR-1")),
        ("A1", ("A1",)),
        ("CO-B20", ("CO-B20",)),
        ("CO-045", ("CO-45",)),
        ("CO-97: bundled in 2 services", ("CO-97",)),
        ("CO-45 12.00", ("CO-45",)),
        ("CO-45 $1,097.32", ("CO-45",)),
        ("CO-45 (1,097.32), PR-2 (20.00)", ("CO-45", "PR-2")),
        ("CO45 $97, PR1 $2", ("CO-45", "PR-1")),
        ("CO 45 - 100.00 PR 2 - 20.00", ("CO-45", "PR-2")),
        ("[CO-97]", ("CO-97",)),
        ("[CO-45] [CO-97]", ("CO-45", "CO-97")),
        ("PR-2 (71.43) CO-97 (1,017.39)", ("PR-2", "CO-97")),
        ("CO45 ($100.00)CO97 ($200.00)", ("CO-45", "CO-97")),
        ("CO-97 (see CO-45)", ("CO-97",)),
        ("45,253", ("45", "253")),
        ("see letter; OA-23 | PI 204 & CR-B7", ("OA-23", "PI-204", "CR-B7")),
        ("CO-1234", ()),
        ("paid in full", ()),
        ("0", ()),
    ],
)
def test_adjustments(text: str, found: tuple[str, ...]) -> None:
    assert codes.adjustments(text).value == found


def test_remarks() -> None:
    assert codes.remarks("m15, N706;MA31").value == ("M15", "N706", "MA31")
    assert codes.remarks("see letter") == ((), codes.NOT_A_REMARK, "")


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("0131", "0131"),
        ("131", "0131"),
        ("131.0", "0131"),
        ("13X", "013"),
        ("013x", "013"),
        ("13", "013"),
        ("013", "013"),
        ("13G", "013G"),
        ("0131 - Hospital outpatient", "0131"),
        ("0", ""),
        ("outpatient", ""),
    ],
)
def test_bill_type_has_a_frequency_in_four_characters_only(text: str, read: str) -> None:
    assert codes.bill_type(text).value == read


@pytest.mark.parametrize(
    ("read", "text", "value"),
    [
        (values.identifier, " 00123 ", "00123"),
        (values.identifier, "123.0", "123"),
        (values.identifier, "-100000486", "-100000486"),
        (values.identifier, "aB-1", "aB-1"),
        (values.identifier, "1.23E+15", "1.23E+15"),
        (values.identifier, "(null)", ""),
        (values.identifier, "(blank)", ""),
        (values.identifier, "\\N", ""),
        (values.identifier, "NA", ""),
        (values.identifier, "0", ""),
        (values.identifier, "0000", ""),
        (values.identifier, '=""', ""),
        (values.identifier, "1,234,567", "1234567"),
        (values.identifier, "1,23", "1,23"),
        (values.npi, "1234567890.0", "1234567890"),
        (values.npi, "123-456 7890", "1234567890"),
        (values.npi, "Dr A", "Dr A"),
        (values.npi, "SAMPLE HEART GROUP [1234567890]", "1234567890"),
        (values.npi, "1234567890/1234567891", "1234567890/1234567891"),
        (values.npi, "1.23E+09", ""),
        (values.npi, "0000000000", ""),
        (values.name, "  Blue   Cross ", "Blue Cross"),
        (values.name, "N/A", "N/A"),
        (values.name, "NULL", ""),
        (values.name, "(Blank)", ""),
        (values.place_of_service, "22.0", "22"),
        (values.place_of_service, "2", "02"),
        (values.place_of_service, "On Campus-Outpatient Hospital [22]", "22"),
        (values.place_of_service, "Office", "OFFICE"),
        (values.place_of_service, "11 - Office", "11"),
        (values.place_of_service, "POS 22", "22"),
        (values.place_of_service, "22 Outpatient", "22"),
        (values.place_of_service, "Office (11)", "11"),
        (values.place_of_service, "221", "221"),
        (values.claim_type, "837P", "professional"),
        (values.claim_type, "PB", "professional"),
        (values.claim_type, "CMS-1500", "professional"),
        (values.claim_type, "1500", "professional"),
        (values.claim_type, "71", "professional"),
        (values.claim_type, "Physician", "professional"),
        (values.claim_type, "Part B carrier", "professional"),
        (values.claim_type, "Inpatient", "institutional"),
        (values.claim_type, "Outpatient", "institutional"),
        (values.claim_type, "Facility", "institutional"),
        (values.claim_type, "UB92", "institutional"),
        (values.claim_type, "CMS-1450", "institutional"),
        (values.claim_type, "Outpatient, professional", ""),
        (values.claim_type, "Professional", "professional"),
        (values.claim_type, "UB-04", "institutional"),
        (values.claim_type, "UB", "institutional"),
        (values.claim_type, "HB", "institutional"),
        (values.claim_type, "I", "institutional"),
        (values.claim_type, "40.0", "institutional"),
        (values.claim_type, "Hospital outpatient", "institutional"),
        (values.claim_type, "005010X223A2", "institutional"),
        (values.claim_type, "Non-institutional", "professional"),
        (values.claim_type, "Professional (non-facility)", "professional"),
        (values.claim_type, "pharmacy", ""),
        (values.claim_frequency, "7.0", "7"),
        (values.claim_frequency, "07", "7"),
        (values.claim_frequency, "8 - Void", "8"),
        (values.claim_frequency, "Corrected claim", "7"),
        (values.claim_frequency, "Replacement of prior claim", "7"),
        (values.claim_frequency, "7-Replacement", "7"),
        (values.claim_frequency, "Voided", "8"),
        (values.claim_frequency, "Cancel of prior claim", "8"),
        (values.claim_frequency, "Void and replace", ""),
        (values.claim_frequency, "Original", "1"),
        (values.claim_frequency, "whatever", ""),
        (values.payer_type, "Medicare Advantage", "medicare_advantage"),
        (values.payer_type, "MEDICARE", "medicare"),
        (values.payer_type, "Medi-Cal", "medicaid"),
        (values.payer_type, "PPO", "commercial"),
        (values.payer_type, "Medicare [1]", "medicare"),
        (values.payer_type, "MEDICARE A/B", "medicare"),
        (values.payer_type, "Managed Medicare [5]", "medicare_advantage"),
        (values.payer_type, "Medicare Part C", "medicare_advantage"),
        (values.payer_type, "MEDICARE ADVANTAGE PPO", "medicare_advantage"),
        (values.payer_type, "Commercial (3)", "commercial"),
        (values.payer_type, "Medicare [MSP]", ""),
        (values.payer_type, "15", "commercial"),
        (values.payer_type, "FI", "commercial"),
        (values.payer_type, "self pay", "other"),
        (values.payer_type, "zebra", ""),
        (values.state, "Massachusetts", "MA"),
        (values.state, "ny", "NY"),
        (values.state, "22", ""),
        (values.state, "-NA", ""),
        (values.zip_code, "02139-4307", "02139"),
        (values.zip_code, "02139 4307", "02139"),
        (values.zip_code, "2139", "02139"),
        (values.zip_code, "2139.0", "02139"),
        (values.zip_code, "021394307", "02139"),
        (values.zip_code, "21394307", "02139"),
        (values.zip_code, "5014307", "00501"),
        (values.zip_code, "213943", ""),
        (values.zip_code, "K1A 0B1", ""),
    ],
)
def test_single_values(read: values.Read, text: str, value: str) -> None:
    assert read(text).value == value


def test_number_rounded_by_the_spreadsheet_is_reported() -> None:
    assert values.identifier("1.23E+15").repair == values.ROUNDED
    assert values.identifier("1234567890123450.0").repair == values.ROUNDED
    assert values.identifier("123.0").repair == values.DECIMALS


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("$1,234.50", 123450),
        ("(12.00)", -1200),
        ("-12", -1200),
        ("12.00-", -1200),
        ("$ (12.5)", -1250),
        ("12.00 CR", -1200),
        ("USD 12", 1200),
        ("1 234.50", 123450),
        ("0.005", 1),
        ("-0.005", -1),
        ("109.01000000000001", 10901),
        ("1.5E+3", 150000),
        (".5", 50),
        ("$-", 0),
        (" $-   ", 0),
        ("$ -", 0),
        (" -   ", 0),
        (" - ", None),
        ("", None),
        ("-", None),
        ("N/A", None),
        ("see note", None),
        ("12,34", None),
        ("9" * 500, None),
        ("1E99", None),
    ],
)
def test_cents(text: str, cents: int | None) -> None:
    assert numbers.cents(text).value == cents


def test_cents_with_decimal_comma() -> None:
    assert numbers.cents("1.234,50", decimal_comma=True) == (123450, numbers.DECIMAL_COMMA, "")
    assert numbers.cents("1 234,5 ", decimal_comma=True).value == 123450
    assert numbers.cents("0.005").repair == numbers.WHOLE_CENTS


@pytest.mark.parametrize(
    ("text", "units"),
    [
        *[("1", 1.0), ("2.0", 2.0), ("-1", -1.0), ("1,000", 1000.0), ("UN 3", 3.0), ("3UN", 3.0)],
        *[("2 units", 2.0), ("1 Unit", 1.0), ("2 EA", 2.0), ("15 MIN", 15.0), ("MJ 15", 15.0)],
        *[("1 DA", 1.0), ("F2 10", 10.0), ("0", 0.0)],
    ],
)
def test_units(text: str, units: float) -> None:
    assert numbers.number(text).value == units


def test_what_is_no_number_is_missing_and_reported() -> None:
    assert numbers.number("two") == (None, values.UNREADABLE, "")
    assert numbers.number("") == numbers.integer("") == (None, "", "")
    assert numbers.integer("two") == (None, values.UNREADABLE, "")
    assert numbers.integer("2.0") == (2, values.DECIMALS, "")
    assert numbers.integer("1.5") == (None, values.UNREADABLE, "")
    assert numbers.integer("-1") == (None, values.UNREADABLE, "")
    assert numbers.integer("001").value == 1


@pytest.mark.parametrize(
    "text",
    [
        "2025-03-10",
        "2025-3-10",
        "2025/03/10",
        "2025-03-10T23:30:00Z",
        "2025-03-10 23:30:00.541764",
        "2025-03-10 23:30:00+05:30",
        "10MAR2025:14:30:00.000",
        "Mar 10 2025  2:30:00:000PM",
        "10-MAR-25 02.30.00.000000 PM",
        "2025-03-10-14.30.00.000000",
        "03/10/2025",
        "3/10/25",
        "3-10-2025",
        "3/10/2025 12:00:00 AM",
        "20250310",
        "20250310.0",
        "20250310101500",
        "202503101015",
        "03102025",
        "3102025",
        "10-Mar-2025",
        "10MAR2025",
        "10-Mar-25",
        "Mar 10, 2025",
        "March 10th, 2025",
        "Monday, March 10, 2025",
        "2025-Mar-10",
        "45726",
        "45726.0",
        "45726.75",
        '="2025-03-10"',
    ],
)
def test_day(text: str) -> None:
    assert dates.day(text).value == date(2025, 3, 10)
    assert dates.day(text).fault == ""


def test_two_digit_years() -> None:
    assert dates.day("1/2/99").value == date(1999, 1, 2)
    assert dates.day("1/2/69").value == date(2069, 1, 2)
    assert dates.day("1/2/70").fault


def test_repairs_of_days() -> None:
    assert dates.day("45726").repair == dates.DAY_NUMBER
    assert dates.day("25/03/2025", day_first=True) == (date(2025, 3, 25), dates.DAY_FIRST, "")
    assert dates.day("25-03-2025", day_first=True).value == date(2025, 3, 25)
    assert dates.day("2025-03-25", day_first=True) == (date(2025, 3, 25), "", "")
    assert dates.day("3/10/2025 - 3/11/2025").value == date(2025, 3, 10)
    assert dates.day("3/10/2025 - 3/11/2025", last_of_span=True).value == date(2025, 3, 11)
    for span in ("20250310-20250311", "03/10/2025-03/11/2025"):
        assert dates.day(span) == (date(2025, 3, 10), dates.ONE_OF_SPAN, "")
        assert dates.day(span, last_of_span=True).value == date(2025, 3, 11)


@pytest.mark.parametrize(
    "text",
    ["0000-00-00", "1000-01-01", "9999-12-31", "1900-01-01", "12/31/9999", "00000000", "99991231"],
)
def test_placeholder_is_no_date(text: str) -> None:
    assert dates.day(text).fault == "is a placeholder, not a date"
    assert dates.optional_day(text) == (None, dates.PLACEHOLDER, "")


@pytest.mark.parametrize(
    "text", ["25/03/2025", "2025-02-30", "1989-12-31", "2101-01-01", "12345", "soon", "13/45/2024"]
)
def test_what_is_no_date(text: str) -> None:
    assert dates.day(text).value is None
    assert dates.day(text).fault
    assert dates.optional_day(text) == (None, values.UNREADABLE, "")


def test_blank_date_has_no_fault() -> None:
    assert dates.day(" n/a ") == (None, "", "")


@pytest.mark.parametrize(
    ("texts", "others", "day_first"),
    [
        (["25/03/2025", "01/02/2025"], [], True),
        (["03/25/2025", "01/02/2025"], [["25/03/2025"]], False),
        (["25/03/2025", "03/25/2025"], [], False),
        (["01/02/2025"], [["25/03/2025"]], True),
        (["01/02/2025"], [["25/03/2025"], ["03/25/2025"]], False),
        (["12/01/2025"], [], False),
        (["31/01/2025"], [], True),
        (["01/12/2025"], [["25/03/2025"]], True),
        (["01/02/2025"], [["25/03/2025"], ["2025-03-25"]], True),
        (["25/03/2025 - 26/03/2025"], [], True),
        (["25-03-2025"], [], True),
        (["25-03-10"], [], False),
        (["2025-03-25"], [], False),
    ],
)
def test_order_of_day_and_month(
    texts: list[str], others: list[list[str]], *, day_first: bool
) -> None:
    orders = [dates.order_shown(other) for other in others]
    assert dates.is_day_first(dates.order_shown(texts), orders) is day_first


SINGLE = [
    *(values.name, values.identifier, values.npi, values.place_of_service, values.claim_type),
    *(values.claim_frequency, values.payer_type, values.state, values.zip_code),
    *(codes.revenue, codes.bill_type),
]
SEVERAL = [codes.modifiers, codes.diagnoses, codes.pointers, codes.adjustments, codes.remarks]


@pytest.mark.parametrize("read", SINGLE)
@settings(deadline=None)
@given(text=ANY_TEXT)
def test_value_read_again_is_unchanged(read: values.Read, text: str) -> None:
    value = read(text).value

    assert read(value).value == value


@pytest.mark.parametrize("read", SEVERAL)
@settings(deadline=None)
@given(text=ANY_TEXT)
def test_words_read_again_are_unchanged(read: values.Read, text: str) -> None:
    words = read(text).value

    assert read(" ".join(words)).value == words
    assert all(word and " " not in word for word in words)


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_procedure_read_again_is_unchanged(text: str) -> None:
    (code, modifiers), _, fault = codes.procedure(text)

    assert codes.procedure(code).value == (code, ())
    assert not (fault and (code or modifiers))
    assert len(code) in {0, 5}


@settings(deadline=None)
@given(text=ANY_TEXT, comma=st.booleans())
def test_amount_read_again_is_unchanged(text: str, *, comma: bool) -> None:
    cents = numbers.cents(text, decimal_comma=comma).value
    units = numbers.number(text, decimal_comma=comma).value
    line = numbers.integer(text).value

    assert cents is None or numbers.cents(f"{cents / 100:.2f}").value == cents
    assert units is None or numbers.number(f"{units:.12f}").value == pytest.approx(units)
    assert line is None or numbers.integer(str(line)).value == line


@settings(deadline=None)
@given(text=ANY_TEXT, day_first=st.booleans())
def test_day_read_again_is_unchanged(text: str, *, day_first: bool) -> None:
    found = dates.day(text, day_first=day_first)

    assert found.value is None or dates.day(found.value.isoformat()).value == found.value
    assert not (found.fault and found.value)


@settings(deadline=None)
@given(day=st.dates(date(1990, 1, 1), date(2069, 12, 31)))
def test_every_way_to_write_a_day_gives_that_day(day: date) -> None:
    written = ["%Y-%m-%d", "%m/%d/%Y", "%Y%m%d", "%m%d%Y", "%d-%b-%Y", "%d%b%Y", "%B %d, %Y"]

    assert {dates.day(day.strftime(form)).value for form in written} == {day}


@settings(deadline=None)
@given(text=ANY_TEXT)
def test_shape_shows_no_letter_and_no_digit(text: str) -> None:
    form = values.shape(text)

    assert len(form) <= 24
    assert not any(character.isalnum() and character not in "A9" for character in form)
