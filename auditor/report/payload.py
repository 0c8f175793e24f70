"""All findings as compressed columns, for the script of the page to unpack, filter and draw."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from auditor import schema
from auditor.reference import Source
from auditor.report.causes import pattern_numbers
from auditor.report.content import Report
from auditor.report.dispositions import Disposition
from auditor.report.listed import Listed, listed
from auditor.report.words import (
    BASIS_LABELS,
    BASIS_WORDS,
    FAMILY_LABELS,
    MONEY_LABELS,
    SEVERITY_LABELS,
    STATUS_LABELS,
)

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
    "first_seen": "First seen",
    "waiver": "Waiver",
    "disposition": "Disposition",
    "owner": "Owner",
    "note": "Note",
}
INTEGERS = ("line_number", "partner_line_number", "source_row")
HISTORY = ("first_seen", "waiver")
DECIDED = ("disposition", "owner", "note")
GZIP_LEVEL = 6
# What base64 of the findings may weigh, so that the page stays under 15 MB; all the rest of a
# page weighs less than half a megabyte.
MOST_BYTES = 14_000_000
# No finding packs into less, so that the first try is not absurd.
FEWEST_BYTES = 25


@dataclass(frozen=True)
class Payload:
    """The packed findings: ``text`` is base64 of gzip of JSON.

    ``held`` of the run's findings are in it, those of the dearest ``studies`` whole; they are all
    unless the page would grow too heavy.
    """

    text: str
    held: int
    studies: int


def packed(report: Report, cited: Mapping[str, Source], most_bytes: int = MOST_BYTES) -> Payload:
    """What the script needs; the same bytes for the same findings."""
    findings = report.run.audit.findings
    findings = findings.assign(pattern=pattern_numbers(findings, report.patterns))
    keep = min(len(findings), max(1, most_bytes // FEWEST_BYTES))
    while True:
        held = findings if keep >= len(findings) else _dearest(findings, report.studies, keep)
        rows = listed(held, report.studies, report.run.changes)
        content = json.dumps(
            _content(report, cited, rows), ensure_ascii=False, separators=(",", ":")
        )
        small = gzip.compress(content.encode("utf-8"), GZIP_LEVEL, mtime=0)
        text = base64.b64encode(small).decode("ascii")
        studies = int(held["story"].nunique())
        if len(text) <= most_bytes or studies <= 1:
            return Payload(text, len(held), studies)
        keep = max(1, min(keep, len(held)) * most_bytes * 9 // 10 // len(text))


def _dearest(findings: pd.DataFrame, studies: pd.DataFrame, keep: int) -> pd.DataFrame:
    """The findings of the dearest studies, each whole: about ``keep`` of them, in their order."""
    whole = max(1, int((studies["findings"].cumsum() <= keep).sum()))
    return findings[findings["story"].isin(studies["story"].head(whole))]


def _content(report: Report, cited: Mapping[str, Source], rows: Listed) -> dict[str, Any]:
    history = report.run.changes is not None
    decided = bool(report.run.dispositions)
    further = (*(HISTORY if history else ()), *(DECIDED if decided else ()))
    columns = pack(rows.frame, rows.studies["story"])
    return {
        "count": len(rows.frame),
        "open": rows.open,
        "apart": dict(rows.apart),
        "history": history,
        "decided": decided,
        "as_of": report.run.audit.as_of.isoformat(),
        "columns": columns | (_decisions(report, rows.frame["finding"]) if decided else {}),
        "studies": _studies(rows.studies),
        "titles": {rule.name: rule.title for rule in report.rules},
        "families": FAMILY_LABELS,
        "severities": SEVERITY_LABELS,
        "statuses": STATUS_LABELS,
        "money": MONEY_LABELS,
        "bases": BASIS_LABELS,
        "basis_words": BASIS_WORDS,
        "labels": {name: _column_label(name) for name in (*schema.FINDINGS, *further)},
        "sources": {name: asdict(source) for name, source in sorted(cited.items())},
    }


def pack(findings: pd.DataFrame, studies: pd.Series[str]) -> dict[str, Any]:
    """Findings as columns: ``words`` and ``codes`` where values repeat, else ``values``.

    Words are sorted, so that the order of the codes is the order of the words; those of ``story``
    stand as in ``studies``, dearest first. ``amount`` is cents; dates are ISO text; ``line``
    numbers the claim lines, ``pattern`` the patterns from 1 on; ``counts_money`` is yes on the
    finding that carries its line's money.
    """
    columns: dict[str, Any] = {}
    for name in (*schema.FINDINGS, *(name for name in HISTORY if name in findings)):
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
    for name in ("line", "pattern"):
        if name in findings:
            columns[name] = {"values": findings[name].astype("int64").tolist()}
    return columns


def _decisions(report: Report, findings: pd.Series[Any]) -> dict[str, Any]:
    """What people decided about each finding; blank where nobody did."""
    known, none = report.run.dispositions, Disposition()
    decided = [known.get(str(finding), none) for finding in findings]
    return {name: _coded(pd.Series([getattr(one, name) for one in decided])) for name in DECIDED}


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
