"""The conditions of a rule, computed anew for one line, say what the rule says."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditor.audit import Prepared, prepare
from auditor.caching import forget
from auditor.cases import Case, lines_of_case, read_cases
from auditor.catalogue import CATALOGUE
from auditor.conditions import Condition, Seen, conditions_of
from auditor.reference import Reference, load_reference
from auditor.rule import Rule
from auditor.shipped import cases_dir, reference_dir


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


def seen_by(rule: Rule, prepared: Prepared, place: int) -> Seen:
    lines = prepared.lines
    patient = (lines["patient_id"] == lines["patient_id"].iloc[place]).to_numpy()
    own = lines[patient].reset_index(drop=True)
    at = int(np.flatnonzero(np.flatnonzero(patient) == place)[0])
    return Seen(own, at, rule, reference(), prepared.extract)


def asked(path: Path, case: Case, rule: Rule) -> dict[int, list[Condition]]:
    """The conditions of each line of a case that the rule judges, by its row."""
    lines, _ = lines_of_case(path, case)
    prepared = prepare(lines, reference(), as_of=case.as_of, options=case.options)
    chosen = {name: case.options.get(name, value) for name, value in rule.settings.items()}
    rule = replace(rule, settings=chosen)
    rows = prepared.lines["source_row"].to_numpy(dtype="int64") - 2
    try:
        return {
            int(row): conditions_of(seen_by(rule, prepared, place))
            for place, row in enumerate(rows)
            if not case.expected[row]["reason"]
        }
    finally:
        forget()


def said(conditions: list[Condition]) -> str:
    return "\n".join(f"{'yes' if one.holds else 'NO '} {one.words}" for one in conditions)


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_flagged_lines_meet_every_condition_and_near_misses_do_not(rule: Rule) -> None:
    met = missed = 0
    for path in sorted(cases_dir().glob(f"{rule.name}.*")):
        for case in read_cases(path):
            for row, conditions in asked(path, case, rule).items():
                flagged = case.expected[row]["flagged"] == "yes"

                where = f"{case}, row {row}\n{said(conditions)}"
                assert all(one.holds for one in conditions) == flagged, where
                met += flagged
                missed += not flagged
    assert met
    assert missed


def test_a_line_of_another_patient_is_never_asked() -> None:
    """Only the patient's own lines are handed over."""
    path = cases_dir() / "line_billed_twice.csv"
    case = read_cases(path)[0]
    lines, _ = lines_of_case(path, case)
    prepared = prepare(lines, reference(), as_of=case.as_of)
    seen = seen_by(CATALOGUE[0], prepared, 0)

    assert isinstance(seen.row, pd.Series)
    assert seen.lines["patient_id"].nunique() == 1
