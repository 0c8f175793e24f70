"""Two finished runs side by side: what is new, reopened, persisting with its age, and gone."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from auditor import erasing
from auditor.errors import AuditError
from auditor.history.alive_findings import known_rows
from auditor.history.findings import OPEN, frame_of, money_of, unless_held
from auditor.history.ledger import NAME, Ledger
from auditor.report.data import RUN_FORMAT
from auditor.report.words import counted, dollars

CHANGES = ("new", "reopened", "persisting", "resolved", "waived", "unjudged", "gone")
_MEANINGS = {
    "new": "",
    "reopened": "had been resolved",
    "persisting": "",
    "resolved": "seen again and clean, or superseded",
    "waived": "somebody answers for it",
    "unjudged": "seen again, but the rule could not judge it; or open for too long",
    "gone": "not found in the later run: clean, superseded, or not in its exports",
}
_CLOSED = ("resolved", "waived", "unjudged")
_OTHERWISE = "  (waived, not judged, not found again, or another amount)"
_LISTED = (
    "finding",
    "rule",
    "severity",
    "money",
    "claim_id",
    "line_number",
    "patient_id",
    "service_date",
    "source_file",
    "source_row",
)


@dataclass(frozen=True)
class FinishedRun:
    """A run's folder as compared: its findings, amounts in cents, and the day it looked from.

    ``closed`` says of findings (by id) that the run knew to be closed: resolved, waived, unjudged.
    """

    folder: Path
    findings: pd.DataFrame
    as_of: date
    closed: dict[str, str]


def read_run(folder: Path) -> FinishedRun:
    """Reads a run's findings. Raises AuditError when the folder is none of a run."""
    try:
        facts = json.loads((folder / "run.json").read_text("utf-8"))
        as_of, known = date.fromisoformat(facts["as_of"]), int(facts["format"])
        closed = _closed_in(facts.get("closed") or {})
        findings = pq.read_table(folder / "findings.parquet").to_pandas()
    except (OSError, AttributeError, KeyError, TypeError, ValueError) as fault:
        raise AuditError(
            f"{folder}: run.json and findings.parquet can't be read; name the folder of a finished "
            "run with that format",
            exit_code=2,
        ) from fault
    if known > RUN_FORMAT:
        raise AuditError(
            f"{folder}: was written by a newer version of the program; compare with that one",
            exit_code=2,
        )
    cents = [None if pd.isna(amount) else int(amount * 100) for amount in findings["amount"]]
    number = findings["line_number"].astype("Int64")
    amount = pd.array(cents, dtype="Int64")
    return FinishedRun(folder, findings.assign(amount=amount, line_number=number), as_of, closed)


def _closed_in(facts: dict[str, list[str]]) -> dict[str, str]:
    return {finding: word for word in _CLOSED for finding in facts.get(word, [])}


def known_to(history: Path | None) -> dict[str, tuple[str, date]]:
    """Status and day first seen of each finding in a ledger; nothing without one."""
    if history is None:
        return {}
    if not (history / NAME).exists():
        raise AuditError(f"{history}: holds no {NAME}; name the folder of a history", exit_code=2)
    with Ledger(history, restores=False) as ledger:
        known = frame_of(known_rows(ledger, "TRUE"))
    cells = zip(known["finding"], known["status"], known["first_seen"], strict=True)
    return {finding: (status, date.fromisoformat(seen)) for finding, status, seen in cells}


def compared(
    earlier: FinishedRun, later: FinishedRun, known: dict[str, tuple[str, date]]
) -> pd.DataFrame:
    """All findings of both runs with ``change``, ``age`` in days and ``counts_money``.

    The age is that at the later run; without a ledger it counts from the earlier run, for findings
    that were there already.
    """
    before, now = earlier.findings, later.findings
    again = now["finding"].isin(before["finding"])
    reopened = now["status"].eq("reopened") & ~again
    change = pd.Series("new", index=now.index).mask(reopened, "reopened").mask(again, "persisting")
    gone = before[~before["finding"].isin(now["finding"])]
    closed = [
        later.closed.get(finding) or _fate(known.get(finding, ("", None))[0])
        for finding in gone["finding"]
    ]
    left = unless_held(gone, now).assign(change=closed)
    both = pd.concat([now.assign(change=change), left], ignore_index=True)
    first = dict.fromkeys(before["finding"], earlier.as_of)
    first |= {finding: seen for finding, (_, seen) in known.items()}
    age = [(later.as_of - first.get(finding, later.as_of)).days for finding in both["finding"]]
    return both.assign(age=age)


