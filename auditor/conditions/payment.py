"""What the rules about payment ask."""

import pandas as pd

from auditor.amounts import expected_payment
from auditor.conditions.seen import Condition, Seen, money


def _expected(seen: Seen) -> tuple[int | None, Condition]:
    expected = expected_payment(seen.lines, seen.reference)
    cents = expected.cents.iloc[seen.at]
    amount = None if pd.isna(cents) else int(cents)
    basis = str(expected.basis.iloc[seen.at]).replace("_", " ")
    said = f"an expected payment is known for its code, place, payer and date: {money(amount)}"
    return amount, Condition(
        f"{said} ({basis or expected.why_not.iloc[seen.at]})", amount is not None
    )


def _tolerance(seen: Seen) -> int:
    """In percent; less where the rate is that of the line's own locality."""
    local = bool(expected_payment(seen.lines, seen.reference).local[seen.at])
    return int(seen.settings["local_tolerance_percent" if local else "tolerance_percent"])


def _was_paid(seen: Seen) -> Condition:
    paid, allowed = seen.cents("paid_cents"), seen.cents("allowed_cents")
    positive = (paid or 0) > 0 or (allowed or 0) > 0
    return Condition(
        f"the line was paid: allowed {money(allowed)}, paid {money(paid)}, not denied",
        positive and not bool(seen.row["denied"]),
    )


def allowed_below_expected(seen: Seen) -> list[Condition]:
    """Allowed far under the rate, and not the whole charge."""
    expected, known = _expected(seen)
    allowed, charge = seen.cents("allowed_cents"), seen.cents("charge_cents")
    percent = _tolerance(seen)
    least = None if expected is None else expected * (100 - percent)
    return [
        known,
        _was_paid(seen),
        Condition(
            f"allowed {money(allowed)} is more than {percent} % below the expected "
            f"{money(expected)}",
            allowed is not None and least is not None and allowed * 100 < least,
        ),
        Condition(
            f"the payer did not simply allow the whole charge: {money(charge)}",
            charge is None or allowed is None or allowed < charge,
        ),
    ]


def allowed_above_expected(seen: Seen) -> list[Condition]:
    """Allowed far over the rate."""
    expected, known = _expected(seen)
    allowed, percent = seen.cents("allowed_cents"), _tolerance(seen)
    most = None if expected is None else expected * (100 + percent)
    return [
        known,
        _was_paid(seen),
        Condition(
            f"allowed {money(allowed)} is more than {percent} % above the expected "
            f"{money(expected)}",
            allowed is not None and most is not None and allowed * 100 > most,
        ),
    ]


def charge_below_expected(seen: Seen) -> list[Condition]:
    """Charged far under the rate."""
    expected, known = _expected(seen)
    charge, percent = seen.cents("charge_cents"), _tolerance(seen)
    least = None if expected is None else expected * (100 - percent)
    return [
        known,
        Condition(
            f"the charge {money(charge)} is more than {percent} % below the expected "
            f"{money(expected)}",
            charge is not None and charge >= 0 and least is not None and charge * 100 < least,
        ),
    ]


def paid_zero_without_reason(seen: Seen) -> list[Condition]:
    """Adjudicated, nothing allowed or paid, no reason, and something expected."""
    expected, known = _expected(seen)
    paid, allowed = seen.cents("paid_cents"), seen.cents("allowed_cents")
    claim = seen.alike("claim_id", "claim_type")
    other = bool((seen.lines["paid_cents"][claim] > 0).fillna(value=False).any())
    remit = seen.day("remit_date")
    return [
        known,
        Condition(f"more than nothing is expected: {money(expected)}", (expected or 0) > 0),
        Condition(
            f"nothing was allowed ({money(allowed)}) and nothing paid ({money(paid)})",
            allowed == 0 and paid == 0,
        ),
        seen.has_no_text("adjustment_codes"),
        Condition(
            f"the claim was adjudicated: remitted {remit}, another line of it "
            f"{'' if other else 'not '}paid",
            remit != "blank" or other,
        ),
    ]


def coinsurance_above_share(seen: Seen) -> list[Condition]:
    """More than the patient's share."""
    share, allowed = seen.cents("patient_responsibility_cents"), seen.cents("allowed_cents")
    percent = seen.settings["share_percent"]
    due = None if allowed is None else (allowed * percent + 50) // 100
    return [
        seen.is_one_of("payer_type", ["medicare"]),
        Condition(f"something was allowed: {money(allowed)}", (allowed or 0) > 0),
        Condition(
            f"the patient's share {money(share)} is more than {percent} % of it, {money(due)}",
            share is not None and due is not None and share > due,
        ),
    ]
