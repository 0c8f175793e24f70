"""Why a table is refused: one line that names the file, what is missing, and the way out."""

import difflib
from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from typing import TYPE_CHECKING

from auditor.ingest.candidates import cells
from auditor.ingest.header_names import header_key, identifies_patient, names_of, readings
from auditor.ingest.mapping import Mapping, certainty, header_word, one_line
from auditor.ingest.shapes import filled_values, fit, looks_like_claim_line, looks_like_data
from auditor.ingest.values import shape
from auditor.schema import REQUIRED

if TYPE_CHECKING:
    from auditor.ingest.raw import RawTable

_WORDS = {
    "claim_id": "claim id",
    "patient_id": "patient id",
    "service_date": "service date",
    "procedure_code": "procedure code",
}
_NUMBERS = {"claim_id", "patient_id"}
_MOST_HEADERS = 15
_MOST_CANDIDATES = 3
_ALIKE = 0.81
_OF_FINDINGS = {"finding", "rule", "severity"}
_FEWEST_NAMES = 2  # a row that names fewer columns may hold anything, a patient's name too
_STAND_IN = (
    "If the export has no patient at all, the profile may let the claim id stand in for the "
    "patient (patient_id = {header}), at the cost that partners on other claims are then not found."
)


def refusal(table: "RawTable", mapping: Mapping, rivals: Dictionary[str, Sequence[int]]) -> str:
    """Why the table can't be read as claim lines; ``""`` if it can.

    ``rivals`` has, for a required column, the positions of all headers that could be it.
    """
    missing = [column for column in REQUIRED if column in mapping.missing]
    if not missing and not rivals:
        return ""
    where = where_it_stands(table)
    if len(table.header) == 1:
        return (
            f"{where}: does not look like claim lines: its rows have one cell, split by no comma, "
            "tab, semicolon or pipe. Export it as CSV or Excel workbook, one row a service line."
        )
    if len(REQUIRED) - len(missing) < 2:
        return (
            f"{where}: does not look like claim lines: {_lacks(missing)}. {_seen(table)} "
            "Export one row a service line; if these are claim lines under other names, "
            f"{_way_out(table, missing)}"
        )
    parts = []
    if missing:
        parts += [f"{_lacks(missing)}.", _seen(table)]
        parts += [near for column in missing if (near := _nearest(column, table, mapping))]
    for column, positions in rivals.items():
        names = " and ".join(header_word(table.header[place], place) for place in positions)
        parts.append(f"{names} could each be the {_WORDS[column]}, and their values differ.")
    parts.append(_capital(_way_out(table, [*missing, *rivals])))
    if missing == ["patient_id"]:
        claim = next(match for match in mapping.matches if match.column == "claim_id")
        header = one_line(claim.headers[0]) or f"#{claim.positions[0] + 1}"
        parts.append(_STAND_IN.format(header=f'"{header}"'))
    return f"{where}: {' '.join(parts)}"


def where_it_stands(table: "RawTable") -> str:
    """File and sheet, as a message names them."""
    return table.file if table.sheet is None else f"{table.file} sheet '{table.sheet}'"


def begins_with_data(table: "RawTable") -> str:
    """Why a table can't be read whose first row is a claim line already; ``""`` if it is none."""
    if any(map(readings, table.header)) or not looks_like_claim_line(table.header):
        return ""
    return (
        f"{where_it_stands(table)}: {_seen(table)} Write a row of column names above it, or export "
        "with column names, and run again."
    )


