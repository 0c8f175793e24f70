"""What reading gives: the table found in a file, its rows as text, and the rows that don't fit."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

KnownColumns = Callable[[Sequence[str]], int]
"""Given header cells, the number of distinct claim-line columns they name."""

SAMPLE_ROWS = 200


@dataclass(frozen=True)
class Misfit:
    """A row whose cells don't fit the header; ``row`` is counted as a spreadsheet would."""

    row: int
    reason: str


@dataclass(frozen=True)
class RawLines:
    """Cells as found, for the columns that were asked for.

    ``cells`` has one column a position, named ``"0"``, ``"3"``, of type dictionary<int32, string>,
    never null; ``rows`` (int64) is each one's row number as a spreadsheet would show it: records,
    blank ones, title rows and the header counted. Misfits and blank rows are not in ``cells``.
    ``begins`` and ``ends`` say that the table has no rows before and none behind these.
    """

    cells: pa.Table
    rows: "pa.Array[Any]"
    misfits: tuple[Misfit, ...]
    blank_rows: int = 0
    begins: bool = True
    ends: bool = True

    @property
    def records(self) -> int:
        """Rows that were read, blank and misfitting ones among them."""
        return len(self.rows) + len(self.misfits) + self.blank_rows


Part = tuple[int, int | None]
"""Where a part of a table begins and what lies beyond it, None at the end; in bytes or groups."""


@dataclass(frozen=True)
class Parts:
    """How a table is read in parts, each for itself and in any order.

    ``cut`` gives the parts of about so many bytes. ``read`` reads one: its rows are counted from 1
    on, unless ``numbered`` says that they have the numbers of the table. Cuts may fall into a cell
    of several lines; then reading the part before raises AuditError.
    """

    cut: Callable[[int], list[Part]]
    read: Callable[[Sequence[int], Part], RawLines]
    numbered: bool


@dataclass(frozen=True)
class RawTable:
    """A table found in an export file, not yet read beyond its first rows.

    ``file`` is the name to show, without folder ("night.zip/hospital.csv"); ``header`` holds the
    header cells trimmed, blanks and duplicates kept; ``header_row`` is 1-based, as a spreadsheet
    would show it; ``sample`` has up to 200 rows below the header, each as wide as the header;
    ``notes`` says in plain words how the file was understood; ``digest`` gives the input file's.
    ``parts`` reads it part by part; None for a table that only comes whole. ``unread`` names sheets
    beside it that look like claim lines, too.
    """

    file: str
    path: Path
    sheet: str | None
    header: tuple[str, ...]
    header_row: int
    sample: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]
    _read: Callable[[Sequence[int]], RawLines]
    _read_pieces: Callable[[Sequence[int], int], Iterator[RawLines]] | None = None
    parts: Parts | None = None
    digest: Callable[[], str] = str
    unread: tuple[str, ...] = ()

    @property
    def sha256(self) -> str:
        """The digest of the input file; waits until it is known."""
        return self.digest()

    def read(self, positions: Sequence[int]) -> RawLines:
        """Read the columns at these header positions (0-based), all rows.

        Raises AuditError if the file can't be split into rows.
        """
        return self._read(tuple(dict.fromkeys(positions)))

    def pieces(self, positions: Sequence[int], size: int) -> Iterator[RawLines]:
        """Read the same in pieces of about ``size`` bytes of the file, in its order.

        A workbook, which is never larger than memory, comes whole.
        """
        wanted = tuple(dict.fromkeys(positions))
        if self._read_pieces is None:
            yield self._read(wanted)
        else:
            yield from self._read_pieces(wanted, size)
