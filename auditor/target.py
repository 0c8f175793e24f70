"""The folder that a run writes: what it may replace, and how it is put in place."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from auditor import erasing
from auditor.disk import sync_folder
from auditor.errors import AuditError
from auditor.report import dispositions

_OWN_FILES = frozenset(
    {
        "findings.csv",
        "findings.parquet",
        "night.json",
        "report.html",
        "report.pdf",
        "report.xlsx",
        "rejected.csv",
        "run.json",
        "report.json",
        "request.json",
        "corrections.csv",
        "corrections_proof.csv",
        dispositions.FILE,
    }
)


def refuse_target(out: Path) -> None:
    """Refuses a target that holds something else than an earlier run."""
    if out.exists() and not out.is_dir():
        raise AuditError(f"{out}: is a file; --out takes a folder", exit_code=2)
    foreign = sorted(path.name for path in out.iterdir()) if out.is_dir() else []
    foreign = [name for name in foreign if name not in _OWN_FILES]
    foreign = [name for name in foreign if not erasing.is_leaving(out / name)]
    if foreign:
        raise AuditError(
            f"{out}: holds {foreign[0]}, which is no file of an earlier run; move it or name "
            "another folder",
            exit_code=2,
        )
    parent = existing_parent(out)
    if not os.access(parent, os.W_OK | os.X_OK):
        raise AuditError(f"{out}: can't be written; {parent} is not writable by this user")


def existing_parent(path: Path) -> Path:
    """The nearest folder above a path that exists."""
    parent = path.absolute().parent
    while not parent.exists():
        parent = parent.parent
    return parent


@contextmanager
def folder_beside(out: Path) -> Iterator[Path]:
    """A folder to write a run in and to put in place; erased where it is not.

    Erases first what runs into the same folder left that were killed outright.
    """
    parent = out.absolute().parent
    parent.mkdir(parents=True, exist_ok=True)
    for words in ("writing", "former"):
        for left in parent.glob(f".{escape(out.name)}-{words}-*"):
            # An earlier run stands there alone where a kill came before the new one's place.
            if words == "writing" or out.exists():
                _erase_left(left)
    aside = Path(tempfile.mkdtemp(prefix=f".{out.name}-writing-", dir=parent))
    with _in_use(aside):
        try:
            yield aside
        finally:
            with suppress(OSError):
                erasing.erase_tree(aside)


def put_in_place(aside: Path, out: Path) -> None:
    """Renames a finished folder to its name; an earlier run there is erased only then."""
    target = out.absolute()
    if not target.exists():
        aside.rename(target)
        return
    former = Path(tempfile.mkdtemp(prefix=f".{out.name}-former-", dir=target.parent))
    with _in_use(former):
        target.rename(former / "run")
        try:
            aside.rename(target)
        except OSError:
            (former / "run").rename(target)
            raise
        with suppress(OSError):
            # After a power cut the name must not lead to what was overwritten.
            sync_folder(target.parent)
            erasing.erase_tree(former)


@contextmanager
def _in_use(folder: Path) -> Iterator[bool]:
    """Holds a folder while it is in use; says whether it is ours.

    The system lets go when the process dies, however it dies. Where it has no such locks nothing
    is held, and nothing that was left is taken for left.
    """
    if sys.platform == "win32":
        yield False
        return
    import fcntl

    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = True
        except OSError:
            held = False
        yield held
    finally:
        os.close(handle)


def _erase_left(folder: Path) -> None:
    with suppress(OSError), _in_use(folder) as ours:
        if ours:
            erasing.erase_tree(folder)
