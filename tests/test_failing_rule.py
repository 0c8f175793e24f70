"""A rule that fails stops no other: the books add up, every report says so first, exit code 1."""

import json
from dataclasses import replace
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from typer.testing import CliRunner

from auditor import audit as auditing
from auditor import judged_again as explaining
from auditor.audit import audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.cli import app
from auditor.errors import AuditError
from auditor.night.log import open_log
from auditor.night.night import night as run_night
from auditor.reference import Reference, load_reference
from auditor.rule import Outcome, Rule
from auditor.shipped import reference_dir
from tests import nights
from tests.case_lines import AS_OF, _filled, lines_of
from tests.sites import NIGHTS, SCAN, drop, export, make_site

BROKEN = "units_exceed_mue"
SECRET = "JOHN DOE 123-45-6789"


def _fails(lines: pd.DataFrame, reference: Reference) -> Outcome:
    raise KeyError(SECRET)


def _fails_in_words(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """Flags lines without the evidence that the message names."""
    return Outcome(flagged=lines)


def with_broken(name: str, **changes: object) -> list[Rule]:
    return [replace(rule, **changes) if rule.name == name else rule for rule in CATALOGUE]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(reference_dir())


def prepared(reference: Reference):
    rows = [
        {"claim_id": "C1", "units": "5"},
        {"claim_id": "C2", "claim_type": "professional", "modifiers": "26 TC"},
        {"claim_id": "C3", "patient_id": "P2", "service_date": "2025-03-20", "modifiers": "TC"},
    ]
    lines, _ = lines_of([_filled(row) for row in rows])
    return prepare(lines, reference, as_of=AS_OF)


def scope_fails(lines: pd.DataFrame):
    raise ValueError(SECRET)


@pytest.mark.parametrize(
    "changes",
    [
        {"function": _fails},
        {"scope": scope_fails},
        {"function": _fails_in_words},
        {"message": "{nobody_knows_this}"},
    ],
    ids=["judging", "scope", "wording", "message"],
)
def test_the_other_rules_say_what_they_would_have_said(reference, changes) -> None:
    lines = prepared(reference)
    sound = audit(lines, reference)
    result = audit(lines, reference, rules=with_broken(BROKEN, **changes))

    assert [rule for rule, _ in result.failed] == [BROKEN]
    assert sound.failed == ()
    others = sound.findings[sound.findings["rule"] != BROKEN]
    assert set(result.findings["finding"]) == set(others["finding"])
    assert len(sound.findings) > len(others) > 0
    books = result.books.set_index("rule")
    assert (books["in_scope"] == books[["flagged", "clean", "not_evaluated"]].sum(axis=1)).all()
    assert books.loc[BROKEN, "not_evaluated"] == books.loc[BROKEN, "in_scope"] > 0
    assert SECRET not in str(result.not_evaluated.to_dict())


def test_a_shared_join_that_fails_fails_the_rules_that_use_it(reference, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise IndexError(SECRET)

    monkeypatch.setattr("auditor.rules.unbundling.ptp_pairs", broken)
    monkeypatch.setattr("auditor.audit.ptp_pairs", broken)

    result = audit(prepared(reference), reference)

    assert {rule for rule, _ in result.failed} == {
        "ptp_pair_never_payable",
        "ptp_pair_without_modifier",
        "ptp_pair_bypassed",
    }
    assert len(result.findings)


def test_memory_that_runs_out_is_no_fault_of_a_rule(reference) -> None:
    def hungry(lines: pd.DataFrame) -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        audit(prepared(reference), reference, rules=with_broken(BROKEN, scope=hungry))


def test_a_night_files_everything_away_and_ends_with_the_failure(
    tmp_path: Path, monkeypatch
) -> None:
    judge_or_tell = auditing.judge_or_tell

    def broken(rule: Rule, *rest):
        return judge_or_tell(replace(rule, function=_fails) if rule.name == BROKEN else rule, *rest)

    monkeypatch.setattr(auditing, "judge_or_tell", broken)
    site = make_site(tmp_path)
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 5)))

    ended = run_night(site, NIGHTS[0], open_log(site.log, NIGHTS[0]))

    assert [problem.split(" failed")[0] for problem in ended.problems] == [BROKEN]
    assert any("1 rule failed" in said for said in ended.said)
    logged = [json.loads(line) for path in site.log.iterdir() for line in path.open("rb")]
    assert [one["rule"] for one in logged if one["event"] == "a rule failed"] == [BROKEN]
    assert not list((tmp_path / "inbox" / "hospital").iterdir())
    for path in (*site.log.rglob("*"), *site.reports.rglob("*")):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes()


