"""Findings that belong together: patterns (same cause, many lines) and studies (stories)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from auditor.report.rows import day_of

PATTERN_KEYS = ("rule", "billing_npi", "department", "revenue_code", "payer")


@dataclass(frozen=True)
class Pattern:
    """One row of ``auditor.stories.patterns`` ready to show; ``number`` counts from 1."""

    number: int
    rule: str
    title: str
    billing_npi: str
    department: str
    revenue_code: str
    payer: str
    findings: int
    lines: int
    first_date: date | None
    last_date: date | None
    at_risk_cents: int
    missed_cents: int


def pattern_rows(patterns: pd.DataFrame, titles: Mapping[str, str]) -> tuple[Pattern, ...]:
    """A few patterns ready to show, in their order."""
    return tuple(
        Pattern(
            number=number,
            title=titles.get(str(row["rule"]), str(row["rule"])),
            **{name: str(row[name]) for name in PATTERN_KEYS},
            findings=int(row["findings"]),
            lines=int(row["lines"]),
            first_date=day_of(row["first_date"]),
            last_date=day_of(row["last_date"]),
            at_risk_cents=int(row["at_risk"]),
            missed_cents=int(row["missed"]),
        )
        for number, row in enumerate(patterns.to_dict("records"), 1)
    )


def pattern_numbers(findings: pd.DataFrame, patterns: pd.DataFrame) -> list[int]:
    """For each finding the number of its pattern, 0 where it stands alone."""
    keys = list(PATTERN_KEYS)
    numbered = patterns[keys].assign(number=np.arange(1, len(patterns) + 1))
    joined = findings[keys].merge(numbered, how="left", on=keys)["number"]
    return joined.fillna(0).astype("int64").tolist()
