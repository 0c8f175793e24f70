"""The folder that a run writes: what it may replace, and how it is put in place."""

import os
import shutil
import tempfile
from pathlib import Path

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


def put_in_place(aside: Path, out: Path) -> None:
    """Renames a finished folder to its name; an earlier run there is gone only then."""
    target = out.absolute()
    if not target.exists():
        aside.rename(target)
        return
    former = Path(tempfile.mkdtemp(prefix=f".{out.name}-former-", dir=target.parent))
    target.rename(former / "run")
    try:
        aside.rename(target)
    except OSError:
        (former / "run").rename(target)
        raise
    shutil.rmtree(former, ignore_errors=True)
