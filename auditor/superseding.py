"""Which claim lines no longer stand: replaced, voided or reversed ones.

Claim frequency 7 replaces and 8 voids the claim it names (Claims Processing Manual ch. 1 s. 130):
the original claim number, else the same claim id. Decided over all lines of a run, before anything
is narrowed or spread over buckets.
"""

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among
from auditor.matching import group_key, one_to_one
from auditor.reference import day_numbers

_LONG_AGO = 2**40

_MIRROR = (
    "patient_id",
    "procedure_code",
    "modifiers",
    "service_date",
    "claim_type",
    "billing_npi",
    "revenue_code",
)


def superseded(lines: pd.DataFrame) -> Mask:
    """Lines that are replaced, voided, void claims themselves, or one half of a reversal."""
    gone = _replaced_or_voided(lines)
    gone |= _reversed(lines, gone)
    return gone


def _replaced_or_voided(lines: pd.DataFrame) -> Mask:
    gone = among(lines["claim_frequency"], ["8"])
    adjusting = among(lines["claim_frequency"], ["7", "8"])
    if adjusting.any():
        headers = _headers(lines[adjusting])
        gone |= _named_by_number(lines, headers[headers["named"] != ""])
        gone |= _same_claim(lines, headers)
    return gone


def _headers(lines: pd.DataFrame) -> pd.DataFrame:
    """One row a replacing or voiding claim: what it names, when it was received."""
    headers = pd.DataFrame(
        {
            "claim_id": lines["claim_id"].astype("str"),
            "claim_type": lines["claim_type"].astype("str"),
            "named": lines["original_claim_id"].astype("str"),
            "received": day_numbers(lines["received_date"]),
        }
    ).drop_duplicates()
    return headers.sort_values(["received", "claim_id"], kind="stable")


def _named_by_number(lines: pd.DataFrame, headers: pd.DataFrame) -> Mask:
    """Lines of claims that a later claim names by its number, and earlier claims that name it."""
    gone = np.zeros(len(lines), dtype=bool)
    adjusting = among(lines["claim_frequency"], ["7", "8"])
    for claim_type, group in headers.groupby("claim_type"):
        here = among(lines["claim_type"], [str(claim_type), ""]) | (claim_type == "")
        named = frozenset(group["named"])
        names_it = adjusting & among(lines["original_claim_id"], named)
        by_id = among(lines["claim_id"], named) | among(lines["payer_claim_number"], named)
        gone |= here & by_id & ~names_it
        standing = frozenset(group.drop_duplicates("named", keep="last")["claim_id"])
        gone |= here & names_it & ~among(lines["claim_id"], standing)
    return gone


def _same_claim(lines: pd.DataFrame, headers: pd.DataFrame) -> Mask:
    """Lines that an adjusted version with the same claim id, patient and claim type outruns."""
    gone = np.zeros(len(lines), dtype=bool)
    if headers.empty:
        return gone
    touched = np.flatnonzero(among(lines["claim_id"], set(headers["claim_id"])))
    some = lines.iloc[touched]
    claim = group_key(some, ["claim_id", "patient_id", "claim_type"])
    received = day_numbers(some["received_date"])
    replaces = among(some["claim_frequency"], ["7"])
    voids = among(some["claim_frequency"], ["8"])
    claim = np.unique(claim, return_inverse=True)[1]
    last = np.full(int(claim.max()) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, claim[replaces | voids], received[replaces | voids])
    adjusted = np.bincount(claim, weights=replaces | voids) > 0
    voided_last = np.zeros(len(last), dtype=bool)
    voided_last[claim[voids & (received == last[claim])]] = True
    standing = replaces & (received == last[claim]) & ~voided_last[claim]
    gone[touched] = adjusted[claim] & ~standing
    return gone


def _reversed(lines: pd.DataFrame, gone: Mask) -> Mask:
    """Lines with negative units or charge, and the earlier lines that they mirror."""
    pair = np.zeros(len(lines), dtype=bool)
    charge = lines["charge_cents"].fillna(0).to_numpy(dtype=np.int64)
    units = lines["units"].fillna(0).to_numpy(dtype=np.float64)
    negative = ((charge < 0) | (units < 0)) & ~gone
    if not negative.any():
        return pair
    patient = lines["patient_id"].cat.codes.to_numpy()
    concerned = np.zeros(len(lines["patient_id"].cat.categories), dtype=bool)
    concerned[patient[negative]] = True
    places = np.flatnonzero(concerned[patient] & ~gone)
    some = lines.iloc[places]
    same = np.unique(group_key(some, _MIRROR), return_inverse=True)[1]
    mirror = np.column_stack([same, np.abs(charge[places]), np.abs(units[places])])
    key = np.unique(mirror, axis=0, return_inverse=True)[1].astype(np.int64).ravel()
    # A line and its reversal received on one day stand in that order.
    received = np.clip(day_numbers(some["received_date"]), -_LONG_AGO, None) * 2 + negative[places]
    turn = np.argsort(np.argsort(received, kind="stable"), kind="stable")
    partner = one_to_one(key, turn.astype(np.int64), ~negative[places], within=len(places))
    pair[places[partner >= 0]] = True
    return pair
