"""Exports of one night after another for the soak: new claims, late halves, corrections, repeats.

The same seed gives the same nights. A patient's scan comes from the hospital and its reading from
the physicians, most in one night, some weeks later, some never. Some claims hold an error; most of
these are mended weeks later by a replacement, a void or a newer export, some never. Others come
again as they were, or with what was paid. Only the standard library is imported, see ``measure``.
"""

import csv
import io
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta

PATIENTS = 110
_BILLED_AFTER = 4
_REPEATED_FILE_EVERY, _BROKEN_FILE_EVERY = 7, 10
_HOSPITALS = ("1000000004", "1000000020")
_READERS = ("1000000012", "1000000038")
_PAYERS = ("Medicare", "BCBS", "CIGNA", "Aetna Medicare Advantage")
_DIAGNOSES = ("I25.10", "I20.89", "R07.9", "R06.02")
_HEADER = {
    "claim": "Claim Number",
    "line": "Line",
    "type": "Claim Type",
    "bill": "Type of Bill",
    "frequency": "Frequency Code",
    "original": "Original Claim Number",
    "patient": "MRN",
    "day": "Service Date",
    "received": "Received Date",
    "code": "CPT/HCPCS",
    "modifier": "Modifier 1",
    "revenue": "Revenue Code",
    "units": "Units",
    "charge": "Charge Amount",
    "allowed": "Allowed Amount",
    "paid": "Paid Amount",
    "place": "Place of Service",
    "diagnosis": "Diagnosis 1",
    "rendering": "Rendering NPI",
    "billing": "Billing NPI",
    "authorization": "Authorization Number",
    "payer": "Payer",
    "department": "Department",
}
_OF_HOSPITALS: tuple[dict[str, str], ...] = (
    {"revenue": ""},
    {"revenue": "0352"},
    {"revenue": "0481"},
    {"diagnosis": ""},
    {"modifier": "TC"},
)
_OF_PHYSICIANS: tuple[dict[str, str], ...] = (
    {"modifier": ""},
    {"modifier": "TC"},
    {"diagnosis": ""},
    {"units": "3"},
)

Line = dict[str, str]


@dataclass
class InventedNights:
    """Nights from one day on; ask for each night once, in their order."""

    first: date
    seed: int = 1
    patients: int = PATIENTS
    _number: int = 0
    _later: dict[int, list[list[Line]]] = field(default_factory=lambda: defaultdict(list))
    _last: str = ""

    def files(self) -> dict[str, str]:
        """What arrives before the next night, by inbox/name; a night has a name of its day."""
        number, day = self._number, self.first + timedelta(days=self._number)
        self._number += 1
        dice = random.Random(f"{self.seed} {number}")
        for case in range(self.patients):
            self._treated(dice, number, f"{number:04d}{case:03d}")
        claims = self._later.pop(number, [])
        dice.shuffle(claims)
        lines = [line for claim in claims for line in claim]
        found = {
            f"{place}_{day}.csv": _text([line for line in lines if line["type"] == kind])
            for place, kind in (
                ("hospital/scans", "institutional"),
                ("physicians/readings", "professional"),
            )
        }
        if number and number % _REPEATED_FILE_EVERY == 0:
            found[f"hospital/again_{day}.csv"] = self._last
        if number % _BROKEN_FILE_EVERY == _BROKEN_FILE_EVERY - 1:
            found[f"physicians/broken_{day}.csv"] = f"PK\x03\x04 no workbook {number}"
        self._last = found[f"hospital/scans_{day}.csv"]
        return found

    def breaks(self) -> bool:
        """Whether the night that was asked for last brought a file that can't be read."""
        return self._number % _BROKEN_FILE_EVERY == 0

    def _treated(self, dice: random.Random, number: int, name: str) -> None:
        """One patient: a scan, perhaps an analysis, and their readings on a claim of their own."""
        served = self.first + timedelta(days=number - _BILLED_AFTER)
        site, analysed = dice.randrange(2), dice.random() < 0.3
        both = {
            "patient": f"9{name}",
            "day": served.isoformat(),
            "units": "1",
            "diagnosis": dice.choice(_DIAGNOSES),
            "payer": dice.choice(_PAYERS),
            "authorization": f"A{name}",
            "department": "CARDIOLOGY CT",
        }
        scan = both | {"claim": f"H{name}", "type": "institutional", "bill": "0131"}
        scan |= {"revenue": "0489", "billing": _HOSPITALS[site]}
        reading = both | {"claim": f"F{name}", "type": "professional", "frequency": "1"}
        reading |= {"modifier": "26", "place": "22", "billing": _READERS[site]}
        reading["rendering"] = _READERS[site]
        codes = [("75574", 1500, 240), *([("75580", 1900, 90)] if analysed else [])]
        self._billed(dice, number, [scan | _service(n, c, h) for n, (c, h, _) in _numbered(codes)])
        chance = dice.random()
        if chance < 0.97:
            waits = 0 if chance < 0.7 else dice.randint(5, 10 if chance < 0.9 else 30)
            lines = [reading | _service(n, c, p) for n, (c, _, p) in _numbered(codes)]
            self._billed(dice, number + waits, lines)

    def _billed(self, dice: random.Random, number: int, right: list[Line]) -> None:
        """A claim in the export of a night, and what later nights say of it."""
        right = [line | {"received": self._day(number, -1)} for line in right]
        of_hospital = right[0]["type"] == "institutional"
        claim = right
        if dice.random() < (0.09 if of_hospital else 0.05):
            error = dice.choice(_OF_HOSPITALS if of_hospital else _OF_PHYSICIANS)
            claim = [right[0] | error, *right[1:]]
        self._later[number].append(claim)
        chance, waits = dice.random(), dice.randint(10, 40)
        if claim is right:
            if chance < 0.05:
                self._later[number + 1].append(right)
            elif chance < 0.25:
                self._later[number + waits].append([_paid(line) for line in right])
            return
        if chance < 0.6:
            self._later[number + waits].append(self._adjusted(right, number + waits, "7"))
        elif chance < 0.7:
            self._later[number + waits].append(self._adjusted(claim, number + waits, "8"))
        elif chance < 0.9:
            # The newest export of a line stands.
            self._later[number + waits].append(
                [line | {"received": self._day(number + waits, -1)} for line in right]
            )

    def _adjusted(self, lines: list[Line], number: int, frequency: str) -> list[Line]:
        """The claim that replaces or voids another."""
        said = {"original": lines[0]["claim"], "claim": f"{lines[0]['claim']}-{frequency}"}
        said |= {"received": self._day(number, -1)}
        institutional = lines[0]["type"] == "institutional"
        said |= {"bill": f"013{frequency}"} if institutional else {"frequency": frequency}
        return [line | said for line in lines]

    def _day(self, number: int, more: int) -> str:
        return (self.first + timedelta(days=number + more)).isoformat()


def _numbered(codes: list[tuple[str, int, int]]) -> list[tuple[int, tuple[str, int, int]]]:
    return list(enumerate(codes, start=1))


def _service(number: int, code: str, dollars: int) -> Line:
    return {"line": str(number), "code": code, "charge": f"{dollars}.00"}


def _paid(line: Line) -> Line:
    dollars = float(line["charge"])
    return line | {"allowed": f"{dollars / 4:.2f}", "paid": f"{dollars / 5:.2f}"}


def _text(lines: list[Line]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_HEADER.values())
    writer.writerows([line.get(name, "") for name in _HEADER] for line in lines)
    return text.getvalue()
