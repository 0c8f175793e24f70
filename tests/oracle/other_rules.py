"""Units and duplicates, diagnoses and coverage, restated."""

import re
from decimal import Decimal

from tests.oracle.lines import CCTA, SEPARATE, Line, days_between
from tests.oracle.run import Run
from tests.oracle.tables import code_facts, in_force, is_stale, look_up, of
from tests.oracle.verdicts import (
    CLEAN,
    MILDER,
    OracleRule,
    Verdict,
    cleared_by,
    flag,
    flag_by,
    unknown,
)

FFRCT_ANALYSIS = {"75580", "0503T", "0501T"}
FFRCT = FFRCT_ANALYSIS | {"0502T", "0504T"}
TYPES = {"MEDICARE", "MEDICARE_ADVANTAGE", "MEDICAID", "COMMERCIAL", "OTHER"}


# Units.


def repeats(line: Line, other: Line) -> bool:
    """The same service again: what makes a line an exact duplicate."""
    names = ("procedure_code", "service_date", "billing_npi")
    return (
        all(line.text(name) == other.text(name) for name in names)
        and sorted(line.modifiers) == sorted(other.modifiers)
        and line.revenue_code == other.revenue_code
        and line.units == other.units
        and line.claim_type == other.claim_type
    )


def may_repeat(line: Line) -> bool:
    return (
        not line.denied
        and not SEPARATE & set(line.modifiers)
        and line.units is not None
        and bool(line.npi)
    )


def is_repeat(line: Line, mine: list[Line]) -> bool:
    return may_repeat(line) and any(
        may_repeat(other) and repeats(line, other) and other.later < line.later
        for other in mine
        if other is not line
    )


def units_exceed_mue(line: Line, mine: list[Line], run: Run) -> Verdict:
    found = look_up(
        "mue",
        line.service_date,
        line.claim_type,
        setting=line.claim_type,
        procedure_code=line.code,
    )
    units = line.units
    assert units is not None
    if found.row and not line.denied and units > 0 and not taken_back(line):
        limit = Decimal(found["mue_value"])
        total = units if found["mai"] == "1" else units_of_day(line, mine)
        if total > units and not line.component:
            return unknown("column_missing", "modifiers")
        if total > limit:
            return flag_by(found, "denial", "at_risk")
        if found["mai"] != "1" and units_of_day(line, mine, at_most=True) > limit:
            return unknown("column_missing", "modifiers")
    return cleared_by(found)


def taken_back(line: Line) -> bool:
    """A credit of a part: it mirrors no line, but its units are gone."""
    return (line.units or 0) < 0 or (line.cents("charge") or 0) < 0


def units_of_day(line: Line, mine: list[Line], *, at_most: bool = False) -> Decimal:
    same = [
        other
        for other in mine
        if other.code == line.code
        and other.service_date == line.service_date
        and other.npi == line.npi
        and other.claim_type == line.claim_type
        and other.component == line.component
        and not other.denied
    ]
    billed = [
        one.units or 0
        for one in same
        if not taken_back(one) and (not is_repeat(one, mine) or (at_most and may_count(one, mine)))
    ]
    back = [abs(one.units or 0) for one in same if taken_back(one)]
    return sum(billed, Decimal(0)) - sum(back, Decimal(0))


def may_count(line: Line, mine: list[Line]) -> bool:
    """Whether a repeat may be a service done again, for want of modifiers on it or the first."""
    alike = [one for one in mine if one is not line and may_repeat(one) and repeats(line, one)]
    first = min(alike, key=lambda one: one.later)
    return "modifiers" not in line.given or "modifiers" not in first.given


def line_billed_twice(line: Line, mine: list[Line], run: Run) -> Verdict:
    return flag("denial", "at_risk") if is_repeat(line, mine) else CLEAN


def modifier_does_not_fit(line: Line, mine: list[Line], run: Run) -> Verdict:
    carried = set(line.modifiers)
    film = bool({"FX", "FY"} & carried)
    scanner = "CT" in carried and line.code in ("75577", "75580")
    return flag("note", "none") if film or scanner or "91" in carried else CLEAN


# Diagnoses.


def corrected(diagnosis: str) -> str:
    """The code that was meant where a digit one stands for the letter I."""
    return f"I{diagnosis[1:]}" if re.fullmatch(r"1\d\d?\.\d+", diagnosis) else diagnosis


def diagnosis_missing(line: Line, mine: list[Line], run: Run) -> Verdict:
    return CLEAN if line.words("diagnosis_codes") else flag("denial", "at_risk")


def diagnosis_not_valid_on_date(line: Line, mine: list[Line], run: Run) -> Verdict:
    found = [
        look_up("icd10cm", line.service_date, "", icd10=word)
        for word in line.words("diagnosis_codes")
    ]
    if any(corrected(word) != word for word in line.words("diagnosis_codes")):
        return flag("denial", "at_risk")
    if any(one["billable"] == "no" for one in found):
        stale = is_stale("icd10cm", line.service_date)
        return flag(MILDER["denial"] if stale else "denial", "at_risk")
    if any(not one.known for one in found):
        return unknown("reference_missing", "icd10cm")
    for one in found:
        verdict = cleared_by(one)
        if verdict != CLEAN:
            return verdict
    return CLEAN


