"""The reference CSVs as lists of dicts, and the row in force on a day."""

import csv
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "reference"

Row = dict[str, str]


@cache
def rows(table: str) -> tuple[Row, ...]:
    with (FOLDER / f"{table}.csv").open(encoding="utf-8", newline="") as stream:
        return tuple(csv.DictReader(stream))


def covers(row: Row, day: date) -> bool:
    start, end = row["effective_from"], row["effective_to"]
    return (not start or date.fromisoformat(start) <= day) and (
        not end or day <= date.fromisoformat(end)
    )


@cache
def of(table: str, /, **key: str) -> tuple[Row, ...]:
    """Every row whose cells equal the key, at any date."""
    return tuple(row for row in rows(table) if all(row[name] == key[name] for name in key))


def in_force(table: str, day: date, /, **key: str) -> Row | None:
    return next((row for row in of(table, **key) if covers(row, day)), None)


@cache
def is_stale(table: str, day: date, setting: str = "") -> bool:
    """Whether the table's editions don't answer for the day, in this setting."""
    for edition in of("editions", table=table):
        if edition["setting"] in ("", setting):
            first, last = edition["first_date"], edition["last_date"]
            if first and day < date.fromisoformat(first):
                return True
            if last and day > date.fromisoformat(last):
                return True
    return False


@cache
def code_facts(code: str) -> Row:
    """The last row of a code, or blanks: role, service and PC/TC indicator don't change."""
    found = sorted(
        of("procedure_codes", procedure_code=code), key=lambda row: row["effective_from"]
    )
    return found[-1] if found else dict.fromkeys(rows("procedure_codes")[0], "")


@dataclass(frozen=True)
class Found:
    """A lookup: the row in force or None, whether the key is known at all, whether stale."""

    table: str
    row: Row | None
    known: bool
    stale: bool

    def __getitem__(self, name: str) -> str:
        return self.row[name] if self.row else ""


def look_up(table: str, day: date, kind: str, /, **key: str) -> Found:
    return Found(
        table, in_force(table, day, **key), bool(of(table, **key)), is_stale(table, day, kind)
    )
