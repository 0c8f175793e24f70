"""Ranges of diagnosis codes: the billable codes that an ICD-10-CM edition knows between two."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from auditor.library.gathering import stored
from auditor.library.periods import edition_of
from auditor.library.shelf import open_shelf
from auditor.library.stretches import rank

ICD10 = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
# How one cell writes a range.
SPAN = re.compile(rf"({ICD10.pattern}) ?(?:-|–|TO|THROUGH) ?({ICD10.pattern})")


@dataclass(frozen=True)
class Catalogue:
    """The billable codes of a fiscal year, sorted, with dots; none where it is not at hand.

    ``digest`` is that of the edition they are from.
    """

    edition: str
    codes: tuple[str, ...] = ()
    digest: str = ""

    def between(self, first: str, last: str) -> list[str]:
        """The codes of a range, those below its last one among them."""
        found = []
        for code in self.codes[bisect_left(self.codes, first) :]:
            if code > last and not code.startswith(last):
                break
            found.append(code)
        return found


def catalogue_on(library: Path | None, day: date) -> Catalogue:
    """The codes of the fiscal year of a day, as a library holds them."""
    edition = edition_of(day, "fiscal year")
    if library is None:
        return Catalogue(edition)
    shelf = open_shelf(library)
    held = [one for one in shelf.of_table("icd10cm") if one.first_date <= day <= one.last_date]
    if not held:
        return Catalogue(edition)
    # An update within the year answers from its day on.
    one = max(held, key=rank)
    rows = stored(shelf, one, "icd10cm").to_pylist()
    codes = sorted(row["icd10"] for row in rows if row["billable"] == "yes")
    return Catalogue(one.edition, tuple(codes), one.digest)


@dataclass(frozen=True)
class Listed:
    """One row of a list: where it stands, its code and its mark.

    B begins a range, E ends it, M stands within it; any other row stands for itself.
    """

    file: str
    row: int
    code: str
    mark: str


@dataclass(frozen=True)
class Opened:
    """What a list says: its codes, and the rows that could not be read, with reasons."""

    codes: list[str]
    unread: list[tuple[Listed, str]]


def opened(rows: Sequence[Listed], catalogue: Catalogue) -> Opened:
    """The codes of a list in the order of its rows; a range stands for all codes within it."""
    codes: dict[str, None] = {}
    unread: list[tuple[Listed, str]] = []
    begun: Listed | None = None
    for one in rows:
        span = SPAN.fullmatch(one.code)
        if not span and not ICD10.fullmatch(one.code):
            unread.append((one, "is no diagnosis code such as I25.10"))
            continue
        if one.mark in ("Y", "YES", "1", "TRUE") and not span:
            unread.append((one, "stands for a range of codes whose end it does not name"))
            continue
        if begun and one.mark == "B":
            unread.append((begun, "begins a range of codes that has no end"))
        if span:
            first, last = span[1], span[3]
        elif one.mark == "E" and begun:
            first, last, begun = begun.code, one.code, None
        else:
            codes[one.code] = None
            begun = one if one.mark == "B" else begun
            if one.mark == "E":
                unread.append((one, "ends a range of codes that has no beginning"))
            continue
        within = catalogue.between(first, last)
        codes |= dict.fromkeys(within)
        if not within:
            unread.append((one, _unknown(first, last, catalogue)))
            codes |= dict.fromkeys((first, last))
    if begun:
        unread.append((begun, "begins a range of codes that has no end"))
    return Opened(list(codes), unread)


def _unknown(first: str, last: str, catalogue: Catalogue) -> str:
    if catalogue.codes:
        return f"ends the range {first} to {last}, in which {catalogue.edition} knows no code"
    return (
        f"ends the range {first} to {last}, whose codes are not at hand: import icd10cm "
        f"{catalogue.edition}, then these files again"
    )