def several_lines_a_row(table: "RawTable", mapping: Mapping) -> str:
    """Why a table can't be read whose rows hold several lines, or a part of one; ``""`` if none do.

    A profile that names the procedure code says which of several columns counts.
    """
    keys = set(map(header_key, table.header))
    if keys >= _OF_FINDINGS and keys & {"remedy", "whattodo"}:
        return (
            f"{where_it_stands(table)}: is a list of findings that this program wrote, where a "
            "line stands once for each; give the exports it was made from. What was filled in is "
            "taken back by `auditor ledger import`."
        )
    if keys >= {"measurenames", "measurevalues"}:
        return (
            f"{where_it_stands(table)}: has a row a measure (Measure Names, Measure Values), so "
            "that a line would count once for each. Export it from Tableau as a crosstab, one row "
            "a service line."
        )
    code = next((match for match in mapping.matches if match.column == "procedure_code"), None)
    if code and code.how == "profile":
        return ""
    own = code.positions if code else ()
    numbered = [
        place
        for place, header in enumerate(table.header)
        if _counts_procedures(header) and place not in own and _holds_procedures(table, place)
    ]
    same = [cells(table, place) for place in own] or [cells(table, place) for place in numbered[:1]]
    further = [place for place in numbered if cells(table, place) not in same]
    if not further:
        return ""
    names = " and ".join(header_word(table.header[place], place) for place in further[:3])
    return (
        f"{where_it_stands(table)}: {names} would be left out: a row holds several procedure "
        "codes. Export one row a service line; or, if only one of the columns counts, give "
        "--columns PROFILE.toml that names it as procedure_code, and its own modifiers."
    )


def _counts_procedures(header: str) -> bool:
    """Whether a header is that of one of a row's procedure codes, by number."""
    found = [one.number for one in readings(header) if one.column == "procedure_code"]
    return bool(found) and None not in found


def _holds_procedures(table: "RawTable", place: int) -> bool:
    values = cells(table, place)
    return bool(filled_values(values)) and fit("procedure_code", values) > 0.9


def shown_headers(headers: Sequence[str]) -> list[str]:
    """Headers that may be shown: by their shapes those of a row that holds values."""
    if not looks_like_data(headers):
        return list(headers)
    return [header if readings(header) else shape(header) for header in headers]


def _lacks(missing: Sequence[str]) -> str:
    return ", ".join(f"no {_WORDS[column]}" for column in missing)


def _seen(table: "RawTable") -> str:
    """The headers, by their shapes if they may be the values of a first line without a header."""
    headers = [header for header in table.header if header]
    if not headers:
        return "No header was found."
    lead, shown = "Columns seen", shown_headers(headers)
    if looks_like_data(headers):
        lead = f"Row {table.header_row} looks like data, not like column names; its shapes"
    elif sum(map(bool, map(readings, headers))) < _FEWEST_NAMES:
        lead = f"Row {table.header_row} was taken for the column names; those not known by shape"
        shown = [header if readings(header) else shape(header) for header in headers]
    names = ", ".join(one_line(header) for header in shown[:_MOST_HEADERS])
    more = len(headers) - _MOST_HEADERS
    return f"{lead}: {names}{f' and {more} more' if more > 0 else ''}."


def _nearest(column: str, table: "RawTable", mapping: Mapping) -> str:
    """The headers whose names, or values where these tell, come closest to a column."""
    names = names_of(column)
    # A claim's number is no patient's: to offer one for the other would hide all partners.
    sure = [m for m in mapping.matches if certainty(m) == "sure" or {m.column, column} == _NUMBERS]
    taken = {position for match in sure for position in match.positions}
    scored = []
    for place, header in enumerate(table.header):
        if place in taken or identifies_patient(header) or looks_like_data([header]):
            continue
        key = header_key(header)
        close = difflib.get_close_matches(key, names, n=1, cutoff=_ALIKE)
        score = difflib.SequenceMatcher(None, key, close[0]).ratio() if close else 0.0
        values = filled_values(cells(table, place))
        telling = column in ("service_date", "procedure_code") and values
        if telling and fit(column, values) > 0.9:
            score += 1
        if score:
            scored.append((-score, place))
    best = [place for _, place in sorted(scored)[:_MOST_CANDIDATES]]
    if not best:
        return ""
    found = ", ".join(header_word(table.header[place], place) for place in best)
    return f"Closest to a {_WORDS[column]}: {found}."


def _way_out(table: "RawTable", columns: Sequence[str]) -> str:
    lines = " and ".join(f'{column} = "..."' for column in columns)
    return (
        f"give --columns PROFILE.toml with {lines}, or start one with "
        f"`auditor columns {table.file} --save PROFILE.toml`."
    )


def _capital(text: str) -> str:
    return text[0].upper() + text[1:]
