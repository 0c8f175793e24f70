"""How often one service stands on one day: exact repeats, and units past the published limit."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.claim_lines import SEPARATE_SERVICE, Mask, among, blank, has_modifier
from auditor.matching import earlier_in_group, group_key, grouped, in_order, occur_again
from auditor.once import computed_once
from auditor.reference import InForce, Ints, Reference
from auditor.rule import lacks_column

Floats = npt.NDArray[np.float64]

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


def limited_codes(lines: pd.DataFrame) -> Mask:
    """Lines whose code our tables know; with all limits of a setting at hand, all its lines."""
    return lines["may_exceed_mue"].to_numpy(dtype=bool)


@computed_once
def first_alike(lines: pd.DataFrame) -> Ints:
    """For each line that repeats an earlier one, the first of its kind; else -1.

    Lines that lack provider or units are alike, too: no rule evaluates them.
    """
    denied = lines["denied"].to_numpy(dtype=bool)
    counted = limited_codes(lines) & ~denied & ~has_modifier(lines, SEPARATE_SERVICE)
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


@dataclass(frozen=True)
class DayUnits:
    """The units of each line, or of its day, against the medically unlikely edit.

    ``total`` is NaN where no limit counts them. ``over`` marks lines past their ``limit``,
    ``untold`` those whose component nobody knows, so that nobody can sum them.
    """

    edit: InForce
    limit: Floats
    by_line: Mask
    total: Floats
    over: Mask
    untold: Mask


@computed_once
def day_units(lines: pd.DataFrame, reference: Reference) -> DayUnits:
    """Units by line (indicator 1), or over the day of one provider and component (2 and 3)."""
    edit = reference.as_of("mue", lines, on=["claim_type", "procedure_code"])
    limit = edit.numbers("mue_value")
    units = lines["units"].to_numpy(dtype=np.float64)
    by_line, by_day = among(edit["mai"], ["1"]), among(edit["mai"], ["2", "3"])
    counted = by_day & limited_codes(lines) & (units > 0) & ~lines["denied"].to_numpy(dtype=bool)
    total = np.where(by_line, units, np.nan)
    places = np.flatnonzero(counted)
    group = grouped(group_key(lines, _SAME_SUM)[places])
    once = np.where(first_alike(lines)[places] < 0, units[places], 0.0)
    if len(places):
        total[places] = np.bincount(group, weights=once)[group]
    # Without modifiers nobody can tell whether two professional lines are one component.
    untold = counted & among(lines["component"], [""]) & (total > units)
    over = (total > limit) & limited_codes(lines) & ~untold
    over &= ~(by_line & lines["denied"].to_numpy(dtype=bool))
    return DayUnits(edit, limit, by_line, total, over, untold)


@computed_once
def not_owed(lines: pd.DataFrame, reference: Reference) -> tuple[Mask, Mask]:
    """Lines for which a payer owes nothing as they stand, and those of them by a stale limit.

    Past the limit all units are denied, and an exact repeat is denied whole: what such a line
    would pay is no money that somebody earned.
    """
    of_day = day_units(lines, reference)
    provided = ~blank(lines["billing_npi"])
    # A denied line is in no sum; its own units may be past the limit all the same.
    units = lines["units"].to_numpy(dtype=np.float64)
    past = of_day.over & provided | limited_codes(lines) & (units > of_day.limit)
    repeats = (first_alike(lines) >= 0) & provided & ~lacks_column(lines, "modifiers")
    return past | repeats, past & of_day.edit.stale & ~repeats
