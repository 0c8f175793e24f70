"""What a finished run has to say, before any format: ``Run`` in, ``Report`` out.

Money is integer cents, dates are dates, counts are integers; the page, the workbook and the data
files only dress them. A total counts the money of a line once, whatever number of rules flag it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import TYPE_CHECKING

import pandas as pd

from auditor.changes import Changes
from auditor.reference import Contradiction, Edition, Source
from auditor.report import tally
from auditor.report.causes import Pattern, pattern_rows
from auditor.report.dispositions import Disposition
from auditor.report.gaps import Coverage, Gap, coverage_of, gaps_of, unlocks_of
from auditor.report.rows import Finding, finding_rows
from auditor.report.words import (
    FAMILY_LABELS,
    MONEY_LABELS,
    SEVERITY_LABELS,
    SEVERITY_MEANINGS,
    at_risk_words,
    clean_words,
    counted,
    day_words,
    failed_words,
    findings_words,
    hardly_judged_words,
    missed_words,
    money_words,
    nothing_judged_words,
    spoken,
)
from auditor.rule import SEVERITIES
from auditor.self_test import SelfTest
from auditor.stories import patterns, stories

if TYPE_CHECKING:
    from auditor.audit import Audit
    from auditor.ingest.normalise import Intake
    from auditor.rule import Rule


@dataclass(frozen=True)
class Unlock:
    """A column that would let ``rules`` judge ``lines`` lines that they could not judge."""

    column: str
    rules: tuple[str, ...]
    lines: int


@dataclass(frozen=True)
class Run:
    """Everything the reports need to know of a finished run.

    ``lines_read`` is audited + superseded + rejected. ``in_family`` counts audited lines of the
    cardiac CT family. ``settings_changed`` maps a setting that differs from its default to its
    value; ``seconds`` maps a stage of the run to its time. ``contradictions`` are the values about
    which the sources of the reference tables disagree. ``changes`` compares with earlier nights
    where a history was given. ``self_test`` is what the rules' own cases proved, where asked for.
    ``reference_digest`` is that of all tables, ``table_digests`` those of each, and
    ``needed`` the editions, by table, that stale dates of service ask for. ``descriptors``
    are those of the findings' codes, where a licence is held. ``dispositions`` is
    what people decided about findings, by their ids.
    """

    audit: Audit
    rules: tuple[Rule, ...]
    intakes: tuple[Intake, ...]
    lines_read: int
    audited: int
    superseded: int
    rejected: pd.DataFrame
    in_family: int
    editions: tuple[Edition, ...]
    sources: Mapping[str, Source]
    unlocks: tuple[Unlock, ...]
    identity: str
    rule_set_digest: str
    settings_digest: str
    program_version: str
    settings_changed: Mapping[str, str]
    command: str
    started_at: datetime
    seconds: Mapping[str, float]
    contradictions: tuple[Contradiction, ...] = ()
    changes: Changes | None = None
    asides: tuple[str, ...] = ()
    self_test: SelfTest | None = None
    reference_digest: str = ""
    table_digests: Mapping[str, str] = field(default_factory=dict)
    needed: Mapping[str, str] = field(default_factory=dict)
    descriptors: Mapping[str, str] = field(default_factory=dict)
    dispositions: Mapping[str, Disposition] = field(default_factory=dict)


@dataclass(frozen=True)
class Verdict:
    """The first words: what was found, and what to do about it.

    ``kind`` is ``findings``, ``clean``, ``hardly_judged`` (no finding, but fewer than half of the
    checks could be made) or ``nothing_judged``.
    """

    kind: str
    headline: str
    action: str


@dataclass(frozen=True)
class SeverityCount:
    """Findings of one severity, the lines they stand on counted in ``lines``.

    The cents are those that its findings carry: of all severities they add up to the totals.
    """

    severity: str
    label: str
    meaning: str
    findings: int
    lines: int
    at_risk_cents: int
    missed_cents: int

    @property
    def says(self) -> str:
        """Its dollars and what it means."""
        money = money_words(self.at_risk_cents, self.missed_cents)
        return f"{money}; {self.meaning}" if money else self.meaning


@dataclass(frozen=True)
class RuleSection:
    """One rule with its books: in scope = flagged + clean + not evaluated.

    ``by_severity`` counts findings in the order of ``SEVERITIES``. The dollars are those of the
    rule's own lines; a line that several rules flag stands under each.
    """

    name: str
    title: str
    family: str
    family_label: str
    severity: str
    severity_label: str
    money: str
    money_label: str
    rationale: str
    remedy: str
    denial_codes: tuple[str, ...]
    sources: tuple[Source, ...]
    needs: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    in_scope: int
    flagged: int
    clean: int
    not_evaluated: int
    by_severity: tuple[int, int, int]
    at_risk_cents: int
    missed_cents: int
    gaps: tuple[Gap, ...]
    first: tuple[Finding, ...]


@dataclass(frozen=True)
class Share:
    """Part of the totals (a family, a payer): each line's money once, so shares add up."""

    label: str
    findings: int
    at_risk_cents: int
    missed_cents: int


