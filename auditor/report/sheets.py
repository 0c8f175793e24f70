"""Sheets of an Excel workbook: text stays text, long tables are split, every page prints."""

from __future__ import annotations

import gc
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from auditor.report.list_sheet import ListSheet
from auditor.report.words import SEVERITY_LABELS
from auditor.report.workbook_pieces import ErasedPieces

Kind = Literal["code", "text", "long", "severity", "count", "number", "money", "date", "fill_in"]
Cell: TypeAlias = str | int | float | None

# A sheet holds 1,048,576 rows; filters and sorting stay quick up to about a quarter of that.
ROWS_PER_SHEET = 250_000
LONGEST_TEXT = 32_767
LONGEST_FOOTER = 80
LINE_POINTS, HIGHEST_ROW = 12.75, 409
# A column's width counts digits; running text is a little narrower.
LETTERS_PER_WIDTH = 1.12

FONT = "Arial"
INK, FADED, RULE_LINE, HEAD = "#1F2933", "#5B6770", "#C9D1D9", "#1F3A5F"
AT_RISK_COLOUR, MISSED_COLOUR = "#B03A2E", "#2E6F95"
AT_RISK_BAR, MISSED_BAR, COUNT_BAR = "#EDBBB6", "#B3D4E8", "#D5DBE1"

# A number that is wider than its column is shown smaller, never as ###; a code, never cut.
RIGHT = {"align": "right", "indent": 1, "valign": "top", "shrink": True}
LINED = {"border": 1, "border_color": RULE_LINE}
UNDERLINED = {"bottom": 4, "bottom_color": RULE_LINE, "valign": "vcenter"}
LINK = {"font_color": "#0B5394", "underline": 1}
HEADER = {"bold": True, "font_color": "#FFFFFF", "bg_color": HEAD, "text_wrap": True}
HEADER |= {"border": 1, "border_color": RULE_LINE, "valign": "vcenter"}
DOLLARS_OR_DASH = "$#,##0;-$#,##0;–"
FIGURE = {"num_format": "$#,##0", "bold": True, "font_size": 22, "align": "left", "shrink": True}

# quote_prefix keeps a value text after somebody edits its cell, too.
PROPERTIES: dict[str, dict[str, Any]] = {
    "code": {"num_format": "@", "quote_prefix": True, "valign": "top", "shrink": True},
    "text": {"quote_prefix": True, "valign": "top"},
    "long": {"quote_prefix": True, "valign": "top", "text_wrap": True},
    "severity": {"quote_prefix": True, "valign": "top", "indent": 1},
    "count": {"num_format": "#,##0"} | RIGHT,
    "number": {"num_format": "General"} | RIGHT,
    "money": {"num_format": "#,##0.00"} | RIGHT,
    "date": {"num_format": "yyyy-mm-dd", "valign": "top", "align": "left"},
    # Text, so that Excel makes no date, rounded number or formula of what is typed.
    "fill_in": {"num_format": "@", "quote_prefix": True, "valign": "top", "text_wrap": True},
    "header": HEADER,
    "header_right": HEADER | {"align": "right", "indent": 1},
    "count_to_first": {"num_format": "#,##0"} | LINK | RIGHT,
    "on_Denial": {"bg_color": "#F9D5D3", "font_color": "#8C1D18", "bold": True} | LINED,
    "on_Review": {"bg_color": "#FCE9C4", "font_color": "#6B4500", "bold": True} | LINED,
    "on_Note": {"bg_color": "#DCE8F5", "font_color": "#1F4E79", "bold": True} | LINED,
    "on_fill_in": {"bg_color": "#FFF9DB"} | LINED,
    "on_row": LINED,
    "title": {"bold": True, "font_size": 18, "font_color": HEAD, "valign": "vcenter"},
    "headline": {"bold": True, "font_size": 14, "font_color": INK, "valign": "vcenter"},
    "section": {"bold": True, "font_color": HEAD, "bottom": 2, "bottom_color": HEAD},
    "section_right": {"bold": True, "font_color": HEAD, "bottom": 2, "bottom_color": HEAD}
    | {"align": "right"},
    "unwrapped": {"font_size": 11, "font_color": INK},
    "plain": {"quote_prefix": True, "valign": "top", "text_wrap": True, "font_color": INK},
    "caption_line": {"quote_prefix": True, "font_color": FADED},
    "caption": {"quote_prefix": True, "font_color": FADED, "text_wrap": True, "valign": "top"},
    "link": LINK | {"valign": "top"},
    "label": {"quote_prefix": True, "text_wrap": True} | UNDERLINED,
    "row_count": {"num_format": "#,##0"} | UNDERLINED,
    "run_count": {"num_format": "#,##0"} | RIGHT | UNDERLINED,
    "run_number": {"num_format": "0.00"} | RIGHT | UNDERLINED,
    "run_date": {"num_format": "yyyy-mm-dd", "align": "left"} | UNDERLINED,
    "row_dollars": {"num_format": "$#,##0;-$#,##0;–", "align": "right", "shrink": True}
    | UNDERLINED,
    "row_name": {"quote_prefix": True, "shrink": True} | UNDERLINED,
    "row_link": {"shrink": True} | LINK | UNDERLINED,
    "count_link": {"num_format": "#,##0"} | LINK | UNDERLINED,
    "at_risk": FIGURE | {"font_color": AT_RISK_COLOUR},
    "missed": FIGURE | {"font_color": MISSED_COLOUR},
    "judged": FIGURE | {"font_color": INK},
    "body": {"font_color": INK},
    "denial": {"bold": True, "font_color": "#8C1D18"},
    "review": {"bold": True, "font_color": "#6B4500"},
    "note": {"bold": True, "font_color": "#1F4E79"},
}
NUMBERS = frozenset({"count", "number", "money", "date"})
NO_GREEN_CORNER = "number_stored_as_text"

