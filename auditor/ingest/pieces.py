"""Reads a delimited text piece by piece, in bounded memory, into the rows it has read whole.

A piece is cut behind a line end. That is the end of a record unless a cell holds line ends of its
own; then the quotation mark before it is still open, and the piece is read on to a later line end.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from auditor.errors import AuditError
from auditor.ingest.encodings import Text
from auditor.ingest.header import header_only
from auditor.ingest.raw import Part, Parts, RawLines
from auditor.ingest.records import Layout, read_records

_MOST_FOLD = 16  # so much larger grows a piece in search of the end of a quoted cell
_LINE_WITHIN = 1 << 20


def read_pieces(
    text: Text, layout: Layout, name: str, positions: Sequence[int], size: int
) -> Iterator[RawLines]:
    """The rows below the header in pieces of about ``size`` bytes.

    Raises AuditError where a quotation mark is never closed, and if there are no rows at all.
    """
    layout = replace(layout, beyond=None)
    rows = 0
    begins = True
    while True:
        lines, beyond = _piece(text, layout, name, positions, size)
        rows += lines.records - lines.blank_rows
        if beyond is None and not rows:
            raise header_only(name)
        yield replace(lines, begins=begins)
        begins = False
        if beyond is None:
            return
        layout = replace(layout, first_byte=beyond, header_row=layout.header_row + lines.records)


def parts_of(text: Text, layout: Layout, name: str) -> Parts:
    """The same text in parts, of which each is read for itself."""

    def cut(size: int) -> list[Part]:
        found: list[Part] = []
        first = layout.first_byte
        while (beyond := _cut(text, first + size, size)) is not None:
            found.append((first, beyond))
            first = beyond
        return [*found, (first, None)]

    def read(positions: Sequence[int], part: Part) -> RawLines:
        first, beyond = part
        here = replace(layout, header_row=0, first_byte=first, beyond=beyond)
        lines = read_records(text, here, name, positions)
        return replace(lines, begins=first == layout.first_byte, ends=beyond is None)

    return Parts(cut, read, numbered=False)


def _piece(
    text: Text, layout: Layout, name: str, positions: Sequence[int], size: int
) -> tuple[RawLines, int | None]:
    """One piece, and where the next begins; None behind the last."""
    fold = 1
    while True:
        beyond = _cut(text, layout.first_byte + fold * size, size)
        try:
            lines = read_records(text, replace(layout, beyond=beyond), name, positions)
        except AuditError:
            if beyond is None or fold >= _MOST_FOLD:
                raise
            fold *= 2
        else:
            return replace(lines, ends=beyond is None), beyond


def _cut(text: Text, place: int, size: int) -> int | None:
    """The byte behind the first line end from a place on; None if little is left behind it.

    What little is left belongs to the last piece: rows of totals are told by what follows them.
    """
    end = len(text.memory)
    while place + size // 2 < end:
        for mark in (b"\n", b"\r"):
            found = text.memory.find(mark, place, min(place + _LINE_WITHIN, end))
            if found >= 0 and found + 1 + size // 2 < end:
                follows = text.memory[found + 1 : found + 2]
                return found + 2 if mark == b"\r" and follows == b"\n" else found + 1
        place += _LINE_WITHIN
    return None
