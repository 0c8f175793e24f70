"""Cells of a site's own tables: read as what they say, or refused with the way out."""

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from auditor.amounts import expected_payment
from auditor.audit import prepare
from auditor.errors import AuditError
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, clean_line, lines_of

SOURCES = (
    "id,title,publisher,section,url,edition,published_on,checked_on\nown,Our contracts,,,,,,\n"
)
RATES = (
    "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
    "percent_of_medicare,source\n"
)


def loaded(folder: Path, name: str, text: str) -> Reference:
    (folder / "sources.csv").write_text(SOURCES, encoding="utf-8")
    (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return load_reference(reference_dir(), folder)


def refusal(folder: Path, name: str, text: str) -> str:
    with pytest.raises(AuditError) as caught:
        loaded(folder, name, text)
    message = str(caught.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("BCBS,75574,technical,institutional,,,$612.40,", "amount '$612.40' is not dollars as"),
        ('BCBS,75574,technical,institutional,,,"1,612.40",', "amount '1,612.40' is not dollars"),
        ("BCBS,75574,technical,institutional,,,612.40 USD,", "without signs, separators and words"),
        ("BCBS,75574,technical,institutional,,,-612.40,", "amount '-612.40' is not"),
        ("BCBS,75574,technical,institutional,,,,118%", "percent_of_medicare '118%' is not a"),
        ("BCBS,75574,technical,institutional,,,,1.18", "a cell shown as 120% holds 1.2"),
        ("BCBS,75574,technical,institutional,,,612.40,118", "either an amount or a percentage"),
        ("BCBS,75574,technical,institutional,,,,", "either an amount or a percentage"),
        ("BCBS,75574,TC,institutional,,,612.40,", "component 'TC' is none of technical,"),
        ("BCBS,75574,Technical,institutional,,,612.40,", "component 'Technical' is none of"),
        ("BCBS,75574,technical,hospital,,,612.40,", "setting 'hospital' is none of institutional"),
        ("BCBS,75574,global,institutional,,,612.40,", "the component of its scans is technical"),
        (",75574,technical,institutional,,,612.40,", "payer '' is blank"),
        ("BCBS,,technical,institutional,,,612.40,", "procedure_code '' is blank"),
        ("BCBS,75574,,institutional,,,612.40,", "component '' is blank"),
    ],
)
def test_a_rate_that_would_price_nothing_is_refused(tmp_path, row, says) -> None:
    message = refusal(tmp_path, "contract_rates", f"{RATES}{row},own\n")

    assert message.startswith(f"{tmp_path / 'contract_rates.csv'} line 2: ")
    assert says in message


