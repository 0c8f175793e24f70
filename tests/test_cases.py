"""Every rule against its case file: exactly the lines flagged, and the reasons for the others."""

from pathlib import Path

import pytest

from auditor.cases import Case, read_cases
from auditor.catalogue import CATALOGUE
from auditor.reference import Reference, load_reference
from auditor.self_test import judged_otherwise
from auditor.shipped import cases_dir, reference_dir

RULES = {rule.name: rule for rule in CATALOGUE}
NO_RULE = "no rule of this name: write it in its family under auditor/rules/ and in the catalogue"
FILES = sorted(cases_dir().glob("*.csv"))
ALL_CASES = [(path, case) for path in FILES for case in read_cases(path)]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(reference_dir())


@pytest.mark.parametrize(("path", "case"), ALL_CASES, ids=[str(case) for _, case in ALL_CASES])
def test_case(path: Path, case: Case, reference: Reference) -> None:
    assert case.rule in RULES, f"{path.name}: {NO_RULE}"
    assert judged_otherwise(path, case, RULES[case.rule], reference) == ()


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_every_rule_has_both_kinds_of_case_and_a_source(rule) -> None:
    kinds = {
        want["flagged"] for _, case in ALL_CASES if case.rule == rule.name for want in case.expected
    }

    assert kinds == {"yes", "no"}, f"tests/cases/{rule.name}.csv: lines flagged, and lines not"
    assert rule.sources
    assert rule.title
    assert rule.rationale
    assert rule.remedy


def test_every_case_file_belongs_to_a_rule() -> None:
    assert {path.name.split(".")[0] for path in FILES} <= set(RULES), NO_RULE