# XML can't carry these, a lone surrogate can't be encoded, and marks of writing direction would
# show a value as another one; tab and line feed may stay.
UNPRINTABLE = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


@dataclass(frozen=True)
class Field:
    """One column of a table: its header, its width in characters and what its cells hold.

    A ``fill_in`` column is the reader's to fill in; ``choices`` are what it offers, and all that it
    takes unless it is ``free``.
    """

    header: str
    width: float
    kind: Kind
    choices: tuple[str, ...] = ()
    free: bool = False


@dataclass(frozen=True)
class Table:
    """A table of a sheet: ``columns[i]`` holds the cells of ``fields[i]``, all equally long.

    Text cells are text or None, dates are Excel's day numbers, money is dollars. The first
    ``frozen`` columns stay in sight; the first ``printed`` ones print. ``nothing`` is the
    sentence of an empty table.
    """

    name: str
    fields: tuple[Field, ...]
    columns: Sequence[Sequence[Cell]]
    frozen: int
    printed: int
    nothing: str
    patients: bool = False

    @property
    def rows(self) -> int:
        """Number of rows below the header."""
        return len(self.columns[0])


@contextmanager
def collection_paused() -> Iterator[None]:
    """Millions of cells are made and none is garbage: looking for some costs a tenth."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def plain(value: str) -> str:
    """``value`` as a cell can hold it: nothing unprintable, cut with a mark if too long."""
    text = UNPRINTABLE.sub("\ufffd", value.replace("\r\n", "\n").replace("\r", "\n"))
    if text.startswith("<r>"):
        # XlsxWriter takes <r>...</r> for finished markup of its own.
        text = f" {text}"
    if len(text) * 2 <= LONGEST_TEXT:
        return text
    # Excel counts UTF-16 units.
    units = text.encode("utf-16-le")
    if len(units) // 2 <= LONGEST_TEXT:
        return text
    mark = f" … [cut: {len(text):,} characters]"
    kept = units[: 2 * (LONGEST_TEXT - len(mark))].decode("utf-16-le", errors="ignore")
    return kept + mark


def texts(
    values: pd.Series[Any] | Iterable[object], labels: Mapping[Any, str] | None = None
) -> list[str | None]:
    """Values, or their ``labels``, as text cells; each distinct one is cleaned once.

    Blank and missing ones are None.
    """
    column = values if isinstance(values, pd.Series) else pd.Series(list(values), dtype=object)
    places, distinct = pd.factorize(column)
    words = [value if labels is None else labels.get(value, value) for value in distinct]
    # The place of a missing value is -1: the last.
    cleaned = np.array([*(plain(str(word)) or None for word in words), None], dtype=object)
    cells: list[str | None] = cleaned[places].tolist()
    return cells


def open_workbook(path: str, folder: str, identity: dict[str, Any]) -> xlsxwriter.Workbook:
    """A new workbook whose cells are what is written, with ``identity`` as its properties.

    Pieces are written to ``folder`` while it grows, so that no patient's data pass elsewhere.
    """
    book = ErasedPieces(
        path,
        {
            "strings_to_formulas": False,
            "strings_to_urls": False,
            "strings_to_numbers": False,
            "use_zip64": True,
            "tmpdir": folder,
            "default_format_properties": {
                "font_name": FONT,
                "font_size": 10,
                "font_scheme": "none",
            },
        },
    )
    book.set_properties(identity)
    return book


def make_formats(book: xlsxwriter.Workbook) -> dict[str, Format]:
    """The formats of all sheets by name."""
    return {name: book.add_format(properties) for name, properties in PROPERTIES.items()}


def sheet_names(name: str, rows: int, rows_per_sheet: int) -> list[str]:
    """Sheets that ``rows`` need: "Worklist", "Worklist 2", ..."""
    count = max(1, -(-rows // rows_per_sheet))
    return [name, *(f"{name} {number}" for number in range(2, count + 1))]


def block_of(names: Sequence[str], start: int, end: int, rows_per_sheet: int, last: int) -> str:
    """Link target of data rows ``start`` to ``end`` (excluded) of a table split over ``names``.

    A block that goes on over further sheets is shown to the end of its first.
    """
    part, row = divmod(start, rows_per_sheet)
    bottom = min(end, (part + 1) * rows_per_sheet) - part * rows_per_sheet
    return f"internal:'{names[part]}'!A{row + 2}:{xl_col_to_name(last)}{bottom + 1}"


def write_tables(
    book: xlsxwriter.Workbook,
    formats: dict[str, Format],
    table: Table,
    footer: str,
    rows_per_sheet: int = ROWS_PER_SHEET,
) -> list[Worksheet]:
    """Write ``table``, on further sheets where it has more than ``rows_per_sheet`` rows."""
    sheets = []
    for part, name in enumerate(sheet_names(table.name, table.rows, rows_per_sheet)):
        start = part * rows_per_sheet
        columns = [cells[start : start + rows_per_sheet] for cells in table.columns]
        sheet = book.add_worksheet(name, worksheet_class=ListSheet)
        _write_part(sheet, formats, table, columns)
        print_setup(sheet, footer, patients=table.patients)
        sheet.repeat_rows(0)
        sheet.print_area(0, 0, max(1, len(columns[0])), table.printed - 1)
        sheets.append(sheet)
    return sheets


def _write_part(
    sheet: ListSheet,
    formats: dict[str, Format],
    table: Table,
    columns: Sequence[Sequence[Cell]],
) -> None:
    last_row, last_column = len(columns[0]), len(table.fields) - 1
    for place, field in enumerate(table.fields):
        sheet.set_column(place, place, field.width, formats[field.kind])
    sheet.set_row(0, 34)
    sheet.freeze_panes(1, table.frozen)
    if not last_row:
        for place, field in enumerate(table.fields):
            sheet.write_string(0, place, field.header, _header(field, formats))
        sheet.write_string(1, 0, table.nothing)
        return
    for place, (field, cells) in enumerate(zip(table.fields, columns, strict=True)):
        _write_column(sheet, place, field, cells, formats)
    sheet.add_table(
        0,
        0,
        last_row,
        last_column,
        {
            "name": sheet.get_name().replace(" ", "_"),
            "title": sheet.get_name(),
            "style": "Table Style Light 1",
            "columns": [
                {"header": field.header, "header_format": _header(field, formats)}
                for field in table.fields
            ],
        },
    )
    # A line under each row, blank cells too: not every program shows a table's banding. It comes
    # last, as some programs apply the first condition only.
    line = {"type": "formula", "criteria": "=TRUE", "format": formats["on_row"]}
    sheet.conditional_format(1, 0, last_row, last_column, line)
    _set_heights(sheet, table.fields, columns)
    sheet.ignore_errors({NO_GREEN_CORNER: f"A2:XFD{last_row + 1}"})


def _header(field: Field, formats: dict[str, Format]) -> Format:
    right = field.kind in NUMBERS and field.kind != "date"
    return formats["header_right" if right else "header"]


def _write_column(
    sheet: ListSheet, place: int, field: Field, cells: Sequence[Cell], formats: dict[str, Format]
) -> None:
    """Blank cells are not written: the format of the column dresses them."""
    style = formats[field.kind]
    if field.kind == "severity":
        colour_severities(sheet, formats, (1, place, len(cells), place))
    if field.kind == "fill_in":
        _prepare_to_fill_in(sheet, place, field, len(cells), formats)
    sheet.fill_numbers(place, [None if isinstance(c, str) else c for c in cells], style)
    sheet.fill_texts(place, [c if isinstance(c, str) else None for c in cells], style)


def _prepare_to_fill_in(
    sheet: Worksheet, place: int, field: Field, rows: int, formats: dict[str, Format]
) -> None:
    area = (1, place, rows, place)
    sheet.conditional_format(
        *area, {"type": "formula", "criteria": "=TRUE", "format": formats["on_fill_in"]}
    )
    if field.choices:
        sheet.data_validation(
            *area,
            {
                "validate": "list",
                "source": list(field.choices),
                "show_error": not field.free,
                "error_title": field.header,
                "error_message": f"Choose one of: {', '.join(field.choices)}.",
            },
        )


def _set_heights(
    sheet: Worksheet, fields: Sequence[Field], columns: Sequence[Sequence[Cell]]
) -> None:
    """Rows as high as their longest text: not every program fits them when it opens the file."""
    lines = [1] * len(columns[0])
    for field, cells in zip(fields, columns, strict=True):
        if field.kind == "long":
            known: dict[Cell, int]
            known = {text: line_count(str(text), field.width) for text in set(cells) if text}
            lines = [max(n, known.get(text, 1)) for n, text in zip(lines, cells, strict=True)]
    for row, count in enumerate(lines, 1):
        if count > 1:
            set_height(sheet, row, count)


def set_height(sheet: Worksheet, row: int, lines: int) -> None:
    """Make ``row`` as high as ``lines`` lines of text."""
    sheet.set_row(row, min(HIGHEST_ROW, lines * LINE_POINTS + 2))


def line_count(text: str, width: float) -> int:
    """Lines that ``text`` takes in a column of ``width`` characters, words kept whole."""
    fit = width * LETTERS_PER_WIDTH
    lines = 0
    for part in text.split("\n"):
        used = 0.0
        for word in part.split(" "):
            if used and used + len(word) > fit:
                lines, used = lines + 1, 0.0
            used += len(word) + 1
        lines += max(1, math.ceil((used - 1) / fit))
    return lines


def colour_severities(
    sheet: Worksheet, formats: dict[str, Format], area: tuple[int, int, int, int]
) -> None:
    """Severity words in their colours: ``area`` is first row, first column, last row, last."""
    for label in SEVERITY_LABELS.values():
        style = formats[f"on_{label}"]
        rule = {"type": "cell", "criteria": "==", "value": f'"{label}"', "format": style}
        sheet.conditional_format(*area, rule)


def add_bars(sheet: Worksheet, area: tuple[int, ...], colour: str) -> None:
    """Bars behind the numbers of ``area``, from zero."""
    bars = {"type": "data_bar", "bar_color": colour, "bar_solid": True, "data_bar_2010": True}
    sheet.conditional_format(
        *area, bars | {"min_type": "num", "min_value": 0, "bar_border_color": colour}
    )


def print_setup(sheet: Worksheet, footer: str, *, patients: bool, pages_high: int = 0) -> None:
    """Letter landscape, as wide as the page; ``pages_high`` 0 means as many as it takes."""
    sheet.set_landscape()
    sheet.set_paper(1)
    sheet.fit_to_pages(1, pages_high)
    sheet.set_margins(left=0.4, right=0.4, top=0.45, bottom=0.6)
    words = plain(footer)[:LONGEST_FOOTER].replace("&", "&&")
    care = "Holds patients' data: keep it confidential" if patients else ""
    sheet.set_footer(f"&L&8 {words}&C&8 {care}&R&8 &A, page &P of &N")
