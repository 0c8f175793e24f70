"""Checks that an edition is the one before it and the publisher's changes, no more and no less."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from auditor.errors import AuditError
from auditor.library.comparing import as_text, without
from auditor.library.shelf import Shelved
from auditor.library.specifications import Specification
from auditor.official.kind import Asked, Kind
from auditor.official.published import Published

# A file of changes says of each row what became of it; the first letter is enough.
_ACTION = r"(ACTION|CHANGE|CHANGE TYPE|CHANGE INDICATOR|STATUS OF EDIT)"
_DELETED, _OTHERS = r"delet|remov", r"add|revis|chang"
_SHOWN = 3


def refuse_other_than(
    old: pa.Table,
    new: pa.Table,
    files: Sequence[Published],
    kind: Kind,
    specification: Specification,
    before: Shelved,
) -> None:
    """complete(n) = complete(n-1) + changes(n), row by row.

    A file of changes has the layout of its kind, in one table or a sheet each for what was added,
    deleted and revised; a column named action or change marks rows that are gone with a word that
    begins with D. Raises AuditError that names the first keys that differ.
    """
    keys = [name for name in (*specification.keys, "effective_from") if name in new.column_names]
    names = [*keys, *(name for name in _compared(specification) if name in new.column_names)]
    expected, found = as_text(old, names), as_text(new, names)
    for file in files:
        for gone, stated in _told(file, kind, specification, before.setting):
            left = as_text(gone, names)
            ended = left.slice(0, 0)
            if "effective_to" in names:
                # What ended is still stated, with its last day.
                ended = left.filter(pc.field("effective_to") != "")
                left = left.filter(pc.field("effective_to") == "")
            restated = pa.concat_tables([as_text(stated, names), ended])
            expected = without(without(expected, left, keys), restated, keys)
            expected = pa.concat_tables([expected, restated])
    wrong = pa.concat_tables([without(expected, found, names), without(found, expected, names)])
    if wrong.num_rows:
        # A row that says something else is in both.
        told = wrong.select(keys).group_by(keys, use_threads=False).aggregate([])
        rows = told.slice(0, _SHOWN).to_pylist()
        shown = "; ".join(" ".join(cell for cell in row.values() if cell) for row in rows)
        raise AuditError(
            f"{files[0].full_name}: edition {before.edition} with these changes is not the edition "
            f"given: {told.num_rows:,} rows differ, such as {shown}; get the files of one "
            "release, or leave --changes out; nothing was imported"
        )


def _compared(specification: Specification) -> list[str]:
    return [name for name in (*specification.values, "effective_to") if name != "rationale"]


def _told(
    file: Published, kind: Kind, specification: Specification, setting: str
) -> list[tuple[pa.Table, pa.Table]]:
    """Of each table in a file of changes, the rows that are gone, and those stated anew.

    A sheet beside them that is no such table, such as a notice, is passed over.
    """
    found, fault = [], None
    for name, rows in file.tables():
        gone, stated, first = _parted(name, rows)
        try:
            found.append(
                (
                    _parsed(file, gone, first, kind, specification, setting),
                    _parsed(file, stated, first, kind, specification, setting),
                )
            )
        except AuditError as refused:
            fault = refused
    if fault and not found:
        raise fault
    return found


Rows = list[list[str]]


def _parted(name: str, rows: Rows) -> tuple[Rows, Rows, int]:
    """Rows that are gone and rows that are stated, each below the header; the first row below it.

    A column says so, else the name of the table: additions, deletions, revisions.
    """
    at = next(
        (
            (row, place)
            for row, cells in enumerate(rows[:60])
            for place, cell in enumerate(cells)
            if re.fullmatch(_ACTION, cell.upper())
        ),
        None,
    )
    if at is None:
        deleted = re.search(_DELETED, name, re.IGNORECASE)
        of_all = re.search(_OTHERS, name, re.IGNORECASE)
        return (rows, [], 0) if deleted and not of_all else ([], rows, 0)
    header, place = at
    goes = [len(row) > place and row[place].upper().startswith("D") for row in rows[header + 1 :]]
    head, below = rows[: header + 1], rows[header + 1 :]
    gone = [row for row, out in zip(below, goes, strict=True) if out]
    kept = [row for row, out in zip(below, goes, strict=True) if not out]
    return [*head, *gone], [*head, *kept], header + 1


def _parsed(
    file: Published,
    rows: Sequence[Sequence[str]],
    first: int,
    kind: Kind,
    specification: Specification,
    setting: str,
) -> pa.Table:
    """The rows below the header, from ``first`` on, as the reader of their kind takes them."""
    name = re.sub(r"-f\d+\b", "", file.name, flags=re.IGNORECASE)
    suffix = ".csv" if file.suffix == ".csv" else ".txt"
    text = "\r\n".join(_line(row, suffix) for row in rows)
    as_file = Published(f"{name.rsplit('.', 1)[0]}{suffix}", file.archive, text.encode())
    # Rows of a stacked header have an empty first cell.
    holds = any(row and row[0] for row in rows[first:])
    tables = kind.read([as_file], Asked(setting)).tables if holds else {}
    empty = pa.table({column: pa.array([], pa.string()) for column in specification.keys})
    return tables.get(specification.table, empty)


def _line(row: Sequence[str], suffix: str) -> str:
    if suffix == ".txt":
        return "\t".join(row)
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in row)
