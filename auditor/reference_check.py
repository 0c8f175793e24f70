"""What makes a reference table sound: shapes, dates, sources, no two rows in force at once."""

import csv
import itertools
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from pathlib import Path

from auditor.errors import AuditError
from auditor.library.specifications import SPECIFICATIONS, compared
from auditor.reference_cells import check_cells
from auditor.regular_files import regular

_OPEN_START = "0001-01-01"
_OPEN_END = "9999-12-31"
_KINDS = (".csv", ".parquet", ".txt", ".tsv", ".xls", ".xlsx", ".xlsm", ".ods")


def table_files(
    folder: Path, not_dated: frozenset[str], shipped: Collection[str] = ()
) -> list[Path]:
    """The dated tables of a folder, as CSV or Parquet, by name.

    Of a user's folder refuses what has the name of a table and is not read: ``shipped`` names them.
    """
    own = {*shipped, *SPECIFICATIONS} if shipped else set()
    for path in sorted(folder.iterdir()):
        stem, kind = path.stem.lower(), path.suffix.lower()
        if stem in own and kind in _KINDS and path.suffix not in (".csv", ".parquet"):
            raise AuditError(
                f"{path}: is not read; save it as {stem}.csv, or take it out of the folder"
            )
    files = [path for kind in ("*.csv", "*.parquet") for path in folder.glob(kind)]
    found = sorted(path for path in files if path.name not in not_dated)
    for one, other in itertools.pairwise(found):
        if one.stem == other.stem:
            raise AuditError(
                f"{folder}: holds {one.name} and {other.name}, and only one can answer; take one "
                "out of the folder"
            )
    return found


def _all_rows(path: Path) -> list[list[str]]:
    """Header and rows of a CSV or Parquet file, as text."""
    regular(path)
    try:
        if path.suffix == ".parquet":
            return _parquet_rows(path)
        # A spreadsheet's "CSV UTF-8" begins with a byte order mark.
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream, strict=True))
    except (OSError, ValueError, csv.Error) as fault:
        raise AuditError(
            f"{path}: can't be read as UTF-8 CSV or Parquet ({fault}); save it as one of them"
        ) from fault


