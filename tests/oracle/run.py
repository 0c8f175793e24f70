"""What the whole run decides before any patient is judged: types, superseding, the extract."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from tests.oracle.lines import Line, days_between

BRANDS = {"AETNA", "HUMANA", "CIGNA", "UNITED", "BCBS", "ANTHEM", "KAISER"}


@dataclass(frozen=True)
class Options:
    """The limits in brackets."""

    pairing: int = 7
    search: int = 30
    lookback: int = 90
    waiting: int = 14
    tolerance: int = 25
    share: int = 20
    authorizes_by_code: tuple[str, ...] = ()


@dataclass
class Run:
    """All lines of a run, and what is known of the whole of it."""

    lines: list[Line]
    as_of: date
    options: Options = Options()
    spans: dict[str, tuple[date, date]] = field(default_factory=dict)
    reach: date = date.min
    pairing_npis: set[str] = field(default_factory=set)
    patients: dict[str, list[Line]] = field(default_factory=dict)


def run_of(
    lines: list[Line],
    as_of: date,
    payers: Mapping[str, str] | None = None,
    options: Options | None = None,
) -> Run:
    claims = defaultdict(list)
    for line in lines:
        claims[line.patient, line.claim].append(line)
    for line in lines:
        line.claim_type = claim_type(line, claims[line.patient, line.claim])
        line.payer_type = payer_type(line, payers or {})
        line.claim_frequency = frequency(line)
    supersede(lines)
    run = Run([line for line in lines if not line.superseded], as_of, options or Options())
    for kind in ("institutional", "professional"):
        days = [line.service_date for line in run.lines if line.claim_type == kind]
        days = [day for day in days if day <= as_of]  # the text is silent of mistyped days
        if days:
            run.spans[kind] = (min(days), max(days))
    days = sorted(line.service_date for line in run.lines)
    if days:
        run.reach = days[(len(days) - 1) // 100]  # the first percentile
    patients = defaultdict(list)
    for line in run.lines:
        patients[line.patient].append(line)
    run.patients = dict(patients)
    for mine in run.patients.values():
        pair(mine, run.options.pairing)
    run.pairing_npis = {line.npi for line in run.lines if line.partner}
    return run


def claim_type(line: Line, claim: list[Line]) -> str:
    own = line.text("claim_type")
    if own:
        return own
    for other in claim:
        if other.text("claim_type"):
            return other.text("claim_type")
    if any(o.text("bill_type") for o in claim):
        return "institutional"
    if any({"26", "TC"} & set(o.modifiers) and o.place_of_service for o in claim):
        return "professional"
    if any(o.text("revenue_code") for o in claim):
        return "institutional"
    if any(o.place_of_service for o in claim):
        return "professional"
    return ""


def payer_type(line: Line, payers: Mapping[str, str]) -> str:
    if line.text("payer_type"):
        return line.text("payer_type")
    name = line.text("payer").upper()
    if not name:
        return ""
    if name in {key.upper() for key in payers}:
        return next(kind for key, kind in payers.items() if key.upper() == name)
    words = re.findall(r"[A-Z0-9]+", name)
    if "SUPPLEMENT" in words:
        return "commercial"
    if "MEDICARE" in words:
        if {"ADVANTAGE", "MA"} & set(words) or "PART C" in " ".join(words) or BRANDS & set(words):
            return "medicare_advantage"
        if words == ["MEDICARE"] or re.search(r"\bPARTS? [AB]\b", " ".join(words)):
            return "medicare"
    return "medicaid" if "MEDICAID" in words else "other"


def frequency(line: Line) -> str:
    own = line.text("claim_frequency")
    return own or (line.bill_type[2] if len(line.bill_type) == 3 else "").replace("X", "")


# Superseding.


def supersede(lines: list[Line]) -> None:
    by_patient = defaultdict(list)
    for line in lines:
        by_patient[line.patient].append(line)
    for mine in by_patient.values():
        for line in mine:
            if line.claim_frequency == "8":
                line.superseded = True
        for line in mine:
            line.superseded |= any(
                ending and not billed_again(line, ending) for ending in endings(line, mine)
            ) or any(outruns(other, line, mine) for other in mine)
        reverse(mine)


def billed_again(line: Line, ending: list[Line]) -> bool:
    """Received after the void that came last, of which, as of all others, the day is known."""
    voids = [other for other in ending if other.claim_frequency == "8"]
    last = max(ending, key=lambda other: (received(other), other.claim_frequency))
    dated = all(received(other) > date.min for other in voids)
    return last in voids and dated and received(line) > received(last)


def one_type(line: Line, other: Line) -> bool:
    return line.claim_type == other.claim_type or "" in (line.claim_type, other.claim_type)


def adjusts(line: Line) -> bool:
    return line.claim_frequency in ("7", "8")


def names(line: Line) -> str:
    """The number of another claim that a replacement or void names, if it does."""
    number = line.text("original_claim_id") if adjusts(line) else ""
    return "" if number == line.claim else number


def holder(number: str, mine: list[Line]) -> str:
    """The claim that the payer numbered so: not one that names the number and keeps it."""
    held = [
        line.claim
        for line in mine
        if line.text("payer_claim_number") == number
        and not (adjusts(line) and line.text("original_claim_id") == number)
    ]
    return min(held, default=number)


def endings(line: Line, mine: list[Line]) -> Iterator[list[Line]]:
    """Replacements and voids that end a line, those together of which the last decides.

    The text says "the original claim number, else same claim id". Of one claim id they are versions
    of one claim in any case, as exports without the payer's numbers show them.
    """
    yield [
        other
        for other in mine
        if adjusts(other)
        and (other.claim, other.claim_type) == (line.claim, line.claim_type)
        and (not adjusts(line) or later_received(other, line))
    ]
    for number in {line.claim, line.text("payer_claim_number")}:
        for kind in ("", "institutional", "professional"):
            naming = [one for one in mine if names(one) == number and one.claim_type == kind]
            if any(one_type(one, line) and not beside(one, line) for one in naming if number):
                yield naming


def beside(naming: Line, line: Line) -> bool:
    """Whether a line that keeps the number it names is not what another names by it.

    Nor is a line of the naming claim that names nothing.
    """
    if not adjusts(line):
        return False
    nothing = not line.text("original_claim_id") and line.claim == naming.claim
    return nothing or names(line) == names(naming)


def outruns(newer: Line, older: Line, mine: list[Line]) -> bool:
    """Both name the same claim: the one received later stands."""
    return (
        names(newer) != ""
        and names(older) != ""
        and newer.claim_type == older.claim_type
        and holder(names(newer), mine) == holder(names(older), mine)
        and is_later(newer, older)
    )


def received(line: Line) -> date:
    return line.day("received_date") or date.min


def later_received(newer: Line, older: Line) -> bool:
    """Of one claim number; what is replaced and voided on one day is voided."""
    return (received(newer), newer.claim_frequency) > (received(older), older.claim_frequency)


def is_later(newer: Line, older: Line) -> bool:
    return (received(newer), newer.claim) > (received(older), older.claim)


def reverse(lines: list[Line]) -> None:
    """A line with negative units or charge and the line that it mirrors, each once."""
    standing = [line for line in lines if not line.superseded]
    for within_a_claim in (True, False):
        for line in sorted(standing, key=lambda one: one.later):
            if line.superseded or not negative(line):
                continue
            for other in sorted(standing, key=lambda one: one.later, reverse=True):
                if other.superseded or negative(other) or received(other) > received(line):
                    continue
                if (other.claim == line.claim) == within_a_claim and mirrors(line, other):
                    line.superseded = other.superseded = True
                    break


def negative(line: Line) -> bool:
    return (line.units or 0) < 0 or (line.cents("charge") or 0) < 0


def mirrors(line: Line, other: Line) -> bool:
    alike = all(
        line.text(name) == other.text(name)
        for name in ("patient_id", "procedure_code", "service_date", "billing_npi")
    ) and (line.claim_type, line.revenue_code, line.modifiers) == (
        other.claim_type,
        other.revenue_code,
        other.modifiers,
    )
    units = abs(line.units or 0) == abs(other.units or 0)
    return alike and units and abs(line.cents("charge") or 0) == abs(other.cents("charge") or 0)


# Scan and reading.


def pair(lines: list[Line], pairing_days: int) -> None:
    """Readings take the nearest scan 0 to some days before them, each scan once."""
    for reading in sorted(readings(lines), key=lambda one: (one.service_date, one.later)):
        scans = [
            scan
            for scan in technical(lines)
            if scan.code == reading.code
            and scan.partner is None
            and 0 <= days_between(scan, reading) <= pairing_days
        ]
        if scans:
            scan = min(scans, key=lambda one: (days_between(one, reading), one.later))
            scan.partner, reading.partner = reading, scan


def technical(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.two_components and line.component == "technical"]


def readings(lines: list[Line]) -> list[Line]:
    return [line for line in lines if line.two_components and line.component == "professional"]


def days(count: int) -> timedelta:
    return timedelta(days=count)
