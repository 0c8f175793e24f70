"""Adding, listing and ending waivers in waivers.csv."""

import csv
import io
from datetime import date, timedelta
from pathlib import Path

from auditor.errors import AuditError
from auditor.history.folders import private
from auditor.history.waivers import COLUMNS, NAME, PATTERNS, fault_of, read_waivers, write_waivers


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
    return f"{path} line {len(rows) + 1}: {cells['rule']} waived until {cells['expires']}\n"


def expire(place: Path, line: int, today: date) -> str:
    """Ends the waiver of a line of the file."""
    path = _file(place)
    rows = _rows(path)
    if not 2 <= line <= len(rows) + 1:
        raise AuditError(
            f"{path}: has no waiver in line {line}; see auditor waive list", exit_code=2
        )
    row = rows[line - 2]
    row["expires"] = (today - timedelta(days=1)).isoformat()
    write_waivers(path, rows)
    return f"{path} line {line}: {row['rule']} is waived no more\n"


def listed(place: Path, today: date) -> str:
    """The waivers of a file as text."""
    path = _file(place)
    waivers = read_waivers(path)
    lines = []
    for one in waivers.all:
        state = "lapsed" if one.expires < today else "until"
        patterns = " ".join(
            f"{name}={getattr(one, name)}" for name in PATTERNS if getattr(one, name)
        )
        lines.append(f"{one.line:>4}  {one.rule}  {patterns}  {state} {one.expires}")
        lines.append(f"      {one.reason} ({one.owner})")
    lines += [f"wrong: {fault}" for fault in waivers.faults]
    return "\n".join(lines or [f"{path}: no waivers"]) + "\n"


def _rows(path: Path) -> list[dict[str, str]]:
    """The rows of the file as they stand, also those that are malformed."""
    read_waivers(path)
    if not path.exists():
        return []
    text = path.read_bytes().decode("utf-8-sig")
    found = csv.DictReader(io.StringIO(text, newline=""))
    return [{name: (row.get(name) or "") for name in COLUMNS} for row in found]
