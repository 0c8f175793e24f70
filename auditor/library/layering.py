"""Where a library and the shipped table both speak: who answers on which day."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import pandas as pd

from auditor.library.specifications import Specification
from auditor.reference import Edition, Table

Span = tuple[date, date]
_DAY = timedelta(days=1)


def spans_of(editions: Sequence[Edition]) -> dict[str, list[Span]]:
    """The days that some edition answers for, by setting, joined where they adjoin."""
    found: dict[str, list[Span]] = {}
    ordered = sorted(editions, key=lambda one: one.first_date or date.min)
    for one in ordered:
        first, last = one.first_date or date.min, one.last_date or date.max
        spans = found.setdefault(one.setting, [])
        if spans and (spans[-1][1] == date.max or first <= spans[-1][1] + _DAY):
            spans[-1] = (spans[-1][0], max(spans[-1][1], last))
        else:
            spans.append((first, last))
    return found


def laid_over(
    rows: pd.DataFrame,
    shipped: Table,
    specification: Specification,
    spans: Mapping[str, Sequence[Span]],
) -> pd.DataFrame:
    """The library's rows and those of the shipped table that stand beside them."""
    if specification.over == "everything":
        return rows
    under = shipped.rows
    if specification.over == "nothing":
        return pd.concat([rows, under])
    if specification.over == "keys":
        keys = list(specification.keys)
        held = set(map(tuple, rows[keys].to_numpy()))
        covered = [tuple(key) in held for key in under[keys].to_numpy()]
    else:
        covered = [True] * len(under)
    cells = [dict(zip(under.columns, row, strict=True)) for row in under.to_numpy()]
    pieces = [
        piece
        for row, cut in zip(cells, covered, strict=True)
        for piece in (_outside(row, spans) if cut else [row])
    ]
    standing = pd.DataFrame(pieces, columns=list(under.columns), dtype="str")
    rows = _with_successors(rows, under) if specification.table == "icd10cm" else rows
    return pd.concat([rows, standing])


def _outside(row: Mapping[str, str], spans: Mapping[str, Sequence[Span]]) -> list[dict[str, str]]:
    """A shipped row on the days for which no edition of its setting answers."""
    first = date.fromisoformat(row["effective_from"]) if row["effective_from"] else date.min
    last = date.fromisoformat(row["effective_to"]) if row["effective_to"] else date.max
    if last < first:
        return [dict(row)]
    left = [(first, last)]
    for start, end in spans.get(row.get("setting", ""), ()):
        left = [piece for whole in left for piece in _cut(whole, start, end)]
    return [
        {
            **row,
            "effective_from": "" if start == date.min else start.isoformat(),
            "effective_to": "" if end == date.max else end.isoformat(),
        }
        for start, end in left
    ]


def _cut(whole: Span, start: date, end: date) -> list[Span]:
    first, last = whole
    if end < first or start > last:
        return [whole]
    pieces = []
    if first < start:
        pieces.append((first, start - _DAY))
    if end < last:
        pieces.append((end + _DAY, last))
    return pieces


def _with_successors(rows: pd.DataFrame, shipped: pd.DataFrame) -> pd.DataFrame:
    """Codes that may not be billed, with what to bill instead where the shipped table knows it."""
    named = shipped[shipped["successors"] != ""].drop_duplicates("icd10", keep="last")
    known = dict(zip(named["icd10"], named["successors"], strict=True))
    lacking = (rows["successors"] == "") & (rows["billable"] == "no")
    return rows.assign(
        successors=rows["successors"].where(~lacking, rows["icd10"].map(known).fillna(""))
    )
