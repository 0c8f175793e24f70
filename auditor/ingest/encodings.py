"""Text files as UTF-8, whatever encoding they came in."""

import codecs
import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from auditor.errors import AuditError
from auditor.ingest.contents import HEAD_BYTES, encoding_by_head
from auditor.ingest.file_bytes import FileBytes

_PIECE = 1 << 20
LONGEST_CELL = 1 << 24
_SHOWN = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252",
    "latin-1": "Latin-1",
}


@dataclass(frozen=True)
class Text:
    """A text as UTF-8 bytes; ``start`` is the first byte after a byte order mark.

    ``encoding`` is the name to show, "" for UTF-8.
    """

    memory: FileBytes
    start: int
    encoding: str


def as_utf8(file: BinaryIO, name: str) -> Text:
    """The open text file as UTF-8: itself if it is, else written anew to a temporary file.

    A byte order mark tells the encoding, or the NULs of UTF-16; else UTF-8 if the whole file is
    valid, else Windows-1252, or Latin-1 where that has no character. Raises AuditError if the
    text breaks off within a character.
    """
    file.seek(0)
    encoding = encoding_by_head(file.read(HEAD_BYTES))
    if encoding == "utf-8-sig" and _is_utf8(file, name):
        return Text(FileBytes(file, name), len(codecs.BOM_UTF8), "")
    if encoding is None and _is_utf8(file, name):
        return Text(FileBytes(file, name), 0, "")
    if encoding in (None, "utf-8-sig"):
        encoding = "cp1252" if _is_windows_1252(file, name) else "latin-1"
    try:
        return Text(_written_anew(file, encoding, name), 0, _SHOWN[encoding])
    except UnicodeError:
        raise AuditError(
            f"{name} is {_SHOWN[encoding]} text that is cut short or damaged; export it again"
        ) from None


def _pieces(file: BinaryIO, name: str) -> Iterator[bytes]:
    """The file from its start. Raises AuditError where no line ends within the longest cell."""
    file.seek(0)
    without_end = 0
    while piece := file.read(_PIECE):
        ends = b"\n" in piece or b"\r" in piece
        without_end = 0 if ends else without_end + len(piece)
        if without_end > LONGEST_CELL:
            raise cell_too_long(name, _row_at(file, file.tell() - without_end))
        yield piece


def _row_at(file: BinaryIO, place: int) -> int:
    """The row in which a byte stands; a line end within quotation marks begins none."""
    file.seek(0)
    row, quoted = 1, False
    while place > 0:
        piece = file.read(min(_PIECE, place))
        place -= len(piece)
        for part in re.split(rb'(")', piece):
            if part == b'"':
                quoted = not quoted
            elif not quoted:
                row += part.count(b"\n") or part.count(b"\r")
    return row


def _is_utf8(file: BinaryIO, name: str) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")()
    within_character = False
    try:
        for piece in _pieces(file, name):
            if within_character or not piece.isascii():
                decoder.decode(piece)
                within_character = bool(decoder.getstate()[0])
    except UnicodeDecodeError:
        return False
    return not within_character


def _is_windows_1252(file: BinaryIO, name: str) -> bool:
    # The five bytes to which Windows-1252 gives no character.
    unknown = b"\x81\x8d\x8f\x90\x9d"
    return not any(
        len(piece.translate(None, unknown)) < len(piece) for piece in _pieces(file, name)
    )


def _written_anew(file: BinaryIO, encoding: str, name: str) -> FileBytes:
    decoder = codecs.getincrementaldecoder(encoding)()
    # Without a name, it vanishes with the last who reads it.
    with tempfile.TemporaryFile() as written:
        for piece in _pieces(file, name):
            written.write(decoder.decode(piece).encode("utf-8"))
        written.write(decoder.decode(b"", final=True).encode("utf-8"))
        written.flush()
        return FileBytes(written, name)


def cell_too_long(name: str, row: int) -> AuditError:
    """The refusal of a row that no export has."""
    return AuditError(
        f"{name} row {row}: a cell is longer than {LONGEST_CELL >> 20} MB, as no cell of a claim "
        "line is; correct that row or export the file again"
    )
