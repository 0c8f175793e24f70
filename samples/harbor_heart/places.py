"""Who works at Harbor Heart Center, who pays it, and what it charges. All of it is invented.

The NPIs pass the check digit but lie below the first number ever given out, and no payer's name
here stands for a contract with it. Rates are the national ones of 2025 and 2026 where a public
table has them, in cents; the rest are round guesses.
"""

from dataclasses import dataclass
from datetime import date

STATE = "PA"  # has a contractor that asks for paperwork with FFR-CT; the centre lies nowhere
FIRST_DAY = date(2025, 1, 2)
LAST_DAY = date(2026, 7, 2)
EXPORT_DAY = date(2026, 7, 13)


def npi(number: int) -> str:
    """An NPI of the never issued range 1000000xx with its check digit (prefix 80840)."""
    nine = f"{100000000 + number}"
    digits = [int(digit) for digit in "80840" + nine]
    doubled = [d * 2 - 9 * (d > 4) if place % 2 == 0 else d for place, d in _from_right(digits)]
    return f"{nine}{-sum(doubled) % 10}"


def _from_right(digits: list[int]) -> list[tuple[int, int]]:
    return list(enumerate(reversed(digits)))


HOSPITAL = npi(1)  # Harbor Heart Center, hospital
CARDIOLOGY = npi(2)  # Harbor Heart Physicians
RADIOLOGY = npi(3)  # Harbor Imaging Associates
PIER = npi(4)  # Pier Street Imaging, owns its scanner
LITTLE_HARBOR = npi(5)  # Little Harbor Hospital, a critical access hospital
TIDEWATER = npi(6)  # Tidewater Teleradiology, reads for other hospitals
GANGWAY = npi(7)  # Gangway Mobile CT, brings a scanner on a truck
CARDIOLOGISTS = [npi(number) for number in (21, 22, 23, 24)]
LOCUM = npi(25)
RADIOLOGISTS = [npi(number) for number in (31, 32, 33)]
REFERRING = [npi(number) for number in range(41, 56)]


@dataclass(frozen=True)
class Site:
    """A place with a scanner: its department in the hospital export and its place of service."""

    name: str
    department: str
    place: str
    modifier: str = ""


MAIN = Site("main", "CARDIAC CT", "22")
ANNEX = Site("annex", "CT ANNEX", "19", "PO")
EMERGENCY = Site("emergency", "CARDIAC CT ED", "23")
LIGHTHOUSE = Site("lighthouse", "LIGHTHOUSE POINT CT", "19", "PN")
OFFICE = Site("pier", "", "11")
LITTLE = Site("little", "LITTLE HARBOR CT", "22")


@dataclass(frozen=True)
class Payer:
    """A payer: its type, its share of the patients, and what it allows of Medicare's rate."""

    name: str
    payer_type: str
    weight: float
    pays: float
    share: float
    reason: str


# The hospital's system and the physicians' system call traditional Medicare by different names.
MEDICARE = Payer("MEDICARE", "medicare", 42, 1.018, 0.20, "PR-2")
PAYERS = (
    MEDICARE,
    Payer("AETNA MEDICARE ADVANTAGE", "medicare_advantage", 12, 1.00, 0.15, "PR-3"),
    Payer("HUMANA MEDICARE ADVANTAGE", "medicare_advantage", 9, 1.00, 0.15, "PR-3"),
    Payer("BCBS", "commercial", 17, 1.90, 0.10, "PR-2"),
    Payer("CIGNA", "commercial", 9, 1.75, 0.20, "PR-1"),
    Payer("Medicaid", "medicaid", 8, 0.68, 0.0, ""),
    Payer("SELF PAY", "other", 3, 0.0, 1.0, ""),
)

# Hospital outpatient rate in cents, by code: 2025, 2026. Services not here are packaged.
OPPS_RATES = {
    "75571": (8689, 8891),
    "75572": (35713, 35643),
    "75573": (35713, 35643),
    "75574": (35713, 35643),
    "75577": (95050, 95050),
    "75580": (101739, 87734),
    "0625T": (95050, 95050),
    "0503T": (101739, 87734),
    "0710T": (95050, 95050),
    "71260": (17506, 17920),
    "71275": (17506, 17920),
    "96374": (20300, 21100),
    "99284": (42500, 43100),
}

# Physician fee in cents, by code and component ("" is the whole): 2025, 2026.
PHYSICIAN_RATES = {
    ("75571", ""): (9898, 9953),
    ("75571", "26"): (2652, 2672),
    ("75571", "TC"): (7246, 7281),
    ("75572", "26"): (7893, 8016),
    ("75572", ""): (22448, 22946),
    ("75573", "26"): (11612, 11824),
    ("75574", ""): (31829, 32566),
    ("75574", "26"): (10901, 11056),
    ("75574", "TC"): (20928, 21510),
    ("75577", "26"): (4142, 4142),
    ("75580", ""): (83907, 88679),
    ("75580", "26"): (3364, 3440),
    ("0626T", ""): (4100, 4100),
    ("71275", "26"): (8313, 8400),
    ("93000", ""): (1480, 1510),
    ("93010", ""): (820, 835),
    ("99213", ""): (8930, 9120),
    ("99214", ""): (12650, 12910),
}

# Chargemaster, in cents: the hospital's price and the physicians'.
HOSPITAL_PRICES = {
    "75571": 24500,
    "75572": 165000,
    "75573": 185000,
    "75574": 215000,
    "75577": 268000,
    "75580": 340000,
    "0503T": 340000,
    "0625T": 268000,
    "0710T": 268000,
    "71260": 142000,
    "71275": 189000,
    "76376": 41200,
    "36000": 16500,
    "36415": 2800,
    "82565": 6400,
    "93005": 18500,
    "96374": 31000,
    "99284": 148000,
    "Q9967": 185,
    "": 4620,
}
PHYSICIAN_PRICES = {
    ("75571", ""): 27500,
    ("75571", "26"): 7800,
    ("75571", "TC"): 19700,
    ("75572", "26"): 22600,
    ("75572", ""): 69000,
    ("75573", "26"): 32400,
    ("75574", ""): 98000,
    ("75574", "26"): 31000,
    ("75574", "TC"): 67000,
    ("75577", "26"): 12800,
    ("75580", ""): 195000,
    ("75580", "26"): 11500,
    ("0626T", ""): 12800,
    ("71275", "26"): 24800,
    ("93000", ""): 5200,
    ("93010", ""): 4500,
    ("99213", ""): 18500,
    ("99214", ""): 26000,
}

# Diagnoses of coronary CT that a payer's list holds, and others that may stand behind them.
COVERED = (
    *("R07.9", "R07.9", "R06.02", "I25.10", "I25.10", "I25.119"),
    *("I25.118", "I20.9", "I20.89", "I25.110"),
)
BEHIND = ("R94.39", "R94.31", "I25.84", "R06.09", "R07.89", "I25.2", "I25.83", "R55")
