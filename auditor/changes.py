"""What changed since earlier nights, as reports and mail show it. Filled in by the history."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

import pandas as pd


@dataclass(frozen=True)
class Night:
    """One run in the trend: counts of findings by status, and cents.

    ``identified``: money of findings first seen in this run; ``reopened``: of those that had been
    resolved and are back; ``recovered``: of those resolved in it; ``still_open``: of all findings
    open after it, at risk and missed apart. What a line's other findings held open before is
    neither identified nor reopened.
    """

    run: str
    as_of: date
    new: int
    reopened: int
    persisting: int
    resolved: int
    waived: int
    identified_at_risk_cents: int
    identified_missed_cents: int
    recovered_at_risk_cents: int
    recovered_missed_cents: int
    still_open_at_risk_cents: int
    still_open_missed_cents: int
    reopened_at_risk_cents: int = 0
    reopened_missed_cents: int = 0


def otherwise(nights: Sequence[Night], before: Night | None = None) -> tuple[int, int]:
    """Cents at risk and missed by which runs changed what is open otherwise than by the flows.

    still open = still open before + identified + reopened - recovered + otherwise: findings that
    were waived or whose waiver lapsed, that can no longer be judged, or whose amount changed.
    """

    def one(money: str) -> int:
        def cents(night: Night | None, flow: str) -> int:
            return int(getattr(night, f"{flow}_{money}_cents")) if night else 0

        came = sum(cents(night, "identified") + cents(night, "reopened") for night in nights)
        went = sum(cents(night, "recovered") for night in nights)
        return cents(nights[-1], "still_open") - cents(before, "still_open") - came + went

    return one("at_risk"), one("missed")


@dataclass(frozen=True)
class Changes:
    """What is new against the earlier runs of a site.

    ``nights``: the trend, oldest first, this run last. ``resolved``: the findings that this run
    closed, with schema.FINDINGS columns and ``first_seen``. ``waived``: the findings that a waiver
    sets apart, schema.FINDINGS columns and ``waiver``. ``waiver_notes``: one sentence each on
    waivers that lapsed, lapse soon, are malformed or matched nothing. ``first_seen``: the day a
    finding was first seen, by its id. ``unjudged``: findings that were open and of which the rule
    can no longer say anything, schema.FINDINGS columns and ``first_seen``. ``remembered_lines``:
    lines of earlier runs that were audited again with this one's. ``notes``: one sentence each on
    what of the history had to be put right.
    """

    since: date | None
    nights: tuple[Night, ...]
    resolved: pd.DataFrame
    waived: pd.DataFrame
    waiver_notes: tuple[str, ...] = ()
    first_seen: dict[str, date] = field(default_factory=dict)
    unjudged: pd.DataFrame = field(default_factory=pd.DataFrame)
    remembered_lines: int = 0
    notes: tuple[str, ...] = ()

    @property
    def tonight(self) -> Night:
        """The run at hand."""
        return self.nights[-1]
