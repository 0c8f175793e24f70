"""Revenue codes of hospital lines: filled, well formed, and fit for the service and the date."""

import re
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.caching import computed_once
from auditor.claim_lines import (
    Mask,
    among,
    blank,
    coded,
    critical_access,
    each_word,
    ffrct_lines,
    has_code,
    in_family,
    institutional,
    same_word,
)
from auditor.reference import InForce, Ints, Reference
from auditor.rule import Outcome, lacking, one_of, rule
from auditor.studies import ccta_of_hospital

_FIT = ("acc-2025-01-07", "transmittal-12421")


def _well_formed(code: str) -> bool:
    return re.fullmatch("[0-9]{4}", code) is not None


@rule(
    severity="denial",
    money="at_risk",
    scope=in_family,
    claim_type="institutional",
    needs=["claim_type", "revenue_code"],
    needs_value=["claim_type"],
    sources=["claims-processing-manual-ch25-75"],
    denial_codes=["CO-16", "M50"],
    message="{procedure_code} on a hospital claim has no revenue code.",
    remedy="Add the four-digit revenue code of the department that did the study.",
)
def revenue_code_missing(lines: pd.DataFrame) -> Outcome:
    """A hospital line without a revenue code.

    Every line of an institutional claim needs a revenue code; without it the payer returns the
    claim unprocessed.
    """
    hospital = in_family(lines) & institutional(lines)
    return Outcome(flagged=lines[hospital & blank(lines["revenue_code"])])


@rule(
    severity="denial",
    money="at_risk",
    scope=in_family,
    claim_type="institutional",
    needs=["claim_type"],
    needs_value=["claim_type", "revenue_code"],
    sources=["claims-processing-manual-ch25-75"],
    denial_codes=["CO-16", "M50"],
    rests_on=["placeholder-048x"],
    message="Revenue code {revenue_code} on {procedure_code} is not four digits.",
    remedy="Enter the four-digit code; a placeholder such as 048X names a family, not a code.",
)
def revenue_code_malformed(lines: pd.DataFrame) -> Outcome:
    """A revenue code that is not four digits.

    A claim needs a full code such as 0480 or 0489. A family such as 048X, or a code that lost
    digits, is returned. A single lost leading zero is restored when the export is read.
    """
    hospital = in_family(lines) & institutional(lines) & ~blank(lines["revenue_code"])
    return Outcome(flagged=lines[hospital & ~each_word(lines["revenue_code"], _well_formed)])


@computed_once
def _fit(lines: pd.DataFrame, reference: Reference) -> InForce:
    return reference.as_of("revenue_code_fit", lines, on=["procedure_code", "revenue_code"])


