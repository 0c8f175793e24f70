"""The reference rows that an explanation shows are those in force for the line, and no others."""

from functools import cache

import pandas as pd
import pytest

from auditor.audit import prepare
from auditor.catalogue import CATALOGUE
from auditor.reference import Reference, load_reference
from auditor.rows_in_force import rate_tables, rows_in_force
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, _filled, lines_of

RULES = {rule.name: rule for rule in CATALOGUE}
HOSPITAL = {"claim_type": "institutional"}
OFFICE = {"claim_type": "professional", "modifiers": "", "place_of_service": "11"}
READING = {"claim_type": "professional"}


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


def line_of(row: dict[str, str]) -> "pd.Series[object]":
    lines, _ = lines_of([_filled(row)])
    return prepare(lines, reference(), as_of=AS_OF).lines.iloc[0]


def shown(tables: list[str], row: dict[str, str], **evidence: str) -> list[str]:
    return rows_in_force(tables, line_of(row), pd.Series(evidence, dtype=object), reference())


ALL_RATES = ["opps_rates", "pfs_rates", "conversion_factors", "imaging_caps"]


def test_a_hospital_line_shows_the_rate_of_its_apc_in_its_year() -> None:
    (found,) = shown(ALL_RATES, HOSPITAL)

    assert found == (
        "opps_rates: procedure_code 75574, effective_from 2025-01-01, effective_to 2025-12-31, "
        "apc 5572, status_indicator S, rate_cents 35713, confidence confirmed, "
        "source acc-2025-01-07 acr-bulletin-2025-02-10"
    )


def test_a_reading_shows_its_own_units_and_the_factor() -> None:
    units, factor = shown(ALL_RATES, READING)

    assert "modifier 26" in units
    assert "total_rvu_facility 3.37" in units
    assert "conversion_factor 32.3465" in factor


def test_a_whole_study_shows_its_parts_and_the_cap_of_the_scan() -> None:
    found = shown(ALL_RATES, OFFICE | {"procedure_code": "75573", "service_date": "2024-05-01"})

    units = [row for row in found if row.startswith("pfs_rates")]
    assert len(units) == 3
    assert any(row.startswith("imaging_caps: procedure_code 75573, modifier TC") for row in found)


def test_a_missing_half_is_priced_as_that_half() -> None:
    units, _ = shown(ALL_RATES, HOSPITAL, absent_component="professional")
    (rate,) = shown(ALL_RATES, READING, absent_component="technical")

    assert units.startswith("pfs_rates: procedure_code 75574, modifier 26")
    assert rate.startswith("opps_rates: procedure_code 75574")


@pytest.mark.parametrize(
    ("day", "billable"), [("2023-09-30", "billable yes"), ("2023-10-01", "billable no")]
)
def test_the_row_of_the_date_is_shown(day, billable) -> None:
    (found,) = shown(["icd10cm"], {"diagnosis_codes": "I20.8", "service_date": day})

    assert billable in found


def test_every_diagnosis_of_the_line_is_looked_up() -> None:
    found = shown(["icd10cm"], {"diagnosis_codes": "I25.10 I20.8 Z99.99"})

    heads = {row.split(",")[0] for row in found}
    assert heads == {"icd10cm: icd10 I20.8", "icd10cm: icd10 I25.10"}


def test_a_state_shows_all_that_serve_it() -> None:
    found = shown(["mac_states"], HOSPITAL | {"service_state": "VA"})

    assert len(found) == 2


def test_a_table_of_pairs_is_not_shown_for_one_line() -> None:
    assert shown(["ptp_edits", "no_such_table"], HOSPITAL) == []


@pytest.mark.parametrize(
    ("row", "basis", "evidence", "tables"),
    [
        (HOSPITAL, "fee_schedule", {}, ("opps_rates",)),
        (HOSPITAL, "difference", {"rate": "national rate"}, ("opps_rates",)),
        (HOSPITAL, "difference", {"rate": "contract rate"}, ("contract_rates",)),
        (READING, "contract", {}, ("contract_rates",)),
        (READING, "fee_schedule", {}, ("pfs_rates", "conversion_factors", "imaging_caps")),
        (READING, "fee_schedule", {"absent_component": "technical"}, ("opps_rates",)),
        (HOSPITAL, "allowed", {}, ()),
        (HOSPITAL, "charge", {}, ()),
        (HOSPITAL, "", {}, ()),
    ],
)
def test_the_tables_behind_an_amount(row, basis, evidence, tables) -> None:
    found = rate_tables(line_of(row), pd.Series(evidence, dtype=object), basis, reference())

    assert found == tables


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_no_rule_names_a_table_that_nobody_has(rule) -> None:
    """A rule rests on tables, or on single contradictions by their name."""
    known = set(reference().tables) | {one.id for one in reference().contradictions}

    assert set(rule.rests_on) <= known


def test_the_modifiers_shown_are_those_of_the_line_and_those_that_bypass() -> None:
    """Not the component that a hospital's line is priced as."""
    bypassed = shown(["modifiers"], HOSPITAL | {"modifiers": "PO XU"}, bypass="XU 59")

    assert [row.split(",")[0] for row in bypassed] == [
        "modifiers: modifier 59",
        "modifiers: modifier PO",
        "modifiers: modifier XU",
    ]
    assert shown(["modifiers"], HOSPITAL) == []
