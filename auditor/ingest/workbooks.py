"""Reads Excel and OpenDocument workbooks by calamine, cells as the text a person would type."""

import datetime
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import numpy as np
import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from auditor.errors import AuditError
from auditor.ingest.archives import refuse_workbook_bomb
from auditor.ingest.contents import OLE
from auditor.ingest.header import (
    HEADER_WITHIN,
    find_header,
    fitted,
    header_cells,
    header_only,
    is_blank,
    spread_out,
    title_note,
)
from auditor.ingest.raw import SAMPLE_ROWS, KnownColumns, RawLines, RawTable
from auditor.ingest.workbook_limits import refuse_workbook_too_large

_ROWS_AT_ONCE = 8192
_HEAD_ROWS = HEADER_WITHIN + SAMPLE_ROWS + 60
# Excel keeps 15 digits; whole numbers are exact in a cell up to 2**53.
_EXACT = 2**53
# Claim, patient, date and code: a sheet that names fewer columns holds no claim lines.
_FEWEST_ALIKE = 4
_ZIP_DAMAGE = (zipfile.BadZipFile, zlib.error, NotImplementedError)
_FIRST_BYTES = 1 << 20
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
# A formula that gives a text, even an empty one, is marked as such once it was calculated.
_NEVER_CALCULATED = re.compile(
    rb'<c(?![^<>]*\bt="str")[^<>]*>\s*<f(?:\s[^<>]*)?>[^<]*</f>\s*(?:<v\s*/>|<v></v>|</c>)'
)
_LONGEST_EXCEL_KEEPS = 10**15

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class _Sheet:
    """A sheet's first rows; ``header`` is None where they are all blank."""

    name: str
    hidden: bool
    cells: CalamineSheet
    head: list[list[Any]]
    header: int | None
    known: int


def open_workbook(
    file: BinaryIO, name: str, path: Path, known_columns: KnownColumns, sheet: str | None
) -> RawTable:
    """The table in the workbook's sheet of that name, else in the likeliest sheet.

    Likeliest is the one whose header names most claim-line columns, then one that is not hidden,
    then the one with most rows.
    Raises AuditError for passwords, damage, a sheet that isn't there and a sheet without lines.
    """
    _refuse_damage(file, name)
    refuse_workbook_too_large(file, name)
    formulas = _calamine(name, partial(_formulas_note, file))
    file.seek(0)
    workbook = _calamine(name, lambda: CalamineWorkbook.from_filelike(file))
    sheets = _sheets(workbook, name, known_columns)
    chosen = _choose(sheets, name, sheet)
    shown = f"{name} sheet '{chosen.name}'"
    if chosen.header is None:
        raise AuditError(f"{shown} shows nothing in its first {HEADER_WITHIN} rows")
    texts = [[cell_text(cell) for cell in row] for row in chosen.head]
    below = texts[chosen.header + 1 :]
    texts[chosen.header] = spread_out(texts[chosen.header], _merged_beside(chosen), below)
    rows = [cells for cells in below if not is_blank(cells)]
    if not rows and len(texts) < _HEAD_ROWS:
        alone = all(other.header is None for other in sheets if other is not chosen)
        raise header_only(shown, texts[chosen.header] if alone else ())
    width = max((_filled(cells) for cells in [texts[chosen.header], *rows]), default=0)

    def read(positions: Sequence[int]) -> RawLines:
        lines = _read_rows(chosen, positions)
        if not len(lines.rows):
            raise header_only(shown)
        return lines

    return RawTable(
        file=name,
        path=path,
        sheet=chosen.name,
        header=fitted(header_cells(texts[chosen.header]), width),
        header_row=chosen.header + 1,
        sample=tuple(fitted(cells, width) for cells in rows[:SAMPLE_ROWS]),
        notes=(
            *_sheet_note(chosen, sheets),
            *title_note(texts, chosen.header),
            *_rounded_note(chosen, texts[chosen.header]),
            *formulas,
        ),
        _read=read,
        unread=() if sheet else _alike(chosen, sheets),
    )


def cell_text(cell: Any) -> str:
    """A cell as text: whole numbers without ".0", dates as 2025-03-10, booleans as TRUE or FALSE.

    A date and time at midnight is a date; a date stored as a bare serial number stays that number.
    """
    if isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        return _number_text(cell)
    if isinstance(cell, datetime.datetime):
        if cell.time() == datetime.time():
            return cell.date().isoformat()
        return cell.replace(microsecond=0).isoformat(sep=" ")
    if isinstance(cell, datetime.date):
        return cell.isoformat()
    return str(cell)


