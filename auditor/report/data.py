"""Findings, rejected lines and the run as data files: CSV, Parquet, JSON.

``findings.csv`` has the same bytes for the same findings on any day. A text cell that a
spreadsheet would take for a formula gets an apostrophe in front; numbers and dates do not.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from auditor import schema
from auditor.changes import Changes
from auditor.reference import Edition
from auditor.report.content import Report, RuleSection
from auditor.self_test import SelfTest

RUN_FORMAT = 1
_PIECE = 25_000
AMOUNT = pa.decimal128(14, 2)
HUNDREDTH = pa.scalar(Decimal("0.01"), pa.decimal128(3, 2))
TYPES: dict[str, pa.DataType] = {
    "amount": AMOUNT,
    "line_number": pa.int64(),
    "partner_line_number": pa.int64(),
    "service_date": pa.date32(),
    "units": pa.float64(),
    "source_row": pa.int64(),
    "row": pa.int64(),
    "counts_money": pa.bool_(),
}
FORMULA_START = r"^([=+\-@\t\r])"
_FORMULA_BYTES = pa.array([b"=", b"+", b"-", b"@", b"\t", b"\r"])


def findings_table(findings: pd.DataFrame) -> pa.Table:
    """Findings with the columns of ``schema.FINDINGS``, typed; ``amount`` in dollars."""
    return _table(findings, schema.FINDINGS)


def write_findings_csv(findings: pd.DataFrame, path: Path) -> None:
    """UTF-8, comma, LF, text in quotes; dollars with two decimals, dates ISO 8601, yes and no."""
    _write_csv(map(findings_table, _in_pieces(findings)), path)


def write_findings_parquet(findings: pd.DataFrame, path: Path) -> None:
    """The same columns as ``findings.csv``, typed, text as found."""
    pieces = map(findings_table, _in_pieces(findings))
    first = next(pieces)
    with pq.ParquetWriter(path, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for piece in pieces:
            writer.write_table(piece)


def _in_pieces(table: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The rows in pieces, one at least; text as it is written takes a multiple of what it was."""
    for first in range(0, max(len(table), 1), _PIECE):
        yield table.iloc[first : first + _PIECE]


def write_rejected_csv(rejected: pd.DataFrame, path: Path) -> None:
    """One row a rejected line, columns of ``schema.REJECTED``."""
    _write_csv([_table(rejected, schema.REJECTED)], path)


def write_text_csv(table: pd.DataFrame, columns: tuple[str, ...], path: Path) -> None:
    """Some columns of any table as ``findings.csv`` writes its own."""
    _write_csv([_table(table, columns)], path)


