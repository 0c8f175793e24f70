"""Commands about the reference tables."""

from pathlib import Path
from typing import Annotated

import typer


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
