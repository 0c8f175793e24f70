"""Units and duplicates: how often one service may stand on one day."""

import numpy as np
import pandas as pd

from auditor.caching import computed_once
from auditor.claim_lines import (
    PLAQUE_ANALYSIS,
    SEPARATE_SERVICE,
    Mask,
    among,
    has_code,
    has_modifier,
    in_family,
    taken_back,
)
from auditor.matching import (
    earlier_in_group,
    group_key,
    grouped,
    in_order,
    occur_again,
)
from auditor.reference import Ints, Reference
from auditor.rule import Outcome, lacks_column, rule

_SAME_LINE = (
    "patient_id",
    "service_date",
    "procedure_code",
    "modifiers",
    "billing_npi",
    "claim_type",
    "revenue_code",
)
_SAME_SUM = (
    "patient_id",
    "service_date",
    "procedure_code",
    "billing_npi",
    "claim_type",
    "component",
)


def _known_codes(lines: pd.DataFrame) -> Mask:
    """Lines whose code our tables know."""
    return ~among(lines["role"], [""])


def _limited_codes(lines: pd.DataFrame) -> Mask:
    """Lines whose code our tables know; with all limits of a setting at hand, all its lines."""
    return lines["may_exceed_mue"].to_numpy(dtype=bool)


@computed_once
def _first_alike(lines: pd.DataFrame) -> Ints:
    """For each line that repeats an earlier one, the first of its kind; else -1.

    Lines that lack provider or units are alike, too: no rule evaluates them.
    """
    denied = lines["denied"].to_numpy(dtype=bool)
    counted = _limited_codes(lines) & ~denied & ~has_modifier(lines, SEPARATE_SERVICE)
    places = np.flatnonzero(counted)
    sorted_modifiers = lines[[*_SAME_LINE]].assign(modifiers=_in_any_order(lines["modifiers"]))
    alike = group_key(sorted_modifiers, _SAME_LINE)[places]
    again = np.flatnonzero(occur_again(alike))
    places, alike = places[again], alike[again]
    units = pd.factorize(lines["units"].to_numpy()[places], use_na_sentinel=False)[0]
    alike = alike * (int(units.max(initial=0)) + 1) + units
    first = earlier_in_group(in_order(lines, places, alike), alike)
    found = np.full(len(lines), -1, dtype=np.int64)
    found[places[first >= 0]] = places[first[first >= 0]]
    return found


def _in_any_order(modifiers: "pd.Series[str]") -> pd.Categorical:
    """Modifiers sorted, so that their order makes no difference."""
    words = [" ".join(sorted(cell.split())) for cell in modifiers.cat.categories]
    codes, distinct = pd.factorize(np.array(words, dtype=object))
    return pd.Categorical.from_codes(
        codes[modifiers.cat.codes.to_numpy()], categories=pd.Index(distinct, dtype="str")
    )


@rule(
    severity="denial",
    money="at_risk",
    scope=_limited_codes,
    needs=["claim_type"],
    needs_value=["claim_type", "units", "billing_npi"],
    sources=["ncci-policy-manual-2025-ch1-mue"],
    denial_codes=["CO-151", "N362"],
    rests_on=["mue"],
    message="{total} units of {procedure_code} on {service_date} by one provider; the limit is "
    "{mue_limit} a {judged_by}.",
    remedy="Compare the units with the record and correct the count; do not split lines to pass. "
    "Where the record shows a repeat and can lift the limit, appeal with it.",
)
def units_exceed_mue(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """Units exceed the medically unlikely edit.

    CMS publishes the most units of a code that one provider reports for one patient on one day.
    Past the limit all units are denied, not only those above it. Indicator 1 is judged line by
    line, 2 and 3 over the day; indicator 2 can never be overridden.
    """
    edit = reference.as_of("mue", lines, on=["claim_type", "procedure_code"])
    limit = edit.numbers("mue_value")
    units = lines["units"].to_numpy(dtype=np.float64)
    by_line, by_day = among(edit["mai"], ["1"]), among(edit["mai"], ["2", "3"])
    fixed = among(edit["mai"], ["2"])
    counted = by_day & _limited_codes(lines) & ~lines["denied"].to_numpy(dtype=bool)
    counted &= ~np.isnan(units) & (units != 0)
    # What is taken back in part mirrors no line, but leaves the units of the day.
    credit = taken_back(lines)
    first = _first_alike(lines)
    every = np.where(credit, -np.abs(units), units)
    once = np.where((first < 0) | credit, every, 0)
    # A copy without modifiers, or of a line without them, may be a repeat, which counts.
    bare = lacks_column(lines, "modifiers")
    most = np.where(bare | bare[first], every, once)
    total = np.where(by_line, units, np.nan)
    at_most = total.copy()
    places = np.flatnonzero(counted)
    group = grouped(group_key(lines, _SAME_SUM)[places])
    if len(places):
        total[places] = np.bincount(group, weights=once[places])[group]
        at_most[places] = np.bincount(group, weights=most[places])[group]
    # Without modifiers nobody can tell whether two professional lines are one component.
    untold = counted & among(lines["component"], [""]) & (total > units)
    untold |= (at_most > limit) & ~(total > limit)
    untold &= ~credit
    over = (total > limit) & _limited_codes(lines) & ~untold & ~credit
    over &= ~(by_line & lines["denied"].to_numpy(dtype=bool))
    flagged = lines[over]
    return Outcome(
        flagged=flagged.assign(
            total=total[over],
            mue_limit=limit[over],
            judged_by=np.select(
                [by_line[over], fixed[over]], ["line", "day, which no record lifts"], "day"
            ),
        ),
        not_evaluated={("column_missing", "modifiers"): untold},
        consulted=edit,
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
    "76 or 77; it lifts no limit of units.",
)
def line_billed_twice(lines: pd.DataFrame) -> Outcome:
    """The same line is billed twice.

    A payer pays the first of two identical lines and denies the second as an exact duplicate,
    unless a modifier says that the service was done again.
    """
    first = _first_alike(lines)
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
