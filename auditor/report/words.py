"""The words and figures that every report uses: labels, counts, dollars, the first sentence."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from auditor.reference import Source
from auditor.rule import FAMILIES, REASONS, STAND_INS
from auditor.schema import COLUMNS
from auditor.self_test import SelfTest

SEVERITY_LABELS = {"denial": "Denial", "review": "Review", "note": "Note"}
SEVERITY_MEANINGS = {
    "denial": "a published edit rejects, returns or denies the line, or it is an overpayment",
    "review": "may be right; a person must look",
    "note": "worth knowing",
}
MONEY_LABELS = {"at_risk": "at risk", "missed": "missed", "none": "no money"}
BASIS_LABELS = {
    "allowed": "the payer's allowed amount",
    "fee_schedule": "expected payment by Medicare's rates",
    "contract": "expected payment by your contract rates",
    "charge": "the charge, for want of an allowed amount and a rate",
    "difference": "the difference from the expected payment",
    "": "",
}
# The same in a word, to stand beside an amount.
BASIS_WORDS = {
    "allowed": "allowed",
    "fee_schedule": "rate",
    "contract": "contract",
    "charge": "charge",
    "difference": "difference",
}
STATUS_LABELS = {
    "new": "New",
    "reopened": "Reopened",
    "persisting": "Persisting",
    "waived": "Waived",
    "resolved": "Resolved",
    "unjudged": "Not judged again",
}
STATUS_MEANINGS = {
    "new": "never seen before",
    "reopened": "were resolved, and are back",
    "persisting": "open before and now",
    "resolved": "closed by this run",
    "waived": "set apart; in no total of this report",
    "unjudged": "known before; neither open nor resolved now",
}
RECOVERED_MEANS = (
    "Recovered: no longer open, as the line was mended or superseded. Whether it was paid, the "
    "remittance says."
)
FAMILY_LABELS = FAMILIES
REASON_LABELS = REASONS
TABLE_LABELS = {
    "case_by_case_jurisdictions": "contractors that decide case by case",
    "contract_rates": "contract rates",
    "conversion_factors": "conversion factors",
    "coverage_diagnoses": "covered diagnoses",
    "coverage_policies": "coverage policies",
    "filing_limits": "filing limits",
    "icd10cm": "diagnosis codes (ICD-10-CM)",
    "imaging_caps": "caps on imaging payments",
    "mac_states": "Medicare contractors by state",
    "modifiers": "modifiers",
    "mue": "unit limits (MUE)",
    "opps_rates": "hospital rates (OPPS)",
    "pfs_rates": "physician rates (PFS)",
    "places_of_service": "places of service",
    "procedure_codes": "procedure codes",
    "ptp_edits": "code pairs (NCCI PTP)",
    "ptp_non_edits": "code pairs without an edit",
    "revenue_code_edits": "revenue code edits",
    "revenue_code_fit": "fitting revenue codes",
    "revenue_codes": "revenue codes",
}
# What of a line is looked up in a table, where it is not its code or setting.
KEY_LABELS = {
    "contract_rates": "payer and code",
    "coverage_policies": "contractor",
    "filing_limits": "payer type",
    "icd10cm": "diagnosis",
    "mac_states": "state",
    "places_of_service": "place of service",
    "revenue_code_fit": "procedure code and revenue code",
}
UNLOCKS = {
    "column_missing": "Add {what} to the export.",
    "value_missing": "Fill the empty cells of {what} before the export.",
    "reference_missing": "Run with --reference and {what} that has the missing rows.",
    "reference_stale": "Run with --reference and {what} that covers these dates of service.",
    "partner_outside_extract": (
        "Give the export of the other claims in the same run, or one that spans more days."
    ),
    "awaiting_partner": "Nothing to do: a later run judges these lines.",
    "error": "Nothing that an export can mend: report the failure to who looks after the auditor.",
}


NONE_JUDGED = (
    "No line of the cardiac CT family was judged, so nothing can be said about columns that are "
    "missing."
)


def dollars(cents: int | None) -> str:
    """Cents as dollars: ``$1,234.50``; nothing for None."""
    if cents is None:
        return ""
    sign = "−" if cents < 0 else ""
    return f"{sign}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def whole_dollars(cents: int) -> str:
    """Cents as whole dollars for a headline: ``$1,235``."""
    whole = round(cents / 100)
    return f"{'−' if whole < 0 else ''}${abs(whole):,}"


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


def source_names(ids: str, sources: Mapping[str, Source]) -> str:
    """Titles of the sources of a reference row, whose ids are space-separated."""
    return "; ".join(sources[name].title if name in sources else name for name in ids.split())


def nothing_judged_words(lines_read: int, in_family: int, rejected: int) -> tuple[str, str]:
    """Headline and action of a run in which no line of the family was judged."""
    if in_family:
        return (
            f"Nothing was judged: no rule could judge any of {counted(in_family, 'line')} "
            "of the cardiac CT family.",
            "What is missing, and for which rule, is listed below.",
        )
    if not lines_read:
        return "No claim line was read; nothing was judged.", "Check that the exports arrive."
    if lines_read == rejected:
        return (
            f"None of {counted(lines_read, 'line')} could be read; nothing was judged.",
            "Each rejected line names its row, column and reason: correct the export, or say with "
            "a column profile which column is which.",
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


def hardly_judged_words(
    in_family: int, rules_judging: int, rules_with_gaps: int, percent: str
) -> tuple[str, str]:
    """Headline and action of a run without findings that could make few of its checks."""
    return (
        f"No findings, but only {percent} of the checks on {counted(in_family, 'line')} of the "
        "cardiac CT family could be made.",
        f"This is no clean result: {counted(rules_judging, 'rule')} judged lines, "
        f"{counted(rules_with_gaps, 'rule')} left something not evaluated. What is missing is "
        "listed below.",
    )


def findings_words(
    denial: int, review: int, note: int, at_risk_cents: int, missed_cents: int
) -> tuple[str, str]:
    """Headline and action of a run with findings. The two sums are never added together."""
    money = money_words(at_risk_cents, missed_cents)
    steps = []
    if denial:
        steps.append(f"correct {counted(denial, 'likely denial')}")
    if review:
        steps.append(f"look at {counted(review, 'finding')} that may be right")
    if note:
        steps.append(f"read {counted(note, 'note')} when time allows")
    first, rest = steps[0], steps[1:]
    headline = f"{money}: {first}." if money else f"{sentence(first)}."
    action = f"Then {' and '.join(rest)}." if rest else ""
    return headline, action


def money_words(at_risk_cents: int, missed_cents: int) -> str:
    """The sums that there are: ``$10 at risk and $5 missed``; nothing without any."""
    sums = ((at_risk_cents, "at risk"), (missed_cents, "missed"))
    return " and ".join(f"{whole_dollars(cents)} {word}" for cents, word in sums if cents)


def at_risk_words(at_risk_cents: int, charged_cents: int, without_amount: int) -> str:
    """What is at risk, how much of the sum are charges, and how many findings it leaves out.

    Charges are above any payment. They stand for lines with neither an allowed amount nor a rate;
    a line that has no charge either has no amount.
    """
    said = "could be denied or taken back"
    if charged_cents:
        part = "all" if charged_cents == at_risk_cents else whole_dollars(charged_cents)
        said = f"{said}; {part} of it charges, as no payment is known"
    return said + _left_out_words(without_amount)


def missed_words(without_amount: int) -> str:
    """What was missed, and how many findings the sum leaves out."""
    return "earned and not billed or not paid" + _left_out_words(without_amount)


def _left_out_words(without_amount: int) -> str:
    if not without_amount:
        return ""
    have = "that has no amount" if without_amount == 1 else "that have no amount"
    return f"; not counting {counted(without_amount, 'finding')} {have}"


def failed_words(failed: Sequence[tuple[str, str]], *, reasons: bool = False) -> str:
    """Which rules failed, with their reasons if asked, in a sentence; nothing when none did."""
    if not failed:
        return ""
    rules = listed(tuple(f"{rule} ({why})" if reasons else rule for rule, why in failed))
    return f"{counted(len(failed), 'rule')} failed and judged nothing: {rules}."


def sentence(text: str) -> str:
    """The text with a capital first."""
    return text[:1].upper() + text[1:]


def column_words(names: str) -> str:
    """Schema columns in a reader's words and by name: ``Received (received_date)``.

    ``a|b`` means either.
    """
    words = (
        f"{COLUMNS[name].label} ({name})" if name in COLUMNS else name for name in names.split("|")
    )
    return " or ".join(words)


def table_words(detail: str) -> str:
    """Reference tables, and the setting if one is named: ``our table of unit limits (MUE)``."""
    names = [word for word in detail.split() if word in TABLE_LABELS]
    setting = " ".join(word for word in detail.split() if word not in TABLE_LABELS)
    if not names:
        return f"our table {detail}" if detail else "our table"
    said = f"{'our table' if len(names) == 1 else 'our tables'} of " + listed(
        tuple(TABLE_LABELS[name] for name in names)
    )
    return f"{said} for {setting.replace('_', ' ')}" if setting else said


def reason_words(reason: str, detail: str) -> str:
    """Why a line was not judged, with the column or table that it lacks."""
    if reason in ("column_missing", "value_missing") and detail:
        if reason == "column_missing":
            return f"the export has no column {column_words(detail)}"
        return f"the cell {column_words(detail)} is empty"
    if reason == "reference_missing" and detail:
        key = KEY_LABELS.get(detail, "code or setting")
        return f"{table_words(detail)} {_do(detail)} not hold the line's {key}"
    if reason == "reference_stale" and detail:
        return f"{table_words(detail)} {_do(detail)} not cover the date of service"
    why = REASON_LABELS.get(reason, reason)
    return f"{why} ({detail})" if detail else why


def _do(detail: str) -> str:
    return "do" if sum(word in TABLE_LABELS for word in detail.split()) > 1 else "does"


def remedy_words(reason: str, detail: str) -> str:
    """What would let the rules judge such lines."""
    if reason.startswith("reference_"):
        files = [f"{word}.csv" for word in detail.split() if word in TABLE_LABELS]
        what = f"a table {listed(tuple(files))}" if files else "a table"
    else:
        what = f'"{column_words(detail)}"' if detail else "the column it needs"
    if reason == "column_missing" and (others := stand_ins(detail)):
        named = ", ".join(f'"{column_words(name)}"' for name in others)
        what += f", or one from which it is told: {named},"
    return UNLOCKS.get(reason, "").format(what=what)


def gap_words(reason: str, detail: str, rules: tuple[str, ...], lines: int) -> str:
    """What was not checked and why, in one sentence."""
    why = reason_words(reason, detail)
    if len(rules) == 1:
        return f"{rules[0]} did not judge {counted(lines, 'line')}: {why}"
    return f"{listed(rules)} did not judge up to {counted(lines, 'line')} each: {why}"


def share_words(part: int, whole: int) -> str:
    """A share in per cent, rounded down, so that only a whole is 100: ``99.9 %``."""
    if not whole:
        return "–"
    if part >= whole:
        return "100 %"
    tenths = 1000 * part // whole
    if part and not tenths:
        return "under 0.1 %"
    return f"{tenths // 10}.{tenths % 10} %"


def coverage_words(judged: int, in_scope: int) -> tuple[str, str]:
    """How much was really judged: the share, and what it is a share of."""
    if not in_scope:
        return "Nothing judged", "no rule had a line in its scope."
    share = f"{share_words(judged, in_scope)} really judged"
    left = in_scope - judged
    checks = f"{counted(in_scope, 'check')} (one rule on one line)"
    if not left:
        return share, f"all of {checks} could be made."
    return share, f"{judged:,} of {checks} could be made, {left:,} could not."


def other_lines_words(judged: int) -> tuple[str, str]:
    """How much was judged where no line is of the cardiac CT family."""
    checks = f"the rules that look at every line made {counted(judged, 'check')} on others."
    return "No cardiac CT line to judge", checks


def spoken(template: str) -> str:
    """A text with evidence to fill in, as a rule's page shows it: ``Bill [column one] alone``."""
    return re.sub(r"\{(\w+)[^}]*\}", lambda name: f"[{name[1].replace('_', ' ')}]", template)


