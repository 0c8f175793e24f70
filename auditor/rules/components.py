"""26, TC and global: each half of a study billed once, by the one who did it."""

import numpy as np
import pandas as pd

from auditor.claim_lines import (
    SEPARATE_SERVICE,
    Mask,
    among,
    blank,
    critical_access,
    each_word,
    global_lines,
    has_modifier,
    imaging,
    institutional,
    is_component,
    professional_lines,
    technical_lines,
    with_two_components,
)
from auditor.extract import Extract
from auditor.matching import group_key, in_order, is_among, nearest, occur_again
from auditor.partners import (
    missing_partner,
    nobodys_half,
    other_partners,
    unjudged_partners,
    wrong_in_facility,
)
from auditor.reference import Reference, day_numbers
from auditor.rule import Outcome, lacking, one_of, rule
from auditor.studies import readings

_MANUAL = "claims-processing-manual-ch13-20"
_ATTACHMENT_A = "pfs-rvu-2025-attachment-a"


@rule(
    severity="review",
    money="missed",
    scope=technical_lines,
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type"],
    sources=[_MANUAL, "se17023"],
    rests_on=["procedure_codes"],
    message="{procedure_code} of {service_date} has no reading: no line with modifier 26 for this "
    "patient and code in the {pairing_days} days from the scan is left for it.",
    remedy="Find the report: bill the reading with modifier 26, or note who reads for you.",
)
def professional_component_missing(
    lines: pd.DataFrame,
    reference: Reference,
    extract: Extract,
    *,
    pairing_days: int = 7,
    search_days: int = 30,
    waiting_days: int = 14,
) -> Outcome:
    """A scan was billed and its reading was not.

    The physician's half of a cardiac CT is billed apart from the scanner's. When nobody bills it,
    work that was done is not paid.
    """
    pairing = readings(lines, pairing_days, search_days)
    day = day_numbers(lines["service_date"])
    alone = pairing.scan & nobodys_half(pairing) & ~pairing.has_global
    unjudged = unjudged_partners(
        lines,
        extract,
        other="professional",
        first_day=day,
        last_day=day + pairing_days,
        waiting_days=waiting_days,
    )
    return missing_partner(
        lines, alone, unjudged, reference, component="professional", claim_type="professional"
    )


@rule(
    severity="review",
    money="missed",
    scope=professional_lines,
    claim_type="professional",
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type"],
    sources=[_MANUAL, "se17023"],
    rests_on=["procedure_codes", "places_of_service"],
    message="Reading of {procedure_code} on {service_date} at place of service {place_of_service} "
    "has no scan: no hospital or TC line of its own in the {pairing_days} days before it.",
    remedy="Ask the hospital whether the scan was billed, and under which code and date.",
)
def technical_component_missing(
    lines: pd.DataFrame,
    reference: Reference,
    extract: Extract,
    *,
    pairing_days: int = 7,
    search_days: int = 30,
    waiting_days: int = 14,
) -> Outcome:
    """A reading was billed and its scan was not.

    In a hospital's outpatient department the hospital bills the scan. When only the reading is
    billed, the larger half of the study is not paid.
    """
    pairing = readings(lines, pairing_days, search_days)
    day = day_numbers(lines["service_date"])
    place = reference.as_of("places_of_service", lines, on=["place_of_service"])
    alone = pairing.reading & nobodys_half(pairing)
    # Elsewhere the scan is on no outpatient line, or on another company's.
    elsewhere = place.found.to_numpy() & ~among(place["hospital_outpatient"], ["yes"])
    unjudged = unjudged_partners(
        lines,
        extract,
        other="institutional",
        first_day=day - pairing_days,
        last_day=day,
        waiting_days=waiting_days,
    )
    outside = elsewhere | unjudged.pop("partner_outside_extract")
    return missing_partner(
        lines,
        alone,
        {
            **lacking(lines, "place_of_service"),
            ("reference_missing", "places_of_service"): ~place.found.to_numpy(),
            "partner_outside_extract": elsewhere,
            **unjudged,
            ("partner_outside_extract", ""): outside,
        },
        reference,
        component="technical",
        claim_type="institutional",
    )


def _facility_outcome(lines: pd.DataFrame, reference: Reference, component: str) -> Outcome:
    wrong, place = wrong_in_facility(lines, reference)
    flagged = wrong & is_component(lines, component)
    sure = among(place["bills_professional_only"], ["yes"])[flagged]
    return Outcome(
        flagged=lines[flagged],
        severity=one_of(sure, "denial", "review", lines.index[flagged]),
        consulted=place,
    )


