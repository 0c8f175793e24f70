"""Rows of a table that become no claim lines: blank rows, totals rows, and lines to reject."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.ingest.cells import Cells, Mask, Places, Texts
from auditor.ingest.cleaning import Cleaned
from auditor.ingest.header_names import readings
from auditor.ingest.raw import RawLines, RawTable
from auditor.ingest.values import NO_VALUE, shape, unquoted
from auditor.schema import REJECTED

_READ, _BLANK, _UNREADABLE = 0, 1, 2
_MOST_ROWS_OF_TOTALS = 5  # a longer run of rows without a claim, patient, date and code is a fault
_TOTAL = re.compile(
    r"(?:(?:GRAND|SUB|REPORT|OVERALL|PAGE|FILE)[\s-]*)?TOTALS?"
    r"(?:\s*[:=($0-9].*|\s+(?:FOR|OF|LINES?|CLAIMS?|CHARGES?|RECORDS?|ROWS?|COUNT|AMOUNT)\b.*)?"
    r"|(?:(?:RECORD|ROW|LINE|CLAIM)S?\s+)?COUNT(?:\s*[:=(0-9].*)?|SUM(?:\s*[:=($0-9].*)?"
    r"|\(?[0-9][0-9,]* (?:RECORDS|ROWS|LINES|CLAIMS)\b.*|\W*END OF (?:REPORT|FILE|DATA)\W*"
    r"|[-=_]{3,}"  # what a query tool draws below its header
)


@dataclass(frozen=True)
class Outcasts:
    """Which rows are claim lines, and what is wrong with the rest.

    ``kept`` is a mask of all rows, ``None`` where every one is kept. ``rejected`` are the places of
    the rejected ones; ``columns``, ``shapes`` and ``reasons`` say of each what it fails on.
    """

    kept: Mask | None
    totals_rows: int
    rejected: Places
    columns: npt.NDArray[np.object_]
    shapes: npt.NDArray[np.object_]
    reasons: npt.NDArray[np.object_]


def sort_out(
    required: Mapping[str, Cleaned],
    revenue: Cleaned | None,
    columns: Sequence[Cells],
    *,
    ends: bool = True,
) -> Outcasts:
    """Tell claim lines from the rest.

    A line fails on the first of the ``required`` columns that is blank or unreadable; a procedure
    code may be blank where there is a revenue code, as on many hospital lines. ``columns`` are all
    columns that were read, in the order of the header. ``ends``: the table ends with these rows.
    """
    states = _states(required)
    suspects = np.flatnonzero(states.any(axis=0))
    nothing = np.empty(0, dtype=np.object_)
    if not len(suspects):
        return Outcasts(None, 0, suspects, nothing, nothing, nothing)
    blank_rows, totals = _no_lines(states, columns, _repeats(required), ends=ends)
    if revenue is not None:
        filled = ~_is_blank(revenue.values)
        allowed = filled[revenue.cells.codes[suspects]]
        procedure = states[list(required).index("procedure_code")]
        procedure[suspects[allowed & (procedure[suspects] == _BLANK)]] = _READ
    failing: Mask = np.asarray(states.any(axis=0))
    no_lines = np.concatenate([blank_rows, totals])
    failing[no_lines] = False
    rejected = np.flatnonzero(failing)
    kept = ~failing
    kept[no_lines] = False
    return Outcasts(kept, len(totals), rejected, *_reasons(required, states, rejected))


def _states(required: Mapping[str, Cleaned]) -> npt.NDArray[np.uint8]:
    """Whether each required cell of each line was read, is blank or is unreadable."""
    rows = []
    for cleaned in required.values():
        if isinstance(cleaned.values, np.ndarray):
            of_code = np.isnat(cleaned.values).astype(np.uint8)
        else:
            of_code = _is_blank(cleaned.values).astype(np.uint8)
        of_code[list(cleaned.faults)] = _UNREADABLE
        rows.append(of_code[cleaned.cells.codes])
    return np.stack(rows)


def _is_blank(texts: Texts) -> Mask:
    blank: Any = pc.equal(texts, pa.scalar(""))
    mask: Mask = blank.to_numpy(zero_copy_only=False)
    return mask


def _repeats(required: Mapping[str, Cleaned]) -> Mask:
    """Rows that repeat the header, as on each page of a report.

    For the date stands its column's name, and for another required cell the name of its own.
    """
    dates = required["service_date"]
    named = [code for code in dates.faults if _names(dates.cells.texts[code], "service_date")]
    repeats: Mask = np.zeros(len(dates.cells.codes), dtype=np.bool_)
    rows: Places = np.flatnonzero(np.isin(dates.cells.codes, named))
    for name, cleaned in required.items() if len(rows) else ():
        if name != "service_date":
            distinct, inverse = np.unique(cleaned.cells.codes[rows], return_inverse=True)
            says_so = [_names(cleaned.cells.texts[int(code)], name) for code in distinct]
            repeats[rows] |= np.array(says_so)[inverse]
    return repeats


def _names(cell: Any, column: str) -> bool:
    text = unquoted(cell.as_py())
    return text[:1].isalpha() and any(reading.column == column for reading in readings(text))


def _no_lines(
    states: npt.NDArray[np.uint8], columns: Sequence[Cells], repeats: Mask, *, ends: bool
) -> tuple[Places, Places]:
    """Places of blank rows, and of totals rows and repeated headers.

    A totals row says so in its first filled cell and has no two of the required cells; or it stands
    at the end of the table and has none of them.
    """
    suspects = np.flatnonzero(((states != _READ).sum(axis=0) >= 2) | repeats)
    first = _first_texts(columns, suspects)
    says_total = np.array([bool(_TOTAL.fullmatch(text)) for text in first], dtype=np.bool_)
    says_total |= repeats[suspects]
    empty = (states[:, suspects] == _BLANK).all(axis=0)
    blank = empty & (first == "")
    other = np.ones(states.shape[1], dtype=np.bool_)
    other[suspects[empty | says_total]] = False
    lines = np.flatnonzero(other)
    at_end = suspects > (lines[-1] if len(lines) else -1)
    closing = empty & at_end & ~blank
    if not ends or closing.sum() > _MOST_ROWS_OF_TOTALS:
        closing[:] = False
    return suspects[blank], suspects[(says_total | closing) & ~blank]


def _first_texts(columns: Sequence[Cells], lines: Places) -> npt.NDArray[np.object_]:
    """Upper-case text of the first filled cell of some lines, ``""`` where none is filled."""
    first = np.full(len(lines), "", dtype=np.object_)
    for cells in columns:
        unfilled = np.flatnonzero(first == "")
        if not len(unfilled):
            break
        distinct, inverse = np.unique(cells.codes[lines[unfilled]], return_inverse=True)
        texts = [unquoted(text) for text in cells.texts.take(pa.array(distinct)).to_pylist()]
        filled = ["" if text in NO_VALUE else text.upper() for text in texts]
        first[unfilled] = np.array(filled, dtype=np.object_)[inverse]
    return first


def _reasons(
    required: Mapping[str, Cleaned], states: npt.NDArray[np.uint8], rejected: Places
) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.object_], npt.NDArray[np.object_]]:
    """For each rejected line the column it fails on, the value's shape, and why."""
    failed = (states[:, rejected] != _READ).argmax(axis=0)
    names = np.array(list(required), dtype=np.object_)[failed]
    shapes, reasons = np.empty_like(names), np.empty_like(names)
    for number, (name, cleaned) in enumerate(required.items()):
        here = np.flatnonzero(failed == number)
        distinct, inverse = np.unique(cleaned.cells.codes[rejected[here]], return_inverse=True)
        texts = cleaned.cells.texts.take(pa.array(distinct)).to_pylist()
        faults = [cleaned.faults.get(int(code), "is blank") for code in distinct]
        shapes[here] = np.array([shape(text) for text in texts], dtype=np.object_)[inverse]
        words = [f"{name} {fault}" for fault in faults]
        reasons[here] = np.array(words, dtype=np.object_)[inverse]
    return names, shapes, reasons


def rejected_frame(table: RawTable, raw: RawLines, outcasts: Outcasts) -> pd.DataFrame:
    """Rejected lines in the order of the file, columns ``schema.REJECTED``; row is int64."""
    rows = raw.rows.to_numpy()[outcasts.rejected]
    misfits = raw.misfits
    nothing = [""] * len(misfits)
    columns: dict[str, Any] = {
        "file": [table.file] * (len(rows) + len(misfits)),
        "sheet": [table.sheet or ""] * (len(rows) + len(misfits)),
        "row": np.append(rows, [misfit.row for misfit in misfits]).astype(np.int64),
        "column": [*outcasts.columns, *nothing],
        "value_shape": [*outcasts.shapes, *nothing],
        "reason": [*outcasts.reasons, *(misfit.reason for misfit in misfits)],
    }
    typed = {
        name: pd.Series(columns[name], dtype="int64" if name == "row" else "str")
        for name in REJECTED
    }
    return pd.DataFrame(typed).sort_values("row", kind="stable", ignore_index=True)
