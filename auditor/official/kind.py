"""What a kind of official file is, and what was read from some files of it."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from auditor.official.published import Published

CODE = re.compile(r"[0-9A-Z]{5}")
MODIFIER = re.compile(r"[0-9A-Z]{2}")


@dataclass(frozen=True)
class Asked:
    """What the user said beside the files, and the library they are for."""

    setting: str = ""
    licensed: bool = False
    edition: str = ""
    library: Path | None = None


@dataclass(frozen=True)
class Misfit:
    """A row that was not taken: the file, its row there, and why."""

    file: str
    row: int
    reason: str
    content: str = ""


@dataclass(frozen=True)
class Reading:
    """What files of one kind say.

    ``tables``: by reference table, the rows as text columns, keys first; NCCI pairs carry their
    dates as date32. ``misfits`` are the rows that were not taken; ``read`` counts the rows of
    each file, so that rows read = kept + not taken. ``edition`` is what the files call
    themselves. ``left_out`` counts rows that speak of something else, by what they are.
    ``rests_on`` are the digests of the editions by which the files were read.
    """

    tables: dict[str, pa.Table]
    misfits: list[Misfit]
    read: dict[str, int]
    edition: str = ""
    setting: str = ""
    left_out: dict[str, int] = field(default_factory=dict)
    rests_on: tuple[str, ...] = ()


@dataclass(frozen=True)
class Kind:
    """A kind of official file and its reader.

    ``members`` matches the names of its files in an archive. ``complete`` says that the files are
    the publisher's whole table, so that what they lack does not exist.
    """

    name: str
    title: str
    publisher: str
    members: re.Pattern[str]
    tables: tuple[str, ...]
    read: Callable[[Sequence[Published], Asked], Reading]
    complete: bool = True
    by_setting: bool = False
    period: str = "quarter"


def text_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> pa.Table:
    """Rows of text as a table."""
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    arrays = [pa.array(list(column), type=pa.string()) for column in columns]
    return pa.table(dict(zip(names, arrays, strict=True)))


def once_each(
    rows: list[tuple[int, str, list[str]]], keys: int, misfits: list[Misfit]
) -> list[list[str]]:
    """Rows whose first ``keys`` cells are theirs alone; a repeat that says otherwise is a misfit.

    ``rows`` hold the row number, the file and the cells. A row repeated word for word is a misfit,
    too, so that the counts add up.
    """
    seen: dict[tuple[str, ...], list[str]] = {}
    for number, file, cells in rows:
        key = tuple(cells[:keys])
        before = seen.setdefault(key, cells)
        if before is not cells:
            same = before == cells
            reason = "repeats an earlier row" if same else "contradicts an earlier row of its key"
            misfits.append(Misfit(file, number, reason, " ".join(key)))
    return list(seen.values())
