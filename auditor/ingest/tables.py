"""The door for export files: CSV, Excel and Parquet, also packed, as tables of text."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from auditor.errors import AuditError
from auditor.ingest.archives import gunzipped, unzipped
from auditor.ingest.contents import Kind, kind_of
from auditor.ingest.delimited import open_delimited
from auditor.ingest.parquet import open_parquet
from auditor.ingest.raw import KnownColumns, Misfit, RawLines, RawTable
from auditor.ingest.workbooks import open_workbook
from auditor.regular_files import regular

__all__ = ["Misfit", "RawLines", "RawTable", "open_tables"]

_WORKBOOK_NAMES = {".xls", ".xlsx", ".xlsm", ".xlsb", ".ods"}
_TABLE_NAMES = {".csv", ".tsv", ".psv", ".dat", ".parquet", ".gz", *_WORKBOOK_NAMES}
# A member of a zip that names fewer columns than this is a note to the reader, not an export.
_FEWEST_KNOWN = 3


def open_tables(
    path: Path,
    *,
    sheet: str | None = None,
    looks_like_claim_lines: KnownColumns,
    name: str = "",
) -> list[RawTable]:
    """The tables of an export file: one, or several for a zip with several exports.

    ``looks_like_claim_lines`` counts the claim-line columns that header cells name; it finds the
    header row, the delimiter and the sheet. ``sheet`` names the sheet of a workbook instead.
    ``name`` is the file's to show, where its own does not tell it from another's.
    Raises AuditError, naming the file and the way out, for whatever can't be read as a table.
    """
    name = name or path.name
    with ExitStack() as open_files:
        file = open_files.enter_context(_opened(path))
        pool = ThreadPoolExecutor(max_workers=1)
        digest = pool.submit(_sha256, path)
        pool.shutdown(wait=False)
        try:
            tables = _tables(file, name, path, looks_like_claim_lines, sheet, open_files)
        except OSError as error:
            raise AuditError(f"{name} can't be read: {error.strerror}") from None
        # Hashing goes on beside the reading.
        return [replace(table, digest=digest.result) for table in tables]


def _opened(path: Path) -> BinaryIO:
    try:
        if path.is_dir():
            raise AuditError(f"{path} is a folder; name the files in it")
        return regular(path).open("rb")
    except FileNotFoundError:
        raise AuditError(f"{path} doesn't exist; check the path") from None
    except PermissionError:
        raise AuditError(f"{path} can't be read: permission denied; ask its owner") from None
    except OSError as error:
        raise AuditError(f"{path} can't be read: {error.strerror}") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _tables(
    file: BinaryIO,
    name: str,
    path: Path,
    known_columns: KnownColumns,
    sheet: str | None,
    open_files: ExitStack,
) -> list[RawTable]:
    kind = kind_of(file, name)
    if kind == "gzip":
        file = open_files.enter_context(gunzipped(file, name))
        kind = kind_of(file, name)
    if kind != "zip":
        return [_table(file, kind, name, path, known_columns, sheet)]
    return _zipped_tables(file, name, path, known_columns, sheet, open_files)


def _table(
    file: BinaryIO,
    kind: Kind,
    name: str,
    path: Path,
    known_columns: KnownColumns,
    sheet: str | None,
) -> RawTable:
    if kind == "workbook":
        table = open_workbook(file, name, path, known_columns, sheet)
    elif kind == "parquet":
        table = open_parquet(file, name, path)
    elif kind == "text":
        table = open_delimited(file, name, path, known_columns)
    else:
        raise AuditError(f"{name} is packed twice; unpack it first")
    return replace(table, notes=(*_misnamed_note(name, kind), *table.notes))


def _misnamed_note(name: str, kind: Kind) -> tuple[str, ...]:
    suffix = PurePosixPath(name).suffix.lower()
    if kind == "text" and suffix in {*_WORKBOOK_NAMES, ".parquet"}:
        return (f"delimited text, though named {suffix}",)
    if kind == "workbook" and suffix not in {*_WORKBOOK_NAMES, ".gz"}:
        return (f"a workbook, though named {suffix}" if suffix else "a workbook",)
    return ()


def _zipped_tables(
    file: BinaryIO,
    zip_name: str,
    path: Path,
    known_columns: KnownColumns,
    sheet: str | None,
    open_files: ExitStack,
) -> list[RawTable]:
    """The exports in a zip; what else lies in it is named in the notes of each."""
    tables: list[RawTable] = []
    refused: list[tuple[str, AuditError]] = []
    for member, contents in unzipped(file, zip_name):
        name = f"{zip_name}/{member}"
        try:
            kind = kind_of(contents, name)
            if kind == "gzip":
                contents = open_files.enter_context(gunzipped(contents, name))
                kind = kind_of(contents, name)
            tables.append(_table(contents, kind, name, path, known_columns, sheet))
        except AuditError as error:
            refused.append((member, error))
    exports = [table for table in tables if known_columns(table.header) >= _FEWEST_KNOWN]
    for member, refusal in refused:
        if not tables or PurePosixPath(member).suffix.lower() in _TABLE_NAMES:
            alone = not tables and len(refused) == 1
            raise refusal if alone else AuditError(str(refusal), refusal.exit_code)
    chosen = exports or tables
    others = [table.file.removeprefix(f"{zip_name}/") for table in tables if table not in chosen]
    others += [member for member, _ in refused]
    note = (f"also in the zip, not read: {', '.join(others)}",) if others else ()
    return [replace(table, notes=(*table.notes, *note)) for table in chosen]
