"""What a mail says, in words: every figure as the text that both its parts show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from urllib.parse import quote

from auditor.mail.figures import ChangeFigures, Figures, RuleFigures, ShareFigures, figures_of
from auditor.mail.words import (
    coverage_words,
    day_words,
    few_rules,
    minded,
    money,
    one_line,
    plain,
    read_words,
    short,
    subject,
    unlocks,
    verdict,
    worst,
)
from auditor.report.words import (
    FAMILY_LABELS,
    SEVERITY_LABELS,
    STATUS_LABELS,
    at_risk_words,
    counted,
    missed_words,
    money_words,
    whole_dollars,
)

if TYPE_CHECKING:
    from auditor.mail.summary import Summary
    from auditor.mail_settings import MailSettings, RecipientSettings

RULE_ROWS = 8
REMEDIES = 3
_WORKBOOK_WORDS = {
    "protected": "The workbook is attached. Its password is not in any mail.",
    "plain": "The workbook is attached.",
}


@dataclass(frozen=True)
class RuleLine:
    """A row of the rules: words, and the width of its bar in per cent."""

    severity: str
    severity_label: str
    title: str
    findings: str
    money: str
    width: int
    missed: bool


@dataclass(frozen=True)
class ShareLine:
    """A row of a breakdown; widths are in per cent of the largest sum, cents for the chart.

    ``findings`` is "" in every row where no count may be told.
    """

    label: str
    findings: str
    at_risk: str
    missed: str
    at_risk_width: int
    missed_width: int
    at_risk_cents: int
    missed_cents: int


@dataclass(frozen=True)
class NightLine:
    """A night of the trend."""

    day: str
    new: str
    resolved: str
    still_open: str
    cents: tuple[int, int]


@dataclass(frozen=True)
class View:
    """A mail's words. ``tone`` is bad, look, good or failed; ``href`` is "" for a mere path."""

    subject: str
    tone: str
    heading: str
    day: str
    verdict: str
    action: str
    changed: bool = True
    figures: tuple[tuple[str, str], ...] = ()
    money_means: tuple[str, ...] = ()
    rules: tuple[RuleLine, ...] = ()
    more_rules: str = ""
    few_rules: str = ""
    remedies: tuple[tuple[str, str], ...] = ()
    families: tuple[ShareLine, ...] = ()
    payers: tuple[ShareLine, ...] = ()
    since: str = ""
    changes: tuple[tuple[str, str], ...] = ()
    nights: tuple[NightLine, ...] = ()
    read: str = ""
    coverage: str = ""
    unlocks: tuple[str, ...] = ()
    where: str = ""
    href: str = ""
    workbook: str = ""
    about: tuple[str, ...] = ()


def view_of(
    summary: Summary,
    recipient: RecipientSettings,
    mail: MailSettings,
    payer_names: tuple[str, ...],
    workbook: str = "",
) -> View:
    """The words for one recipient. ``workbook`` is protected, plain, or why it is not attached."""
    if summary.failed:
        return _failed(summary, mail)
    smallest = mail.smallest_count
    figures = figures_of(summary, recipient, smallest=smallest, payer_names=payer_names)
    facts = summary.facts
    headline, action = verdict(figures, facts, smallest)
    where, href = _where(summary, mail)
    shown = figures.rules[:RULE_ROWS]
    most = max([rule.at_risk_cents + rule.missed_cents for rule in shown], default=0)
    rest = len({rule.title for rule in figures.rules} - {rule.title for rule in shown})
    return View(
        subject=subject(
            mail,
            summary.as_of,
            short(figures, facts, smallest)
            + (" – not all exports were read" if summary.aside else ""),
        ),
        tone=_tone(figures),
        heading=_heading(mail),
        day=day_words(summary.as_of),
        verdict=headline,
        action=" ".join(filter(None, (summary.came, summary.aside, minded(facts), action))),
        changed=figures.changed or bool(summary.aside),
        figures=_cells(figures, smallest),
        money_means=_money_means(figures),
        rules=tuple(_rule_line(rule, most, new_told=not smallest) for rule in shown),
        more_rules=f"{counted(rest, 'more rule')} in the report." if rest else "",
        few_rules=few_rules(figures, smallest),
        remedies=_remedies(figures.rules),
        families=_share_lines(figures.families, smallest),
        payers=_share_lines(figures.payers, smallest),
        since=_since(figures.changes),
        changes=_change_lines(figures.changes, smallest),
        nights=_night_lines(figures.changes),
        read=read_words(facts, smallest),
        coverage=coverage_words(facts),
        unlocks=unlocks(facts, smallest),
        where=where,
        href=href,
        workbook=_WORKBOOK_WORDS.get(workbook, workbook),
        about=_about(summary, recipient, smallest),
    )


