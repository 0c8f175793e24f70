"""One generated run through both: the auditor's findings and books, and the oracle's."""

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from random import Random

import pandas as pd

from auditor.audit import Audit, Prepared, audit, prepare
from auditor.ingest.normalise import join
from auditor.reference import Reference
from auditor.schema import CLAIM_LINES
from tests.case_lines import clean_line, lines_of
from tests.oracle.judge import Opinion, judge
from tests.oracle.lines import Line
from tests.oracle.patients import Export, exports
from tests.oracle.run import Options, Run, run_of
from tests.oracle.tables import FOLDER

AS_OF = (date(2026, 6, 30), date(2024, 1, 15), date(2027, 2, 1), date(2025, 3, 24))
PAYERS = {"bcbs": "commercial"}
# A reason may name no column.
COLUMNS = frozenset({"", *(column.name for column in CLAIM_LINES)})
TABLES = frozenset(path.stem for path in FOLDER.glob("*.csv"))
OPTIONS: tuple[tuple[dict[str, object], Options], ...] = (
    ({}, Options()),
    ({}, Options()),
    (
        {
            "pairing_days": 3,
            "search_days": 10,
            "lookback_days": 31,
            "waiting_days": 7,
            "tolerance_percent": 5,
            "share_percent": 30,
            "authorizes_by_code": ("BCBS", "medicare"),
        },
        Options(3, 10, 31, 7, 5, 30, ("BCBS", "medicare")),
    ),
    (
        {"authorizes_by_code": ("medicare", "commercial")},
        Options(authorizes_by_code=("medicare", "commercial")),
    ),
)


@dataclass
class Comparison:
    """What both say of one run; ``differences`` is empty when they agree."""

    seed: int
    run: Run
    result: Audit
    opinion: Opinion
    differences: list[str]


def generated(seed: int, patients: int) -> tuple[list[Export], date, int]:
    random = Random(seed)
    return exports(random, patients, seed), random.choice(AS_OF), random.randrange(len(OPTIONS))


@dataclass
class Invented:
    """A generated run as both get it, and what the oracle says of it."""

    seed: int
    lines: pd.DataFrame
    as_of: date
    options: dict[str, object]
    run: Run
    opinion: Opinion
    places: dict[str, int]

    def prepared(self, reference: Reference) -> Prepared:
        return prepare(self.lines, reference, as_of=self.as_of, payers=PAYERS, options=self.options)


def invented(seed: int, patients: int) -> Invented:
    files, as_of, choice = generated(seed, patients)
    options, own = OPTIONS[choice]
    frames, lines = [], []
    for number, export in enumerate(files):
        name = f"file{number}.csv"
        frame, rejected = lines_of(export.rows, export.without, name)
        assert rejected.empty
        frames.append(frame)
        given = frozenset(export.rows[0]) - export.without
        lines += [
            Line(len(lines) + row, row, cells, given) for row, cells in enumerate(export.rows)
        ]
    run = run_of(lines, as_of, PAYERS, own)
    starts = [0]
    for export in files:
        starts.append(starts[-1] + len(export.rows))
    places = {f"file{number}.csv": start for number, start in enumerate(starts[:-1])}
    return Invented(seed, join(frames), as_of, options, run, judge(run), places)


def compare(seed: int, patients: int, reference: Reference) -> Comparison:
    one = invented(seed, patients)
    result = audit(one.prepared(reference), reference, options=one.options)
    found = differences(one.run, result, one.opinion, one.places)
    return Comparison(seed, one.run, result, one.opinion, found)


def told(run: Run, difference: str) -> str:
    """A difference with the cells of the patient's lines that a clean line doesn't have."""
    place = re.search(r"line (\d+):", difference)
    line = next((one for one in run.lines if place and one.place == int(place[1])), None)
    if line is None:
        return difference
    rows = [difference]
    for other in run.patients[line.patient]:
        clean = clean_line(other.text("claim_type"))
        cells = {
            name: cell
            for name, cell in other.cells.items()
            if cell != clean.get(name, "") and name in other.given
        }
        lost = sorted(set(other.cells) - other.given)
        rows.append(f"  {other.place}: {cells}" + (f" without {lost}" if lost else ""))
    return "\n".join(rows)


def found_by(result: Audit, places: dict[str, int]) -> dict[tuple[str, int], tuple[object, ...]]:
    return {
        (row["rule"], places[row["source_file"]] + row["source_row"] - 2): (
            row["severity"],
            row["money"],
            None if pd.isna(row["amount"]) else int(row["amount"]),
        )
        for row in result.findings.to_dict("records")
    }


def differences(run: Run, result: Audit, opinion: Opinion, places: dict[str, int]) -> list[str]:
    """In words; of the rules that the result is about."""
    found = found_by(result, places)
    about = set(result.books["rule"])
    expected = {key: said for key, said in opinion.findings.items() if key[0] in about}
    told = []
    if len(run.lines) != len(result.lines):
        told.append(f"standing: oracle {len(run.lines)}, audit {len(result.lines)}")
    for key in sorted(found.keys() | expected.keys()):
        one, two = expected.get(key), found.get(key)
        if one != two:
            told.append(f"{key[0]} line {key[1]}: oracle {one}, audit {two}")
    for row in result.books.to_dict("records"):
        counts = opinion.books.get(row["rule"], {})
        theirs = Counter({"flagged": row["flagged"], "clean": row["clean"]})
        of_rule = result.not_evaluated[result.not_evaluated["rule"] == row["rule"]]
        for one in of_rule.to_dict("records"):
            theirs[booked(one["reason"], one["detail"])] += one["lines"]
            about_a_table = one["reason"].startswith("reference")
            if about_a_table and not TABLES.issuperset(one["detail"].split()):
                told.append(f"{row['rule']} names {one['detail']}, which is no reference table")
            elif not about_a_table and not COLUMNS.issuperset(one["detail"].split("|")):
                told.append(f"{row['rule']} asks for {one['detail']}, which is no column")
        ours = Counter({"flagged": 0, "clean": 0})
        for (status, reason, detail), count in counts.items():
            ours[booked(reason, detail) if reason else status] += count
        if ours != theirs:
            told.append(f"{row['rule']} books: oracle {dict(ours)}, audit {dict(theirs)}")
    return told


def booked(reason: str, detail: str) -> str:
    """A reason, with the column to add or to fill: that is what a person is told to do.

    Tables that answer for nothing are named by the rules together, by the oracle the one it missed.
    """
    return f"{reason} {detail}" if reason in ("column_missing", "value_missing") else reason
