"""What values of a column look like: confirms, or doubts, what a header says."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from auditor.ingest.codes import CERTAIN_MODIFIERS, adjustments, modifiers, names_a_diagnosis
from auditor.ingest.values import NO_VALUE, Read, claim_type, payer_type, shape, state, unquoted
from auditor.schema import COLUMNS

_DATE = (
    r"\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.](?:\d{4}|\d{2})|(?:19|20)\d{6}"
    r"|\d{1,2}[- ]?[A-Z]{3}[- ,]*(?:\d{4}|\d{2})|[A-Z]{3,9}\.? \d{1,2},? \d{4}"
)
_TIME = r"(?:[T :-]\d{1,2}[:.]\d{2}.*)?"
_EXCEL_SERIAL = r"[34]\d{4}(?:\.\d+)?"
_IDENTIFIER = r"(?=.*\d)[A-Z0-9#-][A-Z0-9#*._:/+-]*(?: [A-Z0-9#*._:/+-]+)?"
_NPI = r"\d{10}(?:\.0)?"
_ADJUSTMENT = r"(?:(?:CO|PR|OA|PI|CR)[ -]?)?(?:\d{1,3}|[A-Z]\d{1,2})"
_PROCEDURE = r"\d{4}[0-9A-Z]|[A-Z]\d{4}"

# By kind, then by column where the column says more. Loose on purpose: a malformed revenue code is
# a finding, not a reason to overlook the column. Compared to trimmed upper-case text. Each text can
# match in one way only: with several, one long cell takes for ever.
_KINDS = {
    "date": rf"(?:{_DATE}){_TIME}|{_EXCEL_SERIAL}|(?:{_DATE})\s*(?:-|TO)\s*(?:{_DATE})",
    "cents": r"[-(]?\s*(?:USD\s*)?(?:\$\s*)?-?(?:\d[\d,']*(?:\.\d*)?|\.\d+|\d{1,3}(?:\.\d{3})+,\d*)"
    r"\s*(?:\)|-|CR|USD)?|\$ ?-",
    "number": r"-?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?: ?(?:UN|F2|MJ|DA))?",
    "integer": r"\d{1,9}(?:\.0+)?",
}
_COLUMNS = {
    "claim_id": _IDENTIFIER,
    "patient_id": _IDENTIFIER,
    "original_claim_id": _IDENTIFIER,
    "payer_claim_number": _IDENTIFIER,
    "authorization_number": _IDENTIFIER,
    "attachment_control_number": _IDENTIFIER,
    "bill_type": r"\d{2,3}[0-9A-Z]?[0-9A-Z]?(?:\.0)?",
    "claim_frequency": r"[0-9A-Z](?:\.0)?|\d\s*-.*|(?:ORIGINAL|REPLACE|CORRECT|VOID|CANCEL).*",
    "procedure_code": rf"(?:{_PROCEDURE})(?:\.0)?(?:[ -]?[A-Z0-9]{{2}}){{0,4}}",
    "modifiers": r"[A-Z0-9]{1,2}(?:[\s,;:/|.-]*[A-Z0-9]{2}){0,4}(?:\.0)?",
    "revenue_code": r"\d{1,4}(?:\.0)?|\d{2,3}X",
    "adjustment_codes": rf"{_ADJUSTMENT}(?:[\s,;:/|]+{_ADJUSTMENT})*",
    "remark_codes": r"[A-Z]{1,2}\d{1,4}(?:[\s,;:/|]+[A-Z]{1,2}\d{1,4})*",
    "place_of_service": r"\d{1,2}(?:\.0)?|\d{2}\s*-.*",
    "diagnosis_codes": r"[A-Z0-9]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?(?:[\s,;:/|]+\w\d[0-9A-Z.]+)*",
    "diagnosis_pointers": r"(?:10|[1-9A-L])(?:[\s,;:/|]*(?:10|[1-9A-L]))*(?:\.0)?",
    "rendering_npi": _NPI,
    "billing_npi": _NPI,
    "referring_npi": _NPI,
    "facility_npi": _NPI,
    "payer": r"(?=.*[A-Z]{2}).*",
    "service_zip": r"\d{3,5}(?:-?\d{4})?(?:\.0)?",
}
_SHAPES = {
    name: re.compile(_COLUMNS.get(name, _KINDS.get(column.kind, r".*")))
    for name, column in COLUMNS.items()
}
# Closed lists of words: what can be read is right.
_READERS: dict[str, Read] = {
    "claim_type": claim_type,
    "payer_type": payer_type,
    "service_state": state,
}
# Whether a cell holds one of a column's codes. Words alone, or numbers of a system's own, would be
# read as no code at all, and a line without its code is accused.
_HOLDS_A_CODE: dict[str, Callable[[str], bool]] = {
    "modifiers": lambda cell: bool(modifiers(cell).value),
    "diagnosis_codes": names_a_diagnosis,
    "adjustment_codes": lambda cell: bool(adjustments(cell).value),
    "revenue_code": lambda cell: any(map(str.isdigit, cell)),
}
_HARDLY_ANY = 0.1
_STRICT_PROCEDURE = re.compile(_PROCEDURE)
_YEAR = re.compile(r"(?:19|20)\d\d")


def filled_values(values: Iterable[str]) -> list[str]:
    """The values that say something, trimmed, upper case."""
    texts = (unquoted(value) for value in values)
    return [text.upper() for text in texts if text not in NO_VALUE]


def commonest_shape(values: Iterable[str]) -> str:
    """The shape most of the filled values have, ``A99.99``; ``""`` if none is filled."""
    shapes = Counter(shape(value) for value in filled_values(values))
    return shapes.most_common(1)[0][0] if shapes else ""


def fit(column: str, values: Sequence[str]) -> float:
    """Share (0 to 1) of the filled values that look like a schema column's; 1 if none is filled."""
    filled = filled_values(values)
    if not filled:
        return 1.0
    return sum(_looks_right(column, value) for value in filled) / len(filled)