@dataclass(frozen=True)
class Report:
    """A run as the reports tell it. ``new_findings`` is None where no earlier run is known.

    ``failed`` are the rules that failed, with the reason; nothing else that is said speaks of them.

    ``charged_cents`` of the sum at risk are charges: no allowed amount and no rate is known.
    ``at_risk_without_amount`` counts findings at risk that have not even a charge.

    ``first_date`` to ``last_date`` spans the audited dates of service. ``unlocks`` are the columns
    to add, ``gaps`` all that was not evaluated, widest first. ``rules`` stand by consequence:
    findings first, then gaps, then clean. ``patterns`` is the frame of ``auditor.stories``,
    dearest first; ``first_patterns`` are the first ones, ready to show.
    """

    run: Run
    title: str
    failed: tuple[tuple[str, str], ...]
    verdict: Verdict
    severities: tuple[SeverityCount, ...]
    new_findings: int | None
    charged_cents: int
    at_risk_without_amount: int
    claims: int
    patients: int
    first_date: date | None
    last_date: date | None
    coverage: Coverage
    unlocks: tuple[Gap, ...]
    gaps: tuple[Gap, ...]
    rules_with_gaps: int
    rules_judging: int
    rules: tuple[RuleSection, ...]
    families: tuple[Share, ...]
    payers: tuple[Share, ...]
    departments: tuple[Share, ...]
    patterns: pd.DataFrame
    first_patterns: tuple[Pattern, ...]
    first: tuple[Finding, ...]

    @property
    def at_risk_means(self) -> str:
        """What the sum at risk is, beside it."""
        cents = self.run.audit.totals.at_risk_cents
        return at_risk_words(cents, self.charged_cents, self.at_risk_without_amount)

    @property
    def missed_means(self) -> str:
        """What the missed sum is, beside it."""
        return missed_words(self.run.audit.totals.missed_without_amount)

    @property
    def whose(self) -> str:
        """Claims and patients; with a history those of earlier runs that were judged again, too."""
        said = f"{counted(self.claims, 'claim')} of {counted(self.patients, 'patient')}"
        changes = self.run.changes
        return f"{said}, with those of earlier runs" if changes and changes.since else said

    @property
    def dates_said(self) -> str:
        """The span of the audited dates, or the one day; nothing without lines."""
        days = dict.fromkeys(day_words(day) for day in (self.first_date, self.last_date) if day)
        if not days:
            return ""
        return f"{'dates' if len(days) > 1 else 'date'} of service {' to '.join(days)}"

    @cached_property
    def studies(self) -> pd.DataFrame:
        """The frame of ``auditor.stories.stories``; data files alone don't ask for it."""
        return stories(self.run.audit.findings)


FIRST_ROWS = 50
RULE_ROWS = 5
PATTERN_ROWS = 25


def build(run: Run) -> Report:
    """What ``run`` has to say, counted and worded."""
    counts, findings = run.audit.counts, run.audit.findings
    titles = {rule.name: rule.title for rule in run.rules}
    rules = _rule_sections(run, titles)
    alike = patterns(findings)
    known = findings["status"].ne("").any()
    return Report(
        run=run,
        title=_title(run),
        failed=run.audit.failed,
        verdict=_verdict(run, rules),
        severities=_severity_counts(findings),
        new_findings=int(findings["status"].eq("new").sum()) if known else None,
        charged_cents=tally.charged(findings),
        at_risk_without_amount=tally.at_risk_without_amount(findings),
        claims=counts.claims,
        patients=counts.patients,
        first_date=counts.first_date,
        last_date=counts.last_date,
        coverage=coverage_of(run.audit.books, run.in_family),
        unlocks=unlocks_of([(one.column, one.rules, one.lines) for one in run.unlocks]),
        gaps=gaps_of(run.audit.not_evaluated, run.needed),
        rules_with_gaps=sum(rule.not_evaluated > 0 for rule in rules),
        rules_judging=sum(rule.flagged + rule.clean > 0 for rule in rules),
        rules=rules,
        families=tuple(
            Share(FAMILY_LABELS.get(name, name), *sums)
            for name, *sums in tally.shares(findings, "family")
        ),
        payers=tuple(
            Share(name or "(no payer)", *sums) for name, *sums in tally.shares(findings, "payer")
        ),
        departments=_departments(findings),
        patterns=alike,
        first_patterns=pattern_rows(alike.head(PATTERN_ROWS), titles),
        first=finding_rows(findings.head(FIRST_ROWS), titles),
    )


