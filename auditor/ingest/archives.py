"""Unpacks .gz and .zip to temporary files without names, which vanish with the process."""

import gzip
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import IO, BinaryIO, cast

from auditor.errors import AuditError

LARGEST_UNPACKED = 20 * 10**9
LARGEST_RATIO = 400
RATIO_COUNTS_FROM = 100 * 10**6
LARGEST_WORKBOOK = 4 * 10**9
MOST_MEMBERS = 1000
_PIECE = 1 << 20


@contextmanager
def gunzipped(file: BinaryIO, name: str) -> Iterator[BinaryIO]:
    """The unpacked contents of a .gz file. Raises AuditError if it is cut short or a bomb."""
    packed = file.seek(0, 2)
    file.seek(0)
    with tempfile.TemporaryFile() as unpacked:
        try:
            with gzip.GzipFile(fileobj=file) as packed_file:
                size = _copy(cast(IO[bytes], packed_file), unpacked, name, packed)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise AuditError(f"{name} is cut short or damaged (gzip); copy it again") from None
        if size == 0:
            raise AuditError(f"{name} holds nothing; export it again")
        yield cast(BinaryIO, unpacked)


def unzipped(file: BinaryIO, name: str) -> Iterator[tuple[str, BinaryIO]]:
    """Each file within a .zip, by name and contents; folders and hidden files are left out.

    The contents are open until the next is asked for. Raises AuditError on names that lead out of
    a folder, passwords, bombs and damage.
    """
    with zipfile.ZipFile(file) as archive:
        members = [member for member in archive.infolist() if not _is_hidden(member)]
        _refuse_tricks(members, name)
        before = 0
        for member in members:
            shown = f"{name}/{member.filename}"
            with tempfile.TemporaryFile() as unpacked:
                try:
                    with archive.open(member) as packed_file:
                        before += _copy(packed_file, unpacked, shown, member.compress_size, before)
                except (EOFError, zipfile.BadZipFile, zlib.error, NotImplementedError):
                    raise AuditError(f"{shown} is damaged within the zip; copy it again") from None
                yield member.filename, cast(BinaryIO, unpacked)


def refuse_workbook_bomb(file: BinaryIO, name: str) -> None:
    """Refuse a workbook (itself a zip) whose sheets unpack to more than a table can be."""
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    file.seek(0)
    unpacked = sum(member.file_size for member in members)
    if unpacked > LARGEST_WORKBOOK:
        raise AuditError(
            f"{name} unpacks to more than {LARGEST_WORKBOOK / 10**9:.0f} GB, more than a workbook "
            "can be read from; export it as CSV"
        )
    _refuse_size(name, sum(member.compress_size for member in members), unpacked)


def _copy(
    packed_file: IO[bytes], unpacked: IO[bytes], name: str, packed: int, before: int = 0
) -> int:
    size = 0
    while piece := packed_file.read(_PIECE):
        size += len(piece)
        _refuse_size(name, packed, size, before)
        unpacked.write(piece)
    unpacked.flush()
    unpacked.seek(0)
    return size


def _refuse_size(name: str, packed: int, unpacked: int, before: int = 0) -> None:
    if before + unpacked > LARGEST_UNPACKED:
        raise AuditError(
            f"{name} unpacks to more than {LARGEST_UNPACKED / 10**9:.0f} GB; split the export"
        )
    if unpacked > RATIO_COUNTS_FROM and unpacked > LARGEST_RATIO * packed:
        raise AuditError(
            f"{name} unpacks to more than {LARGEST_RATIO} times its size, as no export does; "
            "unpack it yourself if you trust it"
        )


def _is_hidden(member: zipfile.ZipInfo) -> bool:
    parts = PurePosixPath(member.filename).parts
    return member.filename.endswith("/") or any(
        part == "__MACOSX" or (part.startswith(".") and part != "..") for part in parts
    )


def _refuse_tricks(members: list[zipfile.ZipInfo], name: str) -> None:
    if not members:
        raise AuditError(f"{name} holds no files; export it again")
    if len(members) > MOST_MEMBERS:
        raise AuditError(f"{name} holds more than {MOST_MEMBERS} files; unpack and choose")
    for member in members:
        path = member.filename.replace("\\", "/")
        linked = stat.S_ISLNK(member.external_attr >> 16)
        drive = path[1:2] == ":"
        leads_out = not path or drive or path.startswith("/") or ".." in path.split("/")
        if linked or leads_out or not path.isprintable():
            raise AuditError(
                f"{name} holds a file whose name leads out of the zip or can't be shown; "
                "unpack and check it first"
            )
        if member.flag_bits & 1:
            raise AuditError(f"{name} is protected with a password; unpack it first")
    _refuse_size(name, sum(m.compress_size for m in members), sum(m.file_size for m in members))
