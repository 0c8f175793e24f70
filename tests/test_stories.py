"""Stories hold what belongs together, keep their names, and their money adds up."""

import random
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.audit import Audit, Prepared, audit, prepare, totals_of
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from auditor.stories import patterns, stories, with_stories
from tests.case_lines import _filled, lines_of

AS_OF = date(2026, 6, 30)
FINDING = {
    "finding": "a" * 12,
    "rule": "filed_late",
    "severity": "denial",
    "money": "at_risk",
    "amount": 100,
    "patient_id": "P1",
    "service_date": "2025-03-10",
    "billing_npi": "1000000004",
    "department": "CT",
    "revenue_code": "0489",
    "payer": "Medicare",
    "line": 0,
    "counts_money": True,
}


def findings(*rows: dict[str, object]) -> pd.DataFrame:
    """Findings, each on a line of its own where a row doesn't say otherwise."""
    frame = pd.DataFrame([FINDING | {"line": place} | row for place, row in enumerate(rows)])
    return frame.assign(
        service_date=frame["service_date"].astype("datetime64[s]"),
        amount=frame["amount"].astype("Int64"),
    )


def told(*rows: dict[str, object], **options: int) -> list[str]:
    return with_stories(findings(*rows), options)["story"].tolist()


def on(*days: str) -> list[dict[str, object]]:
    return [{"service_date": day} for day in days]


# What belongs together.


@pytest.mark.parametrize(
    ("days", "together"),
    [
        (("2025-03-10", "2025-03-10"), True),
        (("2025-03-10", "2025-04-09"), True),
        (("2025-03-10", "2025-04-10"), False),
        (("2024-12-20", "2025-01-19"), True),
    ],
)
def test_findings_of_a_patient_within_thirty_days_share_a_story(days, together) -> None:
    one, other = told(*on(*days))

    assert (one == other) is together


def test_an_episode_goes_on_as_long_as_no_gap_is_too_long() -> None:
    found = told(*on("2025-03-01", "2025-03-30", "2025-04-28", "2025-06-15", "2025-07-01"))

    assert len(set(found[:3])) == 1
    assert len(set(found[3:])) == 1
    assert found[0] != found[3]


def test_the_gap_is_a_setting() -> None:
    days = on("2025-03-10", "2025-03-20")

    assert len(set(told(*days, search_days=10))) == 1
    assert len(set(told(*days, search_days=9))) == 2


def test_two_patients_never_share_a_story() -> None:
    found = told({"patient_id": "P1"}, {"patient_id": "P2"}, {"patient_id": "P1"})

    assert found[0] == found[2] != found[1]


def test_another_service_of_the_patient_is_no_part_of_the_study() -> None:
    rows = on("2025-03-10", "2025-03-12", "2025-03-11", "2025-03-20")
    foreign = np.array([False, False, True, True])

    scan, analysis, visit, later = with_stories(findings(*rows), {}, foreign)["story"]

    assert scan == analysis != visit == later
    # The study keeps the id that it has without them.
    assert told(*rows[:2]) == [scan, analysis]


def test_lines_of_codes_that_no_table_knows_stand_apart() -> None:
    late = {"received_date": "2025-03-01"}
    lines, _ = lines_of(
        [
            _filled(late),
            _filled(late | {"claim_id": "C2", "procedure_code": "99213", "revenue_code": "0510"}),
            _filled(late | {"claim_id": "C3", "procedure_code": "75580"}),
        ]
    )
    reference = load_reference(reference_dir())
    found = audit(prepare(lines, reference, as_of=AS_OF), reference).findings

    stories_of = found.groupby("claim_id")["story"].unique().map(list)
    assert stories_of["C1"] == stories_of["C3"] != stories_of["C2"]
    assert [len(one) for one in stories_of] == [1, 1, 1]


def test_an_id_is_short_and_tells_no_patient() -> None:
    (found,) = told({"patient_id": "700121"})

    assert len(found) == 12
    assert set(found) <= set("0123456789abcdef")


def test_an_id_stays_when_other_findings_come_or_go() -> None:
    first, other = on("2025-03-10", "2025-03-12")
    strangers = [{"patient_id": f"A{n}", "service_date": "2024-01-01"} for n in range(5)]

    alone = told(first)[0]

    assert told(first, other) == [alone, alone]
    assert told(*strangers, first)[-1] == alone
    assert told(first | {"rule": "diagnosis_missing", "amount": 7}) == [alone]


