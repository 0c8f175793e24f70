"""Which claim lines no longer stand: replaced, voided or reversed ones.

Claim frequency 7 replaces and 8 voids the claim it names (Claims Processing Manual ch. 1 s. 130):
the original claim number, else the same claim id. What is received after a void was billed again.
Decided over all lines of a run, before anything is narrowed or spread over buckets.
"""

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among, blank, taken_back
from auditor.matching import group_key, in_order, numbered, one_to_one
from auditor.reference import Ints, day_numbers

_LONG_AGO = 2**40
_EVER = 2**40

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
    adjusting = among(lines["claim_frequency"], ["7", "8"])
    if not adjusting.any():
        return adjusting
    return _named_by_number(lines, adjusting) | _same_claim(lines, adjusting)


_NAMES = ("claim_id", "patient_id", "claim_type", "payer_claim_number", "original_claim_id")


def _cells(lines: pd.DataFrame, places: Ints) -> pd.DataFrame:
    """The names of some claims as text, with their place and received day."""
    some = lines[[*_NAMES, "claim_frequency", "received_date"]].iloc[places]
    cells = pd.DataFrame({name: some[name].astype("str").to_numpy() for name in _NAMES})
    return cells.assign(
        place=places,
        received=day_numbers(some["received_date"]),
        voids=among(some["claim_frequency"], ["8"]),
        adjusts=among(some["claim_frequency"], ["7", "8"]),
    )


def _named_by_number(lines: pd.DataFrame, adjusting: Mask) -> Mask:
    """Lines of claims that a later claim names by its number, and earlier claims that name it."""
    gone = np.zeros(len(lines), dtype=bool)
    naming = np.flatnonzero(adjusting & ~blank(lines["original_claim_id"]))
    headers = _cells(lines, naming)
    headers = headers[headers["original_claim_id"] != headers["claim_id"]]
    if headers.empty:
        return gone
    named = frozenset(headers["original_claim_id"])
    touched = among(lines["claim_id"], named) | among(lines["payer_claim_number"], named)
    some = _cells(lines, np.flatnonzero(touched))
    one = _two_of_a_kind(headers.drop(columns=["payer_claim_number", "place", "adjusts"]))
    for number in ("claim_id", "payer_claim_number"):
        met = some.merge(
            one,
            left_on=[number, "patient_id"],
            right_on=["original_claim_id", "patient_id"],
            suffixes=("", "_naming"),
        )
        one_type, other_type = met["claim_type"], met["claim_type_naming"]
        # A claim without a type may be of either.
        same_type = (one_type == other_type) | (one_type == "") | (other_type == "")
        ends = same_type & ~_names_it_too(met) & (met["received"] <= met["until"])
        gone[met.loc[ends, "place"]] = True
    gone[_outrun(_by_claim_id(headers, some))] = True
    return gone


def _names_it_too(met: pd.DataFrame) -> Mask:
    """Lines that keep the number they name: of those that name it, the one received last stands.

    So do lines of the naming claim that name no number themselves.
    """
    own = met["original_claim_id"]
    rival = (own == met["original_claim_id_naming"]) & (own != met["claim_id"])
    itself = (own == "") & (met["claim_id"] == met["claim_id_naming"])
    return np.asarray(met["adjusts"] & (rival | itself), dtype=bool)


def _two_of_a_kind(headers: pd.DataFrame) -> pd.DataFrame:
    """Two claims of a type that name the same one: as many as tell whether another names it.

    All of them, met with all lines of the claim they name, would be a square. ``until`` is the day
    to which what they name is gone: that of the void that came last, else all days.
    """
    kind = ["original_claim_id", "patient_id", "claim_type"]
    day = headers["received"].where(~headers["voids"] | (headers["received"] > -_LONG_AGO), _EVER)
    last = (
        headers.assign(until=day).sort_values(["until", "voids"]).drop_duplicates(kind, keep="last")
    )
    until = last["until"].where(last["voids"], _EVER)
    some = headers.drop_duplicates([*kind, "claim_id"])
    some = some[some.groupby(kind).cumcount() < 2]
    return some.merge(last[kind].assign(until=until), on=kind)


