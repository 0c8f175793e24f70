"""Exports that arrived: which files are ours, and whether they are complete."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import AuditError
from auditor.night.site import Site
from auditor.night_settings import InboxSettings
from auditor.shown_names import is_named, legible

DONE = ".done"
_POLL_SECONDS = 1.0
_NO_EXPORT = (".", "~$")  # hidden files, and Excel's own beside a workbook that somebody has open
_LONGEST_NAME = (
    235  # of 255 bytes, which most file systems have: a night puts words before and after
)


@dataclass(frozen=True)
class Arrived:
    """A complete export in an inbox; ``marked`` when a marker says so."""

    inbox: InboxSettings
    path: Path
    marked: bool


@dataclass(frozen=True)
class Left:
    """A file that stays in its inbox, and why."""

    inbox: str
    file: str
    reason: str


@dataclass(frozen=True)
class Look:
    """What the inboxes hold."""

    arrived: tuple[Arrived, ...]
    left: tuple[Left, ...]


class _Watch:
    """Watches files until they have stayed as they are for a while."""

    def __init__(self, seconds: int, clock: Callable[[], float]) -> None:
        self._seconds = seconds
        self._clock = clock
        self._since: dict[Path, tuple[tuple[int, int, int], float]] = {}

    def is_stable(self, path: Path) -> bool:
        """Whether a file is complete; one that is gone is, and the night says so on taking it."""
        try:
            status = path.lstat()
        except FileNotFoundError:
            return True
        # A program that sets the time of a file back while it writes can't do so with ctime.
        last = max(status.st_mtime_ns, status.st_ctime_ns) / 1e9
        if self._clock() - last >= self._seconds:
            return True
        looks = (status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        before, since = self._since.get(path, (None, 0.0))
        if looks != before:
            since = time.monotonic()
            self._since[path] = (looks, since)
        return time.monotonic() - since >= self._seconds


def look(
    site: Site,
    *,
    wait: bool = True,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Look:
    """The complete exports of all inboxes, by inbox and name; waits for files that still grow.

    A file is complete when its marker lies beside it, or when it hasn't changed for
    ``stable_seconds``. Its own times say so at once; where they lie in the future, because a clock
    was set back, it is watched for as long. Raises AuditError for an inbox that can't be read.
    """
    night = site.night
    wanted, left = _wanted(site)
    watch = _Watch(night.stable_seconds, clock)
    until = time.monotonic() + (night.wait_seconds if wait else 0)
    while growing := [
        one
        for one in wanted
        if not one.marked and not one.inbox.done_marker and not watch.is_stable(one.path)
    ]:
        if time.monotonic() >= until:
            break
        sleep(_POLL_SECONDS)
    words = f"has changed within {night.stable_seconds} s: still being written"
    left += [Left(one.inbox.name, one.path.name, words) for one in growing]
    for one in wanted:
        if one.inbox.done_marker and not one.marked:
            left.append(Left(one.inbox.name, one.path.name, f"waits for its {DONE} marker"))
    waiting = {(one.inbox, one.file) for one in left}
    return Look(
        tuple(one for one in wanted if (one.inbox.name, one.path.name) not in waiting),
        tuple(left),
    )


def _wanted(site: Site) -> tuple[list[Arrived], list[Left]]:
    """Files that match a pattern of their inbox, the first inbox first; and those that don't."""
    wanted: list[Arrived] = []
    claimed: set[Path] = set()
    others: dict[Path, Left] = {}
    for inbox in site.night.inboxes:
        folder = site.inbox(inbox)
        for entry in _entries(folder):
            path, name = Path(entry.path), entry.name
            if name.startswith(_NO_EXPORT) or path in claimed:
                continue
            matches = is_named(name, inbox.files)
            if name.endswith(DONE) and not matches:
                continue
            if entry.is_symlink():
                others[path] = Left(inbox.name, legible(name), "is a symbolic link: refused")
            elif not entry.is_file(follow_symlinks=False):
                continue
            elif matches and (fault := _fault_of(name)):
                others[path] = Left(inbox.name, legible(name), fault)
            elif matches:
                claimed.add(path)
                wanted.append(Arrived(inbox, path, path.with_name(name + DONE).is_file()))
            else:
                words = "matches no pattern of its inbox"
                others.setdefault(path, Left(inbox.name, legible(name), words))
    return wanted, [left for path, left in others.items() if path not in claimed]


def _fault_of(name: str) -> str:
    """Why an export of this name can't be taken, ``""`` if it can."""
    if legible(name) != name:
        return "its name is no UTF-8: rename it"
    return "its name is too long: rename it" if len(name.encode()) > _LONGEST_NAME else ""


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except FileNotFoundError as fault:
        raise AuditError(f"{folder}: there is no such inbox; make it, or correct audit.toml") from (
            fault
        )
    except OSError as fault:
        raise AuditError(f"{folder}: the inbox can't be read ({fault.strerror})") from fault
