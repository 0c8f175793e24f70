"""report.json: books that add up, money once, nothing of a claim line."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import pandas as pd
import pytest
from sample_history import first_night_run, history_run
from sample_run import clean_run, empty_run, findings_frame, hostile_run, run_of, small_run

from auditor.changes import Changes, Night
from auditor.report.content import Run, build
from auditor.report.summary import report_facts, write_report_json

ALL = {"html", "xlsx", "csv", "parquet", "json"}


def with_history(run: Run) -> Run:
    """The run with some findings new, one payer's resolved and a waiver."""
    findings = run.audit.findings.copy()
    findings["status"] = ["new" if place % 3 else "persisting" for place in range(len(findings))]
    earlier = findings_frame(30, seed=3)
    night = Night("0a1b2c3d4e5f", date(2026, 6, 30), 9, 1, 8, 7, 2, 100, 0, 200, 0, 300, 40)
    changes = Changes(
        since=date(2026, 6, 29),
        nights=(replace(night, run="before", as_of=date(2026, 6, 29)), night),
        resolved=earlier.head(20).assign(first_seen=date(2026, 6, 1)),
        waived=earlier.tail(2).assign(waiver="W1"),
        waiver_notes=("Waiver W1 lapses on 2026-07-31.",),
    )
    return replace(run, audit=replace(run.audit, findings=findings), changes=changes)  # type: ignore[type-var]


@pytest.mark.parametrize("by", ["families", "payers", "providers"])
def test_each_breakdown_adds_up_to_the_totals(by: str) -> None:
    facts = report_facts(build(small_run()), ALL)

    for name in ("findings", "at_risk_cents", "missed_cents"):
        assert sum(row[name] for row in facts[by]) == facts["totals"][name], name


def test_rules_keep_their_books_and_add_up_to_the_findings() -> None:
    facts = report_facts(build(small_run()), ALL)

    for rule in facts["rules"]:
        assert rule["in_scope"] == rule["flagged"] + rule["clean"] + rule["not_evaluated"]
    by_severity = [rule["findings"] for rule in facts["rules"]]
    for severity in ("denial", "review", "note"):
        assert sum(found[severity] for found in by_severity) == facts["totals"][severity]


def test_all_payers_are_listed_however_many() -> None:
    findings = findings_frame(180)
    findings["payer"] = [f"Payer {place % 37}" for place in range(len(findings))]

    facts = report_facts(build(run_of(findings, in_family=2_940)), ALL)

    assert len({row["payer"] for row in facts["payers"]}) == 37


def test_no_claim_line_stands_in_it(tmp_path: Path) -> None:
    run = with_history(small_run())
    write_report_json(build(run), ALL, tmp_path / "report.json")
    text = (tmp_path / "report.json").read_text(encoding="utf-8")

    known = pd.concat([run.audit.findings, run.changes.resolved])  # type: ignore[union-attr]
    for column in ("patient_id", "claim_id", "message", "finding"):
        assert not [value for value in known[column].unique() if str(value) in text], column


def test_it_points_to_the_rows_where_they_were_written() -> None:
    report = build(small_run())

    assert report_facts(report, ALL)["findings"]["file"] == "findings.parquet"
    assert report_facts(report, {"csv", "json"})["findings"]["file"] == "findings.csv"
    assert report_facts(report, {"json"})["findings"]["file"] is None


def test_without_history_nothing_is_said_of_changes() -> None:
    facts = report_facts(build(small_run()), ALL)

    assert facts["changes"] is None
    assert facts["totals"]["new"] is None
    assert all(rule["statuses"] == {} for rule in facts["rules"])


def test_with_history_changes_are_counted_by_rule_payer_and_provider() -> None:
    run = with_history(small_run())
    facts = json.loads(json.dumps(report_facts(build(run), ALL)))
    changes = facts["changes"]

    assert changes["since"] == "2026-06-29"
    assert [night["run"] for night in changes["nights"]] == ["before", "0a1b2c3d4e5f"]
    assert changes["nights"][-1]["as_of"] == "2026-06-30"
    assert sum(row["findings"] for row in changes["resolved"]) == 20
    assert sum(row["findings"] for row in changes["waived"]) == 2
    new = sum(rule["statuses"].get("new", 0) for rule in facts["rules"])
    assert new == facts["totals"]["new"] > 0


@pytest.mark.parametrize(
    "run", [clean_run(), empty_run(), hostile_run(), history_run(), first_night_run()]
)
def test_every_run_has_one_and_it_is_plain_json(run: Run, tmp_path: Path) -> None:
    write_report_json(build(run), ALL, tmp_path / "report.json")
    facts = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))

    assert facts["format"] == 1
    assert facts["verdict"]["headline"]
    lines = facts["lines"]
    assert lines["read"] == lines["audited"] + lines["superseded"] + lines["rejected"]
