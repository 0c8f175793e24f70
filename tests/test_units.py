"""Units at, under and over the limit, line by line and over the day; exact duplicates once."""

from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from auditor.audit import Audit, audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, _filled, lines_of

RULES = [rule for rule in CATALOGUE if rule.name in ("units_exceed_mue", "line_billed_twice")]
HEADER = "setting,procedure_code,effective_from,effective_to,mue_value,mai,confidence,source"
SOURCE = "confirmed,ncci-mue-outpatient-2024q3"
# One code for each indicator, in both settings; the limit is 2.
CODE = {"1": "75571", "2": "75574", "3": "75573"}
DATED = "75572"


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Reference:
    folder = tmp_path_factory.mktemp("overlay")
    rows = [
        f"{setting},{code},,,2,{mai},{SOURCE}"
        for setting in ("institutional", "professional")
        for mai, code in CODE.items()
    ]
    # The limit of one code rose in the middle of a month.
    rows += [
        f"institutional,{DATED},,2025-03-14,1,2,{SOURCE}",
        f"institutional,{DATED},2025-03-15,,3,2,{SOURCE}",
    ]
    (folder / "mue.csv").write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return _laid_over(folder)


@cache
def _laid_over(folder: Path) -> Reference:
    return load_reference(reference_dir(), folder)


def audited(reference: Reference, *rows: dict[str, str], without: frozenset[str] = frozenset()):
    """Lines of one patient on one day, one a claim, where a row doesn't say otherwise."""
    filled = [
        _filled({"claim_id": f"C{number}", "procedure_code": CODE["2"]} | row)
        for number, row in enumerate(rows, start=1)
    ]
    lines, rejected = lines_of(filled, without)
    assert rejected.empty
    return audit(prepare(lines, reference, as_of=AS_OF), reference, rules=RULES)


def flagged(result: Audit, rule: str = "units_exceed_mue") -> list[int]:
    """The flagged rows, counted from 1."""
    found = result.findings[result.findings["rule"] == rule]
    return sorted(int(row) - 1 for row in found["source_row"])


def over(result: Audit) -> pd.DataFrame:
    return result.findings[result.findings["rule"] == "units_exceed_mue"]


PROFESSIONAL = {"claim_type": "professional"}
# Lines that differ in the revenue code are no duplicates of each other.
OTHER_REVENUE = {"revenue_code": "0480"}


@pytest.mark.parametrize("claim_type", ["institutional", "professional"])
@pytest.mark.parametrize("mai", ["1", "2", "3"])
def test_one_line_at_under_and_over_the_limit(reference, claim_type, mai) -> None:
    row = {"claim_type": claim_type, "procedure_code": CODE[mai]}
    units = ["1", "2", "2.5", "3"]

    # A patient each, so that nothing is summed.
    rows = [row | {"units": cell, "patient_id": f"P{cell}"} for cell in units]

    assert flagged(audited(reference, *rows)) == [3, 4]


@pytest.mark.parametrize(
    ("mai", "units", "found"),
    [
        ("1", ("2", "2"), []),
        ("1", ("2", "3"), [2]),
        ("1", ("3", "4"), [1, 2]),
        ("2", ("1", "1"), []),
        ("2", ("1", "2"), [1, 2]),
        ("2", ("2", "2"), [1, 2]),
        ("3", ("1", "1"), []),
        ("3", ("1", "2"), [1, 2]),
    ],
)
def test_indicator_1_judges_a_line_and_2_and_3_a_day(reference, mai, units, found) -> None:
    code = {"procedure_code": CODE[mai]}
    result = audited(
        reference, code | {"units": units[0]}, code | OTHER_REVENUE | {"units": units[1]}
    )

    assert flagged(result) == found


@pytest.mark.parametrize(
    ("mai", "says"),
    [
        ("1", "3 units of 75571 on 2025-03-10 by one provider; the limit is 2 a line."),
        (
            "2",
            "3 units of 75574 on 2025-03-10 by one provider; the limit is 2 a day, "
            "which no record lifts.",
        ),
        ("3", "3 units of 75573 on 2025-03-10 by one provider; the limit is 2 a day."),
    ],
)
def test_the_message_tells_the_sum_the_limit_and_how_it_is_judged(reference, mai, says) -> None:
    code = {"procedure_code": CODE[mai]}
    rows = [code | {"units": "3"}] if mai == "1" else [code, code | OTHER_REVENUE | {"units": "2"}]

    messages = over(audited(reference, *rows))["message"]

    assert len(messages) == len(rows)
    assert all(message.startswith(says) for message in messages)


def test_every_line_of_the_sum_is_flagged_on_whatever_claim_it_stands(reference) -> None:
    rows = [{"revenue_code": code} for code in ("0480", "0489", "0409")]

    assert flagged(audited(reference, *rows)) == [1, 2, 3]


# Exact duplicates.


def test_an_exact_duplicate_counts_once(reference) -> None:
    result = audited(reference, {"units": "2"}, {"units": "2"})

    assert flagged(result) == []
    assert flagged(result, "line_billed_twice") == [2]


def test_a_third_copy_counts_no_more_than_the_second(reference) -> None:
    result = audited(reference, *[{"units": "2"}] * 3)

    assert flagged(result) == []
    assert flagged(result, "line_billed_twice") == [2, 3]


def test_duplicates_over_the_limit_are_judged_by_the_first_and_flagged_all(reference) -> None:
    result = audited(reference, {"units": "3"}, {"units": "3"})

    assert flagged(result) == [1, 2]
    assert all("3 units" in message for message in over(result)["message"])


