"""Every rule against its case file: exactly the lines flagged, and the reasons for the others."""

from collections import Counter
from pathlib import Path

import pytest

from auditor.audit import audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from tests.case_lines import CASES, Case, lines_of_case, read_cases

RULES = {rule.name: rule for rule in CATALOGUE}
FILES = sorted(CASES.glob("*.csv"))
ALL_CASES = [(path, case) for path in FILES for case in read_cases(path)]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(reference_dir())


@pytest.mark.parametrize(("path", "case"), ALL_CASES, ids=[str(case) for _, case in ALL_CASES])
def test_case(path: Path, case: Case, reference: Reference) -> None:
    lines, read = lines_of_case(path, case)
    options = case.options
    prepared = prepare(lines, reference, as_of=case.as_of, options=options)
    result = audit(prepared, reference, rules=[RULES[case.rule]], options=options)

    found = {int(row) - 2: finding for row, finding in _by_row(result.findings)}
    flagged = {place for place, want in enumerate(case.expected) if want["flagged"] == "yes"}
    assert flagged == set(found)
    for place in flagged:
        want, finding = case.expected[place], found[place]
        assert want["severity"] in ("", finding["severity"])
        assert want["says"] in finding["message"]
        if want["amount"]:
            assert finding["amount"] == round(100 * float(want["amount"]))
        assert "{" not in finding["message"] + finding["remedy"]
    reasons = Counter(
        want["reason"]
        for place, want in enumerate(case.expected)
        if want["reason"] and place in read
    )
    booked = result.not_evaluated.groupby("reason")["lines"].sum().to_dict()
    assert dict(reasons) == booked
    books = result.books.iloc[0]
    assert books["in_scope"] == books["flagged"] + books["clean"] + books["not_evaluated"]


def _by_row(findings):
    return [(row["source_row"], row) for row in findings.to_dict("records")]


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_every_rule_has_both_kinds_of_case_and_a_source(rule) -> None:
    kinds = {
        want["flagged"] for _, case in ALL_CASES if case.rule == rule.name for want in case.expected
    }

    assert kinds == {"yes", "no"}
    assert rule.sources
    assert rule.title
    assert rule.rationale
    assert rule.remedy


def test_every_case_file_belongs_to_a_rule() -> None:
    assert {path.name.split(".")[0] for path in FILES} <= set(RULES)
