"""The same audit on Spark, for claim lines that outgrow one machine (extra ``spark``).

Lines are shuffled once, by patient; each share is audited as it would be here, and findings come
back. Arrow goes in and comes out: pandas functions of Spark don't take the text of pandas 3.
"""

import pickle
import tempfile
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, reduce
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa

from auditor.asides import Doubts
from auditor.errors import AuditError
from auditor.extract import together as extract_together
from auditor.ingest.habits import Habits
from auditor.ingest.mapping import Profile
from auditor.ingest.normalise import Intake, join, positions_of
from auditor.ingest.raw import SAMPLE_ROWS, RawTable
from auditor.intake import Claims, mapping_of
from auditor.intake import together as claims_together
from auditor.reference import Reference
from auditor.scale.exchange import findings_arrow
from auditor.scale.intakes import intakes_together
from auditor.scale.parts import Elsewhere, audits_together, bare, corrections_together
from auditor.scale.spark_work import (
    FILE,
    FINDINGS,
    LINES,
    ROW,
    SHARE,
    SUMMARIES,
    SUMMARY,
    Judge,
    Read,
    Worker,
    judging,
    reading,
    sharing,
    without_words,
)

_OWN = (FILE, ROW, SHARE)
_SQL_TYPES = {
    pa.string(): "string",
    pa.date32(): "date",
    pa.float64(): "double",
    pa.int64(): "bigint",
    pa.bool_(): "boolean",
    pa.binary(): "binary",
}


@dataclass(frozen=True)
class Source:
    """Rows of claim lines as Spark reads them.

    ``table`` has the export's columns, and of ours ``auditor_file`` and either ``auditor_row`` or
    ``auditor_share``. ``files`` are its files in their order with a digest of each; ``before``
    counts, by file and share, the rows of earlier shares. ``profile`` says how columns are read.
    """

    table: Any
    files: Mapping[str, str]
    before: Mapping[tuple[str, int], int] | None = None
    profile: Profile | None = None


@dataclass(frozen=True)
class Asked:
    """How to judge: reference, as-of date, payer types by name, the rules' options."""

    reference: Reference
    as_of: date
    payers: Mapping[str, str]
    options: Mapping[str, Any]
    patient_id_substitute: str = ""


def audit_table(
    table: Any,
    reference: Reference,
    *,
    as_of: date,
    name: str = "table",
    payers: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    profile: Profile | None = None,
    buckets: int | None = None,
) -> Elsewhere:
    """Audits a Spark table with one row a claim line, its columns named as an export names them.

    ``name`` stands for the file in findings and ``source_row`` is a number that tells lines apart
    in this run, for a table has no rows to count. Findings come to the driver; the lines stay.
    ``buckets`` is the number of shares that the patients are divided into. Raises AuditError where
    the columns can't be understood.
    """
    from pyspark.sql import functions

    row = functions.monotonically_increasing_id() + 2
    own = table.withColumn(FILE, functions.lit(name)).withColumn(ROW, row)
    asked = Asked(reference, as_of, payers or {}, options or {})
    return audit_sources([Source(own, {name: ""}, profile=profile)], asked, buckets=buckets)


def audit_sources(
    sources: Sequence[Source], asked: Asked, *, buckets: int | None = None
) -> Elsewhere:
    """Audits what Spark reads from several exports together."""
    if asked.reference.library:
        raise AuditError(
            f"{asked.reference.library}: is a reference library, which Spark can't take yet; "
            "audit on this machine with --memory, or give a folder of tables"
        )
    from pyspark.sql import functions

    session = sources[0].table.sparkSession
    _ship(session)
    kept: list[Any] = []
    try:
        read = [_read(source, asked, kept) for source in sources]
        claims = claims_together([claims for _, claims in read])
        lines = reduce(lambda one, other: one.unionByName(other), (table for table, _ in read))
        lines = lines.where(f"{SUMMARY} is null")
        shares = buckets or max(2 * session.sparkContext.defaultParallelism, 4)
        # A number with leading zeros goes where it would go without: one of them may be lost.
        number = functions.expr("trim(LEADING '0' FROM patient_id)")
        lines = lines.repartition(shares, number).persist()
        kept.append(lines)
        files = tuple(name for source in sources for name in source.files)
        zeros = tuple(one for one in claims.intakes if one.restored)
        known = Judge(
            asked.reference, asked.as_of, dict(asked.payers), dict(asked.options), files, zeros
        )
        found = _summaries(_mapped(lines, sharing(known), SUMMARIES))
        known = replace(known, extract=extract_together([one for one, _ in found], asked.as_of))
        doubts = reduce(Doubts.plus, [own for _, own in found], Doubts())
        answer = _mapped(lines, judging(known), FINDINGS).toArrow()
        return _together(answer, claims, known, doubts)
    finally:
        for table in kept:
            table.unpersist()


