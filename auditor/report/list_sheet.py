"""A worksheet that takes whole columns of plain cells and writes them a row at a time.

XlsxWriter keeps and writes each cell by itself, which is most of the time that a long worklist
takes. This sheet overrides the one method that writes the rows (``_write_rows`` of the version that
the lock pins) and leaves all else to it: formats, tables, conditions, validation, links. Cells that
are written singly, such as links, take the place of the column's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet


@dataclass(frozen=True)
class _Column:
    """Rendered values of one column below the header, None where the cell is blank."""

    place: int
    style: Format
    kind: str
    values: Sequence[str | None]


class _NeverOverlapping(dict[tuple[int, int], str]):
    """Stands in for the record of table cells: a sheet here has one table."""

    def __setitem__(self, key: tuple[int, int], value: str) -> None:
        pass


class ListSheet(Worksheet):  # type: ignore[misc]  # untyped base
    """A worksheet with columns of plain cells from its second row on."""

    def __init__(self) -> None:
        super().__init__()
        self._filled: list[_Column] = []
        self.table_cells = _NeverOverlapping()

    def fill_texts(self, place: int, cells: Sequence[str | None], style: Format) -> None:
        """Puts text cells below the header; None is blank. A text is never anything but text."""
        shared = self.str_table
        number: dict[str | None, str | None] = {
            text: str(shared._get_shared_string_index(text))
            for text in dict.fromkeys(cells)
            if text is not None
        }
        number[None] = None
        # The table counts each use; the distinct ones are counted by now.
        shared.count += len(cells) - cells.count(None) - (len(number) - 1)
        self._fill(place, style, "s", [number[text] for text in cells])

    def fill_numbers(self, place: int, cells: Sequence[float | None], style: Format) -> None:
        """Puts numbers below the header; None is blank."""
        written = [None if value is None else f"{value:.16G}" for value in cells]
        self._fill(place, style, "n", written)

    def _fill(self, place: int, style: Format, kind: str, values: list[str | None]) -> None:
        if values:
            self._check_dimensions(1, place)
            self._check_dimensions(len(values), place)
            self._filled.append(_Column(place, style, kind, values))

    def _write_rows(self) -> None:
        if not self._filled:
            super()._write_rows()
            return
        columns = [self._rendering(column) for column in sorted(self._filled, key=_by_place)]
        rows = max(len(column.values) for column in self._filled)
        own = {row for row, cells in self.table.items() if cells}
        for row in range(self.dim_rowmin, self.dim_rowmax + 1):
            if not 1 <= row <= rows or row in own:
                self._write_mixed_row(row, columns, rows)
                continue
            self._write_row(row, None, self.row_info.get(row))
            number, at = row + 1, row - 1
            cells = [
                f"{head}{number}{middle}{values[at]}</v></c>"
                for _, head, middle, values in columns
                if values[at] is not None
            ]
            self.fh.write("".join(cells) + "</row>")

    def _rendering(self, column: _Column) -> tuple[int, str, str, Sequence[str | None]]:
        kind = ' t="s"' if column.kind == "s" else ""
        head = f'<c r="{xl_col_to_name(column.place)}'
        return column.place, head, f'" s="{column.style._get_xf_index()}"{kind}><v>', column.values

    def _write_mixed_row(
        self, row: int, columns: Sequence[tuple[int, str, str, Sequence[str | None]]], rows: int
    ) -> None:
        """A row in which single cells stand beside or in place of those of the columns."""
        single: dict[int, Any] = dict(self.table[row]) if row in self.table else {}
        below = {}
        if 1 <= row <= rows:
            below = {
                place: f"{head}{row + 1}{middle}{values[row - 1]}</v></c>"
                for place, head, middle, values in columns
                if values[row - 1] is not None
            }
        if not single and not below:
            if row in self.row_info:
                self._write_empty_row(row, None, self.row_info[row])
            return
        self._write_row(row, None, self.row_info.get(row))
        for place in sorted({*single, *below}):
            if place in single:
                self._write_cell(row, place, single[place])
            else:
                self.fh.write(below[place])
        self._xml_end_tag("row")


def _by_place(column: _Column) -> int:
    return column.place
