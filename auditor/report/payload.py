"""All findings as compressed columns, for the script of the page to unpack, filter and draw."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from auditor import schema
from auditor.reference import Source
from auditor.report.causes import pattern_numbers
from auditor.report.content import Report
from auditor.report.words import BASIS_LABELS, FAMILY_LABELS, MONEY_LABELS, SEVERITY_LABELS

DISPLAY_LABELS = {
    "finding": "Finding",
    "rule": "Rule",
    "family": "Family",
    "severity": "Severity",
    "money": "Money",
    "amount": "Amount",
    "amount_basis": "Amount is",
    "status": "Status",
    "message": "What was found",
    "remedy": "What to do",
    "denial_codes": "Denial codes",
    "partner_claim_id": "Partner claim",
    "partner_line_number": "Partner line",
    "other_partners": "Other partners",
    "sources": "Sources",
    "counts_money": "In the total",
    "story": "Study",
}
INTEGERS = ("line_number", "partner_line_number", "source_row")
GZIP_LEVEL = 6


def packed(report: Report, cited: Mapping[str, Source]) -> str:
    """What the script needs, as base64 of gzip of JSON; the same bytes for the same findings."""
    findings = report.run.audit.findings
    columns = pack(findings, report.studies["story"])
    columns["pattern"] = {"values": pattern_numbers(findings, report.patterns)}
    content = {
        "count": len(findings),
        "columns": columns,
        "studies": _studies(report.studies),
        "titles": {rule.name: rule.title for rule in report.rules},
        "families": FAMILY_LABELS,
        "severities": SEVERITY_LABELS,
        "money": MONEY_LABELS,
        "bases": BASIS_LABELS,
        "labels": {name: _column_label(name) for name in schema.FINDINGS},
        "sources": {name: asdict(source) for name, source in sorted(cited.items())},
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return base64.b64encode(gzip.compress(text, GZIP_LEVEL, mtime=0)).decode("ascii")


def pack(findings: pd.DataFrame, studies: pd.Series[str]) -> dict[str, Any]:
    """Findings as columns: ``words`` and ``codes`` where values repeat, else ``values``.

    Words are sorted, so that the order of the codes is the order of the words; those of ``story``
    stand as in ``studies``, dearest first. ``amount`` is cents; dates are ISO text; ``line``
    numbers the claim lines; ``counts_money`` is yes on the finding that carries its line's money.
    """
    columns: dict[str, Any] = {}
    for name in schema.FINDINGS:
        values = findings[name]
        if name == "amount" or name in INTEGERS:
            columns[name] = {"values": _whole_numbers(values)}
        elif name == "units":
            columns[name] = {"values": [None if pd.isna(v) else v for v in values.tolist()]}
        elif name == "service_date":
            columns[name] = _coded(values.dt.strftime("%Y-%m-%d").fillna(""))
        elif name == "counts_money":
            codes = values.astype("int64").tolist()
            columns[name] = {"words": ["no", "yes"], "codes": codes}
        elif name == "story":
            codes = pd.Index(studies).get_indexer(pd.Index(values)).tolist()
            columns[name] = {"words": studies.tolist(), "codes": codes}
        else:
            columns[name] = _coded(values.astype(str))
    columns["line"] = {"values": findings["line"].astype("int64").tolist()}
    return columns


def _studies(studies: pd.DataFrame) -> dict[str, list[Any]]:
    """Their columns, in the order of the codes of ``story``; dates as ISO text, money in cents."""
    dates = {
        name: studies[name].dt.strftime("%Y-%m-%d").fillna("").tolist()
        for name in ("first_date", "last_date")
    }
    counts = {
        name: studies[name].astype("int64").tolist()
        for name in ("findings", "lines", "at_risk", "missed")
    }
    return dates | counts


def _coded(values: pd.Series[Any]) -> dict[str, Any]:
    codes, found = pd.factorize(values)
    if len(found) * 2 > len(values):
        return {"values": values.tolist()}
    words = [str(word) for word in found.tolist()]
    order = sorted(range(len(words)), key=words.__getitem__)
    rank = np.empty(len(words), dtype="int64")
    rank[order] = np.arange(len(words))
    return {"words": [words[place] for place in order], "codes": rank[codes].tolist()}


def _whole_numbers(values: pd.Series[Any]) -> list[int | None]:
    numbers = pd.to_numeric(values, errors="coerce").astype("Int64").astype(object)
    return numbers.where(numbers.notna(), None).tolist()


def _column_label(name: str) -> str:
    if name in DISPLAY_LABELS:
        return DISPLAY_LABELS[name]
    known = schema.COLUMNS.get(name)
    return known.label if known else name
