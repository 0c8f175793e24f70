"""Which codes stand together on a patient's day."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.reference import day_numbers

Bools = npt.NDArray[np.bool_]
Numbers = npt.NDArray[np.integer[Any]]

# A missing date lies before every other; no claim's date is so many days from 1970.
_FAR = 2**20


@dataclass(frozen=True)
class CodesTogether:
    """Pairs of codes that stand together on some patient's day.

    ``words`` are the codes that stand beside another one, sorted. ``table`` is flat and has a place
    for each pair of them, ``one * size + two``; a last place among ``size`` is for codes that stand
    beside none. ``first`` and ``last`` are the days of the lines, in days since 1970-01-01.
    """

    words: Sequence[str]
    table: Bools
    first: int
    last: int

    @property
    def size(self) -> int:
        """The width of the table."""
        return len(self.words) + 1

    def places(self, words: Sequence[str]) -> Numbers:
        """The place of each of some words, sorted; the last for those that stand beside none."""
        found = np.full(len(words), len(self.words), dtype=np.int64)
        number = {word: place for place, word in enumerate(self.words)}
        for place, word in enumerate(words):
            if word in number:
                found[place] = number[word]
        return found


def codes_together(lines: pd.DataFrame) -> CodesTogether:
    """The pairs of codes of the lines."""
    cells: Any = lines["procedure_code"].array
    day = np.clip(day_numbers(lines["service_date"]), -_FAR, _FAR)
    first, last = (int(day.min()), int(day.max())) if len(day) else (0, 0)
    group, code = _codes_of_days(cells.codes, lines["patient_id"].array, day - first, last - first)
    # Words in order, so that their places among other words in order are soon found.
    counts = np.bincount(code, minlength=len(cells.categories))
    present = np.flatnonzero(counts)
    text = cells.categories.to_numpy(dtype=object)[present]
    order = np.argsort(text)
    place = np.zeros(len(counts), dtype=np.int64)
    place[present[order]] = np.arange(len(present))
    size = len(present) + 1
    table = np.zeros(size * size, dtype=bool)
    code = place[code]
    for left, right in _pairs_of_days(group, code):
        table[left * size + right] = True
        table[right * size + left] = True
    return CodesTogether(list(text[order]), table, first, last)


def _codes_of_days(
    codes: Numbers, patients: Any, day: Numbers, span: int
) -> tuple[Numbers, Numbers]:
    """The codes of each patient's day, each once, where there are several; days are numbered."""
    room = int(codes.max(initial=0)) + 1
    packed = patients.codes.astype(np.int64) * (span + 1) + day
    packed *= room
    packed += codes
    packed.sort()
    packed = packed[_new(packed)]
    group = packed // room
    begins = _new(group)
    ends = np.append(begins[1:], np.ones(min(len(begins), 1), dtype=bool))
    several = ~(begins & ends)
    number = np.cumsum(begins, dtype=np.int32)[several]
    code = packed[several] - group[several] * room
    return number, code


def _new(values: Numbers) -> Bools:
    """Whether a value differs from the one before it."""
    new = np.ones(len(values), dtype=bool)
    np.not_equal(values[1:], values[:-1], out=new[1:])
    return new


def _pairs_of_days(group: Numbers, code: Numbers) -> Iterator[tuple[Numbers, Numbers]]:
    """Codes that stand on one patient's day, by how far apart they stand."""
    # Whose day has a code so many places on, has one at every place before.
    same, shift = np.arange(len(group)), 1
    while len(same):
        same = same[: np.searchsorted(same, len(group) - shift)]
        same = same[group[same + shift] == group[same]]
        yield code[same], code[same + shift]
        shift += 1
