"""What Medicare's physician fee schedule pays for a line, nationally or at its locality.

Relative value units times the conversion factor; of the technical part no more than the OPPS
imaging cap.
"""

import numpy as np
import pandas as pd

from auditor.caching import computed_lately
from auditor.claim_lines import Mask, among, has_modifier, professional, same_word
from auditor.localities import (
    PracticeCosts,
    local_caps,
    national_caps,
    practice_costs,
    scan_costs,
)
from auditor.reference import Bools, InForce, Ints, Reference

NO_CENTS = -1
# 15 % off the technical part for a scanner below the dose standard (42 CFR 414.106, since 2017).
CT_REDUCED = 85


def physician_rate(lines: pd.DataFrame, reference: Reference) -> Ints:
    """Fee schedule cents a unit, by component and place of service."""
    place = reference.as_of("places_of_service", lines, on=["place_of_service"])
    facility = among(place["facility_rate"], ["yes"])
    cents = np.full(len(lines), NO_CENTS, dtype=np.int64)
    for component, modifier in (("professional", "26"), ("technical", "TC"), ("global", "")):
        here = among(lines["component"], [component])
        if here.any():
            cents = np.where(here, _fee_schedule(lines, reference, modifier, facility), cents)
    # The reading has one price for all places.
    priced = place.found.to_numpy() | among(lines["component"], ["professional"])
    return np.where(priced, cents, NO_CENTS)


def _fee_schedule(lines: pd.DataFrame, reference: Reference, modifier: str, facility: Mask) -> Ints:
    """Cents of one component: the lower of the fee schedule and the OPPS imaging cap."""
    of = practice_costs if modifier == "26" else scan_costs
    costs = of(lines, reference)
    cents = _rvu_cents(lines, reference, modifier, facility, costs)
    if modifier == "26":
        return cents
    scan = cents if modifier == "TC" else _rvu_cents(lines, reference, "TC", facility, costs)
    cap = cents_in(national_caps(lines, reference), "cap_cents")
    local = local_caps(lines, reference)
    if local is not None:
        price = np.where(
            facility, cents_in(local, "facility_cents"), cents_in(local, "nonfacility_cents")
        )
        cap = np.where(price >= 0, price, cap)
    capped = np.where((cap >= 0) & (scan > cap), cap, scan)
    reduced = np.where(old_scanner(lines), share_of(capped, CT_REDUCED), capped)
    paid = np.where(scan >= 0, reduced, NO_CENTS)
    if modifier == "TC":
        return paid
    # The whole study loses what its technical part loses.
    reading = _rvu_cents(lines, reference, "26", facility, costs)
    split = (reading >= 0) & (paid < scan)
    return np.where((cents >= 0) & split, reading + paid, cents)


def _rvu_cents(
    lines: pd.DataFrame,
    reference: Reference,
    modifier: str,
    facility: Mask,
    costs: PracticeCosts | None,
) -> Ints:
    """Relative value units times conversion factor, in whole cents."""
    rows = _rows(lines, reference, "pfs_rates", modifier)
    units = np.where(
        facility,
        hundredths_in(rows, "total_rvu_facility"),
        hundredths_in(rows, "total_rvu_nonfacility"),
    )
    factors = _conversion_factors(lines, reference)
    # Hundredths of units times ten-thousandths of dollars are ten-thousandths of cents.
    cents = (units * factors + 5_000) // 10_000
    cents = np.where((units >= 0) & (factors >= 0), cents, NO_CENTS)
    if costs is None:
        return cents
    expense = np.where(
        facility, hundredths_in(rows, "pe_rvu_facility"), hundredths_in(rows, "pe_rvu_nonfacility")
    )
    work, malpractice = hundredths_in(rows, "work_rvu"), hundredths_in(rows, "mp_rvu")
    here = work * costs.work + expense * costs.expense + malpractice * costs.malpractice
    local = costs.known & (np.minimum(np.minimum(work, expense), malpractice) >= 0)
    # Thousandths of an index make it ten-millionths of cents.
    return np.where(local & (cents >= 0), (here * factors + 5_000_000) // 10_000_000, cents)


@computed_lately
def _conversion_factors(lines: pd.DataFrame, reference: Reference) -> Ints:
    """Ten-thousandths of a dollar for a relative value unit, -1 where none is known."""
    asked = lines[["service_date", "claim_type"]].assign(
        system=same_word("pfs", len(lines)), variant=same_word("standard", len(lines))
    )
    rows = reference.as_of("conversion_factors", asked, on=["system", "variant"])
    per_unit = rows.numbers("conversion_factor") * 10_000
    return np.rint(np.nan_to_num(per_unit, nan=NO_CENTS)).astype(np.int64)


@computed_lately
def _rows(lines: pd.DataFrame, reference: Reference, table: str, modifier: str) -> InForce:
    asked = lines[["procedure_code", "service_date", "claim_type"]].assign(
        modifier=same_word(modifier, len(lines))
    )
    return reference.as_of(table, asked, on=["procedure_code", "modifier"])


def is_local(lines: pd.DataFrame, reference: Reference) -> Bools:
    """Physicians' lines whose locality, its cost indices and of scans its cap are known."""
    costs, scans = practice_costs(lines, reference), scan_costs(lines, reference)
    if costs is None or scans is None:
        return np.zeros(len(lines), dtype=bool)
    reading = among(lines["component"], ["professional"])
    return professional(lines) & np.where(reading, costs.known, scans.known)


def cents_in(rows: InForce, column: str) -> Ints:
    """A column of whole cents, -1 where there is no row or no value."""
    return np.nan_to_num(rows.numbers(column), nan=NO_CENTS).astype(np.int64)


def hundredths_in(rows: InForce, column: str) -> Ints:
    """Relative value units in hundredths, -1 where there is none; exact, not floating."""
    return np.rint(np.nan_to_num(rows.numbers(column) * 100, nan=NO_CENTS)).astype(np.int64)


def old_scanner(lines: pd.DataFrame) -> Mask:
    """Scans with modifier CT; what software makes of their images has no scanner."""
    by_software = among(lines["service"], ["ffrct", "plaque"]) | among(lines["role"], ["three_d"])
    return has_modifier(lines, ["CT"]) & ~by_software


def share_of(cents: Ints, percent: int) -> Ints:
    """A share of an amount, half a cent rounded up."""
    return (cents * percent + 50) // 100
