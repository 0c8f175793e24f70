"""Expected payment: every published figure to the cent, and what changes it."""

import csv
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from auditor.amounts import expected_payment
from auditor.audit import prepare
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from tests.case_lines import _filled, lines_of

AS_OF = date(2027, 6, 30)
PAYMENTS = Path(__file__).parents[2] / "shared" / "facts" / "payments.csv"
NO_RATE, STALE = "no rate", "stale"
CODES = ("75571", "75572", "75573", "75574", "75577", "75580")

# National rates in dollars of 75571, 75572, 75573, 75574, 75577 and 75580, "" where none was
# published: the hospital's, then the physician's by component, under the imaging cap.
HOSPITAL = {
    2024: ("", "175.06", "175.06", "175.06", "", "997.22"),
    2025: ("", "357.13", "357.13", "357.13", "", "1017.39"),
    2026: ("88.91", "356.43", "356.43", "356.43", "950.50", "877.34"),
}
PHYSICIAN = {
    (2024, ""): ("102.19", "233.01", "296.26", "288.94", "", "902.76"),
    (2024, "26"): ("26.96", "80.89", "118.17", "111.18", "", "34.62"),
    (2024, "TC"): ("75.23", "152.12", "178.09", "177.76", "", "868.14"),
    (2025, ""): ("98.98", "224.48", "301.79", "318.29", "", "839.07"),
    (2025, "26"): ("26.52", "78.93", "116.12", "109.01", "", "33.64"),
    (2025, "TC"): ("72.46", "145.56", "185.67", "209.28", "", "805.43"),
    (2026, ""): ("99.53", "229.46", "309.29", "325.66", "1012.05", "886.79"),
    (2026, "26"): ("26.72", "80.16", "118.24", "110.56", "41.42", "34.40"),
    (2026, "TC"): ("72.81", "149.30", "191.05", "215.10", "970.63", "852.39"),
}
# The conversion factor of 2024 rose on 9 March.
SPAN = {
    2024: ("2024-03-09", "2024-12-31"),
    2025: ("2025-01-01", "2025-12-31"),
    2026: ("2026-01-01", "2026-12-31"),
}
OLD_HOSPITAL = {
    "2018-01-01": "1450.50",
    "2019-12-31": "1450.50",
    "2020-01-01": "950.50",
    "2022-12-31": "950.50",
}

Line = dict[str, str]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(reference_dir())


def hospital(code: str, service_date: str = "2025-03-10", **cells: str) -> Line:
    return _line(code, service_date, "institutional") | cells


def physician(code: str, modifiers: str, service_date: str = "2025-03-10", **cells: str) -> Line:
    return _line(code, service_date, "professional") | {"modifiers": modifiers} | cells


def _line(code: str, service_date: str, claim_type: str) -> Line:
    in_hospital = claim_type == "institutional"
    return {
        "claim_id": "C1",
        "line_number": "1",
        "patient_id": "P1",
        "claim_type": claim_type,
        "bill_type": "0131" if in_hospital else "",
        "service_date": service_date,
        "procedure_code": code,
        "modifiers": "",
        "revenue_code": "0489" if in_hospital else "",
        "units": "1",
        "place_of_service": "" if in_hospital else "11",
        "payer": "Medicare",
        "payer_type": "medicare",
    }


def apart(lines: list[Line]) -> list[Line]:
    """The lines, each on a claim and a patient of its own."""
    return [
        line | {"claim_id": f"C{place}", "patient_id": f"P{place}"}
        for place, line in enumerate(lines)
    ]


def dollars(
    lines: list[Line], reference: Reference, without: frozenset[str] = frozenset()
) -> list[str]:
    """Expected payment of each line in dollars, or why there is none: no rate, or a stale table."""
    frame, rejected = lines_of(lines, without)
    assert rejected.empty
    prepared = prepare(frame, reference, as_of=AS_OF).lines
    assert prepared["source_row"].tolist() == list(range(2, len(lines) + 2))
    expected = expected_payment(prepared, reference)
    known = expected.cents.notna()
    assert expected.cents.dtype == "Int64"
    assert list(expected.cents.index) == list(prepared.index)
    assert expected.basis.tolist() == ["fee_schedule" if one else "" for one in known]
    assert [why == "" for why in expected.why_not] == known.tolist()
    return [
        (STALE if stale else NO_RATE) if pd.isna(cents) else f"{cents // 100}.{cents % 100:02d}"
        for cents, stale in zip(expected.cents, expected.stale, strict=True)
    ]


