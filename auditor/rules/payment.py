"""Payment: what the payer allowed against what its rates say."""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from auditor.amounts import Expected, expected_payment
from auditor.claim_lines import (
    Mask,
    among,
    blank,
    coded,
    imaging,
    institutional,
    medicare,
    named_payer,
    professional,
    same_word,
)
from auditor.localities import rows_behind
from auditor.matching import beside
from auditor.reference import Reference
from auditor.rule import Outcome, Reasons, lacking, lacks_column, rule

_TABLES = "opps_rates pfs_rates"
_RATES = ("opps-addendum-b-2026-01", "pfs-rvu-2026-january")


def _no_rate(lines: pd.DataFrame, expected: Expected, asked: Mask) -> Reasons:
    """Why a line that is asked for has no expected payment: a cell, else the rate itself."""
    unknown = expected.cents.isna().to_numpy(dtype=bool) & asked
    priced_by_place = professional(lines) & among(lines["component"], ["technical", "global"])
    by_medicare = unknown & expected.by_medicare
    return {
        **lacking(lines, "bill_type", by_medicare & institutional(lines)),
        ("column_missing", "modifiers"): unknown
        & professional(lines)
        & lacks_column(lines, "modifiers"),
        **lacking(lines, "place_of_service", by_medicare & priced_by_place),
        ("reference_missing", "contract_rates"): unknown & ~expected.by_medicare,
        ("reference_stale", _TABLES): unknown & expected.stale,
        ("reference_missing", _TABLES): unknown,
    }


def _sources(
    lines: pd.DataFrame, reference: Reference, basis: "pd.Series[str]", by_medicare: Mask
) -> list[str]:
    """The documents that give each line's rate: of its payer, its code, its date and its place.

    ``by_medicare`` are lines that Medicare's rate prices, be it through a contract's percentage.
    """
    parts = {"professional": "26", "technical": "TC", "global": "", "": "", "both": ""}
    component, words = coded(lines["component"])
    asked = lines.assign(
        modifier=pd.Categorical(np.array([parts[word] for word in words], dtype=object)[component]),
        scan=same_word("TC", len(lines)),
    )

    def of(table: str, *on: str) -> Any:
        return reference.as_of(table, asked, on=list(on))["source"].astype("str").to_numpy()

    scans = ~among(lines["component"], ["professional"])
    cap = np.where(scans, of("imaging_caps", "procedure_code", "scan"), "")
    of_place = rows_behind(lines, reference, scans)
    for rows in of_place:
        if rows.table.name == "locality_caps":
            cap = np.where(rows.row >= 0, "", cap)
    physician = of("pfs_rates", "procedure_code", "modifier") + " " + cap
    for rows in of_place:
        physician = physician + " " + rows["source"].astype("str").to_numpy()
    contract = of("contract_rates", "payer", "procedure_code", "component", "claim_type")
    by_type = np.where(institutional(lines), of("opps_rates", "procedure_code"), physician)
    contracted = (basis == "contract").to_numpy(dtype=bool)
    cited = np.where(contracted, contract, "") + " " + np.where(by_medicare, by_type, "")
    return [" ".join(cell.split()) for cell in cited]


def _difference(
    lines: pd.DataFrame,
    reference: Reference,
    asked: Mask,
    off: Mask,
    expected: Expected,
    amount: "pd.Series[int]",
) -> Outcome:
    """Lines that are asked for and off their rate; without a rate they are not evaluated."""
    mask = asked & off
    flagged = lines[mask]
    # Medicare's own rates give nothing only where another service of the claim holds the payment.
    packaged = (expected.cents[mask] == 0) & expected.by_medicare[mask]
    worth = pd.Series(_dollars(expected.cents[mask]), index=flagged.index, dtype="str")
    return Outcome(
        flagged=flagged.assign(
            payer=named_payer(flagged, "The payer"),
            expected=worth.mask(packaged, worth + " (packaged)"),
            allowed=_dollars(flagged["allowed_cents"]),
            charge=_dollars(flagged["charge_cents"]),
            rate=np.select(
                [expected.basis[mask] == "contract", expected.local[mask]],
                ["contract rate", "locality rate"],
                "national rate",
            ),
        ),
        amount=amount[mask],
        amount_basis="difference",
        sources=pd.Series(
            _sources(flagged, reference, expected.basis[mask], expected.by_medicare[mask]),
            index=flagged.index,
            dtype="str",
        ),
        not_evaluated=_no_rate(lines, expected, asked),
    )


