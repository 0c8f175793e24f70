"""The Medicare contractor of a claim line, by the state where the service was done."""

import numpy as np
import pandas as pd

from auditor.reference import Reference

AMBIGUOUS = "ambiguous"


def jurisdiction_of(lines: pd.DataFrame, reference: Reference) -> "pd.Series[str]":
    """The jurisdiction of each line: blank where the state is unknown.

    A state with contractors in two jurisdictions is ``ambiguous``: northern Virginia is served
    with the District of Columbia, and only a ZIP table could tell.
    """
    rows = reference.table("mac_states").rows
    by_state: dict[str, set[str]] = {}
    for state, jurisdiction in zip(rows["state"], rows["jurisdiction"], strict=True):
        by_state.setdefault(state, set()).add(jurisdiction)
    served = [by_state.get(state, set()) for state in lines["service_state"].cat.categories]
    words = [AMBIGUOUS if len(found) > 1 else next(iter(found), "") for found in served]
    kinds = sorted(set(words) | {""})
    codes = np.array([kinds.index(word) for word in words], dtype=np.int8)
    return pd.Series(
        pd.Categorical.from_codes(
            codes[lines["service_state"].cat.codes.to_numpy()],
            categories=pd.Index(kinds, dtype="str"),
        ),
        index=lines.index,
    )
