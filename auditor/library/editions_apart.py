"""One edition by itself: the rows it has in force, and a library where it answers for every day."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa

from auditor.editions import day_number
from auditor.library.gathering import gather, stored, write_sorted
from auditor.library.packed import packed
from auditor.library.pairs import always, as_table, in_force_within, pairs_of
from auditor.library.shelf import Gathered, Shelf, Shelved

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
                found = replace(gathered, file=str(path))
            made.append(found)
    touched = {(one.table, one.setting) for one in made}
    kept = [one for one in shelf.tables if (one.table, one.setting) not in touched]
    return replace(planned, tables=(*kept, *made))


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