def _dollars(cents: "pd.Series[int]") -> list[str]:
    return ["" if pd.isna(cell) else f"${cell / 100:,.2f}" for cell in cents]


def _paid(lines: pd.DataFrame) -> Mask:
    positive = (lines["allowed_cents"] > 0) | (lines["paid_cents"] > 0)
    positive = positive.fillna(value=False) & ~lines["denied"]
    paid: Mask = positive.to_numpy(dtype=bool)
    return paid


@rule(
    severity="review",
    money="missed",
    scope=imaging,
    needs_value=["claim_type", "payer_type", "units", "allowed_cents", "paid_cents"],
    sources=_RATES,
    rests_on=["opps_rates", "pfs_rates", "conversion_factors", "imaging_caps"],
    message="{payer} allowed {allowed} for {procedure_code} of {service_date}; the {rate} gives "
    "{expected}.",
    remedy="Compare with the remittance and your rates; ask the payer to price the line again.",
)
def allowed_below_expected(
    lines: pd.DataFrame,
    reference: Reference,
    *,
    tolerance_percent: int = 25,
    local_tolerance_percent: int = 5,
) -> Outcome:
    """The payer allowed clearly less than its rates say.

    Wrong carriers, outdated tables and reductions that don't apply leave money with the payer. The
    difference is measured against national rates, so a tolerance allows for the local ones.
    """
    expected = expected_payment(lines, reference)
    percent = np.where(expected.local, local_tolerance_percent, tolerance_percent)
    allowed = lines["allowed_cents"]
    below = allowed * 100 < expected.cents * (100 - percent)
    # A payer that allowed the whole charge paid the lesser of charge and rate.
    whole_charge = (allowed >= lines["charge_cents"]).fillna(value=False)
    asked = imaging(lines) & _paid(lines) & ~whole_charge.to_numpy(dtype=bool)
    off = below.fillna(value=False).to_numpy(dtype=bool)
    return _difference(lines, reference, asked, off, expected, expected.cents - allowed)


@rule(
    severity="review",
    money="at_risk",
    scope=imaging,
    needs_value=["claim_type", "payer_type", "units", "allowed_cents"],
    sources=_RATES,
    rests_on=["opps_rates", "pfs_rates", "conversion_factors", "imaging_caps"],
    message="{payer} allowed {allowed} for {procedure_code} of {service_date}; the {rate} gives "
    "{expected}.",
    remedy="Compare with the remittance and your rates; return what was paid too much, to Medicare "
    "within 60 days of finding it.",
)
def allowed_above_expected(
    lines: pd.DataFrame,
    reference: Reference,
    *,
    tolerance_percent: int = 25,
    local_tolerance_percent: int = 5,
) -> Outcome:
    """The payer allowed clearly more than its rates say.

    An overpayment is not the provider's to keep: payers take it back, and Medicare wants it
    reported. A tolerance allows for local rates.
    """
    expected = expected_payment(lines, reference)
    percent = np.where(expected.local, local_tolerance_percent, tolerance_percent)
    allowed = lines["allowed_cents"]
    above = allowed * 100 > expected.cents * (100 + percent)
    off = above.fillna(value=False).to_numpy(dtype=bool)
    asked = imaging(lines) & _paid(lines)
    return _difference(lines, reference, asked, off, expected, allowed - expected.cents)


@rule(
    severity="note",
    money="missed",
    scope=imaging,
    needs_value=["claim_type", "payer_type", "units", "charge_cents"],
    sources=_RATES,
    rests_on=["opps_rates", "pfs_rates", "conversion_factors", "imaging_caps"],
    message="The charge of {charge} for {procedure_code} is below the expected payment of "
    "{expected} ({rate}).",
    remedy="Raise the charge in the chargemaster above every payer's rate.",
)
def charge_below_expected(
    lines: pd.DataFrame,
    reference: Reference,
    *,
    tolerance_percent: int = 25,
    local_tolerance_percent: int = 5,
) -> Outcome:
    """The charge is lower than what the payer would pay.

    Payers pay the lesser of charge and rate, so a charge below the rate gives the difference away.
    """
    expected = expected_payment(lines, reference)
    percent = np.where(expected.local, local_tolerance_percent, tolerance_percent)
    charge = lines["charge_cents"]
    below = (charge * 100 < expected.cents * (100 - percent)) & (charge >= 0)
    off = below.fillna(value=False).to_numpy(dtype=bool)
    return _difference(lines, reference, imaging(lines), off, expected, expected.cents - charge)


