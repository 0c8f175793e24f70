"""What becomes of the bytes of files that a program deletes.

``Held`` keeps files open, so that what they hold can still be read when they have no name any more.
``WATCH``, put in front of a program, tells of each file that loses its last name with its bytes.
"""

import os
from pathlib import Path

# What packed or binary files of ours begin with: gzip, Parquet, workbooks, SQLite.
BEGINNINGS = (b"\x1f\x8b\x08", b"PAR1", b"PK\x03\x04", b"SQLite format 3")

WATCH = f"""
import os, stat, sys
_asked = False
def _tell(path, handle):
    global _asked
    if _asked:
        return
    _asked = True
    try:
        seen = os.stat(path, dir_fd=handle, follow_symlinks=False)
        if stat.S_ISREG(seen.st_mode) and seen.st_nlink == 1 and seen.st_size:
            number = os.open(path, os.O_RDONLY, dir_fd=handle)
            with os.fdopen(number, "rb") as file:
                held = file.read()
            words = os.environ["WATCH_WORDS"].encode().split(b"|")
            if held.startswith({BEGINNINGS!r}) or any(word in held for word in words):
                with open(os.environ["WATCH_TOLD"], "a") as told:
                    told.write(str(path) + chr(10))
    except FileNotFoundError:
        pass
    finally:
        _asked = False
def _heard(event, given):
    if event == "os.remove":
        _tell(given[0], None if given[1] == -1 else given[1])
    elif event == "os.rename" and not os.path.isdir(given[1]):
        _tell(given[1], None if given[3] == -1 else given[3])
sys.addaudithook(_heard)
"""


class Held:
    """The files below some folders, kept open. Use it in a ``with`` statement."""

    def __init__(self, *folders: Path) -> None:
        paths = [path for folder in folders for path in sorted(folder.rglob("*"))]
        self._held = {
            path: (os.open(path, os.O_RDONLY), path.read_bytes())
            for path in paths
            if path.is_file() and not path.is_symlink() and path.stat().st_size
        }

    def __enter__(self) -> "Held":
        return self

    def __exit__(self, *_: object) -> None:
        for handle, _ in self._held.values():
            os.close(handle)

    def gone(self) -> list[Path]:
        """Files that have no name any more."""
        return [path for path, (handle, _) in self._held.items() if not os.fstat(handle).st_nlink]

    def readable(self) -> list[Path]:
        """Those of them of which something can still be read where it lay."""
        return [path for path in self.gone() if _alike(*self._held[path])]


def _alike(handle: int, before: bytes) -> bool:
    """Whether more bytes stand where they stood than chance would leave there."""
    now = os.pread(handle, len(before), 0)
    same = sum(one == other for one, other in zip(before, now, strict=True))
    return same > 8 + len(before) // 64
