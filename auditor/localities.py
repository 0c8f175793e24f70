"""Where a service was done, by its ZIP code: the Medicare contractor, the locality, its costs."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from auditor.caching import computed_lately
from auditor.claim_lines import same_word
from auditor.reference import Bools, InForce, Ints, Reference

_NONE = -1


@dataclass(frozen=True)
class PracticeCosts:
    """What work, practice expense and malpractice cost at each line's locality, in thousandths.

    ``known`` marks the lines whose locality and its indices are known.
    """

    known: Bools
    work: Ints
    expense: Ints
    malpractice: Ints


def has_localities(reference: Reference) -> bool:
    """Whether ZIP codes were imported, and with them cost indices or caps."""
    tables = reference.tables
    return "zip_localities" in tables and ("gpci" in tables or "locality_caps" in tables)


@computed_lately
def located(lines: pd.DataFrame, reference: Reference) -> InForce | None:
    """The ZIP table's row in force for each line; none where no such table was imported.

    A ZIP code that lies in two localities has no row: only its four further digits could tell.
    """
    if "zip_localities" not in reference.tables:
        return None
    found = reference.as_of("zip_localities", lines, on=["service_zip"])
    split = (found["plus_four"] == "yes").to_numpy() | found.stale
    return InForce(
        found.table, np.where(split, _NONE, found.row), found.known, found.stale, found.index
    )


def practice_costs(lines: pd.DataFrame, reference: Reference) -> PracticeCosts | None:
    """The cost indices in force at each line's locality; none where they were not imported."""
    place, rows = located(lines, reference), _indices(lines, reference)
    if place is None or rows is None:
        return None
    work, expense, malpractice = (
        _thousandths(rows, name) for name in ("work_gpci", "pe_gpci", "mp_gpci")
    )
    known = place.found.to_numpy() & (np.minimum(np.minimum(work, expense), malpractice) >= 0)
    return PracticeCosts(known & ~rows.stale, work, expense, malpractice)


@computed_lately
def _indices(lines: pd.DataFrame, reference: Reference) -> InForce | None:
    place = located(lines, reference)
    if place is None or "gpci" not in reference.tables:
        return None
    return reference.as_of("gpci", _at(lines, place), on=["carrier", "locality"])


def scan_costs(lines: pd.DataFrame, reference: Reference) -> PracticeCosts | None:
    """The same for the technical part, whose price is the lower of fee schedule and imaging cap.

    They are not known where the code is under a cap and that of the locality was not imported.
    """
    costs = practice_costs(lines, reference)
    if costs is None:
        return None
    national, local = national_caps(lines, reference), local_caps(lines, reference)
    capped = national.found.to_numpy() | national.stale
    if local is not None:
        # An edition that answers for the date and has no cap says that there is none.
        capped = (capped & local.stale | national.found.to_numpy()) & ~local.found.to_numpy()
    return replace(costs, known=costs.known & ~capped)


@computed_lately
def national_caps(lines: pd.DataFrame, reference: Reference) -> InForce:
    """The national imaging cap in force for the technical part of each line's code."""
    asked = lines[["procedure_code", "service_date", "claim_type"]].assign(
        modifier=same_word("TC", len(lines))
    )
    return reference.as_of("imaging_caps", asked, on=["procedure_code", "modifier"])


@computed_lately
def local_caps(lines: pd.DataFrame, reference: Reference) -> InForce | None:
    """The same of each line's locality; none where no such caps were imported."""
    place = located(lines, reference)
    if place is None or "locality_caps" not in reference.tables:
        return None
    asked = _at(lines, place).assign(
        procedure_code=lines["procedure_code"].array, modifier=same_word("TC", len(lines))
    )
    return reference.as_of(
        "locality_caps", asked, on=["procedure_code", "modifier", "carrier", "locality"]
    )


def rows_behind(lines: pd.DataFrame, reference: Reference, scans: Bools) -> list[InForce]:
    """The ZIP code's row, the cost indices and the cap on which each physician's price rests.

    ``scans`` are lines with a technical part, which has a cap. A line that none of these prices has
    row -1: it has the national rate.
    """
    place, indices = located(lines, reference), _indices(lines, reference)
    costs, of_scans = practice_costs(lines, reference), scan_costs(lines, reference)
    caps = local_caps(lines, reference)
    by_cost, capped = np.zeros((2, len(lines)), dtype=bool)
    if costs is not None and of_scans is not None:
        by_cost = np.where(scans, of_scans.known, costs.known)
    if caps is not None:
        capped = scans & caps.found.to_numpy()
    asked = ((place, by_cost | capped), (indices, by_cost), (caps, capped))
    return [
        InForce(rows.table, np.where(mask, rows.row, _NONE), rows.known, rows.stale, rows.index)
        for rows, mask in asked
        if rows is not None
    ]


def _at(lines: pd.DataFrame, place: InForce) -> pd.DataFrame:
    return lines[["service_date", "claim_type"]].assign(
        carrier=place.values("carrier"), locality=place.values("locality")
    )


def _thousandths(rows: InForce, column: str) -> Ints:
    values = rows.numbers(column) * 1000
    return np.rint(np.nan_to_num(values, nan=_NONE)).astype(np.int64)
