"""Services billed apart that a payer pays as one, and the opposite."""

import numpy as np
import pandas as pd

from auditor.amounts import expected_payment
from auditor.claim_lines import (
    Mask,
    each_word,
    ffrct_lines,
    has_code,
    medicare,
    professional,
)
from auditor.matching import group_key, in_order, is_among
from auditor.ncci import known_in_setting, ptp_pairs
from auditor.partners import listed, other_partners
from auditor.reference import Bools, Reference
from auditor.rule import Outcome, Reasons, lacking, rule
from auditor.studies import ccta_of_analysis

_CARDIAC_CT = ("75571", "75572", "75573", "75574")
# Payment is included in another service.
_BUNDLED = frozenset({"97", "231", "234", "236"})


def _column_two(lines: pd.DataFrame) -> Mask:
    """Lines whose code an NCCI edit denies beside another, and all of the cardiac CT family."""
    return lines["may_be_column_two"].to_numpy(dtype=bool)


@rule(
    severity="denial",
    money="at_risk",
    scope=_column_two,
    needs=["claim_type"],
    needs_value=["claim_type", "billing_npi"],
    sources=["ncci-policy-manual-2025-ch1"],
    denial_codes=["CO-236", "CO-97", "M15"],
    rests_on=["ptp_edits"],
    message="{procedure_code} with {column_one} on {service_date} by one provider: "
    "an NCCI edit that no modifier bypasses.",
    remedy="Bill {column_one} alone; remove {procedure_code} unless the record shows that "
    "{column_one} was billed in error.",
)
def ptp_pair_never_payable(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """Column-two code of an NCCI pair that can never be paid together.

    The edit has modifier indicator 0: for one patient, day and provider the payer denies the
    column-two code whatever modifier it carries, and the denial is not the patient's to pay.
    """
    pairs = ptp_pairs(lines, reference)
    return _paired(lines, reference, pairs.indicator == 0, softens=True)


@rule(
    severity="denial",
    money="at_risk",
    scope=_column_two,
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type", "billing_npi"],
    sources=["ncci-policy-manual-2025-ch1"],
    denial_codes=["CO-236", "M15"],
    rests_on=["ptp_edits", "modifiers"],
    message="{procedure_code} with {column_one} on {service_date} by one provider: "
    "an NCCI edit, and no modifier on either line bypasses it.",
    remedy="Remove {procedure_code} if it was part of {column_one}. If the record shows a separate "
    "service, a coder decides on the modifier that says so.",
)
def ptp_pair_without_modifier(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """Column-two code of an NCCI pair, billed without a modifier that bypasses it.

    The edit has modifier indicator 1: the payer denies the column-two code unless an NCCI
    modifier on one of the lines says that the services were separate. 22, 76 and 77 don't say so.
    """
    pairs = ptp_pairs(lines, reference)
    return _paired(lines, reference, (pairs.indicator == 1) & ~pairs.bypassed, softens=True)


@rule(
    severity="review",
    money="at_risk",
    scope=_column_two,
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type", "billing_npi"],
    sources=["ncci-policy-manual-2025-ch1"],
    rests_on=["ptp_edits", "modifiers"],
    message="{procedure_code} with {column_one} on {service_date} by one provider: "
    "modifier {bypass} bypasses the NCCI edit; the record must show a separate service.",
    remedy="Read the record: keep the modifier only if it shows a separate session, site or study.",
)
def ptp_pair_bypassed(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """A modifier bypasses an NCCI pair, and the record must support it.

    Payers review bypass modifiers after payment; without a separate service in the record they
    take the column-two payment back.
    """
    pairs = ptp_pairs(lines, reference)
    return _paired(lines, reference, (pairs.indicator == 1) & pairs.bypassed, softens=False)


def _paired(lines: pd.DataFrame, reference: Reference, wanted: Bools, *, softens: bool) -> Outcome:
    """The column-two lines of some PTP pairs, each once, with the first column-one line."""
    pairs = ptp_pairs(lines, reference)
    two, one = pairs.two[wanted], pairs.one[wanted]
    order = in_order(lines, one, two, by_received=False)
    two, one = two[order], one[order]
    mild = pairs.other_renderer[wanted][order] & professional(lines)[two]
    begins = np.flatnonzero(np.r_[True, two[1:] != two[:-1]][: len(two)])
    all_mild = np.minimum.reduceat(mild, begins) if len(two) else mild
    named, edit = one[begins], np.flatnonzero(wanted)[order][begins]
    flagged = lines.iloc[two[begins]]
    partner = lines[["procedure_code", "modifiers"]].iloc[named]
    flagged = flagged.assign(
        column_one=partner["procedure_code"].astype("str").to_numpy(),
        bypass=_bypass(flagged["modifiers"], partner["modifiers"], reference),
    )
    again = np.flatnonzero(two[1:] == two[:-1]) + 1
    severity = pd.Series("denial" if softens else "review", index=flagged.index)
    if softens:
        severity[all_mild | ~medicare(flagged)] = "review"
    stale = reference.stale("ptp_edits", lines)
    doubtful = pairs.beside_another
    not_evaluated: Reasons = {
        ("reference_missing", "ptp_edits"): doubtful & ~stale & ~known_in_setting(lines, reference),
        ("reference_stale", "ptp_edits"): doubtful & stale,
    }
    return Outcome(
        flagged=flagged,
        not_evaluated=not_evaluated,
        severity=severity,
        partner=pd.Series(named, index=flagged.index),
        other_partners=listed(lines, two[again], one[again]),
        stale=("ptp_edits", stale),
        reference_rows=pairs.edits.take(edit),
    )


def _bypass(of_two: "pd.Series[str]", of_one: "pd.Series[str]", reference: Reference) -> list[str]:
    """The NCCI modifiers on either line of each pair."""
    bypassing = reference.words("modifiers", "modifier", bypasses_ptp="yes")
    return [
        " ".join(word for word in dict.fromkeys(f"{two} {one}".split()) if word in bypassing)
        for two, one in zip(of_two, of_one, strict=True)
    ]


def _ct_angiography_of_the_chest(lines: pd.DataFrame) -> Mask:
    """CT angiography of the chest."""
    return has_code(lines, ["71275"])


@rule(
    severity="review",
    money="at_risk",
    scope=_ct_angiography_of_the_chest,
    needs=["claim_type"],
    needs_value=["claim_type"],
    sources=["ncci-policy-manual-2025-ch9"],
    message="71275 on {service_date} beside {cardiac_code}: one CT acquisition may have been "
    "billed as two studies.",
    remedy="Read the protocol: bill a single acquisition under one code, of the study ordered. "
    "A calcium score needs a scan without contrast of its own.",
)
def one_acquisition_billed_twice(lines: pd.DataFrame) -> Outcome:
    """CT angiography of the chest and cardiac CT from one acquisition.

    No NCCI pair joins them, but the NCCI manual allows one technical study to be reported once:
    a payer that sees one acquisition takes the second payment back.
    """
    same_day = group_key(lines, ["patient_id", "service_date", "claim_type"])
    chest = np.flatnonzero(_ct_angiography_of_the_chest(lines))
    denied = lines["denied"].to_numpy(dtype=bool)
    cardiac = np.flatnonzero(has_code(lines, _CARDIAC_CT) & ~denied)
    cardiac = cardiac[is_among(same_day[cardiac], same_day[chest])]
    cardiac = cardiac[in_order(lines, cardiac, same_day[cardiac], by_received=False)]
    keys, firsts = np.unique(same_day[cardiac], return_index=True)
    chest = chest[is_among(same_day[chest], keys)]
    partner = cardiac[firsts[np.searchsorted(keys, same_day[chest])]]
    flagged = lines.iloc[chest]
    named = pd.Series(partner, index=flagged.index)
    return Outcome(
        flagged=flagged.assign(
            cardiac_code=lines["procedure_code"].iloc[partner].astype("str").to_numpy()
        ),
        partner=named,
        other_partners=other_partners(lines, named, cardiac, same_day, within=0),
    )


def _bundled(cell: str) -> bool:
    for code in cell.split():
        group, _, reason = code.rpartition("-")
        if reason in _BUNDLED and group in ("", "CO"):
            return True
    return False


@rule(
    severity="review",
    money="missed",
    scope=ffrct_lines,
    needs=["adjustment_codes", "paid_cents|allowed_cents"],
    sources=["cy2018-opps-final-rule", "ncci-ptp-outpatient-2026q4"],
    rests_on=["ptp_non_edits"],
    message="{procedure_code} on {service_date} was denied as part of another service "
    "({adjustment_codes}); the patient's CCTA of {ccta_date} does not include it.",
    remedy="Appeal: CMS pays FFR-CT apart from CCTA, and no NCCI edit joins the two codes.",
)
def ffrct_denied_as_bundled(
    lines: pd.DataFrame, reference: Reference, *, lookback_days: int = 90
) -> Outcome:
    """A payer denied FFR-CT as included in the CCTA.

    CMS decided in the CY2018 OPPS final rule that FFR-CT is a service of its own, and no NCCI
    pair joins it with CCTA in either direction or setting. The payer owes the payment.
    """
    ffrct = ffrct_lines(lines)
    zero = pd.Series(data=False, index=lines.index)
    unknown = pd.Series(data=True, index=lines.index)
    for column in ("paid_cents", "allowed_cents"):
        zero |= lines[column].eq(0).fillna(value=False).astype(bool)
        unknown &= lines[column].isna()
    denied = ffrct & zero.to_numpy(dtype=bool) & each_word(lines["adjustment_codes"], _bundled)
    around = ccta_of_analysis(lines)
    stands = (around.before >= 0) & (around.days_before <= lookback_days)
    flagged = lines[denied & stands]
    expected = expected_payment(lines, reference)
    ccta = around.before[denied & stands]
    return Outcome(
        flagged=flagged.assign(ccta_date=lines["service_date"].to_numpy()[ccta]),
        not_evaluated=lacking(lines, "paid_cents", unknown.to_numpy(dtype=bool)),
        partner=pd.Series(ccta, index=flagged.index),
        amount=expected.cents[flagged.index],
        amount_basis=expected.basis[flagged.index].astype("str"),
    )
