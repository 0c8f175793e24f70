"""Keeps the books of one rule: which lines it speaks of, flags, clears, or can't judge and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.claim_lines import Mask, among, coded, same_word
from auditor.extract import Extract
from auditor.faults import place_of
from auditor.reference import Ints, Reference
from auditor.rule import MILDER, Outcome, Rule, lacks_column, lacks_value

Words = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Verdicts:
    """What the machinery says of each flagged line: one value a line in every array.

    ``partner`` is a position among the lines or -1, ``own_amount`` cents or missing,
    ``stale_edition`` the edition that answered for a date it doesn't reach, ``cited`` the sources
    of the reference row, which stands in ``row`` of the table ``table`` (or is -1).
    """

    severity: Words
    money: Words
    partner: Ints
    other_partners: Words
    own_amount: Words
    own_basis: Words
    stale_edition: Words
    cited: Any
    table: str
    row: Ints


@dataclass(frozen=True)
class Judgement:
    """One rule's verdict on claim lines.

    ``flagged`` holds the flagged lines with the evidence columns, ``verdicts`` what else is known
    of them, in the same order. ``reasons`` counts the lines not evaluated by reason and detail.
    """

    rule: Rule
    flagged: pd.DataFrame
    verdicts: Verdicts | None
    in_scope: int
    clean: int
    reasons: Mapping[tuple[str, str], int] = field(default_factory=dict)

    @property
    def not_evaluated(self) -> int:
        """Lines in scope that could not be judged."""
        return sum(self.reasons.values())

    def evidence(self, line: int) -> "pd.Series[Any]":
        """All that is known of one flagged line, by name."""
        said, place = self.verdicts, int(np.flatnonzero(self.flagged.index == line)[0])
        assert said
        row = self.flagged.iloc[place]
        known: dict[str, Any] = {
            **{str(name): row[name] for name in row.index},
            "severity": said.severity[place],
            "money": said.money[place],
            "partner": said.partner[place],
            "other_partners": said.other_partners[place],
            "own_amount": said.own_amount[place],
            "own_basis": said.own_basis[place],
            "stale_edition": said.stale_edition[place],
            "reference_sources": said.cited[place],
            "reference_table": said.table,
            "reference_row": said.row[place],
        }
        return pd.Series(list(known.values()), index=list(known), dtype="object")

    def at(self, places: Ints) -> "Judgement":
        """The same judgement with positions among all lines, of which it saw those at places."""
        if self.verdicts is None or self.flagged.empty:
            return self
        partner = self.verdicts.partner
        partner = np.where(partner >= 0, places[np.clip(partner, 0, None)], -1)
        return replace(
            self,
            flagged=self.flagged.set_axis(places[self.flagged.index.to_numpy()]),
            verdicts=replace(self.verdicts, partner=partner),
        )


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
    scope = _scope(rule, lines)
    if not scope.any():
        return Judgement(rule, lines.iloc[:0], None, 0, 0)
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
    kept = flagged[outcome.flagged.index.to_numpy()]
    frame = outcome.flagged if kept.all() else outcome.flagged[kept]
    return Judgement(
        rule=rule,
        flagged=frame,
        verdicts=_verdicts(rule, outcome, frame, kept, reference),
        in_scope=int(np.count_nonzero(scope)),
        clean=int(np.count_nonzero(open_lines)),
        reasons=reasons,
    )


def judge_or_tell(
    rule: Rule,
    lines: pd.DataFrame,
    reference: Reference,
    extract: Extract,
    options: Mapping[str, Any],
) -> Judgement:
    """Applies a rule; one that fails judges none of its lines, and stops no other."""
    try:
        return judge(rule, lines, reference, extract, options)
    except MemoryError:
        raise
    except Exception as fault:
        return failed(rule, lines, fault)


def failed(rule: Rule, lines: pd.DataFrame, fault: Exception) -> Judgement:
    """The judgement of a rule that failed: every line in its scope is not evaluated.

    It names the kind of fault and its place in the program, never its words: they may hold a
    patient's. Where the scope itself fails, the rule may speak of any line.
    """
    try:
        in_scope = int(_scope(rule, lines).sum())
    except Exception:
        in_scope = len(lines)
    reasons = {("error", place_of(fault)): in_scope}
    return Judgement(rule, lines.iloc[:0], None, in_scope, 0, reasons)


def _scope(rule: Rule, lines: pd.DataFrame) -> Mask:
    scope = rule.scope(lines)
    if rule.claim_type:
        scope = scope & among(lines["claim_type"], [rule.claim_type, ""])
    return scope


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
    booked = int(np.count_nonzero(open_lines & mask))
    if booked:
        reasons[reason, detail] = reasons.get((reason, detail), 0) + booked
        return open_lines & ~mask
    return open_lines


def _verdicts(
    rule: Rule, outcome: Outcome, frame: pd.DataFrame, kept: Mask, reference: Reference
) -> Verdicts:
    places = frame.index.to_numpy()
    severity = _aligned(outcome.severity, frame, rule.severity)
    stale, table = np.zeros(len(frame), dtype=bool), ""
    if outcome.stale is not None:
        table, mask = outcome.stale
        stale = mask[places]
    elif outcome.consulted is not None:
        stale, table = outcome.consulted.stale[places], outcome.consulted.table.name
    if stale.any():
        severity[stale] = [MILDER[word] for word in severity[stale]]
    rows = outcome.reference_rows.take(np.flatnonzero(kept)) if outcome.reference_rows else None
    if rows is None and outcome.consulted is not None:
        rows = outcome.consulted.take(places)
    cited = same_word("", len(frame)) if rows is None else rows.values("source")
    if outcome.sources is not None:
        cited = pd.Categorical(_aligned(outcome.sources, frame, "").astype("str"))
    basis = outcome.amount_basis
    return Verdicts(
        severity=severity,
        money=_aligned(outcome.money, frame, rule.money),
        partner=_aligned(outcome.partner, frame, -1).astype(np.int64),
        other_partners=_aligned(outcome.other_partners, frame, ""),
        own_amount=_aligned(outcome.amount, frame, pd.NA),
        own_basis=_aligned(None, frame, basis)
        if isinstance(basis, str)
        else _aligned(basis, frame, ""),
        stale_edition=_stale_editions(frame, stale, table, reference),
        cited=cited,
        table="" if rows is None else rows.table.name,
        row=np.full(len(frame), -1) if rows is None else rows.row,
    )


def _stale_editions(frame: pd.DataFrame, stale: Mask, table: str, reference: Reference) -> Words:
    """The edition that answered for a date it doesn't reach, blank elsewhere."""
    said: Words = np.full(len(frame), "", dtype=object)
    if not stale.any():
        return said
    codes, settings = coded(frame["claim_type"])
    names = [reference.edition_name(table, setting) for setting in settings]
    said[stale] = [names[code] for code in codes[stale]]
    return said


def _aligned(values: "pd.Series[Any] | None", frame: pd.DataFrame, default: Any) -> Words:
    """The values of the frame's lines, the default where there is none."""
    found: Words = np.full(len(frame), default, dtype=object)
    if values is not None:
        asked = values if values.index is frame.index else values.reindex(frame.index)
        found = asked.to_numpy(dtype=object, na_value=default)
    return found
