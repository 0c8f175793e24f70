"""Days as text, and the last day to do something."""

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from auditor.claim_lines import among
from auditor.ingest.frame import TEXT


def iso(dates: "pd.Series[pd.Timestamp]") -> "pd.Series[str]":
    """Dates as ISO text, (blank) where there is none."""
    return pd.Series(pd.array(iso_texts(dates), dtype=TEXT), index=dates.index)


def iso_texts(dates: "pd.Series[pd.Timestamp]") -> Any:
    """The same as an Arrow array."""
    days: Any = pa.array(dates.to_numpy(dtype="datetime64[D]"), type=pa.date32())
    return days.cast(pa.string()).fill_null("(blank)")


def deadline(
    basis: "pd.Series[pd.Timestamp]", count: "pd.Series[str]", unit: "pd.Series[str]"
) -> "pd.Series[pd.Timestamp]":
    """The last day to file: some calendar years, months or days after the service."""
    day, distinct = pd.factorize(basis)
    found = np.full(len(basis), np.datetime64("NaT", "s"))
    for words in {(c, u) for c in count.cat.categories for u in unit.cat.categories if c and u}:
        number, kind = int(words[0]), words[1]
        here = among(count, [words[0]]) & among(unit, [words[1]])
        offset = {
            "calendar_years": pd.DateOffset(years=number),
            "months": pd.DateOffset(months=number),
            "days": pd.DateOffset(days=number),
        }[kind]
        if here.any():
            ends = (pd.DatetimeIndex(distinct) + offset).to_numpy().astype("datetime64[s]")
            found[here] = np.append(ends, np.datetime64("NaT", "s"))[day[here]]
    return pd.Series(found, index=basis.index)
