"""Every restated rule over every line of a run."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from tests.oracle import (
    components_rules,
    date_rules,
    other_rules,
    payment_rules,
    revenue_rules,
    unbundling_rules,
)
from tests.oracle.lines import Line
from tests.oracle.money import at_risk
from tests.oracle.run import Run
from tests.oracle.verdicts import OracleRule, Verdict

RULES: tuple[OracleRule, ...] = (
    *unbundling_rules.RULES,
    *components_rules.RULES,
    *revenue_rules.RULES,
    *date_rules.RULES,
    *other_rules.RULES,
    *payment_rules.RULES,
)

# (rule, place of the line) to severity, money and amount.
Findings = dict[tuple[str, int], tuple[str, str, int | None]]


@dataclass
class Opinion:
    """What the oracle finds, and its books: rule to counts of status, reason and detail."""

    findings: Findings
    books: dict[str, Counter[tuple[str, str, str]]]
    verdicts: dict[tuple[str, int], Verdict]


def judge(run: Run) -> Opinion:
    opinion = Opinion({}, defaultdict(Counter), {})
    for mine in run.patients.values():
        for line in mine:
            for rule in RULES:
                if rule.speaks_of(line):
                    note(opinion, rule.name, line, mine, rule.verdict(line, mine, run))
    return opinion


def note(opinion: Opinion, rule: str, line: Line, mine: list[Line], verdict: Verdict) -> None:
    opinion.verdicts[rule, line.place] = verdict
    opinion.books[rule][verdict.status, verdict.reason, verdict.detail] += 1
    if verdict.status != "flagged":
        return
    amount = verdict.amount
    if verdict.money == "at_risk" and not verdict.own_amount:
        amount = at_risk(line, mine)
    opinion.findings[rule, line.place] = (verdict.severity, verdict.money, amount)
