"""report.json: the report for machines, which the mail and a site's own programs read.

No line of a claim stands in it: no patient, no claim number, no message. The rows lie in the file
that ``findings`` points to. Payers and billing NPIs are as the export writes them. Money is integer
cents under names that end in ``_cents``; dates are ISO 8601; a line's money counts once in every
list but ``rules``, where a line that several rules flag stands under each.

| key | holds |
|---|---|
| ``format`` | 1; grows when a key changes its meaning or goes, not when one is added |
| ``identity``, ``program_version``, ``as_of``, ``started_at`` | which run |
| ``failed_rules`` | rules that failed and judged nothing, and why; empty in every sound run |
| ``first_date``, ``last_date`` | the audited dates of service; null without lines |
| ``inputs`` | names of the files read |
| ``verdict`` | ``kind`` (see ``content.Verdict``), ``headline``, ``action`` |
| ``asides`` | sentences on what to mind before the figures |
| ``lines`` | read = audited + superseded + rejected; in_family |
| ``claims``, ``patients`` | how many |
| ``totals`` | findings, by severity, lines flagged, cents at risk (and of these the charges, for |
| | want of an allowed amount and a rate) and missed, and the findings of each that have no |
| | amount; as in run.json |
| ``coverage`` | checks (a rule on a line): in_scope = judged + not_judged; percent |
| ``rules`` | in report order: name, title, family, severity, remedy, books, cents, findings by |
| | severity and by status |
| ``families``, ``payers``, ``providers`` | findings and cents of each; most money first |
| ``decisions`` | findings and cents of each disposition, and of those undecided; empty where |
| | nobody decided |
| ``not_evaluated`` | reason, detail, rules, lines, why, remedy; widest first |
| ``unlocks`` | column, rules and lines it would unlock |
| ``changes`` | null without a history; else since, nights (the trend, this run last), notes, |
| | and resolved, waived and unjudged findings counted by rule, payer and provider |
| ``findings`` | file (null where neither Parquet nor CSV was asked for), rows, columns |
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.report import tally
from auditor.report.data import total_facts
from auditor.report.standing import decisions
from auditor.report.words import FAMILY_LABELS, day_words
from auditor.schema import FINDINGS

if TYPE_CHECKING:
    from collections.abc import Collection

    import pandas as pd

    from auditor.changes import Changes, Night
    from auditor.report.content import Report, RuleSection

FORMAT = 1
NAME = "report.json"
_GROUPS = ["rule", "family", "severity", "payer", "payer_type", "billing_npi", "rendering_npi"]


def write_report_json(report: Report, formats: Collection[str], path: Path) -> None:
    """Writes report.json; ``formats`` are those of the run."""
    text = json.dumps(report_facts(report, formats), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8", newline="\n")


def report_facts(report: Report, formats: Collection[str]) -> dict[str, Any]:
    """The report as plain values; the keys stand at the top of this module."""
    run = report.run
    findings = run.audit.findings
    return {
        "format": FORMAT,
        "identity": run.identity,
        "program_version": run.program_version,
        "failed_rules": [{"rule": rule, "why": why} for rule, why in report.failed],
        "as_of": run.audit.as_of.isoformat(),
        "started_at": run.started_at.isoformat(timespec="seconds"),
        "first_date": day_words(report.first_date) or None,
        "last_date": day_words(report.last_date) or None,
        "inputs": list(dict.fromkeys(intake.file for intake in run.intakes)),
        "verdict": {
            "kind": report.verdict.kind,
            "headline": report.verdict.headline,
            "action": report.verdict.action,
        },
        "asides": list(run.asides),
        "lines": {
            "read": run.lines_read,
            "audited": run.audited,
            "superseded": run.superseded,
            "rejected": len(run.rejected),
            "in_family": run.in_family,
        },
        "claims": report.claims,
        "patients": report.patients,
        **_counts(report),
        "rules": _rules(report, findings),
        "families": [
            {"label": FAMILY_LABELS.get(row["family"], row["family"]), **row}
            for row in _rows(findings, ["family"])
        ],
        "payers": _rows(findings, ["payer", "payer_type"]),
        "providers": _rows(findings, ["billing_npi"]),
        "decisions": [asdict(share) for share in decisions(report)],
        **_gaps(report),
        "changes": _changes(run.changes) if run.changes else None,
        "findings": {
            "file": _findings_file(formats),
            "rows": len(findings),
            "columns": list(FINDINGS),
        },
    }


def _counts(report: Report) -> dict[str, Any]:
    totals = total_facts(report)
    coverage = totals.pop("coverage")
    return {"totals": totals, "coverage": coverage}


def _rules(report: Report, findings: pd.DataFrame) -> list[dict[str, Any]]:
    known = findings[findings["status"].ne("")]
    sizes = known.groupby(["rule", "status"], observed=True).size().reset_index(name="findings")
    statuses: dict[str, dict[str, int]] = {}
    for row in sizes.to_dict("records"):
        statuses.setdefault(str(row["rule"]), {})[str(row["status"])] = int(row["findings"])
    return [_rule(rule, statuses.get(rule.name, {})) for rule in report.rules]


def _rule(rule: RuleSection, statuses: Mapping[str, int]) -> dict[str, Any]:
    denial, review, note = rule.by_severity
    return {
        "name": rule.name,
        "title": rule.title,
        "family": rule.family,
        "severity": rule.severity,
        "money": rule.money,
        "remedy": rule.remedy,
        "denial_codes": list(rule.denial_codes),
        "in_scope": rule.in_scope,
        "flagged": rule.flagged,
        "clean": rule.clean,
        "not_evaluated": rule.not_evaluated,
        "findings": {"denial": denial, "review": review, "note": note},
        "statuses": dict(statuses),
        "at_risk_cents": rule.at_risk_cents,
        "missed_cents": rule.missed_cents,
    }


def _rows(findings: pd.DataFrame, by: list[str]) -> list[dict[str, Any]]:
    if findings.empty:
        return []
    table = tally.sums(findings, by).rename(
        columns={"at_risk": "at_risk_cents", "missed": "missed_cents"}
    )
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]


def _gaps(report: Report) -> dict[str, Any]:
    return {
        "not_evaluated": [
            {
                "reason": gap.reason,
                "detail": gap.detail,
                "rules": list(gap.rules),
                "lines": gap.lines,
                "why": gap.why,
                "remedy": gap.remedy,
            }
            for gap in report.gaps
        ],
        "unlocks": [
            {"column": gap.detail, "rules": list(gap.rules), "lines": gap.lines}
            for gap in report.unlocks
        ],
    }


def _changes(changes: Changes) -> dict[str, Any]:
    return {
        "since": day_words(changes.since) or None,
        "nights": [_night(night) for night in changes.nights],
        "resolved": _rows(changes.resolved, _GROUPS),
        "waived": _rows(changes.waived, _GROUPS),
        "unjudged": _rows(changes.unjudged, _GROUPS),
        "remembered_lines": changes.remembered_lines,
        "waiver_notes": list(changes.waiver_notes),
        "notes": list(changes.notes),
    }


def _night(night: Night) -> dict[str, Any]:
    return {**asdict(night), "as_of": night.as_of.isoformat()}


def _findings_file(formats: Collection[str]) -> str | None:
    for name in ("parquet", "csv"):
        if name in formats:
            return f"findings.{name}"
    return None
