"""Deletes files with what they hold: overwritten where they lie, brought to the disk, removed.

Before the first byte goes a file takes a name that nothing reads, so that one half overwritten is
never taken for whole; ``clear`` ends what a kill left under such a name. A file with a second name
is only unlinked, because somebody uses the other. What the disk keeps elsewhere (spare blocks of an
SSD, snapshots, file systems that write each change to a new place) no program reaches.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from auditor.disk import sync_folder

_ASIDE = re.compile(r"\.erasing-[0-9a-f]{16}")
_BLOCK = 1 << 20


def erase(path: Path) -> bool:
    """Deletes a file, or a link itself; one that is not there is fine.

    False where its bytes could not be overwritten first. Raises OSError when it can't be deleted.
    """
    seen = _seen(path)
    if seen is None:
        return True
    if _holds_nothing(seen):
        path.unlink(missing_ok=True)
        return True
    aside = _aside(path)
    path.rename(aside)
    # After a power cut the old name must not lead to what was overwritten.
    sync_folder(path.parent)
    return erase_second(aside)


def erase_tree(folder: Path) -> int:
    """Deletes a folder that nothing reads any more, following no link; one that is gone is fine.

    Returns how many files could not be overwritten. Goes on past what can't be deleted, and raises
    the first OSError of it at the end.
    """
    seen = _seen(folder)
    if seen is None:
        return 0
    if not stat.S_ISDIR(seen.st_mode):
        return 0 if erase(folder) else 1
    faults: list[OSError] = []
    kept = _emptied(folder, faults)
    if faults:
        raise faults[0]
    return kept


def replace(source: Path, target: Path) -> bool:
    """Renames a file over another one, which is erased; the target is whole at any time.

    False where what was there could not be overwritten.
    """
    there = _seen(target)
    former = second_name(target)
    source.replace(target)
    sync_folder(target.parent)
    if former is None:
        return there is None or _holds_nothing(there)
    return erase_second(former)


def put(path: Path, content: bytes) -> bool:
    """Puts content at a path for its owner alone, all of it or none; what was there is erased.

    False where that could not be overwritten.
    """
    aside = path.with_name(f".{path.name}.new")
    erase(aside)  # what a kill left may be open to others
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(content)
            stream.flush()
            # Before what stood there is overwritten.
            os.fsync(stream.fileno())
    except BaseException:
        erase(aside)
        raise
    return replace(aside, path)


def second_name(path: Path) -> Path | None:
    """Gives a file one more name, under which ``clear`` erases it once its own is gone.

    None where there is no such file, it holds nothing, or the file system has no such names.
    ``erase_second`` then says what is to become of it.
    """
    seen = _seen(path)
    if seen is None or _holds_nothing(seen):
        return None
    other = _aside(path)
    try:
        os.link(path, other)
    except OSError:
        return None
    return other


def erase_second(path: Path) -> bool:
    """Erases a file under its second name; while it has its own still, only takes the name away.

    False where its bytes could not be overwritten.
    """
    done = _overwritten(path)
    path.unlink(missing_ok=True)
    return done


def clear(folder: Path) -> int:
    """Erases what kills left of files that were being erased; how many could only be unlinked."""
    left = [path for path in folder.glob(".erasing-*") if is_leaving(path)]
    return sum(not erase_second(path) for path in left)


def is_leaving(path: Path) -> bool:
    """Whether a file bears the name of one that is being erased."""
    return bool(_ASIDE.fullmatch(path.name)) and not path.is_dir()


def _aside(path: Path) -> Path:
    return path.with_name(f".erasing-{secrets.token_hex(8)}")


def _seen(path: Path) -> os.stat_result | None:
    try:
        return path.lstat()
    except FileNotFoundError:
        return None


def _holds_nothing(seen: os.stat_result) -> bool:
    return not stat.S_ISREG(seen.st_mode) or not seen.st_size


def _emptied(folder: Path, faults: list[OSError]) -> int:
    """Deletes a folder with all in it, and adds to ``faults`` what stood in the way."""
    kept = 0
    try:
        with os.scandir(folder) as found:
            entries = list(found)
    except OSError as fault:
        faults.append(fault)
        return 0
    for entry in entries:
        try:
            if entry.is_dir(follow_symlinks=False):
                kept += _emptied(Path(entry.path), faults)
                continue
            if entry.is_file(follow_symlinks=False) and not _overwritten(Path(entry.path)):
                kept += 1
            Path(entry.path).unlink()
        except OSError as fault:
            faults.append(fault)
    try:
        folder.rmdir()
    except OSError as fault:
        faults.append(fault)
    return kept


def _overwritten(path: Path) -> bool:
    """Whether a file's bytes are overwritten on the disk; False where that is not to be had."""
    try:
        with open(path, "r+b", buffering=0, opener=_no_link) as file:
            seen = os.fstat(file.fileno())
            if not stat.S_ISREG(seen.st_mode) or seen.st_nlink > 1:
                return False
            # Random, so that a file system that packs what it stores takes as many blocks.
            block = memoryview(os.urandom(min(_BLOCK, seen.st_size)))
            for start, end in _written(file.fileno(), seen.st_size):
                file.seek(start)
                while start < end:
                    start += file.write(block[: end - start])
            os.fsync(file.fileno())
    except OSError:
        return False
    return True


def _written(handle: int, size: int) -> Iterator[tuple[int, int]]:
    """Where a file holds bytes; its holes hold none, and filling them would fill the disk."""
    if not hasattr(os, "SEEK_DATA"):  # Windows doesn't tell
        yield 0, size
        return
    end = 0
    while end < size:
        try:
            start = os.lseek(handle, end, os.SEEK_DATA)
        except OSError as fault:
            if fault.errno == errno.ENXIO:
                return
            raise
        end = os.lseek(handle, start, os.SEEK_HOLE)
        yield start, end


def _no_link(path: str, flags: int) -> int:
    # A pipe put in the file's place must not keep us waiting. Windows has neither flag.
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
