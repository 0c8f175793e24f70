"""Headers to schema columns: by the names that exports use, and by what the values look like.

A name says what a column is; the values of the first rows confirm it, or decide between several
headers that name the same column. A line's own column beats the claim's. What a profile says
beats both. Columns that hold names, birth dates or addresses are never read.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from auditor.errors import AuditError
from auditor.ingest.candidates import Candidate, best, candidate, candidates, cells
from auditor.ingest.header_names import header_key, identifies_patient, readings
from auditor.ingest.mapping import Mapping, Match, Profile, certainty, header_word
from auditor.ingest.profiles import ignored_positions, profile_positions, switched_off
from auditor.ingest.refusals import (
    begins_with_data,
    refusal,
    several_lines_a_row,
    shown_headers,
)
from auditor.ingest.shapes import (
    commonest_shape,
    filled_values,
    only_procedure_codes,
    only_recent_dates,
)
from auditor.ingest.synonyms import BILL_TYPE_PIECES
from auditor.ingest.values import shape
from auditor.schema import CLAIM_LINES, REQUIRED, Column

if TYPE_CHECKING:
    from auditor.ingest.raw import RawTable

__all__ = ["Described", "Mapping", "Match", "count_known", "describe", "suggest", "understand"]

# Confidence by the strength of the name: of the column, a second choice, an everyday word.
_NAMED = (0.98, 0.8, 0.7)
_BY_SHAPE = 0.5
_NOTES = (
    "",
    "a second choice: no header has a more exact name",
    "a word with several meanings; its values fit",
)
_CLAIM_LEVEL = {
    "service_date": "the claim's first date: no header gives the line's own",
    "diagnosis_codes": "the claim's diagnoses: no header gives the line's own",
}
_BY_VALUES = "the header says nothing; its values are all of this kind"

# Headers that say nothing: "Field 7", "Column3", "F12", "".
_SAYS_NOTHING = re.compile(
    r"(?:|field|fld|column|col|f|c|v|x|var|variable|value|data|unnamed|item|text|date|day)\d*"
)
_TELLING_VALUES = {"procedure_code": only_procedure_codes, "service_date": only_recent_dates}


@dataclass(frozen=True)
class Described:
    """One schema column and what was understood of it, for ``auditor columns``.

    ``certainty`` is a word; ``how`` is ``"missing"`` where nothing was found; ``example`` is the
    commonest shape of the values (``A99.99``), never a value.
    """

    column: str
    label: str
    meaning: str
    required: bool
    headers: tuple[str, ...]
    how: str
    certainty: str
    example: str
    note: str


def count_known(cells: Sequence[str]) -> int:
    """Number of distinct schema columns that header cells name; tells a header from other rows."""
    return len({reading.column for cell in cells for reading in readings(cell)})


def understand(table: "RawTable", profile: Profile | None = None) -> Mapping:
    """Find the schema columns of a table.

    Raises AuditError if a required column is missing, if two headers could be it and their values
    differ, if the first row holds values, if a row holds several lines, or if the profile does not
    fit the table.
    """
    mapping, rivals = _match_all(table, profile)
    reason = several_lines_a_row(table, mapping) or refusal(table, mapping, rivals)
    if reason:
        raise AuditError(reason)
    return mapping


def suggest(table: "RawTable", profile: Profile | None = None) -> Mapping:
    """As ``understand``, but takes what there is: to be shown, or saved as a profile to complete.

    Raises AuditError only if the first row holds values, or if the profile does not fit the table.
    """
    return _match_all(table, profile)[0]


def describe(mapping: Mapping, table: "RawTable") -> tuple[Described, ...]:
    """One row a schema column, the missing ones too, in schema order."""
    matches = {match.column: match for match in mapping.matches}
    return tuple(_described(column, matches.get(column.name), table) for column in CLAIM_LINES)


def _described(column: Column, match: Match | None, table: "RawTable") -> Described:
    fixed = (column.name, column.label, column.meaning, column.required)
    if match is None:
        return Described(*fixed, (), "missing", "", "", "")
    headers = tuple(table.header[place] or header_word("", place) for place in match.positions)
    example = commonest_shape(cell for place in match.positions for cell in cells(table, place))
    if match.constant is not None:
        example = shape(match.constant)
    return Described(*fixed, headers, match.how, certainty(match), example, match.note)


def _match_all(
    table: "RawTable", profile: Profile | None
) -> tuple[Mapping, dict[str, tuple[int, ...]]]:
    """The mapping; and for an ambiguous required column all positions that could be it."""
    if reason := begins_with_data(table):
        raise AuditError(reason)
    profile = profile or Profile("")
    matches = _said(profile, table)
    said = {place for match in matches.values() for place in match.positions}
    off = switched_off(profile)
    free = [p for p in range(len(table.header)) if p not in ignored_positions(profile, table)]
    used = set(said)
    rivals: dict[str, tuple[int, ...]] = {}
    for column in CLAIM_LINES:
        if column.name in matches or column.name in off:
            continue
        # A name of the column always counts. A second choice must be free; a required column may
        # borrow it from another one, but not from what the profile says.
        blocked = said if column.required else used
        found = [
            one
            for one in candidates(column.name, table, free)
            if one.level == 0 or blocked.isdisjoint(one.positions)
        ]
        chosen, others = best(found, table)
        match = _named(column.name, chosen, others, table) if chosen else None
        if match is None and column.name == "bill_type":
            match = _bill_type_in_pieces(table, free)
        if match is None:
            continue
        matches[column.name] = match
        used.update(match.positions)
        if others and chosen:
            rivals[column.name] = tuple(p for one in (chosen, *others) for p in one.positions)
    for match in _by_values(table, [p for p in free if p not in used], {*matches, *off}):
        matches[match.column] = match
    return _mapping(table, matches), {c: p for c, p in rivals.items() if c in REQUIRED}


def _said(profile: Profile, table: "RawTable") -> dict[str, Match]:
    """What the profile says, by schema column; columns that it switches off are not in it."""
    said = {
        column: Match(column, (), (), "profile", 1.0, f"'{value}' on every line", value)
        for column, value in profile.constants.items()
    }
    for column, positions in profile_positions(profile, table).items():
        if positions:
            said[column] = Match(column, positions, _headers(table, positions), "profile", 1.0)
    return said


def _named(column: str, chosen: Candidate, others: Sequence[Candidate], table: "RawTable") -> Match:
    notes = [_CLAIM_LEVEL[column] if _is_of_claim(column, chosen, table) else _NOTES[chosen.level]]
    confidence = _NAMED[chosen.level]
    if not chosen.filled:
        confidence -= 0.08
        notes = ["blank in the first rows"]
    elif chosen.fit < 0.5:
        confidence = 0.4
        notes.append("the values do not look like it")
    elif chosen.fit < 0.9:
        confidence -= 0.15
        notes.append("some values do not look like it")
    if others:
        confidence -= 0.3
        names = ", ".join(header_word(table.header[p], p) for o in others for p in o.positions)
        notes.append(f"could be {names} as well")
    headers = _headers(table, chosen.positions)
    said = "; ".join(filter(None, notes))
    return Match(column, chosen.positions, headers, "name", max(confidence, 0.1), said)


def _is_of_claim(column: str, chosen: Candidate, table: "RawTable") -> bool:
    """Whether a second choice is the claim's own; a service date may have but a rarer name."""
    named = {one.column for place in chosen.positions for one in readings(table.header[place])}
    of_claim = column == "diagnosis_codes" or "statement_from" in named
    return chosen.level == 1 and column in _CLAIM_LEVEL and of_claim


