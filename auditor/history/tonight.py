"""Tonight against the nights before: what is new, still open, resolved, waived, and its money."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.audit import Audit, Prepared
from auditor.changes import Night
from auditor.history.alive_findings import alive_of, known_rows
from auditor.history.findings import (
    KNOWN_COLUMNS,
    OPEN,
    as_findings,
    fates,
    frame_of,
    in_order,
    money_of,
    unless_held,
)
from auditor.history.ledger import Ledger
from auditor.history.waivers import WAIVED_BY, Waivers
from auditor.matching import is_among
from auditor.reference import Ints, Reference
from auditor.report.dispositions import Disposition

Texts = npt.NDArray[np.object_]

_MOST_ASKED = 500
_NAME = KNOWN_COLUMNS.index("finding")


@dataclass(frozen=True)
class Known:
    """What the ledger holds before tonight.

    ``alive`` are findings that were open or waived, ``closed`` those of tonight's that were
    resolved or unjudged before; ``again`` says that this very run was the last one written.
    """

    alive: pd.DataFrame
    closed: pd.DataFrame
    again: bool


@dataclass(frozen=True)
class Compared:
    """Findings by what became of them, each with what the ledger knows of it.

    ``open`` and ``waived`` have ``line``, the place among the audited lines; findings of lines
    that were not audited tonight are numbered behind them. ``audited`` marks those of the audit.
    """

    open: pd.DataFrame
    waived: pd.DataFrame
    resolved: pd.DataFrame
    unjudged: pd.DataFrame
    matched: frozenset[str]


def known_of(ledger: Ledger, findings: Sequence[str], run: str) -> Known:
    """What the ledger holds of findings alive, and of some by id that are not."""
    alive = alive_of(ledger)
    # Asked this way round only the few are hashed.
    ids = alive["finding"]
    asked = sorted(set(findings).difference(ids[ids.isin(list(findings))]))
    rows = []
    for start in range(0, len(asked), _MOST_ASKED):
        some = [ledger.seal.name(finding) for finding in asked[start : start + _MOST_ASKED]]
        marks = ", ".join("?" * len(some))
        rows += known_rows(ledger, f"finding IN ({marks})", *some)
    last = ledger.rows("SELECT run FROM runs ORDER BY seq DESC LIMIT 1")
    again = bool(last) and last[0][0] == run
    if again:
        condition = "status IN ('resolved', 'unjudged') AND status_run = ?"
        rows += sorted(known_rows(ledger, condition, run), key=itemgetter(_NAME))
    return Known(alive, frame_of(rows), again)


@dataclass(frozen=True)
class Question:
    """An audit, and on what it was made.

    ``line_patient`` has one digest of the patient a prepared line. ``patients`` are those whose
    lines were audited, None where all were; ``at_hand`` are their lines, standing or not. What was
    last looked at before ``first_open`` does not stand open any more.
    """

    result: Audit
    prepared: Prepared
    line_patient: Ints
    patients: Ints | None
    at_hand: pd.DataFrame
    reference: Reference
    options: dict[str, Any]
    first_open: date


def compared(question: Question, known: Known, waivers: Waivers, run: str) -> Compared:
    """Compares an audit's findings with those known."""
    as_of, patients = question.result.as_of, question.patients
    fresh = _fresh(question, known, run)
    alive = known.alive.assign(line=-1, audited=False)
    gone = ~alive["finding"].isin(fresh["finding"]).to_numpy(dtype=bool)
    looked = gone
    if patients is not None:
        looked = gone & is_among(alive["patient_key"].to_numpy(), patients)
    places = np.flatnonzero(looked)
    places = places[alive["finding"].take(places).argsort().to_numpy()]
    asked = alive.take(places).reset_index(drop=True)
    fate = fates(asked, question.at_hand, question.prepared, question.reference, question.options)
    carried = np.concatenate([np.flatnonzero(gone & ~looked), places[fate.kept]])
    outlived = alive["last_seen"].take(carried).lt(question.first_open.isoformat()).to_numpy(bool)
    carried, left = carried[~outlived], carried[outlived]
    # Nearly all are carried: they are copied once, in their order, and not at every step.
    everything = pd.concat([fresh, alive], ignore_index=True) if len(alive) else fresh
    of = np.concatenate([np.arange(len(fresh)), len(fresh) + carried])
    status, words, matched = _told(everything, of, known, waivers, as_of)
    set_apart = words != ""
    # What was waived and is clean is no success of tonight.
    was_open = asked["status"].isin(OPEN).to_numpy(dtype=bool)
    resolved = asked[fate.resolved].assign(was_open=was_open[fate.resolved])
    unjudged = asked[fate.unjudged].assign(was_open=was_open[fate.unjudged], outlived=False)
    if len(left):
        unjudged = pd.concat([unjudged, _outlived(alive.take(left))], ignore_index=True)
    if known.again:
        resolved = _closed(known, "resolved", resolved)
        closed = _closed(known, "unjudged", unjudged.drop(columns="outlived"))
        first_open = question.first_open.isoformat()
        unjudged = closed.assign(outlived=closed["last_seen"].lt(first_open))
    still_open, waived = (
        _in_order(everything, of[some], status[some], words[some])
        for some in (~set_apart, set_apart)
    )
    return Compared(
        open=still_open,
        waived=waived,
        resolved=unless_held(resolved.assign(status="resolved"), still_open),
        unjudged=unjudged.assign(status="unjudged"),
        matched=matched,
    )


