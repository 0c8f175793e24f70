"""The words of the invented exports: codes, places, payers, days. No patient is real."""

from datetime import date, timedelta

import numpy as np

_FIRST_DAY = date(2024, 4, 1)
_MOST_DAYS = 1500
_OTHER_CODES = 8_000
_DIAGNOSES = 2_000

# Days as most billing systems write them; the last word is no day.
DAYS: tuple[str, ...] = (
    *((_FIRST_DAY + timedelta(days=day)).strftime("%m/%d/%Y") for day in range(_MOST_DAYS)),
    "see note",
)

_CARDIAC_CODES = (
    *("75571", "75572", "75573", "75574", "75580", "0503T", "71275", "76377"),
    *("Q9967", "96374"),
)


def _other_codes() -> tuple[str, ...]:
    numbers = np.random.default_rng(11).permutation(np.arange(10_000, 75_000))[:_OTHER_CODES]
    return tuple(f"{number:05d}" for number in numbers if number not in (36000, 71260, 71275))


OTHER_CODES = _other_codes()
PROCEDURES: tuple[str, ...] = (*_CARDIAC_CODES, *OTHER_CODES)

CLAIM_TYPES = ("Institutional", "Professional")
BILL_TYPES = ("", "0131", "0137", "0138")
FREQUENCIES = ("", "1", "7", "8")
MODIFIERS = ("", "26", "TC", "59", "76", "25", "RT", "XU")
REVENUE_CODES = (
    *("", "0489", "0480", "480", "048X", "0352", "0350", "0481"),
    *("0250", "0270", "0300", "0320", "0324", "0360", "0450", "0510", "0610", "0636", "0730"),
)
PLACES = ("", "22", "19", "11")
DEPARTMENTS = (
    "",
    "Cardiac CT",
    *("Laboratory", "Pharmacy", "Emergency", "Surgery", "Radiology", "Clinic 4", "Therapy"),
)
ADJUSTMENTS = ("", "CO-45", "CO-97", "CO-16")
PAYERS = (
    "Medicare",
    "Example Medicare Advantage",
    "Example Medicaid",
    "Harbor Health Plan",
    "Sample Mutual",
    "Meadow Benefit Trust",
)
PAYER_SHARES = (0.42, 0.2, 0.1, 0.14, 0.09, 0.05)
PAYER_FACTORS = np.array([1.0, 1.02, 0.8, 1.7, 1.6, 1.9])

# The first of them are reasons for a scan, the rest stand beside; the last two are no good code.
REASONS_FOR_SCAN = 6
CARDIAC_DIAGNOSES = (
    *("I25.10", "I20.89", "R07.9", "R06.02", "I25.118", "I20.9"),
    *("R07.89", "R94.31", "I25.700", "R94.39", "I48.91", "Z13.6", "I20.8", "125.10"),
)


def _diagnoses() -> tuple[str, ...]:
    numbers = np.random.default_rng(12).permutation(26 * 100 * 10)[:_DIAGNOSES]
    return tuple(
        f"{chr(ord('A') + number // 1000)}{number // 10 % 100:02d}.{number % 10}"
        for number in numbers.tolist()
    )


DIAGNOSES: tuple[str, ...] = ("", *CARDIAC_DIAGNOSES, *_diagnoses())


def _npi(number: int) -> str:
    """An invented provider number with the check digit that the identifier's standard asks for."""
    digits = f"80840{number:09d}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value - 9 if value > 9 else value
    return f"{number:09d}{-total % 10}"


# Four hospitals, then the groups that read for them and their offices.
PROVIDERS: tuple[str, ...] = tuple(_npi(100_000_000 + number * 7919) for number in range(20))
READERS: tuple[str, ...] = ("", *(_npi(300_000_000 + number * 104_729) for number in range(60)))


# Cents near what Medicare pays, so that a line without a seeded error is clean: the hospital's
# part, the reading, the whole. In 2024 the hospital's part of 75572 to 75574 was half of this.
_CARDIAC_RATES = (
    *((8_500, 2_650, 9_900), (35_700, 7_900, 22_800), (35_700, 11_600, 30_500)),
    *((35_700, 10_950, 32_100), (97_000, 3_400, 86_500), (97_000, 3_400, 86_500)),
    *((17_900, 6_000, 28_000), (9_000, 3_500, 12_000), (2_000, 2_000, 2_000)),
    (4_500, 4_500, 4_500),
)
_RAISED_ON_DAY = (date(2025, 1, 1) - _FIRST_DAY).days


def rates_of(
    code: np.ndarray, day: np.ndarray, professional: np.ndarray, office: np.ndarray
) -> np.ndarray:
    """What Medicare allows for each line, in cents."""
    random = np.random.default_rng(13)
    table = np.rint(np.exp(random.normal(4.2, 1.2, len(PROCEDURES))) * 100)[:, None]
    table = np.repeat(table, 3, axis=1)
    table[: len(_CARDIAC_CODES)] = _CARDIAC_RATES
    rate = table[code, np.where(professional, 1 + office, 0)]
    halved = (code >= 1) & (code <= 3) & (day < _RAISED_ON_DAY) & ~professional
    found: np.ndarray = np.where(halved, rate * 0.49, rate)
    return found


def place_of(professional: np.ndarray, office: np.ndarray) -> np.ndarray:
    """Place of service: on professional lines only, an office or a hospital's department."""
    return np.where(professional, np.where(office, PLACES.index("11"), PLACES.index("22")), 0)
