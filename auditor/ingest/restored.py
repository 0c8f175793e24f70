"""Cells whose lost leading zero was restored while reading: where they stand, and what they held.

Rules never see such a cell as it was read. Whoever mends the source system has to.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.ingest import codes, values
from auditor.ingest.cells import Places
from auditor.ingest.cleaning import Cleaned
from auditor.ingest.values import LOST_ZERO, Value

# The columns whose reader restores a zero.
_READERS: dict[str, Callable[[str], Value]] = {
    "procedure_code": codes.procedure,
    "revenue_code": codes.revenue,
    "place_of_service": values.place_of_service,
    "service_zip": values.zip_code,
}
ZERO_COLUMNS: tuple[str, ...] = tuple(_READERS)


@dataclass(frozen=True)
class Restored:
    """The repaired cells of one column of one export.

    ``rows`` are rows of the file, rising, int64; ``before`` and ``after`` are categoricals of the
    same length: a dozen bytes a cell.
    """

    column: str
    rows: npt.NDArray[np.int64]
    before: Any
    after: Any


def restored_zero(column: str, before: str) -> str:
    """What reading makes of a cell that lost its zero; ``""`` where it restores none.

    ``48X`` becomes ``048X`` when it is read, but a family of codes is no repair of anything.
    """
    read = _READERS[column](before)
    value = read.value[0] if column == "procedure_code" else read.value
    whole = read.repair == LOST_ZERO and not (column == "revenue_code" and value.endswith("X"))
    return str(value) if whole else ""


def restored_cells(
    column: str, cleaned: Cleaned, source_rows: npt.NDArray[np.int64]
) -> list[Restored]:
    """The cells of a column whose zero was restored, as a list of one; none without such a cell."""
    some = [
        code
        for code, repair in cleaned.repairs.items()
        if repair == LOST_ZERO and restored_zero(column, cleaned.cells.texts[code].as_py())
    ]
    if not some:
        return []
    number = np.full(len(cleaned.cells.texts), -1, dtype=np.int32)
    number[some] = np.arange(len(some), dtype=np.int32)
    of_lines = number[cleaned.cells.codes]
    places: Places = np.flatnonzero(of_lines >= 0)
    if not len(places):
        return []
    before, after = (
        _categorical(of_lines[places], [texts[code].as_py() for code in some])
        for texts in (cleaned.cells.texts, cleaned.values)
    )
    return [Restored(column, source_rows[places], before, after)]


def _categorical(chosen: npt.NDArray[np.int32], words: list[str]) -> Any:
    number, distinct = pd.factorize(np.array(words, dtype=object))
    return pd.Categorical.from_codes(number[chosen], categories=pd.Index(distinct, dtype="str"))
