"""Coverage: what the payer wants with the claim before it pays."""

import numpy as np
import pandas as pd

from auditor.claim_lines import (
    FFRCT_STUDY,
    Mask,
    among,
    any_line,
    blank,
    each_word,
    ffrct_lines,
    has_code,
    institutional,
    named_payer,
    professional,
)
from auditor.contractors import AMBIGUOUS, jurisdiction_of
from auditor.matching import beside
from auditor.reference import Reference
from auditor.rule import Outcome, Reasons, lacking, lacks_column, rule
from auditor.studies import ccta_around

_PAYER_TYPES = frozenset({"MEDICARE", "MEDICARE_ADVANTAGE", "MEDICAID", "COMMERCIAL", "OTHER"})


def _medicare_ffrct(lines: pd.DataFrame) -> Mask:
    """FFR-CT lines for Medicare."""
    return has_code(lines, FFRCT_STUDY) & among(lines["payer_type"], ["medicare", ""])


@rule(
    severity="review",
    money="at_risk",
    scope=_medicare_ffrct,
    needs=["payer_type", "attachment_control_number"],
    needs_value=["payer_type"],
    sources=["manufacturer-guide-2025"],
    denial_codes=["CO-252", "N706"],
    rests_on=["case_by_case_jurisdictions", "mac_states"],
    message="{procedure_code} of {service_date} in jurisdiction {jurisdiction} has no paperwork "
    "number.",
    remedy="Send the report with the claim and put its control number into the PWK segment.",
)
def paperwork_missing(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """FFR-CT without paperwork where the contractor decides case by case.

    Some Medicare contractors have no policy for FFR-CT and decide on each claim. Without the
    report they ask for it, and deny the line when nothing comes in time.
    """
    jurisdiction = jurisdiction_of(lines, reference)
    rows = reference.as_of(
        "case_by_case_jurisdictions",
        lines[["service_date", "claim_type", "service"]].assign(jurisdiction=jurisdiction),
        on=["jurisdiction", "service"],
    )
    scope = _medicare_ffrct(lines)
    none_given = blank(lines["attachment_control_number"])
    missing = scope & rows.found.to_numpy() & none_given
    ambiguous = among(jurisdiction, [AMBIGUOUS]) & none_given
    unknown = among(jurisdiction, [""]) & none_given
    return Outcome(
        flagged=lines[missing].assign(jurisdiction=jurisdiction[missing].astype("str")),
        not_evaluated={
            **lacking(lines, "service_state", unknown),
            **lacking(lines, "service_zip", ambiguous),
            ("reference_missing", "mac_states"): ambiguous | unknown,
            ("reference_stale", "case_by_case_jurisdictions"): rows.stale & none_given,
        },
        stale=("case_by_case_jurisdictions", rows.stale),
        reference_rows=rows.take(np.flatnonzero(missing)),
    )


def _needs_authorization(lines: pd.DataFrame) -> Mask:
    """CCTA and FFR-CT lines other than readings, for payers that authorize."""
    service = among(lines["service"], ["ccta", "ffrct"])
    payer = among(lines["payer_type"], ["commercial", "medicare_advantage", ""])
    reading = among(lines["pctc_indicator"], ["2"])
    return service & payer & ~reading & among(lines["component"], ["technical", "global", ""])


@rule(
    severity="review",
    money="at_risk",
    scope=_needs_authorization,
    needs=["claim_type", "payer_type", "authorization_number"],
    needs_value=["claim_type", "payer_type"],
    sources=["x12-carc"],
    denial_codes=["CO-197"],
    message="{procedure_code} of {service_date} for {payer} has no authorization number.",
    remedy="Find the authorization and put it on the claim; if there is none, ask whether the "
    "payer needs one for this code.",
)
def authorization_missing(lines: pd.DataFrame) -> Outcome:
    """A study for a payer that asks for prior authorization, without its number.

    Commercial and Medicare Advantage payers authorize cardiac CT in advance; without the number
    the line is denied. Emergency patients are exempt.
    """
    missing = _needs_authorization(lines) & blank(lines["authorization_number"])
    emergency_room = each_word(lines["revenue_code"], lambda code: code.startswith("045"))
    emergency = beside(lines, missing, emergency_room) | among(lines["place_of_service"], ["23"])
    missing &= ~emergency
    # Without modifiers nobody can tell a reading, which needs no number of its own, and without
    # the place of service or revenue codes no emergency.
    untold: Reasons = {
        ("column_missing", "modifiers"): missing & among(lines["component"], [""]),
        **lacking(lines, "place_of_service", missing & professional(lines)),
        ("column_missing", "revenue_code"): missing
        & institutional(lines)
        & lacks_column(lines, "revenue_code"),
    }
    flagged = lines[missing & ~np.any(list(untold.values()), axis=0)]
    return Outcome(
        flagged=flagged.assign(payer=named_payer(flagged)),
        not_evaluated=untold,
    )


@rule(
    severity="review",
    money="at_risk",
    scope=ffrct_lines,
    needs=["authorization_number"],
    sources=["x12-carc"],
    denial_codes=["CO-284"],
    message="FFR-CT {procedure_code} of {service_date} carries the authorization number of its "
    "CCTA, and {payer} authorizes each code.",
    remedy="Ask the payer for an authorization of the FFR-CT itself.",
)
def authorization_shared_with_ccta(
    lines: pd.DataFrame, *, authorizes_by_code: tuple[str, ...] = (), lookback_days: int = 90
) -> Outcome:
    """FFR-CT under the authorization of the CCTA.

    Some payers authorize code by code. The number for the scan then does not cover the analysis,
    and the line is denied. The settings name those payers or payer types.
    """
    wanted = frozenset(word.upper() for word in authorizes_by_code)
    by_code = each_word(lines["payer"], lambda word: word.upper() in wanted)
    by_code |= each_word(lines["payer_type"], lambda word: word.upper() in wanted)
    # A payer without a name may be one of those named.
    nameless = blank(lines["payer"]) & ~by_code
    untold = nameless & (blank(lines["payer_type"]) | (not wanted <= _PAYER_TYPES))
    untold &= bool(wanted)
    numbered = ffrct_lines(lines) & (by_code | untold) & ~blank(lines["authorization_number"])
    scans = ccta_around(lines, numbered, any_line(lines), ("patient_id", "authorization_number"))
    shared = numbered & (scans.before >= 0) & (scans.days_before <= lookback_days)
    flagged = lines[shared & by_code]
    return Outcome(
        flagged=flagged.assign(payer=named_payer(flagged)),
        not_evaluated=lacking(lines, "payer", shared & untold),
        partner=pd.Series(scans.before[shared & by_code], index=flagged.index),
    )
