"""Words and figures that the page and the workbook share."""

import pytest

from auditor.report.words import (
    TABLE_LABELS,
    UNLOCKS,
    coverage_words,
    reason_words,
    remedy_words,
    share_words,
    table_words,
    unlock_words,
)
from auditor.rule import REASONS
from auditor.shipped import reference_dir


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [
        (9_997, 10_000, "99.9 %"),
        (999_999_999, 1_000_000_000, "99.9 %"),
        (10_000, 10_000, "100 %"),
        (1, 3, "33.3 %"),
        (87, 100, "87.0 %"),
        (1, 100_000, "under 0.1 %"),
        (0, 7, "0.0 %"),
        (0, 0, "–"),
    ],
)
def test_a_share_is_rounded_down(part: int, whole: int, said: str) -> None:
    assert share_words(part, whole) == said


def test_coverage_says_what_could_not_be_judged() -> None:
    assert coverage_words(9_997, 10_000) == (
        "99.9 % really judged",
        "9,997 of 10,000 checks (one rule on one line) could be made, 3 could not.",
    )
    assert coverage_words(5, 5)[0] == "100 % really judged"
    assert coverage_words(0, 0)[0] == "Nothing judged"


def test_a_reason_names_the_table_or_the_column() -> None:
    assert reason_words("reference_stale", "mue") == (
        "our table of unit limits (MUE) does not cover the date of service"
    )
    assert reason_words("reference_missing", "mue") == (
        "our table of unit limits (MUE) does not hold the line's code or setting"
    )
    assert reason_words("reference_missing", "opps_rates pfs_rates") == (
        "our tables of hospital rates (OPPS) and physician rates (PFS) do not hold "
        "the line's code or setting"
    )
    for table, key in (
        ("filing_limits", "payer type"),
        ("contract_rates", "payer and code"),
        ("icd10cm", "diagnosis"),
        ("revenue_code_fit", "procedure code and revenue code"),
        ("places_of_service", "place of service"),
    ):
        assert reason_words("reference_missing", table).endswith(f"not hold the line's {key}")
    assert remedy_words("column_missing", "payer_type") == (
        'Add "Payer type (payer_type)", or one from which it is told: "Payer (payer)", '
        "to the export."
    )
    assert unlock_words("payer_type", ("filed_late",), 2) == (
        "add column payer_type (or payer) to unlock filed_late (2 lines)"
    )
    assert reason_words("column_missing", "payer_type|payer") == (
        "the export has no column Payer type (payer_type) or Payer (payer)"
    )
    assert table_words("ptp_edits practitioner") == (
        "our table of code pairs (NCCI PTP) for practitioner"
    )


@pytest.mark.parametrize("reason", REASONS)
def test_every_reason_has_words_and_a_way_out(reason: str) -> None:
    assert set(UNLOCKS) == set(REASONS)
    for detail in ("", "mue", "received_date"):
        assert reason_words(reason, detail)
        assert remedy_words(reason, detail).endswith(".")
        assert "{" not in remedy_words(reason, detail)


def test_every_table_has_a_name_in_words() -> None:
    undated = {"sources", "editions", "contradictions", "denial_codes"}
    tables = {path.stem for path in reference_dir().glob("*.csv")} - undated

    assert tables == set(TABLE_LABELS)