def write_run_json(report: Report, path: Path) -> None:
    """What ran, on what, with which result; see ``run_facts``."""
    text = json.dumps(run_facts(report), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def run_facts(report: Report) -> dict[str, Any]:
    """The run as plain values: identity, inputs, reference, counts, totals, times.

    Money is integer cents under names that end in ``_cents``. ``format`` grows when a key changes
    its meaning or goes; new keys alone don't raise it.
    """
    run = report.run
    return {
        "format": RUN_FORMAT,
        "program_version": run.program_version,
        "identity": run.identity,
        "failed_rules": [{"rule": rule, "why": why} for rule, why in report.failed],
        "as_of": run.audit.as_of.isoformat(),
        "rule_set_digest": run.rule_set_digest,
        "settings_digest": run.settings_digest,
        "settings_changed": dict(run.settings_changed),
        "command": run.command,
        "asides": list(run.asides),
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "seconds": {stage: round(seconds, 3) for stage, seconds in run.seconds.items()},
        "inputs": [_input_facts(intake) for intake in run.intakes],
        "reference_needed": dict(run.needed),
        "reference_digest": run.reference_digest,
        "reference": [_edition_facts(edition, run.table_digests) for edition in run.editions],
        "lines": {
            "read": run.lines_read,
            "audited": run.audited,
            "superseded": run.superseded,
            "rejected": len(run.rejected),
            "in_family": run.in_family,
            "crowded_days": run.audit.counts.crowded_days,
        },
        "totals": total_facts(report),
        "closed": _closed_facts(run.changes) if run.changes else None,
        "self_test": _self_test_facts(run.self_test),
        "rules": {rule.name: _rule_facts(rule) for rule in report.rules},
        "unlocks": [
            {"column": gap.detail, "rules": list(gap.rules), "lines": gap.lines}
            for gap in report.unlocks
        ],
    }


def _closed_facts(changes: Changes) -> dict[str, list[str]]:
    """Ids of the findings that the run found closed, by what became of them."""
    return {
        name: getattr(changes, name)["finding"].astype("str").tolist()
        if len(getattr(changes, name))
        else []
        for name in ("resolved", "waived", "unjudged")
    }


def total_facts(report: Report) -> dict[str, Any]:
    """The totals of run.json and report.json."""
    totals, coverage = report.run.audit.totals, report.coverage
    return {
        "findings": totals.findings,
        "denial": totals.denial,
        "review": totals.review,
        "note": totals.note,
        "new": report.new_findings,
        "lines_flagged": totals.lines_flagged,
        "at_risk_cents": totals.at_risk_cents,
        "at_risk_charged_cents": report.charged_cents,
        "at_risk_without_amount": report.at_risk_without_amount,
        "missed_cents": totals.missed_cents,
        "missed_without_amount": totals.missed_without_amount,
        "coverage": {
            "judged": coverage.judged,
            "not_judged": coverage.not_judged,
            "in_scope": coverage.in_scope,
            "percent": coverage.percent,
        },
        "patterns": len(report.patterns),
        "studies": int(report.run.audit.findings["story"].nunique()),
    }


def _self_test_facts(tested: SelfTest | None) -> dict[str, Any] | None:
    """What the rules' own cases proved; None where they were not run."""
    if tested is None:
        return None
    return {
        "passed": tested.passed,
        "cases": tested.cases,
        "untested_rules": list(tested.untested),
        "faults": [asdict(fault) for fault in tested.faults],
    }


def _input_facts(intake: Any) -> dict[str, Any]:
    return {
        "file": intake.file,
        "sheet": intake.sheet,
        "sha256": intake.sha256,
        "lines_read": intake.lines_read,
        "rejected": len(intake.rejected),
        "totals_rows": intake.totals_rows,
        "columns": {match.column: list(match.headers) for match in intake.mapping.matches},
        "missing": list(intake.mapping.missing),
    }


def _edition_facts(edition: Edition, digests: Mapping[str, str]) -> dict[str, Any]:
    return {
        "table": edition.table,
        "setting": edition.setting,
        "edition": edition.edition,
        "first_date": edition.first_date.isoformat() if edition.first_date else None,
        "last_date": edition.last_date.isoformat() if edition.last_date else None,
        "rows": edition.rows,
        "origin": edition.origin,
        "table_digest": digests.get(edition.table, ""),
    }


def _rule_facts(rule: RuleSection) -> dict[str, Any]:
    denial, review, note = rule.by_severity
    return {
        "status": "error" if any(gap.reason == "error" for gap in rule.gaps) else "judged",
        "family": rule.family,
        "severity": rule.severity,
        "money": rule.money,
        "in_scope": rule.in_scope,
        "flagged": rule.flagged,
        "clean": rule.clean,
        "not_evaluated": rule.not_evaluated,
        "reasons": [
            {"reason": gap.reason, "detail": gap.detail, "lines": gap.lines} for gap in rule.gaps
        ],
        "findings": {"denial": denial, "review": review, "note": note},
        "at_risk_cents": rule.at_risk_cents,
        "missed_cents": rule.missed_cents,
    }


def _table(frame: pd.DataFrame, columns: tuple[str, ...]) -> pa.Table:
    return pa.table({name: _column(frame[name], TYPES.get(name)) for name in columns})


def _column(values: pd.Series[Any], kind: pa.DataType | None) -> Any:
    if kind is None:
        return pc.fill_null(pc.cast(pa.array(values, from_pandas=True), pa.string()), "")
    if kind == AMOUNT:
        cents = pc.cast(pa.array(values, type=pa.int64(), from_pandas=True), pa.decimal128(19, 0))
        return pc.cast(pc.multiply(cents, HUNDREDTH), AMOUNT)
    if pa.types.is_date(kind):
        return pc.cast(pa.array(values, type=pa.timestamp("s"), from_pandas=True), kind)
    if pa.types.is_integer(kind):
        values = pd.to_numeric(values, errors="coerce").astype("Int64")
    return pa.array(values, type=kind, from_pandas=True)


def _write_csv(pieces: Iterable[pa.Table], path: Path) -> None:
    guarded = map(_guarded, pieces)
    first = next(guarded)
    with pa_csv.CSVWriter(path, first.schema) as writer:
        writer.write_table(first)
        for piece in guarded:
            writer.write_table(piece)


def _guarded(table: pa.Table) -> pa.Table:
    """What stands in a CSV file: no text that a spreadsheet takes for a formula, yes and no."""
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) and _begins_like_a_formula(table.column(place)):
            guarded = pc.replace_substring_regex(table.column(place), FORMULA_START, r"'\1")
            table = table.set_column(place, field.name, guarded)
        elif pa.types.is_boolean(field.type):
            words = pc.if_else(table.column(place), "yes", "no")
            table = table.set_column(place, field.name, words)
    return table


def _begins_like_a_formula(texts: Any) -> bool:
    """Whether some cell does: looking at first bytes takes a fifth of what a pattern takes."""
    first = pc.binary_slice(texts.cast(pa.binary()), 0, 1)
    return bool(pc.any(pc.is_in(first, _FORMULA_BYTES)).as_py())
