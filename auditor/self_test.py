"""Runs each rule's case file: does this installation still say what its rules promise?

The cases are judged with the shipped tables and the settings they name, whatever tables and
settings the audit at hand uses.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from auditor.audit import Audit, audit, prepare
from auditor.cases import Case, lines_of_case, read_cases
from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.reference import Reference, load_reference
from auditor.rule import Rule
from auditor.shipped import cases_dir, reference_dir


@dataclass(frozen=True)
class Fault:
    """A case that came out otherwise than its file says, with each difference in words."""

    rule: str
    case: str
    differences: tuple[str, ...]


@dataclass(frozen=True)
class RuleTest:
    """A rule's cases: how many were run, on how many lines, and which came out otherwise."""

    rule: str
    title: str
    cases: int
    lines: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True)
class SelfTest:
    """What the case files of all rules proved, in the order of the catalogue."""

    rules: tuple[RuleTest, ...]

    @property
    def cases(self) -> int:
        """Cases run."""
        return sum(rule.cases for rule in self.rules)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All cases that came out otherwise."""
        return tuple(fault for rule in self.rules for fault in rule.faults)

    @property
    def untested(self) -> tuple[str, ...]:
        """Rules for which no case was found."""
        return tuple(rule.rule for rule in self.rules if not rule.cases)

    @property
    def passed(self) -> bool:
        """Every rule has cases, and all came out as written."""
        return not self.faults and not self.untested


def self_test(rules: Sequence[Rule] = CATALOGUE, folder: Path | None = None) -> SelfTest:
    """Judges the shipped cases (or those of ``folder``) with the shipped tables.

    Raises AuditError when a case file can't be read.
    """
    reference = load_reference(reference_dir())
    found = case_files(folder or cases_dir())
    return SelfTest(tuple(_tested(rule, found.get(rule.name, []), reference) for rule in rules))


def case_files(folder: Path) -> dict[str, list[Path]]:
    """Case files by rule: ``<rule>.csv`` and ``<rule>.<word>.csv``."""
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.csv")):
        found.setdefault(path.name.split(".")[0], []).append(path)
    return found


def _tested(rule: Rule, files: Sequence[Path], reference: Reference) -> RuleTest:
    cases, lines, faults = 0, 0, []
    for path in files:
        for case in _cases_of(path):
            cases, lines = cases + 1, lines + len(case.cells)
            differences = judged_otherwise(path, case, rule, reference)
            if differences:
                faults.append(Fault(rule.name, case.sentence, differences))
    return RuleTest(rule.name, rule.title, cases, lines, tuple(faults))


def _cases_of(path: Path) -> list[Case]:
    try:
        return read_cases(path)
    except (OSError, KeyError, ValueError) as fault:
        raise AuditError(
            f"{path.name}: the case file can't be read; install the auditor again"
        ) from fault


def judged_otherwise(path: Path, case: Case, rule: Rule, reference: Reference) -> tuple[str, ...]:
    """How the rule's judgment of a case differs from what the case says; empty where it agrees.

    Exact sets are compared: a stray finding differs as a missing one does.
    """
    lines, read = lines_of_case(path, case)
    prepared = prepare(lines, reference, as_of=case.as_of, options=case.options)
    result = audit(prepared, reference, rules=[rule], options=case.options)
    found = {int(row["source_row"]) - 2: row for row in result.findings.to_dict("records")}
    differences = []
    for place, want in enumerate(case.expected):
        differences += [
            f"line {place + 1}: {words}" for words in _line_differs(want, found.get(place))
        ]
    differences += _books_differ(case, read, result)
    return tuple(differences)


def _line_differs(want: Mapping[str, str], finding: Mapping[Any, Any] | None) -> list[str]:
    if finding is None:
        return ["was not flagged"] if want["flagged"] == "yes" else []
    if want["flagged"] != "yes":
        return ["was flagged"]
    said = []
    if want["severity"] not in ("", finding["severity"]):
        said.append(f"severity {finding['severity']}, not {want['severity']}")
    if want["says"] not in finding["message"]:
        said.append(f"the message doesn't say {want['says']!r}")
    cents = None if pd.isna(finding["amount"]) else int(finding["amount"])
    if want["amount"] and cents != round(100 * float(want["amount"])):
        said.append(f"amount {cents} cents, not {want['amount']} dollars")
    if "{" in finding["message"] + finding["remedy"]:
        said.append("evidence is missing in the message or the remedy")
    return said


def _books_differ(case: Case, read: frozenset[int], result: Audit) -> list[str]:
    wanted = Counter(
        want["reason"]
        for place, want in enumerate(case.expected)
        if want["reason"] and place in read
    )
    sums = result.not_evaluated.groupby("reason")["lines"].sum()
    booked = {str(reason): int(lines) for reason, lines in sums.items()}
    said = [
        f"{booked.get(reason, 0)} lines not evaluated for {reason}, not {wanted.get(reason, 0)}"
        for reason in sorted({*wanted, *booked})
        if booked.get(reason, 0) != wanted.get(reason, 0)
    ]
    books = result.books.iloc[0]
    if books["in_scope"] != books["flagged"] + books["clean"] + books["not_evaluated"]:
        said.append("lines in scope are not flagged + clean + not evaluated")
    return said