def _departments(findings: pd.DataFrame) -> tuple[Share, ...]:
    """The shares of departments; none where the exports name fewer than two."""
    shares = tally.shares(findings, "department")
    told = tuple(Share(name or "(no department)", *sums) for name, *sums in shares)
    return told if sum(bool(name) for name, *_ in shares) > 1 else ()


def _title(run: Run) -> str:
    files = list(dict.fromkeys(intake.file for intake in run.intakes))
    return files[0] if len(files) == 1 else counted(len(files), "file")


def _verdict(run: Run, rules: tuple[RuleSection, ...]) -> Verdict:
    """What was found; a rule that failed is told before all else, and is never a clean run."""
    said = _found(run, rules)
    first = failed_words(run.audit.failed)
    if not first:
        return said
    kind = "nothing_judged" if said.kind in ("clean", "hardly_judged") else said.kind
    return Verdict(kind, f"{first} {said.headline}", said.action)


def _found(run: Run, rules: tuple[RuleSection, ...]) -> Verdict:
    totals = run.audit.totals
    if totals.findings:
        words = findings_words(
            totals.denial, totals.review, totals.note, totals.at_risk_cents, totals.missed_cents
        )
        return Verdict("findings", *words)
    judging = sum(rule.flagged + rule.clean > 0 for rule in rules)
    if run.in_family == 0 or judging == 0:
        words = nothing_judged_words(run.lines_read, run.in_family, len(run.rejected))
        return Verdict("nothing_judged", *words)
    with_gaps = sum(rule.not_evaluated > 0 for rule in rules)
    coverage = coverage_of(run.audit.books, run.in_family)
    if coverage.judged < coverage.not_judged:
        words = hardly_judged_words(run.in_family, judging, with_gaps, coverage.percent)
        return Verdict("hardly_judged", *words)
    return Verdict("clean", *clean_words(run.in_family, judging, with_gaps))


def _severity_counts(findings: pd.DataFrame) -> tuple[SeverityCount, ...]:
    return tuple(
        SeverityCount(name, SEVERITY_LABELS[name], SEVERITY_MEANINGS[name], *counts)
        for name, *counts in tally.severities(findings)
    )


def _rule_sections(run: Run, titles: Mapping[str, str]) -> tuple[RuleSection, ...]:
    """A section a rule: findings first (severity, dollars), then gaps, then clean, then unused."""
    findings, books = run.audit.findings, run.audit.books.set_index("rule").to_dict("index")
    counts, money = tally.rule_severities(findings), tally.rule_money(findings)
    some = findings[findings.groupby("rule", sort=False).cumcount() < RULE_ROWS]
    first: dict[str, list[Finding]] = defaultdict(list)
    for finding in finding_rows(some, titles):
        first[finding.rule].append(finding)
    missing = dict(tuple(run.audit.not_evaluated.groupby("rule", sort=False)))
    sections = []
    for rule in run.rules:
        book = books[rule.name]
        gaps = missing.get(rule.name)
        sections.append(
            RuleSection(
                name=rule.name,
                title=rule.title,
                family=rule.family,
                family_label=FAMILY_LABELS.get(rule.family, rule.family),
                severity=rule.severity,
                severity_label=SEVERITY_LABELS[rule.severity],
                money=rule.money,
                money_label=MONEY_LABELS[rule.money],
                rationale=rule.rationale,
                remedy=spoken(rule.remedy),
                denial_codes=tuple(rule.denial_codes),
                sources=tuple(_source(run.sources, name) for name in rule.sources),
                needs=tuple(dict.fromkeys((*rule.needs, *rule.needs_value))),
                settings=tuple((name, str(value)) for name, value in rule.settings.items()),
                in_scope=int(book["in_scope"]),
                flagged=int(book["flagged"]),
                clean=int(book["clean"]),
                not_evaluated=int(book["not_evaluated"]),
                by_severity=counts.get(rule.name, (0, 0, 0)),
                at_risk_cents=money.get((rule.name, "at_risk"), 0),
                missed_cents=money.get((rule.name, "missed"), 0),
                gaps=() if gaps is None else gaps_of(gaps, run.needed),
                first=tuple(first[rule.name]),
            )
        )
    return tuple(sorted(sections, key=_consequence))


def _consequence(rule: RuleSection) -> tuple[int, int, int, int]:
    stage = 0 if rule.flagged else 1 if rule.not_evaluated else 2 if rule.clean else 3
    severity = SEVERITIES.index(rule.severity) if rule.flagged else 0
    return stage, severity, -rule.at_risk_cents - rule.missed_cents, -rule.flagged


def _source(sources: Mapping[str, Source], name: str) -> Source:
    return sources.get(name, Source(name, name, "", "", "", "", "", ""))
