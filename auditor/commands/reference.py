"""Commands about the reference tables."""

from pathlib import Path
from typing import Annotated

import typer

from auditor.errors import AuditError

_KINDS = (
    "What the files are: ncci-ptp, ncci-mue, pfs, opps, oppscap, gpci, zip, icd10cm, mcd; your "
    "own: contract-rates, payers, revenue-fit."
)


def import_(
    kind: Annotated[str, typer.Argument(help=_KINDS)],
    files: Annotated[
        list[Path], typer.Argument(help="The files of one edition as published, or their archive.")
    ],
    into: Annotated[
        Path | None, typer.Option(help="The library; without it, the settings' reference folder.")
    ] = None,
    edition: Annotated[
        str, typer.Option(help="2026Q4, 2026, FY2026 or a first day, if the files don't say it.")
    ] = "",
    setting: Annotated[
        str, typer.Option(help="professional or institutional, where NCCI files don't say it.")
    ] = "",
    changes: Annotated[
        list[Path] | None, typer.Option(help="The publisher's changes since the edition before.")
    ] = None,
    settings: Annotated[
        Path | None, typer.Option(help="audit.toml: its library, and licences held.")
    ] = None,
) -> None:
    """Import official files into a reference library as one edition."""
    from datetime import datetime

    from auditor.official.importing import Wanted, import_files
    from auditor.official.kinds import kind_named
    from auditor.settings import Settings, own_tables, read_settings

    chosen = read_settings(settings) if settings else Settings()
    library = into or own_tables(settings, chosen)
    if library is None:
        raise AuditError(
            "say where the library is: --into DIR, or reference in the settings", exit_code=2
        )
    if setting not in ("", "professional", "institutional"):
        raise AuditError(
            f"--setting {setting}: is neither professional nor institutional", exit_code=2
        )
    wanted = Wanted(
        kind=kind_named(kind),
        files=tuple(files),
        library=library,
        imported_at=datetime.now().astimezone(),
        edition=edition,
        setting=setting,
        licensed=chosen.licences.cpt_descriptors,
        changes=tuple(changes or ()),
    )
    imported = import_files(wanted)
    typer.echo(imported.page(library), nl=False)


def check(
    reference: Annotated[
        Path | None, typer.Option(help="Folder of tables laid over the shipped ones.")
    ] = None,
) -> None:
    """Prove the reference tables sound: dates, overlaps, sources, shapes of codes."""
    from auditor.reference_pages import check_page

    typer.echo(check_page(reference), nl=False)


def list_tables(
    reference: Annotated[
        Path | None, typer.Option(help="Folder of tables laid over the shipped ones.")
    ] = None,
) -> None:
    """List the reference tables with the dates of service they answer for."""
    from auditor.reference_pages import list_page

    typer.echo(list_page(reference), nl=False)


def diff(
    old: Annotated[str, typer.Argument(help="An edition such as 2026Q3, or a folder of tables.")],
    new: Annotated[str, typer.Argument(help="The edition or folder to compare it with.")],
    reference: Annotated[
        Path | None, typer.Option(help="The library that holds the editions.")
    ] = None,
    on: Annotated[
        Path | None, typer.Option(help="Folder of a finished run: its findings under both.")
    ] = None,
) -> None:
    """Show what an edition changes: rows, and with --on the findings and dollars of a run."""
    from auditor.reference_diff import diff_page

    typer.echo(diff_page(old, new, reference, on), nl=False)
