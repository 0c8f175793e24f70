"""Claim lines of earlier runs: Parquet files, one a run, appended and never changed.

A file holds the columns of ``schema.COLUMNS`` and of ``_OWN``, sorted by a digest of the patient,
so that a look-up reads only row groups in which some wanted patient may stand. Files are merged
when there are many; each names its digest in the ledger.
"""

import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from auditor import erasing
from auditor.disk import sync_folder
from auditor.errors import AuditError
from auditor.history.folders import private
from auditor.history.seal import PLAIN, Seal
from auditor.ingest.cells import encode, string_array
from auditor.ingest.frame import categorical, join, whole_numbers
from auditor.matching import is_among
from auditor.reference import Ints
from auditor.schema import COLUMNS

# The digest of the patient, the number of the export the line came in, its kind (versions.py).
_OWN = ("patient_key", "export", "kind")
# Patients are spread over the whole file, so that a night of some size touches every group; few
# groups are decoded faster than many.
_ROW_GROUP = 65_536
_TEXT_COLUMNS = [name for name, column in COLUMNS.items() if column.kind == "text"]
# Nearly every line has another: a dictionary would be as long as the column.
_DISTINCT = frozenset({"patient_id", "claim_id", "original_claim_id", "authorization_number"})
_REPEATED = [name for name in _TEXT_COLUMNS if name not in _DISTINCT]
_FOLDER = "lines"


@dataclass(frozen=True)
class KeptLines:
    """Claim lines with the export each came in, its kind, and a digest of its patient."""

    lines: pd.DataFrame
    export: Ints
    kind: Ints
    patient: Ints

    def where(self, mask: Any) -> "KeptLines":
        """Those of a mask, or at some places."""
        lines = self.lines.iloc[mask].reset_index(drop=True)
        return KeptLines(lines, self.export[mask], self.kind[mask], self.patient[mask])


def together(parts: Sequence[KeptLines]) -> KeptLines:
    """Lines of several, in their order."""
    some = [part for part in parts if len(part.lines)] or list(parts[:1])
    return KeptLines(
        join([part.lines for part in some]),
        np.concatenate([part.export for part in some]),
        np.concatenate([part.kind for part in some]),
        np.concatenate([part.patient for part in some]),
    )


def nothing() -> KeptLines:
    """No lines."""
    empty = np.empty(0, dtype=np.int64)
    return KeptLines(join([]), empty, empty, empty)


def patient_keys(lines: pd.DataFrame, seal: Seal = PLAIN) -> Ints:
    """A digest of the patient of each line; of an encrypted history under its key."""
    patients = lines["patient_id"].cat
    digests = [patient_key(name, seal) for name in patients.categories]
    return np.array(digests, dtype=np.int64)[patients.codes.to_numpy()]


def patient_key(patient: str, seal: Seal) -> int:
    """The digest of a patient."""
    digest = hashlib.blake2b(patient.encode(), digest_size=8, key=seal.patients)
    return int.from_bytes(digest.digest(), signed=True)


def path_of(folder: Path, name: str) -> Path:
    """Where a file of lines lies in the folder of the history."""
    return folder / _FOLDER / name


def write(kept: KeptLines, path: Path, seal: Seal = PLAIN) -> str:
    """Writes lines aside and renames the file; returns its digest."""
    order = np.argsort(kept.patient, kind="stable")
    table = _table(kept.where(order))
    repeated: Any = [name for name in table.column_names if name not in _DISTINCT]
    private(path.parent)
    aside = path.with_name(f".{path.name}")
    try:
        erasing.erase(aside)
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            pq.write_table(
                table,
                file,
                compression="zstd",
                row_group_size=_ROW_GROUP,
                use_dictionary=repeated,
                # Of texts too, which tells those that are the same in all lines.
                write_statistics=[*_OWN, *_REPEATED],
                encryption_properties=_for_writing(seal),
            )
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
        sync_folder(path.parent)
    except OSError as fault:
        erasing.erase(aside)
        raise AuditError(
            f"{path.parent}: can't be written ({fault.strerror or fault}); make room and run again"
        ) from fault
    return digest_of(path)


def digest_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(paths: Iterable[Path], patients: Ints | None, seal: Seal = PLAIN) -> KeptLines:
    """Lines of some patients (by digest), or of all, in the order in which they arrived."""
    tables = [table for path in paths if (table := _read(path, patients, seal)).num_rows]
    if not tables:
        return nothing()
    found = together([_kept(table) for table in tables])
    return found.where(np.argsort(found.export, kind="stable"))


