"""What ``auditor run --engine spark`` reads: files, folders and tables by the names Spark knows."""

import hashlib
import os
import re
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from auditor.errors import AuditError
from auditor.ingest.columns import count_known
from auditor.ingest.profiles import profile_of, read_profiles
from auditor.progress import Progress
from auditor.reference import Reference
from auditor.request import Request
from auditor.scale.parts import Elsewhere
from auditor.scale.spark import Asked, Source, audit_sources
from auditor.scale.spark_work import FILE, ROW, SHARE
from auditor.shown_names import shown_names

# Path() makes one slash of the two of an address.
_ADDRESS = re.compile(r"^(s3|s3a|s3n|gs|abfs|abfss|wasb|wasbs|adl|hdfs|viewfs):/(?!/)")
_TABLE_NAME = re.compile(r"\w+(\.\w+){1,2}")
_CSV = re.compile(r"\.(csv|tsv|psv|txt|dat)(\.gz|\.bz2)?$", re.IGNORECASE)
_DELIMITERS = ",|\t;~^"


def audit_on_spark(
    request: Request, master: str | None, progress: Progress, reference: Reference
) -> Elsewhere:
    """Audits a request's inputs on a cluster. Raises AuditError for what Spark can't read."""
    profiles = read_profiles(request.profiles, [path.name for path in request.files])
    with progress.stage("spark", "starting Spark"):
        session = session_of(master)
    try:
        with progress.stage("audit", f"auditing on Spark, {session.sparkContext.master}"):
            return audit_sources(
                [
                    replace(source, profile=profile_of(profiles, path.name))
                    for source, path in zip(
                        sources_of(session, request.files), request.files, strict=True
                    )
                ],
                Asked(
                    reference,
                    request.as_of,
                    dict(request.settings.payers),
                    request.settings.options(),
                    request.settings.patient_id_substitute,
                ),
            )
    except Exception as fault:
        raise _in_one_line(fault) from fault
    finally:
        session.stop()


def session_of(master: str | None) -> Any:
    """A Spark session; without a master that of the platform, or all cores of this machine."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError as fault:
        raise AuditError(
            "--engine spark: its library is not installed; pip install 'pyspark>=4.0,<5'",
            exit_code=2,
        ) from fault
    if (master or "local").startswith("local"):
        # Workers on this machine have what this program has.
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    builder = SparkSession.builder.appName("cardiac CT claim auditor")
    builder = builder.config("spark.ui.showConsoleProgress", "false")
    if master:
        builder = builder.master(master)
    try:
        session = builder.getOrCreate()
    except (PySparkException, OSError) as fault:
        raise AuditError(
            "Spark doesn't start; it needs Java 17 or later (JAVA_HOME) and a --master it can reach"
        ) from fault
    session.sparkContext.setLogLevel("ERROR")
    return session


def source_of(session: Any, path: Path) -> Source:
    """The rows of one input: CSV, Parquet, a Delta folder, or a table of the catalogue."""
    name = _ADDRESS.sub(r"\1://", str(path))
    if _CSV.search(name):
        return _delimited(session, name)
    if not path.exists() and _TABLE_NAME.fullmatch(name):
        table = session.table(name)
        return _numbered(table, name)
    if (path / "_delta_log").is_dir() or name.endswith(".delta"):
        return _numbered(session.read.format("delta").load(name), path.name)
    return _parquet(session, name)


def sources_of(session: Any, paths: Sequence[Path]) -> list[Source]:
    """The rows of all inputs; files whose names stand in several have more of their paths shown."""
    sources = [source_of(session, path) for path in paths]
    times = Counter(name for source in sources for name in source.files)
    shown = shown_names(paths)
    return [
        _renamed(source, name, alone=set(source.files) == {path.name})
        if any(times[file] > 1 for file in source.files)
        else source
        for source, path, name in zip(sources, paths, shown, strict=True)
    ]


def _renamed(source: Source, name: str, *, alone: bool) -> Source:
    from pyspark.sql import functions

    if alone:
        named = functions.lit(name)
    else:
        named = functions.concat(functions.lit(f"{name}/"), functions.col(FILE))
    new = {file: name if alone else f"{name}/{file}" for file in source.files}
    before = source.before and {(new[file], n): rows for (file, n), rows in source.before.items()}
    files = {new[file]: digest for file, digest in source.files.items()}
    return Source(source.table.withColumn(FILE, named), files, before)


def _numbered(table: Any, name: str) -> Source:
    """A table without rows of a file: each line gets a number of its own."""
    from pyspark.sql import functions

    row = functions.monotonically_increasing_id() + 2
    return Source(table.withColumn(FILE, functions.lit(name)).withColumn(ROW, row), {name: ""})


def _parquet(session: Any, name: str) -> Source:
    from pyspark.sql import functions

    table = session.read.parquet(name)
    columns = [functions.col(f"`{column}`") for column in table.columns]
    file, addresses = _files(table)
    own = table.select(
        *columns, file.alias(FILE), (functions.col("_metadata.row_index") + 2).alias(ROW)
    )
    return Source(own, _digests(addresses))


def _delimited(session: Any, name: str) -> Source:
    """A CSV file. Spark reads it in shares, which follow each other as they do in the file."""
    from pyspark.sql import functions

    first = session.read.text(name).limit(1).collect()
    if not first:
        raise AuditError(f"{Path(name).name} is empty (0 bytes); export or copy it again")
    delimiter = max(_DELIMITERS, key=lambda one: count_known(first[0].value.split(one)))
    table = session.read.csv(
        name, header=True, sep=delimiter, inferSchema=False, escape='"', mode="PERMISSIVE"
    )
    columns = [functions.col(f"`{column}`") for column in table.columns]
    file, addresses = _files(table)
    own = table.select(*columns, file.alias(FILE), functions.spark_partition_id().alias(SHARE))
    before: dict[tuple[str, int], int] = {}
    rows: dict[str, int] = {}
    counted = own.groupBy(FILE, SHARE).count().collect()
    for file, share, lines in sorted((row[FILE], row[SHARE], row["count"]) for row in counted):
        before[file, share] = rows.get(file, 0)
        rows[file] = rows.get(file, 0) + lines
    return Source(own, _digests(addresses), before)


def _files(table: Any) -> tuple[Any, dict[str, str]]:
    """The column that names each row's file, and the address of each name.

    A name is the file's own; where files of several folders share one, as those of a partitioned
    table may, as many folders before it as tell them apart.
    """
    from pyspark.sql import functions

    addresses = sorted(table.inputFiles())
    for depth in count(1):
        named = {"/".join(address.split("/")[-depth:]): address for address in addresses}
        if len(named) == len(addresses):
            break
    if depth == 1:
        return functions.col("_metadata.file_name"), named
    return functions.substring_index(functions.col("_metadata.file_path"), "/", -depth), named


def _digests(addresses: Mapping[str, str]) -> dict[str, str]:
    """A digest of each file: of its bytes if it lies here, else of its address."""
    found = {}
    for name, address in addresses.items():
        here = Path(re.sub(r"^file:/+", "/", address))
        if here.is_file():
            with here.open("rb") as file:
                found[name] = hashlib.file_digest(file, "sha256").hexdigest()
        else:
            found[name] = hashlib.sha256(address.encode()).hexdigest()
    return found


def _in_one_line(fault: Exception) -> Exception:
    """Spark's complaint as one line for people, without a value of a line."""
    from pyspark.errors import PySparkException

    if not isinstance(fault, PySparkException):
        return fault
    condition = fault.getCondition() or type(fault).__name__
    return AuditError(f"Spark could not finish ({condition}); its own log says where")