def _looks_right(column: str, value: str) -> bool:
    if column in _READERS:
        return bool(_READERS[column](value).value)
    return _SHAPES[column].fullmatch(value) is not None


def without_codes(column: str, values: Sequence[str]) -> bool:
    """Whether hardly any filled value holds a code of its column: descriptions, say."""
    holds_a_code = _HOLDS_A_CODE.get(column)
    # A formula gives zeros for blank cells.
    filled = [value for value in filled_values(values) if value.strip("0.")]
    if holds_a_code is None or not filled:
        return False
    return sum(map(holds_a_code, filled)) < len(filled) * _HARDLY_ANY


def only_procedure_codes(values: Sequence[str]) -> bool:
    """Whether all filled values are procedure codes, and not the day numbers of a spreadsheet."""
    filled = filled_values(values)
    if not filled or not all(_STRICT_PROCEDURE.fullmatch(value) for value in filled):
        return False
    return not all(re.fullmatch(_EXCEL_SERIAL, value) for value in filled)


def only_recent_dates(values: Sequence[str]) -> bool:
    """Whether all filled values are dates of a few recent years, as service dates are.

    Birth dates are spread over decades: they must never be taken for service dates.
    """
    filled = filled_values(values)
    if not filled or not all(re.fullmatch(f"(?:{_DATE}){_TIME}", value) for value in filled):
        return False
    found = [_YEAR.search(value) for value in filled]
    years = [int(year.group()) for year in found if year]
    return len(years) == len(filled) and min(years) >= 2010 and max(years) - min(years) <= 5


def only_components(values: Sequence[str]) -> bool:
    """Whether all filled values are 26 or TC."""
    filled = filled_values(values)
    return bool(filled) and all(value in ("26", "26.0", "TC") for value in filled)


def only_grouped_adjustments(values: Sequence[str]) -> bool:
    """Whether all filled values begin with a group code (CO-45), as no amount does."""
    filled = filled_values(values)
    return bool(filled) and all(re.match(r"(?:CO|PR|OA|PI|CR)[ -]?\w", value) for value in filled)


def only_modifiers(values: Sequence[str]) -> bool:
    """Whether all filled values are modifiers, and some can be no place of service."""
    filled = filled_values(values)
    told = {value for value in filled if not value.isdecimal() or value in ("59", "76", "77")}
    return bool(told) and CERTAIN_MODIFIERS.issuperset(filled)


def only_diagnoses(values: Sequence[str]) -> bool:
    """Whether all filled values are ICD-10-CM codes, of a length that nothing else has."""
    filled = filled_values(values)
    code = re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
    return any(len(value) > 3 for value in filled) and all(map(code.fullmatch, filled))


def only_long_numbers(values: Sequence[str]) -> bool:
    """Whether the filled values are long as patients' numbers, unlike units, and as many.

    The number of a ward or a business unit is shorter, or the same on line after line.
    """
    filled = filled_values(values)
    several = len(set(filled)) > len(filled) // 50
    long = re.compile(r"[A-Z]{1,4}\d{5,}|\d{6,}")
    return bool(filled) and several and all(map(long.fullmatch, filled))


def looks_like_data(cells: Iterable[str]) -> bool:
    """Whether header cells hold dates, amounts or long numbers: the first line may be data."""
    value = re.compile(rf"(?:{_DATE}){_TIME}|\$?-?\d+\.\d\d|\d{{4,}}|{_PROCEDURE}")
    return any(value.fullmatch(cell.strip().upper()) for cell in cells)


def looks_like_claim_line(cells: Iterable[str]) -> bool:
    """Whether header cells hold a date and a procedure code: the first line is one of data."""
    found = [cell.strip().upper() for cell in cells]
    dates = [cell for cell in found if re.fullmatch(f"(?:{_DATE}){_TIME}", cell)]
    return bool(dates) and any(_STRICT_PROCEDURE.fullmatch(cell) for cell in found)
