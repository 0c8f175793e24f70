"""What the rules about 26, TC and global ask."""

import numpy as np

from auditor.claim_lines import SEPARATE_SERVICE, Mask, is_component
from auditor.conditions.seen import Condition, Seen
from auditor.partners import nobodys_half, wrong_in_facility
from auditor.studies import Readings, readings


def _pairing(seen: Seen) -> Readings:
    return readings(seen.lines, seen.settings["pairing_days"], seen.settings["search_days"])


def _component(seen: Seen, wanted: str) -> Condition:
    found = seen.shown("component")
    return Condition(
        f"it is the {found} component; asked for: {wanted}",
        seen.true_of(is_component(seen.lines, wanted)),
    )


def _alone(seen: Seen, other: str) -> list[Condition]:
    """The other half is nowhere near, and may be called missing by now."""
    pairing, limits = _pairing(seen), seen.settings
    around = pairing.loose_before[seen.at], pairing.loose_after[seen.at]
    loose = [int(place) for place in around if place >= 0]
    partner = int(pairing.partner[seen.at])
    days, waiting = seen.extract.as_of_day - int(seen.days[seen.at]), limits["waiting_days"]
    missing = seen.true_of(nobodys_half(pairing))
    return [
        Condition(
            f"no {other} half of the study in its window of {limits['pairing_days']} days: "
            f"{seen.named([partner] if partner >= 0 else [])}",
            partner < 0,
        ),
        Condition(
            f"no unpaired {other} half within {limits['search_days']} days: {seen.named(loose)}",
            not loose,
        ),
        Condition(
            "it repeats no line of the same day whose other half was found",
            missing or partner >= 0 or bool(loose),
        ),
        Condition(
            f"it is {days} days old on {seen.extract.as_of}; asked for: more than {waiting}",
            days > waiting,
        ),
    ]


def _at_hand(seen: Seen, claim_type: str, first: int, last: int) -> list[Condition]:
    """The lines at hand would show the other half."""
    span = seen.extract.spans.get(claim_type)
    covered = span is not None and span.first_day <= first and last <= span.last_day
    npi = seen.text("billing_npi")
    return [
        Condition(
            f"the {claim_type} lines at hand cover the days in which it would stand", covered
        ),
        Condition(
            f"billing NPI {npi or 'none'} finds the other half of some study in this run",
            npi in seen.extract.pairing_npis,
        ),
    ]


def professional_component_missing(seen: Seen) -> list[Condition]:
    """A scan alone."""
    day, window = int(seen.days[seen.at]), seen.settings["pairing_days"]
    whole = _pairing(seen).has_global[seen.at]
    return [
        _component(seen, "technical"),
        *_alone(seen, "professional"),
        Condition("nobody bills the study as a whole near by", not whole),
        *_at_hand(seen, "professional", day, day + window),
    ]


def technical_component_missing(seen: Seen) -> list[Condition]:
    """A reading alone in a hospital's outpatient department."""
    day, window = int(seen.days[seen.at]), seen.settings["pairing_days"]
    return [
        _component(seen, "professional"),
        _place(seen, "hospital_outpatient", ("yes",)),
        *_alone(seen, "technical"),
        *_at_hand(seen, "institutional", day - window, day),
    ]


def _place(seen: Seen, column: str, wanted: tuple[str, ...]) -> Condition:
    place = seen.reference.as_of("places_of_service", seen.lines, on=["place_of_service"])
    found = str(place[column].iloc[seen.at])
    return Condition(
        f"place of service {seen.shown('place_of_service')} has {column.replace('_', ' ')} "
        f"{found or 'unknown'}; asked for: {' or '.join(wanted)}",
        found in wanted,
    )


def global_billed_in_facility(seen: Seen) -> list[Condition]:
    """The whole study at a facility."""
    return [_component(seen, "global"), _place(seen, "bills_professional_only", ("yes", "review"))]


def technical_component_billed_in_facility(seen: Seen) -> list[Condition]:
    """The scan at a facility, on a professional claim."""
    place = _place(seen, "bills_professional_only", ("yes", "review"))
    return [_component(seen, "technical"), place]


