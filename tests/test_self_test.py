"""The self-test: it runs the shipped cases, and tells each way in which one comes out otherwise."""

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from sample_run import small_run

from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.report.content import build
from auditor.report.data import run_facts
from auditor.report.html import render
from auditor.report.words import self_test_words
from auditor.self_test import SelfTest, case_files, self_test
from auditor.shipped import cases_dir

RULE = next(rule for rule in CATALOGUE if rule.name == "both_components_on_one_line")


def changed(folder: Path, column: str, old: str, new: str) -> SelfTest:
    """The self-test of one rule, with the first ``old`` of a column of its cases as ``new``."""
    with (cases_dir() / f"{RULE.name}.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    next(row for row in rows if (row.get(column) or "") == old)[column] = new
    names = list(dict.fromkeys([*rows[0], column]))
    with (folder / f"{RULE.name}.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, restval="")
        writer.writeheader()
        writer.writerows(rows)
    return self_test([RULE], folder)


@pytest.fixture(scope="module")
def passed() -> SelfTest:
    return self_test([RULE])


def test_the_shipped_cases_of_a_rule_come_out_as_written(passed: SelfTest) -> None:
    assert passed.passed
    assert passed.faults == ()
    assert passed.cases > 3
    assert self_test_words(passed) == (
        f"Self-test: {passed.cases} cases of 1 rule, all as expected."
    )


def test_every_rule_has_shipped_cases() -> None:
    assert set(case_files(cases_dir())) == {rule.name for rule in CATALOGUE}


@pytest.mark.parametrize(
    ("column", "old", "new", "difference"),
    [
        ("flagged", "yes", "no", "was flagged"),
        ("flagged", "no", "yes", "was not flagged"),
        ("severity", "denial", "note", "severity denial, not note"),
        ("amount", "", "1.23", "not 1.23 dollars"),
        ("reason", "", "awaiting_partner", "not evaluated for awaiting_partner"),
    ],
)
def test_each_difference_is_told(
    column: str, old: str, new: str, difference: str, tmp_path: Path
) -> None:
    tested = changed(tmp_path, column, old, new)

    assert not tested.passed
    assert difference in "; ".join(tested.faults[0].differences)
    assert f"1 case came out otherwise ({RULE.name})" in self_test_words(tested)


def test_words_that_a_message_lacks_are_told(tmp_path: Path) -> None:
    with (cases_dir() / f"{RULE.name}.csv").open(encoding="utf-8", newline="") as stream:
        said = next(row["says"] for row in csv.DictReader(stream) if row["flagged"] == "yes")
    tested = changed(tmp_path, "says", said, "words that no message has")

    assert "the message doesn't say 'words that no message has'" in tested.faults[0].differences[0]


def test_a_rule_without_cases_does_not_pass(tmp_path: Path) -> None:
    tested = self_test([RULE], tmp_path)

    assert not tested.passed
    assert f"no case was found of {RULE.name}" in self_test_words(tested)


def test_a_spoilt_case_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / f"{RULE.name}.csv").write_text("claim_id,flagged\nC1,yes\n", encoding="utf-8")

    with pytest.raises(AuditError, match="case file can't be read; install the auditor again"):
        self_test([RULE], tmp_path)


def test_page_and_run_json_show_what_was_proved(passed: SelfTest, tmp_path: Path) -> None:
    proved = build(replace(small_run(), self_test=passed))
    page = render(proved)
    assert self_test_words(passed) in page
    assert "as expected</td>" in page
    assert run_facts(proved)["self_test"]["passed"] is True

    failed = build(replace(small_run(), self_test=changed(tmp_path, "flagged", "yes", "no")))
    page = render(failed)
    assert "line 1: was flagged" in page
    assert "Don&#39;t rely on this run" in page or "Don't rely on this run" in page
    assert run_facts(failed)["self_test"]["faults"][0]["rule"] == RULE.name


def test_a_page_says_when_the_cases_were_not_run() -> None:
    page = render(build(small_run()))

    assert "has each rule judge the invented cases" in page
    assert run_facts(build(small_run()))["self_test"] is None
