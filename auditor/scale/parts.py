"""Audits of several sets of patients put together, as if all had been audited at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.asides import Doubts
from auditor.audit import Audit, Counts, totals_of
from auditor.catalogue import CATALOGUE
from auditor.corrections import COLUMNS
from auditor.findings import ORDERED_BY, order_of
from auditor.ingest.frame import side_by_side
from auditor.ingest.normalise import Intake
from auditor.ingest.restored import ZERO_COLUMNS
from auditor.intake import Claims
from auditor.reference import Reference
from auditor.scale.exchange import FINDING_COLUMNS, finding_column
from auditor.scale.kept import laid_aside

_COUNTED = ["in_scope", "flagged", "clean", "not_evaluated"]


@dataclass(frozen=True)
class Elsewhere:
    """What an audit elsewhere gives: claims and audit without their lines, and corrections.

    ``reference`` is what the lines were judged by: of a library what they needed. ``doubts`` are
    those about the lines.
    """

    claims: Claims
    audit: Audit
    corrections: pd.DataFrame
    reference: Reference
    doubts: Doubts


def bare(result: Audit) -> Audit:
    """An audit that leaves its lines and findings behind, but for the days that occur."""
    days = result.lines[["service_date", "claim_type"]].drop_duplicates()
    return replace(result, lines=days, findings=result.findings.iloc[:0])


def audits_together(
    parts: Sequence[Audit], findings: Sequence[pa.Table], folder: Path | None = None
) -> Audit:
    """One audit out of several whose patients are others, and the findings of each.

    Of its lines it knows the counts, and each service date and claim type once. With ``folder``
    the findings stand there, and take memory only where somebody looks at them.
    """
    before = accumulate((part.counts.lines for part in parts), initial=0)
    every = _findings(list(map(_behind, findings, before)), folder)
    books = parts[0].books.copy()
    books[_COUNTED] = sum(part.books[_COUNTED].to_numpy() for part in parts)
    return replace(
        parts[0],
        lines=pd.concat([part.lines for part in parts]).drop_duplicates(ignore_index=True),
        findings=every,
        books=books,
        not_evaluated=_not_evaluated([part.not_evaluated for part in parts]),
        superseded=sum(part.superseded for part in parts),
        totals=totals_of(every),
        counts=_counts([part.counts for part in parts]),
    )


def _behind(findings: pa.Table, lines: int) -> pa.Table:
    """Findings whose lines stand behind so many others."""
    place = findings.schema.get_field_index("line")
    return findings.set_column(place, "line", pc.add(findings.column("line"), lines))


def _findings(tables: Sequence[pa.Table], folder: Path | None) -> pd.DataFrame:
    """The findings of several tables in the order of one audit."""
    every = pa.concat_tables(tables)
    keys = {name: finding_column(name, every.column(name)) for name in ORDERED_BY}
    order, _ = order_of(pd.DataFrame(keys, copy=False))

    def in_order(name: str) -> Any:
        column = finding_column(name, every.column(name).unify_dictionaries().take(order))
        return column if folder is None else laid_aside(column, folder / name)

    columns = side_by_side(in_order, FINDING_COLUMNS)
    return pd.DataFrame(dict(zip(FINDING_COLUMNS, columns, strict=True)), copy=False)


def _counts(parts: Sequence[Counts]) -> Counts:
    return Counts(
        lines=sum(part.lines for part in parts),
        claims=sum(part.claims for part in parts),
        patients=sum(part.patients for part in parts),
        first_date=min((part.first_date for part in parts if part.first_date), default=None),
        last_date=max((part.last_date for part in parts if part.last_date), default=None),
        in_family=sum(part.in_family for part in parts),
        crowded_days=sum(part.crowded_days for part in parts),
    )


def _not_evaluated(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Lines by rule, reason and detail, in the order of the catalogue."""
    by = ["rule", "reason", "detail"]
    every = pd.concat(parts, ignore_index=True)
    summed = every.groupby(by, sort=False)["lines"].sum().reset_index()
    order = {rule.name: place for place, rule in enumerate(CATALOGUE)}
    place = summed["rule"].map(order).to_numpy()
    return summed.iloc[np.argsort(place, kind="stable")].reset_index(drop=True)


def corrections_together(
    parts: Sequence[pd.DataFrame], findings: pd.DataFrame, intakes: Sequence[Intake]
) -> pd.DataFrame:
    """Proposed corrections: those of findings in their order, then zeros in that of the files."""
    every = pd.concat([part.astype("str") for part in parts], ignore_index=True)
    of_finding = every[every["finding"] != ""]
    corrected = findings.loc[findings["finding"].isin(of_finding["finding"]), "finding"]
    place = pd.Series(np.arange(len(corrected)), index=corrected)
    of_finding = of_finding.iloc[np.argsort(place[of_finding["finding"]].to_numpy())]
    zeros = every[every["finding"] == ""]
    file = {(one.file, one.sheet or ""): number for number, one in enumerate(intakes)}
    names = zip(zeros["source_file"], zeros["source_sheet"], strict=True)
    column = {name: number for number, name in enumerate(ZERO_COLUMNS)}
    order = np.lexsort(
        (
            zeros["source_row"].astype("int64").to_numpy(),
            zeros["column"].map(column).to_numpy(),
            np.array([file[name] for name in names], dtype=np.int64),
        )
    )
    return pd.concat([of_finding, zeros.iloc[order]], ignore_index=True)[list(COLUMNS)]
