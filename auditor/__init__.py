"""Audits cardiac CT and FFR-CT claim lines; from Python, too.

``audit_file`` does what ``auditor run`` does, without reports; ``read_claims`` is its first half.
``auditor.audit`` has the second: ``prepare`` and ``audit``, of claim lines and reference tables.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

# What these functions need takes half a second to import, and every command imports this module.
if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from auditor.audit import Audit
    from auditor.intake import Claims
    from auditor.settings import Settings

__all__ = ["audit_file", "read_claims"]


def read_claims(
    *files: Path | str,
    columns: Path | str | Sequence[Path | str] | None = None,
    sheet: str | None = None,
    settings: Settings | None = None,
) -> Claims:
    """The claim lines of some exports together, and the rejected lines.

    ``columns`` is a column profile, or several that say which files each is for; ``sheet`` that of
    a workbook. ``lines`` of the answer is a frame with the columns of ``auditor.schema``, one row a
    claim line. Raises AuditError for a file that can't be read.
    """
    from pathlib import Path

    from auditor.intake import read_files

    return read_files(
        [Path(file) for file in files],
        profiles=_paths(columns),
        sheet=sheet,
        patient_id_substitute=settings.patient_id_substitute if settings else "",
    )


def audit_file(
    *files: Path | str,
    as_of: date,
    reference: Path | str | None = None,
    columns: Path | str | Sequence[Path | str] | None = None,
    sheet: str | None = None,
    settings: Settings | None = None,
) -> Audit:
    """The audit of some exports as one run, looked at from the day ``as_of``.

    ``reference`` is a folder of tables laid over the shipped ones, or a library. ``findings`` of
    the answer has a row a rule and line, amounts in cents; ``books`` a row a rule. Raises
    AuditError for a file that can't be read.
    """
    from pathlib import Path

    from auditor.as_requested import audited_for, claims_of
    from auditor.library.reading import narrowed
    from auditor.reference import load_reference
    from auditor.request import Request
    from auditor.settings import Settings
    from auditor.shipped import reference_dir

    chosen = settings or Settings()
    over = reference or chosen.reference
    request = Request(
        files=tuple(map(Path, files)),
        out=Path(),
        settings=chosen,
        as_of=as_of,
        formats=frozenset(),
        reference=Path(over) if over else None,
        profiles=_paths(columns),
        sheet=sheet,
    )
    tables = load_reference(reference_dir(), request.reference)
    lines = claims_of(request).lines
    return audited_for(lines, narrowed(tables, lines), request)


def _paths(columns: Path | str | Sequence[Path | str] | None) -> tuple[Path, ...]:
    from pathlib import Path

    if columns is None:
        return ()
    return tuple(map(Path, [columns] if isinstance(columns, str | Path) else columns))
