"""Patients' numbers that a spreadsheet wrote otherwise in one place than in another."""

from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc


def numbers_in_two_forms(lines: pd.DataFrame) -> int:
    """How many patients' numbers stand with leading zeros on some lines and without on others.

    ``lines`` are claim lines; ``patient_id`` must have no unused category.
    """
    numbers: Any = pa.array(lines["patient_id"].cat.categories, pa.string())
    with_zeros: Any = numbers.filter(pc.match_substring_regex(numbers, "^0+[1-9][0-9]*$"))
    if not len(with_zeros):
        return 0
    without: Any = pc.utf8_ltrim(with_zeros, characters="0")
    found: Any = pc.is_in(without, value_set=numbers)
    return len(pc.unique(without.filter(found)))
