"""The library on disk: what stands in it, and how a new edition is put there whole or not at all.

``library.json`` names the editions and the tables they make together; it is replaced in one step,
so a kill leaves the library as it was. What it does not name is left by a killed import and is
removed by the next one.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from auditor.disk import sync_folder
from auditor.errors import AuditError
from auditor.reference import LIBRARY

_FORMAT = 1
_ASIDE = ".aside-"
TABLES = "tables"


@dataclass(frozen=True)
class Shelved:
    """One imported edition, as its manifest says it.

    ``rows`` counts the kept rows by table; ``folder`` lies below the library's. ``files`` hold the
    publisher's file name, its digest and the rows read, and ``quarantined`` the rows not kept.
    """

    kind: str
    edition: str
    setting: str
    folder: str
    first_date: date
    last_date: date
    complete: bool
    descriptors: bool
    title: str
    publisher: str
    digest: str
    imported_at: str
    files: tuple[dict[str, Any], ...]
    rows: dict[str, int]
    rows_read: int
    quarantined: int
    left_out: dict[str, int]

    @property
    def source(self) -> str:
        """The id by which findings cite this edition."""
        words = [self.kind, self.edition.lower(), self.setting]
        return "-".join(word for word in words if word)


@dataclass(frozen=True)
class Gathered:
    """A table that the editions of one setting make together: its file and digest."""

    table: str
    setting: str
    file: str
    rows: int
    digest: str


@dataclass(frozen=True)
class Shelf:
    """A library: its folder, its editions (oldest first) and the tables they make together."""

    folder: Path
    editions: tuple[Shelved, ...] = ()
    tables: tuple[Gathered, ...] = ()

    def of_table(self, table: str, setting: str | None = None) -> list[Shelved]:
        """The editions that hold a table, in one setting or in any."""
        return [
            one for one in self.editions if table in one.rows and setting in (None, one.setting)
        ]


def open_shelf(folder: Path) -> Shelf:
    """The library in a folder; an empty one where there is none yet.

    Raises AuditError when library.json can't be understood.
    """
    path = folder / LIBRARY
    if not path.is_file():
        return Shelf(folder)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise AuditError(
                f"{path}: was written by another version of the program; import the editions into "
                "a new folder"
            )
        return Shelf(
            folder,
            tuple(_shelved(one) for one in content["editions"]),
            tuple(Gathered(**one) for one in content["tables"]),
        )
    except OSError as fault:
        raise AuditError(f"{path}: can't be read ({fault.strerror})") from fault
    except (ValueError, TypeError, KeyError) as fault:
        raise AuditError(
            f"{path}: has been changed and can't be understood; restore it from a copy, or import "
            "the editions into a new folder"
        ) from fault


def _shelved(content: dict[str, Any]) -> Shelved:
    return Shelved(
        **content
        | {
            "first_date": date.fromisoformat(content["first_date"]),
            "last_date": date.fromisoformat(content["last_date"]),
            "files": tuple(content["files"]),
        }
    )


def as_json(one: Shelved) -> dict[str, Any]:
    """An edition as its manifest holds it."""
    days = {"first_date": one.first_date.isoformat(), "last_date": one.last_date.isoformat()}
    return asdict(one) | days | {"files": list(one.files)}


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Holds the library for one import at a time. Raises AuditError when another one holds it."""
    from filelock import FileLock, Timeout

    try:
        if not folder.is_dir():
            folder.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.parent)
        lock = FileLock(folder / ".lock", timeout=10)
        with lock:
            yield
    except Timeout as fault:
        raise AuditError(f"{folder}: another import is at work there; wait for its end") from fault
    except OSError as fault:
        raise AuditError(
            f"{folder}: can't be written ({_reason(fault)}); make room or name another folder"
        ) from fault


def _reason(fault: OSError) -> str:
    """What the system says, without what pyarrow puts around it."""
    return fault.strerror or re.sub(r".*\[errno \d+\] ", "", str(fault), flags=re.DOTALL)


@contextmanager
def aside(folder: Path) -> Iterator[Path]:
    """A folder to write in, gone afterwards whatever happens."""
    place = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=folder))
    try:
        yield place
    finally:
        shutil.rmtree(place, ignore_errors=True)


def replace_list(folder: Path, editions: Sequence[Shelved], tables: Sequence[Gathered]) -> None:
    """The one step that makes a change of the library count."""
    content = {
        "format": _FORMAT,
        "editions": [as_json(one) for one in editions],
        "tables": [asdict(one) for one in tables],
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    handle, name = tempfile.mkstemp(prefix=_ASIDE, dir=folder)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).chmod(0o644)
        # New folders of kinds and of tables have their names on the disk before the list has.
        sync_folder(folder)
        Path(name).replace(folder / LIBRARY)
        sync_folder(folder)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def sweep(shelf: Shelf) -> None:
    """Removes what the list does not name: the leavings of imports that were killed or replaced."""
    named = {one.folder for one in shelf.editions}
    for place in shelf.folder.glob(f"{_ASIDE}*"):
        if place.is_dir():
            shutil.rmtree(place, ignore_errors=True)
        else:
            place.unlink(missing_ok=True)
    for manifest in shelf.folder.glob("*/*/manifest.json"):
        folder = manifest.parent
        if folder.relative_to(shelf.folder).as_posix() not in named:
            shutil.rmtree(folder, ignore_errors=True)
    files = {one.file for one in shelf.tables}
    for path in (shelf.folder / TABLES).glob("*.parquet"):
        if path.relative_to(shelf.folder).as_posix() not in files:
            path.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """The digest of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
