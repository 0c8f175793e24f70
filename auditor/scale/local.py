"""Large exports, audited bucket by bucket in worker processes; they need not fit into memory.

Every patient's lines lie in one bucket, so what is decided within a patient is decided in its
bucket: superseding, pairs, studies. What must be known of the whole run, the extract, is put
together from all buckets before the first is judged. Workers are given paths, never frames.
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from auditor.asides import Doubts, doubts_of
from auditor.audit import Audit, audit, prepare
from auditor.caching import forget
from auditor.corrections import proposed
from auditor.extract import Extract, Share, share_of
from auditor.extract import together as extract_together
from auditor.ingest.normalise import Intake
from auditor.intake import Claims, tables_to_read, unchanged
from auditor.library.reading import narrowed
from auditor.progress import Progress
from auditor.reference import Reference
from auditor.request import Request
from auditor.scale.exchange import findings_arrow
from auditor.scale.kept import keep, kept
from auditor.scale.memory import Plan
from auditor.scale.narrowing import narrowing_lines
from auditor.scale.parts import Elsewhere, audits_together, bare, corrections_together
from auditor.scale.scratch import Codec, codec_for, scratch_folder
from auditor.scale.spread import Buckets, Spreading, spread
from auditor.scale.workers import known, workers

T = TypeVar("T")


@dataclass(frozen=True)
class _Judging:
    """What a worker that audits must know, whatever its bucket.

    ``pairing`` grows while it works: billing NPIs that some bucket of its own has shown to pair.
    """

    buckets: Buckets
    folder: Path
    codec: Codec
    intakes: tuple[Intake, ...]
    reference: Reference
    as_of: date
    payers: Mapping[str, str]
    options: Mapping[str, Any]
    pairing: set[str] = field(default_factory=set)

    def prepared(self, bucket: int) -> Path:
        """The file for the prepared lines of a bucket."""
        return self.folder / f"{bucket:03d}.prepared"

    def findings(self, bucket: int) -> Path:
        """The file for the findings of a bucket."""
        return self.folder / f"{bucket:03d}.findings"


@dataclass(frozen=True)
class _Looked:
    """What a bucket adds to the extract of the run, and the doubts about its lines."""

    share: Share
    doubts: Doubts


@dataclass(frozen=True)
class _Judged:
    """The audit of a bucket; its findings stand in a file."""

    audit: Audit
    findings: Path
    corrections: pd.DataFrame


def audit_in_buckets(
    request: Request, plan: Plan, progress: Progress, reference: Reference
) -> Elsewhere:
    """Reads and audits a request's files within the memory of a plan.

    Raises AuditError for a file that can't be read, and where memory or disk does not suffice.
    """
    with scratch_folder(request.out) as folder:
        codec = codec_for(folder, plan.room)
        claims, buckets = _spread(request, plan, progress, folder, codec)
        if reference.library:
            with progress.stage("library", f"reading the reference library {reference.library}"):
                filled = map(buckets.lines, buckets.filled())
                reference = narrowed(reference, narrowing_lines(filled))
        work = _Judging(
            buckets,
            folder,
            codec,
            tuple(one for one in claims.intakes if one.restored),
            reference,
            request.as_of,
            dict(request.settings.payers),
            request.settings.options(),
        )
        lines = claims.lines_read - len(claims.rejected)
        with progress.stage("audit", f"auditing {lines:,} claim lines"):
            with workers(plan.workers, work) as pool:
                judged, doubts = _judged(work, pool, progress)
            # The workers are gone, and their memory with them.
            result, corrections = _together(judged, claims, folder)
    return Elsewhere(claims, result, corrections, reference, doubts)


def _spread(
    request: Request,
    plan: Plan,
    progress: Progress,
    folder: Path,
    codec: Codec,
) -> tuple[Claims, Buckets]:
    files = request.files[0].name if len(request.files) == 1 else f"{len(request.files)} files"
    with (
        progress.stage("read", f"reading {files}, buckets on disk: {plan.buckets}"),
        unchanged(request.files),
    ):
        tables = tables_to_read(
            request.files,
            profiles=request.profiles,
            sheet=request.sheet,
            patient_id_substitute=request.settings.patient_id_substitute,
        )
        work = Spreading(tables, folder, plan.buckets, codec)
        with workers(plan.workers, work) as pool:
            return spread(
                work,
                pool,
                piece=plan.piece,
                heard=lambda share, lines: progress.part(share, f"{lines:,} lines read"),
            )


def _judged(work: _Judging, pool: Executor, progress: Progress) -> tuple[list[_Judged], Doubts]:
    filled = work.buckets.filled()
    steps = 2 * len(filled)

    def heard(done: int) -> None:
        progress.part(done / steps, f"{done // 2} of {len(filled)} buckets audited")

    looked = {pool.submit(share, bucket): bucket for bucket in filled}
    found = _in_order(looked, heard)
    extract = extract_together([one.share for one in found], work.as_of)
    judging = {pool.submit(judge, bucket, extract): bucket for bucket in filled}
    judged = _in_order(judging, lambda done: heard(len(filled) + done))
    return judged, reduce(Doubts.plus, [one.doubts for one in found], Doubts())


def _together(
    judged: Sequence[_Judged], claims: Claims, folder: Path
) -> tuple[Audit, pd.DataFrame]:
    tables = [_findings(one.findings) for one in judged]
    result = audits_together([one.audit for one in judged], tables, folder)
    corrections = [one.corrections for one in judged]
    return result, corrections_together(corrections, result.findings, claims.intakes)


def _findings(path: Path) -> pa.Table:
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        return reader.read_all()


def _in_order(asked: Mapping["Future[T]", int], heard: Callable[[int], None]) -> list[T]:
    """The answers in the order of the buckets, whichever comes first."""
    for done, future in enumerate(as_completed(asked), start=1):
        future.result()
        heard(done)
    return [future.result() for future in asked]


def share(bucket: int) -> _Looked:
    """What a worker does first: prepares a bucket, and says what it adds to the extract."""
    work: _Judging = known()
    lines = work.buckets.lines(bucket)
    doubts = doubts_of(lines)
    prepared = prepare(
        lines,
        work.reference,
        as_of=work.as_of,
        payers=work.payers,
        options=work.options,
        known_to_pair=frozenset(work.pairing),
    )
    work.pairing.update(prepared.extract.pairing_npis)
    forget()
    keep(prepared, work.prepared(bucket), work.codec)
    return _Looked(share_of(prepared.extract, prepared.lines), doubts)


def judge(bucket: int, extract: Extract) -> _Judged:
    """What a worker does then: audits the bucket under the extract of the whole run."""
    work: _Judging = known()
    prepared = kept(work.prepared(bucket), extract)
    work.prepared(bucket).unlink()
    result = audit(prepared, work.reference, options=work.options)
    corrections = proposed(result.findings, result.lines, work.reference, work.intakes)
    path = work.findings(bucket)
    table = findings_arrow(result.findings)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return _Judged(bare(result), path, corrections)
