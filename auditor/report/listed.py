"""The rows of the page's list: the findings of the run, and behind them those set apart.

Waived and resolved findings come from the history. They are in no total of the report; the list
shows them only where they are asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from auditor import schema
from auditor.changes import Changes
from auditor.stories import stories

APART = ("waived", "resolved")
# Of each list apart, the dearest that travel with the page.
MOST_APART = 20_000
# Claims of several patients or of both types may bear one number, and lines none.
_LINE = ["patient_id", "claim_id", "claim_type", "line_number"]
_LINE += ["source_file", "source_sheet", "source_row"]
_INTEGERS = ("line_number", "partner_line_number", "source_row")


@dataclass(frozen=True)
class Listed:
    """``frame``: columns of ``schema.FINDINGS``, ``line``, ``pattern``, and with a history
    ``first_seen`` (ISO text) and ``waiver``. The first ``open`` rows are the run's findings;
    ``apart`` counts the others by status. ``studies`` has a row for every story of the frame.
    """

    frame: pd.DataFrame
    studies: pd.DataFrame
    open: int
    apart: Mapping[str, int]


def listed(findings: pd.DataFrame, studies: pd.DataFrame, changes: Changes | None) -> Listed:
    """The rows of the list; ``findings`` have ``line`` and ``pattern``."""
    if changes is None:
        return Listed(findings, studies, len(findings), {})
    seen = {finding: day.isoformat() for finding, day in changes.first_seen.items()}
    first = findings["finding"].astype(str).map(seen).fillna("")
    frames = [findings.assign(first_seen=first.to_numpy(), waiver="")]
    told, lines, apart = [studies], int(findings["line"].max() + 1) if len(findings) else 0, {}
    for status in APART:
        frame = set_apart(getattr(changes, status), status, seen)
        apart[status] = len(frame)
        if frame.empty:
            continue
        line, _ = pd.factorize(pd.MultiIndex.from_frame(frame[_LINE].astype(str)))
        frame = frame.assign(line=line + lines, pattern=0)
        lines += len(frame)
        frames.append(frame)
        told.append(stories(frame))
    return Listed(
        pd.concat(frames, ignore_index=True) if len(frames) > 1 else frames[0],
        pd.concat(told, ignore_index=True) if len(told) > 1 else studies,
        len(findings),
        apart,
    )


def set_apart(
    frame: pd.DataFrame, status: str, seen: Mapping[str, str], most: int | None = MOST_APART
) -> pd.DataFrame:
    """Findings of the history, typed as the audit types its own: the dearest, at most so many.

    Their studies are named apart from the studies of the run, whose money they don't share.
    """
    text = [name for name in schema.FINDINGS if name not in (*_INTEGERS, "amount", "units")]
    kept = frame.reindex(columns=list(schema.FINDINGS))
    for name in text:
        if name not in ("service_date", "counts_money"):
            kept[name] = kept[name].astype(object).where(kept[name].notna(), "").astype(str)
    for name in (*_INTEGERS, "amount"):
        kept[name] = pd.to_numeric(kept[name], errors="coerce").astype("Int64")
    kept["units"] = pd.to_numeric(kept["units"], errors="coerce").astype("float64")
    kept["service_date"] = pd.to_datetime(kept["service_date"]).astype("datetime64[s]")
    kept["counts_money"] = kept["counts_money"].astype("boolean").fillna(False).astype(bool)
    first = kept["finding"].map(lambda one: seen.get(one, ""))
    if "first_seen" in frame:
        own = frame["first_seen"].map(_day_text)
        first = own.where(own.ne(""), first)
    waiver = frame["waiver"].astype(str) if "waiver" in frame else ""
    kept = kept.assign(
        status=status, story=kept["story"] + f"-{status}", first_seen=first, waiver=waiver
    )
    order = kept["amount"].fillna(-1).sort_values(ascending=False, kind="stable").index
    return kept.loc[order[:most]].reset_index(drop=True)


def _day_text(value: Any) -> str:
    if isinstance(value, str):
        return value[:10]
    if pd.isna(value):
        return ""
    return (value if isinstance(value, date) else pd.Timestamp(value)).isoformat()[:10]
