"""Where a library and the shipped table both speak: who answers on which day."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np
import pandas as pd

from auditor.library.specifications import Specification
from auditor.reference import Bools, Edition, Ints, Table

Span = tuple[date, date]
_DAY = timedelta(days=1)
_EPOCH = date(1970, 1, 1)


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
    if specification.accuses_on:
        spans = _to_the_end(spans, shipped.editions)
    standing = _outside(shipped, np.array(covered, dtype=bool), spans)
    rows = _with_successors(rows, under) if specification.table == "icd10cm" else rows
    return pd.concat([rows, standing])


def _to_the_end(
    spans: Mapping[str, Sequence[Span]], shipped: Sequence[Edition]
) -> dict[str, Sequence[Span]]:
    """The days of the library, and of a setting in which it is the newer one all days after.

    What accuses on days that neither answers for is then the newer table, not the older.
    """
    found: dict[str, Sequence[Span]] = {}
    for setting, held in spans.items():
        ends = [one.last_date or date.max for one in shipped if one.setting in ("", setting)]
        newer = held[-1][1] >= max(ends, default=date.min)
        found[setting] = [*held[:-1], (held[-1][0], date.max)] if newer else held
    return found


def _outside(shipped: Table, covered: Bools, spans: Mapping[str, Sequence[Span]]) -> pd.DataFrame:
    """Shipped rows, the covered ones on the days for which no edition of their setting answers."""
    rows, first, last = shipped.rows, shipped.first_days, shipped.last_days
    place = np.arange(len(rows))
    # A row that ends before it begins was never in force and is kept as it is.
    covered = covered & (last >= first)
    setting = rows["setting"].to_numpy(dtype=object) if "setting" in rows else np.array([""])
    for own, held in spans.items():
        here = covered & (setting == own)
        for start, end in ((_day(a), _day(b)) for a, b in held):
            cut = here[place] & (first <= end) & (last >= start)
            left, right = cut & (first < start), cut & (last > end)
            place = np.r_[place[~cut], place[left], place[right]]
            first = np.r_[first[~cut], first[left], np.full(right.sum(), end + 1)]
            last = np.r_[last[~cut], np.full(left.sum(), start - 1), last[right]]
    order = np.lexsort((first, place))
    place, first, last = place[order], first[order], last[order]
    begins, ends = first != shipped.first_days[place], last != shipped.last_days[place]
    standing = rows.iloc[place].reset_index(drop=True)
    standing.loc[begins, "effective_from"] = _words_of(first[begins])
    standing.loc[ends, "effective_to"] = _words_of(last[ends])
    return standing


def _day(day: date) -> int:
    return (day - _EPOCH).days


def _words_of(days: Ints) -> list[str]:
    return [(_EPOCH + timedelta(days=int(day))).isoformat() for day in days]


def _with_successors(rows: pd.DataFrame, shipped: pd.DataFrame) -> pd.DataFrame:
    """Codes that may not be billed, with what to bill instead where the shipped table knows it."""
    named = shipped[shipped["successors"] != ""].drop_duplicates("icd10", keep="last")
    known = dict(zip(named["icd10"], named["successors"], strict=True))
    lacking = (rows["successors"] == "") & (rows["billable"] == "no")
    return rows.assign(
        successors=rows["successors"].where(~lacking, rows["icd10"].map(known).fillna(""))
    )
