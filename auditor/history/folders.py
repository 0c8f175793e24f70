"""Folders and files that only the user who runs the auditor may read."""

from pathlib import Path

from auditor.errors import AuditError

FOLDER, FILE = 0o700, 0o600


def private(folder: Path) -> None:
    """Makes a folder for its owner alone, and those above it; one that is there stays as it is."""
    if folder.is_dir():
        return
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=FOLDER, exist_ok=True)
    except OSError as fault:
        raise AuditError(
            f"{folder}: can't be made ({fault.strerror or fault}); name a folder that you may write"
        ) from fault
