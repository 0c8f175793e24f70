"""Brings to the disk what was written, so that a power cut takes nothing that counts as done."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path


def sync_file(path: Path) -> None:
    """Brings a file's content to the disk."""
    with path.open("rb+") as stream:
        os.fsync(stream.fileno())


def sync_folder(folder: Path) -> None:
    """Brings the names in a folder to the disk."""
    if not hasattr(os, "O_DIRECTORY"):  # Windows opens no folder, and keeps names by itself
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    except OSError as fault:
        # Some network shares can't; their server keeps names by itself.
        if fault.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS):
            raise
    finally:
        os.close(handle)


def settle(folder: Path) -> None:
    """Brings all files of a folder, and those below it, to the disk."""
    _settle_all(sorted(folder.rglob("*"), reverse=True))
    sync_folder(folder)


def _settle_all(paths: Iterable[Path]) -> None:
    for path in paths:
        if path.is_file():
            sync_file(path)
        else:
            sync_folder(path)
