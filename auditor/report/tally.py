"""Sums over the findings frame: by severity, by rule, by family or payer."""

import pandas as pd

from auditor.rule import SEVERITIES

MOST_SHARES = 10


def severities(findings: pd.DataFrame) -> list[tuple[str, int, int, int, int]]:
    """Severity, its findings, the distinct lines they stand on, cents at risk and missed.

    A line's money stands under the finding that carries it, so that the cents add up to the totals.
    """
    rows: list[tuple[str, int, int, int, int]] = []
    for severity in SEVERITIES:
        some = findings[findings["severity"] == severity]
        cents = some[some["counts_money"].astype(bool)].groupby("money", observed=True)["amount"]
        sums = cents.sum()
        rows.append(
            (
                severity,
                len(some),
                int(some["line"].nunique()),
                int(sums.get("at_risk", 0)),
                int(sums.get("missed", 0)),
            )
        )
    return rows


def rule_severities(findings: pd.DataFrame) -> dict[str, tuple[int, int, int]]:
    """Findings of each rule in the order of ``SEVERITIES``."""
    sizes = findings.groupby(["rule", "severity"], observed=True).size()
    return {
        str(rule): (
            int(sizes.get((rule, "denial"), 0)),
            int(sizes.get((rule, "review"), 0)),
            int(sizes.get((rule, "note"), 0)),
        )
        for rule in sizes.index.unique("rule")
    }


def rule_money(findings: pd.DataFrame) -> dict[tuple[str, str], int]:
    """Cents of each rule's own lines by kind of money; a rule has a line at most once."""
    sums = findings.groupby(["rule", "money"], observed=True)["amount"].sum().reset_index()
    columns = (sums["rule"].tolist(), sums["money"].tolist(), sums["amount"].tolist())
    return {(rule, money): int(cents) for rule, money, cents in zip(*columns, strict=True)}


def charged(findings: pd.DataFrame) -> int:
    """Cents at risk that are charges, each line's money once: no allowed amount, no rate."""
    at_risk = findings["counts_money"].astype(bool) & findings["money"].eq("at_risk")
    return int(findings.loc[at_risk & findings["amount_basis"].eq("charge"), "amount"].sum())


def at_risk_without_amount(findings: pd.DataFrame) -> int:
    """Findings at risk that are in no sum: no allowed amount, no rate, no charge."""
    return int((findings["money"].eq("at_risk") & findings["amount"].isna()).sum())


def sums(findings: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """One row for each value of the columns ``by``, most money first.

    Columns: ``by`` as text, findings, at_risk and missed in cents; each line's money once, so that
    the rows add up to the totals.
    """
    carried = findings["amount"].where(findings["counts_money"].astype(bool)).fillna(0)
    table = pd.DataFrame(
        {
            **{name: findings[name].astype(str) for name in by},
            "findings": 1,
            "at_risk": carried.where(findings["money"] == "at_risk", 0).astype("int64"),
            "missed": carried.where(findings["money"] == "missed", 0).astype("int64"),
        }
    )
    table = table.groupby(by, as_index=False).sum()
    table["money"] = table["at_risk"] + table["missed"]
    down = [False, False, *[True] * len(by)]
    table = table.sort_values(["money", "findings", *by], ascending=down)
    return table.drop(columns="money").reset_index(drop=True)


def shares(findings: pd.DataFrame, by: str) -> list[tuple[str, int, int, int]]:
    """Value of column ``by``, findings, cents at risk, cents missed; each line's money once.

    Most money first; past the first ten values the rest are joined ("7 others").
    """
    table = sums(findings, [by])
    names = table[by].tolist()
    counts = table[["findings", "at_risk", "missed"]].astype("int64").to_numpy().tolist()
    rows = [(name, n, r, m) for name, (n, r, m) in zip(names, counts, strict=True)]
    rest = rows[MOST_SHARES:]
    if len(rest) < 2:
        return rows
    found, at_risk, missed = (sum(column) for column in list(zip(*rest, strict=True))[1:])
    return [*rows[:MOST_SHARES], (f"{len(rest)} others", found, at_risk, missed)]
