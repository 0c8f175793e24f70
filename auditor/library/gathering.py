"""What several editions of a table say together: one dated table, the row in force on each day.

An edition answers from its first to its last date; where two answer for one day, the one that began
later does, of two that began together the one that ends sooner, else the one imported later.
"""

import itertools
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.editions import Bools, day_number
from auditor.errors import AuditError
from auditor.library.packed import packed
from auditor.library.pairs import Pairs, ever_in_force, pairs_of, together
from auditor.library.shelf import TABLES, Gathered, Shelf, Shelved, digest_of
from auditor.library.specifications import SPECIFICATIONS, Specification
from auditor.library.stretches import DAY, Stretch, rank, stretches, stretches_of_list

OWN_DATES = ("own_from", "own_to")
# Rows a group of a Parquet file; readers skip groups whose codes can't be among those asked for.
_GROUP = 65_536


def gather(shelf: Shelf, table: str, setting: str, place: Path) -> tuple[Gathered, Path]:
    """Writes the table that the editions of a setting make together below ``place``.

    Returns how the list names it, and the file, to be moved to that name.
    """
    editions = shelf.of_table(table, setting)
    make = _pairs if table == "ptp_edits" else _rows
    content = make(shelf, editions, SPECIFICATIONS[table])
    path = place / f"{table}.parquet"
    write_sorted(content, path)
    digest = digest_of(path)
    name = "-".join(word for word in (table, setting, digest[:12]) if word)
    return (
        Gathered(table, setting, f"{TABLES}/{name}.parquet", content.num_rows, digest),
        path,
    )


def write_sorted(table: pa.Table, path: Path) -> None:
    """Writes rows in groups small enough to be skipped."""
    pq.write_table(table, path, row_group_size=_GROUP, compression="zstd")


def stored(shelf: Shelf, one: Shelved, table: str) -> pa.Table:
    """The rows of one edition. Raises AuditError when its file is gone or damaged."""
    path = shelf.folder / one.folder / f"{table}.parquet"
    try:
        return pq.read_table(path, read_dictionary=_dictionaries(table))
    except (OSError, pa.ArrowException) as fault:
        raise AuditError(
            f"{path}: is missing or damaged; import {one.kind} {one.edition} again"
        ) from fault


def _dictionaries(table: str) -> list[str]:
    if table != "ptp_edits":
        return []
    return ["column_one", "column_two", "modifier_indicator", "rationale"]


def _pairs(shelf: Shelf, editions: Sequence[Shelved], _: Specification) -> pa.Table:
    """Each edition restates the history of every edit, so the newest word on an edit holds."""
    by_age = sorted(range(len(editions)), key=lambda place: rank(editions[place]))
    whole: Pairs | None = None
    for place in by_age:
        newer = pairs_of(stored(shelf, editions[place], "ptp_edits"), place)
        first = day_number(editions[place].first_date)
        whole = newer if whole is None else together(whole, newer, first)
    if whole is None:
        raise ValueError("no edition to gather")
    sources = [one.source for one in editions]
    return packed(ever_in_force(whole), editions[0].setting, sources)


def _rows(shelf: Shelf, editions: Sequence[Shelved], specification: Specification) -> pa.Table:
    """Rows as each edition states them, joined where one says the same as the one before it."""
    dated = specification.dated_by
    plan = stretches(editions)
    asked = range(len(editions)) if dated else sorted({one.edition for one in plan})
    tables = {place: stored(shelf, editions[place], specification.table) for place in asked}
    # Descriptors are there only where the site holds a licence for them.
    labelled = any("label" in table.column_names for table in tables.values())
    own = OWN_DATES if specification.own_dates else ()
    values = list(dict.fromkeys([*specification.values, *(["label"] if labelled else [])]))
    names = [*specification.keys, *own, *values]
    frames = {place: _worded(table, names) for place, table in tables.items()}
    lists = sorted({word for frame in frames.values() for word in frame[dated]}) if dated else []
    if not lists:
        return _in_time(frames, plan, editions, specification, values)
    parts = []
    for word in lists:
        held = {place: frame[frame[dated] == word] for place, frame in frames.items()}
        plan = stretches_of_list(editions, [_since(held[place]) for place in asked])
        parts.append(_in_time(held, plan, editions, specification, values))
    return pa.concat_tables(parts)


