"""The bytes of an open file, read where they are asked for, and never mapped into memory.

A mapped page of a file that another program cuts short ends the process, and nothing can be said
about it. A plain read comes back short, and that can.
"""

import io
import os
import threading
from typing import IO, Any, cast

from auditor.errors import AuditError

_AT_ONCE = 0x7FFFF000  # no system hands out more
_LOOKED_THROUGH = 1 << 16


class FileBytes:
    """A file as long as it was when it was opened; slices of it are bytes.

    It may be used after the file was closed, by several threads, and in forked processes.
    Every slice raises AuditError when the file has become shorter.
    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        """``name`` is the one to show."""
        self._handle = os.dup(file.fileno())
        self._size = os.fstat(self._handle).st_size
        self._name = name

    def __del__(self) -> None:
        """Closes what ``__init__`` opened."""
        if (handle := getattr(self, "_handle", None)) is not None:
            os.close(handle)

    def __len__(self) -> int:
        """Bytes of the file."""
        return self._size

    def __getitem__(self, part: slice) -> bytes:
        """The bytes of a slice without a step."""
        start, end, _ = part.indices(self._size)
        found: list[bytes] = []
        while start < end:
            found.append(_read_at(self._handle, min(end - start, _AT_ONCE), start))
            if not found[-1]:
                raise AuditError(
                    f"{self._name} was cut short while it was read; wait until it is written, then "
                    "run again"
                )
            start += len(found[-1])
        return found[0] if len(found) == 1 else b"".join(found)

    def find(self, mark: bytes, start: int, end: int) -> int:
        """Where a single byte first stands within two offsets; -1 where it doesn't."""
        for place in range(start, min(end, self._size), _LOOKED_THROUGH):
            found = self[place : min(place + _LOOKED_THROUGH, end)].find(mark)
            if found >= 0:
                return place + found
        return -1

    def as_file(self) -> IO[bytes]:
        """A file of its own over the same bytes, at its start."""
        return cast(IO[bytes], _Reader(self))


class _Reader(io.RawIOBase):
    def __init__(self, contents: FileBytes) -> None:
        self._contents, self._at = contents, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: len(self._contents)}
        self._at = start[whence] + offset
        return self._at

    def readinto(self, into: Any) -> int:
        piece = self._contents[self._at : self._at + len(into)]
        into[: len(piece)] = piece
        self._at += len(piece)
        return len(piece)


if hasattr(os, "pread"):

    def _read_at(handle: int, size: int, place: int) -> bytes:
        return os.pread(handle, size, place)

else:
    _turn = threading.Lock()

    def _read_at(handle: int, size: int, place: int) -> bytes:
        with _turn:
            os.lseek(handle, place, os.SEEK_SET)
            return os.read(handle, size)
