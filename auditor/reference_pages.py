"""What ``auditor reference check`` and ``list`` say, as text for the terminal."""

from pathlib import Path

from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir


def check_page(overlay: Path | None) -> str:
    """Loads every table with all checks. Raises AuditError for the first that isn't sound."""
    reference = load_reference(reference_dir(), overlay)
    _check_citations(reference)
    rows = sum(len(table.rows) for table in reference.tables.values())
    return (
        f"{len(reference.tables)} tables, {rows:,} rows, {len(reference.sources)} sources: sound\n"
    )


def _check_citations(reference: Reference) -> None:
    for rule in CATALOGUE:
        for source in rule.sources:
            if source not in reference.sources:
                raise AuditError(f"{rule.name} cites {source}, which sources.csv does not list")


def list_page(overlay: Path | None) -> str:
    """One line a table and setting: rows, edition, and the dates of service it answers for."""
    reference = load_reference(reference_dir(), overlay)
    lines = [f"{'table':<28} {'setting':<14} {'rows':>6}  {'answers for':<26} edition"]
    for name, table in sorted(reference.tables.items()):
        for edition in table.editions:
            first = edition.first_date.isoformat() if edition.first_date else "the start"
            last = edition.last_date.isoformat() if edition.last_date else "any date"
            origin = "" if edition.origin == "shipped" else f" ({edition.origin})"
            lines.append(
                f"{name:<28} {edition.setting or 'all':<14} {edition.rows:>6}  "
                f"{first + ' to ' + last:<26} {edition.edition}{origin}"
            )
    return "\n".join(lines) + "\n"
