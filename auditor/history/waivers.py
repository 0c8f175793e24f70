"""waivers.csv: findings that somebody answers for, until a day. What is malformed hides nothing.

Columns: rule, claim, provider, payer, revenue_code, reason, owner, expires. A pattern may hold
``*`` and ``?``, a blank one matches everything, and at least one of the four must be filled.
``provider`` is the billing NPI. Notes on waivers name the line of the file, never a claim.
"""

import csv
import hashlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from auditor import erasing
from auditor.catalogue import CATALOGUE
from auditor.claim_lines import Mask
from auditor.errors import AuditError
from auditor.ingest.restored import restored_zero
from auditor.regular_files import regular

NAME = "waivers.csv"
PATTERNS = {
    "claim": "claim_id",
    "provider": "billing_npi",
    "payer": "payer",
    "revenue_code": "revenue_code",
}
WAIVED_BY = ("rule", *PATTERNS.values())
COLUMNS = ("rule", *PATTERNS, "reason", "owner", "expires")
_LAPSES_WITHIN = 30
_IDLE_DAYS = 90
_RULES = frozenset(rule.name for rule in CATALOGUE)


@dataclass(frozen=True)
class Waiver:
    """One waiver, and the line of the file it stands in; in force up to the day it expires."""

    line: int
    rule: str
    claim: str
    provider: str
    payer: str
    revenue_code: str
    reason: str
    owner: str
    expires: date

    @property
    def digest(self) -> str:
        """What makes it the same waiver after the file was sorted or its expiry moved."""
        parts = (self.rule, self.claim, self.provider, self.payer, self.revenue_code)
        return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        return f"{self.reason} ({self.owner}, until {self.expires})"

    def name(self, file: str) -> str:
        """How a note names it."""
        return f"{file} line {self.line} ({self.rule}, {self.owner})"

    def lapses_soon(self, as_of: date) -> bool:
        """Whether it is in force still, for 30 days at most."""
        return as_of <= self.expires <= as_of + timedelta(days=_LAPSES_WITHIN)

    def idle_since(
        self, as_of: date, first_seen: dict[str, date], last_matched: dict[str, date]
    ) -> date | None:
        """Since when it has matched nothing; None where that is less than 90 days, or unknown."""
        since = last_matched.get(self.digest, first_seen.get(self.digest, as_of))
        return since if (as_of - since).days >= _IDLE_DAYS else None

    def matches(self, findings: pd.DataFrame) -> Mask:
        """The findings that it waives."""
        found = findings["rule"].eq(self.rule).to_numpy(dtype=bool, copy=True)
        for pattern, column in PATTERNS.items():
            if text := getattr(self, pattern):
                like = re.compile(_expression(text), re.IGNORECASE | re.DOTALL)
                cells = findings[column].to_numpy()[found]
                found[found] = [like.fullmatch(str(cell)) is not None for cell in cells]
        return found


def _expression(pattern: str) -> str:
    """A pattern as a regular expression: brackets are brackets, as payers' names have them."""
    special = {"*": ".*", "?": "."}
    return "".join(special.get(character) or re.escape(character) for character in pattern)


@dataclass(frozen=True)
class Waivers:
    """The waivers of a file: those that are well-formed, and what is wrong with the others."""

    file: str
    all: tuple[Waiver, ...] = ()
    faults: tuple[str, ...] = ()
    unread: str = ""  # why the whole file can't be read; it is among the faults, too

    def in_force(self, as_of: date) -> tuple[Waiver, ...]:
        """Those that have not lapsed."""
        return tuple(one for one in self.all if one.expires >= as_of)

    def apply(self, findings: pd.DataFrame, as_of: date) -> tuple["pd.Series[str]", frozenset[str]]:
        """Each finding's waiver as text, blank where there is none; digests of those that matched.

        Of several the first in the file is named, and all of them count as having matched.
        """
        words = np.full(len(findings), "", dtype=object)
        matched = set()
        for waiver in self.in_force(as_of):
            hit = waiver.matches(findings)
            if hit.any():
                matched.add(waiver.digest)
                words[hit & (words == "")] = str(waiver)
        return pd.Series(words, index=findings.index, dtype="str"), frozenset(matched)

    def notes(
        self, as_of: date, first_seen: dict[str, date], last_matched: dict[str, date]
    ) -> tuple[str, ...]:
        """What somebody must know of the waivers: malformed, lapsed, soon to lapse, idle."""
        said = [f"{fault}; it waives nothing" for fault in self.faults]
        for one in self.all:
            name = one.name(self.file)
            if one.expires < as_of:
                said.append(f"{name} lapsed on {one.expires}; it waives nothing")
                continue
            if one.lapses_soon(as_of):
                said.append(f"{name} lapses on {one.expires}; renew it or mend the cause")
            if since := one.idle_since(as_of, first_seen, last_matched):
                said.append(f"{name} has matched nothing since {since}; remove it if it is done")
        return tuple(said)