def test_no_findings_no_stories() -> None:
    none = findings({}).iloc[:0]

    named = with_stories(none, {})

    assert "story" in named.columns
    assert named.empty
    assert stories(named.assign(story=named["story"])).empty
    assert patterns(named).empty


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "patient_id": st.sampled_from(["P1", "P2", "P3", "P4"]),
            "service_date": st.dates(date(2024, 1, 1), date(2024, 12, 31)).map(date.isoformat),
        }
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=15, deadline=None)
@given(ROWS, st.randoms(use_true_random=False), st.integers(0, 40))
def test_ids_depend_neither_on_the_order_nor_on_other_patients(rows, shuffle, gap) -> None:
    whole = findings(*rows)
    named = with_stories(whole, {"search_days": gap})
    order = shuffle.sample(range(len(rows)), len(rows))

    turned = with_stories(whole.iloc[order], {"search_days": gap})
    parts = [with_stories(part, {"search_days": gap}) for _, part in whole.groupby("patient_id")]

    assert turned["story"].sort_index().tolist() == named["story"].tolist()
    assert pd.concat(parts)["story"].sort_index().tolist() == named["story"].tolist()


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_a_story_is_one_patient_and_has_no_gap_and_no_neighbour(rows) -> None:
    named = with_stories(findings(*rows), {})

    limit = pd.Timedelta(days=30)
    assert (named.groupby("story")["patient_id"].nunique() == 1).all()
    for _, own in named.sort_values("service_date").groupby("story"):
        assert (own["service_date"].diff().dropna() <= limit).all()
    spans = named.groupby(["patient_id", "story"])["service_date"].agg(["min", "max"])
    for _, own in spans.sort_values("min").groupby("patient_id"):
        assert (own["min"].iloc[1:].to_numpy() - own["max"].iloc[:-1].to_numpy() > limit).all()


# Their table.


def table(*rows: dict[str, object]) -> list[dict[str, object]]:
    return stories(with_stories(findings(*rows), {})).to_dict("records")


def test_a_story_sums_its_findings_up() -> None:
    (row,) = table(
        {"service_date": "2025-03-12", "amount": 500},
        {"rule": "diagnosis_missing", "amount": 300, "severity": "review"},
        {"money": "missed", "amount": 40, "severity": "note", "line": 1},
        {"money": "none", "amount": None, "counts_money": False, "line": 1},
    )

    assert (row["patient_id"], row["findings"], row["lines"]) == ("P1", 4, 2)
    assert (row["first_date"], row["last_date"]) == (
        pd.Timestamp("2025-03-10"),
        pd.Timestamp("2025-03-12"),
    )
    assert row["rules"] == "filed_late diagnosis_missing"
    assert row["severity"] == "denial"
    assert (row["at_risk"], row["missed"]) == (800, 40)


def test_money_of_a_line_counts_once_and_none_is_zero() -> None:
    money = [
        (row["at_risk"], row["missed"])
        for row in table(
            {"line": 0, "amount": 500},
            {"line": 0, "amount": 500, "counts_money": False},
            {"patient_id": "P2", "money": "none", "amount": None, "counts_money": False},
        )
    ]

    assert money == [(500, 0), (0, 0)]


def test_the_dearest_story_stands_first() -> None:
    rows = table(
        {"patient_id": "P1", "amount": 100},
        {"patient_id": "P2", "amount": 900, "money": "missed"},
        {"patient_id": "P3", "amount": 500},
    )

    assert [row["patient_id"] for row in rows] == ["P2", "P3", "P1"]


# Patterns.


def test_one_finding_is_no_pattern_and_two_are() -> None:
    assert patterns(findings({})).empty

    (row,) = patterns(
        findings({}, {"patient_id": "P2", "service_date": "2025-06-01", "amount": 50})
    ).to_dict("records")

    assert (row["rule"], row["department"], row["payer"]) == ("filed_late", "CT", "Medicare")
    assert (row["findings"], row["lines"], row["at_risk"], row["missed"]) == (2, 2, 150, 0)
    assert row["first_date"] == pd.Timestamp("2025-03-10")
    assert row["last_date"] == pd.Timestamp("2025-06-01")


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("rule", "diagnosis_missing"),
        ("billing_npi", "2000000002"),
        ("department", "CT ANNEX"),
        ("revenue_code", "0352"),
        ("payer", "Harbor Health"),
    ],
)
def test_findings_that_differ_in_a_key_are_no_pattern(column, value) -> None:
    assert patterns(findings({}, {column: value})).empty
    assert len(patterns(findings({}, {column: value}, {}, {column: value}))) == 2


