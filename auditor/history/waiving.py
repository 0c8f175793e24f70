"""Adding, listing and ending waivers in waivers.csv."""

from datetime import date, timedelta
from pathlib import Path

from auditor.errors import AuditError
from auditor.history.folders import private
from auditor.history.ledger import NAME as LEDGER
from auditor.history.ledger import Ledger
from auditor.history.waiver_days import waiver_days
from auditor.history.waivers import (
    COLUMNS,
    NAME,
    PATTERNS,
    columns_of,
    fault_of,
    plain,
    read_waivers,
    table_of,
    write_waivers,
)
from auditor.report.words import counted


def _file(place: Path) -> Path:
    """The file of waivers: the one named, or that of a folder."""
    if place.is_dir():
        return place / NAME
    return place if place.exists() or place.suffix.lower() == ".csv" else place / NAME


def add(place: Path, cells: dict[str, str], today: date) -> str:
    """Adds a waiver. Raises AuditError when it is malformed or has lapsed already."""
    if wrong := fault_of(cells):
        raise AuditError(f"waive: {wrong}", exit_code=2)
    if date.fromisoformat(cells["expires"]) < today:
        raise AuditError(f"waive: expires {cells['expires']} is past", exit_code=2)
    path = _file(place)
    private(path.parent)
    lines = table_of(path)
    lines[0] += [name for name in COLUMNS if name not in columns_of(lines[0])]
    lines.append([cells.get(name, "") for name in columns_of(lines[0])])
    write_waivers(path, lines)
    return f"{plain(path)} line {len(lines)}: {cells['rule']} waived until {cells['expires']}\n"


def expire(place: Path, line: int, today: date) -> str:
    """Ends the waiver of a line of the file."""
    path = _file(place)
    lines = table_of(path)
    row = lines[line - 1] if 2 <= line <= len(lines) else []
    if not any(cell.strip() for cell in row):
        raise AuditError(
            f"{plain(path)}: has no waiver in line {line}; see auditor waive list", exit_code=2
        )
    names = columns_of(lines[0])
    row += [""] * (len(names) - len(row))
    row[names.index("expires")] = (today - timedelta(days=1)).isoformat()
    write_waivers(path, lines)
    return f"{plain(path)} line {line}: {row[names.index('rule')]} is waived no more\n"


def listed(place: Path, today: date, history: Path | None = None) -> str:
    """The waivers of a file as text; with a history also which have matched nothing for long.

    Raises AuditError if the file can't be read: then nothing is waived.
    """
    path = _file(place)
    waivers = read_waivers(path)
    if waivers.unread:
        raise AuditError(f"{waivers.unread}; it waives nothing")
    first_seen, last_matched = _days_in(history)
    lines = []
    for one in waivers.all:
        state = "lapsed" if one.expires < today else "until"
        patterns = " ".join(
            f"{name}={getattr(one, name)}" for name in PATTERNS if getattr(one, name)
        )
        lines.append(f"{one.line:>4}  {one.rule}  {patterns}  {state} {one.expires}")
        lines.append(f"      {one.reason} ({one.owner})")
        if one.lapses_soon(today):
            left = counted((one.expires - today).days, "day")
            lines.append(f"      lapses in {left}: renew it or mend the cause")
        since = one.idle_since(today, first_seen, last_matched)
        if since and one.expires >= today:
            lines.append(f"      has matched nothing since {since}: remove it if it is done")
    lines += [f"wrong: {fault}" for fault in waivers.faults]
    if not path.exists():
        lines = [f"{plain(path)}: there is no such file, so no waivers; auditor waive add makes it"]
    return "\n".join(lines or [f"{plain(path)}: no waivers"]) + "\n"


def _days_in(history: Path | None) -> tuple[dict[str, date], dict[str, date]]:
    if history is None or not (history / LEDGER).exists():
        return {}, {}
    with Ledger(history, restores=False) as ledger:
        return waiver_days(ledger)
