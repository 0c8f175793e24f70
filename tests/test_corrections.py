"""Corrections: only repairs without judgment are proposed, taken back in, and proved."""

import csv
import json
import sys
from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import batch, cli
from auditor.audit import Audit, audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.corrections import (
    COLUMNS,
    LOST_ZERO,
    Proof,
    apply,
    proposed,
    prove,
    read_corrections,
    without_effect,
    write_corrections,
    write_proof,
)
from auditor.diagnosis_codes import corrected, is_well_formed
from auditor.errors import AuditError
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from tests.case_lines import _filled, lines_of

SAMPLES = Path(__file__).parent.parent / "samples"
AS_OF = date(2026, 6, 30)
REPAIRED = ("component_modifier_not_first", "diagnosis_not_valid_on_date")
RULES = [rule for rule in CATALOGUE if rule.name in REPAIRED]

loaded = cache(load_reference)


def reference() -> Reference:
    return loaded(reference_dir(), None)


def claim_rows(*rows: dict[str, str]) -> list[dict[str, str]]:
    """Professional lines, one a claim, where a row doesn't say otherwise."""
    return [
        _filled({"claim_type": "professional", "claim_id": f"C{number}"} | row)
        for number, row in enumerate(rows, start=1)
    ]


def read(*rows: dict[str, str]) -> pd.DataFrame:
    lines, rejected = lines_of(claim_rows(*rows))
    assert rejected.empty
    return lines


def audited(lines: pd.DataFrame) -> Audit:
    return audit(prepare(lines, reference(), as_of=AS_OF), reference(), rules=RULES)


def proposals(*rows: dict[str, str]) -> pd.DataFrame:
    result = audited(read(*rows))
    return proposed(result.findings, result.lines, reference())


def changes(*rows: dict[str, str]) -> list[tuple[str, str, str]]:
    found = proposals(*rows)
    return list(zip(found["column"], found["before"], found["after"], strict=True))


def test_of_two_patients_with_one_claim_number_only_the_line_that_was_meant_is_changed() -> None:
    lines = read(
        {"claim_id": "C1", "patient_id": "P1", "modifiers": "59 26"},
        {"claim_id": "C1", "patient_id": "P2", "modifiers": "59 26"},
    )
    result = audited(lines)
    found = proposed(result.findings, result.lines, reference())
    first = found[found["source_row"].astype(str) == "2"]

    fixed, applied = apply(lines, first)

    assert applied == 1
    assert fixed["modifiers"].tolist() == ["26 59", "59 26"]
    assert without_effect(lines, first) == (0, 0)


def test_a_correction_that_fits_lines_of_two_patients_alike_is_not_applied() -> None:
    lines = read(
        {"claim_id": "C1", "patient_id": "P1", "modifiers": "59 26"},
        {"claim_id": "C1", "patient_id": "P2", "modifiers": "59 26"},
    )
    named = {"claim_id": "C1", "line_number": "1", "column": "modifiers"}
    asked = pd.DataFrame([named | {"before": "59 26", "after": "26 59"}])

    assert apply(lines, asked)[1] == 0
    assert without_effect(lines, asked) == (0, 1)


# What is proposed.


@pytest.mark.parametrize(
    ("row", "change"),
    [
        ({"modifiers": "59 26"}, ("modifiers", "59 26", "26 59")),
        ({"modifiers": "Q6 XU 26"}, ("modifiers", "Q6 XU 26", "26 Q6 XU")),
        (
            {"modifiers": "CT TC", "place_of_service": "11"},
            ("modifiers", "CT TC", "TC CT"),
        ),
        ({"diagnosis_codes": "125.10"}, ("diagnosis_codes", "125.10", "I25.10")),
        (
            {"diagnosis_codes": "R07.9 120.0"},
            ("diagnosis_codes", "R07.9 120.0", "R07.9 I20.0"),
        ),
    ],
    ids=lambda value: " ".join(value.values()) if isinstance(value, dict) else "",
)
def test_a_misordered_modifier_and_a_digit_for_a_letter_are_repaired(row, change) -> None:
    assert changes(row) == [change]


