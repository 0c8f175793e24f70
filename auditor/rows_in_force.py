"""The reference rows in force for one line: what an explanation shows of the tables a rule asks."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from auditor.library.specifications import payer_key
from auditor.localities import rows_behind
from auditor.reference import Reference, Table

# Whose rows price a line, by claim type.
RATES = {
    "institutional": ("opps_rates",),
    "professional": ("pfs_rates", "conversion_factors", "imaging_caps"),
}
ALL_RATES = frozenset(name for of_type in RATES.values() for name in of_type)
# No line says which of a state's contractors is meant: all are shown.
_ANY = {"partb_contractor"}
_MODIFIER = {"professional": "26", "technical": "TC", "global": ""}
_PRICED_AS = {"technical": "institutional", "professional": "professional"}


def rate_tables(
    line: "pd.Series[Any]", evidence: "pd.Series[Any]", basis: str, reference: Reference
) -> tuple[str, ...]:
    """The tables behind an amount: none where the export's own amounts tell it.

    A contract that pays a percentage of Medicare's rate rests on that rate, too.
    """
    rates = RATES.get(_priced(line, evidence)["claim_type"], ())
    if basis == "contract" or evidence.get("rate") == "contract rate":
        day, contracts = str(line["service_date"])[:10], reference.table("contract_rates")
        rows = _rows(contracts, _words(line, evidence), day)
        return ("contract_rates", *(rates if (rows["amount"] == "").any() else ()))
    return rates if basis in ("fee_schedule", "difference") else ()


def rows_in_force(
    tables: Iterable[str],
    line: "pd.Series[Any]",
    evidence: "pd.Series[Any]",
    reference: Reference,
) -> list[str]:
    """Each table's rows for the line's codes on its date of service, as text with their dates."""
    words = _words(line, evidence)
    day = str(line["service_date"])[:10]
    found = []
    # A rule names the rates of both claim types; one of them prices the line.
    priced = RATES.get(_priced(line, evidence)["claim_type"], ())
    others = ALL_RATES - set(priced)
    for name in dict.fromkeys(tables):
        table = reference.tables.get(name)
        if table is None or name in others or not set(table.keys) - _ANY <= set(words):
            continue
        asked = words | {"modifier": words["carried"]} if name == "modifiers" else words
        found += [_as_text(name, row) for row in _rows(table, asked, day).to_dict("records")]
    return found


def rows_of_place(
    frame: pd.DataFrame, evidence: "pd.Series[Any]", reference: Reference
) -> list[str]:
    """The rows of a line's ZIP code, cost indices and cap that price it, of a frame of that line.

    None where a hospital's rate or the national one does.
    """
    priced = _priced(frame.iloc[0], evidence)
    if priced["claim_type"] != "professional":
        return []
    scans = np.array([priced["component"] != "professional"])
    behind = rows_behind(frame, reference, scans)
    return [
        _as_text(rows.table.name, rows.table.rows.iloc[rows.row[0]].to_dict())
        for rows in behind
        if rows.row[0] >= 0
    ]


def _as_text(table: str, row: Mapping[Any, Any]) -> str:
    return f"{table}: " + ", ".join(f"{name} {cell}" for name, cell in row.items() if cell)


def _rows(table: Table, words: Mapping[str, tuple[str, ...]], day: str) -> pd.DataFrame:
    rows = table.rows
    mask = pd.Series(data=True, index=rows.index)
    for key in set(table.keys) - _ANY:
        cells = rows[key].map(payer_key) if key == "payer" else rows[key]
        mask &= cells.isin(words[key])
    ends = rows["effective_to"].where(rows["effective_to"] != "", "9999-12-31")
    return rows[mask & (rows["effective_from"] <= day) & (day <= ends)]


def _priced(line: "pd.Series[Any]", evidence: "pd.Series[Any]") -> dict[str, str]:
    """Component and claim type that the amount was priced as: of a missing half, that half."""
    absent = str(evidence.get("absent_component", ""))
    return {
        "component": absent or str(line["component"]),
        "claim_type": _PRICED_AS[absent] if absent else str(line["claim_type"]),
    }


def _words(line: "pd.Series[Any]", evidence: "pd.Series[Any]") -> dict[str, tuple[str, ...]]:
    """What the line holds for each key of a table that a single line can answer."""
    priced = _priced(line, evidence)
    component = priced["component"]
    modifiers = ("", "26", "TC") if component == "global" else (_MODIFIER.get(component, ""),)
    held = {name: (str(line[name]),) for name in _HELD}
    return held | {
        "payer": (payer_key(str(line["payer"])),),
        "setting": (priced["claim_type"],),
        "policy_id": (str(evidence.get("policy_id", "")),),
        "component": (component,),
        "modifier": modifiers,
        "carried": (*str(line["modifiers"]).split(), *str(evidence.get("bypass", "")).split()),
        "icd10": tuple(str(line["diagnosis_codes"]).split()),
        "jurisdiction": (str(evidence.get("jurisdiction", "")),),
        "list_id": (str(evidence.get("list_id", "")),),
        "state": (str(line["service_state"]),),
        "system": ("pfs",),
        "variant": ("standard",),
    }


_HELD = (
    "procedure_code",
    "payer_type",
    "place_of_service",
    "revenue_code",
    "service",
)