def _failed(summary: Summary, mail: MailSettings) -> View:
    return View(
        subject=subject(mail, summary.as_of, "FAILED, there is no report"),
        tone="failed",
        heading=_heading(mail),
        day=day_words(summary.as_of),
        verdict="The audit could not finish: there is no report.",
        action=plain(summary.failed),
        about=(
            "Nothing was taken away: the exports are where they were, or where the log says.",
            f"Run {one_line(summary.run)}.",
        ),
    )


def _heading(mail: MailSettings) -> str:
    return f"Cardiac CT claim audit – {mail.site}" if mail.site else "Cardiac CT claim audit"


def _tone(figures: Figures) -> str:
    if figures.kind != "findings":
        return "good" if figures.kind == "clean" else "look"
    return "bad" if worst(figures)[0] == "denial" else "look"


def _cells(figures: Figures, smallest: int) -> tuple[tuple[str, str], ...]:
    if figures.kind != "findings":
        return ()
    labels = {"denial": "likely denials", "review": "to review", "note": "notes"}
    cents = figures.severity_cents
    counts = [
        (
            f"< {smallest:,}" if state == "few" else f"{count:,}",
            ", ".join(filter(None, (labels[name], money_words(*cents.get(name, (0, 0)))))),
        )
        for name, state, count in figures.severities
    ]
    return (
        (whole_dollars(figures.at_risk_cents), "at risk"),
        (whole_dollars(figures.missed_cents), "missed"),
        *counts,
    )


def _money_means(figures: Figures) -> tuple[str, ...]:
    """What the sums are, and what they rest on or leave out."""
    if figures.kind != "findings":
        return ()
    at_risk = at_risk_words(
        figures.at_risk_cents, figures.charged_cents, figures.at_risk_without_amount
    )
    return f"At risk: {at_risk}.", f"Missed: {missed_words(figures.missed_without_amount)}."


def _rule_line(rule: RuleFigures, most: int, *, new_told: bool) -> RuleLine:
    cents = rule.at_risk_cents + rule.missed_cents
    return RuleLine(
        severity=rule.severity,
        severity_label=SEVERITY_LABELS[rule.severity],
        title=rule.title,
        findings=_rule_count(rule, new_told=new_told),
        money=money(rule.at_risk_cents, rule.missed_cents),
        width=_width(cents, most),
        missed=rule.missed_cents > rule.at_risk_cents,
    )


def _rule_count(rule: RuleFigures, *, new_told: bool) -> str:
    if rule.shown != "shown":
        return "not told"
    return f"{rule.findings:,}" + (f" ({rule.new:,} new)" if rule.new and new_told else "")


def _width(cents: int, most: int) -> int:
    return max(1, round(100 * cents / most)) if cents > 0 and most > 0 else 0


def _remedies(rules: tuple[RuleFigures, ...]) -> tuple[tuple[str, str], ...]:
    first = dict.fromkeys((rule.title, rule.remedy) for rule in rules if rule.severity != "note")
    return tuple(first)[:REMEDIES]