@pytest.mark.parametrize(
    ("table", "column", "cell", "says"),
    [
        ("filing_limits", "limit_unit", "day", "is none of calendar_years, months, days"),
        ("filing_limits", "limit_count", "90 days", "is not a whole number"),
        ("filing_limits", "payer_type", "Medicare", "is none of medicare, medicare_advantage"),
        ("opps_rates", "rate_cents", "357.13", "is not whole cents such as 61240"),
        ("pfs_rates", "total_rvu_nonfacility", "9,90", "is not a plain number such as 2.40"),
        ("mue", "mai", "3 Clinical", "is none of 1, 2, 3"),
        ("mue", "mue_value", "one", "is not a whole number"),
        ("icd10cm", "billable", "Y", "is none of yes, no"),
        ("coverage_diagnoses", "complete", "", "is blank"),
        ("revenue_code_fit", "fit", "Preferred", "is none of preferred, accepted"),
        ("ptp_edits", "modifier_indicator", "", "is blank"),
        ("modifiers", "bypasses_ptp", "TRUE", "is none of yes, no"),
    ],
)
def test_a_cell_outside_a_tables_words_is_refused(tmp_path, table, column, cell, says) -> None:
    with (reference_dir() / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        header, first = list(csv.reader(stream))[:2]
    row = first.copy()
    row[header.index(column)] = cell
    row[header.index("source")] = "own"
    with (tmp_path / f"{table}.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, row])

    message = refusal(tmp_path, table, (tmp_path / f"{table}.csv").read_text(encoding="utf-8"))

    assert f"line 2: {column} '{cell}' {says}" in message


def test_a_file_under_a_name_that_no_rule_asks_for_is_refused(tmp_path) -> None:
    """Its rows would be passed over, and the lines of its payers not evaluated."""
    row = "BCBS,75574,technical,institutional,,,612.40,,own\n"

    message = refusal(tmp_path, "contract-rates", RATES + row)

    assert "contract-rates.csv: is no table that a rule asks for" in message
    assert "contract_rates" in message


@pytest.mark.parametrize(
    "name", ["contract_rates.xlsx", "contract_rates.CSV", "Contract_Rates.txt", "payers.tsv"]
)
def test_a_table_of_a_kind_that_is_not_read_is_refused(tmp_path, name) -> None:
    """Without a word the folder would be one without that table."""
    (tmp_path / name).write_bytes(b"PK")
    (tmp_path / "contract of 2025.xlsx").write_bytes(b"PK")

    with pytest.raises(
        AuditError, match=r"is not read; save it as \w+\.csv, or take it out"
    ) as told:
        load_reference(reference_dir(), tmp_path)
    assert str(told.value).startswith(str(tmp_path / name))


def test_a_table_that_stands_in_a_folder_twice_is_refused(tmp_path) -> None:
    """The CSV of last year beside this year's Parquet would be passed over without a word."""
    rates = RATES + "BCBS,75574,technical,institutional,,,612.40,,own\n"
    pd.read_csv(io.StringIO(rates), dtype=str, keep_default_na=False).to_parquet(
        tmp_path / "contract_rates.parquet"
    )

    message = refusal(tmp_path, "contract_rates", rates)

    assert f"{tmp_path}: holds contract_rates.csv and contract_rates.parquet" in message
    assert "take one" in message


def test_a_payer_map_of_ones_own_has_its_columns(tmp_path) -> None:
    header = "payer,effective_from,effective_to,kind,source\n"

    message = refusal(tmp_path, "payers", f"{header}BCBS,,,commercial,own\n")

    assert "payers.csv: has no column payer_type" in message


def test_rates_are_their_payers_in_any_case(tmp_path) -> None:
    row = "Blue  heart,75574,technical,institutional,,,612.40,,own\n"
    reference = loaded(tmp_path, "contract_rates", RATES + row)
    ours = clean_line("institutional") | {"payer_type": "commercial"}
    names = ["Blue Heart", "BLUE HEART", "blue heart ", "Blue Hearts"]
    lines, _ = lines_of([ours | {"payer": n, "claim_id": f"C{k}"} for k, n in enumerate(names)])
    prepared = prepare(lines, reference, as_of=AS_OF).lines.sort_values("source_row")

    found = expected_payment(prepared, reference)

    assert found.cents.fillna(-1).tolist() == [61_240, 61_240, 61_240, -1]


def test_two_rates_of_one_payer_in_two_spellings_are_in_force_at_once(tmp_path) -> None:
    row = "75574,technical,institutional,,,612.40,,own\n"

    message = refusal(tmp_path, "contract_rates", f"{RATES}BCBS,{row}bcbs,{row}")

    assert "line 3: BCBS 75574 technical institutional is in force since ever" in message
    assert message.endswith("take one of them out; payers are the same in any case")


@pytest.mark.parametrize(
    ("second", "way_out"),
    [("2025-01-01", "take one of them out"), ("2025-07-01", "end line 2 the day before")],
)
def test_of_two_rates_in_force_at_once_one_goes_or_ends(tmp_path, second, way_out) -> None:
    row = "BCBS,75574,technical,institutional"
    rates = f"{RATES}{row},2025-01-01,,612.40,,own\n{row},{second},,640.00,,own\n"

    message = refusal(tmp_path, "contract_rates", rates)

    assert f"in force from {second} while line 2 still is; {way_out}" in message