def _since(rows: pd.DataFrame) -> str:
    """The day since which a list stands as an edition states it, blank where it has none."""
    return str(rows["own_from"].max()) if len(rows) else ""


def _in_time(
    frames: Mapping[int, pd.DataFrame],
    plan: Sequence[Stretch],
    editions: Sequence[Shelved],
    specification: Specification,
    values: Sequence[str],
) -> pa.Table:
    """The rows of each edition on the days for which it answers."""
    own = OWN_DATES if specification.own_dates else ()
    names = [*specification.keys, *own, *values]
    parts = [frames[one.edition].assign(stretch=number) for number, one in enumerate(plan)]
    rows = pd.concat(parts, ignore_index=True)
    rows = rows.sort_values(
        [*specification.keys, *own, "stretch"], kind="stable", ignore_index=True
    )
    number = rows["stretch"].to_numpy()
    goes_on = _goes_on(rows, names, plan)
    firsts = np.flatnonzero(~goes_on[: len(rows)])
    lasts = np.r_[firsts[1:] - 1, len(rows) - 1] if len(firsts) else firsts
    kept = rows.iloc[firsts]
    sources = [editions[one.edition].source for one in plan]
    columns: dict[str, Any] = {
        name: pa.array(kept[name].tolist(), pa.string()) for name in specification.keys
    }
    starts = [plan[place].first for place in number[firsts]]
    ends = [plan[place].last for place in number[lasts]]
    if own:
        ends = [min(day, _own(word, day)) for day, word in zip(ends, kept["own_to"], strict=True)]
    if own and not specification.dated_by:
        starts = [
            max(day, _own(word, day)) for day, word in zip(starts, kept["own_from"], strict=True)
        ]
    columns["effective_from"] = pa.array(starts, pa.date32())
    columns["effective_to"] = pa.array(
        [None if day == date.max else day for day in ends], pa.date32()
    )
    columns |= {name: pa.array(kept[name].tolist(), pa.string()) for name in values}
    columns["source"] = pa.array([sources[one] for one in number[lasts]], pa.string())
    table = pa.table(columns)
    # A row whose own dates lie outside its edition is never in force.
    live = [end is None or start <= end for start, end in zip(starts, ends, strict=True)]
    return table.filter(pa.array(live, pa.bool_()))


def _goes_on(rows: pd.DataFrame, names: Sequence[str], plan: Sequence[Stretch]) -> Bools:
    """Rows that say the same as the row before them, of the days that adjoin its own."""
    number = rows["stretch"].to_numpy()
    adjoining = np.array(
        [
            False,
            *(b.first - a.last == DAY for a, b in itertools.pairwise(plan)),
        ]
    )
    says = [rows[name].to_numpy(dtype=object) for name in names]
    same = np.ones(max(len(rows) - 1, 0), dtype=bool)
    for column in says:
        same &= column[1:] == column[:-1]
    found: Bools = np.r_[False, same & (number[1:] == number[:-1] + 1) & adjoining[number[1:]]]
    return found


def _own(word: str, otherwise: date) -> date:
    return date.fromisoformat(word) if word else otherwise


def _worded(table: pa.Table, names: Sequence[str]) -> pd.DataFrame:
    empty = pa.array([""] * table.num_rows, pa.string())
    held = set(table.column_names)
    return pd.DataFrame(
        {
            name: (table[name].cast(pa.string()) if name in held else empty).to_numpy(
                zero_copy_only=False
            )
            for name in names
        }
    )
