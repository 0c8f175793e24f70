"""The memory of a site: what a run adds to it, and what it adds to a run.

``audit`` only reads; ``commit`` is the one point at which a night becomes part of the memory.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from filelock import FileLock, Timeout

from auditor.as_requested import prepared_for
from auditor.audit import Audit, Prepared, audit, totals_of, touched
from auditor.changes import Changes
from auditor.claim_lines import Mask
from auditor.claim_types import with_types
from auditor.errors import AuditError
from auditor.extract import Extract
from auditor.history import lines as kept_lines
from auditor.history.alive_findings import alive_of, keep_alive, with_decisions, without_decision
from auditor.history.compaction import compact, cutoff_of, first_open_day, forget
from auditor.history.extents import Extents, extents_of
from auditor.history.findings import as_findings
from auditor.history.folders import private
from auditor.history.judged_by import judged_by_of
from auditor.history.ledger import Ledger
from auditor.history.lines import KeptLines, patient_keys, together
from auditor.history.remembered import Remembered
from auditor.history.resealing import opened_ledger
from auditor.history.tonight import (
    Compared,
    Known,
    Question,
    compared,
    decided,
    known_of,
    night_of,
    shown,
    unjudged_note,
)
from auditor.history.versions import (
    FIRST_ADJUSTING,
    kinds_of,
    line_keys,
    standing_versions,
    told_already,
)
from auditor.history.waiting import (
    says_the_same_of_settled,
    settled_before,
    waiting_patients,
)
from auditor.history.waiver_days import waiver_days
from auditor.history.waivers import NAME as WAIVERS
from auditor.history.waivers import Waivers, read_waivers
from auditor.history.writing import FILES, extract_from, nights_of, write_decisions, write_night
from auditor.intake import Claims
from auditor.library.reading import narrowed
from auditor.reference import Ints, Reference
from auditor.report.dispositions import Disposition
from auditor.request import Request
from auditor.settings import HistorySettings


@dataclass(frozen=True)
class _Lines:
    """Lines of the memory and of tonight together, and which of them stand."""

    every: KeptLines
    tonight: Mask
    stands: Mask
    stood: Mask
    told: Mask


@dataclass(frozen=True)
class _AtHand:
    """The lines of a night prepared, the patient (by digest) of each, and whether it is tonight's.

    ``reference`` are the tables narrowed to them, ``extents`` what all lines come to.
    """

    found: _Lines
    reference: Reference
    prepared: Prepared
    patient: Ints
    is_tonight: Mask
    extents: Extents


class Memory:
    """The history of a site, open for one run. Close it, or use it in a ``with`` statement."""

    def __init__(
        self, folder: Path, ledger: Ledger, lock: FileLock, settings: HistorySettings
    ) -> None:
        """Use ``open``."""
        self.folder = folder
        self.ledger = ledger
        self._lock = lock
        self._settings = settings
        self.notes: tuple[str, ...] = ()

    @classmethod
    def open(
        cls, folder: Path, settings: HistorySettings | None = None, *, patience: float = 1
    ) -> "Memory":
        """Opens the history in a folder, makes it where there is none, and puts it right.

        ``notes`` then says in a line each what had to be put right. Raises AuditError when another
        run uses it for longer than ``patience`` seconds, without its key, or when it can't be put
        right.
        """
        private(folder)
        lock = FileLock(folder / ".lock", mode=0o600)
        try:
            lock.acquire(timeout=patience)
        except Timeout as fault:
            raise AuditError(
                f"{folder}: another run is using this history; wait until it has ended"
            ) from fault
        except OSError as fault:
            raise AuditError(f"{folder}: can't be written ({fault.strerror or fault})") from fault
        try:
            settings = settings or HistorySettings()
            ledger, notes = opened_ledger(folder, settings.encryption_key_env)
            memory = cls(folder, ledger, lock, settings)
            memory.notes = notes
        except BaseException:
            lock.release()
            raise
        return memory

    def __enter__(self) -> "Memory":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the ledger and lets another run in."""
        self.ledger.close()
        self._lock.release()

    @property
    def waivers_file(self) -> Path:
        """Where the waivers stand."""
        return self.folder / (self._settings.waivers or WAIVERS)

    def seen(self, sha256: str) -> bool:
        """Whether an export of this digest, or of this digest and sheet, was in an earlier run."""
        return bool(self.ledger.rows("SELECT 1 FROM inputs WHERE sha256 = ? LIMIT 1", sha256))

    def audit(
        self, claims: Claims, reference: Reference, request: Request, run: str = ""
    ) -> Remembered:
        """Audits tonight's lines with those of the memory that may bear on them. Writes nothing.

        ``run`` is the identity of the run; that of the last one written gets the answer of then.
        """
        options, judged_by = request.settings.options(), judged_by_of(reference, request)
        before = dict(self.ledger.rows("SELECT key, value FROM meta")).get("judged_by", judged_by)
        asked, exports = self._asked(claims.lines, request)
        last = self._last_extract()
        # New rules, tables or settings may say something else of every line.
        patients = self._concerned(asked.patient, last, options) if before == judged_by else None
        at_hand = self._gathered(patients, asked, reference, request, counted=bool(before))
        settled = last is None or says_the_same_of_settled(last, at_hand.prepared.extract)
        if patients is not None and not settled:
            patients = self._concerned(asked.patient, None, options)
            at_hand = self._gathered(patients, asked, reference, request, counted=True)
        found, prepared, patient = at_hand.found, at_hand.prepared, at_hand.patient
        reference, extents, is_tonight = at_hand.reference, at_hand.extents, at_hand.is_tonight
        result = audit(prepared, reference, options=options)
        known = known_of(self.ledger, result.findings["finding"].tolist(), run)
        first = first_open_day(self.ledger, run, request.as_of, self._settings)
        every = found.every.lines
        question = Question(result, prepared, patient, patients, every, reference, options, first)
        waivers = read_waivers(self.waivers_file)
        one = compared(question, known, waivers, run)
        touching = _touching(prepared, patient, result, reference)
        new = found.tonight & found.stands & ~found.told
        new &= np.isin(found.every.patient, touching) | _adjusting(found.every)
        return Remembered(
            audit=self._open_audit(result, one),
            changes=self._changes(request.as_of, run, one, known, waivers, found),
            tonight=is_tonight,
            superseded=int(found.tonight.sum() - is_tonight.sum()),
            compared=one,
            known=known.alive,
            keep=found.every.where(new),
            exports=exports,
            extents=extents,
            extract=prepared.extract,
            waiting=waiting_patients(prepared.lines, patient, request.as_of, options),
            patients=patients,
            judged_by=judged_by,
            after=self._last(),
            waivers=tuple(waiver.digest for waiver in waivers.all),
            intakes=claims.intakes,
            dispositions=decided(one),
            waivers_unread=waivers.unread,
        )

    def committed(self, run: str) -> bool:
        """Whether a run is part of the memory."""
        return bool(self.ledger.rows("SELECT 1 FROM runs WHERE run = ?", run))

    def settle(self, as_of: date) -> int:
        """Lays the copy, lets go what is old; after a commit, or again. Returns as ``compact``."""
        days = self._settings.keep_days
        unlinked = forget(self.folder, self.ledger, cutoff_of(self.ledger, as_of, days))
        unlinked += not self.ledger.lay_copy()
        return unlinked + compact(self.folder, self.ledger, as_of, days)

    def commit(self, remembered: Remembered, run: str, inputs: Sequence[str]) -> int:
        """Writes a night into the memory: all of it or nothing, and once for each run.

        ``inputs`` are the SHA-256 digests of its exports. Returns what ``settle`` does. Raises
        AuditError when the memory has changed since the audit, or can't be written.
        """
        if self.committed(run):
            return 0
        if self._last() != remembered.after:
            raise AuditError(f"{self.folder}: has changed since the audit; run again")
        number = remembered.after + 1
        name, sha256 = f"{number:06d}-{run}.parquet", ""
        if len(remembered.keep.lines):
            path = kept_lines.path_of(self.folder, name)
            sha256 = kept_lines.write(remembered.keep, path, self.ledger.seal)
        files = [(name, number, number, len(remembered.keep.lines), sha256)] if sha256 else []
        with self.ledger.writing():
            write_night(self.ledger, remembered, run, number, inputs)
            self.ledger.put("files", FILES, files)
        return self.settle(remembered.audit.as_of)

    def decide(
        self, brought: Mapping[str, Disposition], known: Mapping[str, Disposition] | None = None
    ) -> None:
        """Writes what people decided about findings; ``known`` stands only where nothing does."""
        alive = alive_of(self.ledger)
        decisions = without_decision(alive, known or {}) | dict(brought)
        with self.ledger.writing():
            write_decisions(self.ledger, decisions)
            keep_alive(self.ledger, with_decisions(alive, decisions))
        self.ledger.lay_copy()

    def _last(self) -> int:
        return int(self.ledger.rows("SELECT coalesce(max(seq), 0) FROM runs")[0][0])

    def _asked(self, lines: pd.DataFrame, request: Request) -> tuple[KeptLines, tuple[str, ...]]:
        """Tonight's lines, each export with a number of its own, and the exports' names."""
        first = int(self.ledger.rows("SELECT coalesce(max(export), 0) + 1 FROM exports")[0][0])
        turn, names = pd.factorize(lines["source_file"].cat.codes.to_numpy())
        kind = np.zeros(len(lines), dtype=np.int64)
        for number in range(len(names)):
            mask = turn == number
            kind[mask] = kinds_of(with_types(lines[mask], dict(request.settings.payers)))
        files = tuple(lines["source_file"].cat.categories[names].astype("str"))
        patient = patient_keys(lines, self.ledger.seal)
        asked = KeptLines(lines, turn.astype(np.int64) + first, kind, patient)
        return asked, files

    def _last_extract(self) -> Extract | None:
        rows = self.ledger.rows("SELECT extract FROM runs ORDER BY seq DESC LIMIT 1")
        return extract_from(rows[0][0]) if rows else None

    def _concerned(self, tonight: Ints, last: Extract | None, options: dict[str, Any]) -> Ints:
        """Patients of tonight, and those of whom this night may say something else.

        With ``last``, the extract of the last run, those that had waited long enough are left out.
        """
        since = settled_before(last, options) if last else -(2**40)
        query = "SELECT patient_key FROM waiting WHERE newest_day >= ?"
        keys = np.array([key for (key,) in self.ledger.rows(query, since)], dtype=np.int64)
        return np.unique(np.concatenate([tonight, keys]))

    def _gathered(
        self,
        patients: Ints | None,
        asked: KeptLines,
        reference: Reference,
        request: Request,
        *,
        counted: bool,
    ) -> _AtHand:
        """Tonight's lines with those of some patients, prepared under the extract of all lines.

        ``counted`` says that what lines came to before is known; else only these lines count.
        """
        options = request.settings.options()
        found = _together(self._kept(patients), asked)
        reference = narrowed(reference, found.every.lines)
        prepared, patient, is_tonight = _prepared(found, found.stands, reference, request)
        extents = extents_of(prepared.lines, options)
        if counted:
            stood, _, _ = _prepared(found, found.stood, reference, request)
            extents = self._extents(extents_of(stood.lines, options), patients).plus(extents)
        prepared = replace(prepared, extract=extents.extract(request.as_of))
        return _AtHand(found, reference, prepared, patient, is_tonight, extents)

    def _kept(self, patients: Ints | None) -> KeptLines:
        names = self.ledger.rows("SELECT name FROM files ORDER BY first_seq")
        paths = [kept_lines.path_of(self.folder, name) for (name,) in names]
        return kept_lines.read(paths, patients, self.ledger.seal)

    def _extents(self, old: Extents, patients: Ints | None) -> Extents:
        """What all lines came to before, without those that are counted again."""
        days = self.ledger.rows("SELECT claim_type, day, lines FROM days")
        pairs = dict(self.ledger.rows("SELECT billing_npi, lines FROM pairs"))
        counted = {(kind, day): count for kind, day, count in days}
        return Extents(counted, pairs if patients is not None else old.pairs).plus(old, -1)

    def _open_audit(self, result: Audit, one: Compared) -> Audit:
        """The audit with all open findings, and the books that go with them."""
        findings = as_findings(one.open)
        elsewhere = pd.concat(
            [part.loc[~part["audited"].to_numpy(bool), "rule"] for part in (one.open, one.waived)]
        )
        more = elsewhere.value_counts()
        added = result.books["rule"].map(more).fillna(0).astype("int64")
        books = result.books.assign(
            in_scope=result.books["in_scope"] + added, flagged=result.books["flagged"] + added
        )
        return replace(result, findings=findings, books=books, totals=totals_of(findings))

    def _changes(
        self,
        as_of: date,
        run: str,
        one: Compared,
        known: Known,
        waivers: Waivers,
        found: "_Lines",
    ) -> Changes:
        nights = nights_of(self.ledger)
        if not known.again:
            nights = (*nights, night_of(run, as_of, one))
        first, last = waiver_days(self.ledger)
        parts = [one.open, one.waived, one.resolved, one.unjudged]
        both = pd.concat([part[["finding", "first_seen"]] for part in parts], ignore_index=True)
        days = {text: date.fromisoformat(text) for text in both["first_seen"].unique()}
        return Changes(
            since=nights[-2].as_of if len(nights) > 1 else None,
            nights=nights,
            resolved=shown(one.resolved, "first_seen"),
            waived=shown(one.waived, "waiver", "first_seen"),
            waiver_notes=waivers.notes(as_of, first, last | dict.fromkeys(one.matched, as_of)),
            first_seen={
                finding: days[text]
                for finding, text in zip(*(both[name].tolist() for name in both), strict=True)
            },
            unjudged=shown(one.unjudged, "first_seen"),
            remembered_lines=int((found.stands & ~found.tonight).sum()),
            notes=(*self.notes, *unjudged_note(one)),
        )


