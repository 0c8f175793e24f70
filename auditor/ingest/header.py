"""Finds the header row: exports put titles, run dates and blank rows above it."""

from collections.abc import Iterable, Sequence

from auditor.errors import EmptyTableError
from auditor.ingest.raw import KnownColumns

HEADER_WITHIN = 40
_LONGEST_NAME = 120

# DOS end-of-file mark, NUL padding, byte order mark and no-break space look blank in a spreadsheet.
_LOOKS_BLANK = " \t\r\n\f\v\x00\x1a\ufeff\u00a0"


def is_blank(cells: Sequence[str]) -> bool:
    """Whether no cell shows anything."""
    return not any(cell.strip(_LOOKS_BLANK) for cell in cells)


def find_header(records: Sequence[Sequence[str]], known_columns: KnownColumns) -> int | None:
    """Index of the header among the first 40 records; None if all of them are blank.

    The record that names most claim-line columns, the earliest of equals. If none names any, the
    first of the fullest records, so that the refusal can tell what stands there.
    """
    first = records[:HEADER_WITHIN]
    best, most_known = None, 0
    for index, cells in enumerate(first):
        # Rows of numbers and dates can't beat a header, and asking takes time.
        if (
            sum(map(_may_be_name, cells)) > most_known
            and (known := known_columns(cells)) > most_known
        ):
            best, most_known = index, known
    if best is not None:
        return best
    filled = [sum(not is_blank([cell]) for cell in cells) for cells in first]
    if max(filled, default=0) == 0:
        return None
    return filled.index(max(filled))


def _may_be_name(cell: str) -> bool:
    return len(cell) <= _LONGEST_NAME and not cell.isdigit() and any(map(str.isalpha, cell))


def header_cells(cells: Sequence[str]) -> tuple[str, ...]:
    """Header cells without the blanks and byte order marks around them."""
    return tuple(cell.strip(_LOOKS_BLANK) for cell in cells)


def spread_out(
    header: Sequence[str],
    merged: Iterable[tuple[int, int]],
    rows: Sequence[Sequence[str]],
) -> list[str]:
    """Header cells, a merged one on each of its columns that holds something below.

    ``merged`` has the first and last column of each merged cell in the row of the header.
    """
    spread = list(header)
    for first, last in merged:
        for place in range(first + 1, min(last + 1, max(map(len, rows), default=0))):
            spread += [""] * (place + 1 - len(spread))
            if not all(is_blank(cells[place : place + 1]) for cells in rows):
                spread[place] = spread[place] or spread[first]
    return spread


def fitted(cells: Sequence[str], width: int) -> tuple[str, ...]:
    """Cells cut or filled with blanks to the width."""
    return (*cells[:width], *[""] * (width - len(cells)))


def title_note(records: Sequence[Sequence[str]], header: int) -> tuple[str, ...]:
    """A note on the title rows above the header, if there are any."""
    titles = sum(not is_blank(cells) for cells in records[:header])
    if not titles:
        return ()
    return (f"{titles} title row{'s' if titles > 1 else ''} above the header",)


def header_only(name: str, header: Sequence[str] = ()) -> EmptyTableError:
    """The refusal of a table without lines; the header, where it is all that the file holds."""
    return EmptyTableError(
        f"{name} holds a header but no lines; check the export's date range and export it again",
        header_cells(header),
    )
