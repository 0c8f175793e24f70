"""A finding says that sources disagree where it rests on the value, and nowhere else."""

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

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
COLUMNS = {
    "icd10cm": "diagnosis_codes",
    "places_of_service": "place_of_service",
    "revenue_code_fit": "revenue_code",
}
SAYS = ' Sources disagree here: "one" is used, another says "other" (invented).'


@cache
def shipped() -> Reference:
    return load_reference(reference_dir())


def disagreeing(*contradictions: Contradiction) -> Reference:
    return Reference(shipped().tables, shipped().sources, contradictions)


def contradiction(**fields: str) -> Contradiction:
    clean = Contradiction(
        id="invented",
        table="pfs_rates",
        column=COLUMNS.get(fields.get("table", ""), "procedure_code"),
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


def test_a_line_gets_one_sentence_of_all_that_concern_it() -> None:
    lines, _ = lines_of(
        [_filled(PROFESSIONAL), _filled(PROFESSIONAL | {"procedure_code": "75573"})]
    )
    reference = disagreeing(
        contradiction(id="first"), contradiction(id="second", keys="75573 75574")
    )
    prepared = prepare(lines, reference, as_of=AS_OF).lines

    found = list(doubts(resting_on("pfs_rates"), prepared, reference))

    assert [sentence.count("disagree") for sentence in found] == [1, 1]
    says = '"one" is used, another says "other"'
    assert found == [
        f" Sources disagree here: {says} (first); {says} (second).",
        f" Sources disagree here: {says} (second).",
    ]


def test_every_column_named_holds_one_of_the_codes() -> None:
    one = contradiction(column="procedure_code modifiers", keys="75574 75580 TC")

    found = said(
        one,
        PROFESSIONAL | {"modifiers": "TC"},
        PROFESSIONAL | {"modifiers": "26"},
        PROFESSIONAL | {"modifiers": "TC", "procedure_code": "75573"},
    )

    assert found == [SAYS, "", ""]


def test_a_star_stands_for_every_code_that_begins_so() -> None:
    one = contradiction(table="icd10cm", keys="125*")

    found = said(one, *({"diagnosis_codes": code} for code in ("125.10", "I25.10", "R07.9 125.9")))

    assert found == [SAYS, "", SAYS]


def test_without_a_column_or_with_one_that_no_line_has_nothing_is_said() -> None:
    assert said(contradiction(column=""), PROFESSIONAL) == [""]
    assert said(contradiction(column="jurisdiction"), PROFESSIONAL) == [""]


def test_a_rule_may_rest_on_one_contradiction_by_its_name() -> None:
    assert said(contradiction(table=""), PROFESSIONAL, rule=resting_on("invented")) == [SAYS]
    assert said(contradiction(table=""), PROFESSIONAL, rule=resting_on("another")) == [""]


def test_nothing_flagged_nothing_said() -> None:
    lines, _ = lines_of([_filled(PROFESSIONAL)])
    none = prepare(lines, shipped(), as_of=AS_OF).lines.iloc[:0]

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


LOW = {"allowed": "5.00", "paid": "4.00"}
UNPRICED = {"allowed": "", "paid": "", "diagnosis_codes": ""}
OFFICE = PROFESSIONAL | {"modifiers": "", "place_of_service": "11"}
IN_2026 = {"service_date": "2026-03-10", "received_date": "2026-03-20"}
FFRCT = {"procedure_code": "75580"}


def named(message: str) -> list[str]:
    """The contradictions that a message names."""
    return re.findall(r"\(([a-z0-9-]+)\)(?=[;.])", message.partition("Sources disagree")[2])


@pytest.mark.parametrize(
    ("rule", "row", "names"),
    [
        ("allowed_below_expected", OFFICE | LOW, ["ccta-rvu-2025"]),
        ("allowed_below_expected", OFFICE | LOW | IN_2026, []),
        # 3.37 units of the reading are not in doubt.
        ("allowed_below_expected", PROFESSIONAL | LOW, []),
        ("allowed_below_expected", OFFICE | LOW | FFRCT, ["ffrct-rvu-2025"]),
        ("allowed_below_expected", PROFESSIONAL | LOW | FFRCT, ["ffrct-26-amount-2025"]),
        ("allowed_below_expected", LOW, ["ccta-apc-2025"]),
        ("allowed_below_expected", LOW | {"procedure_code": "75572"}, ["ccta-apc-2025"]),
        ("allowed_below_expected", LOW | IN_2026, []),
        ("allowed_below_expected", LOW | FFRCT, ["ffrct-apc"]),
        ("allowed_below_expected", LOW | FFRCT | IN_2026, ["ffrct-apc", "ffrct-2026"]),
        ("allowed_above_expected", {"allowed": "9000.00"}, ["ccta-apc-2025"]),
        ("charge_below_expected", {"charge": "10.00"}, ["ccta-apc-2025"]),
        # Money at risk rests on a rate only where no allowed amount tells it.
        ("diagnosis_missing", FFRCT | UNPRICED, ["ffrct-apc"]),
        ("diagnosis_missing", FFRCT | UNPRICED | {"allowed": "900.00"}, []),
        ("diagnosis_missing", OFFICE | FFRCT | UNPRICED, ["ffrct-rvu-2025"]),
        ("diagnosis_not_valid_on_date", {"diagnosis_codes": "I20.8"}, ["i20-8-billable"]),
        ("diagnosis_not_valid_on_date", {"diagnosis_codes": "125.10"}, ["letter-i"]),
        ("diagnosis_not_valid_on_date", {"diagnosis_codes": "I20.1 125.9"}, ["letter-i"]),
        # The guide prints no 149: nobody says that it is right.
        ("diagnosis_not_valid_on_date", {"diagnosis_codes": "149.9"}, []),
        (
            "diagnosis_not_valid_on_date",
            {"diagnosis_codes": "125.10 I20.8"},
            ["letter-i", "i20-8-billable"],
        ),
        (
            "diagnosis_not_covered",
            {"diagnosis_codes": "I20.2"},
            ["newer-diagnoses", "seed-list-scope"],
        ),
        ("diagnosis_not_covered", {"diagnosis_codes": "Z00.00"}, ["seed-list-scope"]),
        ("diagnosis_not_covered", FFRCT | {"diagnosis_codes": "Z00.00"}, []),
        ("revenue_code_malformed", {"revenue_code": "048X"}, ["placeholder-048x"]),
        ("revenue_code_malformed", {"revenue_code": "48"}, []),
        ("revenue_code_unexpected", FFRCT | {"revenue_code": "0350"}, ["transmittal-scope"]),
        ("revenue_code_unexpected", {"revenue_code": "0351"}, []),
        ("component_modifier_on_hospital_line", {"modifiers": "TC"}, ["hospital-tc"]),
        ("component_modifier_on_hospital_line", {"modifiers": "26"}, []),
        ("paperwork_missing", FFRCT | {"service_state": "TX"}, ["l40031"]),
        (
            "allowed_below_expected",
            OFFICE | LOW | {"procedure_code": "0503T", "service_date": "2023-05-01"},
            ["ffrct-status-2022"],
        ),
    ],
)
def test_a_finding_names_the_disagreements_its_value_rests_on(rule, row, names) -> None:
    found = messages(rule, row)

    assert len(found) == 1
    assert named(found[0]) == names


def test_a_pair_of_the_newest_edition_is_doubted_from_its_day_on() -> None:
    beside = {"claim_id": "C1", "procedure_code": "78431", "service_date": "2026-10-05"}
    scan = {"claim_id": "C1", "line_number": "2", "service_date": "2026-10-05"}

    (found,) = messages("ptp_pair_without_modifier", beside, scan)

    assert named(found) == ["heart-pet-pairs"]


def test_the_price_of_a_missing_half_is_doubted_as_that_half() -> None:
    others = [
        {"patient_id": f"Q{number}", "service_date": day, "received_date": day} | kind
        for number, day in enumerate(["2025-01-10", "2025-12-10"])
        for kind in ({}, PROFESSIONAL)
    ]

    found = messages("professional_component_missing", FFRCT, *others)

    assert [named(message) for message in found] == [["ffrct-26-amount-2025"]]


@pytest.mark.parametrize(
    ("policy", "names"),
    [("L39075", ["ngs-ffrct-policy"]), ("L38615", ["noridian-jf-policy"]), ("L33423", [])],
)
def test_a_contractors_own_list_is_doubted_where_its_policy_is(policy, names) -> None:
    lines, _ = lines_of([_filled({})])
    flagged = prepare(lines, shipped(), as_of=AS_OF).lines.assign(policy_id=policy)

    (sentence,) = doubts(RULES["diagnosis_not_covered"], flagged, shipped())

    assert named(sentence) == names


# The codes' pairs and limits ended, no rate was found, and no finding stands at these places.
UNSAID = {"plaque-pairs-end", "plaque-units-end", "ffrct-2023-rate", "place-06-08"}
# On the shipped list, so only a contractor's own list can make a finding of it.
UNSAID |= {"i20-1-meaning"}
# About a document, or about a share that no rule judges.
UNSAID |= {"transmittal-day", "fr-2018", "patient-share"}


def test_every_disagreement_is_said_by_some_finding_or_known_to_touch_none() -> None:
    source = Path(__file__).read_text(encoding="utf-8")
    tested = {one.id for one in shipped().contradictions if f'["{one.id}"' in source}
    tested |= {one.id for one in shipped().contradictions if f', "{one.id}"]' in source}

    assert tested | UNSAID == {one.id for one in shipped().contradictions}
    assert not tested & UNSAID


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