def _not_by_facility_rules(seen: Seen) -> Condition:
    wrong, _ = wrong_in_facility(seen.lines, seen.reference)
    return Condition("the rules about facilities don't flag the line", not seen.true_of(wrong))


def global_billed_with_component(seen: Seen) -> list[Condition]:
    """A part of the same study near by."""
    within = seen.settings["pairing_days"]
    parts = is_component(seen.lines, "technical") | is_component(seen.lines, "professional")
    near = np.abs(seen.days - seen.days[seen.at]) <= within
    met = seen.others(parts & near & seen.alike("procedure_code"))
    return [
        _component(seen, "global"),
        _not_by_facility_rules(seen),
        Condition(
            f"a part of the study is billed within {within} days: {seen.named(met)}", len(met) > 0
        ),
    ]


def component_modifier_on_hospital_line(seen: Seen) -> list[Condition]:
    """TC, or 26 elsewhere than on a critical access hospital's fee line."""
    words = {"26", "TC"} & set(seen.words("modifiers"))
    bill, revenue = seen.text("bill_type"), seen.text("revenue_code")
    fee = bill.startswith("085") and revenue[:3] in ("096", "097", "098")
    return [
        Condition(
            f"it carries either 26 or TC: modifiers {seen.shown('modifiers')}", len(words) == 1
        ),
        Condition(
            "it is TC, or 26 on no critical access hospital's fee line (85X with 096X to 098X): "
            f"bill type {bill or 'none'}, revenue code {revenue or 'none'}",
            "TC" in words or not fee,
        ),
    ]


def both_components_on_one_line(seen: Seen) -> list[Condition]:
    """26 and TC."""
    return [
        seen.carries(["26"], "it carries 26"),
        seen.carries(["TC"], "it carries TC"),
    ]


def component_modifier_not_applicable(seen: Seen) -> list[Condition]:
    """26 or TC on a code that doesn't split."""
    words = {"26", "TC"} & set(seen.words("modifiers"))
    indicator = seen.shown("pctc_indicator")
    return [
        Condition(
            f"it carries either 26 or TC: modifiers {seen.shown('modifiers')}", len(words) == 1
        ),
        Condition(f"its PC/TC indicator is {indicator}; asked for: not 1", indicator != "1"),
    ]


def _counted_parts(seen: Seen) -> Mask:
    """Lines that count as a billed component: by a known provider, not denied, not repeated."""
    wrong, _ = wrong_in_facility(seen.lines, seen.reference)
    separate = [
        not SEPARATE_SERVICE.isdisjoint(str(cell).split()) for cell in seen.lines["modifiers"]
    ]
    counted: Mask = seen.lines["billing_npi"].ne("").to_numpy(dtype=bool, copy=True)
    counted &= ~seen.lines["denied"].to_numpy(dtype=bool) & ~wrong & ~np.array(separate, dtype=bool)
    return counted


def component_billed_twice(seen: Seen) -> list[Condition]:
    """An earlier line of the same part by another provider."""
    same = seen.alike("service_date", "procedure_code", "component")
    stranger = ~seen.alike("billing_npi")
    before = seen.earlier(same & stranger & _counted_parts(seen))
    return [
        seen.is_one_of("component", ["professional", "technical", "global"]),
        seen.paid_or_open(),
        _not_by_facility_rules(seen),
        seen.carries_none(
            SEPARATE_SERVICE,
            f"no modifier says that it was done again or apart: {seen.shown('modifiers')}",
        ),
        Condition(
            "another provider billed the same part of the study before: " + seen.named(before),
            len(before) > 0,
        ),
    ]


def component_modifier_not_first(seen: Seen) -> list[Condition]:
    """26 or TC, and not in front."""
    words = seen.words("modifiers")
    components = {"26", "TC"} & set(words)
    said = f"modifiers in order: {' '.join(words) or 'none'}"
    return [
        Condition(f"it carries either 26 or TC; {said}", len(components) == 1),
        Condition(f"26 or TC is not the first; {said}", bool(components - set(words[:1]))),
    ]
