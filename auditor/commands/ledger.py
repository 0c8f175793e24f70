"""Commands about what people decided: take the worklist's dispositions, owners and notes back."""

from pathlib import Path
from typing import Annotated

import typer


def import_(
    workbook: Annotated[Path, typer.Argument(help="A report.xlsx with its worklist filled in.")],
    run: Annotated[
        Path | None, typer.Option(help="Folder of the run; without it, that of the workbook.")
    ] = None,
    history: Annotated[
        Path | None,
        typer.Option(help="Folder of the history; without it, that of the run, if it had one."),
    ] = None,
) -> None:
    """Take dispositions, owners and notes of a worklist back; later reports show them."""
    from auditor.errors import AuditError
    from auditor.history.ledger import NAME
    from auditor.report.dispositions import FILE, import_dispositions

    if history and not (history / NAME).exists():
        raise AuditError(f"{history}: holds no {NAME}; name the folder of a history", exit_code=2)
    if run and run.is_dir() and not (run / "run.json").exists():
        raise AuditError(f"{run}: holds no run.json; name the folder of a run", exit_code=2)
    folder = run or _own_folder(workbook, told=history is not None)
    remembering = history or _history_of(folder)
    imported = import_dispositions(workbook, folder)
    if remembering:
        from auditor.history.memory import Memory

        with Memory.open(remembering) as memory:
            for note in memory.notes:
                typer.echo(f"Mind: {note}", err=True)
            memory.decide(imported.brought, imported.dispositions)
    typer.echo(f"Dispositions: {imported.said}; see {folder / FILE}")


def _own_folder(workbook: Path, *, told: bool) -> Path:
    """The folder that a workbook lies in, if it is a run's or it is told where else they go."""
    from auditor.errors import AuditError

    folder = workbook.parent
    if workbook.exists() and not told and not (folder / "run.json").exists():
        raise AuditError(
            f"{workbook}: {folder} is not the folder of a run; name the run with --run, so that "
            "later reports find the decisions",
            exit_code=2,
        )
    return folder


def _history_of(folder: Path) -> Path | None:
    """The history that a run was audited with; None where it had none or says nothing of it.

    Raises AuditError where it is not there: later runs would not know the decisions.
    """
    from auditor.errors import AuditError
    from auditor.request import open_request

    try:
        history = open_request(folder).history
    except AuditError:
        return None
    if history and not history.is_dir():
        raise AuditError(
            f"{folder}: the history of this run is not at {history}; name it with --history, so "
            "that later runs know the decisions",
            exit_code=2,
        )
    return history
