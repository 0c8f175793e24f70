"""What one run was asked to do; kept beside its reports so that it can be asked again."""

import json
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from auditor.errors import AuditError
from auditor.settings import Settings

_FORMAT = 1
_NAME = "request.json"


@dataclass(frozen=True)
class Request:
    """Files, settings and options of a run.

    ``memory`` is the most that the run may take, in bytes; None takes what is free. ``engine`` is
    ``spark``, or blank for this machine; ``master`` is Spark's. ``self_test`` has the rules judge
    their own cases too; it changes nothing in the audit and is not kept. ``mask`` has digests stand
    for identifiers in all that is written. ``home`` is where the folder of a finished run lay when
    it was written.
    """

    files: tuple[Path, ...]
    out: Path
    settings: Settings
    as_of: date
    formats: frozenset[str]
    reference: Path | None = None
    profiles: tuple[Path, ...] = ()
    sheet: str | None = None
    corrections: Path | None = None
    history: Path | None = None
    command: str = ""
    self_test: bool = False
    memory: int | None = None
    engine: str = ""
    master: str | None = None
    mask: bool = False
    home: Path | None = None


def save_request(request: Request, folder: Path) -> None:
    """Writes request.json into a run's folder."""
    content = {
        "format": _FORMAT,
        "home": str(request.out.absolute()),
        "files": [str(path.absolute()) for path in request.files],
        "settings": request.settings.model_dump(),
        "as_of": request.as_of.isoformat(),
        "formats": sorted(request.formats),
        "reference": _text(request.reference),
        "profiles": [str(path.absolute()) for path in request.profiles],
        "sheet": request.sheet,
        "corrections": _text(request.corrections),
        "history": _text(request.history),
        "mask": request.mask,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    # A path that is no UTF-8 is escaped as JSON does, and read again as it was.
    (folder / _NAME).write_text(text, encoding="utf-8", errors="backslashreplace", newline="\n")


def open_request(folder: Path) -> Request:
    """The request of a finished run. Raises AuditError if the folder is not one."""
    try:
        content = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError(f"{_NAME} holds no object")
    except (OSError, ValueError) as fault:
        raise AuditError(
            f"{folder}: is not the folder of a finished run ({_NAME} can't be read)", exit_code=2
        ) from fault
    if content.get("format") != _FORMAT:
        raise AuditError(
            f"{folder}: was written by another version of the program; run again", exit_code=2
        )
    try:
        home = _path(content.get("home"))
        return Request(
            files=tuple(now_at(Path(path), home, folder) for path in content["files"]),
            out=folder,
            settings=Settings.model_validate(content["settings"]),
            as_of=date.fromisoformat(content["as_of"]),
            formats=frozenset(content["formats"]),
            reference=_path(content["reference"], home, folder),
            profiles=tuple(now_at(Path(path), home, folder) for path in content["profiles"]),
            sheet=content["sheet"],
            corrections=_path(content["corrections"], home, folder),
            history=_path(content.get("history"), home, folder),
            mask=content.get("mask", False),
            home=home,
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise AuditError(
            f"{folder}: {_NAME} has been changed and can't be understood; run again", exit_code=2
        ) from fault


def _text(path: Path | None) -> str | None:
    return str(path.absolute()) if path else None


def _path(text: str | None, home: Path | None = None, folder: Path | None = None) -> Path | None:
    return now_at(Path(text), home, folder) if text else None


def now_at(path: Path, home: Path | None, folder: Path | None) -> Path:
    """Where a path of a run is to be looked for: with a site that was moved, or that a container
    sees under another name, it lies as far from the run's folder as it did.
    """
    if home is None or folder is None or path.exists():
        return path
    moved = Path(os.path.normpath(folder.absolute() / os.path.relpath(path, home)))
    return moved if moved.exists() else path
