"""Checks that an edition is the one before it and the publisher's changes, no more and no less."""

import re
from collections.abc import Sequence

import pyarrow as pa

from auditor.errors import AuditError
from auditor.library.comparing import as_text, without
from auditor.library.specifications import Specification
from auditor.official.kind import Asked, Kind
from auditor.official.published import Published

# A file of changes says of each row what became of it; the first letter is enough.
_ACTION = r"(ACTION|CHANGE|CHANGE TYPE|CHANGE INDICATOR|STATUS OF EDIT)"
_SHOWN = 3


def refuse_other_than(
    old: pa.Table,
    new: pa.Table,
    files: Sequence[Published],
    kind: Kind,
    specification: Specification,
    before: str,
) -> None:
    """complete(n) = complete(n-1) + changes(n), row by row.

    A file of changes has the layout of its kind; a column named action or change marks rows that
    are gone with a word that begins with D. Raises AuditError that names the first keys that
    differ.
    """
    keys = [name for name in (*specification.keys, "effective_from") if name in new.column_names]
    names = [*keys, *(name for name in _compared(specification) if name in new.column_names)]
    expected, found = as_text(old, names), as_text(new, names)
    for file in files:
        gone, stated = _read(file, kind, specification)
        expected = without(expected, as_text(gone, names), keys)
        expected = without(expected, as_text(stated, names), keys)
        expected = pa.concat_tables([expected, as_text(stated, names)])
    wrong = pa.concat_tables([without(expected, found, names), without(found, expected, names)])
    if wrong.num_rows:
        rows = wrong.select(keys).slice(0, _SHOWN).to_pylist()
        shown = "; ".join(" ".join(cell for cell in row.values() if cell) for row in rows)
        raise AuditError(
            f"{files[0].full_name}: edition {before} with these changes is not the edition given: "
            f"{wrong.num_rows:,} rows differ, such as {shown}; get the files of one release, or "
            "leave --changes out; nothing was imported"
        )


def _compared(specification: Specification) -> list[str]:
    return [name for name in (*specification.values, "effective_to") if name != "rationale"]


def _read(file: Published, kind: Kind, specification: Specification) -> tuple[pa.Table, pa.Table]:
    """The rows of a file of changes that are gone, and those that are stated anew."""
    rows = file.rows()
    at = next(
        (
            (row, place)
            for row, cells in enumerate(rows[:60])
            for place, cell in enumerate(cells)
            if re.fullmatch(_ACTION, cell.upper())
        ),
        None,
    )
    gone: list[list[str]] = []
    kept = rows
    first = 0
    if at is not None:
        header, place = at
        first = header + 1
        goes = [
            number > header and len(row) > place and row[place].upper().startswith("D")
            for number, row in enumerate(rows)
        ]
        gone = [row for row, out in zip(rows, goes, strict=True) if out]
        kept = [row for row, out in zip(rows, goes, strict=True) if not out]
        gone = [*rows[:first], *gone]
    return (
        _parsed(file, gone, first, kind, specification),
        _parsed(file, kept, first, kind, specification),
    )


def _parsed(
    file: Published,
    rows: Sequence[Sequence[str]],
    first: int,
    kind: Kind,
    specification: Specification,
) -> pa.Table:
    """The rows below the header, from ``first`` on, as the reader of their kind takes them."""
    name = re.sub(r"-f\d+\b", "", file.name, flags=re.IGNORECASE)
    suffix = ".txt" if "\t" in file.text()[:2000] else ".csv"
    text = "\r\n".join(_line(row, suffix) for row in rows)
    as_file = Published(f"{name.rsplit('.', 1)[0]}{suffix}", file.archive, text.encode())
    # Rows of a stacked header have an empty first cell.
    holds = any(row and row[0] for row in rows[first:])
    tables = kind.read([as_file], Asked()).tables if holds else {}
    empty = pa.table({column: pa.array([], pa.string()) for column in specification.keys})
    return tables.get(specification.table, empty)


def _line(row: Sequence[str], suffix: str) -> str:
    if suffix == ".txt":
        return "\t".join(row)
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)
