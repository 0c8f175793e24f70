"""The cells of a workbook's sheet, column by column; each distinct value is cleaned once."""

import io
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

# Rows that stand in memory as Python objects at a time.
_ROWS = 50_000

# Codes into distinct words, as pyarrow keeps them.
Dictionary = Any


class _Codes(dict[object, int]):
    """The code of each value of a column met so far; values that read alike share one."""

    def __init__(self) -> None:
        super().__init__()
        self.words: dict[str, int] = {}

    def __missing__(self, cell: object) -> int:
        word = " ".join(_text(cell).split())
        code = self[cell] = self.words.setdefault(word, len(self.words))
        return code


def columns_of(content: bytes) -> list[Dictionary]:
    """The first visible sheet that holds anything: text columns of one length, trimmed.

    Blank rows and columns before its first cell are among them, so that places are those of the
    sheet. Raises ValueError where the workbook is damaged.
    """
    return next((columns for _, columns in sheets_of(content)), [])


def sheets_of(content: bytes) -> Iterator[tuple[str, list[Dictionary]]]:
    """The name and the columns of each visible sheet that holds anything, one after the other."""
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        for about in book.sheets_metadata:
            visible = about.visible == SheetVisibleEnum.Visible
            if visible and about.typ == SheetTypeEnum.WorkSheet:
                # Parsing lets other threads work; so several workbooks are read side by side.
                sheet = book.get_sheet_by_name(about.name)
                columns = _encoded(sheet.iter_rows())
                if any(any(column.dictionary.to_pylist()) for column in columns):
                    before = sheet.start[1] if sheet.start else 0
                    blank = pa.array([""] * len(columns[0])).dictionary_encode()
                    yield about.name, [*[blank] * before, *columns]
    except CalamineError as fault:
        raise ValueError(f"the workbook is damaged: {fault}") from fault


def rows_of(columns: Sequence[Dictionary], limit: int | None = None) -> list[list[str]]:
    """The cells of some columns row by row, the first ``limit`` rows or all."""
    return [list(row) for row in zip(*(one[:limit].to_pylist() for one in columns), strict=True)]


def _encoded(rows: Iterator[Sequence[object]]) -> list[Dictionary]:
    words: list[_Codes] = []
    pieces: list[list[Any]] = []
    while some := list(islice(rows, _ROWS)):
        if not words:
            words = [_Codes() for _ in some[0]]
        pieces.append(
            [
                _codes(cells, known)
                for cells, known in zip(zip(*some, strict=True), words, strict=True)
            ]
        )
    return [
        pa.DictionaryArray.from_arrays(
            np.concatenate([piece[place] for piece in pieces]), pa.array(list(known.words))
        )
        for place, known in enumerate(words)
    ]


def _codes(cells: Sequence[object], known: _Codes) -> Any:
    # As a key, True is 1.
    if bool in set(map(type, cells)):
        cells = [str(cell) if isinstance(cell, bool) else cell for cell in cells]
    return np.fromiter(map(known.__getitem__, cells), dtype=np.int32, count=len(cells))


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    if hasattr(cell, "isoformat"):
        return str(cell.isoformat())[:10]
    return "" if cell is None else str(cell)
