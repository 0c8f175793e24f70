"""What changed since earlier runs, as page and PDF show it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd

from auditor.changes import Night, otherwise
from auditor.report.content import Report, Share
from auditor.report.listed import set_apart
from auditor.report.rows import Finding, finding_rows
from auditor.report.trend import MOST_RUNS, Chart, charts
from auditor.report.words import STATUS_LABELS, STATUS_MEANINGS

if TYPE_CHECKING:
    from auditor.changes import Changes

FIRST_ROWS = 10
_AGES = ((7, "up to 7 days"), (30, "8 to 30 days"), (90, "31 to 90 days"))
_OLDEST = "over 90 days"


@dataclass(frozen=True)
class Count:
    """How many findings are of a status in the run."""

    status: str
    findings: int
    label: str
    meaning: str


@dataclass(frozen=True)
class Flow:
    """One kind of money in cents, and what it did: a row of the table of dollars."""

    label: str
    at_risk_cents: int
    missed_cents: int


@dataclass(frozen=True)
class Apart:
    """A waived or resolved finding: ``why`` is its waiver, or since when it was known."""

    finding: Finding
    why: str


@dataclass(frozen=True)
class Changed:
    """``ages`` share the open findings by the days since they were first seen.

    ``nights`` are the runs of the charts, latest first; ``waived`` and ``resolved`` are the first
    rows of as many as ``tonight`` counts or the history lists.
    """

    since: date | None
    tonight: Night
    counts: tuple[Count, ...]
    runs: int
    nights: tuple[Night, ...]
    charts: tuple[Chart, ...]
    flows: tuple[Flow, ...]
    ages: tuple[Share, ...]
    resolved: tuple[Apart, ...]
    waived: tuple[Apart, ...]
    resolved_count: int
    waived_count: int
    notes: tuple[str, ...]


def changed(report: Report) -> Changed | None:
    """What changed; None where no history was given."""
    changes = report.run.changes
    if changes is None:
        return None
    titles = {rule.name: rule.title for rule in report.rules}
    nights = changes.nights
    return Changed(
        since=changes.since,
        tonight=changes.tonight,
        counts=counts(changes),
        runs=len(nights),
        nights=tuple(reversed(nights[-MOST_RUNS:])),
        charts=charts(nights),
        flows=_flows(nights),
        ages=_ages(report, changes),
        resolved=_apart(changes.resolved, "resolved", changes, titles),
        waived=_apart(changes.waived, "waived", changes, titles),
        resolved_count=len(changes.resolved),
        waived_count=len(changes.waived),
        notes=(*changes.notes, *changes.waiver_notes),
    )


def counts(changes: "Changes") -> tuple[Count, ...]:
    """Findings by what became of them; those not judged again only where there are some."""
    tonight = changes.tonight
    found = {name: getattr(tonight, name) for name in ("new", "reopened", "persisting", "resolved")}
    found["waived"] = len(changes.waived)
    if len(changes.unjudged):
        found["unjudged"] = len(changes.unjudged)
    return tuple(
        Count(name, number, STATUS_LABELS[name], STATUS_MEANINGS[name])
        for name, number in found.items()
    )


def _flows(nights: tuple[Night, ...]) -> tuple[Flow, ...]:
    """Those of the run and, where there were others before, those over all runs."""
    over_all = _moved(nights, None, f"over {len(nights)} runs") if len(nights) > 1 else []
    return (*flows_of_run(nights), *over_all)


def flows_of_run(nights: tuple[Night, ...]) -> tuple[Flow, ...]:
    """What was open before the run, what came and went, and what is open after it: they add up."""
    last = nights[-1]
    before = nights[-2] if len(nights) > 1 else None
    rows = []
    if before:
        open_before = before.still_open_at_risk_cents, before.still_open_missed_cents
        rows.append(Flow("Open before this run", *open_before))
    rows += _moved(nights[-1:], before, "in this run")
    rows.append(
        Flow("Still open after it", last.still_open_at_risk_cents, last.still_open_missed_cents)
    )
    return tuple(rows)


def _moved(nights: tuple[Night, ...], before: Night | None, when: str) -> list[Flow]:
    """What came and went in some runs; reopened and otherwise only where there is some."""
    came = Flow(
        f"Identified {when}",
        sum(night.identified_at_risk_cents for night in nights),
        sum(night.identified_missed_cents for night in nights),
    )
    back = Flow(
        f"Reopened {when}",
        sum(night.reopened_at_risk_cents for night in nights),
        sum(night.reopened_missed_cents for night in nights),
    )
    went = Flow(
        f"Recovered {when}",
        sum(night.recovered_at_risk_cents for night in nights),
        sum(night.recovered_missed_cents for night in nights),
    )
    rest = Flow(
        f"Changed otherwise {when}: waived, not judged, other amounts", *otherwise(nights, before)
    )
    some = [flow for flow in (back, rest) if flow.at_risk_cents or flow.missed_cents]
    return [came, *(x for x in some if x is back), went, *(x for x in some if x is rest)]


def _ages(report: Report, changes: "Changes") -> tuple[Share, ...]:
    """Open findings by age, oldest first; each line's money once, so that they add up."""
    findings = report.run.audit.findings
    if findings.empty or not changes.first_seen:
        return ()
    as_of = pd.Timestamp(report.run.audit.as_of)
    seen = findings["finding"].astype(str).map(changes.first_seen)
    days = (as_of - pd.to_datetime(seen)).dt.days.fillna(0)
    bins = [-float("inf"), *(limit for limit, _ in _AGES), float("inf")]
    label = pd.cut(days, bins, labels=[*(name for _, name in _AGES), _OLDEST])
    carried = findings["amount"].where(findings["counts_money"].astype(bool)).fillna(0)
    shares = []
    for name in (_OLDEST, *(name for _, name in reversed(_AGES))):
        mine = label == name
        sums = [
            int(carried[mine & (findings["money"] == kind)].sum()) for kind in ("at_risk", "missed")
        ]
        shares.append(Share(name, int(mine.sum()), *sums))
    return tuple(shares)


def _apart(
    frame: pd.DataFrame, status: str, changes: "Changes", titles: Mapping[str, str]
) -> tuple[Apart, ...]:
    seen = {finding: day.isoformat() for finding, day in changes.first_seen.items()}
    first = set_apart(frame, status, seen).head(FIRST_ROWS)
    why = first["waiver"] if status == "waived" else first["first_seen"]
    rows = finding_rows(first, titles)
    return tuple(Apart(row, words) for row, words in zip(rows, why.tolist(), strict=True))
