"""Studies: which reading belongs to which scan, and which CCTA an analysis was made from.

A study is a patient and a code. These joins are shared by the families components, dates_of_service
and revenue_codes, and by the extract.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.caching import computed_once
from auditor.claim_lines import (
    CCTA,
    FFRCT_STUDY,
    PLAQUE_ANALYSIS,
    SEPARATE_SERVICE,
    Mask,
    any_line,
    blank,
    coded,
    has_code,
    has_modifier,
    institutional,
    is_component,
)
from auditor.matching import (
    count_between,
    group_key,
    in_order,
    nearest,
    occur_again,
    one_to_one,
    share_a_group,
)
from auditor.reference import Ints, day_numbers

PAIRING_DAYS = 7
SEARCH_DAYS = 30


@dataclass(frozen=True)
class Readings:
    """How scans (technical lines) and readings (professional lines) of the studies pair.

    All arrays have one value a claim line. ``partner`` is the position of the other half, or -1.
    ``scans_before`` counts technical lines, paired or not, in the pairing window up to the line's
    date, ``scans_around`` those in the search window on both sides; ``loose_before`` and
    ``loose_after`` are the nearest unpaired line of the other component in the search window
    outside the pairing window, or -1. ``has_global`` says that somebody billed the study as a whole
    near by, ``billed_again`` that another line of the same component and day is paired: the line
    repeats that one, and its other half is not missing. A scan that a modifier says was done again
    repeats none.
    """

    scan: Mask
    reading: Mask
    partner: Ints
    scans_before: Ints
    scans_around: Ints
    loose_before: Ints
    loose_after: Ints
    has_global: Mask
    billed_again: Mask


@computed_once
def readings(lines: pd.DataFrame, pairing_days: int, search_days: int) -> Readings:
    """Pairs scans with readings dated 0 to ``pairing_days`` after them, one to one."""
    scan, reading = is_component(lines, "technical"), is_component(lines, "professional")
    whole = is_component(lines, "global")
    study = group_key(lines, ["patient_id", "procedure_code"])
    day = day_numbers(lines["service_date"])
    partner = _paired(lines, scan, reading, study, day, pairing_days)
    # Of several on one day the first by claim and line is named, wherever its row stands.
    loose_scan = _by_claim(lines, np.flatnonzero(scan & (partner < 0)))
    loose_reading = _by_claim(lines, np.flatnonzero(reading & (partner < 0)))
    before = np.full(len(lines), -1, dtype=np.int64)
    after = np.full(len(lines), -1, dtype=np.int64)
    for these, others in ((loose_scan, loose_reading), (loose_reading, loose_scan)):
        if len(these) and len(others):
            before[these] = _near(study, day, these, others, search_days, after=False)
            after[these] = _near(study, day, these, others, search_days, after=True)
    has_global = np.zeros(len(lines), dtype=bool)
    unpaired = np.flatnonzero((scan | reading) & (partner < 0))
    globals_at = np.flatnonzero(whole)
    if len(unpaired) and len(globals_at):
        around = count_between(
            study[unpaired],
            day[unpaired] - search_days,
            day[unpaired] + search_days,
            study[globals_at],
            day[globals_at],
        )
        has_global[unpaired] = around > 0
    before_day, around_day = np.zeros((2, len(lines)), dtype=np.int64)
    asks, scans = loose_reading, np.flatnonzero(scan)
    if len(asks) and len(scans):
        of_study = (study[scans], day[scans])
        before_day[asks] = count_between(
            study[asks], day[asks] - pairing_days, day[asks], *of_study
        )
        around_day[asks] = count_between(
            study[asks], day[asks] - search_days, day[asks] + search_days, *of_study
        )
    again = _billed_again(lines, scan, partner)
    return Readings(
        scan, reading, partner, before_day, around_day, before, after, has_global, again
    )


def _paired(
    lines: pd.DataFrame, scan: Mask, reading: Mask, study: Ints, day: Ints, within: int
) -> Ints:
    both = np.flatnonzero(scan | reading)
    both = both[occur_again(study[both])]
    same = group_key(lines, ["patient_id", "procedure_code", "service_date", "component"])[both]
    order = in_order(lines, both, same)
    found = one_to_one(study[both][order], day[both][order], scan[both][order], within=within)
    partner = np.full(len(lines), -1, dtype=np.int64)
    paired = found >= 0
    partner[both[order[paired]]] = both[order[found[paired]]]
    return partner


def _by_claim(lines: pd.DataFrame, places: Ints) -> Ints:
    alike = np.zeros(len(places), dtype=np.int64)
    return places[in_order(lines, places, alike, by_received=False)]


def _billed_again(lines: pd.DataFrame, scan: Mask, partner: Ints) -> Mask:
    same = group_key(lines, ["patient_id", "procedure_code", "service_date", "component"])
    # A scan that was done again has a reading of its own; one scan may be read by two.
    apart = scan & has_modifier(lines, SEPARATE_SERVICE)
    return (partner < 0) & ~apart & share_a_group(same, (partner >= 0) & ~apart)


def _near(
    study: Ints, day: Ints, these: Ints, others: Ints, search_days: int, *, after: bool
) -> Ints:
    found, gap = nearest(study[these], day[these], study[others], day[others], after=after)
    close = (found >= 0) & (gap <= search_days)
    return np.where(close, others[np.clip(found, 0, None)], -1)


@dataclass(frozen=True)
class Scans:
    """The CCTA around each claim line of a patient.

    ``before`` is the position of the last CCTA line on or before the line's date, ``after`` of the
    next one after it, or -1; the ``days_`` fields are the days between, 0 where there is none.
    """

    before: Ints
    days_before: Ints
    after: Ints
    days_after: Ints


@computed_once
def ccta_around(lines: pd.DataFrame, asking: Mask, candidates: Mask, on: tuple[str, ...]) -> Scans:
    """The nearest CCTA of each asking line, among candidates that agree in the columns ``on``."""
    day = day_numbers(lines["service_date"])
    asks = np.flatnonzero(asking)
    nothing = np.full(len(lines), -1, dtype=np.int64)
    no_days = np.zeros(len(lines), dtype=np.int64)
    if not len(asks):
        return Scans(nothing, no_days, nothing, no_days)
    patient, names = coded(lines["patient_id"])
    concerned = np.zeros(len(names), dtype=bool)
    concerned[patient[asks]] = True
    ccta = np.flatnonzero(has_code(lines, CCTA) & candidates & concerned[patient])
    key = group_key(lines, on)
    same_day = group_key(lines[[*on, "service_date"]].iloc[ccta], (*on, "service_date"))
    ccta = ccta[in_order(lines, ccta, same_day, by_received=False)]
    before, days_before, after, days_after = nothing, no_days, nothing.copy(), no_days.copy()
    for later, place, gap in ((False, before, days_before), (True, after, days_after)):
        found, days = nearest(key[asks], day[asks], key[ccta], day[ccta], after=later)
        place[asks] = np.where(found >= 0, ccta[found] if len(ccta) else -1, -1)
        gap[asks] = days
    return Scans(before, days_before, after, days_after)


def analyses(lines: pd.DataFrame) -> Mask:
    """Lines of analyses that are computed from a CCTA: FFR-CT and plaque analysis."""
    return has_code(lines, (*FFRCT_STUDY, *PLAQUE_ANALYSIS))


@computed_once
def ccta_of_hospital(lines: pd.DataFrame) -> tuple[Mask, Scans]:
    """Hospital FFR-CT lines of a known provider, and the hospital's CCTA around them."""
    hospital = institutional(lines)
    asking = has_code(lines, FFRCT_STUDY) & hospital & ~blank(lines["billing_npi"])
    return asking, ccta_around(lines, asking, hospital, ("patient_id", "billing_npi"))


@computed_once
def ccta_of_analysis(lines: pd.DataFrame) -> Scans:
    """The CCTA around each analysis, on whatever claim it stands."""
    return ccta_around(lines, analyses(lines), any_line(lines), ("patient_id",))
