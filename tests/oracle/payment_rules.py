"""Payments, restated."""

from decimal import Decimal

from tests.oracle.lines import Line
from tests.oracle.money import expected, whole
from tests.oracle.run import Run
from tests.oracle.verdicts import CLEAN, OracleRule, Verdict, flag, unknown


def is_paid(line: Line) -> bool:
    return any((line.cents(name) or 0) > 0 for name in ("paid", "allowed")) and not line.denied


def allowed_below_expected(line: Line, mine: list[Line], run: Run) -> Verdict:
    price, allowed, charge = expected(line, mine), line.cents("allowed"), line.cents("charge")
    assert allowed is not None
    if not is_paid(line) or (charge is not None and allowed >= charge):
        return CLEAN  # nothing was paid, or the payer allowed all that was asked
    if price.cents is None:
        return price.why or CLEAN
    if Decimal(allowed) < Decimal(price.cents) * (100 - run.options.tolerance) / 100:
        return flag("review", "missed", price.cents - allowed, own_amount=True)
    return CLEAN


def allowed_above_expected(line: Line, mine: list[Line], run: Run) -> Verdict:
    price, allowed = expected(line, mine), line.cents("allowed")
    if not is_paid(line):
        return CLEAN
    if price.cents is None:
        return price.why or CLEAN
    assert allowed is not None
    if Decimal(allowed) > Decimal(price.cents) * (100 + run.options.tolerance) / 100:
        return flag("review", "at_risk", allowed - price.cents, own_amount=True)
    return CLEAN


def charge_below_expected(line: Line, mine: list[Line], run: Run) -> Verdict:
    price, charge = expected(line, mine), line.cents("charge")
    if price.cents is None:
        return price.why or CLEAN
    assert charge is not None
    if 0 <= Decimal(charge) < Decimal(price.cents) * (100 - run.options.tolerance) / 100:
        return flag("note", "missed", price.cents - charge, own_amount=True)
    return CLEAN


def paid_zero_without_reason(line: Line, mine: list[Line], run: Run) -> Verdict:
    price = expected(line, mine)
    nothing = line.cents("paid") == 0 and line.cents("allowed") == 0
    if not nothing or line.words("adjustment_codes"):
        return CLEAN
    adjudicated = line.day("remit_date") or any(
        other.claim == line.claim and (other.cents("paid") or 0) > 0 for other in mine
    )
    if price.cents is None:
        asked = adjudicated or "remit_date" not in line.given
        return (price.why or CLEAN) if asked else CLEAN
    if not adjudicated:
        pending = price.cents > 0 and "remit_date" not in line.given
        return unknown("column_missing", "remit_date") if pending else CLEAN
    if price.cents > 0:
        return flag("review", "missed", price.cents, own_amount=True)
    return CLEAN


def coinsurance_above_share(line: Line, mine: list[Line], run: Run) -> Verdict:
    allowed, share = line.cents("allowed"), line.cents("patient_responsibility")
    assert allowed is not None
    assert share is not None
    due = whole(Decimal(allowed) * run.options.share / 100)
    return flag("note", "none") if allowed > 0 and share > due else CLEAN


def imaging(line: Line) -> bool:
    return line.imaging


PRICED = ("claim_type", "payer_type", "units")

RULES = (
    OracleRule(
        "allowed_below_expected",
        imaging,
        allowed_below_expected,
        needs_value=(*PRICED, "allowed_cents", "paid_cents"),
    ),
    OracleRule(
        "allowed_above_expected",
        imaging,
        allowed_above_expected,
        needs_value=(*PRICED, "allowed_cents"),
    ),
    OracleRule(
        "charge_below_expected",
        imaging,
        charge_below_expected,
        needs_value=(*PRICED, "charge_cents"),
    ),
    OracleRule(
        "paid_zero_without_reason",
        imaging,
        paid_zero_without_reason,
        needs=("claim_type", "payer_type", "adjustment_codes"),
        needs_value=(*PRICED, "paid_cents", "allowed_cents"),
    ),
    OracleRule(
        "coinsurance_above_share",
        lambda line: line.imaging and line.payer_type in ("medicare", ""),
        coinsurance_above_share,
        "professional",
        ("claim_type", "payer_type"),
        ("claim_type", "payer_type", "allowed_cents", "patient_responsibility_cents"),
    ),
)
