"""A few findings as plain values, for the places that show them without a script."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Finding:
    """One finding as a report shows it. ``amount_cents`` is None where no rate is known."""

    finding: str
    rule: str
    title: str
    family: str
    severity: str
    money: str
    amount_cents: int | None
    amount_basis: str
    status: str
    claim_id: str
    line_number: int | None
    patient_id: str
    payer: str
    claim_type: str
    service_date: date | None
    procedure_code: str
    modifiers: str
    place_of_service: str
    revenue_code: str
    units: float | None
    message: str
    source_file: str
    source_sheet: str
    source_row: int | None


def finding_rows(findings: pd.DataFrame, titles: Mapping[str, str]) -> tuple[Finding, ...]:
    """A few findings (rows of a frame, columns of ``schema.FINDINGS``) ready to show."""
    names = [name for name in Finding.__dataclass_fields__ if name in findings]
    names += ["amount"]
    # Whole columns at once: pandas gives text cell by cell slowly.
    cells = zip(*(findings[name].tolist() for name in names), strict=True)
    return tuple(_finding(dict(zip(names, row, strict=True)), titles) for row in cells)


def _finding(row: Mapping[str, Any], titles: Mapping[str, str]) -> Finding:
    known = {name: value for name, value in row.items() if name != "amount"}
    return Finding(
        **known
        | {
            "title": titles.get(row["rule"], row["rule"]),
            "amount_cents": whole(row["amount"]),
            "line_number": whole(row["line_number"]),
            "service_date": day_of(row["service_date"]),
            "units": None if pd.isna(row["units"]) else float(row["units"]),
            "source_row": whole(row["source_row"]),
        }
    )


def day_of(value: Any) -> date | None:
    """A cell of a date column as a date; None where it is missing."""
    return None if pd.isna(value) else pd.Timestamp(value).date()


def whole(value: Any) -> int | None:
    """A cell of an integer column as an int; None where it is missing."""
    return None if pd.isna(value) else int(value)
