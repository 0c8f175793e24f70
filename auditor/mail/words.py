"""The sentences of a mail. No count in them is below the limit that the settings draw."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from auditor.mail.small_counts import too_small
from auditor.report.words import (
    counted,
    either,
    listed,
    money_words,
    nothing_judged_words,
    sentence,
    unlock_words,
    whole_dollars,
)
from auditor.schema import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from auditor.mail.figures import Figures
    from auditor.mail.small_counts import Shown
    from auditor.mail_settings import MailSettings

UNLOCKS = 3
FEW_RULES = 6
# Not %b, which is worded as the locale has it.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def day_words(day: date) -> str:
    """A day as people write it: ``15 Jul 2026``."""
    return f"{day.day} {MONTHS[day.month - 1]} {day.year}"


def plain(reason: str) -> str:
    """A reason in one line, in which anything like an identifier has become its shape."""
    line = " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", " ", reason).split())
    line = re.sub(
        r"(?<!\w)(['\"])(.*?)\1(?!\w)", lambda part: part[1] + _shape(part[2]) + part[1], line
    )
    line = re.sub(
        r"\d[\d/.-]*\d", lambda part: _shape(part[0]) if len(part[0]) > 3 else part[0], line
    )
    return line if len(line) <= 400 else line[:399] + "…"


def _shape(text: str) -> str:
    return re.sub(r"[^\W\d_]", "A", re.sub(r"\d", "9", text))


def minded(facts: Mapping[str, Any]) -> str:
    """Points to what stands first in the report: it may name files and sheets, which no mail does.

    Reports of an earlier version don't tell it.
    """
    notes = len(facts.get("asides", ()))
    if not notes:
        return ""
    return f"Mind first the {f'{notes} notes' if notes > 1 else 'note'} at the head of the report."


def one_line(text: str) -> str:
    """Text without line breaks, control characters and marks that turn its direction."""
    return " ".join(
        re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]", " ", text).split()
    )


def told(count: int, smallest: int, noun: str) -> str:
    """A count with its noun, unless it is too small to tell."""
    return (
        f"fewer than {counted(smallest, noun)}"
        if too_small(count, smallest)
        else counted(count, noun)
    )


def money(at_risk: int, missed: int) -> str:
    """Two sums, never added up: ``$3,400 at risk and $200 missed``."""
    return money_words(at_risk, missed) or "–"


def subject(mail: MailSettings, as_of: date, words: str) -> str:
    """The subject: site, day, verdict."""
    site = f"{mail.site} " if mail.site else ""
    return f"[Claim audit] {site}{day_words(as_of)}: {words}"


def short(figures: Figures, facts: Any, smallest: int) -> str:
    """The verdict as a subject has room for."""
    if figures.kind == "nothing_judged":
        return "nothing was judged – look"
    if figures.kind == "hardly_judged":
        return f"no findings, but only {facts['coverage']['percent']} could be checked – look"
    if figures.kind == "clean":
        gaps = facts["coverage"]["not_judged"]
        return f"no findings – {facts['coverage']['percent'] + ' checked' if gaps else 'clean'}"
    nouns = {"denial": "likely denial", "review": "finding to review", "note": "note"}
    plural = {"review": "findings to review"}
    endings = {"denial": "correct", "review": "review", "note": "read"}
    severity, state, count = worst(figures)
    noun, many = nouns[severity], plural.get(severity, "")
    # The sum comes first, as it is that of all findings and not of the most severe.
    sums = ((figures.at_risk_cents, "at risk"), (figures.missed_cents, "missed"))
    parts = [f"{whole_dollars(cents)} {word}" for cents, word in sums if cents][:1]
    parts.append(
        f"fewer than {counted(smallest, noun, many)}"
        if state == "few"
        else counted(count, noun, many)
    )
    return f"{', '.join(parts)} – {endings[severity]}"


def worst(figures: Figures) -> tuple[str, Shown, int]:
    """The most severe kind of finding that there is, with its count."""
    return next(one for one in figures.severities if one[1] == "few" or one[2])


def verdict(figures: Figures, facts: Any, smallest: int) -> tuple[str, str]:
    """The first sentence and what comes after it."""
    if figures.kind == "nothing_judged":
        lines = facts["lines"]
        if not lines["in_family"] and not too_small(lines["read"], smallest):
            return nothing_judged_words(lines["read"], 0, lines["rejected"])
        return (
            "Nothing was judged: no rule could judge a line of the cardiac CT family.",
            "Check that this is the right export and that its columns were understood.",
        )
    if figures.kind in ("clean", "hardly_judged"):
        return _without_findings(facts, smallest, figures.kind)
    money_words = [
        f"{whole_dollars(cents)} {word}"
        for cents, word in ((figures.at_risk_cents, "at risk"), (figures.missed_cents, "missed"))
        if cents
    ]
    orders = {
        "denial": ("likely denial", "correct {}"),
        "review": ("finding", "look at {} that may be right"),
        "note": ("note", "read {} when time allows"),
    }
    steps = []
    for severity, state, count in figures.severities:
        noun, order = orders[severity]
        if state == "few":
            steps.append(order.format(f"fewer than {counted(smallest, noun)}"))
        elif count:
            steps.append(order.format(counted(count, noun)))
    head = f"{' and '.join(money_words)}: {steps[0]}." if money_words else f"{steps[0]}."
    return sentence(head), f"Then {' and '.join(steps[1:])}." if steps[1:] else ""


def _without_findings(facts: Any, smallest: int, kind: str) -> tuple[str, str]:
    judging = sum(rule["flagged"] + rule["clean"] > 0 for rule in facts["rules"])
    gaps = sum(rule["not_evaluated"] > 0 for rule in facts["rules"])
    lines = told(facts["lines"]["in_family"], smallest, "line")
    if kind == "hardly_judged":
        return (
            f"No findings, but only {facts['coverage']['percent']} of the checks on {lines} of the "
            "cardiac CT family could be made.",
            f"This is no clean result: {counted(judging, 'rule')} judged lines, "
            f"{counted(gaps, 'rule')} left something not evaluated.",
        )
    return (
        f"No findings in {lines} of the cardiac CT family, judged by {counted(judging, 'rule')}.",
        f"{counted(gaps, 'rule')} left something not evaluated: a quiet mail is not yet a clean "
        "one."
        if gaps
        else "",
    )


def few_rules(figures: Figures, smallest: int) -> str:
    """Which rules have too few findings to count."""
    if not figures.few_rules:
        return ""
    first, rest = figures.few_rules[:FEW_RULES], len(figures.few_rules) - FEW_RULES
    more = f"; and {counted(rest, 'more rule')}" if rest > 0 else ""
    return f"Fewer than {counted(smallest, 'finding')} each: {'; '.join(first)}{more}."


def read_words(facts: Any, smallest: int) -> str:
    """How many lines the run read, and what became of them."""
    lines = facts["lines"]
    read, rejected = lines["read"], lines["rejected"]
    words = f"{told(read, smallest, 'line')} read"
    if smallest:
        # Audited and superseded lines are left out: with them the rejected could be worked out.
        return f"{words}, {told(rejected, smallest, 'line')} rejected."
    return (
        f"{words} = {lines['audited']:,} audited + {lines['superseded']:,} superseded + "
        f"{rejected:,} rejected."
    )


def coverage_words(facts: Any) -> str:
    """How much of what could be checked was."""
    coverage = facts["coverage"]
    if not coverage["in_scope"]:
        return "No rule had a line to judge."
    if not facts["lines"]["in_family"]:
        return "No line of the cardiac CT family was there to judge."
    judged = sum(rule["flagged"] + rule["clean"] > 0 for rule in facts["rules"])
    return (
        f"{coverage['percent']} of the checks could be made; {judged:,} of "
        f"{counted(len(facts['rules']), 'rule')} judged lines."
    )


def unlocks(facts: Any, smallest: int) -> tuple[str, ...]:
    """Columns to add; their names are ours, not the export's."""
    known = [gap for gap in facts["unlocks"] if set(gap["column"].split("|")) <= set(COLUMNS)]
    sentences = []
    for gap in known[:UNLOCKS]:
        if too_small(gap["lines"], smallest):
            sentences.append(
                f"add column {either(gap['column'])} to unlock {listed(tuple(gap['rules']))}"
            )
        else:
            sentences.append(unlock_words(gap["column"], tuple(gap["rules"]), gap["lines"]))
    return tuple(f"{sentence(words)}." for words in sentences)
