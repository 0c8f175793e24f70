"""Keeps the books of one rule: which lines it speaks of, flags, clears, or can't judge and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among
from auditor.extract import Extract
from auditor.reference import Ints, Reference
from auditor.rule import MILDER, Outcome, Rule, lacks_column, lacks_value


@dataclass(frozen=True)
class Judgement:
    """One rule's verdict on claim lines.

    ``flagged`` holds the flagged lines with the evidence columns and the machinery's own: severity,
    stale_edition, partner, other_partners, own_amount, the reference row. ``reasons`` counts the
    lines not evaluated by reason and detail.
    """

    rule: Rule
    flagged: pd.DataFrame
    in_scope: int
    clean: int
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def not_evaluated(self) -> int:
        """Lines in scope that could not be judged."""
        return sum(self.reasons.values())

    def at(self, places: Ints) -> "Judgement":
        """The same judgement with positions among all lines, of which it saw those at places."""
        if self.flagged.empty:
            return self
        partner = self.flagged["partner"].to_numpy()
        flagged = self.flagged.assign(
            partner=np.where(partner >= 0, places[np.clip(partner, 0, None)], -1)
        )
        return replace(self, flagged=flagged.set_axis(places[flagged.index.to_numpy()]))


def judge(
    rule: Rule,
    lines: pd.DataFrame,
    reference: Reference,
    extract: Extract,
    options: Mapping[str, Any],
) -> Judgement:
    """Applies a rule to claim lines and books every line in its scope exactly once."""
    own = {name: options.get(name, value) for name, value in rule.settings.items()}
    rule = replace(rule, settings=own)
    scope = rule.scope(lines)
    if rule.claim_type:
        scope = scope & among(lines["claim_type"], [rule.claim_type, ""])
    if not scope.any():
        return Judgement(rule, lines.iloc[:0], 0, 0)
    reasons: dict[tuple[str, str], int] = {}
    open_lines = _without_data(rule, lines, scope.copy(), reasons)
    outcome = rule.function(lines, **_arguments(rule, reference, extract))
    flagged = np.zeros(len(lines), dtype=bool)
    flagged[outcome.flagged.index.to_numpy()] = True
    flagged &= open_lines
    open_lines &= ~flagged
    for reason, mask in outcome.not_evaluated.items():
        name, detail = (reason, "") if isinstance(reason, str) else reason
        open_lines = _book(reasons, name, detail, open_lines, mask)
    if outcome.consulted is not None:
        consulted = outcome.consulted
        table = consulted.table.name
        missing = ~consulted.known
        open_lines = _book(reasons, "reference_missing", table, open_lines, missing)
        open_lines = _book(reasons, "reference_stale", table, open_lines, consulted.stale)
        missing = consulted.row < 0
        open_lines = _book(reasons, "reference_missing", table, open_lines, missing)
    return Judgement(
        rule=rule,
        flagged=_with_machinery(rule, outcome, flagged, reference),
        in_scope=int(scope.sum()),
        clean=int(open_lines.sum()),
        reasons=reasons,
    )


def _arguments(rule: Rule, reference: Reference, extract: Extract) -> dict[str, Any]:
    offered: dict[str, Any] = {"reference": reference, "extract": extract}
    wanted = rule.function.__code__.co_varnames[: rule.function.__code__.co_argcount]
    given = {name: offered[name] for name in wanted if name in offered}
    return given | dict(rule.settings)


def _without_data(
    rule: Rule, lines: pd.DataFrame, open_lines: Mask, reasons: dict[tuple[str, str], int]
) -> Mask:
    """Books the lines whose export lacks a column or a cell that the rule needs."""
    for column in rule.needs:
        mask = lacks_column(lines, column)
        open_lines = _book(reasons, "column_missing", column, open_lines, mask)
    for column in rule.needs_value:
        mask = lacks_value(lines, column)
        open_lines = _book(reasons, "value_missing", column, open_lines, mask)
    return open_lines


def _book(
    reasons: dict[tuple[str, str], int], reason: str, detail: str, open_lines: Mask, mask: Mask
) -> Mask:
    booked = int((open_lines & mask).sum())
    if booked:
        reasons[reason, detail] = reasons.get((reason, detail), 0) + booked
        return open_lines & ~mask
    return open_lines


def _with_machinery(
    rule: Rule, outcome: Outcome, flagged: Mask, reference: Reference
) -> pd.DataFrame:
    """The flagged lines with severity, partner, amount and the sources of the reference rows."""
    kept = flagged[outcome.flagged.index.to_numpy()]
    frame = outcome.flagged[kept]
    places = frame.index.to_numpy()
    severity = _aligned(outcome.severity, frame, rule.severity)
    stale, table = np.zeros(len(frame), dtype=bool), ""
    if outcome.stale is not None:
        table, mask = outcome.stale
        stale = mask[places]
    elif outcome.consulted is not None:
        stale, table = outcome.consulted.stale[places], outcome.consulted.table.name
    severity = severity.where(~stale, severity.map(MILDER))
    rows = outcome.reference_rows.take(np.flatnonzero(kept)) if outcome.reference_rows else None
    if rows is None and outcome.consulted is not None:
        rows = outcome.consulted.take(places)
    found: pd.DataFrame = frame.assign(
        severity=severity,
        stale_edition=_stale_editions(frame, stale, table, reference),
        partner=_aligned(outcome.partner, frame, -1).astype("int64"),
        other_partners=_aligned(outcome.other_partners, frame, "").fillna(""),
        money=_aligned(outcome.money, frame, rule.money),
        own_amount=_aligned(outcome.amount, frame, pd.NA),
        own_basis=outcome.amount_basis,
        reference_sources="" if rows is None else pd.Series(rows.values("source"), frame.index),
        reference_table="" if rows is None else rows.table.name,
        reference_row=-1 if rows is None else rows.row,
    )
    return found


def _stale_editions(
    frame: pd.DataFrame, stale: Mask, table: str, reference: Reference
) -> "pd.Series[str]":
    """The edition that answered for a date it doesn't reach, blank elsewhere."""
    if not stale.any():
        return pd.Series("", index=frame.index, dtype="str")
    names = {
        setting: reference.edition_name(table, setting)
        for setting in frame["claim_type"].cat.categories
    }
    return frame["claim_type"].astype("str").map(names).where(stale, "")


def _aligned(
    values: "pd.Series[Any] | None", frame: pd.DataFrame, default: Any
) -> "pd.Series[Any]":
    if values is None:
        return pd.Series([default] * len(frame), index=frame.index)
    return values.reindex(frame.index)
