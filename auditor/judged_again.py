"""A finding judged again from the lines of its run, with every value that decided it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from auditor.as_requested import claims_of, prepared_for
from auditor.audit import Prepared
from auditor.caching import forget
from auditor.catalogue import CATALOGUE
from auditor.conditions import Condition, Seen, conditions_of
from auditor.corrections import apply, read_corrections
from auditor.errors import AuditError
from auditor.exports_of_run import exports_of, is_night, run_of
from auditor.findings import findings_of
from auditor.history.again import known_of_patient, last_run
from auditor.judging import Judgement, failed, judge
from auditor.library.reading import narrowed
from auditor.reference import Reference, load_reference
from auditor.request import Request
from auditor.rule import Rule
from auditor.shipped import reference_dir

_PLACE = ("source_file", "source_sheet", "source_row")


@dataclass(frozen=True)
class Explained:
    """A finding judged again: its row, its line and partner, the rule and the tables.

    ``place`` is where the line stood (file, sheet, row), ``brought_by`` the run whose exports hold
    it; ``conditions`` are what the rule asks, each computed anew for the line. ``frame`` holds the
    line alone.
    """

    finding: "pd.Series[Any]"
    line: "pd.Series[Any]"
    frame: pd.DataFrame
    evidence: "pd.Series[Any]"
    partner: "pd.Series[Any] | None"
    rule: Rule
    reference: Reference
    conditions: tuple[Condition, ...]
    place: tuple[str, str, int]
    brought_by: str


@dataclass(frozen=True)
class AtHand:
    """Lines prepared as the run judged them, and for each the run that brought it.

    ``given`` are the lines before those left that another one supersedes.
    """

    given: pd.DataFrame
    prepared: Prepared
    reference: Reference
    runs: Sequence[str] | None


def judged_again(folder: Path, request: Request, finding: str) -> Explained:
    """Judges a finding of a run again. Raises AuditError where the run's lines are not at hand."""
    row = _row_of(folder, finding)
    rule = next(rule for rule in CATALOGUE if rule.name == row["rule"])
    if is_remembered(folder, request):
        at_hand = from_history(request, str(row["patient_id"]))
    else:
        at_hand = from_exports(folder, request)
    judgement, findings = _judged(rule, at_hand, request)
    found = findings[findings["finding"] == finding]
    if found.empty:
        raise AuditError(_not_again(finding, request))
    own = found.iloc[0]
    at = int(own["line"])
    evidence = judgement.evidence(at)
    partner = int(evidence["partner"])
    lines = at_hand.prepared.lines
    place = (str(row["source_file"]), str(row["source_sheet"]), int(row["source_row"]))
    return Explained(
        finding=own,
        line=lines.iloc[at],
        frame=lines.iloc[[at]],
        evidence=evidence,
        partner=lines.iloc[partner] if partner >= 0 else None,
        rule=judgement.rule,  # with the settings of the run
        reference=at_hand.reference,
        conditions=conditions_at(judgement.rule, at_hand.prepared, at, at_hand.reference),
        place=place,
        brought_by=_brought_by(at_hand, at, place) or run_of(folder),
    )


def _row_of(folder: Path, finding: str) -> "pd.Series[Any]":
    path = folder / "findings.parquet"
    if not path.is_file():
        raise AuditError(
            f"{folder}: holds no findings.parquet; name the folder of a run with that format",
            exit_code=2,
        )
    try:
        columns = ["finding", "rule", "patient_id", *_PLACE]
        table = pq.read_table(path, columns=columns).to_pandas()
    except (OSError, ValueError) as fault:
        raise AuditError(f"{path}: is damaged; run again", exit_code=2) from fault
    named = table[table["finding"] == finding]
    if named.empty:
        raise AuditError(f"{folder}: has no finding {finding}; see findings.csv", exit_code=2)
    return named.iloc[0]


