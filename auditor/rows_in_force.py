"""The reference rows in force for one line: what an explanation shows of the tables a rule asks."""

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from auditor.library.specifications import payer_key
from auditor.reference import Reference, Table

# Whose rows price a line, by claim type.
RATES = {
    "institutional": ("opps_rates",),
    "professional": ("pfs_rates", "conversion_factors", "imaging_caps"),
}
# No line says which of a state's contractors is meant: all are shown.
_ANY = {"partb_contractor"}
_MODIFIER = {"professional": "26", "technical": "TC", "global": ""}
_PRICED_AS = {"technical": "institutional", "professional": "professional"}


def rate_tables(line: "pd.Series[Any]", evidence: "pd.Series[Any]", basis: str) -> tuple[str, ...]:
    """The tables behind an amount: none where the export's own amounts tell it."""
    if basis == "contract" or evidence.get("rate") == "contract rate":
        return ("contract_rates",)
    if basis not in ("fee_schedule", "difference"):
        return ()
    return RATES.get(_priced(line, evidence)["claim_type"], ())


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
    others = {name for of_type in RATES.values() for name in of_type} - set(priced)
    for name in dict.fromkeys(tables):
        table = reference.tables.get(name)
        if table is None or name in others or not set(table.keys) - _ANY <= set(words):
            continue
        asked = words | {"modifier": words["carried"]} if name == "modifiers" else words
        for row in _rows(table, asked, day).to_dict("records"):
            cells = ", ".join(f"{key} {cell}" for key, cell in row.items() if cell)
            found.append(f"{name}: {cells}")
    return found


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
