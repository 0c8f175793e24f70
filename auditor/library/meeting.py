"""Which pairs of codes stand together on a patient's day, of the pairs that are edited at all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.reference import day_numbers

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.integer[Any]]

# Pairs looked at in one go, to bound their memory.
_BLOCK = 2_000_000


@dataclass(frozen=True)
class Days:
    """The codes of each patient's day, each once: ``group`` numbers the days, in order.

    ``code`` counts into ``words``; days with a single code are left out.
    """

    words: Sequence[str]
    group: Numbers
    code: Numbers


def codes_by_day(lines: pd.DataFrame, words: Sequence[str]) -> Days:
    """The codes among ``words`` that stand together on a patient's day."""
    column = lines["procedure_code"].cat
    place = {word: number for number, word in enumerate(words)}
    known = np.array([place.get(word, -1) for word in column.categories] or [-1], dtype=np.int64)
    code = known[column.codes.to_numpy()]
    patient = lines["patient_id"].cat.codes.to_numpy().astype(np.int64)
    day = day_numbers(lines["service_date"])
    first = int(day.min(initial=0))
    span = int(day.max(initial=0)) - first + 1
    group = patient * span + (day - first)
    # The day and the code sorted as one integer.
    packed = np.sort((group * max(len(words), 1) + code)[code >= 0])
    packed = packed[np.r_[True, packed[1:] != packed[:-1]][: len(packed)]]
    group, code = np.divmod(packed, max(len(words), 1))
    again = np.r_[False, group[1:] == group[:-1]][: len(group)]
    shared = again | np.r_[again[1:], False][: len(group)]
    return Days(words, group[shared], code[shared])


def that_meet(days: Days, one: Numbers, two: Numbers) -> Bools:
    """For each pair of codes (places among the words), whether they meet on a patient's day.

    A table of bits says which pairs are edited at all, so that only those are remembered.
    """
    size = len(days.words)
    pair = one.astype(np.int64) * size + two
    edited = np.zeros(size * size, dtype=bool)
    edited[pair] = True
    seen = np.zeros(size * size, dtype=bool)
    for left, right in _met(days):
        for met in (left * size + right, right * size + left):
            seen[met[edited[met]]] = True
    found: Bools = seen[pair]
    return found


def _met(days: Days) -> Iterator[tuple[Numbers, Numbers]]:
    """Codes that stand on one patient's day, block by block."""
    group, code = days.group, days.code
    shift = 1
    while shift < len(group):
        same = np.flatnonzero(group[shift:] == group[:-shift])
        if len(same) == 0:
            return
        for begin in range(0, len(same), _BLOCK):
            some = same[begin : begin + _BLOCK]
            yield code[some], code[some + shift]
        shift += 1
