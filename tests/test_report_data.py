"""The data files: the same bytes for the same findings, types that hold, text that stays text."""

import csv
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sample_run import clean_run, findings_frame, hostile_run, small_run

from auditor import schema
from auditor.report import data
from auditor.report.content import build


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def test_findings_csv_has_the_columns_of_the_schema_in_their_order(tmp_path: Path) -> None:
    data.write_findings_csv(findings_frame(40), tmp_path / "findings.csv")

    header = (tmp_path / "findings.csv").read_text(encoding="utf-8").splitlines()[0]
    assert header.replace('"', "").split(",") == list(schema.FINDINGS)


def test_findings_csv_has_the_same_bytes_twice_whatever_the_column_types(tmp_path: Path) -> None:
    findings = findings_frame(60)
    text = [name for name in schema.FINDINGS if name not in data.TYPES]
    data.write_findings_csv(findings, tmp_path / "plain.csv")
    data.write_findings_csv(findings.astype(dict.fromkeys(text, "category")), tmp_path / "c.csv")
    data.write_findings_csv(findings.astype(dict.fromkeys(text, "object")), tmp_path / "o.csv")

    plain = (tmp_path / "plain.csv").read_bytes()
    assert plain == (tmp_path / "c.csv").read_bytes()
    assert plain == (tmp_path / "o.csv").read_bytes()
    assert b"\r" not in plain


def test_amounts_are_dollars_with_two_decimals_and_dates_are_iso(tmp_path: Path) -> None:
    findings = findings_frame(40).head(3)
    findings["amount"] = pd.array([100, -35750, None], dtype="Int64")
    findings.loc[2, "service_date"] = pd.NaT
    data.write_findings_csv(findings, tmp_path / "findings.csv")

    rows = read_csv(tmp_path / "findings.csv")
    assert [row["amount"] for row in rows] == ["1.00", "-357.50", ""]
    assert rows[2]["service_date"] == ""
    date.fromisoformat(rows[0]["service_date"])


def test_the_totals_can_be_counted_again_from_the_file(tmp_path: Path) -> None:
    run = small_run()
    data.write_findings_csv(run.audit.findings, tmp_path / "findings.csv")
    data.write_findings_parquet(run.audit.findings, tmp_path / "findings.parquet")

    rows = read_csv(tmp_path / "findings.csv")
    assert {row["counts_money"] for row in rows} == {"yes", "no"}
    counted = [row for row in rows if row["counts_money"] == "yes"]
    for money, total in (
        ("at_risk", run.audit.totals.at_risk_cents),
        ("missed", run.audit.totals.missed_cents),
    ):
        amounts = [Decimal(row["amount"]) for row in counted if row["money"] == money]
        assert sum(amounts) * 100 == total
    typed = pq.read_table(tmp_path / "findings.parquet").column("counts_money")
    assert typed.type == pa.bool_()
    assert sum(typed.to_pylist()) == len(counted)


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(start: str, tmp_path: Path) -> None:
    findings = findings_frame(40).head(1)
    findings["claim_id"] = start + "1+1"
    data.write_findings_csv(findings, tmp_path / "findings.csv")

    assert read_csv(tmp_path / "findings.csv")[0]["claim_id"] == "'" + start + "1+1"


def test_codes_keep_their_zeros_and_quotes_and_line_breaks_survive(tmp_path: Path) -> None:
    findings = findings_frame(40).head(1)
    findings["revenue_code"] = "0480"
    findings["message"] = 'a "quoted", text\nin two lines'
    data.write_findings_csv(findings, tmp_path / "findings.csv")

    row = read_csv(tmp_path / "findings.csv")[0]
    assert row["revenue_code"] == "0480"
    assert row["message"] == 'a "quoted", text\nin two lines'


def test_a_run_without_findings_still_has_a_header(tmp_path: Path) -> None:
    data.write_findings_csv(clean_run().audit.findings, tmp_path / "findings.csv")
    data.write_findings_parquet(clean_run().audit.findings, tmp_path / "findings.parquet")

    assert len((tmp_path / "findings.csv").read_text(encoding="utf-8").splitlines()) == 1
    assert pq.read_table(tmp_path / "findings.parquet").num_rows == 0


