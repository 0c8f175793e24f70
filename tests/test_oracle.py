"""Every rule against its slow restatement, over invented patients full of near misses.

``AUDITOR_ORACLE_RUNS`` sets the number of large runs, for a longer search by hand.
"""

import ast
import os
from collections import Counter
from pathlib import Path

import pytest

from auditor.catalogue import CATALOGUE
from auditor.reference import load_reference
from auditor.rule import REASONS
from auditor.shipped import reference_dir
from tests.oracle.compare import compare, invented, told
from tests.oracle.judge import RULES

LARGE = int(os.environ.get("AUDITOR_ORACLE_RUNS", "16"))
# Seed and number of patients. Small runs have dates, providers and claim types at hand that large
# ones never lack.
RUNS = [(seed, 400) for seed in range(LARGE)] + [(1000 + seed, 3) for seed in range(LARGE)]
SHARED = {"compare.py", "patients.py"}


@pytest.mark.parametrize(("seed", "patients"), RUNS)
def test_the_rules_say_what_their_restatement_says(seed: int, patients: int) -> None:
    found = compare(seed, patients, load_reference(reference_dir()))

    assert found.differences == [], "\n".join(
        told(found.run, difference) for difference in found.differences[:5]
    )


def test_every_rule_is_restated() -> None:
    apart = {rule.name for rule in CATALOGUE} ^ {rule.name for rule in RULES}
    assert not apart, f"not in both the catalogue and tests/oracle/: {apart}"
    for rule, own in zip(
        sorted(CATALOGUE, key=lambda one: one.name),
        sorted(RULES, key=lambda one: one.name),
        strict=True,
    ):
        assert (rule.claim_type, set(rule.needs)) == (
            own.claim_type,
            {*own.needs, *own.needs_value},
        )


def test_the_invented_patients_reach_every_rule_and_reason() -> None:
    """Two that are silent agree, too: each rule must have much to flag and much to clear."""
    flagged: Counter[str] = Counter()
    clean: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for seed, patients in RUNS:
        for (rule, _), verdict in invented(seed, patients).opinion.verdicts.items():
            flagged[rule] += verdict.status == "flagged"
            clean[rule] += verdict.status == "clean"
            reasons[verdict.reason] += 1

    assert {rule.name: flagged[rule.name] for rule in CATALOGUE if flagged[rule.name] < 100} == {}
    assert {rule.name: clean[rule.name] for rule in CATALOGUE if clean[rule.name] < 50} == {}
    told = set(REASONS) - {"error"}
    assert {reason: reasons[reason] for reason in told if reasons[reason] < 100} == {}


def test_the_restatement_shares_no_code_with_the_rules() -> None:
    for path in sorted((Path(__file__).parent / "oracle").glob("*.py")):
        if path.name in SHARED:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert name.split(".")[0] not in {"auditor", "pandas", "numpy", "pyarrow"}, path
                assert not name.startswith("tests.") or name.startswith("tests.oracle"), path
