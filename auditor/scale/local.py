"""Exports that are larger than memory, audited bucket by bucket in worker processes.

Every patient's lines lie in one bucket, so what is decided within a patient is decided in its
bucket: superseding, pairs, studies. What must be known of the whole run, the extract, is put
together from all buckets before the first is judged. Workers are given paths, never frames.
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd
import pyarrow as pa

from auditor.allocation import keep_freed_memory
from auditor.audit import Audit, Prepared, audit, prepare
from auditor.corrections import proposed
from auditor.errors import AuditError
from auditor.extract import Extract, Share, share_of
from auditor.extract import together as extract_together
from auditor.intake import Claims
from auditor.library.reading import narrowed
from auditor.once import forget
from auditor.progress import Progress
from auditor.reference import Reference
from auditor.request import Request
from auditor.scale.asked import asked_of
from auditor.scale.exchange import findings_arrow, findings_frame
from auditor.scale.memory import Plan
from auditor.scale.parts import Elsewhere, audits_together, bare, corrections_together
from auditor.scale.scratch import scratch_folder
from auditor.scale.spread import Buckets, spread

T = TypeVar("T")

_INTAKES, _REFERENCE = "intakes.pickle", "reference.pickle"


@dataclass(frozen=True)
class _Work:
    """What a worker must know, whatever its bucket."""

    buckets: Buckets
    as_of: date
    payers: Mapping[str, str]
    options: Mapping[str, Any]


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
        files = request.files[0].name if len(request.files) == 1 else f"{len(request.files)} files"
        with progress.stage("read", f"reading {files}, buckets on disk: {plan.buckets}"):
            claims, buckets = spread(
                request.files,
                folder,
                buckets=plan.buckets,
                piece=plan.piece,
                heard=lambda share, lines: progress.part(share, f"{lines:,} lines read"),
                profile=request.profile,
                sheet=request.sheet,
                patient_id_substitute=request.settings.patient_id_substitute,
            )
        if reference.library:
            with progress.stage("library", f"reading the reference library {reference.library}"):
                filled = map(buckets.lines, buckets.filled())
                reference = narrowed(reference, asked_of(filled))
        for name, given in (
            (_INTAKES, [one for one in claims.intakes if one.restored]),
            (_REFERENCE, reference),
        ):
            with (folder / name).open("wb") as file:
                pickle.dump(given, file)
        work = _Work(
            buckets,
            request.as_of,
            dict(request.settings.payers),
            request.settings.options(),
        )
        lines = claims.lines_read - len(claims.rejected)
        with progress.stage("audit", f"auditing {lines:,} claim lines"), _workers(plan) as pool:
            result, corrections = _audited(work, claims, pool, progress)
    return Elsewhere(claims, result, corrections, reference)


def _audited(
    work: _Work, claims: Claims, pool: ProcessPoolExecutor, progress: Progress
) -> tuple[Audit, pd.DataFrame]:
    filled = work.buckets.filled()
    steps = 2 * len(filled)

    def heard(done: int) -> None:
        progress.part(done / steps, f"{done // 2} of {len(filled)} buckets audited")

    looked = {pool.submit(_share, work, bucket): bucket for bucket in filled}
    shares = _in_order(looked, heard)
    extract = extract_together(shares, work.as_of)
    judging = {pool.submit(_judge, work, bucket, extract): bucket for bucket in filled}
    judged = _in_order(judging, lambda done: heard(len(filled) + done))
    result = audits_together(
        [replace(one.audit, findings=_findings(one.findings)) for one in judged]
    )
    corrections = [one.corrections for one in judged]
    return result, corrections_together(corrections, result.findings, claims.intakes)


def _findings(path: Path) -> pd.DataFrame:
    with pa.OSFile(str(path), "rb") as file, pa.ipc.open_file(file) as reader:
        return findings_frame(reader.read_all())


def _in_order(asked: Mapping["Future[T]", int], heard: Callable[[int], None]) -> list[T]:
    """The answers in the order of the buckets, whichever comes first."""
    for done, future in enumerate(as_completed(asked), start=1):
        future.result()
        heard(done)
    return [future.result() for future in asked]


@contextmanager
def _workers(plan: Plan) -> Iterator[ProcessPoolExecutor]:
    """Worker processes that end with the block, however it ends."""
    before = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(
        plan.workers, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
    )
    try:
        yield pool
        pool.shutdown()
    except BrokenProcessPool as fault:
        raise AuditError(
            "a worker process was ended from outside, most likely for want of memory; give a "
            "smaller --memory, so that buckets become smaller"
        ) from fault
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for child in set(multiprocessing.active_children()) - before:
            child.terminate()


def _begin() -> None:
    """A worker leaves interrupts to its parent, and ends when the parent is gone."""
    keep_freed_memory()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: Any) -> None:
    parent.join()
    os._exit(1)


@cache
def _given(folder: Path, name: str) -> Any:
    with (folder / name).open("rb") as file:
        return pickle.load(file)  # noqa: S301  written by this run, and the folder is 0700


def _prepared(work: _Work, bucket: int) -> Prepared:
    return prepare(
        work.buckets.lines(bucket),
        _given(work.buckets.folder, _REFERENCE),
        as_of=work.as_of,
        payers=work.payers,
        options=work.options,
    )


def _share(work: _Work, bucket: int) -> Share:
    """What a bucket adds to the extract of the run."""
    try:
        prepared = _prepared(work, bucket)
        return share_of(prepared.extract, prepared.lines)
    finally:
        forget()


def _judge(work: _Work, bucket: int, extract: Extract) -> _Judged:
    """Audits a bucket."""
    reference = _given(work.buckets.folder, _REFERENCE)
    prepared = replace(_prepared(work, bucket), extract=extract)
    result = audit(prepared, reference, options=work.options)
    folder = work.buckets.folder
    corrections = proposed(result.findings, result.lines, reference, _given(folder, _INTAKES))
    path = folder / f"findings-{bucket:03d}.arrow"
    table = findings_arrow(result.findings)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    return _Judged(bare(result), path, corrections)
