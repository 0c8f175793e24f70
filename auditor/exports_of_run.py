"""Where the exports of a finished run lie now, and whether they are what the run read."""

import gzip
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from auditor.errors import AuditError
from auditor.request import Request, now_at, open_request
from auditor.shown_names import shown_names

NIGHT, _RUN = "night.json", "run.json"


@dataclass(frozen=True)
class Export:
    """An export of a run: where it lies, the name that reports show, how its columns are read.

    ``digests``: one of them is that of its bytes, unpacked where a night has packed it.
    """

    path: Path
    name: str
    digests: frozenset[str]
    profiles: tuple[Path, ...]
    sheet: str | None
    packed: bool = False

    def is_as_read(self) -> bool:
        """Whether it is there, and holds the bytes that the run read."""
        try:
            with gzip.open(self.path) if self.packed else self.path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest() in self.digests
        except (OSError, EOFError):
            return False


def is_night(folder: Path) -> bool:
    """Whether a run's folder was written by a night."""
    return (folder / NIGHT).is_file()


def came(fates: Sequence[str]) -> str:
    """A sentence on a night's exports that were missing, empty or known; ``""`` where none was.

    ``fates`` are those of night.json.
    """
    if not fates:
        return "No export came."
    exports = "1 export" if len(fates) == 1 else f"{len(fates):,} exports"
    said = [
        f"{count:,} of {exports} held {words}."
        for fate, words in (
            ("empty", "a header and no lines"),
            ("repeat", "the same bytes as one audited before"),
        )
        if (count := fates.count(fate))
    ]
    return " ".join(said)


def came_in(folder: Path) -> str:
    """That sentence for a run's folder, ``""`` where no night wrote it."""
    if not is_night(folder):
        return ""
    return came([one["fate"] for one in _facts(folder, NIGHT)["inputs"]])


def run_of(folder: Path) -> str:
    """The name by which a history knows a run."""
    name = NIGHT if is_night(folder) else _RUN
    return str(_facts(folder, name)["run" if is_night(folder) else "identity"])


def exports_of(folder: Path) -> list[Export]:
    """The exports that a run audited. Raises AuditError when its folder can't be understood."""
    request = open_request(folder)
    try:
        return _of_night(folder, request) if is_night(folder) else _of_run(folder, request)
    except (KeyError, TypeError, ValueError) as fault:
        raise _unreadable(folder, NIGHT if is_night(folder) else _RUN) from fault


def _of_run(folder: Path, request: Request) -> list[Export]:
    digests = frozenset(one["sha256"] for one in _facts(folder, _RUN)["inputs"])
    named = zip(request.files, shown_names(request.files), strict=True)
    return [Export(path, name, digests, request.profiles, request.sheet) for path, name in named]


def _of_night(folder: Path, request: Request) -> list[Export]:
    inputs = _facts(folder, NIGHT)["inputs"]
    names = shown_names([Path(one["source"], one["file"]) for one in inputs])
    audited = [(one, name) for one, name in zip(inputs, names, strict=True) if _was_audited(one)]
    return [
        Export(
            path,
            name,
            frozenset([one["sha256"]]),
            (now_at(Path(one["profile"]), request.home, folder),) if one.get("profile") else (),
            one.get("sheet") or None,
            packed=path.name != one["file"],
        )
        for path, (one, name) in zip(request.files, audited, strict=True)
    ]


def _was_audited(one: dict[str, Any]) -> bool:
    return bool(one["fate"] == "audited")


def _facts(folder: Path, name: str) -> dict[str, Any]:
    try:
        found = json.loads((folder / name).read_text("utf-8"))
        if not isinstance(found, dict):
            raise ValueError(f"{name} holds no object")
    except (OSError, ValueError) as fault:
        raise _unreadable(folder, name) from fault
    return found


def _unreadable(folder: Path, name: str) -> AuditError:
    return AuditError(f"{folder}: {name} can't be read; run again", exit_code=2)
