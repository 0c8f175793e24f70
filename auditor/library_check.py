"""Proves a library sound: files whole, no two rows in force at once; names gaps, unknown codes."""

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.editions import Edition
from auditor.errors import AuditError
from auditor.library.gathering import stored
from auditor.library.layering import spans_of
from auditor.library.reading import editions_of
from auditor.library.shelf import Gathered, Shelf, digest_of, open_shelf
from auditor.library.specifications import SPECIFICATIONS
from auditor.reference import Reference

_SHOWN = 5
# Codes that an edition of a year must hold, whatever else it holds.
_PRICED = ("pfs_rates", "opps_rates")


def check_library(folder: Path, reference: Reference) -> str:
    """What a library holds and what it lacks, as text.

    Raises AuditError for the first file that is not as the list says, or the first overlap.
    """
    shelf = open_shelf(folder)
    for one in shelf.editions:
        for table, rows in one.rows.items():
            found = stored(shelf, one, table).num_rows
            if found != rows:
                raise AuditError(
                    f"{folder / one.folder}: {table} has {found:,} rows, its manifest says "
                    f"{rows:,}; import {one.kind} {one.edition} again"
                )
    for gathered in shelf.tables:
        _check_gathered(shelf, gathered)
    kept = sum(sum(one.rows.values()) for one in shelf.editions)
    lines = [f"{len(shelf.editions)} editions, {kept:,} rows: sound"]
    lines += [f"  gap: {text}" for text in gaps(shelf)]
    lines += [f"  unknown: {text}" for text in unknown_codes(shelf, reference)]
    return "\n".join(lines) + "\n"


def _check_gathered(shelf: Shelf, one: Gathered) -> None:
    path = shelf.folder / one.file
    try:
        if digest_of(path) != one.digest:
            raise AuditError(f"{path}: has been changed; import one of its editions again")
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as fault:
        raise AuditError(
            f"{path}: is missing or damaged; import one of its editions again"
        ) from fault
    overlap = _overlap(table, SPECIFICATIONS[one.table].keys)
    if overlap:
        raise AuditError(
            f"{path}: two rows of {overlap} are in force on one day; import its editions again"
        )


def _overlap(table: pa.Table, keys: tuple[str, ...]) -> str:
    """The first key of which two rows are in force on one day, blank where there is none."""
    frame = pd.DataFrame({name: _codes(table[name]) for name in keys})
    days: dict[str, Any] = {}
    for name, blank in (("effective_from", -(2**19)), ("effective_to", 2**19)):
        cells: Any = table[name].cast(pa.int32())
        days[name] = cells.fill_null(blank).to_numpy()
    frame = frame.assign(start=days["effective_from"], end=days["effective_to"])
    frame = frame.sort_values([*keys, "start"])
    same = (frame[list(keys)].diff().iloc[1:] == 0).all(axis=1).to_numpy()
    clash = same & (frame["start"].to_numpy()[1:] <= frame["end"].to_numpy()[:-1])
    if not clash.any():
        return ""
    row = table.slice(int(frame.index[1:][clash][0]), 1).to_pylist()[0]
    return " ".join(str(row[name]) for name in keys)


def _codes(column: Any) -> Any:
    words: Any = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    whole: Any = words.unify_dictionaries().combine_chunks()
    whole = whole.chunk(0) if isinstance(whole, pa.ChunkedArray) else whole
    return whole.indices.to_numpy(zero_copy_only=False)


def gaps(shelf: Shelf) -> Iterator[str]:
    """Days between two editions of a table that no edition answers for."""
    for table in dict.fromkeys(one.table for one in shelf.tables):
        if SPECIFICATIONS[table].dated_by and _reach_back(shelf, table):
            continue
        for setting, spans in sorted(spans_of(editions_of(shelf, table)).items()):
            for (_, last), (first, _) in itertools.pairwise(spans):
                day = timedelta(days=1)
                name = f"{table} {setting}".strip()
                yield f"no edition of {name} answers for {last + day} to {first - day}"


def _reach_back(shelf: Shelf, table: str) -> bool:
    """Whether all lists of all editions say since when they stand, so that they fill gaps."""
    tables = [stored(shelf, one, table) for one in shelf.of_table(table)]
    return all(
        "own_from" in one.column_names and "" not in one["own_from"].to_pylist() for one in tables
    )


def unknown_codes(shelf: Shelf, reference: Reference) -> Iterator[str]:
    """Codes of our own that an edition of rates lacks, and listed diagnoses that are no codes."""
    rows = reference.table("procedure_codes").rows
    family = rows[(rows["role"] == "family") & (rows["effective_to"] == "")]["procedure_code"]
    for table in _PRICED:
        for one in shelf.of_table(table):
            held = set(stored(shelf, one, table)["procedure_code"].to_pylist())
            missing = sorted(set(family) - held)
            if missing:
                yield f"{one.kind} {one.edition} lacks {', '.join(missing[:_SHOWN])}"
    icd = [one for one in shelf.tables if one.table == "icd10cm"]
    lists = [one for one in shelf.tables if one.table == "coverage_diagnoses"]
    if icd and lists:
        known = set(
            pq.read_table(shelf.folder / icd[0].file, columns=["icd10"])["icd10"].to_pylist()
        )
        listed = pq.read_table(
            shelf.folder / lists[0].file, columns=["list_id", "icd10"]
        ).to_pylist()
        strange = sorted(
            {f"{row['icd10']} of {row['list_id']}" for row in listed if row["icd10"] not in known}
        )
        if strange:
            yield f"{len(strange)} listed diagnoses are no codes, such as {strange[0]}"


def coverage_lines(shelf: Shelf) -> list[str]:
    """One line a table, setting and edition of a library, with its days; gaps below."""
    found = []
    for table in sorted(dict.fromkeys(one.table for one in shelf.tables)):
        editions = sorted(editions_of(shelf, table), key=_by_days)
        found += [edition_line(table, edition) for edition in editions]
    return [*found, *(f"gap: {text}" for text in gaps(shelf))]


def _by_days(one: Edition) -> tuple[str, str]:
    return one.setting, str(one.last_date or "9999")


def edition_line(table: str, edition: Edition) -> str:
    """A table's edition and the dates of service it answers for."""
    first = edition.first_date.isoformat() if edition.first_date else "the start"
    last = edition.last_date.isoformat() if edition.last_date else "any date"
    origin = "" if edition.origin == "shipped" else f" ({edition.origin})"
    return (
        f"{table:<28} {edition.setting or 'all':<14} {edition.rows:>9,}  "
        f"{first + ' to ' + last:<26} {edition.edition}{origin}"
    )
