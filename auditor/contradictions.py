"""Says of a finding that it rests on a value about which two sources disagree."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among, blank, each_word
from auditor.reference import Contradiction, Reference
from auditor.rule import Rule

# Hospital rates and physician rates price one claim type each.
_PRICES = {"opps_rates": "institutional", "pfs_rates": "professional"}
_PRICED_AS = {"technical": "institutional", "professional": "professional"}


def doubts(
    rule: Rule,
    flagged: pd.DataFrame,
    reference: Reference,
    basis: "pd.Series[str] | None" = None,
) -> "pd.Series[str]":
    """A sentence a flagged line, blank where the sources agree.

    ``basis`` is what each line's amount rests on: an amount from the rate tables rests on their
    values, whatever the rule speaks of.
    """
    said = np.full(len(flagged), "", dtype=object)
    by_rate = (
        np.zeros(len(flagged), dtype=bool)
        if basis is None
        else (basis == "fee_schedule").to_numpy(dtype=bool)
    )
    rests_on, priced = frozenset(rule.rests_on), by_rate.any()
    asked = [
        (one, bool(rests_on & {one.table, one.id}))
        for one in reference.contradictions
        if rests_on & {one.table, one.id} or (priced and one.table in _PRICES)
    ]
    if not asked:
        return pd.Series("", index=flagged.index, dtype="str")
    compared = _compared_with_rates(flagged, reference)
    as_priced = _as_priced(flagged)
    for one, ruled in asked:
        if one.table in _PRICES:
            mask = (by_rate | compared) if ruled else by_rate
            mask = _concerned(one, as_priced, mask)
        else:
            mask = _concerned(one, flagged, np.full(len(flagged), ruled))
        if mask.any():
            # In quotation marks: a value may be several words, such as "no TC on hospital lines".
            used, other = f'"{one.value_in_force}"', f'"{one.other_value}"'
            clause = f"{used} is used, another says {other} ({one.id})"
            said[mask] = [
                (f"{before}; " if before else " Sources disagree here: ") + clause
                for before in said[mask]
            ]
    sentences = [f"{sentence}." if sentence else "" for sentence in said]
    return pd.Series(sentences, index=flagged.index, dtype="str")


def _concerned(one: Contradiction, flagged: pd.DataFrame, asked: Mask) -> Mask:
    """Those of the lines asked about that hold the value and the date."""
    if not one.column or not asked.any():
        return np.zeros(len(flagged), dtype=bool)
    mask = asked.copy()
    day = flagged["service_date"].to_numpy()
    if one.effective_from:
        mask &= day >= np.datetime64(one.effective_from)
    if one.effective_to:
        mask &= day <= np.datetime64(one.effective_to)
    if mask.any() and one.table in _PRICES:
        mask &= among(flagged["claim_type"], [_PRICES[one.table]])
    for column in one.column.split():
        if mask.any():
            mask &= _holds(flagged, column, one.keys.split())
    return mask


def _compared_with_rates(flagged: pd.DataFrame, reference: Reference) -> Mask:
    """Lines that a rule compares with Medicare's rate, where it says with which rate it did."""
    if "rate" not in flagged:
        return np.ones(len(flagged), dtype=bool)
    national: Mask = (flagged["rate"] == "national rate").to_numpy(dtype=bool)
    if (reference.table("contract_rates").rows["percent_of_medicare"] == "").all():
        return national
    asked = flagged.assign(payer=pd.Categorical(flagged["payer"]))
    on = ["payer", "procedure_code", "component", "claim_type"]
    contract = reference.as_of("contract_rates", asked, on=on)
    relative = ~blank(contract["percent_of_medicare"]) & blank(contract["amount"])
    return national | relative & (flagged["rate"] == "contract rate").to_numpy(dtype=bool)


def _as_priced(flagged: pd.DataFrame) -> pd.DataFrame:
    """The lines as their amount was priced: of a study's missing half, that half."""
    if "absent_component" not in flagged:
        return flagged
    component = flagged["absent_component"]
    return flagged.assign(
        component=pd.Categorical(component), claim_type=pd.Categorical(component.map(_PRICED_AS))
    )


def _holds(flagged: pd.DataFrame, column: str, keys: Sequence[str]) -> Mask:
    """Lines whose cell holds one of the codes as a word."""
    if column not in flagged:
        return np.zeros(len(flagged), dtype=bool)
    words_of: Callable[[str], list[str]] = str.split
    if column == "diagnosis_codes" and "wrong" in flagged:
        column, words_of = "wrong", _heads
    cells: Any = flagged[column]
    whole = frozenset(keys)
    begun = tuple(key[:-1] for key in keys if key.endswith("*"))
    return each_word(
        cells.astype("category"),
        lambda cell: any(word in whole or word.startswith(begun) for word in words_of(str(cell))),
    )


def _heads(cell: str) -> list[str]:
    """Of several diagnoses those that a rule flags, each at the head of its clause."""
    return [clause.split()[0] for clause in cell.split(", ")]
