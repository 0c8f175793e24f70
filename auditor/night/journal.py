"""The journal of one night's run: what it took, what became of it, which steps are done.

It lies in ``work/<run>/journal.json`` and is replaced whole at each change, so that a killed night
finds there what is known to be done. All that a step does again after a kill has the same result.
"""

import json
import re
from collections.abc import Container, Iterable
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from pathlib import Path

from auditor.errors import AuditError
from auditor.night import durable
from auditor.shown_names import shown_names

_FORMAT = 1
_NAME = "journal.json"
_RUN_NAME = re.compile(r"\d{4}-\d{2}-\d{2}(-\d+)?")

STEPS = ("taken", "written", "remembered", "published", "mailed", "filed", "tidied")
"""What a run has behind it, in this order."""


@dataclass(frozen=True)
class Input:
    """An export of a run. ``place`` is its path in ``inputs/`` of the run's work folder.

    ``fate``: ``""`` before it was read, then ``audited``; ``repeat``: audited in an earlier run or
    twice in this one; ``empty``: a header and no lines; ``failed``: can't be read, ``reason``
    says why; ``changed``: changed while it was read, goes back to its inbox; ``gone``: deleted from
    the inbox before it was taken.
    """

    source: str
    path: str
    sha256: str
    bytes: int
    fate: str = ""
    reason: str = ""

    @property
    def file(self) -> str:
        """The file's name."""
        return Path(self.path).name

    @property
    def place(self) -> Path:
        """Where it lies in a run's folder, below the folder's own name for that stage."""
        return Path(self.source) / self.file


@dataclass
class Journal:
    """One run. ``starts`` counts audits begun and not ended in order, to notice fatal inputs."""

    folder: Path
    run: str
    as_of: date
    inputs: list[Input] = field(default_factory=list)
    left: list[dict[str, str]] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    reading: str = ""
    starts: int = 0

    def is_done(self, step: str) -> bool:
        """Whether a step is behind."""
        return step in self.done

    def mark(self, step: str) -> None:
        """Keeps that a step is done."""
        if step not in self.done:
            self.done.append(step)
            self.save()

    def input_at(self, one: Input) -> Path:
        """Where an export of the run lies while the run is going on."""
        return self.folder / "inputs" / one.place

    @property
    def reports(self) -> Path:
        """Where the run's reports are written before they are published."""
        return self.folder / "reports"

    def set_fate(self, place: int, fate: str, reason: str = "") -> None:
        """Says what becomes of an export; kept by the next ``save``."""
        self.inputs[place] = replace(self.inputs[place], fate=fate, reason=reason)

    def names(self) -> tuple[str, ...]:
        """The name of each input in reports and history: with its inbox where others share it."""
        return shown_names([one.place for one in self.inputs])

    def of_fate(self, *fates: str) -> list[Input]:
        """The exports with one of these fates."""
        return [one for one in self.inputs if one.fate in fates]

    def save(self) -> None:
        """Puts the journal on the disk."""
        content = {
            "format": _FORMAT,
            "run": self.run,
            "as_of": self.as_of.isoformat(),
            "inputs": [asdict(one) for one in self.inputs],
            "left": self.left,
            "done": self.done,
            "reading": self.reading,
            "starts": self.starts,
        }
        durable.make_folder(self.folder)
        durable.write(self.folder / _NAME, json.dumps(content, indent=1).encode())


def open_journal(folder: Path) -> Journal:
    """The journal in a run's work folder. Raises AuditError when it can't be understood."""
    try:
        content = json.loads((folder / _NAME).read_text(encoding="utf-8"))
        if content["format"] != _FORMAT:
            raise ValueError("another format")
        return Journal(
            folder=folder,
            run=content["run"],
            as_of=date.fromisoformat(content["as_of"]),
            inputs=[Input(**one) for one in content["inputs"]],
            left=content["left"],
            done=content["done"],
            reading=content["reading"],
            starts=content["starts"],
        )
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise AuditError(
            f"{folder / _NAME}: can't be understood; move the exports in {folder / 'inputs'} back "
            "to their inboxes and delete the folder"
        ) from fault


def unfinished(work: Path) -> list[Journal]:
    """Runs that a kill or a fault cut short, oldest first."""
    return [open_journal(folder) for folder in _run_folders(work) if (folder / _NAME).is_file()]


def without_journal(work: Path) -> list[Path]:
    """Work folders that have no journal: a kill came before it or after it."""
    return [folder for folder in _run_folders(work) if not (folder / _NAME).is_file()]


def _run_folders(work: Path) -> list[Path]:
    if not work.is_dir():
        return []
    return sorted(
        (path for path in work.iterdir() if is_run(path)), key=lambda path: order(path.name)
    )


def is_run(path: Path) -> bool:
    """Whether a path is a folder named as a run is."""
    return bool(_RUN_NAME.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def order(run: str) -> tuple[str, int]:
    """Runs in the order of their days and numbers."""
    return run[:10], int(run[11:] or 1)


def free_name(as_of: date, folders: Iterable[Path], runs: Container[str] = ()) -> str:
    """A name for a run of this day that none of the folders holds yet, and none of ``runs`` has."""
    places = list(folders)
    number, name = 1, as_of.isoformat()
    while name in runs or any((folder / name).exists() for folder in places):
        number += 1
        name = f"{as_of.isoformat()}-{number}"
    return name


def finish(journal: Journal) -> None:
    """Ends a run: removes its journal first, then what is left of its folder."""
    durable.remove(journal.folder / _NAME)
    durable.remove_folder(journal.folder)