@pytest.mark.parametrize(
    "row",
    [
        {"modifiers": "26 59"},
        {"modifiers": "26 TC"},
        {"modifiers": ""},
        {"diagnosis_codes": "I25.10"},
        # Split into I20.81 and I20.89: which of them, a coder decides.
        {"diagnosis_codes": "I20.8"},
        # Nothing of ours says that I49.9x is a code.
        {"diagnosis_codes": "149.9XYZ1"},
        {"diagnosis_codes": "2510"},
        {"diagnosis_codes": "O25.10"},
        {"diagnosis_codes": ""},
    ],
    ids=lambda row: " ".join(f"{name} {cell}" for name, cell in row.items()),
)
def test_what_needs_a_judgment_or_is_right_is_left_alone(row) -> None:
    assert changes(row) == []


def test_a_modifier_that_a_hospitals_line_is_to_lose_is_not_moved() -> None:
    ready = prepare(
        read({"claim_type": "institutional", "modifiers": "59 TC"}), reference(), as_of=AS_OF
    )
    result = audit(ready, reference())
    found = set(result.findings["rule"])
    assert {"component_modifier_not_first", "component_modifier_on_hospital_line"} <= found

    assert proposed(result.findings, result.lines, reference()).empty


def test_a_critical_access_hospitals_reading_is_put_first() -> None:
    row = {"bill_type": "0851", "revenue_code": "0972", "modifiers": "GT 26"}

    assert changes({"claim_type": "institutional"} | row) == [("modifiers", "GT 26", "26 GT")]


def test_a_digit_for_a_letter_is_left_alone_where_our_table_does_not_hold_the_code() -> None:
    assert "I49.9" not in reference().words("icd10cm", "icd10")
    assert changes({"diagnosis_codes": "149.9"}) == []


def test_a_digit_for_a_letter_is_repaired_while_the_code_can_be_billed() -> None:
    """I20.8 was split on the first of October 2023."""
    misread = {"diagnosis_codes": "120.8"}

    assert changes(misread | {"service_date": "2023-09-30"}) == [
        ("diagnosis_codes", "120.8", "I20.8")
    ]
    assert changes(misread | {"service_date": "2023-10-01"}) == []


def test_only_the_code_that_can_be_billed_is_repaired_beside_one_that_cannot() -> None:
    assert changes({"diagnosis_codes": "149.9 125.10"}) == [
        ("diagnosis_codes", "149.9 125.10", "149.9 I25.10")
    ]


def test_a_family_of_revenue_codes_is_never_replaced_by_a_code() -> None:
    row = {"claim_type": "institutional", "revenue_code": "048X", "bill_type": "0131"}
    lines = read(row, row | {"diagnosis_codes": "125.10"})
    result = audit(prepare(lines, reference(), as_of=AS_OF), reference())

    found = proposed(result.findings, result.lines, reference())

    assert "revenue_code_malformed" in set(result.findings["rule"])
    assert list(found["column"]) == ["diagnosis_codes"]


def test_a_correction_says_where_the_line_stands() -> None:
    found = proposals({}, {"modifiers": "59 26", "line_number": "3"})

    assert list(found.columns) == list(COLUMNS)
    (row,) = found.astype("str").to_dict("records")
    assert (row["rule"], row["claim_id"], row["line_number"]) == (REPAIRED[0], "C2", "3")
    assert (row["source_file"], row["source_row"]) == ("case.csv", "3")
    assert len(row["finding"]) == 12


def test_no_findings_no_corrections() -> None:
    found = proposals({}, {})

    assert found.empty
    assert list(found.columns) == list(COLUMNS)


WORDS = st.sampled_from(["26", "TC", "59", "XU", "Q6", "CT", "76", "LT", "PN"])
CODES = st.sampled_from(
    ["I25.10", "125.10", "120.0", "149.9", "I20.8", "R07.9", "R0789", "1", "120", "Z01.810"]
)
LINES = st.lists(
    st.fixed_dictionaries(
        {
            "modifiers": st.lists(WORDS, max_size=4).map(" ".join),
            "diagnosis_codes": st.lists(CODES, max_size=4, unique=True).map(" ".join),
            "procedure_code": st.sampled_from(["75574", "75580", "75571", "75573"]),
        }
    ),
    min_size=10,
    max_size=20,
)


