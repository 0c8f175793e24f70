"""Reads of a library what some claim lines need, and lays it over the shipped tables.

Only rows whose codes occur on the lines are read: the tables are sorted by code, so that whole
groups of rows are skipped. Of the millions of NCCI pairs only those stay whose codes stand together
on some patient's day.
"""

import hashlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.errors import AuditError
from auditor.library.codes_together import CodesTogether, codes_together
from auditor.library.layering import laid_over, spans_of
from auditor.library.packed import PACKED, days_of, unpacked, words_of_file
from auditor.library.pairs import as_table
from auditor.library.shelf import Gathered, Shelf, Shelved, open_shelf
from auditor.library.specifications import SPECIFICATIONS, Specification
from auditor.reference import Edition, Reference, Source, Table, made_table

# NCCI files carry the history of every edit, from the first of January 1996 on.
_FIRST_EDIT = pd.Timestamp("1996-01-01").date()
_FIRST_DAY, _LAST_DAY = -(2**19), 2**19
_THREADS = 2


def narrowed(reference: Reference, lines: pd.DataFrame) -> Reference:
    """The reference with what the lines need of its library; itself where it has none.

    Raises AuditError when a file of the library is gone or damaged.
    """
    reference = reference.opened or reference
    if reference.library is None:
        return reference
    shelf = open_shelf(reference.library)
    try:
        return with_shelf(reference, shelf, lines)
    except AuditError:
        # An import that ended meanwhile has put other files in the place of those.
        after = open_shelf(reference.library)
        if after.tables == shelf.tables:
            raise
        return with_shelf(reference, after, lines)


def with_shelf(reference: Reference, shelf: Shelf, lines: pd.DataFrame) -> Reference:
    """The reference with what the lines need of a library that is already open."""
    names = list(dict.fromkeys(one.table for one in shelf.tables))
    together = codes_together(lines) if "ptp_edits" in names else None

    def rows_of(one: Gathered) -> pd.DataFrame:
        return _rows_for(shelf, one, lines, together)

    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        read = dict(zip(shelf.tables, pool.map(rows_of, shelf.tables), strict=True))
    tables = dict(reference.tables)
    for name in names:
        rows = pd.concat([rows for one, rows in read.items() if one.table == name])
        tables[name] = _table(shelf, SPECIFICATIONS[name], rows, tables.get(name))
    sources = dict(reference.sources) | {one.source: source_of(one) for one in shelf.editions}
    found = Reference(tables, sources, reference.contradictions)
    found.opened = reference
    return found


def source_of(one: Shelved) -> Source:
    """An imported edition as a document that findings cite."""
    return Source(
        id=one.source,
        title=one.title,
        publisher=one.publisher,
        section="; ".join(dict.fromkeys(str(file["file"]) for file in one.files)),
        url="",
        edition=one.edition,
        published_on="",
        checked_on=one.imported_at[:10],
    )


def editions_of(shelf: Shelf, table: str) -> list[Edition]:
    """The dates of service that each edition of a table answers for.

    NCCI pairs carry their history, so each edition answers for all earlier dates as well.
    """
    return [
        Edition(
            table=table,
            setting=one.setting,
            edition=one.edition,
            first_date=_FIRST_EDIT if table == "ptp_edits" else one.first_date,
            last_date=one.last_date if one.last_date.year < 9999 else None,
            rows=one.rows[table],
            origin=str(shelf.folder),
            complete=one.complete,
        )
        for one in shelf.of_table(table)
    ]


def _table(
    shelf: Shelf, specification: Specification, rows: pd.DataFrame, shipped: Table | None
) -> Table:
    """The library's rows, and the shipped ones where the library does not answer."""
    editions = editions_of(shelf, specification.table)
    columns = [
        *specification.keys,
        "effective_from",
        "effective_to",
        *specification.values,
        "confidence",
        "source",
    ]
    rows = rows.assign(confidence="confirmed")
    # NCCI pairs say themselves when they end.
    if specification.accuses_on and specification.table != "ptp_edits":
        rows = _going_on(rows, editions)
    if "label" in rows.columns and "label" not in columns:
        columns.insert(-2, "label")
    if shipped is not None:
        columns[-2:-2] = [n for n in shipped.rows.columns if n not in columns]
        rows = laid_over(rows, shipped, specification, spans_of(editions))
        if specification.over != "everything":
            editions = [*shipped.editions, *editions]
    rows = rows.reindex(columns=columns).fillna("").astype("str")
    digests = [one.digest for one in shelf.tables if one.table == specification.table]
    parts = [shipped.digest if shipped else "", *sorted(digests)]
    return made_table(
        specification.table,
        specification.keys,
        rows,
        _days(rows["effective_from"], _FIRST_DAY),
        _days(rows["effective_to"], _LAST_DAY),
        editions=tuple(editions),
        origin=str(shelf.folder),
        digest=hashlib.sha256("\n".join(parts).encode()).hexdigest(),
    )


