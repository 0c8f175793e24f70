"""Finds reference tables, templates and case files in a checkout and in an installed wheel."""

from pathlib import Path

from auditor.errors import AuditError

_PACKAGE = Path(__file__).parent


def reference_dir() -> Path:
    """The shipped ``reference/`` folder."""
    return _find("reference", "reference")


def templates_dir() -> Path:
    """The shipped ``reports/templates/`` folder."""
    return _find("templates", "reports/templates")


def cases_dir() -> Path:
    """The shipped case files of the rules, ``tests/cases/``."""
    return _find("cases", "tests/cases")


def _find(installed: str, checkout: str) -> Path:
    for folder in (_PACKAGE / "_shipped" / installed, _PACKAGE.parent / checkout):
        if folder.is_dir():
            return folder
    raise AuditError(
        f"the installation is incomplete: {installed} is missing; install the auditor again"
    )
