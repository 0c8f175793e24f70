"""What findings say: evidence of every kind as people read it, in sentences of whole columns."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditor.audit import audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.ingest.frame import TEXT
from auditor.intake import read_files
from auditor.reference import load_reference
from auditor.shipped import reference_dir
from auditor.wording import filled, one_below_another, printed

ROOT = Path(__file__).parent.parent
SAMPLES = [ROOT / "samples" / name for name in ("hospital.csv", "professional.xlsx")]
RULE = replace(CATALOGUE[0], settings={"days": 90})


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pd.Series(["2024-02-29", None]).astype("datetime64[s]"), ["2024-02-29", "(blank)"]),
        (pd.Categorical.from_codes([1, -1, 0], ["a", "b"]), ["b", "(blank)", "a"]),
        ([1.0, 2.5, 1.0, 1e6], ["1", "2.5", "1", "1e+06"]),
        (pd.array(["75574", None], dtype=TEXT), ["75574", "(blank)"]),
        (pd.array([3, None], dtype="Int64"), ["3", "<NA>"]),
        ([4, 5], ["4", "5"]),
        (np.array(["26 59", 7], dtype=object), ["26 59", "7"]),
    ],
    ids=["days", "words", "numbers", "texts", "whole", "integers", "anything"],
)
def test_evidence_is_printed(cells, expected) -> None:
    assert printed(pd.Series(cells)).to_pylist() == expected


def test_a_sentence_holds_each_lines_evidence_and_the_rules_settings() -> None:
    flagged = pd.DataFrame({"code": ["75574", "75580"], "units": [2.0, 1.0]}, index=[7, 3])

    said = filled("{code}: {units} units in {days} days {{sic}}.", RULE, flagged)

    assert said.to_pylist() == [
        "75574: 2 units in 90 days {sic}.",
        "75580: 1 units in 90 days {sic}.",
    ]


def test_a_sentence_without_evidence_is_that_of_every_line() -> None:
    flagged = pd.DataFrame({"code": ["75574", "75580"]})

    assert filled("Within {days} days.", RULE, flagged).to_pylist() == ["Within 90 days."] * 2
    assert filled("{code}.", RULE, flagged.iloc[:0]).to_pylist() == []


def test_texts_of_several_judgements_stand_one_below_another() -> None:
    parts = [printed(pd.Series(cells, dtype="str")) for cells in (["a"], [], ["b", "c"])]

    assert one_below_another(parts).to_pylist() == ["a", "b", "c"]


def test_a_findings_sources_are_its_rules_and_then_those_of_the_row_it_cites() -> None:
    reference = load_reference(reference_dir())
    prepared = prepare(read_files(SAMPLES).lines, reference, as_of=date(2026, 6, 30))
    own = {rule.name: list(rule.sources) for rule in CATALOGUE}

    findings = audit(prepared, reference).findings

    cited = [
        (own[rule], words.split())
        for rule, words in zip(findings["rule"], findings["sources"], strict=True)
    ]
    assert all(words[: len(first)] == first for first, words in cited)
    assert any(first and len(words) > len(first) for first, words in cited)
    assert all(len(words) == len(set(words)) for _, words in cited)
