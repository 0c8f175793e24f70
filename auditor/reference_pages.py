"""What ``auditor reference check`` and ``list`` say, as text for the terminal."""

from pathlib import Path

from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.library.shelf import open_shelf
from auditor.library_check import check_library, coverage_lines, edition_line
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir


def check_page(overlay: Path | None) -> str:
    """Loads every table with all checks. Raises AuditError for the first that isn't sound."""
    reference = load_reference(reference_dir(), overlay)
    _check_citations(reference)
    rows = sum(len(table.rows) for table in reference.tables.values())
    return (
        f"{len(reference.tables)} tables, {rows:,} rows, {len(reference.sources)} sources: sound\n"
        + (check_library(reference.library, reference) if reference.library else "")
    )


def _check_citations(reference: Reference) -> None:
    for rule in CATALOGUE:
        for source in rule.sources:
            if source not in reference.sources:
                raise AuditError(f"{rule.name} cites {source}, which sources.csv does not list")


def list_page(overlay: Path | None) -> str:
    """One line a table and setting: rows, edition, and the dates of service it answers for."""
    reference = load_reference(reference_dir(), overlay)
    lines = [f"{'table':<28} {'setting':<14} {'rows':>9}  {'answers for':<26} edition"]
    lines += [
        edition_line(name, edition)
        for name, table in sorted(reference.tables.items())
        for edition in table.editions
    ]
    if reference.library:
        lines += [
            "",
            f"Library {reference.library}",
            *coverage_lines(open_shelf(reference.library)),
        ]
    return "\n".join(lines) + "\n"