@rule(
    severity="review",
    money="missed",
    scope=imaging,
    needs=["claim_type", "payer_type", "adjustment_codes"],
    needs_value=["claim_type", "payer_type", "units", "paid_cents", "allowed_cents"],
    sources=_RATES,
    rests_on=["opps_rates", "pfs_rates", "conversion_factors", "imaging_caps"],
    message="{payer} paid nothing for {procedure_code} of {service_date} and gave no reason; the "
    "{rate} gives {expected}.",
    remedy="Ask the payer for the adjustment reason, and for payment if there is none.",
)
def paid_zero_without_reason(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """A line was adjudicated and paid nothing, without a reason.

    A denial names its reason. A zero without one is often a posting fault or a line that the payer
    never priced.
    """
    expected = expected_payment(lines, reference)
    nothing = lines["paid_cents"].eq(0) & lines["allowed_cents"].eq(0)
    paid = lines["paid_cents"].gt(0).fillna(value=False).to_numpy(dtype=bool)
    owed = expected.cents.gt(0).fillna(value=False).to_numpy(dtype=bool)
    silent = nothing.fillna(value=False).to_numpy(dtype=bool) & blank(lines["adjustment_codes"])
    silent &= imaging(lines)
    adjudicated = lines["remit_date"].notna().to_numpy(dtype=bool)
    adjudicated = adjudicated | beside(lines, silent, paid)
    untold = ~adjudicated & lacks_column(lines, "remit_date")
    found = _difference(
        lines,
        reference,
        silent & (adjudicated | untold),
        owed & adjudicated,
        expected,
        expected.cents,
    )
    pending = silent & owed & untold
    return replace(
        found,
        not_evaluated={("column_missing", "remit_date"): pending, **found.not_evaluated},
    )


def _physician_medicare(lines: pd.DataFrame) -> Mask:
    """Professional lines of cardiac CT for Medicare."""
    return imaging(lines) & among(lines["payer_type"], ["medicare", ""])


@rule(
    severity="note",
    money="none",
    scope=_physician_medicare,
    claim_type="professional",
    needs=["claim_type", "payer_type"],
    needs_value=["claim_type", "payer_type", "allowed_cents", "patient_responsibility_cents"],
    sources=["42-cfr-410-152"],
    message="The patient's share of {procedure_code} is {share} of {allowed} allowed, more than "
    "{share_percent} %{hint}.",
    remedy="Compare with the remittance: bill the patient what group PR says, no more.",
)
def coinsurance_above_share(lines: pd.DataFrame, *, share_percent: int = 20) -> Outcome:
    """The patient is asked for more than the coinsurance.

    Medicare's patient pays a fifth of the allowed amount of a physician's service, and the yearly
    deductible. More than that is a posting fault that the patient will notice.
    """
    share, allowed = lines["patient_responsibility_cents"], lines["allowed_cents"]
    above = (share > (allowed * share_percent + 50) // 100) & (allowed > 0)
    mask = (
        _physician_medicare(lines)
        & medicare(lines)
        & above.fillna(value=False).to_numpy(dtype=bool)
    )
    flagged = lines[mask]
    coinsurance_only = among(flagged["adjustment_codes"], [""]) | _names(flagged, "PR-1")
    hint = np.where(coinsurance_only, "; a deductible may be part of it", "")
    return Outcome(
        flagged=flagged.assign(
            share=_dollars(flagged["patient_responsibility_cents"]),
            allowed=_dollars(flagged["allowed_cents"]),
            hint=hint,
        )
    )


def _names(lines: pd.DataFrame, code: str) -> Mask:
    return np.array([code in cell.split() for cell in lines["adjustment_codes"]], dtype=bool)
