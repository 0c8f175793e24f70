"""Says of a finding that it rests on a value about which two sources disagree."""

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among, each_word
from auditor.reference import Contradiction, Reference
from auditor.rule import Rule

# The codes of a line that a table of this name is keyed by.
_KEYED_BY = {
    "icd10cm": "diagnosis_codes",
    "places_of_service": "place_of_service",
    "revenue_code_fit": "revenue_code",
}
# Hospital rates and physician rates concern one claim type each.
_CLAIM_TYPE = {"opps_rates": "institutional", "pfs_rates": "professional"}


def doubts(rule: Rule, flagged: pd.DataFrame, reference: Reference) -> "pd.Series[str]":
    """A sentence a flagged line, blank where the sources agree."""
    said = pd.Series("", index=flagged.index, dtype="str")
    for one in reference.contradictions:
        if one.table in rule.rests_on and len(flagged):
            sentence = (
                f" Sources disagree here: {one.value_in_force} is used, another says "
                f"{one.other_value} ({one.id})."
            )
            said = said.mask(_concerned(one, flagged) & (said == "").to_numpy(), sentence)
    return said


def _concerned(one: Contradiction, flagged: pd.DataFrame) -> Mask:
    keys = frozenset(one.keys.split())
    column = flagged[_KEYED_BY.get(one.table, "procedure_code")]
    mask = each_word(column, lambda cell: not keys.isdisjoint(cell.split()))
    day = flagged["service_date"]
    if one.effective_from:
        mask &= (day >= pd.Timestamp(one.effective_from)).to_numpy()
    if one.effective_to:
        mask &= (day <= pd.Timestamp(one.effective_to)).to_numpy()
    if one.table in _CLAIM_TYPE:
        mask &= among(flagged["claim_type"], [_CLAIM_TYPE[one.table]])
    concerned: Mask = np.asarray(mask, dtype=bool)
    return concerned