def is_remembered(folder: Path, request: Request) -> bool:
    """Whether the history still holds what the run judged: it was its last run.

    Raises AuditError for a night of which that is not so; a run has its exports, too.
    """
    if request.history is None:
        return False
    last = last_run(request.history, request.settings.history.encryption_key_env)
    run = run_of(folder)
    if last == run or not is_night(folder):
        return last == run
    if not last:
        raise AuditError(
            f"{request.history}: holds no history, and the findings of a night rest on it; put it "
            f"back where it was. {folder / 'report.html'} shows their evidence"
        )
    raise AuditError(
        f"{folder}: nights since {run} have changed what the history holds; explain the finding in "
        f"the folder of the last one, {last}, where all that is open stands"
    )


def _refuse_changed_exports(folder: Path) -> None:
    for one in exports_of(folder):
        if not one.path.exists():
            raise AuditError(f"{one.path} doesn't exist; put the export back, or run again")
        if not one.is_as_read():
            raise AuditError(
                f"{one.path}: has changed since the run; put the export back, or run again"
            )


def from_exports(folder: Path, request: Request) -> AtHand:
    """The lines of a run's exports. Raises AuditError if those are not there as they were read."""
    _refuse_changed_exports(folder)
    reference = load_reference(reference_dir(), request.reference)
    lines = claims_of(request).lines
    if request.corrections:
        lines, _ = apply(lines, read_corrections(request.corrections))
    reference = narrowed(reference, lines)
    return AtHand(lines, prepared_for(lines, reference, request), reference, None)


def from_history(request: Request, patient: str) -> AtHand:
    """The lines of a patient as the history's last run judged them."""
    assert request.history is not None
    key_env = request.settings.history.encryption_key_env
    again = known_of_patient(request.history, key_env, patient)
    reference = narrowed(load_reference(reference_dir(), request.reference), again.lines)
    lines = again.lines.assign(kept=np.arange(len(again.lines)))
    prepared = prepared_for(lines, reference, request)
    runs = [again.runs[place] for place in prepared.lines["kept"]]
    own = prepared.lines.drop(columns="kept")
    prepared = replace(prepared, lines=own, extract=again.extract)
    return AtHand(again.lines, prepared, reference, runs)


def _judged(rule: Rule, at_hand: AtHand, request: Request) -> tuple[Judgement, pd.DataFrame]:
    prepared, reference, options = at_hand.prepared, at_hand.reference, request.settings.options()
    try:
        judgement = judge(rule, prepared.lines, reference, prepared.extract, options)
        return judgement, findings_of([judgement], prepared.lines, reference, options)
    except (AuditError, MemoryError):
        raise
    except Exception as fault:
        ((_, detail),) = failed(rule, prepared.lines, fault).reasons
        raise AuditError(
            f"the rule {rule.name} failed ({detail}), so its findings can't be explained; tell the "
            "makers of the program"
        ) from fault
    finally:
        forget()


def _not_again(finding: str, request: Request) -> str:
    said = f"finding {finding} does not come out again: program, tables or settings have changed"
    if request.history is None:
        return f"{said} since the run; run again"
    return (
        f"{said} since the run, or it rests on lines that the history holds no more as they were; "
        "explain it in the folder of the last run with that history, or run again"
    )


def _brought_by(at_hand: AtHand, at: int, place: tuple[str, str, int]) -> str:
    """The earlier run whose export holds the line; ``""`` if it is the run's own.

    The history keeps no second copy of a line that a later export repeats cell by cell: then the
    place of the finding is not that of the line kept.
    """
    line = at_hand.prepared.lines.iloc[at]
    kept = (str(line["source_file"]), str(line["source_sheet"]), int(line["source_row"]))
    return at_hand.runs[at] if at_hand.runs and kept == place else ""


def conditions_at(
    rule: Rule, prepared: Prepared, place: int, reference: Reference
) -> tuple[Condition, ...]:
    """The rule's conditions for one line, computed from its patient's lines alone."""
    own, at = patients_lines(prepared, place)
    try:
        return tuple(conditions_of(Seen(own, at, rule, reference, prepared.extract)))
    finally:
        forget()


def patients_lines(prepared: Prepared, place: int) -> tuple[pd.DataFrame, int]:
    """All lines of a line's patient, and where it stands among them."""
    patient = prepared.lines["patient_id"].cat.codes.to_numpy()
    places = np.flatnonzero(patient == patient[place])
    return prepared.lines.iloc[places].reset_index(drop=True), int(np.searchsorted(places, place))
