"""One edition by itself: the rows it has in force, and a library where it answers for every day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from auditor.editions import day_number
from auditor.library.gathering import gather, stored, write_sorted
from auditor.library.packed import packed
from auditor.library.pairs import always, as_table, in_force_within, pairs_of
from auditor.library.shelf import Gathered, Shelf, Shelved
from auditor.library.specifications import SPECIFICATIONS, Specification

_EVER = date(1, 1, 1)


def in_force_rows(shelf: Shelf, one: Shelved, table: str) -> pa.Table:
    """The rows of an edition that are in force on some of its days, without dates."""
    rows = stored(shelf, one, table)
    if table != "ptp_edits":
        return rows
    pairs = in_force_within(
        pairs_of(rows, 0), day_number(one.first_date), day_number(one.last_date)
    )
    return as_table(pairs, one.setting, [one.source]).drop(["effective_from", "effective_to"])


def as_if_always(shelf: Shelf, editions: Sequence[Shelved], place: Path) -> Shelf:
    """The library as if the given editions were in force on every day, alone of their kind.

    Tables are written below ``place``; the other kinds stay as they are.
    """
    wide = [replace(one, first_date=_EVER, last_date=date.max) for one in editions]
    ours = {(one.kind, one.setting) for one in editions}
    others = [one for one in shelf.editions if (one.kind, one.setting) not in ours]
    planned = replace(shelf, editions=(*others, *wide))
    made: list[Gathered] = []
    for number, one in enumerate(wide):
        for table in one.rows:
            folder = place / f"{number}-{table}"
            folder.mkdir()
            if table == "ptp_edits":
                found = _pairs_always(shelf, editions[number], folder)
            else:
                gathered, path = gather(planned, table, one.setting, folder)
                _widen(path, SPECIFICATIONS[table])
                found = replace(gathered, file=str(path))
            made.append(found)
    touched = {(one.table, one.setting) for one in made}
    kept = [one for one in shelf.tables if (one.table, one.setting) not in touched]
    return replace(planned, tables=(*kept, *made))


def _widen(path: Path, specification: Specification) -> None:
    """Lets rows with dates of their own begin before every other day and never end.

    Of several rows of a key the first begins so and the last ends so. Dated lists stay: what has
    ended is no list of the edition.
    """
    if not specification.own_dates or specification.dated_by:
        return
    table = pq.read_table(path)
    keys = table.select(list(specification.keys)).to_pandas()
    first = pa.array(~keys.duplicated().to_numpy())
    last = pa.array(~keys.duplicated(keep="last").to_numpy())
    days = {"effective_from": (first, _EVER), "effective_to": (last, None)}
    for name, (where, day) in days.items():
        column = pc.if_else(where, pa.scalar(day, pa.date32()), table[name])
        table = table.set_column(table.schema.get_field_index(name), name, column)
    write_sorted(table, path)


def _pairs_always(shelf: Shelf, one: Shelved, folder: Path) -> Gathered:
    pairs = in_force_within(
        pairs_of(stored(shelf, one, "ptp_edits"), 0),
        day_number(one.first_date),
        day_number(one.last_date),
    )
    table = packed(always(pairs), one.setting, [one.source])
    path = folder / "ptp_edits.parquet"
    write_sorted(table, path)
    return Gathered("ptp_edits", one.setting, str(path), table.num_rows, one.digest)
