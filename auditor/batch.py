"""One run from files to reports."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from auditor.allocation import keep_freed_memory
from auditor.as_requested import audited_for, claims_of
from auditor.asides import Doubts, asides_on, doubts_of
from auditor.audit import Audit
from auditor.catalogue import CATALOGUE
from auditor.corrections import (
    Proof,
    apply,
    proposed,
    prove,
    read_corrections,
    without_effect,
    write_corrections,
    write_proof,
)
from auditor.errors import AuditError
from auditor.identity import digest_of, digest_of_file, rule_set_digest
from auditor.ingest.frame import side_by_side
from auditor.intake import Claims
from auditor.library.descriptors import descriptors_of
from auditor.library.needed import needed_editions
from auditor.library.reading import narrowed
from auditor.masking import check_mask, masked
from auditor.progress import Progress
from auditor.reference import Bools, Reference, load_reference
from auditor.report import dispositions
from auditor.report.content import Report, Run, Unlock, build
from auditor.report.dispositions import Disposition
from auditor.request import Request, save_request
from auditor.rule import STAND_INS, Rule
from auditor.scale.engine import elsewhere
from auditor.scale.parts import Elsewhere
from auditor.self_test import SelfTest, self_test
from auditor.shipped import reference_dir
from auditor.target import folder_beside, put_in_place, refuse_target

if TYPE_CHECKING:
    from auditor.history.remembered import Remembered

DISTRIBUTION = "cardiac-ct-claim-auditor"


@dataclass(frozen=True)
class Finished:
    """A finished run: what its reports say, and what corrections proved, if any were given.

    ``corrections`` are the proposed ones, where the lines they rest on are no longer at hand.
    ``tonight`` marks the lines of this run's exports, where a history adds earlier ones.
    """

    report: Report
    proof: Proof | None
    corrections: pd.DataFrame | None = None
    tonight: Bools | None = None


def run(request: Request, progress: Progress) -> Finished:
    """Reads, audits and writes the reports; with a history, remembers the run.

    Raises AuditError when a file can't be read or the folder can't be written; then nothing is
    left behind.
    """
    keep_freed_memory()
    started_at = datetime.now().astimezone()
    refuse_target(request.out)
    if "pdf" in request.formats:
        from auditor.report import pdf

        pdf.require()
    if request.history and request.corrections:
        raise AuditError(
            "--with-corrections tries corrections out; leave --history away, so that nothing is "
            "remembered that was not billed",
            exit_code=2,
        )
    check_mask(request)
    audited = elsewhere(request, progress)
    if request.history:
        return _with_history(request, request.history, started_at, progress)
    if request.corrections and request.corrections.resolve().parent == request.out.resolve():
        raise AuditError(
            f"{request.corrections}: lies in the folder that the run replaces; name another --out",
            exit_code=2,
        )
    if audited:
        return _without_lines(request, audited, started_at, progress)
    corrections = read_corrections(request.corrections) if request.corrections else None
    reference, claims = _read(request, progress)
    with progress.stage("audit", f"auditing {len(claims.lines):,} claim lines"):
        result = audited_for(claims.lines, reference, request)
    proof = None
    if corrections is not None:
        with progress.stage("corrections", "auditing the corrected lines"):
            fixed, applied = apply(claims.lines, corrections)
            corrected = audited_for(fixed, reference, request)
            idle = without_effect(claims.lines, corrections)
            proof = prove(result.findings, corrected.findings, applied, idle)
            result = corrected
    tested = _self_tested(request, progress)
    described = describe(request, claims, masked(result, request), reference, started_at, progress)
    assumed = (proof.assumed,) if proof and proof.applied else ()
    asides = (*assumed, *described.asides)
    report = build(replace(described, self_test=tested, asides=asides))
    with progress.stage("report", f"writing reports to {request.out}"):
        write_reports(Finished(report, proof), request, reference)
    return Finished(report, proof)


def _without_lines(
    request: Request,
    audited: Callable[[Reference], Elsewhere],
    started_at: datetime,
    progress: Progress,
) -> Finished:
    """A run whose lines stay where they were audited; only findings and counts come back."""
    with progress.stage("reference", "loading reference tables"):
        reference = load_reference(reference_dir(), request.reference)
    found = audited(reference)
    tested = _self_tested(request, progress)
    result = masked(found.audit, request)
    described = describe(request, found.claims, result, found.reference, started_at, progress)
    asides = asides_on(found.claims.intakes, found.doubts)
    report = build(replace(described, self_test=tested, asides=asides))
    finished = Finished(report, None, found.corrections)
    with progress.stage("report", f"writing reports to {request.out}"):
        write_reports(finished, request, found.reference)
    return finished


def _read(request: Request, progress: Progress) -> tuple[Reference, Claims]:
    with progress.stage("reference", "loading reference tables"):
        reference = load_reference(reference_dir(), request.reference)
    with progress.stage("read", f"reading {_files(request.files)}"):
        claims = claims_of(request)
    with progress.stage("library", "reading what the lines need of the reference tables"):
        reference = narrowed(reference, claims.lines)
    return reference, claims


def _with_history(
    request: Request, folder: Path, started_at: datetime, progress: Progress
) -> Finished:
    """A run that knows the runs before it. The reports are written first, then remembered."""
    from auditor.history.memory import Memory

    with Memory.open(folder, request.settings.history) as memory:
        for note in memory.notes:
            progress.say(note)
        reference, claims = _read(request, progress)
        run = identity_of(request, claims, reference)
        with progress.stage(
            "audit", f"auditing {len(claims.lines):,} claim lines and earlier ones"
        ):
            remembered = memory.audit(claims, reference, request, run)
        described = describe(
            request, claims, remembered.audit, reference, started_at, progress, remembered
        )
        tested = _self_tested(request, progress)
        report = build(replace(described, self_test=tested))
        finished = Finished(report, None, tonight=remembered.tonight)
        with progress.stage("report", f"writing reports to {request.out}"):
            inputs = [intake.sha256 for intake in claims.intakes]
            write_reports(
                finished, request, reference, lambda: memory.commit(remembered, run, inputs)
            )
    return finished


def _self_tested(request: Request, progress: Progress) -> SelfTest | None:
    if not request.self_test:
        return None
    with progress.stage("self-test", "running the rules' own cases"):
        return self_test()


def _files(files: Sequence[Path]) -> str:
    return files[0].name if len(files) == 1 else f"{len(files)} files"


def describe(
    request: Request,
    claims: Claims,
    result: Audit,
    reference: Reference,
    started_at: datetime,
    progress: Progress,
    remembered: "Remembered | None" = None,
) -> Run:
    """Everything the reports need to know of an audit: what was asked, read, judged and found.

    With ``remembered``, the counts of lines are those of this run's exports alone.
    """
    return Run(
        audit=result,
        rules=CATALOGUE,
        intakes=claims.intakes,
        lines_read=claims.lines_read,
        audited=remembered.audited if remembered else result.counts.lines,
        superseded=remembered.superseded if remembered else result.superseded,
        rejected=claims.rejected,
        in_family=result.counts.in_family,
        editions=tuple(e for table in reference.tables.values() for e in table.editions),
        sources=reference.sources,
        contradictions=reference.contradictions,
        unlocks=unlocks(result, CATALOGUE),
        identity=identity_of(request, claims, reference),
        rule_set_digest=rule_set_digest(),
        settings_digest=digest_of(request.settings),
        program_version=version(DISTRIBUTION),
        settings_changed=request.settings.changed(),
        command=request.command,
        started_at=started_at,
        seconds=progress.seconds,
        reference_digest=reference.digest(),
        table_digests={name: table.digest for name, table in reference.tables.items()},
        needed=needed_editions(result.lines, reference),
        descriptors=descriptors_of(reference, result.findings, request.settings.licences),
        changes=remembered.changes if remembered else None,
        dispositions={} if request.mask else _decided(request, remembered),
        asides=asides_on(claims.intakes, _doubts(claims, remembered)),
    )


def _doubts(claims: Claims, remembered: "Remembered | None") -> Doubts:
    """The doubts about the lines at hand; of a line exported again a history keeps the newest."""
    doubts = doubts_of(claims.lines)
    return replace(doubts, exported_again=0) if remembered else doubts


def _decided(request: Request, remembered: "Remembered | None") -> dict[str, Disposition]:
    """What people decided, by finding: kept in the history, and beside the run it replaces."""
    kept = dict(remembered.dispositions) if remembered else {}
    return kept | dispositions.open_dispositions(request.out)


def identity_of(request: Request, claims: Claims, reference: Reference) -> str:
    """What tells a run apart: inputs and profiles, tables, rules, settings, date, corrections."""
    parts = [
        # A workbook has many sheets; which was read may have been asked for.
        sorted(intake.sha256 + (request.sheet or "") for intake in claims.intakes),
        reference.digest(),
        rule_set_digest(),
        digest_of(request.settings),
        request.as_of.isoformat(),
        digest_of_file(request.corrections),
        *map(digest_of_file, request.profiles),
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:12]


def unlocks(result: Audit, rules: Sequence[Rule]) -> tuple[Unlock, ...]:
    """The columns whose absence kept rules from judging lines, most lines first.

    What would unlock only notes without money is nothing to ask of an export first: it comes last.
    """
    missing = result.not_evaluated[result.not_evaluated["reason"] == "column_missing"]
    by_column: dict[str, dict[str, int]] = defaultdict(dict)
    for rule, detail, lines in missing[["rule", "detail", "lines"]].itertuples(index=False):
        column = STAND_INS.get(detail, (detail.split("|")[0],))[0]
        by_column[column][rule] = by_column[column].get(rule, 0) + lines
    order = {rule.name: place for place, rule in enumerate(rules)}
    slight = {one.name for one in rules if one.severity == "note" and one.money == "none"}
    widest = sorted(
        by_column.items(), key=lambda one: (slight >= set(one[1]), -max(one[1].values()))
    )
    return tuple(
        Unlock(column, tuple(sorted(counts, key=order.__getitem__)), max(counts.values()))
        for column, counts in widest
    )


def write_reports(
    finished: Finished,
    request: Request,
    reference: Reference,
    remember: Callable[[], object] = lambda: None,
) -> None:
    """Writes all files into a folder beside the target and renames it at the end.

    ``remember`` is called between the two: what is remembered has its reports.
    """
    out = request.out
    try:
        with folder_beside(out) as aside:
            write_files(finished, request, reference, aside)
            aside.chmod(0o700)
            for path in aside.iterdir():
                path.chmod(0o600)
            remember()
            put_in_place(aside, out)
    except OSError as fault:
        raise AuditError(
            f"{out}: can't be written ({fault.strerror or fault}); make room or name another folder"
        ) from fault


def write_files(finished: Finished, request: Request, reference: Reference, folder: Path) -> None:
    """Writes all files of a run into a folder that is there; a kill leaves part of them."""
    from auditor.report import data

    report, formats = finished.report, request.formats
    result = report.run.audit
    findings = result.findings
    tables = {"csv": data.write_findings_csv, "parquet": data.write_findings_parquet}
    side_by_side(
        lambda name: tables[name](findings, folder / f"findings.{name}"),
        [name for name in tables if name in formats],
    )
    # Each writer brings libraries of its own, which a run without it need not load.
    if "html" in formats:
        from auditor.report import html

        html.write(report, folder / "report.html")
    if "pdf" in formats:
        from auditor.report import pdf

        pdf.write(report, folder / pdf.NAME)
    if "xlsx" in formats:
        from auditor.report import workbook

        workbook.write_workbook(report, folder / "report.xlsx")
    if "json" in formats:
        from auditor.report import summary

        summary.write_report_json(report, formats, folder / summary.NAME)
    # Every run says what it was and what it could not read, whatever formats were asked for.
    data.write_rejected_csv(report.run.rejected, folder / "rejected.csv")
    data.write_run_json(report, folder / "run.json")
    save_request(request, folder)
    if report.run.dispositions:
        dispositions.save_dispositions(report.run.dispositions, folder)
    corrections = finished.corrections
    if corrections is None:
        # Findings of lines that only earlier runs read stand behind the lines at hand.
        at_hand = findings[findings["line"] < len(result.lines)]
        intakes, tonight = report.run.intakes, finished.tonight
        corrections = proposed(at_hand, result.lines, reference, intakes, read=tonight)
    kept = corrections.iloc[:0] if request.mask else corrections  # a correction names its claim
    write_corrections(kept, folder / "corrections.csv")
    if finished.proof:
        write_proof(finished.proof, folder / "corrections_proof.csv")
