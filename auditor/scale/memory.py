"""How much memory a run may take, and into how many buckets its lines then go."""

import gzip
import os
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import AuditError

_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([KMGT]?)B?", re.IGNORECASE)
_LEAST = 10**9

# Bytes that a run holds for each line of a file read whole, and a worker for each of a bucket's;
# what they hold for each byte of the file beside that, and a worker for each byte of the piece that
# it reads. Packed files hold several times their size. Measured, rounded up; see tests/benchmarks.
_LINE_IN_MEMORY, _BYTE_IN_MEMORY = 850, 1.5
_LINE_IN_BUCKET, _BYTE_IN_BUCKET = 450, 1.1
_LINE_ON_DISK, _BYTE_ON_DISK = 120, 0.6
_IN_PIECE = 11
_PACKED = {".gz": 8, ".zip": 8, ".xlsx": 8, ".xlsb": 8, ".ods": 12, ".parquet": 8}
# Lines are as long as those at the beginning of a text; where none is seen, as short as this.
_SAMPLE = 1 << 18
_SHORT_LINE = 100
# What Python, its libraries and the reference tables take in each process, beyond what is shared.
_OF_PROCESS = 100 * 10**6
# Larger files are audited faster in buckets, by all cores; more memory makes that no faster.
_SMALL, _FEW_LINES = 400 * 10**6, 2_100_000
_ENOUGH = 450 * 10**6  # for each worker
_LITTLE = 300 * 10**6
_PIECE = (8 * 10**6, 32 * 10**6)
_MOST_BUCKETS = 1000
# Beyond this part of what is free, other programs would be pushed out.
_OF_FREE = 0.7
_UNTOLD = 2**40


@dataclass(frozen=True)
class Plan:
    """Buckets on disk, worker processes that audit them, and bytes of a file read at once.

    ``room`` are the bytes that the lines take on the disk.
    """

    buckets: int
    workers: int
    piece: int
    room: int = 0


def bytes_of(text: str) -> int:
    """Bytes of a size such as 4GB or 1.5G. Raises AuditError for what is none or too little."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise AuditError(f"--memory {text}: is not a size like 4GB", exit_code=2)
    size = int(float(match[1]) * _UNITS[match[2].upper()])
    if size < _LEAST:
        raise AuditError(f"--memory {text}: is too little; the least is 1GB", exit_code=2)
    return size


def plan(files: Sequence[Path], memory: int | None) -> Plan | None:
    """How to audit files in buckets; None for small ones where nobody set a limit."""
    sizes = [_unpacked(path) for path in files]
    size, lines = sum(sizes), sum(map(_lines, files, sizes))
    cores = _cores()
    if memory is None:
        memory = int(free_memory() * _OF_FREE)
        whole = lines * _LINE_IN_MEMORY + size * _BYTE_IN_MEMORY
        if size <= _SMALL and lines <= _FEW_LINES and whole <= memory:
            return None
        memory = min(memory, _OF_PROCESS + cores * _ENOUGH)
    memory -= _OF_PROCESS
    workers = max(1, min(cores, memory // _LITTLE))
    each = max(memory // workers - _OF_PROCESS, _OF_PROCESS)
    held = int(lines * _LINE_IN_BUCKET + size * _BYTE_IN_BUCKET)
    rounds = max(-(-held // (each * workers)), 1)
    buckets = min(rounds * workers, _MOST_BUCKETS)  # no worker waits for the last one of another
    piece = min(max(each // _IN_PIECE, _PIECE[0]), _PIECE[1])
    return Plan(buckets, workers, piece, int(lines * _LINE_ON_DISK + size * _BYTE_ON_DISK))


def _unpacked(path: Path) -> int:
    try:
        return path.stat().st_size * _PACKED.get(path.suffix.lower(), 1)
    except OSError:  # reading it will say what is wrong
        return 0


def _lines(path: Path, size: int) -> int:
    """About how many lines a file of so many bytes, unpacked, holds."""
    if not path.is_file():  # a pipe is waited for, by whoever opens it
        return 0
    suffix = path.suffix.lower()
    if suffix in _PACKED and suffix != ".gz":
        return size // _SHORT_LINE
    try:
        with gzip.open(path) if suffix == ".gz" else path.open("rb") as file:
            head = file.read(_SAMPLE)
    except (OSError, EOFError, zlib.error):  # reading it will say what is wrong
        return 0
    ends = max(head.count(b"\n"), head.count(b"\r"))
    return size * ends // len(head) if ends else size // _SHORT_LINE


def _cores() -> int:
    """The cores that this process may use; all of them where the system (not Linux) has no say."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def free_memory() -> int:
    """Bytes that a program may take without pushing out others, a container's limit included.

    A system that doesn't tell, as any but Linux, counts as having enough for small files.
    """
    free = _UNTOLD
    try:
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                free = int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        limit = Path("/sys/fs/cgroup/memory.max").read_text().strip()
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
        free = min(free, int(limit) - used) if limit.isdecimal() else free
    except (OSError, ValueError):
        pass
    return free