def _going_on(rows: pd.DataFrame, editions: Sequence[Edition]) -> pd.DataFrame:
    """Rows that end with the last edition of their setting without an end: they accuse yet."""
    ends = rows["effective_to"]
    for setting in {one.setting for one in editions}:
        last = max(str(one.last_date or "") for one in editions if one.setting == setting)
        ends = ends.mask((rows["setting"] == setting) & (ends == last), "")
    return rows.assign(effective_to=ends)


def _days(column: "pd.Series[str]", blank: int) -> Any:
    codes, words = pd.factorize(column)
    cells = words.to_numpy(dtype=object)
    days = np.where(cells == "", "1970-01-01", cells).astype("datetime64[D]").astype(np.int64)
    return np.where(cells == "", blank, days)[codes]


def _rows_for(
    shelf: Shelf, one: Gathered, lines: pd.DataFrame, together: CodesTogether | None
) -> pd.DataFrame:
    """The rows of one stored table that the lines can ask for, as text."""
    specification = SPECIFICATIONS[one.table]
    path = shelf.folder / one.file
    try:
        if together is not None and one.table == "ptp_edits":
            return _as_text(_pairs_for(path, together))
        wanted = _words_of(lines, specification.of_lines) if specification.of_lines else None
        return _as_text(groups_with(path, specification.chosen_by, wanted))
    except (OSError, pa.ArrowException) as fault:
        raise AuditError(
            f"{path}: is missing or damaged; import its editions again (auditor reference check "
            "--reference names them)"
        ) from fault


def groups_with(path: Path, column: str, wanted: Sequence[str] | None) -> pa.Table:
    """The rows whose cell is one of the wanted words, of a file sorted by that column first.

    Groups of rows whose range holds none of the words are not read.
    """
    file = pq.ParquetFile(path)
    if wanted is None:
        return file.read()
    groups = groups_among(file, column, wanted)
    if not groups:
        return file.schema_arrow.empty_table()
    table = file.read_row_groups(groups)
    held: Any = table[column]
    return table.filter(pc.is_in(held, value_set=pa.array(list(wanted), pa.string())))


def groups_among(file: pq.ParquetFile, column: str, wanted: Sequence[str]) -> list[int]:
    """The groups of rows whose range of a column holds one of the wanted words."""
    words = np.array(sorted(wanted), dtype=object)
    place = file.schema_arrow.get_field_index(column)
    groups = []
    for group in range(file.metadata.num_row_groups):
        statistics: Any = file.metadata.row_group(group).column(place).statistics
        if statistics is None or not statistics.has_min_max:
            groups.append(group)
            continue
        first = np.searchsorted(words, statistics.min)
        if first < len(words) and words[first] <= statistics.max:
            groups.append(group)
    return groups


def _words_of(lines: pd.DataFrame, column: str) -> list[str]:
    """The distinct words of a column that occur; diagnoses also as they may be corrected."""
    words_at = lines[column].cat
    counts = np.bincount(words_at.codes.to_numpy(), minlength=len(words_at.categories))
    cells: Any = pa.array(words_at.categories[np.flatnonzero(counts)], pa.string())
    if column == "service_zip":
        codes: Any = pc.utf8_slice_codeunits(cells, 0, 5)
        return sorted(codes.unique().to_pylist())
    split: Any = pc.list_flatten(pc.utf8_split_whitespace(cells))
    words = set(split.unique().to_pylist()) - {""}
    if column == "diagnosis_codes":
        words |= {f"I{word[1:]}" for word in words if word.startswith("1")}
    return sorted(words)


def _pairs_for(path: Path, together: CodesTogether) -> pa.Table:
    """The edits in force on some day of the lines, whose codes meet on a patient's day."""
    file = pq.ParquetFile(path)
    words = words_of_file(file, path)
    groups = groups_among(file, "column_one", together.words)
    table = file.read_row_groups(groups, columns=list(PACKED))
    one, two, says = (table[name].to_numpy() for name in PACKED)
    place = together.places(words.codes)
    found = np.flatnonzero(together.table[(place * together.size)[one] + place[two]])
    start, end = days_of(says[found])
    found = found[(start <= together.last) & (end >= together.first)]
    pairs = unpacked(one[found], two[found], says[found], words)
    return as_table(pairs, words.setting, words.sources)


def _as_text(table: pa.Table) -> pd.DataFrame:
    columns: dict[str, Any] = {}
    for name in table.column_names:
        if name not in PACKED:
            cells: Any = table[name].cast(pa.string())
            columns[name] = cells.fill_null("").to_pandas()
    return pd.DataFrame(columns, dtype="str")