def _fate(status: str) -> str:
    """What became of a finding that the later run does not hold, by its status in the ledger.

    One that is open was closed in between and reopened after the later run: a run with a history
    holds every open finding.
    """
    if status in OPEN:
        return "resolved"
    return status if status in _CLOSED else "gone"


def comparison_page(
    earlier: Path, later: Path, history: Path | None = None, listing: Path | None = None
) -> str:
    """The comparison as text; ``listing`` takes one row a finding as CSV."""
    one, other = read_run(earlier), read_run(later)
    if one.as_of > other.as_of:
        raise AuditError(
            f"{earlier} is of {one.as_of}, later than {later} of {other.as_of}; name the earlier "
            "run first",
            exit_code=2,
        )
    known = known_to(history)
    both = compared(one, other, known)
    if listing:
        _write(both, listing)
    before = money_of(one.findings)
    lines = [
        f"{earlier} of {one.as_of} and {later} of {other.as_of}",
        "",
        f"{'':<12}{'findings':>9}{'at risk':>16}{'missed':>16}",
    ]
    for name in CHANGES:
        some = both[both["change"] == name]
        if len(some) or name in ("new", "persisting"):
            at_risk, missed = money_of(some)
            row = f"{name:<12}{len(some):>9,}{dollars(at_risk):>16}{dollars(missed):>16}"
            lines.append(f"{row}  {_MEANINGS[name]}".rstrip())
    return "\n".join([*lines, "", *_money(both, before), "", *_rules(both), ""])


def _money(both: pd.DataFrame, before: tuple[int, int]) -> list[str]:
    """What was open before, what came and went, and what is open: the flows add up."""
    stands = both["change"].isin(["new", "reopened", "persisting"])
    is_new = both["change"].isin(["new", "reopened"])
    came = unless_held(both[is_new], both[~is_new])
    identified = money_of(came[came["change"] == "new"])
    reopened = money_of(came[came["change"] == "reopened"])
    back, left = money_of(both[both["change"] == "resolved"]), money_of(both[stands])
    rest = tuple(
        now - old - new - again + gone
        for now, old, new, again, gone in zip(left, before, identified, reopened, back, strict=True)
    )
    said = [
        _dollars("open before", before),
        _dollars("identified", identified),
        *([_dollars("reopened", reopened)] if any(reopened) else []),
        _dollars("recovered", back),
        *([_dollars("otherwise", rest) + _OTHERWISE] if any(rest) else []),
        _dollars("still open", left),
    ]
    old = both.loc[stands & (both["age"] > 0), "age"]
    if len(old):
        said.append(
            f"{'age:':<12} {counted(len(old), 'finding')} open before; oldest "
            f"{counted(int(old.max()), 'day')}, half of them {counted(int(old.median()), 'day')} "
            "or more"
        )
    return said


def _dollars(words: str, money: tuple[int, ...]) -> str:
    at_risk, missed = money
    return f"{words + ':':<12} {dollars(at_risk)} at risk, {dollars(missed)} missed"


def _rules(both: pd.DataFrame) -> list[str]:
    """A row a rule, the most changed first."""
    table: Any = pd.crosstab(both["rule"], both["change"])
    shown = [name for name in CHANGES if name in table.columns]
    table = table[shown].assign(moved=table[[n for n in shown if n != "persisting"]].sum(axis=1))
    table = table.sort_values("moved", ascending=False, kind="stable")
    head = f"{'rule':<40}" + "".join(f"{name:>12}" for name in shown)
    rows = [
        f"{rule:<40}" + "".join(f"{int(row[name]):>12,}" for name in shown)
        for rule, row in table.iterrows()
    ]
    return [head, *rows]


def _write(both: pd.DataFrame, path: Path) -> None:
    rows = both[list(_LISTED)].astype("str").replace("<NA>", "")
    rows = rows.replace(r"^([=+\-@\t\r])", r"'\1", regex=True)
    rows = rows.assign(change=both["change"], age=both["age"])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows(rows.itertuples(index=False))
    content = text.getvalue().encode()
    try:
        # A pipe, or a link such as /dev/stdout, is written through and stays what it is.
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(content)
        else:
            erasing.put(path, content)
    except OSError as fault:
        raise AuditError(f"{path}: can't be written ({fault.strerror})") from fault