def test_blank_keys_make_a_pattern_too() -> None:
    blank = {"department": "", "revenue_code": ""}

    assert patterns(findings(blank, blank))["findings"].tolist() == [2]


# With an audit.


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


def claims() -> list[dict[str, str]]:
    """Mistakes of twelve patients over a year, some of them twice on one line."""
    chance = random.Random(7)
    rows = []
    for number in range(60):
        day = f"2025-{chance.randint(1, 12):02d}-{chance.randint(1, 28):02d}"
        rows.append(
            {
                "claim_id": f"C{number}",
                "patient_id": f"P{chance.randint(1, 12)}",
                "claim_type": chance.choice(["institutional", "professional"]),
                "service_date": day,
                "received_date": day,
                "procedure_code": chance.choice(["75574", "75580", "75571"]),
                "units": chance.choice(["1", "1", "3"]),
                "diagnosis_codes": chance.choice(["I25.10", "", "125.10"]),
                "allowed": chance.choice(["357.13", "0.00", ""]),
            }
        )
    return [_filled(row) for row in rows]


@cache
def prepared() -> Prepared:
    lines, rejected = lines_of(claims())
    assert rejected.empty
    return prepare(lines, reference(), as_of=AS_OF)


@cache
def whole() -> Audit:
    return audit(prepared(), reference())


def test_the_money_of_all_stories_is_the_money_of_the_audit() -> None:
    totals, found = whole().totals, stories(whole().findings)

    assert totals.at_risk_cents > 0
    assert totals.missed_cents > 0
    assert found["at_risk"].sum() == totals.at_risk_cents
    assert found["missed"].sum() == totals.missed_cents
    assert found["findings"].sum() == totals.findings
    assert found["lines"].sum() == totals.lines_flagged
    assert found["story"].is_unique


def test_each_story_sums_up_as_an_audit_of_it_alone_would() -> None:
    found = stories(whole().findings).set_index("story")

    for story, own in whole().findings.groupby("story"):
        totals = totals_of(own)
        assert found.loc[story, "at_risk"] == totals.at_risk_cents
        assert found.loc[story, "missed"] == totals.missed_cents
        assert found.loc[story, "severity"] == own["severity"].iloc[0]


def test_the_worst_severity_of_a_story_is_told() -> None:
    found = stories(whole().findings).set_index("story")["severity"]

    order = {"denial": 0, "review": 1, "note": 2}
    worst = whole().findings.assign(rank=whole().findings["severity"].map(order))
    worst = worst.groupby("story")["rank"].min()
    assert (found.map(order).sort_index() == worst.sort_index()).all()


def test_the_money_of_a_pattern_is_that_of_its_findings() -> None:
    found = patterns(whole().findings)

    assert (found["findings"] >= 2).all()
    assert (found["findings"] == found["lines"]).all()
    keys = ["rule", "billing_npi", "department", "revenue_code", "payer"]
    assert not found.duplicated(keys).any()
    at_risk = whole().findings[whole().findings["money"] == "at_risk"]
    sums = at_risk.groupby(keys)["amount"].sum()
    for row in found.to_dict("records"):
        assert row["at_risk"] == sums.get(tuple(row[key] for key in keys), 0)


def test_patients_audited_apart_keep_their_stories() -> None:
    lines = prepared().lines
    first = lines["patient_id"].isin(["P1", "P2", "P5", "P9"]).to_numpy(dtype=bool)
    together = whole().findings.set_index("finding")["story"].sort_index()

    parts = [
        audit(
            Prepared(lines[part].reset_index(drop=True), prepared().extract, 0), reference()
        ).findings
        for part in (first, ~first)
    ]

    apart = pd.concat(parts).set_index("finding")["story"].sort_index()
    assert apart.equals(together)