def jurisdictions(line: Line) -> set[str]:
    state = line.text("service_state")
    return {row["jurisdiction"] for row in of("mac_states", state=state)} if state else set()


def diagnosis_not_covered(line: Line, mine: list[Line], run: Run) -> Verdict:
    day = line.service_date
    words = [corrected(word) for word in line.words("diagnosis_codes")]
    if any(in_force("coverage_diagnoses", day, icd10=word) for word in words):
        return CLEAN
    stale = is_stale("coverage_policies", day) or is_stale("coverage_diagnoses", day)
    return flag(MILDER["note"] if stale else "note", "none")


# Coverage.


def paperwork_missing(line: Line, mine: list[Line], run: Run) -> Verdict:
    if line.text("attachment_control_number"):
        return CLEAN
    found = jurisdictions(line)
    if "service_state" not in line.given:
        return unknown("column_missing", "service_state")
    if not line.text("service_state"):
        return unknown("value_missing", "service_state")
    if len(found) > 1:  # the north of Virginia has another contractor, and only a ZIP tells
        told = "service_zip" in line.given
        return unknown("value_missing" if told else "column_missing", "service_zip")
    if not found:
        return unknown("reference_missing", "mac_states")
    cases = {row["jurisdiction"] for row in of("case_by_case_jurisdictions", service="ffrct")}
    stale = is_stale("case_by_case_jurisdictions", line.service_date)
    if found & cases:
        return flag(MILDER["review"] if stale else "review", "at_risk")
    return unknown("reference_stale", "case_by_case_jurisdictions") if stale else CLEAN


def authorization_missing(line: Line, mine: list[Line], run: Run) -> Verdict:
    emergency = line.place_of_service == "23" or any(
        other.claim == line.claim and other.revenue_code[:3] == "045" for other in mine
    )
    if line.text("authorization_number") or emergency:
        return CLEAN
    if not line.component:  # it may be a reading
        return unknown("column_missing", "modifiers")
    if not line.hospital and not line.place_of_service:  # it may be an emergency
        told = "place_of_service" in line.given
        return unknown("value_missing" if told else "column_missing", "place_of_service")
    if line.hospital and "revenue_code" not in line.given:
        return unknown("column_missing", "revenue_code")
    return flag("review", "at_risk")


def authorization_shared_with_ccta(line: Line, mine: list[Line], run: Run) -> Verdict:
    names = {name.upper() for name in run.options.authorizes_by_code}
    named = {line.payer_type.upper(), line.text("payer").upper()} & names
    may_be_named = not line.text("payer") and (not line.payer_type or names - TYPES)
    if not names or not (named or may_be_named):
        return CLEAN
    number = line.text("authorization_number")
    shared = any(
        other.code in CCTA
        and other.text("authorization_number") == number
        and 0 <= days_between(other, line) <= run.options.lookback
        for other in mine
    )
    if not number or not shared:
        return CLEAN
    if not named:
        return unknown("value_missing" if "payer" in line.given else "column_missing", "payer")
    return flag("review", "at_risk")


def known_code(line: Line) -> bool:
    return bool(line.role)


def in_family(line: Line) -> bool:
    return line.in_family


def ccta_or_ffrct(line: Line) -> bool:
    return line.code in CCTA | FFRCT


RULES = (
    OracleRule(
        "units_exceed_mue",
        known_code,
        units_exceed_mue,
        needs=("claim_type",),
        needs_value=("claim_type", "units", "billing_npi"),
    ),
    OracleRule(
        "line_billed_twice",
        known_code,
        line_billed_twice,
        needs=("modifiers",),
        needs_value=("billing_npi", "units"),
    ),
    OracleRule("modifier_does_not_fit", in_family, modifier_does_not_fit, needs=("modifiers",)),
    OracleRule("diagnosis_missing", in_family, diagnosis_missing, needs=("diagnosis_codes",)),
    OracleRule(
        "diagnosis_not_valid_on_date",
        in_family,
        diagnosis_not_valid_on_date,
        needs_value=("diagnosis_codes",),
    ),
    OracleRule(
        "diagnosis_not_covered",
        lambda line: (
            ccta_or_ffrct(line) and line.payer_type in ("medicare", "medicare_advantage", "")
        ),
        diagnosis_not_covered,
        needs=("payer_type",),
        needs_value=("payer_type", "diagnosis_codes"),
    ),
    OracleRule(
        "paperwork_missing",
        lambda line: line.code in FFRCT_ANALYSIS and line.payer_type in ("medicare", ""),
        paperwork_missing,
        needs=("payer_type", "attachment_control_number"),
        needs_value=("payer_type",),
    ),
    OracleRule(
        "authorization_missing",
        lambda line: (
            ccta_or_ffrct(line)
            and line.payer_type in ("commercial", "medicare_advantage", "")
            and line.component in ("technical", "global", "")
            and code_facts(line.code)["pctc_indicator"] != "2"
        ),
        authorization_missing,
        needs=("claim_type", "payer_type", "authorization_number"),
        needs_value=("claim_type", "payer_type"),
    ),
    OracleRule(
        "authorization_shared_with_ccta",
        lambda line: line.code in FFRCT_ANALYSIS,
        authorization_shared_with_ccta,
        needs=("authorization_number",),
    ),
)
