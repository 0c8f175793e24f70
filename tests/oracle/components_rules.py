"""26, TC and global, restated."""

from datetime import date

from tests.oracle.lines import SEPARATE, Line, days_between
from tests.oracle.money import absent
from tests.oracle.run import Run, days
from tests.oracle.tables import in_force, look_up
from tests.oracle.verdicts import CLEAN, OracleRule, Verdict, flag, unknown


def of_study(line: Line, mine: list[Line]) -> list[Line]:
    return [o for o in mine if o is not line and o.code == line.code and o.two_components]


def unjudged(line: Line, run: Run, kind: str, first: date, last: date) -> Verdict | None:
    """Why the other half can't be called missing: too young, or in a file that was not given."""
    span = run.spans.get(kind)
    if span is None:
        return unknown("partner_outside_extract")
    if (run.as_of - line.service_date).days <= run.options.waiting:
        return unknown("awaiting_partner")
    if not line.npi:
        told = "billing_npi" in line.given
        return unknown("value_missing" if told else "column_missing", "billing_npi")
    if first < span[0] or last > span[1] or line.npi not in run.pairing_npis:
        return unknown("partner_outside_extract")
    return None


def facility_word(line: Line) -> str:
    row = in_force("places_of_service", line.service_date, place_of_service=line.place_of_service)
    return row["bills_professional_only"] if row else ""


def billed_in_facility(line: Line) -> bool:
    """Whether one of the two facility rules flags the line."""
    return (
        line.physician
        and line.two_components
        and line.component in ("global", "technical")
        and facility_word(line) in ("yes", "review")
    )


def half_is_known(line: Line, mine: list[Line]) -> bool:
    """Whether the line is paired, or repeats a paired line of its day.

    A scan that was done again, as its modifier says, repeats none and is repeated by none.
    """
    return line.partner is not None or any(
        other.partner
        and other.component == line.component
        and other.service_date == line.service_date
        and not (done_again(line) or done_again(other))
        for other in of_study(line, mine)
    )


def done_again(line: Line) -> bool:
    return line.component == "technical" and bool(SEPARATE & set(line.modifiers))


def professional_component_missing(line: Line, mine: list[Line], run: Run) -> Verdict:
    if half_is_known(line, mine):
        return CLEAN
    study = of_study(line, mine)
    for other in study:
        gap = abs(days_between(line, other))
        alone = other.component == "professional" and other.partner is None
        if gap <= run.options.search and (alone or other.component == "global"):
            return CLEAN
    day = line.service_date
    why_not = unjudged(line, run, "professional", day, day + days(run.options.pairing))
    if why_not:
        return why_not
    return flag("review", "missed", absent(line, "professional"), own_amount=True)


def technical_component_missing(line: Line, mine: list[Line], run: Run) -> Verdict:
    if half_is_known(line, mine):
        return CLEAN
    for other in of_study(line, mine):
        alone = other.component == "technical" and other.partner is None
        if alone and abs(days_between(line, other)) <= run.options.search:
            return CLEAN
    day = line.service_date
    if not line.place_of_service:
        told = "place_of_service" in line.given
        return unknown("value_missing" if told else "column_missing", "place_of_service")
    if not facility_word(line):
        return unknown("reference_missing", "places_of_service")
    if line.place_of_service not in ("19", "22", "23"):
        return unknown("partner_outside_extract")
    why_not = unjudged(line, run, "institutional", day - days(run.options.pairing), day)
    if why_not:
        return why_not
    return flag("review", "missed", absent(line, "technical"), own_amount=True)


def billed_in_facility_rule(line: Line, mine: list[Line], run: Run) -> Verdict:
    found = look_up(
        "places_of_service", line.service_date, "", place_of_service=line.place_of_service
    )
    if found.row is None:
        return unknown("reference_missing", "places_of_service")
    severity = {"yes": "denial", "review": "review"}.get(found["bills_professional_only"])
    return flag(severity, "at_risk") if severity else CLEAN


def global_billed_with_component(line: Line, mine: list[Line], run: Run) -> Verdict:
    if billed_in_facility(line):
        return CLEAN
    gaps = [
        abs(days_between(line, other))
        for other in of_study(line, mine)
        if other.component in ("professional", "technical")
    ]
    if not gaps or min(gaps) > run.options.pairing:
        return CLEAN
    return flag("denial" if min(gaps) == 0 else "review", "at_risk")