def _outlived(some: pd.DataFrame) -> pd.DataFrame:
    """Findings that have stood for longer than they are kept, as they leave."""
    some = some.sort_values("finding", kind="stable")
    return some.assign(was_open=some["status"].isin(OPEN), outlived=True)


def _told(
    everything: pd.DataFrame, of: Ints, known: Known, waivers: Waivers, as_of: date
) -> tuple[Texts, Texts, frozenset[str]]:
    """Status and waiver (as text) of the findings at some places, and what waivers matched."""
    words, matched = waivers.apply(everything[list(WAIVED_BY)].take(of), as_of)
    waiver = words.to_numpy(dtype=object)
    before = everything["status"].take(of).to_numpy(dtype=object)
    if not known.again:
        audited = everything["audited"].to_numpy(dtype=bool)[of]
        before = np.where(audited, before, "persisting")
    # A finding whose waiver lapsed was seen before.
    status = np.where(before == "waived", "persisting", before)
    return np.where(waiver != "", "waived", status), waiver, matched


def _in_order(everything: pd.DataFrame, of: Ints, status: Texts, waiver: Texts) -> pd.DataFrame:
    """Findings at some places in their order, with the status and the waiver of each."""
    found, places = in_order(everything, of)
    turn = np.empty(len(everything), dtype=np.int64)
    turn[of] = np.arange(len(of))
    turn = turn[places]
    return found.assign(
        status=pd.Series(status[turn], dtype="str"), waiver=pd.Series(waiver[turn], dtype="str")
    )


def _closed(known: Known, status: str, others: pd.DataFrame) -> pd.DataFrame:
    """Findings that this run closed when it was written, where it is asked again."""
    some = known.closed[known.closed["status"] == status]
    was_open = some["waiver"].eq("")
    return pd.concat(
        [others, some.assign(line=-1, audited=False, was_open=was_open)], ignore_index=True
    )


def _fresh(question: Question, known: Known, run: str) -> pd.DataFrame:
    """The findings of the audit with what the ledger knows of them, and their status."""
    result = question.result
    columns = ["finding", "status", "status_run", "first_run", "first_seen", "amount_first"]
    columns += ["disposition", "owner", "note"]
    earlier = pd.concat([known.alive[columns], known.closed[columns]], ignore_index=True)
    found = result.findings.drop(columns="status").merge(earlier, how="left", on="finding")
    before = found["status"].fillna("").to_numpy(dtype=object)
    alive = np.isin(before, [*OPEN, "waived"])
    if known.again:
        status = np.where(alive, before, np.where(before == "", "new", "reopened"))
    else:
        now = np.where(before == "waived", "waived", "persisting")
        status = np.where(before == "", "new", np.where(alive, now, "reopened"))
    day = result.as_of.isoformat()
    return found.assign(
        status=pd.Series(status, index=found.index, dtype="str"),
        patient_key=question.line_patient[found["line"].to_numpy()],
        first_run=found["first_run"].fillna(run),
        first_seen=found["first_seen"].fillna(day),
        last_seen=day,
        amount_first=found["amount_first"].where(before != "", found["amount"]),
        waiver="",
        disposition=found["disposition"].fillna(""),
        owner=found["owner"].fillna(""),
        note=found["note"].fillna(""),
        status_run=found["status_run"].fillna(run),
        audited=True,
    )