@settings(max_examples=4, deadline=None)
@given(LINES)
def test_no_correction_adds_or_drops_a_word_or_touches_another_column(rows) -> None:
    lines = read(*rows)
    result = audited(lines)
    found = proposed(result.findings, result.lines, reference())
    billable = reference().words("icd10cm", "icd10", billable="yes")

    fixed, applied = apply(lines, found)

    assert applied == len(found)
    assert set(found["column"]) <= {"modifiers", "diagnosis_codes"}
    for row in found.to_dict("records"):
        before, after = row["before"].split(), row["after"].split()
        assert len(before) == len(after)
        if row["column"] == "modifiers":
            assert sorted(before) == sorted(after)
            # Other modifiers keep their order among themselves.
            others = [[w for w in words if w not in ("26", "TC")] for words in (before, after)]
            assert others[0] == others[1]
        else:
            for old, new in zip(before, after, strict=True):
                assert new == old or (
                    not is_well_formed(old) and new == corrected(old) and new in billable
                )
    for name in set(lines.columns) - {"modifiers", "diagnosis_codes"}:
        assert fixed[name].equals(lines[name])


@settings(max_examples=4, deadline=None)
@given(LINES)
def test_corrected_lines_bring_nothing_new_and_need_no_second_correction(rows) -> None:
    lines = read(*rows)
    first = audited(lines)
    fixed, applied = apply(lines, proposed(first.findings, first.lines, reference()))

    second = audited(fixed)

    proof = prove(first.findings, second.findings, applied)
    assert proof.appeared.empty
    assert set(proof.vanished["rule"]) <= set(REPAIRED)
    assert proposed(second.findings, second.lines, reference()).empty


# What is taken back in.


def correction(**cells: str) -> dict[str, str]:
    return dict.fromkeys(COLUMNS, "") | {"claim_id": "C1", "line_number": "1"} | cells


def corrections_file(path: Path, *rows: dict[str, str], leave_out: str = "") -> Path:
    names = [name for name in COLUMNS if name != leave_out]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def refused(path: Path) -> str:
    with pytest.raises(AuditError) as fault:
        read_corrections(path)
    said = str(fault.value)
    assert "\n" not in said
    assert str(path) in said
    assert fault.value.exit_code == 2
    return said


GOOD = correction(column="modifiers", before="59 26", after="26 59")


@pytest.mark.parametrize(
    ("bad", "way_out"),
    [
        (
            correction(column="modifiers", before="59 26", after="26"),
            "a coder does that in the claim",
        ),
        (
            correction(column="modifiers", before="26", after="26 59"),
            "a coder does that in the claim",
        ),
        (
            correction(column="modifiers", before="59 26", after="TC 59"),
            "a coder does that in the claim",
        ),
        (
            correction(column="modifiers", before="26 26", after="26"),
            "a coder does that in the claim",
        ),
        (
            correction(column="diagnosis_codes", before="I20.8", after="I20.81"),
            "may only put the letter I for a digit one",
        ),
        (
            correction(column="diagnosis_codes", before="125.10", after="I25.5"),
            "may only put the letter I for a digit one",
        ),
        (
            correction(column="diagnosis_codes", before="225.10", after="I25.10"),
            "may only put the letter I for a digit one",
        ),
        (correction(column="procedure_code", before="75574", after="75573"), "only modifiers and"),
        (correction(column="revenue_code", before="048X", after="0480"), "only modifiers and"),
        (correction(column="units", before="2", after="1"), "only modifiers and"),
        (correction(column="", before="a", after="b"), "only modifiers and"),
    ],
    ids=lambda value: (
        f"{value['column']} {value['before']} to {value['after']}"
        if isinstance(value, dict)
        else ""
    ),
)
def test_every_other_edit_is_refused_with_file_line_and_way_out(tmp_path, bad, way_out) -> None:
    path = corrections_file(tmp_path / "corrections.csv", GOOD, bad)

    said = refused(path)

    assert "line 3" in said
    assert way_out in said


@pytest.mark.parametrize(
    ("before", "after"),
    [("125.10 R07.9", "I25.10"), ("I25.10", ""), ("125.10", "I25.10 R07.9"), ("", "I25.10")],
)
def test_a_diagnosis_is_neither_added_nor_dropped(tmp_path, before, after) -> None:
    row = correction(column="diagnosis_codes", before=before, after=after)

    said = refused(corrections_file(tmp_path / "corrections.csv", row))

    assert "line 2" in said


@pytest.mark.parametrize("name", ["claim_id", "line_number", "column", "before", "after"])
def test_a_missing_column_is_named(tmp_path, name) -> None:
    path = corrections_file(tmp_path / "corrections.csv", GOOD, leave_out=name)

    said = refused(path)

    assert f"no column {name}" in said
    assert "keep all columns" in said


