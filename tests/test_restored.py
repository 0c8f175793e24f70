"""Zeros restored while reading are listed as corrections, so that the source can be mended."""

import csv
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from auditor import batch
from auditor.audit import Audit, audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.corrections import (
    LOST_ZERO,
    apply,
    proposed,
    prove,
    read_corrections,
    without_effect,
    write_corrections,
)
from auditor.errors import AuditError
from auditor.ingest.restored import ZERO_COLUMNS, restored_zero
from auditor.intake import Claims, read_files
from auditor.progress import Progress
from auditor.reference import Reference, load_reference
from auditor.request import Request
from auditor.settings import Settings
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, _filled

NAMES = (
    *("claim_id", "line_number", "patient_id", "claim_type", "bill_type", "service_date"),
    *("received_date", "procedure_code", "modifiers", "revenue_code", "units", "charge"),
    *("place_of_service", "diagnosis_codes", "billing_npi", "payer_type", "service_zip"),
)


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


def export(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream)
        table.writerow(NAMES)
        for number, row in enumerate(rows, start=1):
            own = {"claim_id": f"C{number}", "line_number": "1", "charge": "10"} | row
            cells = _filled(own) | own
            table.writerow([cells[name] for name in NAMES])
    return path


def audited(claims: Claims) -> Audit:
    return audit(prepare(claims.lines, reference(), as_of=AS_OF), reference(), rules=CATALOGUE)


def listed(*paths: Path) -> list[tuple[object, ...]]:
    """Claim, row, column, before and after of the zeros that a run lists."""
    claims = read_files(paths)
    result = audited(claims)
    found = proposed(result.findings, result.lines, reference(), claims.intakes)
    zeros = found[found["rule"] == LOST_ZERO]
    assert set(zeros["finding"]) <= {""}
    names = ["claim_id", "source_row", "column", "before", "after"]
    return list(zeros[names].itertuples(index=False, name=None))


def test_the_cell_as_read_stands_beside_the_cell_as_audited(tmp_path) -> None:
    rows = (
        {"revenue_code": "489"},
        {"revenue_code": "0489"},
        {"procedure_code": "503T", "revenue_code": "", "service_date": "2023-05-01"},
        {"claim_type": "professional", "revenue_code": "", "place_of_service": "2"},
        {"service_zip": "2139"},
    )

    assert listed(export(tmp_path / "a.csv", *rows)) == [
        ("C3", 4, "procedure_code", "503T", "0503T"),
        ("C1", 2, "revenue_code", "489", "0489"),
        ("C4", 5, "place_of_service", "2", "02"),
        ("C5", 6, "service_zip", "2139", "02139"),
    ]


def test_rows_are_those_of_the_file_where_some_are_no_lines(tmp_path) -> None:
    rows = ({"patient_id": ""}, {"revenue_code": "480"}, {"service_date": "soon"}, {}, {})
    # Of another patient and day, whose lines the audit puts first.
    rows = (*rows, {"revenue_code": "480.0"})
    rows = (*rows, {"revenue_code": "489", "patient_id": "A", "service_date": "2025-01-02"})

    found = listed(export(tmp_path / "a.csv", *rows))

    assert [(row, before) for _, row, _, before, _ in found] == [
        (3, "480"),
        (7, "480.0"),
        (8, "489"),
    ]


def test_an_export_of_the_same_name_as_last_nights_lists_none_of_its_lines(tmp_path) -> None:
    """A site's exports bear one name; a row of last night's says nothing of tonight's row."""
    inbox, history = tmp_path / "export.csv", tmp_path / "history"
    scan = {"patient_id": "P1", "revenue_code": "489"}
    for night, row in (
        ("first", scan | {"claim_id": "OLD"}),
        ("second", scan | {"claim_id": "NEW", "service_date": "2025-04-01"}),
    ):
        files, out = (export(inbox, row),), tmp_path / night
        asked = Request(files, out, Settings(), AS_OF, frozenset({"csv"}), history=history)
        batch.run(asked, Progress(quiet=True))

    with (tmp_path / "second" / "corrections.csv").open(encoding="utf-8-sig") as stream:
        assert [row["claim_id"] for row in csv.DictReader(stream)] == ["NEW"]


def test_each_export_keeps_its_own_rows(tmp_path) -> None:
    first = export(tmp_path / "a.csv", {}, {"revenue_code": "480", "claim_id": "A"})
    second = export(tmp_path / "b.csv", {"revenue_code": "489", "claim_id": "B"}, {})

    assert [(claim, row) for claim, row, *_ in listed(first, second)] == [("A", 3), ("B", 2)]


def test_only_lines_of_ours_are_listed_or_flagged_ones(tmp_path) -> None:
    stranger = {"procedure_code": "99213", "revenue_code": "510"}
    rows = (stranger, {"revenue_code": "489"}, stranger | {"received_date": "2025-03-01"})

    # The third is received before it was done.
    assert [claim for claim, *_ in listed(export(tmp_path / "a.csv", *rows))] == ["C2", "C3"]