def published() -> list[tuple[Line, str]]:
    """Each published figure on the first and on the last day it was in force."""
    figures = [(hospital("0503T", day), amount) for day, amount in OLD_HOSPITAL.items()]
    for year, amounts in HOSPITAL.items():
        for code, amount in zip(CODES, amounts, strict=True):
            first = f"{year}-01-01"
            figures += [(hospital(code, day), amount) for day in (first, SPAN[year][1]) if amount]
    for (year, modifier), amounts in PHYSICIAN.items():
        for code, amount in zip(CODES, amounts, strict=True):
            figures += [(physician(code, modifier, day), amount) for day in SPAN[year] if amount]
    return figures


def test_every_published_figure_to_the_cent(reference: Reference) -> None:
    figures = published()

    found = dollars(apart([line for line, _ in figures]), reference)

    assert _labelled(figures, found) == _labelled(figures, [amount for _, amount in figures])


@pytest.mark.skipif(not PAYMENTS.exists(), reason="the collected facts are not beside the project")
def test_every_collected_figure_to_the_cent(reference: Reference) -> None:
    with PAYMENTS.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["amount_after_opps_imaging_cap"]]
    figures = [
        (
            hospital(row["code"], row[end])
            if row["system"] == "OPPS"
            else physician(row["code"], row["modifier"], row[end]),
            row["amount_after_opps_imaging_cap"],
        )
        for row in rows
        for end in ("effective_from", "effective_to")
    ]

    found = dollars(apart([line for line, _ in figures]), reference)

    assert _labelled(figures, found) == _labelled(figures, [amount for _, amount in figures])
    assert _labelled(published(), [amount for _, amount in published()]) == _labelled(
        figures, [amount for _, amount in figures]
    )


def _labelled(figures: list[tuple[Line, str]], amounts: list[str]) -> dict[tuple[str, ...], str]:
    names = ("claim_type", "procedure_code", "modifiers", "service_date")
    return {
        tuple(line[name] for name in names): amount
        for (line, _), amount in zip(figures, amounts, strict=True)
    }


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        # Until 8 March 2024 the factor was 32.7442, and the caps were lower with it.
        (physician("75574", "26", "2024-03-08"), "109.37"),
        (physician("75574", "TC", "2024-03-08"), "174.85"),
        (physician("75574", "", "2024-03-08"), "284.22"),
        (physician("75573", "TC", "2024-01-01"), "175.18"),
        (physician("75573", "", "2024-01-01"), "291.42"),
        (physician("75572", "TC", "2024-01-01"), "149.64"),
        (physician("75580", "TC", "2024-01-01"), "853.97"),
        # A reading has one price; it is the technical part that a facility's place leaves out.
        (physician("75574", "26", place_of_service="22"), "109.01"),
        (physician("75574", "26", place_of_service="23"), "109.01"),
        (physician("75574", "26", place_of_service="24"), "109.01"),
        (physician("75574", "26", place_of_service=""), "109.01"),
        (physician("75574", "", place_of_service="49"), "318.29"),
        (physician("75574", "59 TC"), "209.28"),
        (physician("75574", "59 26"), "109.01"),
        # 3D rendering has a price of its own on a professional line.
        (physician("76376", ""), "24.91"),
        (physician("76377", "26"), "36.23"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(_short(value)),
)
def test_physician(line: Line, amount: str, reference: Reference) -> None:
    assert dollars([line], reference) == [amount]


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        (hospital("75574", units="2"), "714.26"),
        (hospital("75574", "2024-06-03", units="3"), "525.18"),
        (physician("75574", "26", units="2"), "218.02"),
        (physician("75574", "TC", "2024-06-03", units="2"), "355.52"),
        # Off-campus departments under the physician-equivalent rate: forty percent.
        (hospital("75574", modifiers="PN"), "142.85"),
        (hospital("75574", "2026-03-10", modifiers="PN"), "142.57"),
        (hospital("75580", "2024-06-03", modifiers="PN"), "398.89"),
        (hospital("75577", "2026-03-10", modifiers="PN", units="2"), "760.40"),
        (hospital("75574", modifiers="59 PN"), "142.85"),
        (hospital("75574", modifiers="PO"), "357.13"),
        (physician("75574", "26 PN"), "109.01"),
        # Scanners below the dose standard: the technical part minus fifteen percent.
        (physician("75574", "TC CT"), "177.89"),
        (physician("75574", "CT"), "286.90"),
        (physician("75574", "26 CT"), "109.01"),
        (physician("75573", "TC CT", "2026-03-10"), "162.39"),
        (physician("75571", "TC CT", units="2"), "123.18"),
        (physician("75574", "TC CT", "2024-06-03"), "151.10"),
        (hospital("75574", modifiers="CT"), "303.56"),
        # An analysis has no scanner.
        (hospital("75580", modifiers="CT"), "1017.39"),
        (physician("75580", "CT"), "839.07"),
        (physician("75577", "TC CT", "2026-03-10"), "970.63"),
        (physician("76377", "TC CT"), "40.76"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(_short(value)),
)
def test_units_and_modifiers(line: Line, amount: str, reference: Reference) -> None:
    assert dollars([line], reference) == [amount]


