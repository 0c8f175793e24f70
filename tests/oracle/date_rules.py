"""Dates of service, restated."""

from datetime import date

from tests.oracle.components_rules import of_study
from tests.oracle.lines import CCTA, PLAQUE, Line, days_between
from tests.oracle.run import Run, days
from tests.oracle.tables import look_up
from tests.oracle.verdicts import CLEAN, OracleRule, Verdict, cleared_by, flag, flag_by, unknown

FFRCT_ANALYSIS = {"75580", "0503T", "0501T"}


def gaps_to_ccta(line: Line, mine: list[Line]) -> list[int]:
    """Days from each CCTA to the line; negative if the CCTA comes later."""
    return [days_between(other, line) for other in mine if other.code in CCTA]


def ffrct_before_ccta(line: Line, mine: list[Line], run: Run) -> Verdict:
    gaps = gaps_to_ccta(line, mine)
    never_before = all(gap < 0 for gap in gaps)
    soon_after = any(-run.options.search <= gap < 0 for gap in gaps)
    return flag("review", "at_risk") if never_before and soon_after else CLEAN


def ffrct_without_ccta(line: Line, mine: list[Line], run: Run) -> Verdict:
    if any(gap >= -run.options.search for gap in gaps_to_ccta(line, mine)):
        return CLEAN
    if (run.as_of - line.service_date).days <= run.options.waiting:
        return unknown("awaiting_partner")
    if run.reach > line.service_date - days(run.options.lookback):
        return unknown("partner_outside_extract")
    return flag("review", "at_risk")


def ffrct_long_after_ccta(line: Line, mine: list[Line], run: Run) -> Verdict:
    before = [gap for gap in gaps_to_ccta(line, mine) if gap >= 0]
    late = bool(before) and min(before) > run.options.lookback
    return flag("review", "at_risk") if late else CLEAN


def episode_split_across_claims(line: Line, mine: list[Line], run: Run) -> Verdict:
    scans = [
        other
        for other in mine
        if other.code in CCTA
        and other.hospital
        and other.npi == line.npi
        and 0 <= days_between(other, line) <= run.options.lookback
    ]
    if not scans:
        return CLEAN
    scan = min(scans, key=lambda other: (days_between(other, line), other.by_claim))
    if scan.service_date == line.service_date or scan.claim == line.claim:
        return CLEAN
    periods = [period(line), period(scan)]
    if any(p and p[0] <= scan.service_date and line.service_date <= p[1] for p in periods):
        return CLEAN
    if None in periods:
        return unknown("value_missing", "statement_from")
    return flag("note", "none")


def period(line: Line) -> tuple[date, date] | None:
    first, last = line.day("statement_from"), line.day("statement_through")
    return (first, last) if first and last else None


def line_outside_statement_period(line: Line, mine: list[Line], run: Run) -> Verdict:
    first, last = line.day("statement_from"), line.day("statement_through")
    if (first and line.service_date < first) or (last and line.service_date > last):
        return flag("denial", "at_risk")
    for name in ("statement_from", "statement_through"):
        if name not in line.given:
            return unknown("column_missing", name)
        if not line.text(name):
            return unknown("value_missing", name)
    return CLEAN


def procedure_not_valid_on_date(line: Line, mine: list[Line], run: Run) -> Verdict:
    found = look_up("procedure_codes", line.service_date, "", procedure_code=line.code)
    if found.known and found.row is None:
        return flag_by(found, "denial", "at_risk")
    return cleared_by(found)


def scans_around(line: Line, mine: list[Line], within: int) -> list[Line]:
    """The scans of the study near the reading, paired or not."""
    return [
        other
        for other in of_study(line, mine)
        if other.component == "technical" and abs(days_between(other, line)) <= within
    ]


def professional_component_before_technical(line: Line, mine: list[Line], run: Run) -> Verdict:
    if not is_reading(line) or line.partner:
        return CLEAN
    near = scans_around(line, mine, run.options.pairing)
    all_after = all(days_between(scan, line) < 0 for scan in near)
    free = any(scan.partner is None for scan in near)
    return flag("denial", "at_risk") if all_after and free else CLEAN


