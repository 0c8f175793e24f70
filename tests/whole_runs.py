"""Whole runs in a test: tables of text go in as export files, findings and counts come out."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd

from auditor import batch
from auditor.ingest.synonyms import SYNONYMS
from auditor.progress import Progress
from auditor.request import Request
from auditor.settings import Settings
from tests.oracle.compare import PAYERS, generated

# Where a line stood, and whether its finding is new, says nothing about the line.
PLACE = ("source_file", "source_sheet", "source_row", "status")
FACTS = ("lines", "totals", "rules")
HEADERS = {column: names[0] for column, names in SYNONYMS.items()}


@dataclass(frozen=True)
class Export:
    """Claim lines as text by schema column, and what a run of them is asked."""

    lines: pd.DataFrame
    as_of: date
    settings: Settings


@dataclass(frozen=True)
class Said:
    """What a run said: its findings as text, what run.json counts, and its folder."""

    findings: pd.DataFrame
    facts: dict[str, Any]
    folder: Path


def invented_export(seed: int, patients: int) -> Export:
    """The oracle's invented patients in one table that lacks no column.

    Of two lines with one number on one claim the later row would be the later line: here numbers
    tell all lines of a claim apart, so that nothing hangs on the order of rows.
    """
    files, as_of, _ = generated(seed, patients)
    lines = pd.DataFrame([row for file in files for row in file.rows]).fillna("")
    lines["line_number"] = (lines.groupby("claim_id").cumcount() + 1).astype(str)
    lines["modifiers"] = [" ".join(dict.fromkeys(cell.split())) for cell in lines["modifiers"]]
    return Export(lines, as_of, Settings.model_validate({"payers": PAYERS}))


def written(tables: Sequence[pd.DataFrame], folder: Path, name: str = "part") -> list[Path]:
    """The tables as CSV files, one a table; columns of claim lines under their plainest header."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}{number}.csv" for number in range(len(tables))]
    for table, path in zip(tables, paths, strict=True):
        table.rename(columns=HEADERS).to_csv(path, index=False)
    return paths


def said_of(files: Sequence[Path], out: Path, asked: Export, **options: Any) -> Said:
    """Audits files as ``auditor run`` does. Books that don't add up fail here."""
    request = Request(
        files=tuple(files),
        out=out,
        settings=asked.settings,
        as_of=options.pop("as_of", asked.as_of),
        formats=frozenset({"csv", "json"}),
        **options,
    )
    batch.run(request, Progress(quiet=True))
    findings = pd.read_csv(out / "findings.csv", dtype=str, keep_default_na=False)
    facts = json.loads((out / "run.json").read_text("utf-8"))
    _check_books(facts)
    return Said(findings, {name: facts[name] for name in FACTS}, out)


def _check_books(facts: dict[str, Any]) -> None:
    lines = facts["lines"]
    assert lines["read"] == lines["audited"] + lines["superseded"] + lines["rejected"]
    for name, rule in facts["rules"].items():
        judged = rule["flagged"] + rule["clean"] + rule["not_evaluated"]
        assert judged == rule["in_scope"], f"{name}: the books don't add up"
        reasons = sum(reason["lines"] for reason in rule["reasons"])
        assert reasons == rule["not_evaluated"], f"{name}: not all reasons are told"


def same(one: Said, other: Said, apart: Sequence[str] = (), counts: Sequence[str] = FACTS) -> None:
    """Fails with the lines that differ; columns ``apart`` and the places of lines may."""
    told = differences(one.findings, other.findings, apart)
    assert not told, "\n".join([f"{len(told)} findings differ", *told[:12]])
    for name in counts:
        assert one.facts[name] == other.facts[name], name


def differences(one: pd.DataFrame, other: pd.DataFrame, apart: Sequence[str] = ()) -> list[str]:
    """Findings of one run alone, in words, with the columns in which the other's differ."""
    columns = [name for name in one.columns if name not in {*PLACE, *apart}]
    ours, theirs = (
        Counter(table[columns].itertuples(index=False, name=None)) for table in (one, other)
    )
    told = []
    for mark, here, there in (("-", ours, theirs), ("+", theirs, ours)):
        others = {_line(columns, row): row for row in (there - here).elements()}
        for row in (here - there).elements():
            twin = others.get(_line(columns, row), row)
            cells = zip(columns, row, twin, strict=True)
            parts = [f"{name}={cell!r}" for name, cell, its in cells if cell != its]
            told.append(f"{mark} {' '.join(_line(columns, row))}: {', '.join(parts) or 'alone'}")
    return sorted(told, key=lambda text: text[2:])


def _line(columns: Sequence[str], row: tuple[str, ...]) -> tuple[str, str, str]:
    cells = dict(zip(columns, row, strict=True))
    return cells["rule"], cells["claim_id"], cells["line_number"]


def parts_of(lines: pd.DataFrame, seed: int, by: str = "") -> list[pd.DataFrame]:
    """Lines dealt into three tables: those with one cell in ``by`` together, else one by one."""
    keys = lines[by] if by else pd.Series(lines.index.astype(str), index=lines.index)
    part = keys.map(lambda key: Random(f"{seed} {key}").randrange(3))
    return [table for _, table in lines.groupby(part)]