def _returned(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines that the edit of their payer in force on their date returned for their revenue code."""
    edit = reference.as_of("revenue_code_edits", lines, on=["procedure_code", "payer_type"])
    groups = edit["accepted_groups"]
    refused = np.zeros(len(lines), dtype=bool)
    for accepted in groups.cat.categories:
        passes = each_word(lines["revenue_code"], _in_groups(accepted))
        if accepted:
            refused |= among(groups, [accepted]) & ~passes
    return refused & each_word(lines["revenue_code"], _well_formed)


def _in_groups(accepted: str) -> Callable[[str], bool]:
    wanted = frozenset(group.rstrip("X") for group in accepted.split())
    return lambda code: code[:3] in wanted


@rule(
    severity="review",
    money="at_risk",
    scope=in_family,
    claim_type="institutional",
    needs=["claim_type"],
    needs_value=["claim_type", "revenue_code"],
    sources=_FIT,
    denial_codes=["CO-199", "M50"],
    rests_on=["revenue_code_fit", "revenue_code_edits"],
    message="Revenue code {revenue_code} on {procedure_code} of {service_date}: {why}.",
    remedy="Correct the chargemaster: cardiac CT and FFR-CT belong under 0480 or 0489 from 2024, "
    "cardiac CT under 0350, 0352, 0359, 0320 or 0329 before.",
)
def revenue_code_unexpected(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """A revenue code that does not belong to the service.

    The code names another department or body part, or, for dates to the end of 2023, one that
    Medicare's edit for cardiac CT returned. Payers question the combination.
    """
    hospital = in_family(lines) & institutional(lines) & ~blank(lines["revenue_code"])
    fit, returned = _fit(lines, reference), _returned(lines, reference)
    not_here = among(fit["fit"], ["unexpected_on_opps"])
    strange = among(fit["fit"], ["unexpected"]) | not_here & ~critical_access(lines)
    # Only a critical access hospital's bill type excuses a professional fee code.
    unknown_bill = not_here & blank(lines["bill_type"])
    # Whose payer is unknown may be Medicare's.
    if_medicare = lines[["procedure_code", "revenue_code", "service_date", "claim_type"]].assign(
        payer_type=same_word("medicare", len(lines))
    )
    unknown_payer = blank(lines["payer_type"]) & _returned(if_medicare, reference) & ~strange
    flagged = hospital & (strange & ~unknown_bill | returned)
    unjudged = hospital & ~returned & (among(fit["fit"], ["review"]) | ~fit.found.to_numpy())
    on_returned = returned[flagged]
    return Outcome(
        flagged=lines[flagged].assign(
            why=np.where(
                on_returned,
                "Medicare returned cardiac CT without 035X or 032X until 2023-12-31",
                "it names another department or body part",
            )
        ),
        severity=one_of(on_returned, "denial", "review", lines.index[flagged]),
        not_evaluated={
            **lacking(lines, "bill_type", unknown_bill & hospital),
            **lacking(lines, "payer_type", unknown_payer & hospital),
            ("reference_missing", "revenue_code_fit"): unjudged,
        },
        consulted=fit,
    )


@rule(
    severity="note",
    money="missed",
    scope=in_family,
    claim_type="institutional",
    needs=["claim_type"],
    needs_value=["claim_type", "revenue_code"],
    sources=_FIT,
    rests_on=["revenue_code_fit"],
    message="{procedure_code} of {service_date} under {revenue_code}: accepted, but "
    "{preferred_code} is preferred, for the cost ratio from which the rate is set.",
    remedy="Talk to the chargemaster owner about {preferred_code}; nothing is wrong with this "
    "claim.",
)
def revenue_code_not_preferred(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """A revenue code that is accepted where another serves better.

    CMS sets future rates from the cost ratios of the departments under which services are billed.
    Cardiac CT under CT or general radiology pulls its own rate down. It is never denied for it.
    """
    hospital = in_family(lines) & institutional(lines) & ~blank(lines["revenue_code"])
    fit = _fit(lines, reference)
    unjudged = among(fit["fit"], ["review"]) | ~fit.found.to_numpy()
    accepted = hospital & among(fit["fit"], ["accepted"])
    preferred = _preferred(lines[accepted], reference)
    flagged = lines[accepted].assign(preferred_code=preferred)
    return Outcome(
        flagged=flagged[preferred != ""],
        not_evaluated={("reference_missing", "revenue_code_fit"): hospital & unjudged},
        consulted=fit,
    )


def _preferred(lines: pd.DataFrame, reference: Reference) -> npt.NDArray[np.object_]:
    """The revenue codes that are preferred for each line's code on its date; blank without one."""
    rows = reference.table("revenue_code_fit").rows
    day = lines["service_date"]
    named = np.full(len(lines), "", dtype=object)
    for row in rows[rows["fit"] == "preferred"].sort_values("revenue_code").to_dict("records"):
        begun = day >= pd.Timestamp(row["effective_from"] or "1900-01-01")
        here = begun & (day <= pd.Timestamp(row["effective_to"] or "2200-01-01"))
        named[here & has_code(lines, [row["procedure_code"]])] += f", {row['revenue_code']}"
    codes, words = pd.factorize(named)
    return np.array([" or ".join(word[2:].rsplit(", ", 1)) for word in words], dtype=object)[codes]


def _group_of(revenue_code: "pd.Series[str]") -> Ints:
    """A number for each line's group of revenue codes, its first three digits."""
    codes, words = coded(revenue_code)
    group: Ints = pd.factorize(np.array([word[:3] for word in words], dtype=object))[0][codes]
    return group


@rule(
    severity="note",
    money="none",
    scope=ffrct_lines,
    claim_type="institutional",
    needs=["claim_type"],
    needs_value=["claim_type", "revenue_code", "billing_npi"],
    sources=_FIT,
    message="FFR-CT of {service_date} stands under {revenue_code}, its CCTA under {ccta_revenue}.",
    remedy="Ask the chargemaster owner whether both belong to one department.",
)
def episode_cost_centers_differ(lines: pd.DataFrame, *, lookback_days: int = 90) -> Outcome:
    """CCTA and its FFR-CT stand under different departments.

    One episode under two cost centres splits its costs over two ratios; the rates that CMS sets
    from them fit neither.
    """
    asking, scans = ccta_of_hospital(lines)
    near = asking & (scans.before >= 0) & (scans.days_before <= lookback_days)
    well_formed = each_word(lines["revenue_code"], _well_formed)
    places = np.flatnonzero(near)
    partner = scans.before[places]
    known = well_formed[places] & well_formed[partner]
    group = _group_of(lines["revenue_code"])
    apart = group[places] != group[partner]
    flagged = lines.iloc[places[known & apart]]
    unknown = np.zeros(len(lines), dtype=bool)
    unknown[places[~known]] = True
    return Outcome(
        flagged=flagged.assign(
            ccta_revenue=lines["revenue_code"].iloc[partner[known & apart]].astype("str").to_numpy()
        ),
        not_evaluated={("value_missing", "revenue_code"): unknown},
        partner=pd.Series(partner[known & apart], index=flagged.index),
    )


@rule(
    severity="note",
    money="none",
    scope=in_family,
    claim_type="professional",
    needs=["claim_type", "revenue_code"],
    needs_value=["claim_type"],
    sources=["claims-processing-manual-ch25-75"],
    message="Professional line {procedure_code} carries revenue code {revenue_code}.",
    remedy="Check the interface: a professional claim has no revenue code.",
)
def revenue_code_on_professional_line(lines: pd.DataFrame) -> Outcome:
    """A revenue code on a professional line.

    Professional claims have no field for it; a filled one shows that lines of the two claim types
    are mixed up on the way from the charge to the claim.
    """
    physician = in_family(lines) & among(lines["claim_type"], ["professional"])
    return Outcome(flagged=lines[physician & ~blank(lines["revenue_code"])])