def test_a_row_with_too_many_cells_is_refused(tmp_path) -> None:
    path = corrections_file(tmp_path / "corrections.csv", GOOD)
    path.write_text(path.read_text(encoding="utf-8").rstrip("\r\n") + ",a,b\n", encoding="utf-8")

    assert refused(path)


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.mkdir(), "can't be read"),
        (lambda path: path.write_bytes(b"column,before\nmodifiers,\xff\xfe\n"), "UTF-8"),
        (lambda path: path.write_bytes(b"claim_id\x00,\n"), ""),
    ],
    ids=["missing", "folder", "other encoding", "binary"],
)
def test_what_is_no_corrections_file_is_refused(tmp_path, made, says) -> None:
    path = tmp_path / "corrections.csv"
    made(path)
    if path.is_file() and not says:
        # A header alone asks for nothing.
        assert read_corrections(path).empty
        return

    assert says in refused(path)


def test_what_was_written_is_read_again(tmp_path) -> None:
    found = proposals(
        {"modifiers": "59 26"},
        {"diagnosis_codes": "125.10"},
        {"claim_id": "=C7", "line_number": ""},
    )
    write_corrections(found, tmp_path / "corrections.csv")

    again = read_corrections(tmp_path / "corrections.csv")

    assert again.to_dict("records") == found.astype("str").replace("<NA>", "").to_dict("records")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t"])
def test_no_cell_is_a_formula_and_its_claim_is_still_found(tmp_path, start) -> None:
    claim = f"{start}HYPERLINK(1)"
    row = correction(claim_id=claim, column="modifiers", before="59 26", after="26 59")
    path = tmp_path / "corrections.csv"

    write_corrections(pd.DataFrame([row], columns=list(COLUMNS)), path)

    with path.open(encoding="utf-8", newline="") as stream:
        (cells,) = csv.DictReader(stream)
    assert cells["claim_id"] == f"'{claim}"
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in cells.values())
    assert read_corrections(path)["claim_id"].tolist() == [claim]


def test_a_file_that_a_spreadsheet_saved_as_utf_8_is_read_with_its_mark(tmp_path) -> None:
    path = tmp_path / "corrections.csv"
    path.write_text(
        "claim_id,line_number,column,before,after\nC1,1,modifiers,59 26,26 59\n",
        encoding="utf-8-sig",
    )

    assert read_corrections(path)["claim_id"].tolist() == ["C1"]


# What they change.


def test_only_the_named_cell_changes() -> None:
    same = {"modifiers": "59 26", "diagnosis_codes": "125.10"}
    lines = read(
        same,
        same | {"claim_id": "C1", "line_number": "2"},
        same | {"claim_id": "C2"},
        same | {"claim_id": "C1", "modifiers": "XU 26"},
    )
    asked = pd.DataFrame([correction(column="modifiers", before="59 26", after="26 59")])

    fixed, applied = apply(lines, asked)

    assert applied == 1
    assert list(fixed["modifiers"].astype("str")) == ["26 59", "59 26", "59 26", "XU 26"]
    assert list(lines["modifiers"].astype("str")) == ["59 26", "59 26", "59 26", "XU 26"]
    for name in set(lines.columns) - {"modifiers"}:
        assert fixed[name].equals(lines[name])
    assert not fixed["modifiers"].isna().any()


@pytest.mark.parametrize(
    "other", [{"claim_id": "C9"}, {"line_number": "2"}, {"line_number": ""}, {"before": "XU 26"}]
)
def test_a_correction_of_another_line_is_not_applied(other) -> None:
    lines = read({"modifiers": "59 26"})
    row = correction(column="modifiers", before="59 26", after="26 59") | other

    fixed, applied = apply(lines, pd.DataFrame([row]))

    assert applied == 0
    assert fixed["modifiers"].astype("str").equals(lines["modifiers"].astype("str"))


def test_a_line_without_a_number_is_found_by_its_claim() -> None:
    lines = read({"modifiers": "59 26", "line_number": ""})
    row = correction(column="modifiers", before="59 26", after="26 59", line_number="")

    assert apply(lines, pd.DataFrame([row]))[1] == 1


def test_two_columns_of_one_line_change_together() -> None:
    row = {"modifiers": "59 26", "diagnosis_codes": "125.10"}
    lines = read(row)
    fixed, applied = apply(lines, proposals(row))

    assert applied == 2
    assert fixed["modifiers"].tolist() == ["26 59"]
    assert fixed["diagnosis_codes"].tolist() == ["I25.10"]