def _by_claim_id(headers: pd.DataFrame, some: pd.DataFrame) -> pd.DataFrame:
    """Headers with the claim id in place of the payer's number of the claim they name."""
    # A claim that names a number is not the one that is named by it, though it may keep it.
    held = some[~(some["adjusts"] & (some["payer_claim_number"] == some["original_claim_id"]))]
    known = held.sort_values("claim_id").drop_duplicates(["payer_claim_number", "patient_id"])
    met = headers.merge(
        known[["payer_claim_number", "patient_id", "claim_id"]],
        how="left",
        left_on=["original_claim_id", "patient_id"],
        right_on=["payer_claim_number", "patient_id"],
        suffixes=("", "_named"),
    )
    named = met["claim_id_named"].fillna(met["original_claim_id"])
    return met.assign(original_claim_id=named)[list(headers.columns)]


def _outrun(headers: pd.DataFrame) -> Ints:
    """Places of claims that name the same one as a claim received later."""
    key = ["original_claim_id", "patient_id", "claim_type"]
    order = headers.sort_values(["received", "claim_id"], kind="stable")
    last = order.drop_duplicates(key, keep="last")[[*key, "claim_id"]]
    joined = headers.merge(last, on=key, suffixes=("", "_last"))
    outrun = joined["claim_id"] != joined["claim_id_last"]
    return joined.loc[outrun, "place"].to_numpy(dtype=np.int64)


def _same_claim(lines: pd.DataFrame, adjusting: Mask) -> Mask:
    """Lines that an adjusted version with the same claim id, patient and claim type outruns."""
    gone = np.zeros(len(lines), dtype=bool)
    claim_ids = lines["claim_id"].cat
    concerned = np.zeros(len(claim_ids.categories), dtype=bool)
    concerned[claim_ids.codes.to_numpy()[adjusting]] = True
    touched = np.flatnonzero(concerned[claim_ids.codes.to_numpy()])
    claims = ["claim_id", "patient_id", "claim_type"]
    some = lines[[*claims, "claim_frequency", "received_date"]].iloc[touched]
    claim = group_key(some, claims)
    received = day_numbers(some["received_date"])
    replaces = among(some["claim_frequency"], ["7"])
    voids = among(some["claim_frequency"], ["8"])
    claim = numbered(claim)
    last = np.full(int(claim.max()) + 1, np.iinfo(np.int64).min)
    np.maximum.at(last, claim[replaces | voids], received[replaces | voids])
    adjusted = np.bincount(claim, weights=replaces | voids) > 0
    voided_last = np.zeros(len(last), dtype=bool)
    voided_last[claim[voids & (received == last[claim])]] = True
    standing = replaces & (received == last[claim]) & ~voided_last[claim]
    # What came after the void that came last was billed again, under an account's number perhaps.
    undated = np.bincount(claim, weights=voids & (received < -_LONG_AGO)) > 0
    standing |= (received > last[claim]) & (voided_last & ~undated)[claim]
    gone[touched] = adjusted[claim] & ~standing
    return gone


def _reversed(lines: pd.DataFrame, gone: Mask) -> Mask:
    """Lines with negative units or charge, and the earlier lines that they mirror."""
    pair = np.zeros(len(lines), dtype=bool)
    charge = lines["charge_cents"].fillna(0).to_numpy(dtype=np.int64)
    units = lines["units"].fillna(0).to_numpy(dtype=np.float64)
    negative = taken_back(lines) & ~gone
    if not negative.any():
        return pair
    patient = lines["patient_id"].cat.codes.to_numpy()
    concerned = np.zeros(len(lines["patient_id"].cat.categories), dtype=bool)
    concerned[patient[negative]] = True
    places = np.flatnonzero(concerned[patient] & ~gone)
    same = numbered(group_key(lines, _MIRROR)[places])
    mirror = np.column_stack([same, np.abs(charge[places]), np.abs(units[places])])
    key = np.unique(mirror, axis=0, return_inverse=True)[1].astype(np.int64).ravel()
    # A line and its reversal received on one day stand in that order.
    received = np.clip(day_numbers(lines["received_date"].iloc[places]), -_LONG_AGO, None)
    by_claim = in_order(lines, places, np.zeros(len(places), dtype=np.int64), by_received=False)
    rank = np.argsort(by_claim)
    turn = np.argsort(np.lexsort((rank, negative[places], received))).astype(np.int64)
    claim = lines["claim_id"].cat.codes.to_numpy()[places].astype(np.int64)
    # A line of the same claim first, then that of any claim.
    own = one_to_one(key * (int(claim.max()) + 1) + claim, turn, ~negative[places], within=_EVER)
    rest = np.flatnonzero(own < 0)
    other = one_to_one(key[rest], turn[rest], ~negative[places[rest]], within=_EVER)
    pair[places[own >= 0]] = True
    pair[places[rest[other >= 0]]] = True
    return pair
