"""Refuses workbooks that would take more memory or time than any export, before they are opened.

The reader of workbooks lays a sheet out from its first cell to its last, so that two cells far
apart in a file of a kilobyte fill the machine, and it can't be stopped while it does. Ordinary
sheets are known by a look at their cells; whatever else is opened on trial in a child process
whose memory and processor time are limited, and if that dies, so does only the child.
"""

import re
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO, BinaryIO

from auditor.errors import AuditError
from auditor.ingest.archives import LARGEST_WORKBOOK
from auditor.ingest.encodings import LONGEST_CELL

LARGEST_MEMORY = 6 * 2**30
LONGEST_SECONDS = 300
# A sheet of this size costs more to open twice than to look through.
_LOOKED_THROUGH_FROM = 8 * 10**6
_PIECE = 1 << 22
_LONGEST_TAG = 64

# Any tag of a cell that does not say A1 to AZ999999 in the plain way, and what is no plain text.
_UNUSUAL = re.compile(rb'<c(?!ol)[^ ]|<c (?!r="A?[A-Z][1-9][0-9]{0,5}")|:c[ />\r\n\t]|\x00')
_TEXTS = re.compile(r"xl/sharedStrings\.xml", re.IGNORECASE)
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)

_TRIAL = """
import mmap, resource, sys
memory, seconds = int(sys.argv[1]), int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
from python_calamine import CalamineWorkbook, SheetTypeEnum
try:
    book = CalamineWorkbook.from_filelike(mmap.mmap(0, 0, access=mmap.ACCESS_READ))
    for entry in book.sheets_metadata:
        if entry.typ == SheetTypeEnum.WorkSheet:
            book.get_sheet_by_name(entry.name)
except MemoryError:
    sys.exit(9)
except BaseException:
    sys.exit(0)
"""


def refuse_workbook_too_large(file: BinaryIO, name: str) -> None:
    """Raises AuditError for a workbook that can't be opened within the limits.

    Damage is left for the reader to tell. The file is at its start before and after.
    """
    if sys.platform == "win32":  # it has no such limits
        return
    try:
        ordinary = _is_ordinary(file, name)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError):
        ordinary = False
    file.seek(0)
    if not ordinary:
        _try_to_open(file, name)
        file.seek(0)


def _is_ordinary(file: BinaryIO, name: str) -> bool:
    """Whether this is an .xlsx whose sheets are large, and plain from first cell to last.

    Raises AuditError for one with a cell that no claim line has.
    """
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        texts = [one for one in archive.infolist() if _TEXTS.fullmatch(one.filename)]
        for one in texts:
            if one.file_size > LONGEST_CELL:
                with archive.open(one) as packed:
                    for _ in _read(packed, name):
                        pass
        sheets = [one for one in archive.infolist() if _SHEET.fullmatch(one.filename)]
        if sum(sheet.file_size for sheet in sheets) < _LOOKED_THROUGH_FROM:
            return False
        return all(_is_plain(archive, sheet, name) for sheet in sheets)


def _read(packed: IO[bytes], name: str) -> Iterator[bytes]:
    """Pieces of a part of a workbook; between two tags of it stands no more than a cell holds."""
    without_tag = 0
    while piece := packed.read(_PIECE):
        without_tag = 0 if b"<" in piece else without_tag + len(piece)
        if without_tag > LONGEST_CELL:
            raise AuditError(
                f"{name}: a cell is longer than {LONGEST_CELL >> 20} MB, as no cell of a claim "
                "line is; correct it or export the file again"
            )
        yield piece


def _is_plain(archive: zipfile.ZipFile, sheet: zipfile.ZipInfo, name: str) -> bool:
    rest, size = b"", 0
    with archive.open(sheet) as packed:
        for piece in _read(packed, name):
            size += len(piece)
            seen = rest + piece
            # What stands at the end is looked at with the next piece, where its tag is whole.
            end = max(len(seen) - _LONGEST_TAG, 0)
            unusual = _UNUSUAL.search(seen)
            if size > LARGEST_WORKBOOK or (unusual and unusual.start() < end):
                return False
            rest = seen[end:]
    return not _UNUSUAL.search(rest)


def _try_to_open(file: BinaryIO, name: str) -> None:
    try:
        ended = subprocess.run(  # noqa: S603  our own words, no shell
            [sys.executable, "-I", "-c", _TRIAL, str(LARGEST_MEMORY), str(LONGEST_SECONDS)],
            stdin=file,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=2 * LONGEST_SECONDS,
            check=False,
        ).returncode
    except subprocess.TimeoutExpired:
        ended = 9
    if ended != 0:
        raise AuditError(
            f"{name} is a workbook whose sheets reach too far to be opened "
            f"(limits: {LARGEST_MEMORY // 2**30} GB of memory, {LONGEST_SECONDS} seconds); save "
            "the lines alone as CSV, or delete the empty rows and columns around them"
        )
