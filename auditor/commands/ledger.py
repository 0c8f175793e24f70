"""Commands about what people decided: take the worklist's dispositions, owners and notes back."""

from pathlib import Path
from typing import Annotated

import typer


def import_(
    workbook: Annotated[Path, typer.Argument(help="A report.xlsx with its worklist filled in.")],
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run. [the folder of the workbook]")
    ] = None,
) -> None:
    """Take dispositions, owners and notes of a worklist back; later reports show them."""
    from auditor.report.dispositions import FILE, import_dispositions

    folder = run or workbook.parent
    imported = import_dispositions(workbook, folder)
    typer.echo(f"Dispositions: {imported.said}; see {folder / FILE}")
