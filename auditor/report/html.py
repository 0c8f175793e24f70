"""The page: one self-contained file that opens offline.

Summaries and the first findings are plain HTML; all findings travel as compressed columns that the
page's script unpacks. The policy in the page's head forbids every outside request and any script
but ours.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import jinja2
import numpy as np
import pandas as pd
from markupsafe import Markup

from auditor import schema
from auditor.report.content import Report, RuleSection, Share
from auditor.report.rows import Finding
from auditor.report.words import (
    BASIS_LABELS,
    FAMILY_LABELS,
    MONEY_LABELS,
    SEVERITY_LABELS,
    counted,
    day_words,
    dollars,
    whole_dollars,
)
from auditor.rule import SEVERITIES
from auditor.shipped import templates_dir

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
}
INTEGERS = ("line_number", "partner_line_number", "source_row")
GZIP_LEVEL = 6
REJECTED_ROWS = 50


@dataclass(frozen=True)
class RuleBar:
    """A rule's findings as segments of a bar 100 wide: (severity, start, width)."""

    rule: RuleSection
    findings: int
    segments: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class MoneyBar:
    """A share's two sums as bars on one scale, 100 wide."""

    share: Share
    at_risk: float
    missed: float


def write(report: Report, path: Path) -> None:
    """Writes the page as UTF-8 with LF."""
    path.write_text(render(report), encoding="utf-8", newline="\n")


def render(report: Report) -> str:
    """The page as text."""
    folder = templates_dir()
    style = _own_text(folder / "style.css")
    script = _script(folder)
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "dollars": dollars,
        "whole_dollars": whole_dollars,
        "number": lambda number: f"{number:,}",
        "day": day_words,
        "plain": lambda number: "" if number is None else f"{number:g}",
        "plain_text": _plain_text,
        "counted": counted,
        "column_label": _column_label,
    }
    return environment.get_template("report.html.j2").render(
        report=report,
        run=report.run,
        rule_bars=_rule_bars(report.rules),
        family_bars=_money_bars(report.families),
        payer_bars=_money_bars(report.payers),
        rejected=_rejected_rows(report.run.rejected),
        repairs=[_records(intake.repairs) for intake in report.run.intakes],
        cited=_cited(report),
        basis_labels=BASIS_LABELS,
        money_labels=MONEY_LABELS,
        severity_labels=SEVERITY_LABELS,
        family_labels=FAMILY_LABELS,
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704  our own file
        script=Markup(script),  # noqa: S704  our own file
        payload=_payload(report),
        rejected_rows=REJECTED_ROWS,
    )


def pack(findings: pd.DataFrame) -> dict[str, Any]:
    """Findings as columns: ``words`` and ``codes`` where values repeat, else ``values``.

    Words are sorted, so that the order of the codes is the order of the words. ``amount`` is
    cents; dates are ISO text; ``line`` numbers the claim lines, ``carrier`` is 1 on the finding
    that carries its line's money in the totals.
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
        else:
            columns[name] = _coded(values.astype(str))
    place = findings[["source_file", "source_sheet", "source_row"]]
    columns["line"] = {"values": place.groupby(list(place), sort=False).ngroup().tolist()}
    columns["carrier"] = {"values": findings["counts_money"].astype("int64").tolist()}
    return columns


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


def _payload(report: Report) -> str:
    """What the script needs, as base64 of gzip of JSON; the same bytes for the same findings."""
    findings = report.run.audit.findings
    content = {
        "count": len(findings),
        "columns": pack(findings),
        "titles": {rule.name: rule.title for rule in report.rules},
        "families": FAMILY_LABELS,
        "severities": SEVERITY_LABELS,
        "money": MONEY_LABELS,
        "bases": BASIS_LABELS,
        "labels": {name: _column_label(name) for name in schema.FINDINGS},
        "sources": {name: asdict(source) for name, source in sorted(_cited_by_id(report).items())},
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8")
    return base64.b64encode(gzip.compress(text, GZIP_LEVEL, mtime=0)).decode("ascii")


def _column_label(name: str) -> str:
    if name in DISPLAY_LABELS:
        return DISPLAY_LABELS[name]
    known = schema.COLUMNS.get(name)
    return known.label if known else name


def _policy(style: str, script: str) -> str:
    """Nothing from outside, and only our own style and script, known by their digests."""
    return (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; "
        f"script-src {_digest(script)}; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> Markup:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return Markup("'sha256-{}'").format(base64.b64encode(digest).decode("ascii"))


def _script(folder: Path) -> str:
    """Both scripts in one function of their own, so that the page has no global names of ours."""
    parts = (_own_text(folder / name) for name in ("report.js", "finding.js"))
    return '\n"use strict";\n(() => {' + "".join(parts) + "})();\n"


def _own_text(path: Path) -> str:
    return "\n" + path.read_text(encoding="utf-8").strip() + "\n"


def _rule_bars(rules: tuple[RuleSection, ...]) -> list[RuleBar]:
    most = max((rule.flagged for rule in rules), default=0)
    bars = []
    for rule in rules:
        start, segments = 0.0, []
        for severity, found in zip(SEVERITIES, rule.by_severity, strict=True):
            if found:
                width = max(100 * found / most, 0.6)
                segments.append((severity, round(start, 2), round(width, 2)))
                start += width
        if segments:
            bars.append(RuleBar(rule, sum(rule.by_severity), tuple(segments)))
    return bars


def _money_bars(shares: tuple[Share, ...]) -> list[MoneyBar]:
    sums = [cents for share in shares for cents in (share.at_risk_cents, share.missed_cents)]
    most = max([*sums, 1])
    return [
        MoneyBar(
            share,
            round(100 * share.at_risk_cents / most, 2),
            round(100 * share.missed_cents / most, 2),
        )
        for share in shares
    ]


def _rejected_rows(rejected: pd.DataFrame) -> list[dict[str, Any]]:
    return _records(rejected.head(REJECTED_ROWS))


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def _cited_by_id(report: Report) -> dict[str, Any]:
    cited = {source.id: source for rule in report.rules for source in rule.sources}
    named = report.run.audit.findings["sources"].unique()
    for name in {word for words in named for word in str(words).split()}:
        if name in report.run.sources:
            cited[name] = report.run.sources[name]
    return cited


def _cited(report: Report) -> list[Any]:
    return sorted(
        _cited_by_id(report).values(), key=lambda source: (source.publisher, source.title)
    )


def _plain_text(finding: Finding) -> str:
    """Claim and line as one text: ``C0001 / 2``."""
    line = finding.line_number
    return finding.claim_id if line is None else f"{finding.claim_id} / {line}"
