"""How the findings of a report stand: from when they are, and what people decided about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditor.report import tally
from auditor.report.content import Share
from auditor.report.dispositions import DISPOSITIONS
from auditor.report.rows import day_of
from auditor.report.words import counted, day_words, money_words

if TYPE_CHECKING:
    from auditor.report.content import Report

UNDECIDED = "undecided"


def decisions(report: Report) -> tuple[Share, ...]:
    """The findings by what people decided, each line's money once; none where nobody decided."""
    known = {
        finding: one.disposition
        for finding, one in report.run.dispositions.items()
        if one.disposition not in ("", "open")
    }
    findings = report.run.audit.findings
    decided = [known.get(finding, UNDECIDED) for finding in findings["finding"].tolist()]
    if set(decided) <= {UNDECIDED}:
        return ()
    table = tally.sums(findings.assign(decided=decided), ["decided"])
    rows = table[["decided", "findings", "at_risk", "missed"]].to_numpy(dtype=object).tolist()
    order = [*DISPOSITIONS, UNDECIDED]
    rows.sort(key=lambda row: order.index(row[0]))
    return tuple(Share(*row) for row in rows)


def decided_words(shares: Sequence[Share]) -> str:
    """How much is decided, and that the sums still hold it; nothing where nobody decided."""
    if not shares:
        return ""
    some = [share for share in shares if share.label != UNDECIDED]
    decided, findings = (sum(share.findings for share in part) for part in (some, shares))
    said = f"{decided:,} of {counted(findings, 'finding')} {_are(decided)} decided"
    sums = money_words(
        sum(share.at_risk_cents for share in some), sum(share.missed_cents for share in some)
    )
    each = ", ".join(f"{share.findings:,} {share.label}" for share in some)
    return (
        f"{said}{f' ({sums})' if sums else ''}: {each}. They stay in these sums until the line is "
        "mended or a waiver sets it apart."
    )


def _are(number: int) -> str:
    return "is" if number == 1 else "are"


def standing_words(report: Report) -> str:
    """On how many lines the findings stand; with a history, also that earlier ones are among them.

    The lines read are then those of this run alone, and fewer.
    """
    totals, findings = report.run.audit.totals, report.run.audit.findings
    if findings.empty:
        return ""
    said = f"{counted(totals.findings, 'finding')} on {counted(totals.lines_flagged, 'line')}"
    changes = report.run.changes
    if changes is None or not changes.since:
        return f"{said}."
    days = findings["service_date"]
    first, last = (day_words(day_of(day)) for day in (days.min(), days.max()))
    return f"{said} of {first} to {last}: all that is open, from earlier runs too."