def self_test_words(tested: SelfTest) -> str:
    """What the rules' own cases proved, in one sentence."""
    cases = f"Self-test: {counted(tested.cases, 'case')} of {counted(len(tested.rules), 'rule')}"
    if tested.passed:
        return f"{cases}, all as expected."
    parts = []
    if tested.faults:
        rules = tuple(dict.fromkeys(fault.rule for fault in tested.faults))
        parts.append(f"{counted(len(tested.faults), 'case')} came out otherwise ({listed(rules)})")
    if tested.untested:
        parts.append(f"no case was found of {listed(tested.untested)}")
    return f"{cases}: {' and '.join(parts)}."


def unlock_words(column: str, rules: tuple[str, ...], lines: int) -> str:
    """The column that would let rules judge more."""
    return f"add column {either(column)} to unlock {listed(rules)} ({counted(lines, 'line')})"


def stand_ins(column: str) -> tuple[str, ...]:
    """Columns from which a column is told where the export lacks it: of the payer, its type."""
    return tuple(name for name in STAND_INS.get(column, ()) if name != column)


def either(column: str) -> str:
    """A column with those that serve as well: ``payer_type (or payer)``."""
    others = stand_ins(column)
    return f"{column} (or {' or '.join(others)})" if others else column


def crowded_words(days: int) -> str:
    """What was done where a patient's day holds more lines than any real day."""
    return (
        f"{counted(days, 'crowded day')} of one patient and provider, as test accounts have them: "
        "there code pairs were sought by code, not by who rendered the service."
    )
