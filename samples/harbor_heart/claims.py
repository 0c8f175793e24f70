"""Claims of the invented centre: their lines, and what the payer made of them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TypeVar

from harbor_heart.places import (
    EXPORT_DAY,
    HOSPITAL_PRICES,
    OPPS_RATES,
    PHYSICIAN_PRICES,
    PHYSICIAN_RATES,
    Payer,
    Site,
)

Thing = TypeVar("Thing")
SEQUESTRATION = 0.98


class Chance:
    """Seeded chance that gives the same draws on every version of Python."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def share(self) -> float:
        """A number from 0 to 1."""
        return self._random.random()

    def happens(self, probability: float) -> bool:
        """Whether something of this probability happens."""
        return self.share() < probability

    def among(self, things: Sequence[Thing]) -> Thing:
        """One of some things."""
        return things[int(self.share() * len(things))]

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + int(self.share() * (high - low + 1))

    def some(self, things: Sequence[Thing], count: int) -> list[Thing]:
        """Some different things, in the order in which they stood."""
        drawn = sorted((self.share(), place) for place in range(len(things)))
        return [things[place] for place in sorted(place for _, place in drawn[:count])]


@dataclass(eq=False)
class Line:
    """A claim line. ``outcome`` says what the payer did: paid, packaged, denied, silent or open."""

    day: date
    code: str
    revenue: str = ""
    modifiers: list[str] = field(default_factory=list)
    units: int = 1
    end: date | None = None
    price: int | None = None
    outcome: str = "paid"
    factor: float = 1.0
    share: float | None = None
    codes: str = ""
    remark: str = ""
    authorization: str = ""
    paperwork: str = ""
    negative: bool = False
    number: int = 0
    charge: int = 0
    allowed: int | None = None
    paid: int | None = None
    patient: int | None = None


@dataclass(eq=False)
class Claim:
    """A claim with its lines, of the hospital (a UB-04) or of physicians (a CMS-1500)."""

    hospital: bool
    patient: int
    payer: Payer | None
    billing: str
    site: Site
    lines: list[Line]
    diagnoses: list[str]
    rendering: str = ""
    referring: str = ""
    bill_type: str = ""
    frequency: str = ""
    start: date | None = None
    end: date | None = None
    received: date | None = None
    remitted: date | None = None
    number: str = ""
    payer_number: str = ""
    replaces: str = ""
    version_of: "Claim | None" = None
    lag: int = 5

    def find(self, code: str) -> Line:
        """The first line with a code."""
        return next(line for line in self.lines if line.code == code)

    def has(self, code: str) -> bool:
        """Whether some line has a code."""
        return any(line.code == code for line in self.lines)


@dataclass(eq=False)
class Episode:
    """One patient's study with all its claims. ``touched`` ones already hold a seeded mistake."""

    day: date
    patient: int
    payer: Payer
    site: Site
    code: str
    hospital: Claim | None = None
    readings: list[Claim] = field(default_factory=list)
    extra: list[Claim] = field(default_factory=list)
    analysed: bool = False
    plaque: bool = False
    returning: bool = False
    touched: bool = False

    @property
    def claims(self) -> list[Claim]:
        """All claims of the episode that have lines."""
        all_claims = [self.hospital, *self.readings, *self.extra]
        return [claim for claim in all_claims if claim is not None and claim.lines]

    def reading(self, code: str) -> tuple[Claim, Line]:
        """The reading of a code, with its claim."""
        claim = next(claim for claim in self.readings if claim.has(code))
        return claim, claim.find(code)


def date_claim(claim: Claim) -> None:
    """Statement period, received and remittance dates, where nobody set them."""
    days = [line.day for line in claim.lines]
    if claim.hospital:
        claim.start, claim.end = claim.start or min(days), claim.end or max(days)
    claim.received = claim.received or min(max(days) + timedelta(claim.lag), EXPORT_DAY)
    if claim.remitted is None:
        remitted = claim.received + timedelta(14 + claim.lag)
        claim.remitted = remitted if remitted <= EXPORT_DAY else None


def adjudicate(claim: Claim) -> None:
    """Money of every line: what was charged, allowed, paid, and what the patient owes."""
    for line in claim.lines:
        _charge(claim, line)
        if claim.payer is None or claim.remitted is None:
            continue
        if line.outcome == "silent":
            line.allowed = line.paid = line.patient = 0
        elif line.outcome in ("packaged", "denied") or _rate(claim, line) is None:
            line.allowed = line.paid = line.patient = 0
            line.codes = line.codes or "CO-97"
        else:
            _pay(claim, claim.payer, line)


def _component(line: Line) -> str:
    return "26" if "26" in line.modifiers else "TC" if "TC" in line.modifiers else ""


def _charge(claim: Claim, line: Line) -> None:
    if line.price is not None:
        price = line.price
    elif claim.hospital and line.revenue.startswith(("097", "97")):
        price = PHYSICIAN_PRICES[line.code, "26"]
    elif claim.hospital:
        price = HOSPITAL_PRICES[line.code]
    else:
        price = PHYSICIAN_PRICES.get(
            (line.code, _component(line)), PHYSICIAN_PRICES.get((line.code, ""), 15000)
        )
    # The chargemaster rises by four per cent each January.
    price = round(price * 1.04, -2) if line.day.year > 2025 and price > 1000 else price
    line.charge = int(price) * line.units * (-1 if line.negative else 1)


def _rate(claim: Claim, line: Line) -> int | None:
    year = 0 if line.day.year < 2026 else 1
    if claim.hospital and not line.revenue.startswith(("097", "97")):
        found = OPPS_RATES.get(line.code)
    else:
        component = "26" if claim.hospital else _component(line)
        found = PHYSICIAN_RATES.get((line.code, component), PHYSICIAN_RATES.get((line.code, "")))
    return found[year] if found else None


def _pay(claim: Claim, payer: Payer, line: Line) -> None:
    rate = (_rate(claim, line) or 0) * line.units
    if "PN" in line.modifiers and payer.payer_type == "medicare":
        rate = round(rate * 0.4)
    allowed = min(round(rate * payer.pays * line.factor), abs(line.charge))
    share = payer.share if line.share is None else line.share
    patient = round(allowed * share)
    paid = allowed - patient
    codes = ["CO-45"]
    if payer.payer_type == "medicare":
        paid = round(paid * SEQUESTRATION)
        codes.append("CO-253")
    if patient and payer.reason:
        codes.append("PR-1" if line.share else payer.reason)
    sign = -1 if line.negative else 1
    line.allowed, line.paid, line.patient = sign * allowed, sign * paid, sign * patient
    line.codes = line.codes or " ".join(codes)