def read_waivers(path: Path) -> Waivers:
    """Reads waivers.csv; no file means no waivers.

    A file that can't be read waives nothing, and ``notes`` says so: it stops no run.
    """
    try:
        header, *rows = table_of(path)
    except AuditError as fault:
        return Waivers(path.name, faults=(str(fault),), unread=str(fault))
    found: list[Waiver] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=2):
        if not any(cell.strip() for cell in row):
            continue
        if len(row) > len(header):
            faults.append(f"{path.name} line {number} has more cells than the header")
            continue
        # A row that is cut short lacks its last cells.
        named = dict(zip(columns_of(header), map(str.strip, row), strict=False))
        cells = {name: named.get(name, "") for name in COLUMNS}
        wrong = fault_of(cells)
        if wrong:
            faults.append(f"{path.name} line {number}: {wrong}")
        else:
            found.append(_waiver(number, cells))
    return Waivers(path.name, tuple(found), tuple(faults))


def table_of(path: Path) -> list[list[str]]:
    """The lines of waivers.csv as they stand, the header first; it alone without a file.

    Raises AuditError if the file can't be read, is no CSV in UTF-8, or lacks a column.
    """
    if not path.exists():
        return [list(COLUMNS)]
    try:
        text = regular(path).read_bytes().decode("utf-8-sig")
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except OSError as fault:
        raise AuditError(
            f"{plain(path)}: can't be read ({fault.strerror}); it must be a file you may read"
        ) from fault
    except (UnicodeDecodeError, csv.Error) as fault:
        raise AuditError(f"{plain(path)}: is no UTF-8 CSV; save it as CSV UTF-8") from fault
    if not any(rows):
        return [list(COLUMNS)]
    names = columns_of(rows[0])
    # A column of patterns that is not there is blank in every row.
    if lacking := [name for name in COLUMNS if name not in (*names, *PATTERNS)]:
        raise AuditError(
            f"{plain(path)}: its first line lacks {', '.join(lacking)}; it must name "
            f"{','.join(COLUMNS)}, with commas between them"
        )
    return rows


def columns_of(header: Sequence[str]) -> list[str]:
    """The names in a header; those of a waiver's own columns as we write them."""
    return [word.strip().lower() for word in header]


def plain(path: Path) -> Path:
    """A path as people write it: without ``..``, from the current folder where it lies in it."""
    if ".." not in path.parts:
        return path
    whole, here = path.resolve(), Path.cwd()
    return whole.relative_to(here) if whole.is_relative_to(here) else whole


def _waiver(line: int, cells: dict[str, str]) -> Waiver:
    text = {name: cells[name] for name in COLUMNS if name != "expires"}
    # A spreadsheet that saved the file took the zero of 0480.
    code = cells["revenue_code"]
    text["revenue_code"] = restored_zero("revenue_code", code) or code
    return Waiver(line=line, expires=date.fromisoformat(cells["expires"]), **text)


def fault_of(cells: dict[str, str]) -> str:
    """What is wrong with a waiver's cells; blank when it is well-formed."""
    if cells["rule"] not in _RULES:
        return f"rule '{cells['rule']}' is none of the catalogue (see auditor rules)"
    if not any(cells[name] for name in PATTERNS):
        return "claim, provider, payer and revenue_code are all blank; * stands for every one"
    for name in ("reason", "owner", "expires"):
        if not cells[name]:
            return f"{name} is blank"
    try:
        date.fromisoformat(cells["expires"])
    except ValueError:
        return f"expires '{cells['expires']}' is not a date like 2027-01-31"
    return ""


def write_waivers(path: Path, rows: Sequence[Sequence[str]]) -> None:
    """Writes the lines of waivers.csv whole or not at all; what stood there is erased."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    try:
        erasing.put(path, text.getvalue().encode())
    except OSError as fault:
        raise AuditError(f"{plain(path)}: can't be written ({fault.strerror})") from fault
