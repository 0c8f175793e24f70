"""Patients of whom a later night may say something else, though no line of theirs comes again."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from auditor.extract import Extract
from auditor.reference import Ints, day_numbers
from auditor.studies import PAIRING_DAYS, SEARCH_DAYS, analyses, ccta_of_analysis, readings

_WAITING_DAYS = 14


def waiting_patients(
    lines: pd.DataFrame, patient: Ints, as_of: date, options: Mapping[str, Any]
) -> dict[int, int]:
    """Patients (by digest) with a half whose other half is not here, or a date still to come.

    Gives the newest day of such a line of theirs. What is said of it rests on the as-of date, on
    the dates at hand and on who else pairs. ``lines`` are prepared, ``patient`` has one digest a
    line.
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
    newest = pd.Series(day[alone]).groupby(patient[alone]).max()
    return dict(zip(newest.index.tolist(), newest.tolist(), strict=True))


def settled_before(last: Extract, options: Mapping[str, Any]) -> int:
    """Lines before this day (from 1970-01-01) had waited long enough for an earlier extract.

    Their windows end inside its dates, so that later days and a later as-of date change nothing.
    """
    ends = [span.last_day for span in last.spans.values()]
    pairing = int(options.get("pairing_days", PAIRING_DAYS))
    waited = last.as_of_day - int(options.get("waiting_days", _WAITING_DAYS))
    return min([waited, *(end - pairing for end in ends)])


def says_the_same_of_settled(last: Extract, now: Extract) -> bool:
    """Whether two extracts say the same of lines that were settled at the first."""
    return (
        now.as_of >= last.as_of
        and now.reach == last.reach
        and now.pairing_npis == last.pairing_npis
        and now.spans.keys() == last.spans.keys()
        and all(
            span.first_day == last.spans[kind].first_day
            and span.last_day >= last.spans[kind].last_day
            for kind, span in now.spans.items()
        )
    )