def _share_lines(shares: tuple[ShareFigures, ...], smallest: int) -> tuple[ShareLine, ...]:
    sums = [cents for one in shares for cents in (one.at_risk_cents, one.missed_cents)]
    most = max(sums, default=0)
    counts = any(one.shown != "withheld" for one in shares)
    words = {"few": f"fewer than {smallest:,}", "withheld": "not told" if counts else ""}
    return tuple(
        ShareLine(
            label=one_line(one.label),
            findings=words.get(one.shown, f"{one.findings:,}"),
            at_risk=whole_dollars(one.at_risk_cents) if one.money else "–",
            missed=whole_dollars(one.missed_cents) if one.money else "–",
            at_risk_width=_width(one.at_risk_cents, most),
            missed_width=_width(one.missed_cents, most),
            at_risk_cents=one.at_risk_cents,
            missed_cents=one.missed_cents,
        )
        for one in shares
    )


def _since(changes: ChangeFigures | None) -> str:
    if changes is None:
        return ""
    return f"since {day_words(changes.since)}" if changes.since else "in the first run of this site"


def _change_lines(changes: ChangeFigures | None, smallest: int) -> tuple[tuple[str, str], ...]:
    if changes is None:
        return ()
    words = {"few": f"fewer than {smallest:,}", "withheld": "not told"}
    lines = []
    for name, state, count in changes.counts:
        if name == "unjudged" and state == "shown" and not count:
            continue
        text = words.get(state, f"{count:,}")
        if name == "resolved" and changes.recovered_cents and any(changes.recovered_cents):
            text += f" ({money(*changes.recovered_cents)} recovered)"
        if name == "reopened" and changes.reopened_cents and any(changes.reopened_cents):
            text += f" ({money(*changes.reopened_cents)})"
        lines.append((STATUS_LABELS[name], text))
    if changes.decided:
        found, *cents = changes.decided
        sums = f" ({money(*cents)})" if any(cents) else ""
        lines.append(("Decided, and still open", f"{found:,}{sums}"))
    return tuple(lines)


def _night_lines(changes: ChangeFigures | None) -> tuple[NightLine, ...]:
    nights = changes.nights if changes else ()
    if len(nights) < 2:
        return ()
    return tuple(
        NightLine(
            day=day_words(date.fromisoformat(night["as_of"])),
            new=f"{night['new'] + night['reopened']:,}",
            resolved=f"{night['resolved']:,}",
            still_open=money(night["still_open_at_risk_cents"], night["still_open_missed_cents"]),
            cents=(night["still_open_at_risk_cents"], night["still_open_missed_cents"]),
        )
        for night in nights
    )


def _where(summary: Summary, mail: MailSettings) -> tuple[str, str]:
    """Path or link of the report, and what an anchor may lead to."""
    assert summary.folder is not None
    if not mail.link:
        page = summary.folder / "report.html"
        return one_line(str((page if page.is_file() else summary.folder).absolute())), ""
    if "://" not in mail.link:
        words = {"run": summary.run, "folder": summary.folder.absolute().name}
        return one_line(mail.link.format(**words)), ""
    words = {"run": quote(summary.run), "folder": quote(summary.folder.absolute().name)}
    link = one_line(mail.link.format(**words))
    return link, link if re.match(r"(?:https?|file)://", link, re.IGNORECASE) else ""


def _about(summary: Summary, recipient: RecipientSettings, smallest: int) -> tuple[str, ...]:
    words = []
    parts = [
        ("rules", [FAMILY_LABELS[name] for name in recipient.families]),
        ("payers", [one_line(name) for name in recipient.payers]),
        ("providers", recipient.providers),
        ("severities", [SEVERITY_LABELS[name] for name in recipient.severities]),
    ]
    if recipient.filtered:
        chosen = "; ".join(f"{what}: {', '.join(names)}" for what, names in parts if names)
        words.append(
            f"You get a part of the findings ({chosen}). What was read and checked is of the "
            "whole run."
        )
    if smallest:
        words.append(f"Counts from 1 to {smallest - 1:,} are not told.")
    version = str(summary.facts["program_version"])
    words.append(f"Run {summary.run}, program version {version}.")
    words.append("This mail holds counts and dollars, no patient and no claim. No reply is read.")
    return tuple(one_line(sentence) for sentence in words)
