"""What people decided about findings: read back from a worklist, kept beside a run, shown again.

A finding keeps its id from run to run, so a decision outlives the workbook it was written in. The
file beside the run is ``dispositions.csv``: finding, disposition, owner, note.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Any

from auditor import erasing
from auditor.errors import AuditError

DISPOSITIONS = ("open", "corrected", "appealed", "accepted risk", "not an error")
FILE = "dispositions.csv"
COLUMNS = ("finding", "disposition", "owner", "note")
_HEADERS = ("Finding", "Disposition", "Owner", "Note")
_ID = re.compile(r"[0-9a-f]{12}")
# A spreadsheet would take such a text for a formula; one more apostrophe in front keeps it text.
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_GUARDED = re.compile(r"'+[=+\-@\t\r]")


@dataclass(frozen=True)
class Disposition:
    """What somebody decided about a finding; each part may be blank, not all of them."""

    disposition: str = ""
    owner: str = ""
    note: str = ""


def read_dispositions(path: Path) -> dict[str, Disposition]:
    """The decisions filled in on a workbook's worklists, by finding; unfilled rows say nothing.

    Raises AuditError, naming file, sheet and row, for a disposition that there is not, a row that
    names no finding, or a finding that is decided twice in two ways.
    """
    found: dict[str, Disposition] = {}
    for where, cells in _filled_rows(path):
        _take(found, where, cells)
    return found


def _filled_rows(path: Path) -> Iterator[tuple[str, list[str]]]:
    """Place and cells (finding, disposition, owner, note) of each row that somebody filled in."""
    import openpyxl  # type: ignore[import-untyped]

    if not path.is_file():
        raise AuditError(f"{path}: there is no such workbook", exit_code=2)
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as fault:
        # openpyxl, zipfile and the XML parsers each raise kinds of their own for a damaged file.
        raise AuditError(
            f"{path}: is no workbook that can be read; save it as .xlsx, without a password",
            exit_code=2,
        ) from fault
    worklists = 0
    try:
        for sheet in book.worksheets:
            rows = sheet.iter_rows(values_only=True)
            head = [str(cell or "").strip() for cell in next(rows, ())]
            if not set(_HEADERS) <= set(head):
                continue
            worklists += 1
            places = [head.index(name) for name in _HEADERS]
            for number, row in enumerate(rows, start=2):
                cells = [_text(row[place]) if place < len(row) else "" for place in places]
                if any(cells[1:]):
                    yield f"{path.name}, sheet {sheet.title}, row {number}", cells
    finally:
        book.close()
    if not worklists:
        raise AuditError(
            f"{path}: has no sheet with the columns {', '.join(_HEADERS)}; give a report.xlsx, "
            "with the header row of its worklist as it was",
            exit_code=2,
        )


def _text(cell: Any) -> str:
    if isinstance(cell, datetime) and cell.time() == time.min:
        return cell.date().isoformat()
    return "" if cell is None else str(cell).strip()


def _take(found: dict[str, Disposition], where: str, cells: Sequence[str]) -> None:
    finding, word, owner, note = cells
    if not _ID.fullmatch(finding):
        raise AuditError(
            f"{where}: names no finding; keep the ids of the column Finding as they were",
            exit_code=2,
        )
    chosen = " ".join(word.lower().split())
    if chosen and chosen not in DISPOSITIONS:
        raise AuditError(
            f"{where}: the disposition is none of {', '.join(DISPOSITIONS)}; choose one",
            exit_code=2,
        )
    one = Disposition(chosen, owner, note)
    if found.setdefault(finding, one) != one:
        raise AuditError(
            f"{where}: finding {finding} is decided otherwise above; decide it once", exit_code=2
        )


def open_dispositions(folder: Path) -> dict[str, Disposition]:
    """The decisions kept beside a run; none where there is no such file.

    Raises AuditError naming file and line for what can't be understood.
    """
    path = folder / FILE
    if not path.is_file():
        return {}
    found: dict[str, Disposition] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = csv.DictReader(stream)
            if not set(COLUMNS) <= set(rows.fieldnames or ()):
                raise AuditError(f"{path}: lacks one of the columns {', '.join(COLUMNS)}")
            for row in rows:
                cells = [_without_guard(row[name] or "") for name in COLUMNS]
                _take(found, f"{path} line {rows.line_num}", cells)
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise AuditError(f"{path}: can't be read as a UTF-8 CSV; move it away") from fault
    return found


def _without_guard(text: str) -> str:
    return text[1:] if _GUARDED.match(text) else text


def _guarded(text: str) -> str:
    return f"'{text}" if _FORMULA.match(text) else text


def save_dispositions(dispositions: Mapping[str, Disposition], folder: Path) -> None:
    """Writes the decisions beside a run, by finding; the same ones give the same bytes."""
    text = io.StringIO(newline="")
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for finding, one in sorted(dispositions.items()):
        table.writerow(map(_guarded, (finding, one.disposition, one.owner, one.note)))
    erasing.clear(folder)
    erasing.put(folder / FILE, text.getvalue().encode())


@dataclass(frozen=True)
class Imported:
    """All decisions known after an import, those it brought or changed, and how many they are."""

    dispositions: dict[str, Disposition]
    brought: dict[str, Disposition]
    new: int
    changed: int

    @property
    def said(self) -> str:
        """One sentence of counts."""
        return f"{self.new} new, {self.changed} changed, {len(self.dispositions)} known"


def import_dispositions(workbook: Path, folder: Path) -> Imported:
    """Takes a workbook's decisions into the file beside a run; rows left blank keep what is known.

    Raises AuditError when the workbook or the file can't be understood; then nothing changes.
    """
    given = read_dispositions(workbook)
    if not folder.is_dir():
        raise AuditError(f"{folder}: there is no such folder", exit_code=2)
    known = open_dispositions(folder)
    new = sum(finding not in known for finding in given)
    brought = {finding: one for finding, one in given.items() if known.get(finding) != one}
    everything = known | given
    try:
        save_dispositions(everything, folder)
    except OSError as fault:
        raise AuditError(
            f"{folder / FILE}: can't be written ({fault.strerror or fault}); check the folder"
        ) from fault
    return Imported(everything, brought, new, len(brought) - new)
