"""The editions that would answer for dates of service which no edition at hand reaches."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from auditor.library.periods import edition_of
from auditor.reference import Reference, day_numbers

# What each table is imported as, or is called where no publisher's file makes it, and the rhythm in
# which it is renewed.
NEWER = {
    "ptp_edits": ("ncci-ptp", "quarter"),
    "mue": ("ncci-mue", "quarter"),
    "pfs_rates": ("pfs", "quarter"),
    "conversion_factors": ("pfs", "quarter"),
    "opps_rates": ("opps", "quarter"),
    "icd10cm": ("icd10cm", "fiscal year"),
    "coverage_policies": ("mcd", "quarter"),
    "coverage_diagnoses": ("mcd", "quarter"),
    "imaging_caps": ("imaging_caps", "year"),
    "procedure_codes": ("procedure_codes", "year"),
    "revenue_code_fit": ("revenue_code_fit", "year"),
    "revenue_code_edits": ("revenue_code_edits", "year"),
    "case_by_case_jurisdictions": ("case_by_case_jurisdictions", "year"),
}
_NAMED = 4
_BEGIN = date(1970, 1, 1)


def needed_editions(lines: pd.DataFrame, reference: Reference) -> dict[str, str]:
    """For each table that is renewed: the editions its stale dates of service ask for.

    Looks at the service dates and claim types of the lines.
    """
    given = lines["service_date"].notna()
    asking = lines.loc[given, ["service_date", "claim_type"]].drop_duplicates(ignore_index=True)
    days = day_numbers(asking["service_date"])
    found: dict[str, str] = {}
    for table, (name, period) in NEWER.items():
        stale = np.unique(days[reference.stale(table, asking)]).tolist()
        if stale:
            found[table] = f"{name} {_editions([_BEGIN + timedelta(day) for day in stale], period)}"
    return found


def _editions(days: Sequence[date], period: str) -> str:
    """The editions that answer for some days, which rise."""
    names = list(dict.fromkeys(edition_of(day, period) for day in days))
    return ", ".join(names) if len(names) <= _NAMED else f"{names[0]} to {names[-1]}"
