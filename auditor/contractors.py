"""The Medicare contractor of a claim line, by the ZIP code or state where it was done."""

import numpy as np
import pandas as pd

from auditor.localities import located
from auditor.reference import Ints, Reference

AMBIGUOUS = "ambiguous"


def jurisdiction_of(lines: pd.DataFrame, reference: Reference) -> "pd.Series[str]":
    """The jurisdiction of each line, by ZIP code where a ZIP table was imported, else by state.

    Blank where neither is known. A state with contractors in two jurisdictions is ``ambiguous``:
    northern Virginia is served with the District of Columbia, and only a ZIP table can tell.
    """
    rows = reference.table("mac_states").rows
    of_state: dict[str, set[str]] = {}
    for state, jurisdiction in zip(rows["state"], rows["jurisdiction"], strict=True):
        of_state.setdefault(state, set()).add(jurisdiction)
    served = [of_state.get(state, set()) for state in lines["service_state"].cat.categories]
    words = [AMBIGUOUS if len(found) > 1 else next(iter(found), "") for found in served]
    kinds = sorted({"", *words, *rows["jurisdiction"]})
    codes = np.array([kinds.index(word) for word in words], dtype=np.int8)
    by_state = codes[lines["service_state"].cat.codes.to_numpy()]
    by_zip = _by_zip(lines, reference, kinds)
    return pd.Series(
        pd.Categorical.from_codes(
            np.where(by_zip >= 0, by_zip, by_state), categories=pd.Index(kinds, dtype="str")
        ),
        index=lines.index,
    )


def _by_zip(lines: pd.DataFrame, reference: Reference, kinds: list[str]) -> Ints:
    """The place of each line's jurisdiction among ``kinds`` by its ZIP code, -1 where unknown."""
    place = located(lines, reference)
    if place is None:
        return np.full(len(lines), -1, dtype=np.int64)
    rows = reference.table("mac_states").rows
    served = dict(zip(rows["partb_contractor"], rows["jurisdiction"], strict=True))
    carriers = place.values("carrier")
    codes = [kinds.index(served[word]) if word in served else -1 for word in carriers.categories]
    found: Ints = np.array(codes, dtype=np.int64)[carriers.codes]
    return found