def component_modifier_on_hospital_line(line: Line, mine: list[Line], run: Run) -> Verdict:
    fee = line.critical_access and line.revenue_code[:3] in ("096", "097", "098")
    both = {"26", "TC"} <= set(line.modifiers)
    if set(line.modifiers) & {"26", "TC"} == {"26"} and not fee:
        maybe_fee = not line.revenue_code or line.revenue_code[:3] in ("096", "097", "098")
        if (line.critical_access or not line.bill_type) and maybe_fee:
            name = "revenue_code" if line.bill_type else "bill_type"
            return unknown("value_missing" if name in line.given else "column_missing", name)
    wrong = "TC" in line.modifiers or ("26" in line.modifiers and not fee)
    return flag("note", "none") if wrong and not both else CLEAN


def both_components_on_one_line(line: Line, mine: list[Line], run: Run) -> Verdict:
    severity = "review" if line.hospital else "denial"
    return flag(severity, "at_risk") if {"26", "TC"} <= set(line.modifiers) else CLEAN


def component_modifier_not_applicable(line: Line, mine: list[Line], run: Run) -> Verdict:
    carried = {"26", "TC"} & set(line.modifiers)
    if len(carried) == 1 and not line.two_components:
        return flag("review" if line.hospital else "denial", "at_risk")
    return CLEAN


def component_billed_twice(line: Line, mine: list[Line], run: Run) -> Verdict:
    if not counts_twice(line):
        return CLEAN
    for other in of_study(line, mine):
        if (
            other.component == line.component
            and other.service_date == line.service_date
            and other.npi
            and other.npi != line.npi
            and counts_twice(other)
            and other.later < line.later
        ):
            return flag("denial", "at_risk")
    return CLEAN


def counts_twice(line: Line) -> bool:
    return not line.denied and not SEPARATE & set(line.modifiers) and not billed_in_facility(line)


def component_modifier_not_first(line: Line, mine: list[Line], run: Run) -> Verdict:
    behind = any(word in ("26", "TC") for word in line.modifiers[1:])
    return flag("note", "none") if behind and line.modifiers[0] not in ("26", "TC") else CLEAN


def is_technical(line: Line) -> bool:
    return line.two_components and line.component in ("technical", "")


def is_professional(line: Line) -> bool:
    return line.two_components and line.component in ("professional", "")


def is_global(line: Line) -> bool:
    return line.two_components and line.component in ("global", "")


def any_component(line: Line) -> bool:
    return line.two_components and line.component != "both"


NEEDS = ("claim_type", "modifiers")
TYPE = ("claim_type",)
PLACED = ("claim_type", "place_of_service")

RULES = (
    OracleRule(
        "professional_component_missing",
        is_technical,
        professional_component_missing,
        needs=NEEDS,
        needs_value=TYPE,
    ),
    OracleRule(
        "technical_component_missing",
        is_professional,
        technical_component_missing,
        "professional",
        NEEDS,
        TYPE,
    ),
    OracleRule(
        "global_billed_in_facility",
        is_global,
        billed_in_facility_rule,
        "professional",
        NEEDS,
        PLACED,
    ),
    OracleRule(
        "technical_component_billed_in_facility",
        is_technical,
        billed_in_facility_rule,
        "professional",
        NEEDS,
        PLACED,
    ),
    OracleRule(
        "global_billed_with_component",
        is_global,
        global_billed_with_component,
        "professional",
        NEEDS,
        TYPE,
    ),
    OracleRule(
        "component_modifier_on_hospital_line",
        lambda line: line.two_components,
        component_modifier_on_hospital_line,
        "institutional",
        NEEDS,
        TYPE,
    ),
    OracleRule(
        "both_components_on_one_line",
        lambda line: line.imaging,
        both_components_on_one_line,
        needs=("modifiers",),
    ),
    OracleRule(
        "component_modifier_not_applicable",
        lambda line: line.imaging,
        component_modifier_not_applicable,
        needs=("modifiers",),
    ),
    OracleRule(
        "component_billed_twice",
        any_component,
        component_billed_twice,
        needs=NEEDS,
        needs_value=("claim_type", "billing_npi"),
    ),
    OracleRule(
        "component_modifier_not_first",
        lambda line: line.two_components,
        component_modifier_not_first,
        needs=("modifiers",),
    ),
)
