"""One generated run through both: the auditor's findings and books, and the oracle's."""

import re
from dataclasses import dataclass
from datetime import date
from random import Random

import pandas as pd

from auditor.audit import Audit, audit, prepare
from auditor.ingest.normalise import join
from auditor.reference import Reference
from tests.case_lines import clean_line, lines_of
from tests.oracle.judge import Opinion, judge
from tests.oracle.lines import Line
from tests.oracle.patients import Export, exports
from tests.oracle.run import Options, Run, run_of

AS_OF = (date(2026, 6, 30), date(2024, 1, 15), date(2027, 2, 1), date(2025, 3, 24))
OPTIONS = (
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


def compare(seed: int, patients: int, reference: Reference) -> Comparison:
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
    prepared = prepare(
        join(frames), reference, as_of=as_of, payers={"bcbs": "commercial"}, options=options
    )
    result = audit(prepared, reference, options=options)
    run = run_of(lines, as_of, {"bcbs": "commercial"}, own)
    opinion = judge(run)
    starts = [0]
    for export in files:
        starts.append(starts[-1] + len(export.rows))
    places = {f"file{number}.csv": start for number, start in enumerate(starts[:-1])}
    found = differences(run, result, opinion, places)
    return Comparison(seed, run, result, opinion, found)


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
    found = found_by(result, places)
    told = []
    if len(run.lines) != len(result.lines):
        told.append(f"standing: oracle {len(run.lines)}, audit {len(result.lines)}")
    for key in sorted(found.keys() | opinion.findings.keys()):
        one, two = opinion.findings.get(key), found.get(key)
        if one != two:
            told.append(f"{key[0]} line {key[1]}: oracle {one}, audit {two}")
    for row in result.books.to_dict("records"):
        counts = opinion.books.get(row["rule"], {})
        theirs = {"flagged": row["flagged"], "clean": row["clean"]}
        of_rule = result.not_evaluated[result.not_evaluated["rule"] == row["rule"]]
        for one in of_rule.to_dict("records"):
            theirs[one["reason"]] = theirs.get(one["reason"], 0) + one["lines"]
        ours: dict[str, int] = {"flagged": 0, "clean": 0}
        for (status, reason, _), count in counts.items():
            ours[reason or status] = ours.get(reason or status, 0) + count
        if ours != theirs:
            told.append(f"{row['rule']} books: oracle {ours}, audit {theirs}")
    return told
