"""Each reason in the books of a case names a column that its lines lack, or a table of ours."""

import pytest

from auditor.audit import audit, prepare
from auditor.cases import lines_of_case, read_cases
from auditor.catalogue import CATALOGUE
from auditor.reference import load_reference
from auditor.rule import Rule
from auditor.self_test import case_files
from auditor.shipped import cases_dir, reference_dir
from tests.reasons_named import misnamed

REFERENCE = load_reference(reference_dir())
FILES = case_files(cases_dir())


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_what_a_rule_lacks_has_a_name(rule: Rule) -> None:
    seen: set[tuple[str, frozenset[str]]] = set()
    for path in FILES[rule.name]:
        for case in read_cases(path):
            wanted = {want["reason"] for want in case.expected if want["reason"]}
            new = {(reason, case.without) for reason in wanted} - seen
            if not new:
                continue
            if "value_missing" not in wanted:
                seen |= new
            lines, _ = lines_of_case(path, case)
            prepared = prepare(lines, REFERENCE, as_of=case.as_of, options=case.options)
            said = audit(prepared, REFERENCE, rules=[rule], options=case.options).not_evaluated
            booked = said[["reason", "detail"]].itertuples(index=False, name=None)
            assert list(misnamed(case, booked, REFERENCE)) == [], str(case)
