"""Changes on disk that survive a kill: each is whole or has not happened.

Everything the night moves, writes or deletes goes through here. A file is written aside, brought
to the disk and renamed; a name that begins with ``.part-`` is what a kill left and may be deleted.
What is deleted is overwritten first: see ``erasing``.
"""

import errno
import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from auditor import erasing
from auditor.disk import settle, sync_folder

PART = ".part-"
_CHUNK = 1 << 20


@contextmanager
def private(file_mode: str) -> Iterator[None]:
    """Files made inside get this mode, folders the same with the right to enter."""
    former = os.umask(0o777 & ~folder_mode(file_mode))
    try:
        yield
    finally:
        os.umask(former)


def folder_mode(file_mode: str) -> int:
    """The mode of a file with the right to enter for whoever may read."""
    readable = int(file_mode, 8)
    return readable | 0o100 | (0o010 if readable & 0o040 else 0)


def make_folder(folder: Path) -> None:
    """Makes a folder, and those above it, if it is not there."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """A write that fails doesn't say by itself where: names the path in its fault."""
    try:
        yield
    except OSError as fault:
        if fault.filename:
            raise
        raise OSError(fault.errno, fault.strerror, str(path)) from fault


def write(path: Path, content: bytes) -> None:
    """Puts content at a path, all of it or none."""
    aside = path.with_name(PART + path.name)
    with named(path), aside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    replace(aside, path)


def replace(source: Path, target: Path) -> None:
    """Renames within a file system; what was at the target is gone."""
    source.replace(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def move(source: Path, target: Path) -> None:
    """Moves a file so that it is always whole at one of the two places, and ours at the target.

    A file of another user is copied, because a rename would leave it theirs; so is one from
    another file system. Both places may hold it after a kill.
    """
    make_folder(target.parent)
    if source.lstat().st_uid == os.geteuid():
        try:
            replace(source, target)
        except OSError as fault:
            if fault.errno != errno.EXDEV:
                raise
        else:
            target.chmod(_own_mode())
            return
    aside = target.with_name(PART + target.name)
    erasing.erase(aside)
    _copy(source, aside)
    replace(aside, target)
    remove(source)


def _copy(source: Path, target: Path) -> None:
    with named(target), open(source, "rb", opener=_no_link) as reader, target.open("wb") as writer:
        shutil.copyfileobj(reader, writer, _CHUNK)
        writer.flush()
        os.fsync(writer.fileno())
    seen = source.stat()
    os.utime(target, ns=(seen.st_atime_ns, seen.st_mtime_ns))


def _no_link(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW)


def _own_mode() -> int:
    """The mode that a new file would get now."""
    mask = os.umask(0o077)
    os.umask(mask)
    return 0o666 & ~mask


def compress(source: Path, target: Path, sha256: str) -> None:
    """Packs a file with gzip, proves that it unpacks to what it was, and removes the original.

    The same content gives the same bytes. Raises OSError when the packed file reads back
    differently; then the original is still there.
    """
    make_folder(target.parent)
    aside = target.with_name(PART + target.name)
    erasing.erase(aside)
    with named(target), source.open("rb") as reader, aside.open("wb") as raw:
        with gzip.GzipFile(source.name, "wb", compresslevel=6, fileobj=raw, mtime=0) as packed:
            shutil.copyfileobj(reader, packed, _CHUNK)
        raw.flush()
        os.fsync(raw.fileno())
    if unpacked_sha256(aside) != sha256:
        raise OSError(errno.EIO, "the packed file reads back differently", str(target))
    replace(aside, target)
    remove(source)


def remove(path: Path) -> bool:
    """Removes a file; one that is not there is fine. False where it could only be unlinked."""
    overwritten = erasing.erase(path)
    sync_folder(path.parent)
    return overwritten


def remove_folder(folder: Path) -> int:
    """Removes a folder with all in it; a kill leaves no part of it under its name.

    Returns how many files could only be unlinked.
    """
    if not folder.exists():
        return 0
    aside = folder.with_name(PART + folder.name)
    unlinked = erasing.erase_tree(aside)
    replace(folder, aside)
    return unlinked + erasing.erase_tree(aside)


def clear_parts(folder: Path) -> int:
    """Deletes what kills left half made, or half deleted, right in a folder.

    Returns how many files could only be unlinked.
    """
    parts = list(folder.glob(PART + "*"))
    return sum(map(erasing.erase_tree, parts)) + erasing.clear(folder)


def sha256_of(path: Path) -> str:
    """Digest of a file's content. Raises OSError for a symlink."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    with os.fdopen(handle, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def unpacked_sha256(path: Path) -> str:
    """Digest of what a packed file unpacks to, ``""`` if it doesn't unpack."""
    try:
        with gzip.open(path, "rb") as stream:
            digest = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
            return digest.hexdigest()
    except (OSError, EOFError, zlib.error):
        return ""


def move_folder(source: Path, target: Path) -> None:
    """Moves a folder that is not at its target yet; onto another file system by a copy aside."""
    if not source.exists():
        return
    make_folder(target.parent)
    try:
        replace(source, target)
    except OSError as fault:
        if fault.errno != errno.EXDEV:
            raise
        aside = target.with_name(PART + target.name)
        erasing.erase_tree(aside)
        for path in sorted(source.rglob("*")):
            there = aside / path.relative_to(source)
            if path.is_file():
                there.parent.mkdir(parents=True, exist_ok=True)
                _copy(path, there)
        settle(aside)
        replace(aside, target)
        remove_folder(source)