def _number_text(number: float) -> str:
    if number.is_integer() and abs(number) < _EXACT:
        return str(int(number))
    # 15 digits as Excel shows: 357.13, not the 357.13000000000005 of a formula's rounding.
    digits = repr(number) if number.is_integer() else f"{number:.15g}"
    return format(Decimal(digits), "f")


def _refuse_damage(file: BinaryIO, name: str) -> None:
    """Refuse what calamine could only call an unknown format, and leave the file at its start."""
    start = file.read(len(OLE))
    file.seek(0)
    if start == OLE:
        _refuse_damaged_ole(file, name)
    else:
        refuse_workbook_bomb(file, name)
        if b"encryption-data" in _manifest(file, name):
            raise _protected(name)
    file.seek(0)


def _manifest(file: BinaryIO, name: str) -> bytes:
    """What an OpenDocument says of its parts; nothing for other workbooks."""
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.read("META-INF/manifest.xml")
    except KeyError:
        return b""
    except (EOFError, RuntimeError, *_ZIP_DAMAGE):
        raise _damaged(name) from None


def _formulas_note(file: BinaryIO) -> tuple[str, ...]:
    """A note on formulas without a value, as programs write them; Excel calculates and saves it."""
    file.seek(0)
    if not zipfile.is_zipfile(file):
        return ()
    with zipfile.ZipFile(file) as archive:
        for sheet in filter(_SHEET.fullmatch, archive.namelist()):
            with archive.open(sheet) as packed:
                if _NEVER_CALCULATED.search(packed.read(_FIRST_BYTES)):
                    return (
                        "formulas that were never calculated are read as blank; open the workbook "
                        "in Excel and save it",
                    )
    return ()


def _refuse_damaged_ole(file: BinaryIO, name: str) -> None:
    # Only .xls and protected workbooks need these two, which take a while to import.
    import msoffcrypto
    import olefile  # type: ignore[import-untyped]

    # calamine panics on an .xls that is cut short, and its trace can't be kept from stderr.
    try:
        with olefile.OleFileIO(file, raise_defects=olefile.DEFECT_INCORRECT) as ole:
            streams = {entry[0].lower(): entry for entry in ole.listdir()}
            for stream in streams.keys() & {"workbook", "book"}:
                ole.openstream(streams[stream]).close()
    except (OSError, ValueError, IndexError, TypeError):
        raise _damaged(name) from None
    if "encryptedpackage" in streams:
        raise _protected(name)
    if not streams.keys() & {"workbook", "book"}:
        raise AuditError(f"{name} is an Office document without sheets; export CSV or Excel")
    file.seek(0)
    try:
        protected = msoffcrypto.OfficeFile(file).is_encrypted()
    except Exception:  # a format too old for it; calamine will tell
        return
    if protected:
        raise _protected(name)


def _protected(name: str) -> AuditError:
    return AuditError(
        f"{name} is protected with a password; open it in Excel and save it without one"
    )


def _damaged(name: str) -> AuditError:
    return AuditError(
        f"{name} is a workbook cut short or damaged; copy it again, or open it in Excel and save it"
    )


def _calamine(name: str, ask: Callable[[], Answer]) -> Answer:
    """What calamine answers; its refusals and panics become one line."""
    try:
        return ask()
    except PasswordError:
        raise _protected(name) from None
    except (CalamineError, OSError, ValueError, EOFError, RuntimeError, *_ZIP_DAMAGE):
        raise _damaged(name) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise _damaged(name) from None


def _sheets(workbook: CalamineWorkbook, name: str, known_columns: KnownColumns) -> list[_Sheet]:
    sheets = []
    for entry in workbook.sheets_metadata:
        if entry.typ != SheetTypeEnum.WorkSheet:
            continue
        cells = _calamine(name, partial(workbook.get_sheet_by_name, entry.name))
        head = list(islice(cells.iter_rows(), _HEAD_ROWS))
        texts = [[cell_text(cell) for cell in row] for row in head[:HEADER_WITHIN]]
        header = find_header(texts, known_columns)
        known = 0 if header is None else known_columns(texts[header])
        hidden = entry.visible != SheetVisibleEnum.Visible
        sheets.append(_Sheet(entry.name, hidden, cells, head, header, known))
    return sheets


