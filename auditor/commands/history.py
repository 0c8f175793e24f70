"""Commands about what a site remembers: compare runs, waive findings, read the ledger."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

_WAIVERS = Annotated[
    Path | None,
    typer.Option("--waivers", help="waivers.csv, or the folder of the history it lies in."),
]
_SETTINGS = Annotated[
    Path | None,
    typer.Option("--settings", help="audit.toml of a site: the waivers that its nights read."),
]


def compare(
    earlier: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the earlier run.")],
    later: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of the later run.")],
    history: Annotated[
        Path | None, typer.Option(help="Folder of their history: tells ages, resolved, waived.")
    ] = None,
    listing: Annotated[
        Path | None, typer.Option("--list", help="Write every finding with its change as CSV.")
    ] = None,
) -> None:
    """Compare two runs: what is new, reopened, persisting with its age, resolved."""
    from auditor.history.compare import comparison_page

    typer.echo(comparison_page(earlier, later, history, listing), nl=False)


def waive_add(
    rule: Annotated[str, typer.Argument(help="The rule's name.")],
    reason: Annotated[str, typer.Option(help="Why it is right as it is.")],
    owner: Annotated[str, typer.Option(help="Who answers for it.")],
    expires: Annotated[str, typer.Option(help="Last day it is in force, YYYY-MM-DD.")],
    waivers: _WAIVERS = None,
    settings: _SETTINGS = None,
    claim: Annotated[str, typer.Option(help="Claim; * and ? stand for anything.")] = "",
    provider: Annotated[str, typer.Option(help="Billing NPI, as a pattern.")] = "",
    payer: Annotated[str, typer.Option(help="Payer's name, as a pattern.")] = "",
    revenue_code: Annotated[str, typer.Option(help="Revenue code, as a pattern.")] = "",
) -> None:
    """Waive findings of a rule, for a claim, provider, payer or revenue code, until a day."""
    from auditor.history.waiving import add

    cells = {
        "rule": rule,
        "claim": claim,
        "provider": provider,
        "payer": payer,
        "revenue_code": revenue_code,
        "reason": reason,
        "owner": owner,
        "expires": expires,
    }
    typer.echo(add(_waivers_of(waivers, settings).file, cells, _today()), nl=False)


def waive_list(waivers: _WAIVERS = None, settings: _SETTINGS = None) -> None:
    """List the waivers, which lapse soon or match nothing, and what is wrong with them."""
    from auditor.errors import AuditError
    from auditor.history.waiving import listed

    if waivers is not None and not waivers.exists():
        raise AuditError(
            f"{waivers}: there is no such file or folder; check the path, or make the file with "
            "auditor waive add",
            exit_code=2,
        )
    found = _waivers_of(waivers, settings)
    typer.echo(listed(found.file, _today(), found.history), nl=False)


def waive_expire(
    line: Annotated[int, typer.Argument(help="Line of waivers.csv, as the list shows it.")],
    waivers: _WAIVERS = None,
    settings: _SETTINGS = None,
) -> None:
    """End a waiver: it was in force until yesterday."""
    from auditor.history.waiving import expire

    typer.echo(expire(_waivers_of(waivers, settings).file, line, _today()), nl=False)


def rekey(
    settings: Annotated[
        Path, typer.Option(help="audit.toml; its history.encryption_key_env names the new key.")
    ],
    old_key_env: Annotated[
        str,
        typer.Option(help="Variable with the old key; without it, the one it was encrypted with."),
    ] = "",
    history: Annotated[
        Path | None,
        typer.Option(help="Folder of the history; without it, that of the settings' nights."),
    ] = None,
) -> None:
    """Encrypt a history under another key; without one in the settings, decrypt it."""
    from auditor.errors import AuditError
    from auditor.history.ledger import NAME
    from auditor.history.memory import Memory
    from auditor.history.resealing import reseal
    from auditor.history.seal import PLAIN, new_seal
    from auditor.night.site import open_site
    from auditor.settings import HistorySettings, read_settings

    key_env = read_settings(settings).history.encryption_key_env
    folder = history or open_site(settings).history
    if not (folder / NAME).exists():
        raise AuditError(f"{folder}: holds no {NAME}; name the folder of a history", exit_code=2)
    seal = new_seal(key_env) if key_env else PLAIN
    with Memory.open(folder, HistorySettings(encryption_key_env=old_key_env)) as memory:
        for note in memory.notes:
            typer.echo(f"Mind: {note}", err=True)
        reseal(folder, memory.ledger, seal)
    if seal.on:
        typer.echo(f"{folder}: encrypted with the key in {key_env}; another opens nothing any more")
    else:
        typer.echo(f"{folder}: not encrypted any more")


@dataclass(frozen=True)
class _Place:
    """A file of waivers, or the folder it lies in, and the history that tells what they matched."""

    file: Path
    history: Path | None


def _waivers_of(waivers: Path | None, settings: Path | None) -> _Place:
    from auditor.errors import AuditError
    from auditor.night.site import open_site

    if (waivers is None) == (settings is None):
        raise AuditError(
            "waive: give either --settings, the audit.toml of a site, or --waivers, a waivers.csv "
            "or the folder of a history",
            exit_code=2,
        )
    if settings is not None:
        site = open_site(settings)
        return _Place(site.waivers, site.history)
    assert waivers is not None
    return _Place(waivers, waivers if waivers.is_dir() else None)


def _today() -> date:
    return date.today()  # noqa: DTZ011  the user's own day