def component_dates_far_apart(line: Line, mine: list[Line], run: Run) -> Verdict:
    if not is_reading(line) or line.partner:
        return CLEAN
    near = scans_around(line, mine, run.options.search)
    if len(near) != 1 or near[0].partner:
        return CLEAN
    far = days_between(near[0], line) > run.options.pairing
    return flag("review", "at_risk") if far else CLEAN


def is_reading(line: Line) -> bool:
    return line.two_components and line.component == "professional"


def service_dates_reversed(line: Line, mine: list[Line], run: Run) -> Verdict:
    to, first, last = (
        line.day(name) for name in ("service_date_to", "statement_from", "statement_through")
    )
    if (to and to < line.service_date) or (first and last and last < first):
        return flag("denial", "at_risk")
    if to or (first and last):
        return CLEAN
    given = "service_date_to" in line.given
    return unknown("value_missing" if given else "column_missing", "service_date_to")


def service_date_in_future(line: Line, mine: list[Line], run: Run) -> Verdict:
    limit = line.day("received_date") or run.as_of
    return flag("denial", "at_risk") if line.service_date > limit else CLEAN


def filed_late(line: Line, mine: list[Line], run: Run) -> Verdict:
    found = look_up("filing_limits", line.service_date, "", payer_type=line.payer_type)
    if found.row is None:
        return unknown("reference_missing", "filing_limits")
    through = line.day("statement_through") if line.hospital else None
    received = line.day("received_date")
    assert received
    if line.claim_frequency in ("7", "8"):
        return CLEAN
    if received <= a_year_after(through or line.service_date):
        return CLEAN
    if not line.claim_type:
        return unknown("value_missing", "claim_type")
    if line.hospital and through is None:
        told = "statement_through" in line.given
        return unknown("value_missing" if told else "column_missing", "statement_through")
    return flag("denial", "at_risk")


def a_year_after(day: date) -> date:
    try:
        return day.replace(year=day.year + 1)
    except ValueError:  # 29 February
        return day.replace(year=day.year + 1, day=28)


def analyses(line: Line) -> bool:
    return line.code in FFRCT_ANALYSIS | PLAQUE


def any_line(line: Line) -> bool:
    return True


HOSPITAL, PHYSICIAN = "institutional", "professional"
TYPE = ("claim_type",)
TOLD = ("claim_type", "modifiers")

RULES = (
    OracleRule("ffrct_before_ccta", analyses, ffrct_before_ccta),
    OracleRule("ffrct_without_ccta", analyses, ffrct_without_ccta),
    OracleRule("ffrct_long_after_ccta", analyses, ffrct_long_after_ccta),
    OracleRule(
        "episode_split_across_claims",
        lambda line: line.code in FFRCT_ANALYSIS,
        episode_split_across_claims,
        HOSPITAL,
        ("claim_type", "statement_from", "statement_through"),
        ("claim_type", "billing_npi"),
    ),
    OracleRule(
        "line_outside_statement_period",
        any_line,
        line_outside_statement_period,
        HOSPITAL,
        TYPE,
        TYPE,
    ),
    OracleRule(
        "procedure_not_valid_on_date", lambda line: line.in_family, procedure_not_valid_on_date
    ),
    OracleRule(
        "professional_component_before_technical",
        lambda line: line.imaging,
        professional_component_before_technical,
        PHYSICIAN,
        TOLD,
        TYPE,
    ),
    OracleRule(
        "component_dates_far_apart",
        lambda line: line.imaging,
        component_dates_far_apart,
        PHYSICIAN,
        TOLD,
        TYPE,
    ),
    OracleRule("service_dates_reversed", any_line, service_dates_reversed),
    OracleRule("service_date_in_future", any_line, service_date_in_future),
    OracleRule(
        "filed_late",
        lambda line: line.in_family,
        filed_late,
        needs_value=("received_date", "payer_type"),
    ),
)
