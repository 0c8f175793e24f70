"""What changed since earlier nights, as reports and mail show it. Filled in by the history."""

from dataclasses import dataclass, field
from datetime import date

import pandas as pd


@dataclass(frozen=True)
class Night:
    """One run in the trend: counts of findings by status, and cents.

    ``identified``: money of findings first seen in this run; ``recovered``: money of findings
    resolved in it; ``still_open``: money of all findings open after it, at risk and missed apart.
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