def night_of(run: str, as_of: date, one: Compared) -> Night:
    """Tonight in the trend."""
    counts = one.open["status"].value_counts()
    came = arrived(one)
    identified, reopened = (
        money_of(came[came["status"] == status]) for status in ("new", "reopened")
    )
    back = money_of(one.resolved[one.resolved["was_open"].astype(bool)])
    still_open = money_of(one.open)
    return Night(
        run=run,
        as_of=as_of,
        new=int(counts.get("new", 0)),
        reopened=int(counts.get("reopened", 0)),
        persisting=int(counts.get("persisting", 0)),
        resolved=int(one.resolved["was_open"].sum()),
        waived=len(one.waived),
        identified_at_risk_cents=identified[0],
        identified_missed_cents=identified[1],
        recovered_at_risk_cents=back[0],
        recovered_missed_cents=back[1],
        still_open_at_risk_cents=still_open[0],
        still_open_missed_cents=still_open[1],
        reopened_at_risk_cents=reopened[0],
        reopened_missed_cents=reopened[1],
    )


def arrived(one: Compared) -> pd.DataFrame:
    """Findings that are new or reopened, ``counts_money`` where their line held none before."""
    narrow = ["patient_id", "claim_id", "claim_type", "line_number", "service_date"]
    narrow += ["procedure_code", "money", "amount", "severity", "status"]
    narrow += ["source_file", "source_sheet", "source_row"]
    parts = [one.resolved, one.unjudged]
    still_open = one.open[narrow]
    before = [
        still_open[still_open["status"] == "persisting"],
        *(part.loc[part["was_open"].astype(bool), narrow] for part in parts),
    ]
    came = still_open[still_open["status"].isin(["new", "reopened"])]
    return unless_held(came, pd.concat(before, ignore_index=True))


def shown(frame: pd.DataFrame, *more: str) -> pd.DataFrame:
    """Findings as reports show them, with some columns of the ledger behind.

    Of those that were closed, only what stood open before: a list holds what the counts do.
    """
    if "was_open" in frame:
        frame = frame[frame["was_open"].astype(bool)]
    some = frame.assign(line=frame.get("line", -1)).reset_index(drop=True)
    return pd.concat([as_findings(some), some[list(more)]], axis=1)


def unjudged_note(one: Compared) -> tuple[str, ...]:
    """What must be said of findings that could not be judged again, or stood open for too long."""
    was_open, outlived = (one.unjudged[name].to_numpy(bool) for name in ("was_open", "outlived"))
    return tuple(
        f"{'1 finding' if count == 1 else f'{count:,} findings'} that stood open {why}. Not open "
        "any more, and not resolved"
        for count, why in (
            (
                int((was_open & ~outlived).sum()),
                "could not be judged again: the newest export lacks what the rule needs, or the "
                "dates at hand have changed",
            ),
            (
                int((was_open & outlived).sum()),
                "came in no export for longer than open findings are kept (keep_open_days)",
            ),
        )
        if count
    )


def decided(one: Compared) -> dict[str, Disposition]:
    """What people decided about the findings that are open or waived, or that tonight closed."""
    columns = ["disposition", "owner", "note"]
    narrow = ["finding", *columns]
    parts = [part[narrow] for part in (one.open, one.waived, one.resolved)]
    told = pd.concat(parts, ignore_index=True)
    some = told[(told[columns] != "").any(axis=1)]
    rows = zip(some["finding"], *(some[name] for name in columns), strict=True)
    return {finding: Disposition(*words) for finding, *words in rows}
