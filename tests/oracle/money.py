"""Expected payments and the amount of a finding, in exact fractions of a cent."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Decimal

from tests.oracle.lines import FFRCT, PLAQUE, Line
from tests.oracle.tables import Found, in_force, is_stale, look_up
from tests.oracle.verdicts import Verdict, unknown

STANDARD = {"variant": "standard"}
# Modifier CT takes from a scan; software has no scanner.
BY_SOFTWARE = FFRCT | PLAQUE | {"76376", "76377"}


@dataclass(frozen=True)
class Price:
    """What is expected for all units of a line, in cents; else None and why."""

    cents: int | None
    why: Verdict | None = None


def whole(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))


def expected(line: Line, mine: list[Line]) -> Price:
    """The expected payment of a line as billed."""
    price = priced(line, mine)
    table = "opps_rates" if line.hospital else "pfs_rates"
    no_rate = price.why is not None and price.why.reason == "reference_missing"
    if no_rate and line.payer_type == "medicare" and is_stale(table, line.service_date):
        return Price(None, unknown("reference_stale", table))
    return price


def priced(line: Line, mine: list[Line]) -> Price:
    if line.physician and "modifiers" not in line.given:
        return Price(None, unknown("column_missing", "modifiers"))
    if line.payer_type != "medicare":
        return Price(None, unknown("reference_missing", "contract_rates"))
    if line.hospital:
        return hospital_price(line, mine)
    if line.physician and line.component in ("professional", "technical", "global"):
        return physician_price(line, line.component)
    return Price(None, unknown("reference_missing"))


def times(line: Line, unit_cents: Decimal) -> Price:
    """The price of all units; nothing is expected for none, nor for a credit."""
    if line.units is None or line.units <= 0:
        return Price(None, unknown("reference_missing", "units"))
    return Price(int((unit_cents * line.units).quantize(Decimal(1), ROUND_HALF_EVEN)))


def of_table(found: Found, column: str) -> Verdict | None:
    if found.row and found.row[column]:
        return None
    return unknown("reference_missing", found.table)


def hospital_price(line: Line, mine: list[Line]) -> Price:
    if not line.bill_type:
        told = "bill_type" in line.given
        return Price(None, unknown("value_missing" if told else "column_missing", "bill_type"))
    if line.bill_type[:2] not in ("12", "13"):
        return Price(None, unknown("reference_missing", "opps_rates"))
    found = look_up("opps_rates", line.service_date, line.claim_type, procedure_code=line.code)
    lacks = of_table(found, "rate_cents")
    if lacks:
        return Price(None, lacks)
    if found["status_indicator"] == "N" or (
        found["status_indicator"] == "Q1" and significant_beside(line, mine)
    ):
        return times(line, Decimal(0))
    unit = Decimal(found["rate_cents"])
    if "PN" in line.modifiers:
        unit = Decimal(whole(unit * Decimal("0.4")))
    if "CT" in line.modifiers and line.code not in BY_SOFTWARE:
        unit = Decimal(whole(unit * Decimal("0.85")))
    return times(line, unit)


def significant_beside(line: Line, mine: list[Line]) -> bool:
    """Whether another line of the claim has status S."""
    return any(
        other.claim == line.claim
        and other is not line
        and look_up("opps_rates", other.service_date, "", procedure_code=other.code)[
            "status_indicator"
        ]
        == "S"
        for other in mine
    )


def physician_price(line: Line, component: str) -> Price:
    unit = physician_unit(line, component)
    return unit if isinstance(unit, Price) else times(line, unit)


MODIFIER = {"professional": "26", "technical": "TC", "global": ""}


def physician_unit(line: Line, component: str) -> Decimal | Price:
    day = line.service_date
    found = look_up(
        "pfs_rates", day, "professional", procedure_code=line.code, modifier=MODIFIER[component]
    )
    factor = in_force("conversion_factors", day, system="pfs", **STANDARD)
    if component == "professional":
        column = "total_rvu_nonfacility"
    else:
        place = in_force("places_of_service", day, place_of_service=line.place_of_service)
        if not line.place_of_service:
            told = "place_of_service" in line.given
            why = unknown("value_missing" if told else "column_missing", "place_of_service")
            return Price(None, why)
        if place is None:
            return Price(None, unknown("reference_missing", "places_of_service"))
        facility = place["facility_rate"] == "yes"
        column = "total_rvu_facility" if facility else "total_rvu_nonfacility"
    lacks = of_table(found, column)
    if lacks or factor is None:
        return Price(None, lacks or unknown("reference_missing", "conversion_factors"))
    rate = Decimal(factor["conversion_factor"]) * 100
    unit = Decimal(whole(Decimal(found[column]) * rate))
    if component == "professional":
        return unit
    scan = technical_part(line, day, rate, unit)
    if component == "technical":
        return scan
    reading = in_force("pfs_rates", day, procedure_code=line.code, modifier="26")
    tc = in_force("pfs_rates", day, procedure_code=line.code, modifier="TC")
    if not reading or not tc or scan == whole(Decimal(tc["total_rvu_nonfacility"]) * rate):
        return unit
    # The whole study loses what its technical part loses.
    return Decimal(whole(Decimal(reading["total_rvu_nonfacility"]) * rate)) + scan


def technical_part(line: Line, day: date, rate: Decimal, unit: Decimal) -> Decimal:
    """The technical part under the imaging cap, less what modifier CT takes."""
    row = in_force("pfs_rates", day, procedure_code=line.code, modifier="TC")
    if row is None:
        return unit
    full = Decimal(whole(Decimal(row["total_rvu_nonfacility"]) * rate))
    cap = in_force("imaging_caps", day, procedure_code=line.code, modifier="TC")
    part = min(full, Decimal(cap["cap_cents"])) if cap else full
    if "CT" in line.modifiers and line.code not in BY_SOFTWARE:
        part = Decimal(whole(part * Decimal("0.85")))
    return part


def at_risk(line: Line, mine: list[Line]) -> int | None:
    """The allowed amount if above zero, else the expected payment, else the charge."""
    allowed = line.cents("allowed")
    if allowed is not None and allowed > 0:
        return allowed
    price = expected(line, mine).cents
    if price is not None:
        return price
    charge = line.cents("charge")
    return charge if charge is not None and charge > 0 else None


def absent(line: Line, component: str) -> int | None:
    """The expected payment of one unit of the component that nobody billed."""
    if line.payer_type != "medicare":
        return None
    if component == "professional":
        unit = physician_unit(line, "professional")
        return None if isinstance(unit, Price) else whole(unit)
    found = look_up("opps_rates", line.service_date, "institutional", procedure_code=line.code)
    return int(found["rate_cents"]) if found["rate_cents"] else None
