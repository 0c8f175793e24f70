"""Commands of a site: its night, and the look at whether the next one will go well."""

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from auditor.commands.audits import day_of
from auditor.errors import AuditError


def night(
    settings: Annotated[
        Path, typer.Option(help="audit.toml of the site, with a section for nights.")
    ],
    as_of: Annotated[
        str | None,
        typer.Option(help="The day the audit looks from, YYYY-MM-DD; without it, today."),
    ] = None,
) -> None:
    """Audit what arrived, together with what earlier nights saw, and file it away."""
    from auditor.night.log import open_log
    from auditor.night.night import night as run_night
    from auditor.night.site import open_site

    site = open_site(settings)
    given = day_of(as_of) if as_of else None
    today = date.today()  # noqa: DTZ011  the site's own day
    log = open_log(site.log, today)
    ended = run_night(site, today, log, as_of=given)
    for line in ended.said:
        typer.echo(line)
    if ended.problems:
        raise AuditError("; ".join(ended.problems))


def doctor(
    settings: Annotated[
        Path, typer.Option(help="audit.toml of the site, with a section for nights.")
    ],
) -> None:
    """Say whether the next night will go well: one line a check, exit 1 when one fails."""
    from auditor.night.doctor import doctor as look_at
    from auditor.night.doctor import page
    from auditor.night.site import open_site

    checks = look_at(open_site(settings), date.today())  # noqa: DTZ011  the site's own day
    typer.echo(page(checks), nl=False)
    if any(check.state == "fail" for check in checks):
        raise typer.Exit(1)