def _together(answer: pa.Table, claims: Claims, known: Judge, doubts: Doubts) -> Elsewhere:
    """One audit out of the answers of all shares."""
    findings: list[pa.Table] = []
    parts, corrections = [], []
    # A share's findings stand before its summary, in one run.
    begin = 0
    summaries = answer.column(SUMMARY).to_pylist()
    for place, summary in enumerate(summaries):
        if summary is not None:
            part, some = pickle.loads(summary)  # noqa: S301  made by our own workers
            findings.append(answer.slice(begin, place - begin))
            parts.append(part)
            corrections.append(some)
            begin = place + 1
    if not parts:
        parts, findings, corrections = _of_no_line(known)
    result = audits_together(parts, findings)
    return Elsewhere(
        claims,
        result,
        corrections_together(corrections, result.findings, claims.intakes),
        known.reference,
        doubts,
    )


def _of_no_line(known: Judge) -> tuple[list[Any], list[pa.Table], list[pd.DataFrame]]:
    from auditor.audit import audit, prepare
    from auditor.corrections import COLUMNS

    prepared = prepare(join([]), known.reference, as_of=known.as_of)
    result = audit(prepared, known.reference, options=known.options)
    return [bare(result)], [findings_arrow(result.findings)], [pd.DataFrame(columns=list(COLUMNS))]


def _read(source: Source, asked: Asked, kept: list[Any]) -> tuple[Any, Claims]:
    """The claim lines of a source, and what became of its rows; Spark keeps what is in ``kept``."""
    from pyspark.sql import functions

    header = tuple(name for name in source.table.columns if name not in _OWN)
    texts = [
        functions.col(f"`{name}`").cast("string").alias(str(place))
        for place, name in enumerate(header)
    ]
    own = [name for name in source.table.columns if name in _OWN]
    table = source.table.select(*texts, *own)
    mapping = mapping_of(
        _sampled(table, header, source), source.profile, asked.patient_id_substitute
    )
    wanted = table.select(*(str(place) for place in positions_of(mapping)), *own)
    assumed: Habits | None = None
    while True:
        known = Read(header, mapping, source.files, source.before, assumed)
        lines = _mapped(wanted, reading(known), LINES).persist()
        kept.append(lines)
        said = [one for some in _summaries(lines) for one in some]
        shown = assumed
        for _, own in said:
            shown = shown.beside(own) if shown else own
        if shown is None or all(shown.read_alike(assumed or own) for _, own in said):
            break
        # Some share shows that the others were read wrongly.
        assumed = shown
    by_file: dict[str, list[Intake]] = {name: [] for name in source.files}
    for intake, _ in said:
        by_file.setdefault(intake.file, []).append(intake)
    intakes = tuple(intakes_together(some) for some in by_file.values() if some)
    return lines, claims_together([Claims(join([]), intakes, pd.DataFrame())])


def _sampled(table: Any, header: tuple[str, ...], source: Source) -> RawTable:
    """The table with its first rows, by which its columns are understood."""
    first: pa.Table = table.limit(SAMPLE_ROWS).toArrow()
    columns = [
        ["" if cell is None else cell for cell in first.column(str(place)).to_pylist()]
        for place in range(len(header))
    ]
    return RawTable(
        file=next(iter(source.files), "table"),
        path=Path(),
        sheet=None,
        header=header,
        header_row=1,
        sample=tuple(zip(*columns, strict=True)),
        notes=(),
        _read=lambda _: None,  # type: ignore[arg-type,return-value]
    )


def _mapped(table: Any, work: Worker, schema: pa.Schema) -> Any:
    named = ", ".join(f"`{field.name}` {_SQL_TYPES[field.type]}" for field in schema)
    return table.mapInArrow(without_words(work), named)


def _summaries(table: Any) -> list[Any]:
    rows = table.where(f"{SUMMARY} is not null").select(SUMMARY).toArrow()
    return [pickle.loads(cell) for cell in rows.column(SUMMARY).to_pylist()]  # noqa: S301  our own


def _ship(session: Any) -> None:
    """Gives the workers this package, so that they need only its dependencies installed."""
    session.sparkContext.addPyFile(str(Path(_packed().name) / "auditor.zip"))


@cache
def _packed() -> "tempfile.TemporaryDirectory[str]":
    """The package in a folder that lives as long as this process: Spark wants it once."""
    package = Path(__file__).parent.parent
    folder = tempfile.TemporaryDirectory(prefix="auditor-package-")
    with zipfile.ZipFile(Path(folder.name) / "auditor.zip", "w") as archive:
        for module in sorted(package.rglob("*.py")):
            archive.write(module, Path("auditor") / module.relative_to(package))
    return folder
