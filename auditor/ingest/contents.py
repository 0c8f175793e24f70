"""Tells what a file holds by its first bytes: names lie."""

import zipfile
from typing import BinaryIO, Literal

from auditor.errors import AuditError

Kind = Literal["text", "workbook", "parquet", "gzip", "zip"]

HEAD_BYTES = 1 << 16
BYTE_ORDER_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SAVE_AS = "open it there and save it as CSV or Excel workbook (.xlsx)"
_NOT_TABLES = {
    b"%PDF": "is a PDF; export the claim lines as CSV or Excel instead",
    b"7z\xbc\xaf\x27\x1c": "is a 7z archive; unpack it first",
    b"Rar!": "is a RAR archive; unpack it first",
    b"BZh": "is packed with bzip2; unpack it first",
    b"\xfd7zXZ\x00": "is packed with xz; unpack it first",
    b"\x28\xb5\x2f\xfd": "is packed with zstd; unpack it first",
    b"SQLite format 3\x00": "is an SQLite database; export the claim lines as CSV",
    b"\x00\x01\x00\x00Standard": "is an Access database; export the claim lines as CSV",
    b"PARE": "is an encrypted Parquet file; write it without encryption",
    b"ARROW1": "is an Arrow file; write it as Parquet or CSV",
    b"{\\rtf": "is a Word document; export the claim lines as CSV or Excel instead",
    b"ISA*": "is an X12 file, which is not read yet; export the claim lines as CSV",
}
_HTML = ("<!doctype html", "<html", "<table", "<meta", "<head", "<body", "<div", "<style")
_NOT_TABLES_BUT_TEXT = (
    (_HTML, "a web page (HTML)"),
    (("<?xml", "<workbook"), "an XML file"),
    (('{"', "{\n", "[{", "[\n{"), "a JSON file"),
)
_CONTROL = bytes(set(range(32)) - {*b"\x00\t\n\v\f\r\x1a\x1b\x1c\x1d\x1e\x1f"})


def kind_of(file: BinaryIO, name: str) -> Kind:
    """What the open file holds; leaves it at its start.

    Raises AuditError for an empty file and for what is no table: web pages, PDFs, pictures.
    """
    file.seek(0)
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head:
        raise AuditError(f"{name} is empty (0 bytes); export or copy it again")
    for start, what in _NOT_TABLES.items():
        if head.startswith(start):
            raise AuditError(f"{name} {what}")
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(OLE):
        return "workbook"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        return _kind_of_zip(file, name)
    _refuse_what_is_no_table(head, name)
    return "text"


def encoding_by_head(head: bytes) -> str | None:
    """The encoding that a byte order mark or the pattern of NUL bytes gives away, else None."""
    for mark, encoding in BYTE_ORDER_MARKS.items():
        if head.startswith(mark):
            return encoding
    # UTF-16 of mostly English text has a NUL in every second byte.
    pairs = len(head) // 2
    first, second = head[: 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if second > 0.6 * pairs and first < 0.05 * pairs:
        return "utf-16-le"
    if first > 0.6 * pairs and second < 0.05 * pairs:
        return "utf-16-be"
    return None


def _kind_of_zip(file: BinaryIO, name: str) -> Kind:
    try:
        with zipfile.ZipFile(file) as archive:
            members = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise AuditError(
            f"{name} is cut short or damaged (a zip or workbook without its end); copy it again"
        ) from None
    finally:
        file.seek(0)
    if any(member.startswith("xl/") for member in members):
        return "workbook"
    if {"mimetype", "content.xml"} <= members:
        return "workbook"
    if "[Content_Types].xml" in members:
        raise AuditError(f"{name} is an Office document without sheets; export CSV or Excel")
    if any(member.startswith("Index/") and member.endswith(".iwa") for member in members):
        raise AuditError(f"{name} is an Apple Numbers document; {_SAVE_AS}")
    return "zip"


def _refuse_what_is_no_table(head: bytes, name: str) -> None:
    encoding = encoding_by_head(head)
    if encoding is None:
        control = len(head) - len(head.translate(None, _CONTROL))
        if control > max(8, 0.02 * len(head)) or head.count(0) > 0.3 * len(head):
            raise AuditError(
                f"{name} is no text, workbook or Parquet file; export it as CSV or Excel"
            )
        if head[257:262] == b"ustar":
            raise AuditError(f"{name} is a tar archive; unpack it first")
    text = head.decode(encoding or "latin-1", errors="replace").lstrip("\ufeff \t\r\n").lower()
    for starts, what in _NOT_TABLES_BUT_TEXT:
        if text.startswith(starts):
            raise AuditError(f"{name} is {what}, not a table; if Excel opens it, {_SAVE_AS}")
