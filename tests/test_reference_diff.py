"""What a newer edition changes, and a run's findings under it."""

from datetime import date
from pathlib import Path

import pytest

from auditor.batch import run
from auditor.errors import AuditError
from auditor.progress import Progress
from auditor.reference_diff import diff_page
from auditor.request import Request
from auditor.settings import Settings
from tests import official_files as made
from tests.test_library import put, put_pairs

NEWER = [
    *(edit for edit in made.EDITS if edit[:2] not in {("75574", "36000"), ("93000", "93005")}),
    ("75574", "36000", "20100101", "20260930", "1"),
    ("75574", "36000", "20261001", "*", "0"),
    ("75574", "93000", "20261001", "*", "1"),
    ("93000", "93005", "19960101", "20260930", "0"),
]
EXPORT = (
    "claim_id,line_number,patient_id,claim_type,bill_type,service_date,procedure_code,modifiers,"
    "revenue_code,units,charge,allowed,billing_npi,payer_type,diagnosis_codes,place_of_service\n"
    "C1,1,P1,professional,,2026-08-03,75574,26,,1,250,109.01,2000000002,medicare,I25.10,22\n"
    "C1,2,P1,professional,,2026-08-03,36000,,,1,50,20.00,2000000002,medicare,I25.10,22\n"
    "C1,3,P1,professional,,2026-08-03,93000,,,1,40,15.00,2000000002,medicare,I25.10,22\n"
    "C1,4,P1,professional,,2026-08-03,93005,,,1,30,10.00,2000000002,medicare,I25.10,22\n"
)


@pytest.fixture
def library(tmp_path) -> Path:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    put_pairs(tmp_path / "lib", sorted(NEWER), "323")
    return tmp_path / "lib"


@pytest.fixture
def finished(tmp_path, library) -> Path:
    export = tmp_path / "lines.csv"
    export.write_text(EXPORT)
    request = Request(
        files=(export,),
        out=tmp_path / "run",
        settings=Settings(),
        as_of=date(2026, 9, 1),
        formats=frozenset({"csv", "parquet"}),
        reference=library,
    )
    run(request, Progress(quiet=True))
    return tmp_path / "run"


def test_rows_added_ended_and_changed_between_two_editions(library) -> None:
    page = diff_page("2026Q3", "2026Q4", library, None)

    row = next(line for line in page.splitlines() if line.startswith("ptp_edits"))
    assert row.split() == ["ptp_edits", "professional", "1", "1", "1"]
    assert "changed  ptp_edits professional:" in page
    assert "column_one 75574 column_two 36000 modifier_indicator 0" in page
    assert "added    ptp_edits professional:" in page
    assert "column_one 75574 column_two 93000 modifier_indicator 1" in page
    assert "What if" not in page


def test_the_findings_of_a_run_under_the_next_edition(library, finished) -> None:
    page = diff_page("2026Q3", "2026Q4", library, finished)

    assert "as if each were in force on every day" in page
    assert "2 findings would appear, 2 vanish, 0 change severity" in page
    # 36000 can no longer be bypassed; 93000 is denied beside 75574, 93005 no longer beside 93000.
    assert "appears   ptp_pair_never_payable (denial): 1" in page
    assert "appears   ptp_pair_without_modifier (denial): 1" in page
    assert "vanishes  ptp_pair_never_payable (denial): 1" in page
    assert "vanishes  ptp_pair_without_modifier (denial): 1" in page
    assert "lines.csv row 3, $20.00" in page
    # 15.00 of 93000 come, 10.00 of 93005 go.
    assert "at risk +$5.00, missed $0.00" in page
    assert "P1" not in page
    assert "C1" not in page


def test_an_edition_against_itself_changes_nothing(library, finished) -> None:
    page = diff_page("2026Q4", "2026Q4", library, finished)

    assert page.splitlines()[1].split() == ["ptp_edits", "professional", "0", "0", "0"]
    assert "0 findings would appear, 0 vanish, 0 change severity" in page


def test_two_libraries_are_compared_by_date(tmp_path, library, finished) -> None:
    put_pairs(tmp_path / "other", made.EDITS, "322")

    page = diff_page(str(tmp_path / "other"), str(library), None, finished)

    # A change from October on changes nothing for lines of August.
    assert "each by its dates" in page
    assert "0 findings would appear, 0 vanish, 0 change severity" in page
    assert next(line for line in page.splitlines() if "ptp_edits" in line).split()[2:] == [
        "2",
        "0",
        "2",
    ]


def test_limits_are_compared_by_code(tmp_path) -> None:
    put("ncci-mue", [made.mue_file(tmp_path)], tmp_path / "lib")
    limits = [("75574", "2", "3 Clinical"), *made.LIMITS[2:]]
    put("ncci-mue", [made.mue_file(tmp_path, limits, "10-01-2026")], tmp_path / "lib")

    page = diff_page("2026Q3", "2026Q4", tmp_path / "lib", None)

    assert page.splitlines()[1].split() == ["mue", "professional", "0", "1", "1"]


def test_what_cannot_be_compared_is_refused(tmp_path, library) -> None:
    put("ncci-mue", [made.mue_file(tmp_path, day="01-01-2026")], library)
    for old, new, where, says in (
        ("2026Q3", "2027Q1", tmp_path / "none", "there is no such library"),
        ("2026Q3", "2027Q1", library, "holds no edition 2027Q1; it holds 2026Q1, 2026Q3, 2026Q4"),
        ("2026Q3", "2026Q4", None, "--reference"),
        ("2026Q1", "2026Q4", library, "no table in common"),
    ):
        with pytest.raises(AuditError, match=says):
            diff_page(old, new, where, None)


def test_new_contract_rates_are_held_against_lines_of_earlier_days(tmp_path) -> None:
    """Each row of an own table has its dates; under a what-if it is in force on every day."""
    head = "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
    for year, amount in (("2025", "110.00"), ("2026", "150.00")):
        path = tmp_path / "rates.csv"
        path.write_text(
            f"{head}percent_of_medicare\nBlue Heart,75574,professional,professional,"
            f"{year}-01-01,{year}-12-31,{amount},\n"
        )
        put("contract-rates", [path], tmp_path / "lib")
    export = tmp_path / "lines.csv"
    export.write_text(
        "claim_id,line_number,patient_id,claim_type,service_date,procedure_code,modifiers,units,"
        "charge,allowed,paid,billing_npi,payer,payer_type,diagnosis_codes,place_of_service\n"
        "C1,1,P1,professional,2025-08-04,75574,26,1,250,110.00,110.00,2000000002,Blue Heart,"
        "commercial,I25.10,22\n"
    )
    request = Request(
        files=(export,),
        out=tmp_path / "run",
        settings=Settings(),
        as_of=date(2025, 9, 1),
        formats=frozenset({"csv", "parquet"}),
        reference=tmp_path / "lib",
    )
    run(request, Progress(quiet=True))

    page = diff_page("2025-01-01", "2026-01-01", tmp_path / "lib", tmp_path / "run")
    back = diff_page("2026-01-01", "2025-01-01", tmp_path / "lib", tmp_path / "run")

    assert "1 finding would appear, 0 vanish, 0 change severity" in page
    assert "at risk $0.00, missed +$40.00" in page
    assert "0 findings would appear, 1 vanish, 0 change severity" in back
