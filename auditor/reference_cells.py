"""What the cells of a reference table may hold: plain numbers, words of its vocabulary, codes."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from auditor.errors import AuditError

# A code whose shape shows that a spreadsheet ate its leading zero.
_SHAPES: dict[str, tuple[re.Pattern[str], str]] = {
    "procedure_code": (re.compile(r"[0-9A-Z]{5}"), "five characters such as 75574 or 0503T"),
    "column_one": (re.compile(r"[0-9A-Z]{5}"), "five characters such as 75574 or 0503T"),
    "column_two": (re.compile(r"[0-9A-Z]{5}"), "five characters such as 75574 or 0503T"),
    "revenue_code": (re.compile(r"[0-9]{4}"), "four digits such as 0480"),
    "place_of_service": (re.compile(r"[0-9]{2}"), "two digits such as 09"),
    "modifier": (re.compile(r"[0-9A-Z]{2}"), "two characters such as 26"),
    "icd10": (re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?"), "a code such as I25.10"),
    "partb_contractor": (re.compile(r"[0-9]{5}"), "five digits such as 01112"),
    "carrier": (re.compile(r"[0-9]{5}"), "five digits such as 01112"),
    "locality": (re.compile(r"[0-9]{2}"), "two digits such as 01"),
    "zip": (re.compile(r"[0-9]{5}"), "five digits such as 02101"),
}
_WHOLE = (re.compile(r"[0-9]+"), "a whole number")
_CENTS = (re.compile(r"[0-9]+"), "whole cents such as 61240")
_NUMBER = (re.compile(r"[0-9]*\.?[0-9]+"), "a plain number such as 2.40")
_NUMBERS: dict[str, tuple[re.Pattern[str], str]] = (
    {
        "amount": (_NUMBER[0], "dollars as a plain number such as 612.40"),
        "percent_of_medicare": (_NUMBER[0], "a percentage as a plain number such as 118"),
        "mue_value": _WHOLE,
        "limit_count": _WHOLE,
    }
    | dict.fromkeys(("rate_cents", "cap_cents", "facility_cents", "nonfacility_cents"), _CENTS)
    | dict.fromkeys(
        (
            "cap_rvu",
            "conversion_factor",
            "mp_gpci",
            "mp_rvu",
            "pe_gpci",
            "pe_rvu_facility",
            "pe_rvu_nonfacility",
            "total_rvu_facility",
            "total_rvu_nonfacility",
            "work_gpci",
            "work_rvu",
        ),
        _NUMBER,
    )
)
_YES_NO = ("yes", "no")
# Columns that rules compare with words of their own: any other word would answer for nothing.
_WORDS: dict[str, tuple[str, ...]] = {
    "setting": ("institutional", "professional"),
    "component": ("technical", "professional", "global"),
    "payer_type": ("medicare", "medicare_advantage", "medicaid", "commercial", "other"),
    "limit_unit": ("calendar_years", "months", "days"),
    "fit": ("preferred", "accepted", "unexpected", "unexpected_on_opps", "review"),
    "role": ("family", "three_d", "neighbour"),
    "modifier_indicator": ("0", "1", "9"),
    "mai": ("1", "2", "3"),
    "bills_professional_only": ("yes", "no", "review"),
} | dict.fromkeys(
    (
        "billable",
        "bypasses_ptp",
        "complete",
        "facility_rate",
        "hospital_outpatient",
        "keeps_duplicates",
        "plus_four",
    ),
    _YES_NO,
)
# A blank modifier is that of a whole study; every other key names something.
_MAY_BE_BLANK = frozenset({"modifier"})
# No payer pays less; shares of up to ten times Medicare are below it.
_LEAST_PERCENT = 10


def check_cells(
    path: Path, header: Sequence[str], rows: Sequence[Sequence[str]], keys: Sequence[str]
) -> None:
    """Refuses rows with a cell that no rule would read as what it says.

    Raises AuditError naming file, line, column, value and the way out.
    """
    for place, name in enumerate(header):
        column = [row[place] for row in rows]
        faults = {cell: _fault(name, cell, is_key=name in keys) for cell in set(column)}
        if any(faults.values()):
            number, cell = next(one for one in enumerate(column, start=2) if faults[one[1]])
            raise AuditError(f"{path} line {number}: {name} '{cell[:40]}' {faults[cell]}")
    if path.stem != "contract_rates":
        return
    for number, row in enumerate(rows, start=2):
        if fault := contract_fault(dict(zip(header, row, strict=True))):
            raise AuditError(f"{path} line {number}: {fault}; correct the row or take it out")


def _fault(name: str, cell: str, *, is_key: bool) -> str:
    if not cell:
        if name in _WORDS or (is_key and name not in _MAY_BE_BLANK):
            return "is blank; fill it in, or take the row out"
        return ""
    shape, number, words = _SHAPES.get(name), _NUMBERS.get(name), _WORDS.get(name)
    if shape and not shape[0].fullmatch(cell):
        return f"is not {shape[1]}; a spreadsheet may have dropped a leading zero: restore it"
    if number and not number[0].fullmatch(cell):
        return f"is not {number[1]}; write it without signs, separators and words"
    if words and cell not in words:
        return f"is none of {', '.join(words)}; write one of them"
    return ""


def contract_fault(cells: Mapping[str, str]) -> str:
    """Why a row of contract rates gives no price, or not one alone; blank where it gives one."""
    amount, percent = cells.get("amount", ""), cells.get("percent_of_medicare", "")
    if bool(amount) == bool(percent):
        return "give either an amount or a percentage of Medicare, the other blank"
    if percent and Decimal(percent) < _LEAST_PERCENT:
        return (
            f"{percent} percent of Medicare is too little: a cell shown as 120% holds 1.2; write "
            "120"
        )
    if (cells.get("component"), cells.get("setting")) == ("global", "institutional"):
        return "no hospital's line is global; the component of its scans is technical"
    return ""
