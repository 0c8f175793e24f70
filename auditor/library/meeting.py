"""Which pairs of codes stand together on a patient's day, of the pairs that are edited at all."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.reference import day_numbers

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.integer[Any]]

_DAYS = 2**20
# Lines looked at in one go, to bound the memory of the pairs.
_BLOCK = 2_000_000


def codes_that_meet(lines: pd.DataFrame, words: Sequence[str], one: Numbers, two: Numbers) -> Bools:
    """For each pair of codes (places among ``words``), whether they meet on a patient's day.

    A table of bits says which pairs are edited at all, so that only those are remembered.
    """
    size = len(words)
    edited = np.zeros(size * size, dtype=bool)
    edited[one.astype(np.int64) * size + two] = True
    seen = np.zeros(size * size, dtype=bool)
    for left, right in _met(lines, words):
        for first, second in ((left, right), (right, left)):
            pair = first * size + second
            seen[pair[edited[pair]]] = True
    found: Bools = seen[one.astype(np.int64) * size + two]
    return found


def _met(lines: pd.DataFrame, words: Sequence[str]) -> Any:
    """Codes that stand on one patient's day, as two arrays of places, block by block."""
    column = lines["procedure_code"].cat
    place = {word: number for number, word in enumerate(words)}
    known = np.array([place.get(word, -1) for word in column.categories] or [-1], dtype=np.int64)
    code = known[column.codes.to_numpy()]
    patient = lines["patient_id"].cat.codes.to_numpy().astype(np.int64)
    day = patient * _DAYS + (day_numbers(lines["service_date"]) + _DAYS // 2)
    # Each code once a patient's day: the day and the code sorted as one integer.
    number, days = pd.factorize(day)
    packed = np.unique(number[code >= 0] * len(words) + code[code >= 0])
    group, kind = np.divmod(packed, max(len(words), 1))
    del number, days, day
    shift = 1
    while shift < len(group):
        same = np.flatnonzero(group[shift:] == group[:-shift])
        if len(same) == 0:
            return
        for begin in range(0, len(same), _BLOCK):
            some = same[begin : begin + _BLOCK]
            yield kind[some], kind[some + shift]
        shift += 1
