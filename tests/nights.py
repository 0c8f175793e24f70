"""Nights in a test: invented exports that go through the memory of a site, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd

from auditor.cases import filled, lines_of
from auditor.history.memory import Memory, Remembered
from auditor.ingest.normalise import join
from auditor.intake import Claims
from auditor.reference import Reference, load_reference
from auditor.request import Request
from auditor.settings import HistorySettings, Settings
from auditor.shipped import reference_dir

AS_OF = date(2026, 6, 30)


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


@dataclass(frozen=True)
class Input:
    """What of an intake the memory writes down."""

    sha256: str
    file: str
    lines_read: int


def claims_of(files: dict[str, Sequence[dict[str, str]]]) -> Claims:
    """Claims of rows by file name; cells that are left out are those of a clean line."""
    read = [
        lines_of([filled(row) for row in rows], file=name)[0]
        for name, rows in files.items()
        if rows
    ]
    inputs = tuple(Input(f"{name}-digest", name, len(rows)) for name, rows in files.items())
    return Claims(join(read), inputs, pd.DataFrame())


def request_of(as_of: date, settings: Settings | None = None) -> Request:
    return Request((), Path("out"), settings or Settings(), as_of, frozenset())


@dataclass
class Site:
    """A site with a memory."""

    folder: Path
    settings: Settings = field(default_factory=Settings)
    history: HistorySettings = field(default_factory=HistorySettings)
    runs: int = 0

    def night(
        self, *files: Sequence[dict[str, str]], as_of: date = AS_OF, run: str = ""
    ) -> Remembered:
        """Audits and commits the rows of some files."""
        self.runs += 1
        run = run or f"run{self.runs}"
        named = {f"{run}-{n}.csv": rows for n, rows in enumerate(files)}
        with Memory.open(self.folder, self.history) as memory:
            claims = claims_of(named)
            remembered = memory.audit(claims, reference(), request_of(as_of, self.settings), run)
            memory.commit(remembered, run, [one.sha256 for one in claims.intakes])
        return remembered


def open_findings(remembered: Remembered) -> set[tuple[str, str, str]]:
    """Rule, claim and line of the findings that are open."""
    found = remembered.audit.findings
    return set(
        zip(found["rule"], found["claim_id"], found["line_number"].astype("str"), strict=True)
    )
