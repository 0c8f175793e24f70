"""What a mutant must survive: the case files, the oracle and the tests of the joins.

Everything that no mutant changes is made once, before the mutants' processes branch off: claim
lines read, the oracle's opinion, and what the rules as they stand say of each case and run. A
mutant that says the same needs no further look; where it says something else, the real test is run
on that case or run, and only what that test notices counts.
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from auditor.audit import Prepared, audit, prepare, touched
from auditor.caching import forget
from auditor.cases import Case, lines_of_case, read_cases
from auditor.catalogue import CATALOGUE
from auditor.claim_lines import any_line
from auditor.extract import Extract
from auditor.judging import Judgement, judge
from auditor.reference import Reference, load_reference
from auditor.rule import Rule
from auditor.self_test import judged_otherwise
from auditor.shipped import cases_dir, reference_dir
from tests import test_house
from tests.mutation.mutants import ROOT, Mutant
from tests.oracle.compare import Invented, differences, invented
from tests.reasons_named import misnamed

# Small runs first: they are quick, and lack what large ones never lack.
RUNS = (*((1000 + seed, 3) for seed in range(8)), *((seed, 400) for seed in range(8)))
# Of the joins' tests, all but the one that measures time.
JOINS = ("tests/test_matching.py", "tests/test_matching_edges.py", "-k", "not twenty_thousand")
# What needs other tables than the shipped ones, or several partners, has tests of its own.
OTHERS = {
    "diagnoses": (
        "tests/test_library_uses.py",
        "tests/test_contradictions.py",
        "tests/test_coverage_articles.py",
    ),
    "payment": ("tests/test_library_uses.py",),
    "units": ("tests/test_units.py",),
}
OWN_TABLES = "tests/test_rules_own_tables.py"
NAMED = "tests/test_partners_named.py"
MATCHING = "auditor.matching"
# What the rules stand on, and the tests of each that run first.
BENEATH = {
    MATCHING: JOINS,
    "auditor.superseding": ("tests/test_superseding.py",),
}
# A change below changes the way to the rules, so everything runs anew: of that, less.
LARGE_SPARED, ONE_CASE_OF = 5, 6


@dataclass
class Input:
    """Prepared lines of one case or run, and what each rule as it stands says of them."""

    name: str
    prepared: Prepared
    options: dict[str, Any]
    said: dict[str, Judgement]

    def judged(self, rule: Rule, reference: Reference) -> Judgement:
        lines, extract = inputs(rule, self.prepared)
        return judge(rule, lines, reference, extract, self.options)


@dataclass
class Ground:
    """What the mutants are tried on."""

    reference: Reference
    cases: dict[str, list[tuple[Path, Case]]]
    of_case: dict[str, Input]
    runs: list[tuple[Invented, Input]]

    def made_ready(self, module: str) -> None:
        """Lets the rules as they stand judge the cases that a module's mutants are tried on."""
        for rule in CATALOGUE:
            if module not in BENEATH and module != f"auditor.rules.{rule.family}":
                continue
            every = ONE_CASE_OF if module in BENEATH else 1
            for path, case in self.cases[rule.name][::every]:
                name = f"{path.name} {case}"
                if name not in self.of_case:
                    prepared = prepared_case(path, case, self.reference)
                    one = Input(str(case), prepared, case.options, {})
                    one.said[rule.name] = one.judged(rule, self.reference)
                    self.of_case[name] = one
                    forget()


def inputs(rule: Rule, prepared: Prepared) -> tuple[pd.DataFrame, Extract]:
    lines = prepared.lines if rule.scope is any_line else touched(prepared.lines)[0]
    return lines, prepared.extract


def ground() -> Ground:
    """Reads the cases and invents the runs, and lets the rules as they stand judge the runs."""
    reference = load_reference(reference_dir())
    made = Ground(reference, {rule.name: [] for rule in CATALOGUE}, {}, [])
    for path in sorted(cases_dir().glob("*.csv")):
        for case in read_cases(path):
            made.cases[case.rule].append((path, case))
    for seed, patients in RUNS:
        run = invented(seed, patients)
        one = Input(f"run {seed}", run.prepared(reference), run.options, {})
        one.said = {rule.name: one.judged(rule, reference) for rule in CATALOGUE}
        forget()
        made.runs.append((run, one))
    return made


def prepared_case(path: Path, case: Case, reference: Reference) -> Prepared:
    lines, _ = lines_of_case(path, case)
    return prepare(lines, reference, as_of=case.as_of, options=case.options)