def test_parquet_is_typed_and_holds_text_as_found(tmp_path: Path) -> None:
    findings = findings_frame(40)
    findings.loc[0, "claim_id"] = "=1+1"
    data.write_findings_parquet(findings, tmp_path / "findings.parquet")

    table = pq.read_table(tmp_path / "findings.parquet")
    assert table.column_names == list(schema.FINDINGS)
    assert table.schema.field("amount").type == pa.decimal128(14, 2)
    assert table.schema.field("service_date").type == pa.date32()
    assert table.schema.field("source_row").type == pa.int64()
    assert table.column("claim_id")[0].as_py() == "=1+1"
    assert table.column("amount")[0].as_py() == Decimal(int(findings["amount"][0])) / 100


def test_partner_line_numbers_may_come_as_text(tmp_path: Path) -> None:
    findings = findings_frame(40).head(2)
    findings["partner_line_number"] = ["2", ""]
    data.write_findings_parquet(findings, tmp_path / "findings.parquet")

    table = pq.read_table(tmp_path / "findings.parquet")
    assert table.column("partner_line_number").to_pylist() == [2, None]


def test_rejected_lines_hold_shapes_and_are_guarded(tmp_path: Path) -> None:
    rejected = small_run().rejected.assign(value_shape="-99AA")
    data.write_rejected_csv(rejected, tmp_path / "rejected.csv")

    rows = read_csv(tmp_path / "rejected.csv")
    assert list(rows[0]) == list(schema.REJECTED)
    assert rows[0]["value_shape"] == "'-99AA"
    assert rows[0]["row"] == "11"


def test_run_json_tells_identity_inputs_counts_and_money_in_cents(tmp_path: Path) -> None:
    run = small_run()
    data.write_run_json(build(run), tmp_path / "run.json")

    facts = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert facts["format"] == 1
    assert facts["identity"] == run.identity
    assert facts["as_of"] == "2026-06-30"
    assert facts["inputs"][0]["sha256"] == run.intakes[0].sha256
    assert facts["reference"][1]["first_date"] is None
    assert facts["reference_digest"] == run.reference_digest
    for edition in facts["reference"]:
        assert edition["table_digest"] == run.table_digests[edition["table"]]
    assert facts["totals"]["at_risk_cents"] == run.audit.totals.at_risk_cents
    coverage = facts["totals"]["coverage"]
    assert coverage["judged"] + coverage["not_judged"] == coverage["in_scope"]
    assert coverage["judged"] / coverage["in_scope"] == pytest.approx(run.audit.coverage)
    assert facts["totals"]["studies"] == run.audit.findings["story"].nunique()
    assert facts["totals"]["patterns"] == len(build(run).patterns)
    lines = facts["lines"]
    assert lines["read"] == lines["audited"] + lines["superseded"] + lines["rejected"]


def test_run_json_has_books_that_add_up_for_every_rule() -> None:
    facts = data.run_facts(build(small_run()))

    for name, rule in facts["rules"].items():
        assert rule["in_scope"] == rule["flagged"] + rule["clean"] + rule["not_evaluated"], name
        assert rule["not_evaluated"] == sum(reason["lines"] for reason in rule["reasons"]), name
        assert rule["flagged"] == sum(rule["findings"].values()), name


def test_run_json_is_plain_json_for_hostile_texts(tmp_path: Path) -> None:
    run = replace(hostile_run(), command='auditor run "a\nb" \x01')
    data.write_run_json(build(run), tmp_path / "run.json")

    facts = json.loads((tmp_path / "run.json").read_text(encoding="utf-8"))
    assert facts["command"] == 'auditor run "a\nb" \x01'


def test_many_findings_are_written_in_pieces_with_the_same_bytes(
    tmp_path: Path, monkeypatch
) -> None:
    findings = findings_frame(60)
    data.write_findings_csv(findings, tmp_path / "whole.csv")
    data.write_findings_parquet(findings, tmp_path / "whole.parquet")
    monkeypatch.setattr(data, "_PIECE", 7)

    data.write_findings_csv(findings, tmp_path / "pieces.csv")
    data.write_findings_parquet(findings, tmp_path / "pieces.parquet")

    assert (tmp_path / "pieces.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    whole = pq.read_table(tmp_path / "whole.parquet")
    assert pq.read_table(tmp_path / "pieces.parquet").equals(whole)