def test_lines_without_units_are_nobodys_first(reference) -> None:
    # They stand first by claim, and their revenue code is the next one.
    told = [{"claim_id": f"C{n}", "revenue_code": "0480", "units": "1"} for n in (8, 9)]
    untold = [{"claim_id": f"C{n}", "revenue_code": "0489", "units": ""} for n in (1, 2)]

    assert flagged(audited(reference, *told, *untold), "line_billed_twice") == [2]


def test_a_duplicate_beside_another_line_is_left_out_of_the_sum(reference) -> None:
    assert flagged(audited(reference, {}, {}, OTHER_REVENUE)) == []
    assert flagged(audited(reference, {}, {}, OTHER_REVENUE | {"units": "2"})) == [1, 2, 3]


def test_the_order_of_modifiers_makes_no_other_line(reference) -> None:
    rows = [PROFESSIONAL | {"modifiers": cell, "units": "2"} for cell in ("26 Q6", "Q6 26")]

    assert flagged(audited(reference, *rows)) == []


@pytest.mark.parametrize("modifier", ["76", "77", "59", "XE", "XP", "XS", "XU"])
def test_what_says_a_repeated_service_is_no_duplicate_and_counts(reference, modifier) -> None:
    result = audited(reference, {"units": "2"}, {"units": "2", "modifiers": modifier})

    assert flagged(result, "line_billed_twice") == []
    assert flagged(result) == [1, 2]


@pytest.mark.parametrize(
    "other",
    [
        {"units": "1"},
        {"revenue_code": "0480"},
        {"modifiers": "LT"},
        {"billing_npi": "2000000002"},
        {"patient_id": "P2"},
        {"service_date": "2025-03-11"},
        {"procedure_code": "75573"},
        PROFESSIONAL | {"modifiers": "", "place_of_service": "11", "revenue_code": "0489"},
    ],
    ids=lambda row: " ".join(f"{name} {cell}" for name, cell in row.items()),
)
def test_a_line_that_differs_is_no_duplicate(reference, other) -> None:
    npi = {"billing_npi": "1000000004"}
    result = audited(reference, {"units": "2"}, npi | {"units": "2"} | other)

    assert flagged(result, "line_billed_twice") == []


# What is never summed.


@pytest.mark.parametrize(
    "other",
    [
        {"billing_npi": "2000000002"},
        {"patient_id": "P2"},
        {"service_date": "2025-03-11"},
        {"procedure_code": "75573"},
        PROFESSIONAL | {"billing_npi": "1000000004"},
    ],
    ids=["provider", "patient", "date", "code", "claim type"],
)
def test_units_are_never_summed_across(reference, other) -> None:
    first = {"units": "2"}
    assert flagged(audited(reference, first, OTHER_REVENUE | {"units": "2"})) == [1, 2]

    assert flagged(audited(reference, first, OTHER_REVENUE | {"units": "2"} | other)) == []


def test_scan_and_reading_of_one_professional_provider_are_not_summed(reference) -> None:
    office = PROFESSIONAL | {"place_of_service": "11", "units": "2"}

    result = audited(reference, office | {"modifiers": "26"}, office | {"modifiers": "TC"})

    assert flagged(result) == []


def test_a_denied_line_is_in_no_sum(reference) -> None:
    denied = {"allowed": "0.00", "paid": "0.00", "adjustment_codes": "CO-97"}

    assert flagged(audited(reference, {"units": "2"}, OTHER_REVENUE | denied)) == []
    assert flagged(audited(reference, {"units": "2"}, OTHER_REVENUE)) == [1, 2]


@pytest.mark.parametrize("mai", ["1", "2"])
def test_a_denied_line_is_not_judged(reference, mai) -> None:
    denied = {"allowed": "0.00", "paid": "0.00", "adjustment_codes": "CO-151"}
    row = {"procedure_code": CODE[mai], "units": "5"}

    assert flagged(audited(reference, row | denied)) == []
    assert flagged(audited(reference, row)) == [1]


def test_the_limit_in_force_on_the_date_decides(reference) -> None:
    dated = {"procedure_code": DATED, "units": "2"}

    result = audited(
        reference,
        dated | {"service_date": "2025-03-14"},
        dated | {"service_date": "2025-03-15"},
        dated | {"service_date": "2025-03-16", "units": "4"},
    )

    assert flagged(result) == [1, 3]
    limits = [message.partition("limit is ")[2][:1] for message in over(result)["message"]]
    assert sorted(limits) == ["1", "3"]


# What cannot be judged.


def reasons(result: Audit) -> dict[tuple[str, str], int]:
    rows = result.not_evaluated[result.not_evaluated["rule"] == "units_exceed_mue"]
    return {(row["reason"], row["detail"]): row["lines"] for row in rows.to_dict("records")}


def test_a_code_that_the_table_does_not_hold_is_not_judged(reference) -> None:
    result = audited(reference, {"procedure_code": "75580", "units": "9"})

    assert flagged(result) == []
    assert reasons(result) == {("reference_missing", "mue"): 1}


@pytest.mark.parametrize("column", ["units", "billing_npi"])
def test_a_line_without_units_or_provider_is_not_judged(reference, column) -> None:
    result = audited(reference, {"units": "3"} | {column: ""})

    assert flagged(result) == []
    assert reasons(result) == {("value_missing", column): 1}


def test_without_modifiers_professional_sums_are_not_judged(reference) -> None:
    row = PROFESSIONAL | {"modifiers": "", "place_of_service": "11"}
    result = audited(
        reference, row | {"units": "1"}, row | {"units": "2"}, without=frozenset({"modifiers"})
    )

    assert flagged(result) == []
    assert reasons(result) == {("column_missing", "modifiers"): 2}
