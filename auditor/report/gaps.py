"""What was judged and what was not: coverage, and each gap with its reason and remedy."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from auditor.report.words import (
    REASON_LABELS,
    coverage_words,
    gap_words,
    other_lines_words,
    reason_words,
    remedy_words,
    share_words,
    stand_ins,
    unlock_words,
)


@dataclass(frozen=True)
class Coverage:
    """Pairs of a rule and a line in its scope, and how many of them were really judged.

    ``percent`` is rounded down; ``share`` and ``text`` say it in words: ``86.9 % really judged``,
    of how many.
    """

    in_scope: int
    judged: int
    percent: str
    share: str
    text: str

    @property
    def not_judged(self) -> int:
        """Pairs that stayed not evaluated."""
        return self.in_scope - self.judged


@dataclass(frozen=True)
class Gap:
    """Something that was not checked, and why.

    ``lines`` is the count of the rule that lost most: a line counts once however many rules
    could not judge it. ``label`` names the reason, ``why`` also what is lacking, ``remedy`` what
    would fill the gap; ``text`` says all but the remedy in one sentence; ``instead`` has the
    columns that serve as well as a missing one.
    """

    reason: str
    label: str
    detail: str
    why: str
    remedy: str
    rules: tuple[str, ...]
    lines: int
    text: str
    instead: tuple[str, ...] = ()


def coverage_of(books: pd.DataFrame, in_family: int) -> Coverage:
    """Sums up the rules' books.

    Where no line is of the family, checks of other lines say nothing about cardiac CT: no share.
    """
    in_scope = int(books["in_scope"].sum())
    judged = in_scope - int(books["not_evaluated"].sum())
    if in_scope and not in_family:
        return Coverage(in_scope, judged, "–", *other_lines_words(judged))
    return Coverage(
        in_scope, judged, share_words(judged, in_scope), *coverage_words(judged, in_scope)
    )


def gaps_of(
    not_evaluated: pd.DataFrame, needed: Mapping[str, str] | None = None
) -> tuple[Gap, ...]:
    """Gaps by reason and detail, the widest first.

    ``needed`` names, by table, the editions that would answer for dates it does not reach.
    """
    lost: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    cells = (not_evaluated[name].tolist() for name in ("rule", "reason", "detail", "lines"))
    for rule, reason, detail, count in zip(*cells, strict=True):
        lost[reason, detail][rule] += count
    gaps = []
    for (reason, detail), by_rule in sorted(lost.items()):
        rules, lines = tuple(by_rule), int(max(by_rule.values()))
        if lines:
            text = gap_words(reason, detail, rules, lines)
            gap = _gap(reason, detail, rules, lines, text)
            gaps.append(_with_editions(gap, needed or {}))
    return tuple(sorted(gaps, key=lambda gap: (-gap.lines, gap.reason, gap.detail)))


def _with_editions(gap: Gap, needed: Mapping[str, str]) -> Gap:
    """A gap of dates with the editions that would close it."""
    names = [needed[table] for table in gap.detail.split() if table in needed]
    if gap.reason != "reference_stale" or not names:
        return gap
    return replace(gap, remedy=f"{gap.remedy} Needed: {'; '.join(names)}.")


def unlocks_of(columns: Sequence[tuple[str, tuple[str, ...], int]]) -> tuple[Gap, ...]:
    """Gaps of missing columns, from column, rules and lines, in their order."""
    return tuple(
        _gap("column_missing", column, rules, lines, unlock_words(column, rules, lines))
        for column, rules, lines in columns
    )


def _gap(reason: str, detail: str, rules: tuple[str, ...], lines: int, text: str) -> Gap:
    return Gap(
        reason=reason,
        label=REASON_LABELS.get(reason, reason),
        detail=detail,
        why=reason_words(reason, detail),
        remedy=remedy_words(reason, detail),
        rules=rules,
        lines=lines,
        text=text,
        instead=stand_ins(detail) if reason == "column_missing" else (),
    )
