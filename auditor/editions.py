"""Editions of reference tables: the dates of service that each answers for."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Edition:
    """The dates of service for which a table answers, in one setting (claim type) or in all.

    ``complete`` says that the publisher's whole table was read: what it lacks does not exist.
    """

    table: str
    setting: str
    edition: str
    first_date: date | None
    last_date: date | None
    rows: int
    origin: str
    complete: bool = False


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return int(np.datetime64(day, "D").astype(np.int64))


def beyond(days: Ints, settings: "pd.Series[str]", editions: Sequence[Edition]) -> Bools:
    """Which days, in their setting, none of the editions that speak of it answers for.

    ``days`` are dates of service in days since 1970-01-01, ``settings`` the claim types beside
    them. A setting of which no edition speaks is beyond nothing.
    """
    outside = np.zeros(len(days), dtype=bool)
    for setting in {edition.setting for edition in editions}:
        reached = np.zeros(len(days), dtype=bool)
        for one in editions:
            if one.setting == setting:
                after = days >= day_number(one.first_date) if one.first_date else True
                before = days <= day_number(one.last_date) if one.last_date else True
                reached |= np.logical_and(after, before)
        if not reached.all():
            outside |= ~reached & ((settings == setting).to_numpy() if setting else True)
    return outside


def wholly_known(days: Ints, settings: "pd.Series[str]", editions: Sequence[Edition]) -> Bools:
    """Which days, in their setting, a complete edition answers for."""
    whole = [edition for edition in editions if edition.complete]
    here = np.zeros(len(days), dtype=bool)
    for setting in {edition.setting for edition in whole}:
        here |= (settings == setting).to_numpy() if setting else True
    return here & ~beyond(days, settings, whole)
