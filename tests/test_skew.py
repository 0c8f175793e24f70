"""One id with a hundred thousand lines, as test accounts have: no join grows with its square."""

from datetime import date
from functools import cache

import numpy as np
import pandas as pd

from auditor import ncci
from auditor.audit import audit, prepare
from auditor.claim_lines import derived
from auditor.ncci import MOST_KINDS, ptp_pairs
from auditor.reference import Reference, load_reference
from auditor.schema import COLUMNS
from auditor.shipped import reference_dir
from auditor.studies import ccta_of_analysis, readings
from auditor.superseding import superseded

LINES = 100_000
TEXT = [name for name, column in COLUMNS.items() if column.kind == "text"]
GIVEN = " ".join(sorted(COLUMNS))


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


def lines_of_one_patient(size: int, **columns: object) -> pd.DataFrame:
    """Lines on one id; a column is a word for all of them or an array of words."""
    plain: dict[str, object] = {
        "patient_id": "TEST",
        "claim_id": "C1",
        "claim_type": "professional",
        "procedure_code": "75574",
        "billing_npi": "1000000004",
        "place_of_service": "11",
        "payer_type": "medicare",
        "columns_given": GIVEN,
        "source_file": "test.csv",
    }
    plain |= columns
    frame: dict[str, object] = {}
    for name, column in COLUMNS.items():
        given = plain.get(name, "")
        if column.kind == "text":
            words = [given] * size if isinstance(given, str) else given
            codes, found = pd.factorize(np.asarray(["", *words], dtype=object))
            frame[name] = pd.Categorical.from_codes(codes[1:], pd.Index(found, dtype="str"))
        elif column.kind == "date":
            frame[name] = np.full(size, "2025-03-10", dtype="datetime64[s]")
        elif column.kind == "number":
            frame[name] = np.ones(size)
        else:
            frame[name] = pd.array(np.arange(1, size + 1), dtype="Int64")
    return pd.DataFrame(frame)


def edited_codes() -> list[str]:
    rows = reference().table("ptp_edits").rows
    practitioner = rows[rows["setting"] == "professional"]
    return sorted({*practitioner["column_one"], *practitioner["column_two"]})


def crowded(size: int = LINES) -> pd.DataFrame:
    """Every edited code, by one of a thousand renderers, all on one day by one provider."""
    random = np.random.default_rng(1)
    codes = edited_codes()
    return lines_of_one_patient(
        size,
        procedure_code=random.choice(codes, size),
        rendering_npi=[f"3{number:09d}" for number in random.integers(0, 1000, size)],
        modifiers=random.choice(["", "59", "26"], size),
    )


def test_a_crowded_day_is_paired_by_code_and_counted() -> None:
    lines = derived(crowded(), reference())

    pairs = ptp_pairs(lines, reference())

    codes = len(edited_codes())
    assert pairs.crowded_days == 1
    assert len(lines.drop_duplicates(["procedure_code", "rendering_npi"])) > 100 * codes
    # Three kinds of edit and what a finding can list, for each line; not a square of the lines.
    assert 0 < len(pairs.two) <= 3 * 21 * len(lines)


def test_a_day_that_is_not_crowded_tells_renderers_apart() -> None:
    lines = derived(crowded(MOST_KINDS), reference())

    assert ptp_pairs(lines, reference()).crowded_days == 0


def test_bounding_the_pairs_changes_no_first_partner_and_no_severity(monkeypatch) -> None:
    prepared = prepare(crowded(150), reference(), as_of=date(2026, 6, 30))
    few = audit(prepared, reference()).findings
    monkeypatch.setattr(ncci, "_MOST_PARTNERS", 10**6)
    whole = audit(prepared, reference()).findings

    assert few["rule"].str.startswith("ptp_pair").sum() > 10
    assert few.drop(columns="other_partners").equals(whole.drop(columns="other_partners"))


def test_fifty_thousand_replacements_of_one_claim_leave_the_latest() -> None:
    half = LINES // 2
    lines = lines_of_one_patient(
        LINES,
        claim_id=["C0"] * half + [f"R{number}" for number in range(half)],
        claim_frequency=["1"] * half + ["7"] * half,
        original_claim_id=[""] * half + ["C0"] * half,
    )
    received = lines["received_date"].to_numpy().copy()
    received[-1] = np.datetime64("2025-04-01")
    lines["received_date"] = received

    assert np.flatnonzero(~superseded(lines)).tolist() == [LINES - 1]


def test_scans_and_readings_of_one_patient_pair_one_to_one() -> None:
    lines = derived(lines_of_one_patient(LINES, modifiers=["TC", "26"] * (LINES // 2)), reference())

    pairing = readings(lines, 7, 30)
    around = ccta_of_analysis(lines)

    assert (np.sort(pairing.partner) == np.arange(LINES)).all()
    assert len(around.before) == LINES


def test_lines_of_one_patient_are_audited_and_the_report_can_say_that_a_day_is_crowded() -> None:
    result = audit(prepare(crowded(20_000), reference(), as_of=date(2026, 6, 30)), reference())

    books = result.books
    assert (books["in_scope"] == books["flagged"] + books["clean"] + books["not_evaluated"]).all()
    assert result.counts.crowded_days == 1
    assert result.counts.patients == result.counts.claims == 1
    assert result.findings["other_partners"].str.count(";").max() < 21
