"""The folder for what doesn't fit into memory: closed to others, and gone when the run ends."""

import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Literal

from filelock import FileLock, Timeout

from auditor.errors import AuditError

Codec = Literal["lz4"] | None

_LOCK = "in-use"
# How much more room than the lines are reckoned to take there is enough.
_TO_SPARE = 1.1


@contextmanager
def scratch_folder(out: Path) -> Iterator[Path]:
    """A new folder beside the reports' one, with mode 0700; it holds claim lines.

    It is removed at the end, when the run is stopped or terminated, and, where the run was killed
    outright, by the next run into the same folder.
    """
    parent, prefix = out.absolute().parent, f".{out.name}-buckets-"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for left in parent.glob(f"{prefix}*"):
            _remove_left(left)
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    except OSError as fault:
        raise AuditError(
            f"{out}: nothing can be written beside it ({fault.strerror}); name another --out"
        ) from fault
    with FileLock(folder / _LOCK):
        try:
            with _stopped_by_termination():
                yield folder
        except OSError as fault:
            raise AuditError(
                f"{folder}: can't be written ({fault.strerror or fault}); the lines need about "
                "the room of the exports; make room or name another --out"
            ) from fault
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def codec_for(folder: Path, room: int) -> Codec:
    """How files in the folder are packed: not at all where lines that take so much have room.

    To pack them takes a tenth of the run's time and spares half the room.
    """
    return "lz4" if shutil.disk_usage(folder).free < _TO_SPARE * room else None


def _remove_left(folder: Path) -> None:
    """Removes the folder of a run that was killed, not that of one that is going on."""
    try:
        with FileLock(folder / _LOCK, timeout=0):
            shutil.rmtree(folder, ignore_errors=True)
    except Timeout:
        return


@contextmanager
def _stopped_by_termination() -> Iterator[None]:
    """SIGTERM stops the run as an interrupt from the keyboard does, so that nothing is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    told = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        told.set()
        raise KeyboardInterrupt

    before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except Exception as fault:
        # Where it strikes inside a lock, what is heard is the lock's complaint.
        if told.is_set():
            raise KeyboardInterrupt from fault
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    # Python drops what is raised while it tears an object down.
    if told.is_set():
        raise KeyboardInterrupt