def _bill_type_in_pieces(table: "RawTable", free: Iterable[int]) -> Match | None:
    """The type of bill from its digits' own headers; the frequency may be lacking."""
    places = {header_key(table.header[place]): place for place in reversed([*free])}
    pieces = [places.get(header_key(piece)) for piece in BILL_TYPE_PIECES]
    positions = tuple(place for place in pieces if place is not None)
    if None in pieces[:2]:
        return None
    whole = candidate("bill_type", table, positions, 0, 0)
    confidence = _NAMED[0] if whole.filled else _NAMED[0] - 0.08
    headers = _headers(table, positions)
    return Match("bill_type", positions, headers, "name", confidence, "in pieces, put together")


def _by_values(table: "RawTable", free: Sequence[int], settled: Iterable[str]) -> list[Match]:
    """Required columns whose values are unmistakable, under the one header that says nothing.

    Claim and patient numbers look alike: for them nothing is guessed.
    """
    silent = [place for place in free if _says_nothing(table.header[place])]
    found = []
    for column in [name for name in _TELLING_VALUES if name not in set(settled)]:
        fitting = [place for place in silent if _TELLING_VALUES[column](cells(table, place))]
        if len(fitting) == 1:
            headers = _headers(table, fitting)
            found.append(Match(column, tuple(fitting), headers, "shape", _BY_SHAPE, _BY_VALUES))
    return found


def _says_nothing(header: str) -> bool:
    return _SAYS_NOTHING.fullmatch(header_key(header)) is not None


def _headers(table: "RawTable", positions: Iterable[int]) -> tuple[str, ...]:
    return tuple(table.header[place] for place in positions)


def _mapping(table: "RawTable", matches: dict[str, Match]) -> Mapping:
    used = {place for match in matches.values() for place in match.positions}
    shown = dict(zip(table.header, shown_headers(table.header), strict=True))
    spare = [header for place, header in enumerate(table.header) if place not in used and header]
    nameless = [
        header_word("", place)
        for place, header in enumerate(table.header)
        if place not in used and not header and filled_values(cells(table, place))
    ]
    return Mapping(
        matches=tuple(matches[c.name] for c in CLAIM_LINES if c.name in matches),
        unused=(
            *(shown[header] for header in spare if not identifies_patient(header)),
            *nameless,
        ),
        identifying=tuple(header for header in spare if identifies_patient(header)),
        missing=tuple(c.name for c in CLAIM_LINES if c.name not in matches),
    )
