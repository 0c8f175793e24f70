"""Revenue codes, restated."""

from datetime import date

from tests.oracle.lines import CCTA, Line, days_between
from tests.oracle.run import Run
from tests.oracle.tables import Found, in_force, look_up
from tests.oracle.verdicts import CLEAN, OracleRule, Verdict, cleared_by, flag, flag_by, unknown

FIRST_FREE_DAY = date(2024, 1, 1)
FFRCT_ANALYSIS = {"75580", "0503T", "0501T"}


def well_formed(code: str) -> bool:
    return len(code) == 4 and code.isdigit()


def revenue_code_missing(line: Line, mine: list[Line], run: Run) -> Verdict:
    return CLEAN if line.revenue_code else flag("denial", "at_risk")


def revenue_code_malformed(line: Line, mine: list[Line], run: Run) -> Verdict:
    return CLEAN if well_formed(line.revenue_code) else flag("denial", "at_risk")


def fit_of(line: Line) -> Found:
    return look_up(
        "revenue_code_fit",
        line.service_date,
        line.claim_type,
        procedure_code=line.code,
        revenue_code=line.revenue_code,
    )


def returned(line: Line, payer_type: str) -> bool:
    """Whether this payer's edit returned the code with this revenue code on the day."""
    row = in_force(
        "revenue_code_edits", line.service_date, procedure_code=line.code, payer_type=payer_type
    )
    groups = [group[:3] for group in row["accepted_groups"].split()] if row else []
    return bool(groups) and line.revenue_code[:3] not in groups


def revenue_code_unexpected(line: Line, mine: list[Line], run: Run) -> Verdict:
    if well_formed(line.revenue_code) and returned(line, line.payer_type):
        return flag("denial", "at_risk")
    found = fit_of(line)
    not_here = found["fit"] == "unexpected_on_opps"
    if not_here and not line.bill_type:
        # Only a critical access hospital's bill type excuses a professional fee code.
        told = "bill_type" in line.given
        return unknown("value_missing" if told else "column_missing", "bill_type")
    if found["fit"] == "unexpected" or (not_here and not line.critical_access):
        return flag_by(found, "review", "at_risk")
    if not line.payer_type and well_formed(line.revenue_code) and returned(line, "medicare"):
        told = line.given.intersection(("payer_type", "payer"))
        return unknown("value_missing" if told else "column_missing", "payer_type")
    if found["fit"] == "review":
        return unknown("reference_missing", "revenue_code_fit")
    return cleared_by(found)


def revenue_code_not_preferred(line: Line, mine: list[Line], run: Run) -> Verdict:
    found = fit_of(line)
    if found["fit"] == "accepted" and line.service_date >= FIRST_FREE_DAY:
        return flag_by(found, "note", "missed")
    if found["fit"] == "review":
        return unknown("reference_missing", "revenue_code_fit")
    return cleared_by(found)


def episode_cost_centers_differ(line: Line, mine: list[Line], run: Run) -> Verdict:
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
    if not well_formed(line.revenue_code) or not well_formed(scan.revenue_code):
        return unknown("value_missing", "revenue_code")
    return CLEAN if line.revenue_code[:3] == scan.revenue_code[:3] else flag("note", "none")


def revenue_code_on_professional_line(line: Line, mine: list[Line], run: Run) -> Verdict:
    return flag("note", "none") if line.revenue_code else CLEAN


def in_family(line: Line) -> bool:
    return line.in_family


FILLED = ("claim_type", "revenue_code")
HOSPITAL = "institutional"

RULES = (
    OracleRule(
        "revenue_code_missing", in_family, revenue_code_missing, HOSPITAL, FILLED, ("claim_type",)
    ),
    OracleRule(
        "revenue_code_malformed",
        in_family,
        revenue_code_malformed,
        HOSPITAL,
        ("claim_type",),
        FILLED,
    ),
    OracleRule(
        "revenue_code_unexpected",
        in_family,
        revenue_code_unexpected,
        HOSPITAL,
        ("claim_type",),
        FILLED,
    ),
    OracleRule(
        "revenue_code_not_preferred",
        in_family,
        revenue_code_not_preferred,
        HOSPITAL,
        ("claim_type",),
        FILLED,
    ),
    OracleRule(
        "episode_cost_centers_differ",
        lambda line: line.code in FFRCT_ANALYSIS,
        episode_cost_centers_differ,
        HOSPITAL,
        ("claim_type",),
        (*FILLED, "billing_npi"),
    ),
    OracleRule(
        "revenue_code_on_professional_line",
        in_family,
        revenue_code_on_professional_line,
        "professional",
        FILLED,
        ("claim_type",),
    ),
)