def _choose(sheets: list[_Sheet], name: str, wanted: str | None) -> _Sheet:
    if not sheets:
        raise AuditError(f"{name} has no sheet with cells; export it again")
    if wanted is None:
        return max(
            sheets, key=lambda sheet: (sheet.known, not sheet.hidden, sheet.cells.total_height)
        )
    for same in (str, lambda text: text.strip().casefold()):
        for sheet in sheets:
            if same(sheet.name) == same(wanted):
                return sheet
    names = ", ".join(f"'{sheet.name}'" for sheet in sheets)
    raise AuditError(f"{name} has no sheet '{wanted}'; its sheets are {names}", exit_code=2)


def _merged_beside(sheet: _Sheet) -> list[tuple[int, int]]:
    """First and last column of the cells of the header row that are merged with others beside."""
    return [
        (first, last)
        for (top, first), (_, last) in sheet.cells.merged_cell_ranges or ()
        if top == sheet.header and last > first
    ]


def _alike(chosen: _Sheet, sheets: list[_Sheet]) -> tuple[str, ...]:
    """Sheets that look like claim lines as the chosen one does; pivots and notes don't."""
    return tuple(
        sheet.name
        for sheet in sheets
        if sheet is not chosen
        and not sheet.hidden
        and sheet.known >= max(_FEWEST_ALIKE, chosen.known / 2)
        and len(sheet.head) > (sheet.header or 0) + 1
    )


def _sheet_note(chosen: _Sheet, sheets: list[_Sheet]) -> tuple[str, ...]:
    hidden = ", which is hidden" if chosen.hidden else ""
    if len(sheets) == 1:
        return (f"sheet '{chosen.name}'{hidden}",)
    others = ", ".join(
        f"'{sheet.name}'{' (hidden)' if sheet.hidden else ''}"
        for sheet in sheets
        if sheet is not chosen
    )
    return (f"sheet '{chosen.name}'{hidden} of {len(sheets)} (also: {others})",)


def _rounded_note(chosen: _Sheet, header: Sequence[str]) -> tuple[str, ...]:
    assert chosen.header is not None
    rounded = {
        position: None
        for row in chosen.head[chosen.header + 1 :]
        for position, cell in enumerate(row)
        if isinstance(cell, float) and abs(cell) >= _LONGEST_EXCEL_KEEPS
    }
    return tuple(
        f"column '{header[position].strip()}' holds numbers of more than 15 digits, which Excel "
        "rounds; export that column as text"
        for position in sorted(rounded)
    )


def _filled(cells: Sequence[str]) -> int:
    """Cells up to the last that shows something."""
    return max(
        (position + 1 for position, cell in enumerate(cells) if not is_blank([cell])), default=0
    )


def _read_rows(sheet: _Sheet, positions: Sequence[int]) -> RawLines:
    """Rows below the header; calamine gives Python objects, so they are turned in pieces."""
    assert sheet.header is not None
    schema = pa.schema(
        [(str(position), pa.dictionary(pa.int32(), pa.string())) for position in positions]
    )
    pieces, numbers, blank_rows = [], [], 0
    rows = islice(sheet.cells.iter_rows(), sheet.header + 1, None)
    for first, batch in zip(count(sheet.header + 2, _ROWS_AT_ONCE), _batches(rows), strict=False):
        shown = [index for index, row in enumerate(batch) if not _row_is_blank(row)]
        if len(shown) < len(batch):
            blank_rows += len(batch) - len(shown)
            batch = [batch[index] for index in shown]
        numbers.append(np.array(shown, np.int64) + first)
        texts = [
            pa.array([_text_at(row, position) for row in batch], pa.string()).dictionary_encode()
            for position in positions
        ]
        pieces.append(pa.Table.from_arrays(texts, schema=schema))
    return RawLines(
        cells=pa.concat_tables([schema.empty_table(), *pieces]),
        rows=pa.array(np.concatenate([np.zeros(0, np.int64), *numbers])),
        misfits=(),
        blank_rows=blank_rows,
    )


def _batches(rows: Iterator[list[Any]]) -> Iterator[list[list[Any]]]:
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        yield batch


def _text_at(row: list[Any], position: int) -> str:
    if position >= len(row):
        return ""
    cell = row[position]
    return cell if type(cell) is str else cell_text(cell)


def _row_is_blank(row: list[Any]) -> bool:
    return all(isinstance(cell, str) and (not cell or is_blank([cell])) for cell in row)
