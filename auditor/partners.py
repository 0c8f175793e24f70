"""When the other half of a study may be called missing, and when nothing can be said."""

import numpy as np
import pandas as pd

from auditor.amounts import absent_component
from auditor.caching import computed_once
from auditor.claim_lines import Mask, among, is_component, professional
from auditor.extract import Extract
from auditor.reference import InForce, Ints, Reference, day_numbers
from auditor.rule import Outcome, Reasons, lacking
from auditor.studies import Readings

_MOST_LISTED = 20


def nobodys_half(pairing: Readings) -> Mask:
    """Lines whose other half is neither paired nor near, and that don't repeat a paired line."""
    near = (pairing.loose_before >= 0) | (pairing.loose_after >= 0)
    return (pairing.partner < 0) & ~near & ~pairing.billed_again


def unjudged_partners(
    lines: pd.DataFrame,
    extract: Extract,
    *,
    other: str,
    first_day: Ints,
    last_day: Ints,
    waiting_days: int,
) -> Reasons:
    """Why the other half can't be called missing, for each line for which it can't."""
    span = extract.spans.get(other)
    if span is None:
        return {"partner_outside_extract": np.ones(len(lines), dtype=bool)}
    outside = (first_day < span.first_day) | (last_day > span.last_day)
    reads_for_others = ~among(lines["billing_npi"], extract.pairing_npis)
    return {
        "awaiting_partner": extract.as_of_day - day_numbers(lines["service_date"]) <= waiting_days,
        **lacking(lines, "billing_npi"),
        "partner_outside_extract": outside | reads_for_others,
    }


def missing_partner(
    lines: pd.DataFrame,
    alone: Mask,
    unjudged: Reasons,
    reference: Reference,
    *,
    component: str,
    claim_type: str,
) -> Outcome:
    """Flags the lines that stand alone and can be judged, at the worth of what is absent."""
    judged = alone.copy()
    for mask in unjudged.values():
        judged &= ~mask
    flagged = lines[judged]
    amount, basis = absent_component(flagged, reference, component, claim_type)
    return Outcome(
        flagged=flagged.assign(absent_component=component),
        amount=amount,
        amount_basis=basis,
        not_evaluated={reason: mask & alone for reason, mask in unjudged.items()},
    )


@computed_once
def wrong_in_facility(lines: pd.DataFrame, reference: Reference) -> tuple[Mask, InForce]:
    """Global and TC lines of physicians at places where they may bill the reading only."""
    place = reference.as_of("places_of_service", lines, on=["place_of_service"])
    other_half = is_component(lines, "global") | is_component(lines, "technical")
    facility = among(place["bills_professional_only"], ["yes", "review"])
    return professional(lines) & other_half & facility, place


def other_partners(
    lines: pd.DataFrame, named: "pd.Series[int]", candidates: Ints, key: Ints, *, within: int
) -> "pd.Series[str]":
    """The candidates near each flagged line other than the one named, as text.

    ``named`` holds the place of the partner by flagged line, ``candidates`` are places of lines in
    the order in which they are listed, ``key`` holds one key a line, ``within`` is in days.
    """
    line, partner = named.index.to_numpy(), named.to_numpy()
    order = np.argsort(key[candidates], kind="stable")
    offered, of_key = candidates[order], key[candidates][order]
    first, end = (np.searchsorted(of_key, key[line], side=side) for side in ("left", "right"))
    # More than these make no list that anybody reads, and thousands on one patient no join.
    size = np.minimum(end - first, _MOST_LISTED)
    nth = np.arange(size.sum()) - np.repeat(np.cumsum(size) - size, size)
    place = offered[np.repeat(first, size) + nth]
    line, partner = np.repeat(line, size), np.repeat(partner, size)
    day = day_numbers(lines["service_date"])
    met = (place != partner) & (place != line) & (np.abs(day[place] - day[line]) <= within)
    return listed(lines, line[met], place[met]).reindex(named.index, fill_value="")


def listed(lines: pd.DataFrame, line: Ints, place: Ints) -> "pd.Series[str]":
    """The partners of each line as text, by line; those of a line stand together, in order."""
    found: dict[int, list[str]] = {}
    # An export may have no line numbers; then the claim alone is named.
    number = lines["line_number"].array.take(place).to_numpy(dtype=object, na_value=None).tolist()
    claim = lines["claim_id"].iloc[place].tolist()
    for one, name, at in zip(line.tolist(), claim, number, strict=True):
        found.setdefault(one, []).append(name if at is None else f"{name} line {at}")
    words = ["; ".join(partners) for partners in found.values()]
    return pd.Series(words, index=pd.Index(list(found), dtype="int64"), dtype="str")