@rule(
    severity="denial",
    money="at_risk",
    scope=global_lines,
    claim_type="professional",
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type", "place_of_service"],
    sources=[_ATTACHMENT_A, _MANUAL, "cms-place-of-service"],
    denial_codes=["CO-4", "CO-58"],
    rests_on=["procedure_codes", "places_of_service"],
    message="{procedure_code} without modifier 26 at place of service {place_of_service}, "
    "a facility.",
    remedy="Bill the reading alone, with modifier 26 and only once; the facility bills the scan.",
)
def global_billed_in_facility(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """The whole study is billed by a physician inside a facility.

    The facility owns the scanner and bills the technical part itself, so the payer pays a
    physician there for the reading only.
    """
    return _facility_outcome(lines, reference, "global")


@rule(
    severity="denial",
    money="at_risk",
    scope=technical_lines,
    claim_type="professional",
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type", "place_of_service"],
    sources=[_ATTACHMENT_A, _MANUAL, "cms-place-of-service"],
    denial_codes=["CO-58", "CO-B20"],
    rests_on=["procedure_codes", "places_of_service"],
    message="{procedure_code} with modifier TC at place of service {place_of_service}, a facility.",
    remedy="Withdraw the line: the facility bills the scan on its own claim. At 24 this may be the "
    "surgical centre's own line; then keep it.",
)
def technical_component_billed_in_facility(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """The scan is billed by a physician or supplier inside a facility.

    Medicare pays the technical part of a facility's patient to the facility; a TC line on a
    professional claim there is denied or taken back.
    """
    return _facility_outcome(lines, reference, "technical")


@rule(
    severity="denial",
    money="at_risk",
    scope=global_lines,
    claim_type="professional",
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type"],
    sources=[_MANUAL, _ATTACHMENT_A],
    denial_codes=["OA-18", "CO-B20"],
    message="{procedure_code} of {service_date} is billed as a whole, and a part of it again on "
    "{partner_date}.",
    remedy="Find out who owns the scanner and who read: bill either the whole or the two parts.",
)
def global_billed_with_component(
    lines: pd.DataFrame, reference: Reference, *, pairing_days: int = 7
) -> Outcome:
    """The whole study is billed, and a part of it again.

    A global line pays for scan and reading. A 26, TC or hospital line beside it is paid twice, and
    the payer denies or recovers one of them.
    """
    study = group_key(lines, ["patient_id", "procedure_code"])
    day = day_numbers(lines["service_date"])
    in_facility, _ = wrong_in_facility(lines, reference)
    wholes = np.flatnonzero(is_component(lines, "global") & ~in_facility)
    parts = np.flatnonzero(is_component(lines, "technical") | is_component(lines, "professional"))
    parts = parts[is_among(study[parts], study[wholes])]
    same_day = group_key(lines, ["patient_id", "procedure_code", "service_date"])[parts]
    parts = parts[in_order(lines, parts, same_day, by_received=False)]
    best = np.full(len(wholes), -1, dtype=np.int64)
    apart = np.full(len(wholes), pairing_days + 1, dtype=np.int64)
    for after in (False, True):
        found, gap = nearest(study[wholes], day[wholes], study[parts], day[parts], after=after)
        closer = (found >= 0) & (gap < apart)
        best[closer], apart[closer] = parts[found[closer]], gap[closer]
    met = best >= 0
    flagged = lines.iloc[wholes[met]]
    partner = pd.Series(best[met], index=flagged.index)
    return Outcome(
        flagged=flagged.assign(partner_date=lines["service_date"].to_numpy()[best[met]]),
        severity=one_of(apart[met] == 0, "denial", "review", flagged.index),
        partner=partner,
        other_partners=other_partners(lines, partner, parts, study, within=pairing_days),
    )


@rule(
    severity="note",
    money="none",
    scope=with_two_components,
    claim_type="institutional",
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type"],
    sources=[_MANUAL],
    rests_on=["hospital-tc"],
    message="Hospital line {procedure_code} carries {modifiers}; a hospital's line is the "
    "technical part without a modifier.",
    remedy="Remove TC or 26 from the hospital line; the reading is billed on a professional claim, "
    "by a critical access hospital on a line of its own under 096X to 098X.",
)
def component_modifier_on_hospital_line(lines: pd.DataFrame) -> Outcome:
    """26 or TC on a hospital line.

    A hospital bills its part without a component modifier. Medicare's outpatient editor says
    nothing of it, but the modifier misstates the service and other payers may act on it.
    """
    fee = each_word(lines["revenue_code"], lambda code: code[:3] in ("096", "097", "098"))
    no_code, no_bill = blank(lines["revenue_code"]), blank(lines["bill_type"])
    method_two = critical_access(lines) & fee
    may_be = (critical_access(lines) | no_bill) & (fee | no_code) & ~method_two
    technical, reading = has_modifier(lines, ["TC"]), has_modifier(lines, ["26"])
    odd = (technical | reading & ~method_two) & ~(technical & reading)
    scope = with_two_components(lines) & among(lines["claim_type"], ["institutional"])
    # Bill type and revenue code together tell a critical access hospital's fee line.
    unsure = may_be & reading & ~technical
    unknown = lacking(lines, "bill_type", unsure) | lacking(lines, "revenue_code", unsure)
    return Outcome(flagged=lines[scope & odd & ~unsure], not_evaluated=unknown)


@rule(
    severity="denial",
    money="at_risk",
    scope=imaging,
    needs=["modifiers"],
    sources=[_ATTACHMENT_A],
    denial_codes=["CO-4", "N519"],
    message="{procedure_code} carries both 26 and TC.",
    remedy="In a facility bill the physician's line with 26 alone and the hospital's with neither; "
    "elsewhere without a modifier if one owner did both, else as two lines.",
)
def both_components_on_one_line(lines: pd.DataFrame) -> Outcome:
    """26 and TC on one line.

    The two modifiers exclude each other; the payer rejects the combination as invalid.
    """
    both = has_modifier(lines, ["26"]) & has_modifier(lines, ["TC"])
    flagged = lines[imaging(lines) & both]
    # Medicare's outpatient editor looks at no component modifier: there this is advice.
    severity = one_of(institutional(flagged), "review", "denial", flagged.index)
    return Outcome(flagged=flagged, severity=severity)


@rule(
    severity="denial",
    money="at_risk",
    scope=imaging,
    needs=["modifiers"],
    sources=[_ATTACHMENT_A, "pfs-rvu-2025-october"],
    denial_codes=["CO-4", "N519"],
    rests_on=["procedure_codes"],
    message="{procedure_code} carries {modifiers}, but does not split into 26 and TC (PC/TC "
    "indicator {pctc_indicator}).",
    remedy="Remove the component modifier; bill the code that stands for the part that was done.",
)
def component_modifier_not_applicable(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """26 or TC on a code that does not split.

    Only codes with PC/TC indicator 1 have a professional and a technical half. On others the
    modifier is invalid and the line is denied.
    """
    technical, reading = has_modifier(lines, ["TC"]), has_modifier(lines, ["26"])
    whole_code = imaging(lines) & ~among(lines["pctc_indicator"], ["1", ""])
    unknown = among(lines["pctc_indicator"], [""]) & (technical | reading)
    flagged = lines[whole_code & (technical ^ reading)]
    return Outcome(
        flagged=flagged,
        severity=one_of(institutional(flagged), "review", "denial", flagged.index),
        not_evaluated={("reference_missing", "procedure_codes"): unknown},
        reference_rows=reference.of_key("procedure_codes", flagged, on=["procedure_code"]),
    )


def _components(lines: pd.DataFrame) -> Mask:
    """Lines of one component of a code that splits."""
    return with_two_components(lines) & ~among(lines["component"], ["both"])


@rule(
    severity="denial",
    money="at_risk",
    scope=_components,
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type", "billing_npi"],
    sources=[_MANUAL, _ATTACHMENT_A],
    denial_codes=["OA-18"],
    message="The {component} part of {procedure_code} on {service_date} was already billed by "
    "another provider.",
    remedy="Find out who did the work; the other withdraws the line. If it was repeated, the "
    "record decides on modifier 76 or 77.",
)
def component_billed_twice(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """One part of a study is billed by two providers.

    A study has one scan and one reading a day. The payer pays the first claim it sees and denies
    the second as a duplicate, unless a modifier says that the work was repeated.
    """
    in_facility, _ = wrong_in_facility(lines, reference)
    denied = lines["denied"].to_numpy(dtype=bool)
    counted = np.flatnonzero(
        _components(lines)
        & ~denied
        & ~in_facility
        & ~has_modifier(lines, SEPARATE_SERVICE)
        & ~among(lines["billing_npi"], [""])
    )
    part = group_key(lines, ["patient_id", "procedure_code", "service_date", "component"])
    counted = counted[occur_again(part[counted])]
    order = in_order(lines, counted, part[counted])
    npi = lines["billing_npi"].cat.codes.to_numpy()
    later = pd.DataFrame({"part": part[counted][order], "npi": npi[counted][order]})
    place = pd.Series(np.arange(len(later)))
    first = place.groupby(later["part"]).transform("first").to_numpy()
    other = later["npi"].to_numpy() != later["npi"].to_numpy()[first]
    # The first line by somebody else; later lines of the first provider repeat that one.
    stranger = place.where(other).groupby(later["part"]).cummin().groupby(later["part"]).ffill()
    repeats = ~other & (place.to_numpy() > stranger.fillna(np.inf).to_numpy())
    partner = np.where(other, first, stranger.fillna(-1).to_numpy(dtype=np.int64))
    hit = np.flatnonzero(other | repeats)
    flagged = lines.iloc[counted[order[hit]]]
    named = pd.Series(counted[order[partner[hit]]], index=flagged.index)
    return Outcome(flagged=flagged, partner=named)


def _behind(cell: str) -> bool:
    words = cell.split()
    return any(word in ("26", "TC") for word in words[1:]) and not {"26", "TC"} <= set(words)


@rule(
    severity="note",
    money="none",
    scope=with_two_components,
    needs=["modifiers"],
    sources=[_MANUAL],
    message="{procedure_code} carries {modifiers}: the component modifier stands behind another.",
    remedy="Put 26 or TC first: it decides the payment. Most hospital lines are to drop it.",
)
def component_modifier_not_first(lines: pd.DataFrame) -> Outcome:
    """26 or TC behind another modifier.

    Modifiers that decide the payment belong first. Some payers price a line by its first modifier
    alone and pay the wrong half, or the whole.
    """
    behind = with_two_components(lines) & each_word(lines["modifiers"], _behind)
    return Outcome(flagged=lines[behind])
