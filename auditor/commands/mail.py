"""The command that mails a finished run's summary, or what a server would not take before."""

import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.errors import AuditError

if TYPE_CHECKING:
    from auditor.mail import Delivery
    from auditor.mail_settings import RecipientSettings
    from auditor.settings import Settings


def mail(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Folder of a finished run.")
    ] = None,
    settings: Annotated[Path, typer.Option(help="audit.toml with a section for mail.")] = Path(
        "audit.toml"
    ),
    to: Annotated[
        list[str] | None, typer.Option(help="Only to this address; more than once for more.")
    ] = None,
    dry_run: Annotated[
        Path | None, typer.Option(help="Send nothing; write the messages (.eml) into this folder.")
    ] = None,
    spool: Annotated[
        bool, typer.Option("--spool", help="Send what waits in the spool folder.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Also to those who have this mail already.")
    ] = False,
) -> None:
    """Mail the summary of a finished run: counts and dollars, no patient and no claim."""
    from auditor.night.site import site_of

    if (folder is None) is not spool:
        raise AuditError("name the folder of a run, or --spool without one", exit_code=2)
    if spool and (dry_run or to or again):
        raise AuditError("--spool takes no other option than --settings", exit_code=2)
    site = site_of(settings)
    chosen, place = site.settings, site.spool
    if not chosen.mail.recipients:
        raise AuditError(f"{settings}: mail.recipients is empty; nobody gets mail", exit_code=2)
    if folder and dry_run:
        _write(folder, _recipients(chosen, to, settings), chosen, dry_run)
        return
    from auditor.mail import deliver, send_waiting

    _tell(
        deliver(folder, chosen, place, recipients=_recipients(chosen, to, settings), again=again)
        if folder
        else send_waiting(chosen, place),
        place,
    )


def _recipients(
    settings: "Settings", to: list[str] | None, path: Path
) -> "list[RecipientSettings]":
    """Those of the settings, or the ones named; a mail goes to nobody that they don't name."""
    known = {one.address.lower(): one for one in settings.mail.recipients}
    if not to:
        return list(known.values())
    if strangers := [one for one in to if one.lower() not in known]:
        raise AuditError(
            f"--to {strangers[0]}: is no recipient in {path}; add it there, with what it may see",
            exit_code=2,
        )
    return [known[one.lower()] for one in to]


def _write(
    folder: Path, recipients: "list[RecipientSettings]", settings: "Settings", out: Path
) -> None:
    """Writes each recipient's message as it would be sent, then says what was written."""
    from auditor.mail.letter import letter
    from auditor.mail.summary import summary_of

    summary = summary_of(folder)
    written = []
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        taken: Counter[str] = Counter()
        for one in recipients:
            written.append(letter(summary, one, settings))
            name = re.sub(r"[^A-Za-z0-9.@_-]", "_", one.address)
            taken[name.lower()] += 1
            if (same := taken[name.lower()]) > 1:
                name = f"{name}-{same}"
            path = out / f"{name}.eml"
            path.touch(mode=0o600)
            path.write_bytes(written[-1].message.as_bytes())
    except OSError as fault:
        raise AuditError(f"{out}: can't be written ({fault.strerror or fault})") from fault
    for one, letter_to in zip(recipients, written, strict=True):
        typer.echo(f"{one.address}: {letter_to.message['Subject']}")
        if letter_to.warning:
            typer.echo(letter_to.warning, err=True)
    typer.echo(f"Nothing was sent. Messages: {out}")


def _tell(deliveries: "tuple[Delivery, ...]", place: Path) -> None:
    """Says what became of each message; what is not through ends with exit code 1."""
    for one in deliveries:
        typer.echo(f"{one.address}: {one.state}{f' ({one.reason})' if one.reason else ''}")
    if not deliveries:
        typer.echo("Nothing waits to be sent.")
    refused = sum(one.state == "refused" for one in deliveries)
    waiting = sum(one.state == "waiting" for one in deliveries)
    if refused or waiting:
        raise AuditError(
            f"{waiting} of {len(deliveries)} messages wait in {place} (send them with "
            f"auditor mail --spool), {refused} were refused"
        )
