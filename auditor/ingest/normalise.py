"""Table of an export to claim lines: every cell cleaned, what won't fit is a rejected line.

Lines with a required cell that is blank or unreadable are rejected; nothing else rejects a line.
Columns are named and typed by ``schema``; text is categorical with ``""`` for blank (category 0),
and ``bill_type`` has its frequency only where it has four characters (see ``codes.bill_type``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.ingest import codes
from auditor.ingest.cells import Cells, encode, runs_of, same, string_array, together
from auditor.ingest.cleaning import (
    Cleaned,
    Repair,
    clean_dates,
    clean_numbers,
    clean_procedures,
    clean_text,
    days_of,
    repair_of_lines,
    repairs_of,
    said,
)
from auditor.ingest.frame import (
    as_column,
    blank_column,
    categorical,
    join,
    side_by_side,
    whole_numbers,
)
from auditor.ingest.habits import Habits, habits_of
from auditor.ingest.mapping import Mapping
from auditor.ingest.outcasts import rejected_frame, sort_out
from auditor.ingest.raw import RawLines, RawTable
from auditor.ingest.restored import Restored, restored_cells
from auditor.ingest.values import Read
from auditor.ingest.words import (
    Words,
    closed_up,
    first_words,
    joined,
    pointed,
    without_repeats,
    words_of,
)
from auditor.schema import CLAIM_LINES, COLUMNS, REQUIRED, Column

__all__ = ["Intake", "claim_lines", "join"]

MOST_MODIFIERS = 5
TOO_MANY_MODIFIERS = f"more than {MOST_MODIFIERS} modifiers, the rest left out"
POINTER_TO_NOTHING = "points to no diagnosis of the export, all of them kept"

_WORD_READERS: dict[str, Read] = {
    "modifiers": codes.modifiers,
    "diagnosis_codes": codes.diagnoses,
    "diagnosis_pointers": codes.pointers,
    "adjustment_codes": codes.adjustments,
    "remark_codes": codes.remarks,
}
_REPAIRS = {"column": "str", "repair": "str", "cells": "int64", "example_shape": "str"}
_LAST_OF_SPAN = frozenset({"service_date_to", "statement_through"})

# The cells of each schema column that the export has: of some several, side by side.
Found = dict[str, list[Cells]]


@dataclass(frozen=True)
class Intake:
    """What became of one table of an export.

    ``lines_read`` counts kept and rejected lines; blank rows and the ``totals_rows``, repeated
    headers among them, are no lines.
    ``repairs`` has a row a column and kind of repair (column, repair, cells, example_shape), for
    the kept lines; ``rejected`` a row a rejected line (columns ``schema.REJECTED``). ``restored``
    holds the cells whose lost zero was restored; ``unread`` names sheets that look like claim
    lines, too.
    """

    file: str
    sheet: str | None
    sha256: str
    notes: tuple[str, ...]
    mapping: Mapping
    lines_read: int
    totals_rows: int
    repairs: pd.DataFrame
    rejected: pd.DataFrame
    restored: tuple[Restored, ...] = ()
    unread: tuple[str, ...] = ()


def claim_lines(table: RawTable, mapping: Mapping) -> tuple[pd.DataFrame, Intake]:
    """Claim lines of a table, one row a line, and what became of the rest.

    The frame has every column of ``schema``, blank where the export has none: text categorical,
    dates datetime64[s], cents and integers Int64, numbers float64, a RangeIndex. Raises AuditError
    if the table can't be read.
    """
    frame, intake, _ = lines_of(table, mapping, table.read(positions_of(mapping)))
    return frame, intake


def positions_of(mapping: Mapping) -> list[int]:
    """The header positions that are read, in their order."""
    return sorted({place for match in mapping.matches for place in match.positions})


def lines_of(
    table: RawTable, mapping: Mapping, raw: RawLines, assumed: Habits | None = None
) -> tuple[pd.DataFrame, Intake, Habits]:
    """Claim lines of some rows of a table as ``claim_lines`` gives them, and what they show.

    ``assumed`` is how the table writes, where more of it is known than these rows.
    """
    positions = positions_of(mapping)
    # Arrow unites the dictionaries without Python's lock. A column as it was split goes at once, so
    # that the next one finds its memory.
    cells = {place: raw.cells.column(str(place)) for place in positions}
    raw = replace(raw, cells=raw.cells.select([]))
    encoded = side_by_side(lambda place: encode(cells.pop(place)), positions)
    by_position = dict(zip(positions, encoded, strict=True))
    found = _found(mapping, by_position, len(raw.rows))
    shown = habits_of(found, whole=assumed is None and raw.begins and raw.ends)
    habits = assumed or shown
    required, modifiers = _required(found, habits, len(raw.rows))
    revenue = found.get("revenue_code")
    outcasts = sort_out(
        required,
        clean_text("revenue_code", revenue[0]) if revenue else None,
        list(by_position.values()),
        ends=raw.ends,
    )
    source_rows = raw.rows.to_numpy()
    if outcasts.kept is not None:
        kept = runs_of(outcasts.kept)
        source_rows = kept.of(source_rows)
        found = {name: [cells.of(kept) for cells in columns] for name, columns in found.items()}
        required = {name: cleaned.of(kept) for name, cleaned in required.items()}
    columns, repairs, restored, lists = _columns(found, habits, required, source_rows)
    columns |= _source(table, found, source_rows)
    frame = pd.DataFrame({name: columns[name] for name in COLUMNS}, copy=False)
    rejected = rejected_frame(table, raw, outcasts)
    intake = Intake(
        file=table.file,
        sheet=table.sheet,
        sha256=table.sha256,
        notes=table.notes,
        mapping=mapping,
        lines_read=len(frame) + len(rejected),
        totals_rows=outcasts.totals_rows,
        repairs=_repairs_frame(repairs),
        rejected=rejected,
        restored=tuple(restored),
        unread=table.unread,
    )
    return frame, intake, replace(shown, modifiers_in_procedures=modifiers, lists=lists)


def _found(mapping: Mapping, by_position: dict[int, Cells], lines: int) -> Found:
    found: Found = {}
    for match in mapping.matches:
        if match.constant is not None:
            found[match.column] = [same(match.constant, lines)]
        elif match.positions:
            found[match.column] = [by_position[place] for place in match.positions]
    for name, columns in found.items():
        if COLUMNS[name].kind == "date":
            found[name] = [days_of(columns[0])]
    return found


def _required(found: Found, habits: Habits, lines: int) -> tuple[dict[str, Cleaned], bool]:
    """Required columns, cleaned; modifiers in procedure cells become a first modifier column.

    Says, too, whether there are such modifiers.
    """
    required: dict[str, Cleaned] = {}
    some_modifiers = False
    for name in REQUIRED:
        cells = found.get(name, [same("", lines)])[0]
        if name == "procedure_code":
            required[name], modifiers = clean_procedures(cells)
            some_modifiers = modifiers is not None
            if modifiers is None and habits.modifiers_in_procedures:
                modifiers = same("", lines)
            if modifiers is not None:
                found["modifiers"] = [modifiers, *found.get("modifiers", [])]
        elif COLUMNS[name].kind == "date":
            day_first = habits.day_first.get(name, False)
            required[name] = clean_dates(cells, day_first=day_first, required=True)
        else:
            required[name] = clean_text(name, cells)
    return required, some_modifiers


def _columns(
    found: Found,
    habits: Habits,
    required: dict[str, Cleaned],
    source_rows: npt.NDArray[np.int64],
) -> tuple[dict[str, Any], list[Repair], list[Restored], frozenset[str]]:
    """Every claim-line column of the frame, the repairs it took, the zeros restored, the lists."""
    columns, repairs, lists = _word_columns(found, habits)
    restored: list[Restored] = []
    plain = [column for column in CLAIM_LINES if column.name not in columns]
    given = [column for column in plain if column.name in required or column.name in found]

    def made(column: Column) -> tuple[Cleaned, Any]:
        cleaned = required.get(column.name) or _cleaned(column, found[column.name], habits)
        return cleaned, as_column(cleaned, column.kind)

    for column, (cleaned, values) in zip(given, side_by_side(made, given), strict=True):
        columns[column.name] = values
        repairs += repairs_of(column.name, cleaned.cells, cleaned.repairs)
        restored += restored_cells(column.name, cleaned, source_rows)
    for column in plain:
        if column.name not in columns:
            columns[column.name] = blank_column(column.kind, len(source_rows))
    return columns, repairs, restored, lists


def _cleaned(column: Column, cells: Sequence[Cells], habits: Habits) -> Cleaned:
    """The cells of a column of one thing a cell, cleaned."""
    name = column.name
    if column.kind == "date":
        return clean_dates(
            cells[0], day_first=habits.day_first[name], last_of_span=name in _LAST_OF_SPAN
        )
    if column.kind == "text":
        return clean_text(name, together(cells, codes.bill_type_piece, ""))
    comma = habits.decimal_comma.get(name, False)
    return clean_numbers(column.kind, cells[0], decimal_comma=comma)


def _word_columns(
    found: Found, habits: Habits
) -> tuple[dict[str, Any], list[Repair], frozenset[str]]:
    """The columns of which a line may have several words, joined with blanks.

    Says, too, of which of several columns side by side some cell has several words.
    """
    repairs: list[Repair] = []
    words = {name: _words(name, found[name], repairs) for name in _WORD_READERS if name in found}
    lists = frozenset(
        name for name in words if words[name].ids.shape[1] > len(found[name]) and found[name][1:]
    )
    for name in lists | (habits.lists & words.keys()):
        # Cells with several diagnoses beside others: places count the diagnoses, not the cells.
        words[name] = closed_up(words[name])
    if "diagnosis_codes" in words and "diagnosis_pointers" in words:
        pointers = without_repeats(words["diagnosis_pointers"])
        cells = Cells(pointers.codes, joined(pointers))
        choices = [codes.pointers(text) for text in cells.texts.to_pylist()]
        diagnoses, lines = pointed(words["diagnosis_codes"], cells, choices)
        words["diagnosis_codes"] = diagnoses
        repairs += repair_of_lines("diagnosis_pointers", POINTER_TO_NOTHING, cells, lines)
    columns = {}
    for name, line_words in words.items():
        line_words = without_repeats(line_words)
        if name == "modifiers":
            cells = Cells(line_words.codes, joined(line_words))
            line_words, lines = first_words(line_words, MOST_MODIFIERS)
            repairs += repair_of_lines(name, TOO_MANY_MODIFIERS, cells, lines)
        columns[name] = categorical(line_words.codes, joined(line_words))
    return columns, repairs, lists


def _words(name: str, columns: Sequence[Cells], repairs: list[Repair]) -> Words:
    """Words of one schema column; what was repaired is added to the repairs."""
    read = _WORD_READERS[name]
    values = [[read(text) for text in cells.texts.to_pylist()] for cells in columns]
    for cells, column_values in zip(columns, values, strict=True):
        repaired = said(range(len(column_values)), (value.repair for value in column_values))
        repairs += repairs_of(name, cells, repaired)
    return words_of(columns, values)


def _source(table: RawTable, found: Found, rows: npt.NDArray[np.int64]) -> dict[str, Any]:
    """Where each line came from: file, sheet, row; and which columns its export had."""
    nowhere = np.zeros(len(rows), dtype=np.int32)
    given = " ".join(sorted(found))
    return {
        "source_file": categorical(nowhere, string_array([table.file])),
        "source_sheet": categorical(nowhere, string_array([table.sheet or ""])),
        "columns_given": categorical(nowhere, string_array([given])),
        "source_row": whole_numbers(rows, np.zeros(len(rows), dtype=np.bool_)),
    }


def _repairs_frame(repairs: Iterable[Repair]) -> pd.DataFrame:
    """One row a column and kind of repair, in schema order."""
    counted: dict[tuple[str, str], Repair] = {}
    for repair in repairs:
        key = (repair.column, repair.repair)
        before = counted.get(key)
        cells = repair.cells + (before.cells if before else 0)
        counted[key] = replace(before or repair, cells=cells)
    order = list(COLUMNS)
    rows = sorted(counted.values(), key=lambda row: (order.index(row.column), row.repair))
    typed = {
        name: pd.Series([getattr(row, name) for row in rows], dtype=kind)
        for name, kind in _REPAIRS.items()
    }
    return pd.DataFrame(typed)
