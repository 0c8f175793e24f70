"""Refuses a pipe in the place of a file: who opens one waits until somebody writes to it."""

from pathlib import Path

from auditor.errors import AuditError


def regular(path: Path, exit_code: int = 1) -> Path:
    """The path as it is. Raises AuditError if what stands there is neither file nor folder."""
    if path.exists() and not path.is_file() and not path.is_dir():
        raise AuditError(f"{path} is not a regular file; copy it to one", exit_code)
    return path
