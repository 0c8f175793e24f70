"""Case files: invented claim lines with what a rule must say of each, read as any export is.

The files ship with the program, so that an installation can prove its own rules (self_test.py).
How a file is written stands in tests/README.md.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path

import pandas as pd
import pyarrow as pa

from auditor.ingest.mapping import Mapping, Match
from auditor.ingest.normalise import claim_lines
from auditor.ingest.raw import RawLines, RawTable
from auditor.schema import CLAIM_LINES

AS_OF = date(2026, 6, 30)

_INSTITUTIONAL = {
    "claim_id": "C1",
    "line_number": "1",
    "patient_id": "P1",
    "claim_type": "institutional",
    "bill_type": "0131",
    "claim_frequency": "",
    "original_claim_id": "",
    "payer_claim_number": "",
    "service_date": "2025-03-10",
    "service_date_to": "",
    "received_date": "2025-03-20",
    "remit_date": "",
    "procedure_code": "75574",
    "modifiers": "",
    "revenue_code": "0489",
    "units": "1",
    "charge": "1500.00",
    "allowed": "357.13",
    "paid": "285.70",
    "patient_responsibility": "",
    "adjustment_codes": "",
    "remark_codes": "",
    "place_of_service": "",
    "diagnosis_codes": "I25.10",
    "rendering_npi": "",
    "billing_npi": "1000000004",
    "referring_npi": "",
    "facility_npi": "",
    "department": "",
    "payer": "Medicare",
    "payer_type": "medicare",
    "service_state": "",
    "service_zip": "",
    "authorization_number": "",
    "attachment_control_number": "",
}
_PROFESSIONAL = _INSTITUTIONAL | {
    "claim_type": "professional",
    "bill_type": "",
    "revenue_code": "",
    "place_of_service": "22",
    "modifiers": "26",
    "billing_npi": "2000000002",
    "rendering_npi": "3000000000",
    "charge": "250.00",
    "allowed": "109.01",
    "paid": "87.21",
    "statement_from": "",
    "statement_through": "",
}
_MONEY = {
    "charge": "charge_cents",
    "allowed": "allowed_cents",
    "paid": "paid_cents",
    "patient_responsibility": "patient_responsibility_cents",
}
_EXPECTATIONS = (
    "case",
    "flagged",
    "reason",
    "severity",
    "says",
    "amount",
    "without",
    "as_of",
    "settings",
)


@dataclass(frozen=True)
class Case:
    """One sentence of a case file: the lines as exported, and what is expected of each."""

    rule: str
    sentence: str
    cells: tuple[dict[str, str], ...]
    expected: tuple[dict[str, str], ...]
    without: frozenset[str] = field(default_factory=frozenset)
    as_of: date = AS_OF
    options: dict[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.rule}: {self.sentence}"


def read_cases(path: Path) -> list[Case]:
    """All cases of a file; rows whose case is ``*`` stand in each of them."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    shared = [row for row in rows if row["case"] == "*"]
    sentences = list(dict.fromkeys(row["case"] for row in rows if row["case"] != "*"))
    return [
        _case(path.name.split(".")[0], sentence, [r for r in rows if r["case"] == sentence], shared)
        for sentence in sentences
    ]


def _case(
    rule: str, sentence: str, rows: Sequence[dict[str, str]], shared: Sequence[dict[str, str]]
) -> Case:
    every = [*rows, *shared]
    without = {name for row in every for name in (row.get("without") or "").split()}
    as_of = next((row["as_of"] for row in every if row.get("as_of")), AS_OF.isoformat())
    return Case(
        rule=rule,
        sentence=sentence,
        cells=tuple(filled(row) for row in every),
        expected=tuple({name: row.get(name) or "" for name in _EXPECTATIONS} for row in every),
        without=frozenset(_MONEY.get(name, name) for name in without),
        as_of=date.fromisoformat(as_of),
        options=dict(
            _option(word) for row in every for word in (row.get("settings") or "").split()
        ),
    )


def _option(word: str) -> tuple[str, object]:
    name, _, value = word.partition("=")
    return name, int(value) if value.isdigit() else tuple(value.split(","))


def filled(row: dict[str, str]) -> dict[str, str]:
    """A row's cells by schema column; a column it leaves out takes the value of a clean line."""
    clean = _PROFESSIONAL if row.get("claim_type") == "professional" else _INSTITUTIONAL
    cells = clean | {name: cell for name, cell in row.items() if name not in _EXPECTATIONS}
    for name in ("statement_from", "statement_through"):
        cells.setdefault(name, cells["service_date"])
    return {_MONEY.get(name, name): cell for name, cell in cells.items()}


@cache
def lines_of_file(path: Path, without: frozenset[str]) -> tuple[pd.DataFrame, list[Case]]:
    """All cases of a file that lack the same columns, read in one go; ``first_row`` tells them."""
    cases = [case for case in read_cases(path) if case.without == without]
    lines, _ = lines_of([cells for case in cases for cells in case.cells], without)
    return lines, cases


def lines_of_case(path: Path, case: Case) -> tuple[pd.DataFrame, frozenset[int]]:
    """The claim lines of one case, and the places of its rows that were read.

    ``source_row`` counts within the case, from 2 on, as if it were a file of its own.
    """
    lines, cases = lines_of_file(path, case.without)
    first = sum(len(one.cells) for one in cases[: cases.index(case)])
    row = lines["source_row"].to_numpy(dtype="int64") - 2 - first
    inside = (row >= 0) & (row < len(case.cells))
    own = lines[inside].reset_index(drop=True)
    own["source_row"] = pd.array(row[inside] + 2, dtype="Int64")
    return own, frozenset(row[inside].tolist())


def lines_of(
    rows: Sequence[dict[str, str]], without: frozenset[str] = frozenset(), file: str = "case.csv"
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Claim lines and rejected lines of rows given as text, one cell a schema column."""
    names = [c.name for c in CLAIM_LINES if c.name in rows[0] and c.name not in without]
    cells = {
        str(place): pa.array([row[name] for row in rows]).dictionary_encode()
        for place, name in enumerate(names)
    }
    numbers = pa.array(range(2, len(rows) + 2), pa.int64())
    table = RawTable(
        file=file,
        path=Path(file),
        sheet=None,
        header=tuple(names),
        header_row=1,
        sample=(),
        notes=(),
        digest=lambda: "0" * 64,
        _read=lambda positions: RawLines(
            pa.table({str(place): cells[str(place)] for place in positions}), numbers, ()
        ),
    )
    mapping = Mapping(
        matches=tuple(
            Match(name, (place,), (name,), "name", 1.0) for place, name in enumerate(names)
        ),
        unused=(),
        identifying=(),
        missing=tuple(c.name for c in CLAIM_LINES if c.name not in names),
    )
    lines, intake = claim_lines(table, mapping)
    return lines, intake.rejected
