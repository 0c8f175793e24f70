"""Patients of whom a later night may say something else, though no line of theirs comes again."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from auditor.reference import Ints, day_numbers
from auditor.studies import PAIRING_DAYS, SEARCH_DAYS, analyses, ccta_of_analysis, readings


def waiting_patients(
    lines: pd.DataFrame, patient: Ints, as_of: date, options: Mapping[str, Any]
) -> Ints:
    """Patients (by digest) with a half whose other half is not here, or a date still to come.

    What is said of such a line rests on the as-of date, on the dates at hand and on who else pairs.
    ``lines`` are prepared, ``patient`` has one digest a line.
    """
    pairing = readings(
        lines,
        options.get("pairing_days", PAIRING_DAYS),
        options.get("search_days", SEARCH_DAYS),
    )
    alone = (pairing.scan | pairing.reading) & (pairing.partner < 0)
    alone |= analyses(lines) & (ccta_of_analysis(lines).before < 0)
    day = day_numbers(lines["service_date"])
    today = int(np.datetime64(as_of, "D").astype(np.int64))
    alone |= (day > today) & lines["received_date"].isna().to_numpy(dtype=bool)
    return np.unique(patient[alone])