def _short(line: Line) -> list[str]:
    names = ("procedure_code", "modifiers", "place_of_service", "service_date", "units")
    return [line[name].replace(" ", "+") for name in names if line[name]]


@pytest.mark.parametrize("bill_type", ["0131", "0137", "0121", "13X", "131", "121"])
def test_outpatient_bill_types_have_a_rate(bill_type: str, reference: Reference) -> None:
    assert dollars([hospital("75574", bill_type=bill_type)], reference) == ["357.13"]


@pytest.mark.parametrize("bill_type", ["0851", "0111", "0141", "0221", "0721", "85X"])
def test_other_bill_types_have_none(bill_type: str, reference: Reference) -> None:
    assert dollars([hospital("75574", bill_type=bill_type)], reference) == [NO_RATE]


@pytest.mark.parametrize("place", ["19", "21", "22", "23", "24", "31", "51"])
@pytest.mark.parametrize("modifiers", ["", "TC"])
def test_no_facility_price_of_the_technical_part(
    place: str, modifiers: str, reference: Reference
) -> None:
    line = physician("75574", modifiers, place_of_service=place)

    assert dollars([line], reference) == [NO_RATE]


@pytest.mark.parametrize(
    "line",
    [
        hospital("75571", "2025-12-31"),
        hospital("75574", "2023-12-31"),
        hospital("0503T", "2023-01-01"),
        hospital("0502T", "2021-06-01"),
        hospital("75580", "2023-12-31"),
        hospital("75577", "2025-12-31"),
        hospital("76376", "2025-12-31"),
        hospital("36415"),
        physician("75574", "26", "2023-12-31"),
        physician("75577", "26", "2025-12-31"),
        physician("0501T", "", "2023-12-31"),
        physician("0623T", ""),
        physician("76376", "", "2026-03-10"),
        physician("36415", ""),
    ],
    ids=lambda line: "-".join(_short(line)),
)
def test_no_rate_known(line: Line, reference: Reference) -> None:
    assert dollars([line], reference) == [NO_RATE]


@pytest.mark.parametrize(
    "line",
    [
        hospital("75574", "2017-12-31"),
        hospital("75574", "2027-01-01"),
        physician("75574", "26", "2021-12-31"),
        physician("75574", "26", "2027-01-01"),
    ],
    ids=lambda line: "-".join(_short(line)),
)
def test_a_date_outside_the_tables_is_stale(line: Line, reference: Reference) -> None:
    assert dollars([line], reference) == [STALE]


@pytest.mark.parametrize("payer_type", ["medicare_advantage", "medicaid", "commercial", "other"])
def test_other_payers_have_no_national_rate(payer_type: str, reference: Reference) -> None:
    payer = {"payer": "Lakeside Health Plan", "payer_type": payer_type}
    lines = apart([hospital("75574", **payer), physician("75574", "26", **payer)])

    assert dollars(lines, reference) == [NO_RATE, NO_RATE]


@pytest.mark.parametrize(
    ("line", "column"),
    [
        (hospital("75574"), "units"),
        (hospital("75574"), "bill_type"),
        (physician("75574", "26"), "units"),
        (physician("75574", "TC"), "place_of_service"),
        (physician("75574", ""), "place_of_service"),
    ],
)
def test_a_blank_or_absent_cell_is_no_rate(line: Line, column: str, reference: Reference) -> None:
    assert dollars([line | {column: ""}], reference) == [NO_RATE]
    assert dollars([line], reference, frozenset([column])) == [NO_RATE]


def test_without_modifiers_nobody_knows_the_component(reference: Reference) -> None:
    line = physician("75574", "26")

    assert dollars([line], reference, frozenset(["modifiers"])) == [NO_RATE]


