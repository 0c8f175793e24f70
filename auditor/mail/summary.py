"""What a mail may draw on: a finished run's report.json and findings, or why a run failed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from auditor.errors import AuditError
from auditor.exports_of_run import came_in, is_night, run_of
from auditor.report.summary import FORMAT, NAME

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

# Enough to count, filter and know a line again. No patient, no message.
_COLUMNS = [
    *("rule", "family", "severity", "money", "amount", "amount_basis", "counts_money"),
    "status",
    *("payer", "payer_type", "billing_npi", "rendering_npi"),
    *("source_file", "source_sheet", "source_row", "claim_id", "line_number"),
]


@dataclass(frozen=True)
class Summary:
    """A run to tell of. ``failed`` says why it could not finish; then there are no facts.

    ``facts`` is report.json. ``findings``: one row a finding, ``amount`` in cents. ``aside``: a
    sentence on exports that are not in the report, ``""`` where all are. ``came``: one on exports
    that did not come, or brought nothing new, which is no fault of the run.
    """

    run: str
    as_of: date
    started_at: datetime
    folder: Path | None
    facts: Mapping[str, Any]
    findings: pd.DataFrame | None
    failed: str = ""
    aside: str = ""
    came: str = ""


def summary_of(folder: Path) -> Summary:
    """Reads a run's folder.

    Raises AuditError if it is none, or if report.json or findings.parquet were not asked for.
    """
    try:
        facts = json.loads((folder / NAME).read_text(encoding="utf-8"))
        known = facts["format"]
    except FileNotFoundError as fault:
        raise AuditError(
            f"{folder}: holds no {NAME}; name the folder of a run that wrote it "
            "(--formats json,parquet among others)",
            exit_code=2,
        ) from fault
    except (OSError, ValueError, KeyError, TypeError) as fault:
        raise AuditError(f"{folder / NAME}: can't be read; run the audit again") from fault
    if known != FORMAT:
        raise AuditError(
            f"{folder / NAME}: is of format {known!s:.9}, and this program knows {FORMAT}; "
            "run the audit again"
        )
    try:
        return Summary(
            # By this name a night mailed it: who has that mail is not to get it twice.
            run=run_of(folder) if is_night(folder) else str(facts["identity"]),
            as_of=date.fromisoformat(facts["as_of"]),
            started_at=datetime.fromisoformat(facts["started_at"]),
            folder=folder,
            facts=facts,
            findings=_findings(folder),
            came=came_in(folder),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise AuditError(f"{folder / NAME}: has been changed; run the audit again") from fault


def failure(run: str, as_of: date, started_at: datetime, reason: str) -> Summary:
    """A run that could not finish; ``reason`` is the line of its AuditError."""
    return Summary(run, as_of, started_at, None, {}, None, failed=reason or "no reason was given")


def _findings(folder: Path) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    path = folder / "findings.parquet"
    try:
        table = pq.read_table(path, columns=_COLUMNS)
    except FileNotFoundError as fault:
        raise AuditError(
            f"{folder}: holds no findings.parquet, from which the mail counts; run with it among "
            "the formats",
            exit_code=2,
        ) from fault
    except (OSError, pa.ArrowException) as fault:
        raise AuditError(f"{path}: can't be read; run the audit again") from fault
    hundred = pa.scalar(Decimal(100), pa.decimal128(3, 0))
    cents = pc.cast(pc.multiply(table["amount"], hundred), pa.int64())
    frame: pd.DataFrame = table.drop_columns("amount").to_pandas()
    frame["amount"] = cents.to_pandas(types_mapper=lambda _: pd.Int64Dtype())
    # Findings that a waiver sets apart or that are gone are told as changes, not as findings.
    return frame[~frame["status"].isin(["waived", "resolved"])].reset_index(drop=True)
