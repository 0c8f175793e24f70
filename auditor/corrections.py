"""Corrections whose repair is deterministic and no coding judgment: proposed, checked, applied.

Three kinds: a component modifier that stands behind another comes first, a digit one that stands
for the letter I of a diagnosis becomes that letter, and a leading zero that a spreadsheet lost
comes back. The last was repaired when the export was read and changes no finding; it is listed so
that the source can be mended. A correction never adds or drops a modifier and never makes another
procedure of a code.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among
from auditor.diagnosis_codes import corrected, is_well_formed
from auditor.errors import AuditError
from auditor.ingest.frame import some_lines
from auditor.ingest.normalise import Intake
from auditor.ingest.restored import ZERO_COLUMNS, Restored, restored_zero
from auditor.reference import Ints, Reference
from auditor.regular_files import regular
from auditor.report.data import write_text_csv

COLUMNS = (
    "finding",
    "rule",
    "claim_id",
    "line_number",
    "source_file",
    "source_sheet",
    "source_row",
    "column",
    "before",
    "after",
)
# Stands in the column of the rules for what reading repaired before any rule.
LOST_ZERO = "lost_zero"
_COLUMN_OF_RULE = {
    "component_modifier_not_first": "modifiers",
    "diagnosis_not_valid_on_date": "diagnosis_codes",
}
_REMOVED_BY = {"component_modifier_not_first": "component_modifier_on_hospital_line"}


@dataclass(frozen=True)
class Proof:
    """What corrections did to the findings: how many were applied, which vanish, which appear.

    ``vanished`` and ``appeared`` have columns of the findings. ``already`` corrections found their
    cell as they want it, ``astray`` found no line or another cell in it.
    """

    applied: int
    vanished: pd.DataFrame
    appeared: pd.DataFrame
    already: int = 0
    astray: int = 0

    @property
    def said(self) -> str:
        """One sentence of counts."""
        gone = len(self.vanished)
        counts = [
            f"{self.applied} applied",
            *([f"{self.already} in place already when read"] if self.already else []),
            *([f"{self.astray} fit no line"] if self.astray else []),
            "1 finding vanishes" if gone == 1 else f"{gone} findings vanish",
            f"{len(self.appeared)} appear",
        ]
        return "Corrections: " + ", ".join(counts)

    @property
    def assumed(self) -> str:
        """What a reader must know first: no export holds the lines that the figures are of."""
        some = "1 correction" if self.applied == 1 else f"{self.applied:,} corrections"
        return (
            f"The figures are of the lines as {some} would make them; the exports are as they "
            "were. What that changes stands in corrections_proof.csv"
        )


def proposed(
    findings: pd.DataFrame,
    lines: pd.DataFrame,
    reference: Reference,
    intakes: Sequence[Intake] = (),
    *,
    read: Mask | None = None,
) -> pd.DataFrame:
    """One row a correction (``COLUMNS``): of findings whose repair needs no judgment, then zeros.

    Zeros restored by reading (``intakes``) are listed for lines that are flagged or whose code our
    tables know; they belong to no finding. ``read`` marks the lines of the intakes, where others
    of a history are at hand.
    """
    ours = ~among(lines["role"], [""])
    ours[findings["line"].to_numpy(dtype=np.int64)] = True
    if read is not None:
        # Last night's export may have had the same name, and other lines in its rows.
        ours &= read
    zeros = [
        _zeros(lines, np.flatnonzero(ours), intake, one)
        for intake in intakes
        for one in intake.restored
    ]
    frames = [_of_findings(findings, lines, reference), *zeros]
    return _stacked(frames).reset_index(drop=True)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The frames one below the other; empty ones would have a say in the types of columns."""
    filled = [frame for frame in frames if len(frame)] or frames[:1]
    return pd.concat(filled) if len(filled) > 1 else filled[0]


def _zeros(lines: pd.DataFrame, places: Ints, intake: Intake, one: Restored) -> pd.DataFrame:
    """The restored cells of a column on some of the lines, in the order of the file."""
    here = among(lines["source_file"], [intake.file]) & among(
        lines["source_sheet"], [intake.sheet or ""]
    )
    places = places[here[places]]
    rows = lines["source_row"].to_numpy(dtype=np.int64)[places]
    order = np.argsort(rows, kind="stable")
    places, rows = places[order], rows[order]
    at = np.minimum(np.searchsorted(one.rows, rows), len(one.rows) - 1)
    found = np.flatnonzero(one.rows[at] == rows)
    places, at = places[found], at[found]
    names = ["claim_id", "line_number", "source_file", "source_sheet", "source_row"]
    copied = some_lines(lines[names], places)
    return pd.DataFrame(
        {
            "finding": "",
            "rule": LOST_ZERO,
            **{name: copied[name].array for name in names},
            "column": one.column,
            "before": one.before[at],
            "after": one.after[at],
        }
    )[list(COLUMNS)]