def _read(path: Path, patients: Ints | None, seal: Seal) -> pa.Table:
    secret = _for_reading(seal)
    file = pq.ParquetFile(path, read_dictionary=_REPEATED, decryption_properties=secret)
    if patients is None:
        return file.read()
    wanted = np.unique(patients)
    same = _same_in_all(file)
    others = [name for name in file.schema_arrow.names if name not in same]
    place = file.schema_arrow.get_field_index("patient_key")
    found = []
    # Group by group: the memory of one serves the next, and a whole file's has to be cleared first.
    for number in range(file.num_row_groups):
        statistics: Any = file.metadata.row_group(number).column(place).statistics
        low = np.searchsorted(wanted, statistics.min, side="left")
        if low == np.searchsorted(wanted, statistics.max, side="right"):
            continue
        keys = file.read_row_group(number, columns=["patient_key"])["patient_key"].to_numpy()
        places = np.flatnonzero(is_among(keys, wanted))
        if len(places):
            group = file.read_row_group(number, columns=others)
            found.append(_decoded(group.take(places)))
    if not found:
        return file.schema_arrow.empty_table()
    table = pa.concat_tables(found)
    columns: dict[str, Any] = {
        name: pa.repeat(pa.scalar(same[name], pa.string()), len(table))
        if name in same
        else table[name]
        for name in file.schema_arrow.names
    }
    return pa.table(columns)


def _same_in_all(file: pq.ParquetFile) -> dict[str, str]:
    """Text columns that hold one word in all lines of a file, and the word: not worth reading.

    An export lacks some columns, and those are blank in every line.
    """
    groups = [file.metadata.row_group(number) for number in range(file.num_row_groups)]
    found: dict[str, str] = {}
    for place, name in enumerate(file.schema_arrow.names):
        if name not in _TEXT_COLUMNS:
            continue
        told: list[Any] = [group.column(place).statistics for group in groups]
        if all(one is not None and one.has_min_max and one.null_count == 0 for one in told):
            words = {word for one in told for word in (one.min, one.max)}
            if len(words) == 1:
                found[name] = words.pop()
    return found


def _for_writing(seal: Seal) -> Any:
    if not seal.on:
        return None
    from auditor.history.sealed_parquet import for_writing

    return for_writing(seal)


def _for_reading(seal: Seal) -> Any:
    if not seal.on:
        return None
    from auditor.history.sealed_parquet import for_reading

    return for_reading(seal)


def _decoded(table: pa.Table) -> pa.Table:
    """Texts as they are: of few lines, one new dictionary costs less than uniting all groups'."""
    columns: dict[str, Any] = {name: table[name] for name in table.column_names}
    for name in columns.keys() & set(_TEXT_COLUMNS):
        columns[name] = columns[name].cast(pa.string())
    return pa.table(columns)


def _table(kept: KeptLines) -> pa.Table:
    columns: dict[str, Any] = {
        "patient_key": pa.array(kept.patient),
        "export": pa.array(kept.export.astype(np.int32)),
        "kind": pa.array(kept.kind.astype(np.int8)),
    }
    for name, column in COLUMNS.items():
        values: Any = kept.lines[name]
        if column.kind == "text":
            texts: Any = string_array(values.cat.categories.to_numpy())
            codes: Any = pa.array(values.cat.codes.to_numpy().astype(np.int32))
            # Decoded: a dictionary would be written whole into every row group.
            columns[name] = texts.take(codes)
        elif column.kind == "date":
            days = values.to_numpy(dtype="datetime64[s]").astype("datetime64[D]")
            columns[name] = pa.array(days, pa.date32())
        else:
            columns[name] = pa.array(values, from_pandas=True)
    return pa.table(columns)


def _kept(table: pa.Table) -> KeptLines:
    columns: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        values: Any = table[name]
        if column.kind == "text":
            cells = encode(values)
            columns[name] = categorical(cells.codes, cells.texts)
        elif column.kind == "date":
            columns[name] = values.to_numpy().astype("datetime64[s]")
        elif column.kind == "number":
            columns[name] = values.to_numpy()
        else:
            missing = values.is_null().to_numpy()
            columns[name] = whole_numbers(values.fill_null(0).to_numpy(), missing)
    return KeptLines(
        pd.DataFrame(columns, copy=False),
        table["export"].to_numpy().astype(np.int64),
        table["kind"].to_numpy().astype(np.int64),
        table["patient_key"].to_numpy(),
    )
