"""A finding says that sources disagree where it rests on the value, and nowhere else."""

from dataclasses import replace
from functools import cache

import pandas as pd
import pytest

from auditor.audit import audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.contradictions import doubts
from auditor.reference import Contradiction, Reference, load_reference
from auditor.rule import Rule
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, _filled, lines_of

RULES = {rule.name: rule for rule in CATALOGUE}
SAYS = " Sources disagree here: one is used, another says other (invented)."


@cache
def shipped() -> Reference:
    return load_reference(reference_dir())


def disagreeing(*contradictions: Contradiction) -> Reference:
    return Reference(shipped().tables, shipped().sources, contradictions)


def contradiction(**fields: str) -> Contradiction:
    clean = Contradiction(
        id="invented",
        table="pfs_rates",
        keys="75574",
        effective_from="",
        effective_to="",
        value_in_force="one",
        other_value="other",
        source_in_force="",
        source_other="",
        why="",
    )
    return replace(clean, **fields)


def resting_on(*tables: str) -> Rule:
    return replace(CATALOGUE[0], rests_on=tables)


def said(one: Contradiction, *rows: dict[str, str], rule: Rule | None = None) -> list[str]:
    lines, rejected = lines_of([_filled(row) for row in rows])
    assert rejected.empty
    reference = disagreeing(one)
    prepared = prepare(lines, reference, as_of=AS_OF).lines
    return list(doubts(rule or resting_on(one.table), prepared, reference))


PROFESSIONAL = {"claim_type": "professional"}


def test_the_sentence_names_both_values_and_the_contradiction() -> None:
    assert said(contradiction(), PROFESSIONAL) == [SAYS]


@pytest.mark.parametrize(
    ("table", "claim_types"),
    [
        ("pfs_rates", ["professional"]),
        ("opps_rates", ["institutional"]),
        ("mue", ["institutional", "professional"]),
        ("ptp_edits", ["institutional", "professional"]),
    ],
)
def test_rates_concern_one_claim_type_and_other_tables_both(table, claim_types) -> None:
    types = ["institutional", "professional"]

    found = said(contradiction(table=table), *({"claim_type": one} for one in types))

    assert found == [SAYS if one in claim_types else "" for one in types]


@pytest.mark.parametrize(
    ("first", "last", "concerned"),
    [
        ("2025-03-10", "", [False, True, True]),
        ("", "2025-03-10", [True, True, False]),
        ("2025-03-10", "2025-03-10", [False, True, False]),
        ("", "", [True, True, True]),
        ("2025-03-12", "", [False, False, False]),
    ],
)
def test_both_ends_of_its_dates_are_inside(first, last, concerned) -> None:
    dates = ["2025-03-09", "2025-03-10", "2025-03-11"]
    one = contradiction(effective_from=first, effective_to=last)

    found = said(one, *(PROFESSIONAL | {"service_date": day} for day in dates))

    assert found == [SAYS if inside else "" for inside in concerned]


@pytest.mark.parametrize(
    ("table", "keys", "rows"),
    [
        (
            "pfs_rates",
            "75574 75580",
            [
                ({"procedure_code": "75574"}, True),
                ({"procedure_code": "75580"}, True),
                ({"procedure_code": "75573"}, False),
            ],
        ),
        (
            "icd10cm",
            "I20.8 I20.1",
            [
                ({"diagnosis_codes": "I20.8"}, True),
                ({"diagnosis_codes": "R07.9 I20.1"}, True),
                # A code that begins alike is another code.
                ({"diagnosis_codes": "I20.81"}, False),
                ({"diagnosis_codes": ""}, False),
            ],
        ),
        (
            "places_of_service",
            "06 08",
            [({"place_of_service": "06"}, True), ({"place_of_service": "11"}, False)],
        ),
    ],
)
def test_only_lines_with_one_of_its_codes_are_concerned(table, keys, rows) -> None:
    one = contradiction(table=table, keys=keys)

    found = said(one, *(PROFESSIONAL | row for row, _ in rows))

    assert found == [SAYS if concerned else "" for _, concerned in rows]


def test_a_revenue_code_is_looked_up_on_hospital_lines() -> None:
    one = contradiction(table="revenue_code_fit", keys="0489")

    assert said(one, {"revenue_code": "0489"}, {"revenue_code": "0480"}) == [SAYS, ""]


def test_a_rule_that_does_not_rest_on_the_table_says_nothing() -> None:
    for rule in (resting_on(), resting_on("opps_rates", "mue")):
        assert said(contradiction(), PROFESSIONAL, rule=rule) == [""]
    assert said(contradiction(), PROFESSIONAL, rule=resting_on("mue", "pfs_rates")) == [SAYS]


def test_a_line_gets_one_sentence_of_the_first_that_concerns_it() -> None:
    lines, _ = lines_of(
        [_filled(PROFESSIONAL), _filled(PROFESSIONAL | {"procedure_code": "75573"})]
    )
    reference = disagreeing(
        contradiction(id="first"), contradiction(id="second", keys="75573 75574")
    )
    prepared = prepare(lines, reference, as_of=AS_OF).lines

    found = list(doubts(resting_on("pfs_rates"), prepared, reference))

    assert [sentence.count("disagree") for sentence in found] == [1, 1]
    assert "(first)" in found[0]
    assert "(second)" in found[1]


def test_nothing_flagged_nothing_said() -> None:
    lines, _ = lines_of([_filled(PROFESSIONAL)])
    none = lines.iloc[:0]

    found = doubts(resting_on("pfs_rates"), none, disagreeing(contradiction()))

    assert found.empty
    assert isinstance(found, pd.Series)


# With the shipped tables.


def messages(rule: str, *rows: dict[str, str]) -> list[str]:
    lines, _ = lines_of(
        [_filled({"claim_id": f"C{number}"} | row) for number, row in enumerate(rows)]
    )
    prepared = prepare(lines, shipped(), as_of=AS_OF)
    findings = audit(prepared, shipped(), rules=[RULES[rule]]).findings
    return list(findings.sort_values("source_row")["message"])


def test_a_rate_of_2025_is_doubted_for_the_physician_of_2025_only() -> None:
    low = {"allowed": "20.00", "paid": "16.00"}
    later = {"service_date": "2026-03-10", "received_date": "2026-03-20"}

    found = messages(
        "allowed_below_expected",
        PROFESSIONAL | low,
        PROFESSIONAL | low | later,
        low,
    )

    assert len(found) == 3
    assert [message.endswith("(ccta-rvu-2025).") for message in found] == [True, False, False]


def test_a_diagnosis_split_in_two_is_doubted_from_its_day_on() -> None:
    found = messages("diagnosis_not_valid_on_date", {"diagnosis_codes": "I20.8"})

    assert len(found) == 1
    assert found[0].endswith("(i20-8-billable).")


def test_a_rule_that_rests_on_no_table_never_doubts() -> None:
    found = messages("diagnosis_missing", PROFESSIONAL | {"diagnosis_codes": ""})

    assert len(found) == 1
    assert "disagree" not in found[0]


@pytest.mark.parametrize("one", shipped().contradictions, ids=lambda one: one.id)
def test_a_shipped_contradiction_about_a_table_names_one_that_there_is(one) -> None:
    assert not one.table or one.table in shipped().tables
    assert one.value_in_force
    assert one.other_value