def _parquet_rows(path: Path) -> list[list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.read_table(path)
    cells = [column.cast(pa.string()).to_pylist() for column in table.columns]
    columns = [[cell or "" for cell in column] for column in cells]
    return [list(table.column_names), *(list(row) for row in zip(*columns, strict=True))]


def named_rows(path: Path, names: Sequence[str]) -> list[dict[str, str]]:
    """Rows of a file that has just these columns; none if there is no such file."""
    if not path.exists():
        return []
    rows = _all_rows(path)
    header = rows[0] if rows else []
    if sorted(header) != sorted(names):
        raise AuditError(f"{path}: must have the columns {', '.join(names)}, and no others")
    for number, row in enumerate(rows[1:], start=2):
        _check_width(path, number, row, header)
    return [dict(zip(header, row, strict=True)) for row in rows[1:]]


def refuse_other_columns(
    path: Path, columns: Sequence[str], keys: Sequence[str], shipped: Mapping[str, Sequence[str]]
) -> None:
    """Refuses a user's table that no rule asks for, lacks a column, or has other keys.

    ``shipped`` has the columns of each shipped table; a few tables are only ever a site's own.
    """
    wanted = shipped.get(path.stem, ())
    if not wanted and path.stem in SPECIFICATIONS:
        own = SPECIFICATIONS[path.stem]
        wanted = (*own.keys, "effective_from", "effective_to", *own.values, "source")
    if not wanted:
        known = ", ".join(sorted({*shipped, *SPECIFICATIONS}))
        raise AuditError(
            f"{path}: is no table that a rule asks for; name it as the one it replaces ({known}), "
            "or take it out of the folder"
        )
    missing = [name for name in wanted if name not in columns]
    if missing or list(keys) != list(wanted[: len(keys)]):
        lacks = f"has no column {missing[0]}" if missing else f"is keyed by {', '.join(keys)}"
        raise AuditError(
            f"{path}: {lacks}; it must have the shipped table's columns, keys first: "
            f"{', '.join(wanted)}"
        )


def _check_width(path: Path, number: int, row: Sequence[str], header: Sequence[str]) -> None:
    if len(row) != len(header):
        raise AuditError(
            f"{path} line {number}: has {len(row)} cells, the header {len(header)}; "
            "quote cells that hold a comma"
        )


def read_rows(path: Path) -> tuple[list[str], list[list[str]]]:
    """Header and rows of a table, as text; refuses what is not a dated table with a source."""
    rows = _all_rows(path)
    if not rows:
        raise AuditError(f"{path}: is empty; a reference table has a header and rows")
    header = rows[0]
    for name in ("effective_from", "effective_to", "source"):
        if name not in header:
            raise AuditError(f"{path}: has no column {name}; add it (see reference/README.md)")
    if len(set(header)) != len(header):
        raise AuditError(f"{path}: two columns have the same name; name each once")
    for number, row in enumerate(rows[1:], start=2):
        _check_width(path, number, row, header)
    return header, rows[1:]


def checked_rows(
    path: Path,
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    keys: Sequence[str],
    sources: frozenset[str],
) -> list[tuple[str, str]]:
    """Effective dates of each row; refuses bad dates, shapes, sources and overlaps.

    Raises AuditError naming file, line, value and the way out.
    """
    start_at, end_at = header.index("effective_from"), header.index("effective_to")
    source_at = header.index("source")
    spans: list[tuple[str, str]] = []
    in_force: dict[tuple[str, ...], list[tuple[str, str, int]]] = {}
    check_cells(path, header, rows, keys)
    for number, row in enumerate(rows, start=2):
        start, end = row[start_at], row[end_at]
        for name, day in (("effective_from", start), ("effective_to", end)):
            check_date(path, number, name, day)
        if start and end and end < start and not _never_in_force(header, row):
            raise AuditError(
                f"{path} line {number}: effective_to {end} is before effective_from {start}; "
                "swap or correct them"
            )
        for word in row[source_at].split() or [""]:
            if word not in sources:
                raise AuditError(
                    f"{path} line {number}: source '{word}' is not in sources.csv; add it there"
                )
        spans.append((start, end))
        key = compared(keys, row[: len(keys)])
        in_force.setdefault(key, []).append((start or _OPEN_START, end or _OPEN_END, number))
    _check_overlaps(path, keys, in_force)
    return spans


def check_date(path: Path, number: int, name: str, day: str) -> None:
    """Refuses what is neither blank nor an ISO date."""
    if not day:
        return
    try:
        if date.fromisoformat(day).isoformat() == day:
            return
    except ValueError:
        pass
    raise AuditError(
        f"{path} line {number}: {name} '{day}' is not a date like 2024-01-31; correct it"
    )


def _never_in_force(header: Sequence[str], row: Sequence[str]) -> bool:
    # NCCI publishes edits that never were: indicator 9, deleted on the day they began.
    return "modifier_indicator" in header and row[header.index("modifier_indicator")] == "9"


def _check_overlaps(
    path: Path, keys: Sequence[str], in_force: dict[tuple[str, ...], list[tuple[str, str, int]]]
) -> None:
    for key, spans in in_force.items():
        spans.sort()
        for (begin, end, one), (start, _, other) in itertools.pairwise(spans):
            if start <= end:
                since = "since ever" if start == _OPEN_START else f"from {start}"
                way_out = f"end line {one} the day before"
                if start == begin:
                    alike = "; payers are the same in any case" if "payer" in keys else ""
                    way_out = f"take one of them out{alike}"
                raise AuditError(
                    f"{path} line {other}: {' '.join(key)} is in force {since} while "
                    f"line {one} still is; {way_out}"
                )
