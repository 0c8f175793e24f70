"""The page: one self-contained file that opens offline.

Summaries and the first findings are plain HTML; all findings travel as compressed columns that the
page's script unpacks. The policy in the page's head forbids every outside request and any script
but ours.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup

from auditor.reference import Source
from auditor.report import payload, trend
from auditor.report.changed import changed
from auditor.report.content import Report, RuleSection, Share
from auditor.report.rows import Finding
from auditor.report.standing import decided_words, decisions, standing_words
from auditor.report.words import (
    BASIS_WORDS,
    MONEY_LABELS,
    NONE_JUDGED,
    RECOVERED_MEANS,
    SEVERITY_LABELS,
    counted,
    crowded_words,
    day_words,
    dollars,
    self_test_words,
    sentence,
    source_names,
    whole_dollars,
)
from auditor.rule import SEVERITIES
from auditor.shipped import templates_dir

REJECTED_ROWS = 50
CHART_ROWS = 12
STYLES = ("page.css", "charts.css", "worklist.css", "narrow.css", "print.css")
# The last one starts the page.
SCRIPTS = (
    "cells.js",
    "controls.js",
    "address.js",
    "list.js",
    "groups.js",
    "finding.js",
    "download.js",
    "page.js",
)


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


def render(report: Report, most_bytes: int = payload.MOST_BYTES) -> str:
    """The page as text; ``most_bytes`` is what the findings in it may weigh."""
    folder = templates_dir()
    style = "".join(_own_text(folder / "styles" / name) for name in STYLES)
    script = _script(folder)
    cited = cited_by_id(report)
    packed = payload.packed(report, cited, most_bytes)
    return (
        environment(report)
        .get_template("report.html.j2")
        .render(
            facts(report)
            | {
                "policy": _policy(style, script),
                "style": Markup(style),  # noqa: S704  our own file
                "script": Markup(script),  # noqa: S704  our own file
                "payload": packed.text,
                "held": packed.held,
                "held_studies": packed.studies,
            }
        )
    )


def environment(report: Report) -> jinja2.Environment:
    """Templates with the filters that dress plain values."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    made.filters |= {
        "dollars": dollars,
        "whole_dollars": whole_dollars,
        "number": lambda number: f"{number:,}",
        "day": day_words,
        "plain": lambda number: "" if number is None else f"{number:g}",
        "plain_text": _plain_text,
        "counted": counted,
        "crowded": crowded_words,
        "sentence": sentence,
        "self_test_words": self_test_words,
        "source_names": lambda ids: source_names(ids, report.run.sources),
    }
    return made


def facts(report: Report) -> dict[str, Any]:
    """What the templates of page and PDF show."""
    cited = cited_by_id(report)
    told = changed(report)
    decided = decisions(report)
    return {
        "report": report,
        "run": report.run,
        "changed": told,
        "age_bars": _money_bars(told.ages) if told else [],
        "chart_rows": CHART_ROWS,
        "chart_width": trend.WIDTH,
        "chart_height": trend.HEIGHT,
        "rule_bars": _rule_bars(report.rules),
        "family_bars": _money_bars(report.families),
        "payer_bars": _money_bars(report.payers),
        "department_bars": _money_bars(report.departments),
        "decided_bars": _money_bars(decided),
        "decided": decided_words(decided),
        "standing": standing_words(report),
        "rejected": _records(report.run.rejected.head(REJECTED_ROWS)),
        "rejected_why": report.run.rejected["reason"].value_counts().to_dict(),
        "repairs": [_records(intake.repairs) for intake in report.run.intakes],
        "cited": sorted(cited.values(), key=lambda source: (source.publisher, source.title)),
        "money_labels": MONEY_LABELS,
        "basis_words": BASIS_WORDS,
        "severity_labels": SEVERITY_LABELS,
        "none_judged": NONE_JUDGED,
        "recovered_means": RECOVERED_MEANS,
        "drawn": "",
    }


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
    """The scripts in one function of their own, so that the page has no global names of ours."""
    parts = (_own_text(folder / "scripts" / name) for name in SCRIPTS)
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


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def cited_by_id(report: Report) -> dict[str, Source]:
    """The sources that rules and findings cite."""
    cited = {source.id: source for rule in report.rules for source in rule.sources}
    named = report.run.audit.findings["sources"].unique()
    for name in {word for words in named for word in str(words).split()}:
        if name in report.run.sources:
            cited[name] = report.run.sources[name]
    return cited


def _plain_text(finding: Finding) -> str:
    """Claim and line as one text: ``C0001 / 2``."""
    line = finding.line_number
    return finding.claim_id if line is None else f"{finding.claim_id} / {line}"
