"""Units and duplicates: how often one service may stand on one day."""

import numpy as np
import pandas as pd

from auditor.claim_lines import PLAQUE_ANALYSIS, Mask, among, has_code, has_modifier, in_family
from auditor.reference import Reference
from auditor.rule import Outcome, rule
from auditor.units_of_day import day_units, first_alike, limited_codes


def _known_codes(lines: pd.DataFrame) -> Mask:
    """Lines whose code our tables know."""
    return ~among(lines["role"], [""])


@rule(
    severity="denial",
    money="at_risk",
    scope=limited_codes,
    needs=["claim_type"],
    needs_value=["claim_type", "units", "billing_npi"],
    sources=["ncci-policy-manual-2025-ch1-mue"],
    denial_codes=["CO-151", "N362"],
    rests_on=["mue"],
    message="{total} units of {procedure_code} on {service_date} by one provider; the limit is "
    "{mue_limit} a {judged_by}.",
    remedy="Compare the units with the record and correct the count; do not split lines to pass.",
)
def units_exceed_mue(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """Units exceed the medically unlikely edit.

    CMS publishes the most units of a code that one provider reports for one patient on one day.
    Past the limit all units are denied, not only those above it. Indicator 1 is judged line by
    line, 2 and 3 over the day; indicator 2 can never be overridden.
    """
    of_day = day_units(lines, reference)
    over = of_day.over
    flagged = lines[over]
    return Outcome(
        flagged=flagged.assign(
            total=of_day.total[over],
            mue_limit=of_day.limit[over],
            judged_by=np.where(of_day.by_line[over], "line", "day"),
        ),
        not_evaluated={("column_missing", "modifiers"): of_day.untold},
        consulted=of_day.edit,
    )


@rule(
    severity="denial",
    money="at_risk",
    scope=_known_codes,
    needs=["modifiers"],
    needs_value=["billing_npi", "units"],
    sources=["claims-processing-manual-ch1-120"],
    denial_codes=["OA-18"],
    message="{procedure_code} on {service_date} stands twice by one provider, alike in modifiers, "
    "revenue code and units.",
    remedy="Withdraw the second line. If the service was repeated, the record decides on modifier "
    "76 or 77.",
)
def line_billed_twice(lines: pd.DataFrame) -> Outcome:
    """The same line is billed twice.

    A payer pays the first of two identical lines and denies the second as an exact duplicate,
    unless a modifier says that the service was done again.
    """
    first = first_alike(lines)
    flagged = lines[first >= 0]
    return Outcome(flagged=flagged, partner=pd.Series(first[first >= 0], index=flagged.index))


@rule(
    severity="note",
    money="none",
    scope=in_family,
    needs=["modifiers"],
    sources=["cms-ct-modifier-list-2023", "palmetto-ct-modifier-2020"],
    denial_codes=["CO-4"],
    message="{procedure_code} carries {modifiers}: {why}.",
    remedy="Remove what does not fit, or correct the code it was meant for.",
)
def modifier_does_not_fit(lines: pd.DataFrame) -> Outcome:
    """A modifier that says something else than the service.

    FX and FY speak of x-ray plates, CT of scanners below a dose standard, 91 of laboratory tests.
    On the wrong code they cut the payment or make the payer ask.
    """
    software = has_code(lines, ("75580", *PLAQUE_ANALYSIS[:1]))
    x_ray = has_modifier(lines, ["FX", "FY"])
    scanner = has_modifier(lines, ["CT"]) & software
    laboratory = has_modifier(lines, ["91"])
    wrong = in_family(lines) & (x_ray | scanner | laboratory)
    reasons = {
        "FX and FY are for x-rays": x_ray,
        "CT is for the scan, not for its analysis": scanner,
        "91 is for laboratory tests": laboratory,
    }
    why = [
        "; ".join(said for said, mask in reasons.items() if mask[place])
        for place in np.flatnonzero(wrong)
    ]
    return Outcome(flagged=lines[wrong].assign(why=why))
