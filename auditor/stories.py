"""One root cause, one story: findings of one study stand together; like findings form a pattern."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.matching import first_places, group_starts
from auditor.reference import Bools, Ints, day_numbers
from auditor.studies import SEARCH_DAYS

# What a chargemaster fix or a talk with a billing group starts from.
_PATTERN = ("rule", "billing_npi", "department", "revenue_code", "payer")
_FEWEST = 2
_STORY_COLUMNS = {
    "story": "str",
    "patient_id": "str",
    "first_date": "datetime64[s]",
    "last_date": "datetime64[s]",
    "findings": "int64",
    "lines": "int64",
    "rules": "str",
    "severity": "str",
    "at_risk": "int64",
    "missed": "int64",
}


def with_stories(
    findings: pd.DataFrame, options: Mapping[str, Any], foreign: Bools | None = None
) -> pd.DataFrame:
    """Findings with ``story``: one id for all findings of a patient's episode of cardiac CT.

    An episode ends where the patient's next flagged line is more than ``search_days`` later. The
    id is a digest of the patient and the episode's first date, so it stays the same from night to
    night as long as the episode does. ``foreign`` marks findings on lines of other services: they
    belong to no study of cardiac CT and make episodes of their own.
    """
    if findings.empty:
        return findings.assign(story=pd.Series(dtype="str"))
    gap = int(options.get("search_days", SEARCH_DAYS))
    patient, names = pd.factorize(findings["patient_id"])
    other = np.zeros(len(findings), dtype=bool) if foreign is None else foreign
    study = patient.astype(np.int64) * 2 + other
    day = day_numbers(findings["service_date"])
    order = np.lexsort((day, study))
    first = _episode_starts(study[order], day[order], gap)
    begins = np.flatnonzero(first == np.arange(len(first)))
    begun = np.datetime_as_string(day[order[begins]].astype("datetime64[D]")).tolist()
    named = names.take(patient[order[begins]]).to_numpy(dtype=object).tolist()
    kinds = ["\x1fother" if one else "" for one in other[order[begins]].tolist()]
    ids = [
        hashlib.sha256(f"{name}\x1f{date}{kind}".encode()).hexdigest()[:12]
        for name, date, kind in zip(named, begun, kinds, strict=True)
    ]
    number = np.empty(len(findings), dtype=np.int64)
    number[order] = np.searchsorted(begins, first)
    return findings.assign(story=pd.array(ids, dtype="str").take(number))


def _episode_starts(study: Ints, day: Ints, gap: int) -> Ints:
    """For each sorted line, the place where its episode begins."""
    begins = np.ones(len(day), dtype=np.int64)
    begins[1:] = (study[1:] != study[:-1]) | (day[1:] - day[:-1] > gap)
    return group_starts(np.cumsum(begins))


def stories(findings: pd.DataFrame) -> pd.DataFrame:
    """One row a story, dearest first.

    Columns: story, patient_id, first_date, last_date, findings, lines, rules (space-separated),
    severity (the worst), at_risk and missed in cents, each line's money once a kind.
    """
    if findings.empty:
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _STORY_COLUMNS.items()})
    number, names = pd.factorize(findings["story"], sort=True)
    order = np.argsort(number, kind="stable")
    starts = np.flatnonzero(np.r_[True, np.diff(number[order]) > 0])
    # Findings stand most severe first, and so does the first of each story.
    firsts = findings[["patient_id", "severity"]].take(order[starts])
    days = findings["service_date"].to_numpy()[order]
    rules = findings["rule"].to_numpy(dtype=object)[order]
    ends = np.r_[starts[1:], len(order)]
    table = pd.DataFrame(
        {
            "story": names,
            "patient_id": firsts["patient_id"].to_numpy(),
            "first_date": np.minimum.reduceat(days, starts),
            "last_date": np.maximum.reduceat(days, starts),
            "findings": np.bincount(number),
            "lines": _lines(number, findings["line"]),
            "rules": _joined(rules, starts, ends),
            "severity": firsts["severity"].to_numpy(),
        }
    )
    amount = findings["amount"].fillna(0).to_numpy(dtype=np.float64)
    counts = findings["counts_money"].to_numpy(dtype=bool)
    for kind in ("at_risk", "missed"):
        mine = counts & (findings["money"] == kind).to_numpy(dtype=bool)
        table[kind] = np.bincount(number, weights=amount * mine).astype(np.int64)
    return _dearest_first(table)


def _joined(rules: npt.NDArray[np.object_], starts: Ints, ends: Ints) -> list[str]:
    """The rules of each story, each once; most stories have one finding."""
    joined: list[str] = rules[starts].tolist()
    for place in np.flatnonzero(ends - starts > 1).tolist():
        joined[place] = " ".join(dict.fromkeys(rules[starts[place] : ends[place]]))
    return joined


def patterns(findings: pd.DataFrame) -> pd.DataFrame:
    """Like findings: one rule, provider, department, revenue code and payer; dearest first.

    Columns: those five, findings, lines, first_date, last_date, at_risk and missed in cents. The
    money of a pattern is that of its own lines, so patterns of several rules overlap.
    """
    keys = list(_PATTERN)
    # Numbers of words: five columns of text would be hashed and sorted cell by cell.
    words = findings[keys].astype("category")
    number: Ints = words.groupby(keys, observed=True).ngroup().to_numpy().astype(np.int64)
    first = first_places(number)
    by = findings[["service_date"]].groupby(number)
    table = findings[keys].take(first).reset_index(drop=True)
    table["findings"] = np.bincount(number)
    table["lines"] = _lines(number, findings["line"])
    table["first_date"], table["last_date"] = by["service_date"].min(), by["service_date"].max()
    for kind in ("at_risk", "missed"):
        cents = findings["amount"].where(findings["money"] == kind)
        table[kind] = cents.groupby(number).sum()
    return _dearest_first(table[table["findings"] >= _FEWEST].reset_index(drop=True))


def _lines(number: Ints, line: "pd.Series[int]") -> Ints:
    """The lines of each group, each once."""
    places = line.to_numpy(dtype=np.int64)
    once = ~pd.Series(number * (int(places.max(initial=0)) + 2) + places).duplicated().to_numpy()
    found: Ints = np.bincount(number, weights=once).astype(np.int64)
    return found


def _dearest_first(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows, dearest first; the others stay in their order, that of their keys."""
    table = table.assign(
        at_risk=table["at_risk"].astype("int64"), missed=table["missed"].astype("int64")
    )
    table = table.assign(worth=np.maximum(table["at_risk"], table["missed"]))
    order = np.lexsort((-table["findings"].to_numpy(), -table["worth"].to_numpy()))
    return table.drop(columns="worth").take(order).reset_index(drop=True)