def test_reports_say_it_first_and_the_run_exits_1(tmp_path: Path, monkeypatch) -> None:
    judge_or_tell = auditing.judge_or_tell

    def broken(rule: Rule, *rest):
        return judge_or_tell(replace(rule, function=_fails) if rule.name == BROKEN else rule, *rest)

    monkeypatch.setattr(auditing, "judge_or_tell", broken)
    out = tmp_path / "run"
    sample = Path(__file__).parent.parent / "samples" / "hospital.csv"
    command = ["run", str(sample), "--out", str(out), "--as-of", "2026-06-30", "--fail-on", "note"]

    result = CliRunner().invoke(app, [*command, "--quiet"])

    assert isinstance(result.exception, AuditError)
    assert result.exception.exit_code == 1
    assert str(result.exception).startswith(f"1 rule failed and judged nothing: {BROKEN} (KeyError")
    first = f"1 rule failed and judged nothing: {BROKEN}. "
    run = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert [one["rule"] for one in run["failed_rules"]] == [BROKEN]
    assert run["rules"][BROKEN]["status"] == "error"
    assert {one["status"] for name, one in run["rules"].items() if name != BROKEN} == {"judged"}
    summary = openpyxl.load_workbook(out / "report.xlsx")["Summary"]
    assert str(summary.cell(2, 2).value).startswith(first)
    page = (out / "report.html").read_text(encoding="utf-8")
    assert f'<h2 id="verdict-words">{first}' in page
    told = json.loads((out / "report.json").read_text(encoding="utf-8"))
    assert told["verdict"]["headline"].startswith(first)
    for path in out.iterdir():
        assert SECRET.encode() not in path.read_bytes(), path.name


@pytest.mark.parametrize("changes", [{"function": _fails}, {"scope": scope_fails}])
def test_a_rule_that_fails_tonight_resolves_nothing(tmp_path: Path, monkeypatch, changes) -> None:
    """Its finding, whose line comes again, is not judged; the other's stays as it was."""
    name = "both_components_on_one_line"
    line = {"claim_type": "professional", "claim_id": "B1", "modifiers": "26 TC"}
    other = {"claim_type": "professional", "claim_id": "B2", "modifiers": "26 TC"}
    site = nights.Site(tmp_path / "history")
    first = site.night([line, other])
    judge_or_tell = auditing.judge_or_tell

    def broken(rule: Rule, *rest):
        return judge_or_tell(replace(rule, **changes) if rule.name == name else rule, *rest)

    def rules_of(found: pd.DataFrame) -> list[tuple[str, str]]:
        return [one for one in zip(found["rule"], found["claim_id"], strict=True) if name in one]

    assert rules_of(first.audit.findings) == [(name, "B1"), (name, "B2")]
    with monkeypatch.context() as patched:
        patched.setattr(auditing, "judge_or_tell", broken)
        patched.setattr("auditor.history.findings.judge_or_tell", broken)
        failing = site.night([line | {"charge": "9"}])

    assert [rule for rule, _ in failing.audit.failed] == [name]
    assert rules_of(failing.changes.resolved) == []
    assert failing.changes.tonight.recovered_at_risk_cents == 0
    said = rules_of(failing.changes.unjudged) + rules_of(failing.audit.findings)
    assert sorted(said) == [(name, "B1"), (name, "B2")]
    mended = site.night([line, other])
    assert rules_of(mended.audit.findings) == [(name, "B1"), (name, "B2")]
    assert rules_of(mended.changes.resolved) == []


def test_explain_says_in_one_line_that_the_rule_fails(tmp_path: Path, monkeypatch) -> None:
    out = tmp_path / "run"
    sample = Path(__file__).parent.parent / "samples" / "hospital.csv"
    command = ["run", str(sample), "--out", str(out), "--as-of", "2026-06-30", "--quiet"]
    assert CliRunner().invoke(app, [*command, "--formats", "parquet"]).exit_code == 0
    row = pd.read_parquet(out / "findings.parquet").iloc[0]
    monkeypatch.setattr(explaining, "CATALOGUE", with_broken(row["rule"], function=_fails))

    result = CliRunner().invoke(app, ["explain", str(out), row["finding"]])

    assert isinstance(result.exception, AuditError)
    said = str(result.exception)
    assert said.startswith(f"the rule {row['rule']} failed (KeyError in test_failing_rule.py, line")
    assert "\n" not in said
    assert SECRET not in said
