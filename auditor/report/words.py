"""The words and figures that every report uses: labels, counts, dollars, the first sentence."""

import re
from datetime import date

from auditor.rule import FAMILIES, REASONS

SEVERITY_LABELS = {"denial": "Denial", "review": "Review", "note": "Note"}
SEVERITY_MEANINGS = {
    "denial": "a published edit rejects, returns or denies the line, or it is an overpayment",
    "review": "may be right; a person must look",
    "note": "worth knowing",
}
MONEY_LABELS = {"at_risk": "at risk", "missed": "missed", "none": "no money"}
BASIS_LABELS = {
    "allowed": "the payer's allowed amount",
    "fee_schedule": "expected payment by the fee schedule",
    "charge": "the charge",
    "": "",
}
FAMILY_LABELS = FAMILIES
REASON_LABELS = REASONS


def dollars(cents: int | None) -> str:
    """Cents as dollars: ``$1,234.50``; nothing for None."""
    if cents is None:
        return ""
    sign = "−" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def whole_dollars(cents: int) -> str:
    """Cents as whole dollars for a headline: ``$1,235``."""
    return f"${round(cents / 100):,}"


def counted(number: int, one: str, many: str = "") -> str:
    """A count with its noun: ``1 finding``, ``2,940 lines``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def day_words(day: date | None) -> str:
    """A date as ISO 8601 text; nothing for None."""
    return "" if day is None else day.isoformat()


def listed(names: tuple[str, ...], most: int = 3) -> str:
    """Names in one phrase: ``a, b and c``, ``a, b and 4 more``."""
    if len(names) > most:
        return f"{', '.join(names[: most - 1])} and {len(names) - most + 1} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def nothing_judged_words(lines_read: int, in_family: int) -> tuple[str, str]:
    """Headline and action of a run in which no line of the family was judged."""
    if in_family:
        return (
            f"Nothing was judged: no rule could judge any of {counted(in_family, 'line')} "
            "of the cardiac CT family.",
            "What is missing, and for which rule, is listed below.",
        )
    return (
        f"No line of the cardiac CT family was found in {counted(lines_read, 'line')}; "
        "nothing was judged.",
        "Check that this is the right export and that its procedure codes were understood.",
    )


def clean_words(in_family: int, rules_judging: int, rules_with_gaps: int) -> tuple[str, str]:
    """Headline and action of a run without findings; never without what was not checked."""
    headline = (
        f"No findings in {counted(in_family, 'line')} of the cardiac CT family, "
        f"judged by {counted(rules_judging, 'rule')}."
    )
    if not rules_with_gaps:
        return headline, "Nothing to correct."
    left = counted(rules_with_gaps, "rule")
    return headline, f"Nothing to correct so far: {left} left something not evaluated, see below."


def findings_words(
    denial: int, review: int, note: int, at_risk_cents: int, missed_cents: int
) -> tuple[str, str]:
    """Headline and action of a run with findings. The two sums are never added together."""
    money = []
    if at_risk_cents:
        money.append(f"{whole_dollars(at_risk_cents)} at risk")
    if missed_cents:
        money.append(f"{whole_dollars(missed_cents)} missed")
    steps = []
    if denial:
        steps.append(f"correct {counted(denial, 'likely denial')}")
    if review:
        steps.append(f"look at {counted(review, 'finding')} that may be right")
    if note:
        steps.append(f"read {counted(note, 'note')} when time allows")
    first, rest = steps[0], steps[1:]
    headline = f"{' and '.join(money)}: {first}." if money else f"{_capital(first)}."
    action = f"Then {' and '.join(rest)}." if rest else ""
    return headline, action


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def gap_words(reason: str, detail: str, rules: tuple[str, ...], lines: int) -> str:
    """What was not checked and why, in one sentence."""
    why = REASON_LABELS.get(reason, reason)
    why = f"{why} ({detail})" if detail else why
    if len(rules) == 1:
        return f"{rules[0]} did not judge {counted(lines, 'line')}: {why}"
    return f"{listed(rules)} did not judge up to {counted(lines, 'line')} each: {why}"


def spoken(template: str) -> str:
    """A text with evidence to fill in, as a rule's page shows it: ``Bill [column one] alone``."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda name: f"[{name[1].replace('_', ' ')}]", template)


def unlock_words(column: str, rules: tuple[str, ...], lines: int) -> str:
    """The column that would let rules judge more."""
    return f"add column {column} to unlock {listed(rules)} ({counted(lines, 'line')})"
