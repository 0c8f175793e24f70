"""The editions that would answer for dates of service which no edition at hand reaches."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from auditor.library.periods import edition_of
from auditor.reference import Reference, day_numbers

# What each official table is imported as, and its publisher's rhythm.
IMPORTED_AS = {
    "ptp_edits": ("ncci-ptp", "quarter"),
    "mue": ("ncci-mue", "quarter"),
    "pfs_rates": ("pfs", "quarter"),
    "opps_rates": ("opps", "quarter"),
    "icd10cm": ("icd10cm", "fiscal year"),
}
_NAMED = 4


def needed_editions(lines: pd.DataFrame, reference: Reference) -> dict[str, str]:
    """For each table that can be imported: the editions its stale dates of service ask for."""
    days = day_numbers(lines["service_date"])
    given = lines["service_date"].notna().to_numpy(dtype=bool)
    found: dict[str, str] = {}
    for table, (kind, period) in IMPORTED_AS.items():
        stale = reference.stale(table, lines) & given
        names = dict.fromkeys(
            edition_of(date(1970, 1, 1) + timedelta(days=int(day)), period)
            for day in np.unique(days[stale])
        )
        if names:
            found[table] = f"{kind} {_words(list(names))}"
    return found


def _words(names: Sequence[str]) -> str:
    if len(names) <= _NAMED:
        return ", ".join(names)
    return f"{names[0]} to {names[-1]}"
