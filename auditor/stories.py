"""One root cause, one story: findings of one study stand together; like findings form a pattern."""

import hashlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from auditor.matching import group_starts
from auditor.reference import Ints, day_numbers
from auditor.studies import SEARCH_DAYS

# What a chargemaster fix or a talk with a billing group starts from.
_PATTERN = ("rule", "billing_npi", "department", "revenue_code", "payer")
_FEWEST = 2


def with_stories(findings: pd.DataFrame, options: Mapping[str, Any]) -> pd.DataFrame:
    """Findings with ``story``: one id for all findings of a patient's episode.

    An episode ends where the patient's next flagged line is more than ``search_days`` later. The
    id is a digest of the patient and the episode's first date, so it stays the same from night to
    night as long as the episode does.
    """
    if findings.empty:
        return findings.assign(story=pd.Series(dtype="str"))
    gap = int(options.get("search_days", SEARCH_DAYS))
    patient, names = pd.factorize(findings["patient_id"])
    day = day_numbers(findings["service_date"])
    order = np.lexsort((day, patient))
    first = _episode_starts(patient[order].astype(np.int64), day[order], gap)
    story = np.empty(len(findings), dtype=object)
    ids: dict[tuple[int, int], str] = {}
    for place, (who, begun) in enumerate(zip(patient[order], day[order][first], strict=True)):
        key = (int(who), int(begun))
        if key not in ids:
            content = f"{names[who]}\x1f{np.datetime64(int(begun), 'D')}"
            ids[key] = hashlib.sha256(content.encode()).hexdigest()[:12]
        story[order[place]] = ids[key]
    return findings.assign(story=pd.Series(story, index=findings.index, dtype="str"))


def _episode_starts(patient: Ints, day: Ints, gap: int) -> Ints:
    """For each sorted line, the place where its episode begins."""
    begins = np.ones(len(day), dtype=np.int64)
    begins[1:] = (patient[1:] != patient[:-1]) | (day[1:] - day[:-1] > gap)
    return group_starts(np.cumsum(begins))


def stories(findings: pd.DataFrame) -> pd.DataFrame:
    """One row a story, dearest first.

    Columns: story, patient_id, first_date, last_date, findings, lines, rules (space-separated),
    severity (the worst), at_risk and missed in cents, each line's money once a kind.
    """
    money = _money(findings, "story")
    by = findings.groupby("story", sort=True)
    table = pd.DataFrame(
        {
            "patient_id": by["patient_id"].first(),
            "first_date": by["service_date"].min(),
            "last_date": by["service_date"].max(),
            "findings": by.size(),
            "lines": by["line"].nunique(),
            "rules": by["rule"].agg(lambda names: " ".join(dict.fromkeys(names))),
            # Findings stand most severe first.
            "severity": by["severity"].first(),
        }
    )
    return _dearest_first(table.join(money), "story")


def patterns(findings: pd.DataFrame) -> pd.DataFrame:
    """Like findings: one rule, provider, department, revenue code and payer; dearest first.

    Columns: those five, findings, lines, first_date, last_date, at_risk and missed in cents. The
    money of a pattern is that of its own lines, so patterns of several rules overlap.
    """
    keys = list(_PATTERN)
    by = findings.groupby(keys, sort=True)
    table = pd.DataFrame(
        {
            "findings": by.size(),
            "lines": by["line"].nunique(),
            "first_date": by["service_date"].min(),
            "last_date": by["service_date"].max(),
        }
    )
    for kind in ("at_risk", "missed"):
        some = findings[findings["money"] == kind]
        table[kind] = some.groupby(keys)["amount"].sum().reindex(table.index).fillna(0)
    return _dearest_first(table[table["findings"] >= _FEWEST], *keys)


def _money(findings: pd.DataFrame, key: str) -> pd.DataFrame:
    """At risk and missed cents by a key, each line once a kind."""
    counted = findings[findings["counts_money"]]
    return pd.DataFrame(
        {
            kind: counted[counted["money"] == kind].groupby(key)["amount"].sum()
            for kind in ("at_risk", "missed")
        }
    )


def _dearest_first(table: pd.DataFrame, *keys: str) -> pd.DataFrame:
    table = table.assign(
        at_risk=table["at_risk"].fillna(0).astype("int64"),
        missed=table["missed"].fillna(0).astype("int64"),
    )
    table = table.assign(worth=np.maximum(table["at_risk"], table["missed"])).reset_index()
    order = ["worth", "findings", *keys]
    table = table.sort_values(order, ascending=[False, False, *(True for _ in keys)])
    return table.drop(columns="worth").reset_index(drop=True)