def _of_findings(findings: pd.DataFrame, lines: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    billable = _billable(reference)
    known = ["line", "service_date", *(name for name in COLUMNS if name in findings)]
    findings = findings[known]
    frames = []
    for rule, column in _COLUMN_OF_RULE.items():
        some = findings[findings["rule"] == rule]
        # Where another rule says that the modifier goes, moving it repairs nothing.
        lost = findings.loc[findings["rule"] == _REMOVED_BY.get(rule), "line"]
        some = some[~some["line"].isin(lost)]
        before = lines[column].iloc[some["line"]].astype("str").tolist()
        days = some["service_date"].dt.strftime("%Y-%m-%d")
        after = [
            _component_first(cell) if column == "modifiers" else _letters(cell, billable, day)
            for cell, day in zip(before, days, strict=True)
        ]
        frames.append(some.assign(column=column, before=before, after=after))
    # In the order of the findings, as a reader of the worklist meets them.
    repaired = _stacked(frames).sort_index()
    return repaired.loc[repaired["after"] != repaired["before"], list(COLUMNS)]


def _billable(reference: Reference) -> dict[str, list[tuple[str, str]]]:
    """Diagnoses that the table knows as billable, with the first and last day of each span."""
    rows = reference.table("icd10cm").rows
    rows = rows[rows["billable"] == "yes"]
    ends = rows["effective_to"].where(rows["effective_to"] != "", "9999-12-31")
    found: dict[str, list[tuple[str, str]]] = {}
    for code, first, last in zip(rows["icd10"], rows["effective_from"], ends, strict=True):
        found.setdefault(code, []).append((first, last))
    return found


def _component_first(cell: str) -> str:
    words = cell.split()
    return " ".join(sorted(words, key=lambda word: word not in ("26", "TC")))


def _letters(cell: str, billable: Mapping[str, list[tuple[str, str]]], day: str) -> str:
    """Codes with a digit one for the letter I, where the code so read can be billed on the day."""

    def read(word: str) -> str:
        code = corrected(word)
        spans = billable.get(code, []) if not is_well_formed(word) else []
        return code if any(first <= day <= last for first, last in spans) else word

    return " ".join(map(read, cell.split()))


def read_corrections(path: Path) -> pd.DataFrame:
    """Reads corrections.csv. Raises AuditError for what is no deterministic repair."""
    try:
        with regular(path).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError as fault:
        raise AuditError(f"{path}: there is no such file of corrections", exit_code=2) from fault
    except (OSError, UnicodeDecodeError, csv.Error) as fault:
        raise AuditError(f"{path}: can't be read as a UTF-8 CSV", exit_code=2) from fault
    needed = ("claim_id", "line_number", "column", "before", "after")
    for number, row in enumerate(rows, start=2):
        missing = [name for name in needed if row.get(name) is None]
        if missing:
            raise AuditError(f"{path}: has no column {missing[0]}; keep all columns", exit_code=2)
        if None in row:
            raise AuditError(f"{path} line {number}: has more cells than the header", exit_code=2)
        for name, cell in row.items():
            # A spreadsheet shows the apostrophe that keeps a cell from being a formula.
            row[name] = (cell or "").removeprefix("'")
        if row["column"] in ZERO_COLUMNS and row["after"] == row["before"]:
            # Saved by a spreadsheet, which lost the zero again.
            row["after"] = restored_zero(row["column"], row["before"]) or row["before"]
        _check(path, number, row)
    cells = [{name: row.get(name, "") for name in COLUMNS} for row in rows]
    return pd.DataFrame(cells, columns=list(COLUMNS), dtype="str")


def _check(path: Path, number: int, row: dict[str, str]) -> None:
    before, after = row["before"].split(), row["after"].split()
    if row["column"] == "modifiers":
        if after not in (before, _component_first(row["before"]).split()):
            raise AuditError(
                f"{path} line {number}: may only put 26 or TC first, not add, drop or move another "
                "modifier; a coder does that in the claim",
                exit_code=2,
            )
    elif row["column"] == "diagnosis_codes":
        read = [word if is_well_formed(word) else corrected(word) for word in before]
        if len(after) != len(before) or any(
            one not in (old, new) for one, old, new in zip(after, before, read, strict=True)
        ):
            raise AuditError(
                f"{path} line {number}: may only put the letter I for a digit one in a diagnosis",
                exit_code=2,
            )
    elif (
        row["column"] not in ZERO_COLUMNS
        or restored_zero(row["column"], row["before"]) != row["after"]
    ):
        raise AuditError(
            f"{path} line {number}: column '{row['column']}' is never corrected so; only modifiers "
            "and diagnosis_codes are, and zeros that a spreadsheet lost",
            exit_code=2,
        )


def apply(lines: pd.DataFrame, corrections: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Claim lines with the corrections that fit (claim, line and cell as before), and how many.

    Where patients share a claim and line number, its place in the export tells which line is meant.
    """
    fixed = lines.copy(deep=False)
    applied = 0
    for column, group in corrections.groupby("column"):
        cells = lines[str(column)].astype("str").to_numpy(dtype=object)
        meant: dict[int, str] = {}
        for row, places in _meant(lines, group):
            meant |= {place: row["after"] for place in places if cells[place] == row["before"]}
        for place, after in meant.items():
            cells[place] = after
        applied += len(meant)
        codes, words = pd.factorize(cells)
        categories = pd.Index(words, dtype="str")
        fixed[str(column)] = pd.Categorical.from_codes(codes, categories=categories)
    return fixed, applied


def without_effect(lines: pd.DataFrame, corrections: pd.DataFrame) -> tuple[int, int]:
    """How many corrections find their cell as they want it, and how many find no cell of theirs."""
    already = astray = 0
    for column, group in corrections.groupby("column"):
        cells = lines[str(column)].astype("str").to_numpy(dtype=object)
        for row, places in _meant(lines, group):
            held = {cells[place] for place in places}
            if row["before"] not in held:
                already += row["after"] in held
                astray += row["after"] not in held
    return already, astray


_LINE = ("claim_id", "line_number")
_PLACE = ("source_file", "source_sheet", "source_row")


def _meant(
    lines: pd.DataFrame, corrections: pd.DataFrame
) -> Iterator[tuple[dict[str, str], list[int]]]:
    """Each correction, and the places of the lines it is meant for."""
    places = np.flatnonzero(among(lines["claim_id"], set(corrections["claim_id"])))
    some = some_lines(lines[[*_LINE, *_PLACE, "patient_id"]], places)
    told = {name: some[name].astype("string").fillna("").tolist() for name in some}
    by_line: dict[tuple[str, ...], list[int]] = {}
    for at, line in enumerate(zip(*(told[name] for name in _LINE), strict=True)):
        by_line.setdefault(line, []).append(at)
    for row in corrections.to_dict("records"):
        found = by_line.get(tuple(str(row[name]) for name in _LINE), [])
        if len({told["patient_id"][at] for at in found}) > 1:
            place = tuple(str(row.get(name, "")) for name in _PLACE)
            found = [at for at in found if tuple(told[name][at] for name in _PLACE) == place]
        yield {str(name): str(cell) for name, cell in row.items()}, places[found].tolist()


def prove(
    before: pd.DataFrame,
    after: pd.DataFrame,
    applied: int,
    without_effect: tuple[int, int] = (0, 0),
) -> Proof:
    """Compares the findings of the lines as they are with those of the corrected lines."""
    keys = ["rule", "source_file", "source_sheet", "source_row"]
    old, new = _keys(before, keys), _keys(after, keys)
    return Proof(applied, before[~old.isin(new)], after[~new.isin(old)], *without_effect)


def _keys(findings: pd.DataFrame, keys: Sequence[str]) -> pd.MultiIndex:
    return pd.MultiIndex.from_frame(findings[list(keys)].astype("str"))


def write_corrections(corrections: pd.DataFrame, path: Path) -> None:
    """Writes corrections.csv; text that a spreadsheet would run stays text."""
    write_text_csv(corrections, COLUMNS, path)


def write_proof(proof: Proof, path: Path) -> None:
    """Writes the findings that the corrections made vanish or appear."""
    named = ["finding", "rule", "claim_id", "line_number", "source_file", "source_row"]
    frames = [
        frame[named].assign(change=change)
        for change, frame in (("vanished", proof.vanished), ("appeared", proof.appeared))
    ]
    write_text_csv(pd.concat(frames), ("change", *named), path)