# What they prove.


def finding(**cells: object) -> dict[str, object]:
    clean = {"finding": "a" * 12, "rule": "filed_late", "claim_id": "C1", "line_number": 1}
    return clean | {"source_file": "a.csv", "source_sheet": "", "source_row": 2} | cells


def test_what_vanished_and_what_appeared_is_told_by_rule_and_row() -> None:
    before = pd.DataFrame(
        [finding(), finding(rule="diagnosis_missing"), finding(source_row=3), finding()]
    )
    # A correction is told by rule and row, whatever the id.
    after = pd.DataFrame([finding(finding="b" * 12), finding(source_sheet="Lines")])

    proof = prove(before, after, 2)

    assert proof.applied == 2
    assert proof.vanished[["rule", "source_row"]].values.tolist() == [
        ["diagnosis_missing", 2],
        ["filed_late", 3],
    ]
    assert proof.appeared["source_sheet"].tolist() == ["Lines"]


def test_the_same_findings_prove_nothing() -> None:
    some = pd.DataFrame([finding(), finding(source_row=3)])

    proof = prove(some, some, 0)

    assert proof.vanished.empty
    assert proof.appeared.empty


def test_the_proof_is_guarded_like_every_csv(tmp_path) -> None:
    gone = pd.DataFrame([finding(claim_id="=1+1", line_number=pd.NA)])
    write_proof(Proof(1, gone, gone.iloc[:0]), tmp_path / "proof.csv")

    with (tmp_path / "proof.csv").open(encoding="utf-8", newline="") as stream:
        (row,) = csv.DictReader(stream)
    assert row["change"] == "vanished"
    assert row["claim_id"] == "'=1+1"
    assert row["line_number"] == ""


# The program.


@pytest.fixture
def auditor(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    monkeypatch.setattr(batch, "load_reference", loaded)

    def ran(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["auditor", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        return int(end.value.code or 0), captured.out, captured.err

    return ran


def run_words(files: Sequence[Path], out: Path) -> list[object]:
    words = ["run", *files, "--out", out, "--as-of", "2026-07-13"]
    return [*words, "--formats", "csv", "--quiet"]


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_corrections_of_the_sample_prove_themselves(auditor, tmp_path) -> None:
    files = [SAMPLES / "hospital.csv", SAMPLES / "professional.xlsx"]
    auditor(*run_words(files, tmp_path / "first"))
    asked = rows_of(tmp_path / "first" / "corrections.csv")
    before = rows_of(tmp_path / "first" / "findings.csv")
    words = run_words(files, tmp_path / "second")

    code, out, err = auditor(*words, "--with-corrections", tmp_path / "first" / "corrections.csv")

    assert (code, err) == (0, "")
    proof = rows_of(tmp_path / "second" / "corrections_proof.csv")
    zeros = [row for row in asked if row["rule"] == LOST_ZERO]
    asked = [row for row in asked if row not in zeros]
    assert asked
    assert zeros
    assert {row["change"] for row in proof} == {"vanished"}
    assert (
        f"Corrections: {len(asked)} applied, {len(zeros)} in place already when read, "
        f"{len(proof)} findings vanish, 0 appear" in out
    )
    assert {row["finding"] for row in proof} >= {row["finding"] for row in asked}
    after = rows_of(tmp_path / "second" / "findings.csv")
    assert len(after) == len(before) - len(proof)
    # Nobody who opens the reports alone takes these figures for those of the exports.
    facts = json.loads((tmp_path / "second" / "run.json").read_text("utf-8"))
    assert facts["asides"][0].startswith(
        f"The figures are of the lines as {len(asked)} corrections would make them; the exports "
        "are as they were"
    )
    assert f"Mind: {facts['asides'][0]}" in out
    # The export still lacks its zeros.
    assert rows_of(tmp_path / "second" / "corrections.csv") == zeros


def test_a_refused_edit_ends_the_program_and_leaves_nothing(auditor, tmp_path) -> None:
    path = corrections_file(
        tmp_path / "corrections.csv",
        correction(column="procedure_code", before="75574", after="75573"),
    )
    words = run_words([SAMPLES / "hospital.csv"], tmp_path / "out")

    code, out, err = auditor(*words, "--with-corrections", path)

    assert (code, out) == (2, "")
    assert err.startswith(f"auditor: {path} line 2")
    assert err.count("\n") == 1
    assert not (tmp_path / "out").exists()
