"""The figures of one recipient: a run's findings narrowed, counted, small counts set apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from auditor.mail.small_counts import Shown, protected, too_small
from auditor.report.standing import UNDECIDED
from auditor.report.words import FAMILY_LABELS
from auditor.rule import SEVERITIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from auditor.mail.summary import Summary
    from auditor.mail_settings import RecipientSettings

_LINE = ["source_file", "source_sheet", "source_row", "claim_id", "line_number"]
# A payer's name is free text of the export; unless the settings know it, only its type is told.
_PAYER_TYPES = {
    "medicare": "Medicare",
    "medicare_advantage": "Medicare Advantage plans",
    "medicaid": "Medicaid",
    "commercial": "Commercial payers",
    "other": "Other payers",
}
_UNKNOWN_PAYER = "Payer not known"


@dataclass(frozen=True)
class RuleFigures:
    """A rule at one severity. ``new`` is None where no earlier run is known."""

    title: str
    severity: str
    remedy: str
    shown: Shown
    findings: int
    new: int | None
    at_risk_cents: int
    missed_cents: int


@dataclass(frozen=True)
class ShareFigures:
    """A family or payer. ``shown`` says how its count may be told, ``money`` whether its cents."""

    label: str
    shown: Shown
    money: bool
    findings: int
    at_risk_cents: int
    missed_cents: int


@dataclass(frozen=True)
class ChangeFigures:
    """Findings by status, and how each may be told; cents None: not told.

    ``decided``: findings about which people decided something, cents at risk and missed; None where
    nobody did, or where it is not told.
    """

    since: date | None
    counts: tuple[tuple[str, Shown, int], ...]
    recovered_cents: tuple[int, int] | None
    reopened_cents: tuple[int, int] | None
    decided: tuple[int, int, int] | None
    nights: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class Figures:
    """What one recipient may know; a count that may not be told is 0 here.

    ``severities``: how each may be told, and its findings, in the order of ``SEVERITIES``. Their
    sum is told nowhere, so that a small one can't be worked out. ``few_rules``: titles of rules
    with too few findings to tell. ``charged_cents`` of the sum at risk are charges, and
    the findings ``without_amount`` are in neither sum; all are 0 where small counts are not
    told, because they would betray some. ``changed``: whether anything came, came back or went.
    """

    kind: str
    at_risk_cents: int
    charged_cents: int
    at_risk_without_amount: int
    missed_cents: int
    missed_without_amount: int
    severities: tuple[tuple[str, Shown, int], ...]
    severity_cents: Mapping[str, tuple[int, int]]
    rules: tuple[RuleFigures, ...]
    few_rules: tuple[str, ...]
    families: tuple[ShareFigures, ...]
    payers: tuple[ShareFigures, ...]
    changes: ChangeFigures | None
    changed: bool


def figures_of(
    summary: Summary,
    recipient: RecipientSettings,
    *,
    smallest: int,
    payer_names: Sequence[str],
) -> Figures:
    """Counts again what concerns ``recipient``, each line's money once.

    ``payer_names`` are those that the settings know and a mail may therefore name.
    """
    assert summary.findings is not None
    mine = summary.findings[_concerns(summary.findings, recipient)]
    mine = mine.assign(carried=_carried(mine))
    history = summary.facts["changes"] is not None
    money = mine.groupby("money")["carried"].sum()
    severities = _severities(mine, smallest)
    # Who knows all severities knows how many findings there are; else no other table may say it.
    sum_known = all(state == "shown" for _, state, _ in severities)
    rules = _rules(mine, summary, severities, smallest, history=history)
    names = (*payer_names, *recipient.payers)
    return Figures(
        kind=_kind(summary, mine, recipient),
        at_risk_cents=int(money.get("at_risk", 0)),
        charged_cents=0 if smallest else _charged(mine),
        at_risk_without_amount=0 if smallest else _without_amount(mine, "at_risk"),
        missed_cents=int(money.get("missed", 0)),
        missed_without_amount=0 if smallest else _without_amount(mine, "missed"),
        severities=severities,
        severity_cents={} if smallest else _severity_cents(mine),
        rules=tuple(rule for rule in rules if rule.shown != "few"),
        few_rules=tuple(dict.fromkeys(rule.title for rule in rules if rule.shown == "few")),
        # A family is the sum of its rules, so beside them its count could betray one.
        families=_shares(
            mine, mine["family"].map(FAMILY_LABELS.get), smallest, counts=not smallest
        ),
        payers=_shares(mine, _payer_labels(mine, names), smallest, counts=sum_known),
        changes=_changes(summary, mine, recipient, smallest, sum_known) if history else None,
        changed=_changed(summary, mine, recipient),
    )


def _severity_cents(mine: pd.DataFrame) -> dict[str, tuple[int, int]]:
    """Cents at risk and missed that the findings of each severity carry."""
    sums = mine.groupby(["severity", "money"])["carried"].sum()
    return {
        name: (int(sums.get((name, "at_risk"), 0)), int(sums.get((name, "missed"), 0)))
        for name in SEVERITIES
    }


def _charged(mine: pd.DataFrame) -> int:
    at_risk = mine["money"].eq("at_risk") & mine["amount_basis"].eq("charge")
    return int(mine.loc[at_risk, "carried"].sum())


def _without_amount(mine: pd.DataFrame, money: str) -> int:
    return int((mine["money"].eq(money) & mine["amount"].isna()).sum())


def _severities(mine: pd.DataFrame, smallest: int) -> tuple[tuple[str, Shown, int], ...]:
    sizes = mine["severity"].value_counts()
    return tuple((name, *_told(int(sizes.get(name, 0)), smallest)) for name in SEVERITIES)


def _told(count: int, smallest: int) -> tuple[Shown, int]:
    """How a count that stands alone may be told."""
    return ("few", 0) if too_small(count, smallest) else ("shown", count)


def _concerns(findings: pd.DataFrame, recipient: RecipientSettings) -> pd.Series[bool]:
    keep = findings["rule"].notna()
    if recipient.families:
        keep &= findings["family"].isin(recipient.families)
    if recipient.severities:
        keep &= findings["severity"].isin(recipient.severities)
    if recipient.payers:
        wanted = {name.strip().upper() for name in recipient.payers}
        keep &= findings["payer"].str.strip().str.upper().isin(wanted) | findings[
            "payer_type"
        ].str.upper().isin(wanted)
    if recipient.providers:
        keep &= findings["billing_npi"].isin(recipient.providers) | findings["rendering_npi"].isin(
            recipient.providers
        )
    return keep


def _carried(findings: pd.DataFrame) -> pd.Series[int]:
    """Cents of one finding of each line and kind of money, nothing for the others.

    It is the one that carries the line's money in the report; the dearest where that one is not
    among these.
    """
    priced = findings[findings["amount"].notna() & findings["money"].ne("none")]
    dearest = priced.sort_values(["counts_money", "amount"], ascending=False, kind="stable")
    first = dearest.drop_duplicates([*_LINE, "money"]).index
    amount = findings["amount"].where(findings.index.isin(first), 0)
    return amount.fillna(0).astype("int64")


def _kind(summary: Summary, mine: pd.DataFrame, recipient: RecipientSettings) -> str:
    if len(mine):
        return "findings"
    kind = str(summary.facts["verdict"]["kind"])
    return "clean" if recipient.filtered and kind == "findings" else kind


def _rules(
    mine: pd.DataFrame,
    summary: Summary,
    severities: Sequence[tuple[str, Shown, int]],
    smallest: int,
    *,
    history: bool,
) -> list[RuleFigures]:
    """Most severe first, then most money. A line that two rules flag stands under both.

    The rules of a severity add up to its count; where that would betray one, more are withheld,
    and if that is not enough, all of that severity are left out. So they are where the severity
    itself is too small to tell.
    """
    facts = {rule["name"]: rule for rule in summary.facts["rules"]}
    told = []
    for severity, shown, _ in severities:
        some = mine[mine["severity"] == severity]
        sizes = some["rule"].value_counts(sort=False)
        states = protected([int(size) for size in sizes], smallest) if shown == "shown" else None
        for name, state in zip(sizes.index, states or [], strict=states is not None):
            told.append(_rule(some[some["rule"] == name], facts[name], state, history=history))
    return sorted(told, key=_consequence)


def _rule(
    some: pd.DataFrame, facts: Mapping[str, Any], state: Shown, *, history: bool
) -> RuleFigures:
    shown = state == "shown"
    cents = some.groupby("money")["amount"].sum()
    return RuleFigures(
        title=facts["title"],
        severity=str(some["severity"].iat[0]),
        remedy=facts["remedy"],
        shown=state,
        findings=len(some) if shown else 0,
        new=int(some["status"].eq("new").sum()) if history and shown else None,
        at_risk_cents=int(cents.get("at_risk", 0)) if shown else 0,
        missed_cents=int(cents.get("missed", 0)) if shown else 0,
    )


def _consequence(rule: RuleFigures) -> tuple[int, int, int, str]:
    order: Sequence[str] = SEVERITIES
    cents = rule.at_risk_cents + rule.missed_cents
    return order.index(rule.severity), -cents, -rule.findings, rule.title


def _payer_labels(mine: pd.DataFrame, names: Sequence[str]) -> pd.Series[str]:
    known = {name.strip().upper(): name.strip() for name in names if name not in _PAYER_TYPES}
    kinds = mine["payer_type"].map(lambda kind: _PAYER_TYPES.get(kind, _UNKNOWN_PAYER))
    return mine["payer"].str.strip().str.upper().map(known.get).fillna(kinds)


def _shares(
    mine: pd.DataFrame, labels: pd.Series[Any], smallest: int, *, counts: bool
) -> tuple[ShareFigures, ...]:
    """A row a label, most money first, rows that are not told last.

    Without ``counts`` money alone is told. Where counts can't be protected there are no rows.
    """
    rows: list[tuple[str, int, int, int]] = []
    for label, some in mine.groupby(labels):
        cents = some.groupby("money")["carried"].sum()
        rows.append(
            (str(label), len(some), int(cents.get("at_risk", 0)), int(cents.get("missed", 0)))
        )
    rows.sort(key=lambda row: (-row[2] - row[3], -row[1], row[0]))
    sizes = [row[1] for row in rows]
    states = protected(sizes, smallest) if counts else [*map(_money_only, sizes)]
    if states is None:
        return ()
    shares = []
    for (label, size, at_risk, missed), state in zip(rows, states, strict=True):
        money = state == "shown" or (not counts and not too_small(size, smallest))
        sums = (at_risk, missed) if money else (0, 0)
        shares.append(ShareFigures(label, state, money, size if state == "shown" else 0, *sums))
    hidden = sorted((one for one in shares if not one.money), key=lambda one: one.label)
    return (*(one for one in shares if one.money), *hidden)


def _money_only(_size: int) -> Shown:
    return "withheld"


def _grouped(summary: Summary, name: str, recipient: RecipientSettings) -> int:
    """How many resolved or waived findings concern the recipient."""
    import pandas as pd

    rows = summary.facts["changes"][name]
    if not rows:
        return 0
    frame = pd.DataFrame(rows)
    return int(frame.loc[_concerns(frame, recipient), "findings"].sum())


def _changes(
    summary: Summary,
    mine: pd.DataFrame,
    recipient: RecipientSettings,
    smallest: int,
    sum_known: bool,
) -> ChangeFigures:
    facts = summary.facts["changes"]
    sizes = {name: int(mine["status"].eq(name).sum()) for name in ("new", "reopened")}
    sizes["persisting"] = len(mine) - sum(sizes.values())
    counts: list[tuple[str, Shown, int]] = []
    if not sum_known:
        counts += [(name, *_told(sizes[name], smallest)) for name in ("new", "reopened")]
        counts.append(("persisting", "withheld", 0))
    elif (states := protected(list(sizes.values()), smallest)) is not None:
        for (name, found), state in zip(sizes.items(), states, strict=True):
            counts.append((name, state, found if state == "shown" else 0))
    for name in ("resolved", "waived", "unjudged"):
        counts.append((name, *_told(_grouped(summary, name, recipient), smallest)))
    nights = facts["nights"]
    # The ledger's money and counts are of all findings: told only where all are.
    whole = not recipient.filtered and not smallest and bool(nights)
    since = facts["since"]
    return ChangeFigures(
        since=date.fromisoformat(since) if since else None,
        counts=tuple(counts),
        recovered_cents=(
            (nights[-1]["recovered_at_risk_cents"], nights[-1]["recovered_missed_cents"])
            if whole
            else None
        ),
        reopened_cents=(
            # Reports of an earlier version don't tell it.
            (
                nights[-1].get("reopened_at_risk_cents", 0),
                nights[-1].get("reopened_missed_cents", 0),
            )
            if whole
            else None
        ),
        decided=_decided(summary) if whole else None,
        nights=tuple(nights) if whole else (),
    )


def _decided(summary: Summary) -> tuple[int, int, int] | None:
    # Reports of an earlier version don't tell it.
    rows = [row for row in summary.facts.get("decisions", ()) if row["label"] != UNDECIDED]
    if not rows:
        return None
    found, at_risk, missed = (
        sum(row[name] for row in rows) for name in ("findings", "at_risk_cents", "missed_cents")
    )
    return found, at_risk, missed


def _changed(summary: Summary, mine: pd.DataFrame, recipient: RecipientSettings) -> bool:
    """Without a history nobody can tell, so it counts as changed; so does a run without judging."""
    if summary.facts["changes"] is None or summary.facts["verdict"]["kind"] in (
        "hardly_judged",
        "nothing_judged",
    ):
        return True
    came = mine["status"].isin(["new", "reopened"]).any()
    return bool(came) or _grouped(summary, "resolved", recipient) > 0