def test_superseded_lines_are_not_listed(tmp_path) -> None:
    original = {"claim_id": "C1", "revenue_code": "489", "bill_type": "0131"}
    again = {"claim_id": "C1", "revenue_code": "0489", "bill_type": "0137"}
    path = export(tmp_path / "a.csv", original, again | {"received_date": "2025-04-20"})

    assert listed(path) == []


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        ("revenue_code", "480", "0480"),
        ("revenue_code", "1", "0001"),
        # Two digits lost more than one zero, and a family is no code.
        ("revenue_code", "48", ""),
        ("revenue_code", "48X", ""),
        ("revenue_code", "0480", ""),
        ("procedure_code", "503T", "0503T"),
        ("procedure_code", "75574", ""),
        ("procedure_code", "75574-26", ""),
        ("place_of_service", "2", "02"),
        ("place_of_service", "22", ""),
        ("service_zip", "2139", "02139"),
        ("service_zip", "21390001", "02139"),
        ("service_zip", "", ""),
    ],
)
def test_a_zero_is_restored_as_reading_does_it(column, before, after) -> None:
    assert restored_zero(column, before) == after


def test_a_family_that_lost_its_zero_is_no_correction(tmp_path) -> None:
    assert listed(export(tmp_path / "a.csv", {"revenue_code": "48X"})) == []


def test_what_is_kept_costs_a_few_bytes_a_cell(tmp_path) -> None:
    path = export(tmp_path / "a.csv", *[{"revenue_code": "489"}] * 3000)

    (one,) = read_files([path]).intakes[0].restored

    assert len(one.rows) == 3000
    held = one.rows.nbytes + one.before.codes.nbytes + one.after.codes.nbytes
    assert held == 3000 * 10
    assert (np.diff(one.rows) > 0).all()


def test_the_listed_zeros_are_taken_back_in_and_change_nothing(tmp_path) -> None:
    rows = ({"revenue_code": "489"}, {"procedure_code": "503T"}, {"diagnosis_codes": "125.10"})
    claims = read_files([export(tmp_path / "a.csv", *rows)])
    before = audited(claims)
    found = proposed(before.findings, before.lines, reference(), claims.intakes)
    write_corrections(found, tmp_path / "corrections.csv")
    asked = read_corrections(tmp_path / "corrections.csv")

    fixed, applied = apply(claims.lines, asked)

    proof = prove(
        before.findings,
        audited(Claims(fixed, claims.intakes, claims.rejected)).findings,
        applied,
        without_effect(claims.lines, asked),
    )
    assert (proof.applied, proof.already, proof.astray) == (1, 2, 0)
    assert list(proof.vanished["rule"]) == ["diagnosis_not_valid_on_date"]
    assert proof.appeared.empty
    assert "1 applied, 2 in place already when read, 1 finding vanishes, 0 appear" in proof.said
    for column in ZERO_COLUMNS:
        assert fixed[column].astype("str").equals(claims.lines[column].astype("str"))


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({}, (1, 0)),
        ({"claim_id": "C9"}, (0, 1)),
        ({"line_number": "4"}, (0, 1)),
        # The source says something else by now.
        ({"before": "320", "after": "0320"}, (0, 1)),
    ],
)
def test_a_correction_that_fits_no_line_is_counted_apart(tmp_path, change, counted) -> None:
    claims = read_files([export(tmp_path / "a.csv", {"revenue_code": "489"})])
    row = {"claim_id": "C1", "line_number": "1", "column": "revenue_code"}
    asked = pd.DataFrame([row | {"before": "489", "after": "0489"} | change])

    assert apply(claims.lines, asked)[1] == 0
    assert without_effect(claims.lines, asked) == counted


def corrections_file(path: Path, column: str, before: str, after: str) -> Path:
    header = "claim_id,line_number,column,before,after\n"
    path.write_text(header + f"C1,1,{column},{before},{after}\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("column", "before", "after"),
    [
        ("revenue_code", "48X", "0480"),
        ("revenue_code", "480", "0489"),
        ("revenue_code", "48", "0048"),
        ("procedure_code", "503T", "0504T"),
        ("procedure_code", "75574", "75580"),
        ("place_of_service", "2", "22"),
    ],
)
def test_another_code_than_the_one_with_its_zero_is_refused(
    tmp_path, column, before, after
) -> None:
    path = corrections_file(tmp_path / "corrections.csv", column, before, after)

    with pytest.raises(AuditError, match=r"line 2: column .* is never corrected so"):
        read_corrections(path)


def test_a_file_saved_by_a_spreadsheet_that_lost_the_zeros_again_is_understood(tmp_path) -> None:
    path = corrections_file(tmp_path / "corrections.csv", "revenue_code", "489", "489")

    assert read_corrections(path)["after"].tolist() == ["0489"]
