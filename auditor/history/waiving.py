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
    fault_of,
    plain,
    read_waivers,
    rows_of,
    write_waivers,
)
from auditor.report.words import counted


def _file(place: Path) -> Path:
    """The file of waivers: the one named, or that of a folder."""
    return place if place.suffix.lower() == ".csv" else place / NAME


def add(place: Path, cells: dict[str, str], today: date) -> str:
    """Adds a waiver. Raises AuditError when it is malformed or has lapsed already."""
    if wrong := fault_of(cells):
        raise AuditError(f"waive: {wrong}", exit_code=2)
    if date.fromisoformat(cells["expires"]) < today:
        raise AuditError(f"waive: expires {cells['expires']} is past", exit_code=2)
    path = _file(place)
    private(path.parent)
    rows = [*_rows(path), cells]
    write_waivers(path, rows)
    return f"{plain(path)} line {len(rows) + 1}: {cells['rule']} waived until {cells['expires']}\n"


def expire(place: Path, line: int, today: date) -> str:
    """Ends the waiver of a line of the file."""
    path = _file(place)
    rows = _rows(path)
    if not 2 <= line <= len(rows) + 1:
        raise AuditError(
            f"{plain(path)}: has no waiver in line {line}; see auditor waive list", exit_code=2
        )
    row = rows[line - 2]
    row["expires"] = (today - timedelta(days=1)).isoformat()
    write_waivers(path, rows)
    return f"{plain(path)} line {line}: {row['rule']} is waived no more\n"


def listed(place: Path, today: date, history: Path | None = None) -> str:
    """The waivers of a file as text; with a history also which have matched nothing for long."""
    path = _file(place)
    waivers = read_waivers(path)
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
    return "\n".join(lines or [f"{plain(path)}: no waivers"]) + "\n"


def _days_in(history: Path | None) -> tuple[dict[str, date], dict[str, date]]:
    if history is None or not (history / LEDGER).exists():
        return {}, {}
    with Ledger(history) as ledger:
        return waiver_days(ledger)


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of the file as they stand, also those that are malformed."""
    return [{name: (row.get(name) or "") for name in COLUMNS} for row in rows_of(path)]