def planted(mutant: Mutant) -> list[Rule]:
    """Puts the mutant in place of its module, wherever its functions were imported to.

    Returns the catalogue with the mutant's rules in it.
    """
    module = sys.modules[mutant.module]
    old = dict(vars(module))
    exec(compile(mutant.source, mutant.path, "exec"), vars(module))
    new = {
        id(was): vars(module)[name]
        for name, was in old.items()
        if vars(module).get(name) is not was and not isinstance(was, int | str | tuple)
    }
    for name, other in list(sys.modules.items()):
        if other is not module and name.split(".")[0] in ("auditor", "tests"):
            for word, value in list(vars(other).items()):
                if id(value) in new:
                    setattr(other, word, new[id(value)])
    rules = tuple(new.get(id(rule), rule) for rule in CATALOGUE)
    for name, other in list(sys.modules.items()):
        if name.split(".")[0] == "auditor":
            for word, value in list(vars(other).items()):
                if value is CATALOGUE:
                    setattr(other, word, rules)
                for kept in (getattr(value, "__kwdefaults__", None) or {},):
                    kept.update({key: rules for key in kept if kept[key] is CATALOGUE})
    return list(rules)


def noticed(mutant: Mutant, tried: Ground) -> Iterator[str]:
    """Everything that notices the mutant, in words, the quickest first.

    Words that begin with ``unnoticed`` tell where the mutant says something else and no test minds.
    """
    rules = planted(mutant)
    if mutant.module in BENEATH:
        tests = BENEATH[mutant.module]
        if pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests], plugins=[]) != 0:
            yield "its own tests"
        yield from _of_runs_anew(rules, tried)
        yield from _of_cases_anew(rules, tried)
        return
    own = [rule for rule in rules if rule.name == mutant.function]
    family = mutant.module.rpartition(".")[2]
    asked = own or [rule for rule in rules if rule.family == family]
    yield from _of_cases(asked, tried)
    yield from _of_runs(asked, tried)
    for rule in asked:
        test_house.test_a_rule_names_columns_settings_and_sources_that_exist(rule, tried.reference)
    for file in (NAMED, OWN_TABLES, *OTHERS.get(family, ())):
        if pytest.main(["-x", "-q", "-p", "no:cacheprovider", file], plugins=[]) != 0:
            yield file


def _of_cases(rules: Sequence[Rule], tried: Ground) -> Iterator[str]:
    for rule in rules:
        for path, case in tried.cases[rule.name]:
            one = tried.of_case[f"{path.name} {case}"]
            yield from _of_case(one.judged(rule, tried.reference), one, path, case, rule, tried)


def _of_runs(rules: Sequence[Rule], tried: Ground) -> Iterator[str]:
    for run, one in tried.runs:
        for rule in rules:
            if same(one.judged(rule, tried.reference), one.said[rule.name]):
                continue
            result = audit(one.prepared, tried.reference, rules=[rule], options=one.options)
            if differences(run.run, result, run.opinion, run.places):
                yield one.name
            else:
                yield f"unnoticed: {rule.name} in {one.name}"
        forget()


def _of_runs_anew(rules: Sequence[Rule], tried: Ground) -> Iterator[str]:
    """The same where the way to the rules has changed, too."""
    for run, one in tried.runs[:-LARGE_SPARED]:
        prepared = run.prepared(tried.reference)
        result = audit(prepared, tried.reference, rules=rules, options=one.options)
        if differences(run.run, result, run.opinion, run.places):
            yield one.name


def _of_cases_anew(rules: Sequence[Rule], tried: Ground) -> Iterator[str]:
    for rule in rules:
        for path, case in tried.cases[rule.name][::ONE_CASE_OF]:
            one = tried.of_case[f"{path.name} {case}"]
            prepared = prepared_case(path, case, tried.reference)
            said = Input(one.name, prepared, one.options, {}).judged(rule, tried.reference)
            yield from _of_case(said, one, path, case, rule, tried)


def _of_case(
    said: Judgement, one: "Input", path: Path, case: Case, rule: Rule, tried: Ground
) -> Iterator[str]:
    forget()
    if same(said, one.said[rule.name]):
        return
    found = judged_otherwise(path, case, rule, tried.reference) or [
        *misnamed(case, said.reasons, tried.reference)
    ]
    yield str(case) if found else f"unnoticed: {case}"


def same(one: Judgement, other: Judgement) -> bool:
    """Whether two judgements agree in everything that a finding can say."""
    if (one.in_scope, one.clean, dict(one.reasons)) != (
        other.in_scope,
        other.clean,
        dict(other.reasons),
    ):
        return False
    if not one.flagged.equals(other.flagged):
        return False
    said, theirs = one.verdicts, other.verdicts
    if said is None or theirs is None:
        return said is theirs
    return all(
        pd.Series(mine).equals(pd.Series(yours)) if hasattr(mine, "__len__") else mine == yours
        for mine, yours in zip(vars(said).values(), vars(theirs).values(), strict=True)
    )


def modules() -> list[str]:
    """The modules of which all places are tried."""
    rules = sorted((ROOT / "auditor" / "rules").glob("*.py"))
    beneath = (f"{module.replace('.', '/')}.py" for module in BENEATH)
    return [*(path.relative_to(ROOT).as_posix() for path in rules), *beneath]
