"""Lines by which a library is narrowed to what the lines on disk need, in few bytes each."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

# The columns by whose words a library's tables are narrowed, beside the codes of a patient's day.
_WORDS = ("diagnosis_codes", "service_zip")


def narrowing_lines(buckets: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Lines that narrow a library as all lines of some buckets would.

    Each code stands once a patient and day; a patient is a number. ``diagnosis_codes`` and
    ``service_zip`` hold all that occur, on whatever line.
    """
    patients, days, codes = [], [], []
    places: dict[str, int] = {}
    words: dict[str, dict[str, None]] = {name: {"": None} for name in _WORDS}
    before = 0
    for lines in buckets:
        code = lines["procedure_code"].cat
        number = np.array([places.setdefault(word, len(places)) for word in code.categories])
        once = pd.DataFrame(
            {
                "patient": lines["patient_id"].cat.codes.to_numpy().astype(np.int32) + before,
                "day": lines["service_date"].to_numpy(),
                "code": number[code.codes.to_numpy()].astype(np.int32),
            }
        ).drop_duplicates()
        before += len(lines["patient_id"].cat.categories)
        patients.append(once["patient"].to_numpy())
        days.append(once["day"].to_numpy())
        codes.append(once["code"].to_numpy())
        for name in _WORDS:
            words[name].update(dict.fromkeys(lines[name].cat.categories))
    rows = max([sum(map(len, codes)), *map(len, words.values())])
    return pd.DataFrame(
        {
            "patient_id": _filled(np.concatenate(patients), rows, pd.RangeIndex(before + 1)),
            "service_date": np.resize(np.concatenate(days), rows),
            "procedure_code": _filled(np.concatenate(codes), rows, list(places)),
            **{
                name: _filled(np.arange(len(found), dtype=np.int32), rows, list(found))
                for name, found in words.items()
            },
        }
    )


def _filled(codes: Any, rows: int, categories: Any) -> pd.Categorical:
    """The codes, repeated from the first on until there are enough."""
    index = categories if isinstance(categories, pd.Index) else pd.Index(categories, dtype="str")
    return pd.Categorical.from_codes(np.resize(codes, rows), categories=index)