def test_a_calcium_score_is_packaged_beside_another_study_of_its_claim(
    reference: Reference,
) -> None:
    day = "2026-03-10"
    score = hospital("75571", day)
    ccta = hospital("75574", day, line_number="2")
    analysis = hospital("75580", day, line_number="2")
    chest = hospital("71275", day, line_number="2")
    cases = [
        ("alone on its claim", "88.91", _on("C1", "P1", score)),
        (
            "beside a CCTA on another claim",
            "88.91",
            [*_on("C2", "P2", score), *_on("C3", "P2", ccta)],
        ),
        ("beside a CCTA", "0.00", _on("C4", "P4", score, ccta)),
        ("beside FFR-CT", "0.00", _on("C5", "P5", score | {"units": "2"}, analysis)),
        ("beside a code of another status", "88.91", _on("C6", "P6", score, chest)),
        ("beside another patient's CCTA", "88.91", _on("C4", "P7", score)),
        (
            "on a professional claim",
            "26.72",
            _on("C8", "P8", physician("75571", "26", day), physician("75574", "26", day)),
        ),
    ]
    lines = [line for _, _, claim in cases for line in claim]
    firsts = [sum(len(claim) for _, _, claim in cases[:place]) for place in range(len(cases))]

    found = dollars(lines, reference)

    assert {name: found[first] for (name, _, _), first in zip(cases, firsts, strict=True)} == {
        name: amount for name, amount, _ in cases
    }


def test_the_study_that_packages_keeps_its_rate(reference: Reference) -> None:
    day = "2026-03-10"
    claim = _on("C1", "P1", hospital("75571", day), hospital("75574", day, line_number="2"))

    assert dollars(claim, reference) == ["0.00", "356.43"]
    assert dollars(claim[::-1], reference) == ["356.43", "0.00"]


def _on(claim_id: str, patient_id: str, *lines: Line) -> list[Line]:
    return [line | {"claim_id": claim_id, "patient_id": patient_id} for line in lines]


def test_a_rendering_is_packaged_on_any_claim(reference: Reference) -> None:
    day = "2026-03-10"
    lines = apart([hospital("76376", day), hospital("76377", day, units="2")])

    assert dollars(lines, reference) == ["0.00", "0.00"]


def test_lines_of_other_claims_change_nothing(reference: Reference) -> None:
    figures = [line for line, _ in published()]
    amounts = [amount for _, amount in published()]
    lines = apart(figures + figures[::-1])

    assert dollars(lines, reference) == amounts + amounts[::-1]


def test_modifier_ct_reduces_any_scan_that_a_sites_rates_know(tmp_path) -> None:
    header = (reference_dir() / "opps_rates.csv").read_text().splitlines()[0]
    row = {"procedure_code": "70450", "effective_from": "2025-01-01", "effective_to": "2025-12-31"}
    row |= {"status_indicator": "S", "rate_cents": "10000", "source": "ours"}
    cells = ",".join(row.get(name, "") for name in header.split(","))
    (tmp_path / "opps_rates.csv").write_text(f"{header}\n{cells}\n")
    (tmp_path / "sources.csv").write_text(
        "id,title,publisher,section,url,edition,published_on,checked_on\nours,Ours,,,,,,\n"
    )
    lines = [hospital("70450", modifiers="CT")]

    assert dollars(lines, load_reference(reference_dir(), tmp_path)) == ["85.00"]


@pytest.mark.parametrize(
    ("rate", "cents"),
    [("612.40,", 61_240), (",118", 42_141)],
    ids=["amount", "percent of Medicare"],
)
def test_a_users_contract_rate_serves_another_payer(tmp_path, rate, cents) -> None:
    (tmp_path / "contract_rates.csv").write_text(
        "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
        "percent_of_medicare,source\n"
        f"BCBS,75574,technical,institutional,2025-01-01,2025-12-31,{rate},contract\n"
    )
    (tmp_path / "sources.csv").write_text(
        "id,title,publisher,section,url,edition,published_on,checked_on\ncontract,Ours,,,,,,\n"
    )
    reference = load_reference(reference_dir(), tmp_path)
    rows = [
        {"claim_id": "C1", "payer": "BCBS", "payer_type": "commercial"},
        {"claim_id": "C2", "payer": "AETNA", "payer_type": "commercial"},
        {
            "claim_id": "C3",
            "payer": "BCBS",
            "payer_type": "commercial",
            "service_date": "2026-01-01",
        },
    ]
    lines, _ = lines_of([_filled(row) for row in rows])
    prepared = prepare(lines, reference, as_of=date(2026, 6, 30))

    found = expected_payment(prepared.lines, reference)

    assert found.cents.fillna(-1).tolist() == [cents, -1, -1]
    assert found.basis.tolist() == ["contract", "", ""]