def _together(before: KeptLines, asked: KeptLines) -> _Lines:
    every = together([before, asked])
    is_tonight = np.arange(len(every.lines)) >= len(before.lines)
    key = line_keys(every.lines, every.kind, every.export)
    stands = standing_versions(every.lines, key, every.export)
    stood = ~is_tonight
    some = every.lines[stood]
    stood[stood] = standing_versions(some, key[~is_tonight], every.export[~is_tonight])
    told = told_already(every.lines, key, stood, stands & is_tonight)
    return _Lines(every, is_tonight, stands, stood, told)


def _prepared(
    found: _Lines, mask: Mask, reference: Reference, request: Request
) -> tuple[Prepared, Ints, Mask]:
    """Some of the lines prepared, the patient (by digest) of each, and whether it is tonight's."""
    lines = found.every.lines.assign(patient=found.every.patient, tonight=found.tonight)
    prepared = prepared_for(lines[mask].reset_index(drop=True), reference, request)
    standing = prepared.lines
    return (
        replace(prepared, lines=standing.drop(columns=["patient", "tonight"])),
        standing["patient"].to_numpy(),
        standing["tonight"].to_numpy(),
    )


def _touching(prepared: Prepared, patient: Ints, result: Audit, reference: Reference) -> Ints:
    """Patients (by digest) with some line that rules of certain codes, or any finding, speak of."""
    every_pair = bool(reference.whole_settings("ptp_edits"))
    _, places = touched(prepared.lines, every_pair=every_pair)
    flagged = result.findings["line"].to_numpy(dtype=np.int64)
    return np.unique(patient[np.concatenate([places, flagged])])


def _adjusting(kept: KeptLines) -> Mask:
    """Lines of replacements and voids: what they replace may come later."""
    return kept.kind >= FIRST_ADJUSTING
