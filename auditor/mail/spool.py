"""The spool: a folder in which every message lies before it is sent, and a mark after it was.

``waiting/`` holds what is to be sent, ``sent/`` a mark for each message that a server took,
``refused/`` what a server refused for good. One message is one file, for one recipient, named by
its key; files are for their owner alone (0600), folders too (0700). Everything is on the disk
before the next step begins, so that a power cut neither loses a message nor sends it again. What
is deleted is erased: a message may carry the workbook.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from email.headerregistry import Address
from email.parser import BytesHeaderParser
from email.policy import SMTP
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock, Timeout

from auditor import erasing
from auditor.disk import sync_folder
from auditor.errors import AuditError

if TYPE_CHECKING:
    from auditor.mail.letter import Letter

_PATIENCE_SECONDS = 600


class Spool:
    """The folder of one site. Use it under ``locked()``: two senders never meet in it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting = folder / "waiting"
        self._sent = folder / "sent"
        self._refused = folder / "refused"
        self._last = folder / "last"

    @contextmanager
    def locked(self) -> Iterator[Spool]:
        """Makes the folder where it is not, and keeps other senders out.

        Raises AuditError if another one keeps it for long, or the folder can't be written.
        """
        lock = FileLock(self._folder / ".lock", timeout=_PATIENCE_SECONDS, mode=0o600)
        try:
            with self._writing():
                for place in (self._folder, self._waiting, self._sent, self._refused, self._last):
                    place.mkdir(mode=0o700, parents=True, exist_ok=True)
                lock.acquire()
                for place in (self._waiting, self._sent, self._refused, self._last):
                    erasing.clear(place)
        except Timeout as fault:
            raise AuditError(
                f"{self._folder}: another run is sending mail; wait until it has ended"
            ) from fault
        try:
            yield self
        finally:
            lock.release()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Timeout:  # is an OSError, too
            raise
        except OSError as fault:
            raise AuditError(
                f"{self._folder}: can't be written ({fault.strerror or fault}); the mail needs it"
            ) from fault

    def add(self, letter: Letter) -> None:
        """Keeps a message until it is sent. One of the same key is replaced, a refused one too."""
        with self._writing():
            _write(self._waiting / f"{letter.key}.eml", letter.message.as_bytes())
            kind = b"failed" if letter.failed else b"report"
            _write(self._last / _name_of(letter.address), kind)
            erasing.erase(self._refused / f"{letter.key}.eml")

    def waiting(self) -> list[Path]:
        """The messages to send, oldest first, those that were put off behind them."""
        return sorted(self._waiting.glob("*.eml"), key=lambda path: (path.stat().st_mtime, path))

    def put_off(self, path: Path) -> None:
        """Puts a message behind the others that wait: the server went away over it."""
        with self._writing():
            os.utime(path)

    def was_sent(self, key: str) -> bool:
        """Whether a server took the message of this key."""
        return self._mark(key).is_file()

    def failed_last(self, address: str) -> bool:
        """Whether the last message for an address told of a failure."""
        try:
            return (self._last / _name_of(address)).read_bytes() == b"failed"
        except FileNotFoundError:
            return False

    def addresses(self, path: Path) -> tuple[str, str]:
        """From and To of a message. Raises ValueError if it has not one of each."""
        with path.open("rb") as stream:
            headers = BytesHeaderParser(policy=SMTP).parse(stream)
        found = [one.addr_spec for name in ("From", "To") for one in _all_in(headers[name])]
        if len(found) != 2:
            raise ValueError(path.name)
        return found[0], found[1]

    def prepare_mark(self, path: Path, address: str) -> None:
        """Writes the mark aside, before the message is sent: a full disk shows itself now."""
        with self._writing():
            _write_aside(self._mark(path.stem), json.dumps({"to": address}).encode())

    def mark_sent(self, path: Path) -> None:
        """Marks a message as taken, for ever, and drops it."""
        with self._writing():
            _put_in_place(self._mark(path.stem))
            erasing.erase(path)

    def forget_sent(self, key: str) -> None:
        """Takes the mark away, for a message that is wanted again."""
        with self._writing():
            erasing.erase(self._mark(key))

    def drop(self, path: Path) -> None:
        """Drops a waiting message that was sent already: a kill came between mark and removal."""
        with self._writing():
            erasing.erase(path)

    def mark_refused(self, path: Path) -> None:
        """Puts a message aside that no further try would deliver."""
        with self._writing():
            path.replace(self._refused / path.name)
            sync_folder(self._refused)
            erasing.erase(_aside(self._mark(path.stem)))

    def _mark(self, key: str) -> Path:
        return self._sent / f"{key}.json"


def _all_in(header: Any) -> tuple[Address, ...]:
    return tuple(getattr(header, "addresses", ()))


def _name_of(address: str) -> str:
    return hashlib.sha256(address.lower().encode()).hexdigest()[:24]


def _write(path: Path, content: bytes) -> None:
    """Writes a file for its owner alone, whole or not at all, and waits for the disk."""
    _write_aside(path, content)
    _put_in_place(path)


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.part")


def _write_aside(path: Path, content: bytes) -> None:
    aside = _aside(path)
    erasing.erase(aside)
    number = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(number, "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _put_in_place(path: Path) -> None:
    erasing.replace(_aside(path), path)
