"""Invented patients, dense in near misses: window edges, effective dates, blanks, lost columns."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random

from tests.case_lines import clean_line

Cells = dict[str, str]


def words(text: str) -> tuple[str, ...]:
    """Words of a text; one that comes more often is chosen more often."""
    return tuple(text.split())


def cells(text: str) -> tuple[str, ...]:
    """Cells that may hold blanks, apart by a bar."""
    return tuple(text.split("|"))


# Days on which a table, a code, a rate or an edition begins or ends, and plain ones.
TURNS = tuple(
    date.fromisoformat(text)
    for text in words(
        "2022-12-31 2023-01-01 2023-06-01 2023-09-30 2023-10-01 2023-12-31 2024-01-01 "
        "2024-03-08 2024-03-09 2024-02-29 2024-06-30 2024-07-01 2024-09-30 2024-10-01 "
        "2024-12-31 2025-01-01 2025-03-10 2025-03-10 2025-06-15 2025-12-31 2026-01-01 "
        "2026-04-01 2026-06-16 2026-06-30 2026-09-30 2026-10-01 2026-12-31 2027-01-01"
    )
)
EDGES = (0, 0, 0, 0, 1, 2, 6, 7, 8, 29, 30, 31, 89, 90, 91, -1, -6, -7, -8, -30, -31)

CODES = words(
    "75574 75574 75574 75574 75580 75580 75580 75571 75572 75573 75577 76376 76377 0501T "
    "0502T 0503T 0504T 0623T 0624T 0626T 71275 71260 36000 36415 93010 96374 99213"
)
MODIFIERS = cells(
    "26 26 TC TC|26 TC|59|26 59|59 26|XU|TC XU|76|77|26 77|26 76|91|CT|TC CT|FX|FY 26|PN|"
    "LC|22|25|26 XE|RT 26"
)
REVENUE = words(
    "0489 0480 0352 0350 0359 0320 0351 0400 0402 0409 0450 0481 0960 0971 0636 0278 0333 "
    "048X 48 480 350 AB12"
)
PLACES = words("11 11 22 22 19 21 23 24 26 31 49 02 53 61 98")
BILLS = words("0131 0131 0131 131 0137 0138 0121 0851 085 0141 13")
DIAGNOSES = cells(
    "I25.10|R07.9|I20.8|I20.89|I20.2|125.10|I25.10 R55|Z99.99|R55|Z00.00 I20.9|I20.81|"
    "125.10 R55|R07.89|I24.8"
)
PAYERS = (
    ("Medicare", "medicare"),
    ("Medicare Part B", ""),
    ("MEDICARE", ""),
    ("AETNA MEDICARE ADVANTAGE", ""),
    ("Humana", ""),
    ("BCBS", "commercial"),
    ("BCBS", ""),
    ("Medicaid of State", ""),
    ("Medicare Supplement Plan", ""),
    ("Selfpay", "other"),
    ("", ""),
)
ADJUSTMENTS = cells(
    "CO-45|CO-97|CO-236|97|CO-234|OA-18|PR-1|PR-3|CO-45 PR-2|CO-16|CO-253|CO-50|PI-97|OA-231"
)
BUNDLED = cells("CO-97|CO-236|CO-234|CO-231|97|CO-45 CO-97|PI-97|OA-231|CO-16|CO-45|")
FFRCT = words("75580 0501T 0503T")
STATES = words("TX FL CA VA MD NY XX")
NPIS = ("1000000004", "2000000002", "1000000012", "2000000010")
READERS = ("3000000000", "3000000018")

# Columns that an export may lack. The required ones are not among them.
OPTIONAL = words(
    "claim_type bill_type claim_frequency original_claim_id service_date_to statement_from "
    "statement_through received_date remit_date modifiers revenue_code units charge_cents "
    "allowed_cents paid_cents patient_responsibility_cents adjustment_codes "
    "place_of_service diagnosis_codes rendering_npi billing_npi payer payer_type "
    "service_state authorization_number attachment_control_number payer_claim_number "
    "line_number"
)


@dataclass
class Export:
    """One file of a run: its rows, and the columns that it lacks."""

    rows: list[Cells] = field(default_factory=list)
    without: frozenset[str] = frozenset()


def exports(random: Random, patients: int, seed: int) -> list[Export]:
    """The files of one run; most patients stand in one file, some in several.

    Eight runs one after the other lose every column that an export may lack.
    """
    files = [Export(without=lost_columns(random)) for _ in range(random.choice([1, 2, 2, 3]))]
    files.append(
        Export(without=frozenset(OPTIONAL[(4 * seed + n) % len(OPTIONAL)] for n in range(4)))
    )
    near = random.choice([None, None, random.choice(TURNS)])
    for number in range(patients):
        rows = patient(random, f"P{number}", near)
        home = random.choice(files)
        for row in rows:
            (home if random.random() < 0.95 else random.choice(files)).rows.append(row)
    return [one for one in files if one.rows]


def lost_columns(random: Random) -> frozenset[str]:
    if random.random() < 0.5:
        return frozenset()
    return frozenset(random.sample(OPTIONAL, random.choice([1, 1, 2, 3, 6])))


def patient(random: Random, name: str, near: date | None) -> list[Cells]:
    """A few studies around one day, some of them billed again, voided, reversed or denied."""
    day = near if near and random.random() < 0.7 else random.choice(TURNS)
    day += timedelta(days=random.choice([0, 0, 0, 1, -1, random.randint(-40, 40)]))
    payer = random.choice(PAYERS) if random.random() < 0.5 else PAYERS[0]
    state = random.choice(STATES)
    authorized = random.random() < 0.3
    rows: list[Cells] = []
    for study in range(random.choice([1, 1, 2, 2, 3])):
        day += timedelta(days=random.choice(EDGES))
        rows += one_study(random, name, study, day)
    for row in rows:
        row |= {"patient_id": name, "payer": payer[0], "payer_type": payer[1]}
        row["service_state"] = state
        if authorized:
            row["authorization_number"] = "A1"
    rows += again(random, rows)
    for row in rows:
        disturb(random, row)
    random.shuffle(rows)
    return rows


def one_study(random: Random, name: str, study: int, day: date) -> list[Cells]:
    """A scan or analysis: at the hospital, in an office, with its reading, with a second code."""
    code = random.choice(CODES)
    claim = f"{name}S{study}"
    rows = []
    if random.random() < 0.75:
        rows.append(hospital(random, claim + "H", 1, code, day))
        if random.random() < 0.5:
            beside = day + timedelta(days=random.choice(EDGES[:10]) if random.random() < 0.3 else 0)
            rows.append(hospital(random, claim + "H", 2, random.choice(CODES), beside))
    if random.random() < 0.7:
        read = day + timedelta(days=random.choice(EDGES))
        rows.append(physician(random, claim + "R", 1, code, read, "26"))
    if random.random() < 0.3:
        other = random.choice([*MODIFIERS, "", "", "", "", "TC", "TC"])
        rows.append(physician(random, claim + "G", 1, random.choice([code, *CODES]), day, other))
        if random.random() < 0.4:
            rows.append(physician(random, claim + "G", 2, random.choice(CODES), day, ""))
    if random.random() < 0.08:
        later = day + timedelta(days=random.choice(EDGES[4:12]))
        rows.append(hospital(random, claim + "HF", 1, "75580", later))
    period = [row["service_date"] for row in rows if row["claim_id"].endswith("H")]
    for row in rows:
        if row["claim_id"].endswith("H") and random.random() < 0.7:
            row["statement_from"], row["statement_through"] = min(period), max(period)
    return rows


def hospital(random: Random, claim: str, line: int, code: str, day: date) -> Cells:
    row = filled("institutional", claim, line, code, day)
    row["revenue_code"] = random.choice(REVENUE) if random.random() < 0.4 else "0489"
    if random.random() < 0.2:
        row["bill_type"] = random.choice(BILLS)
    if random.random() < 0.2:
        row["modifiers"] = random.choice(MODIFIERS)
    return row


def physician(random: Random, claim: str, line: int, code: str, day: date, modifiers: str) -> Cells:
    row = filled("professional", claim, line, code, day)
    row["place_of_service"] = random.choice(PLACES) if random.random() < 0.7 else "22"
    row["modifiers"] = random.choice(MODIFIERS) if random.random() < 0.2 else modifiers
    if random.random() < 0.1:
        row["revenue_code"] = random.choice(REVENUE)
    return row


def filled(kind: str, claim: str, line: int, code: str, day: date) -> Cells:
    return clean_line(kind) | {
        "claim_id": claim,
        "line_number": str(line),
        "procedure_code": code,
        "service_date": day.isoformat(),
        "statement_from": day.isoformat() if kind == "institutional" else "",
        "statement_through": day.isoformat() if kind == "institutional" else "",
        "received_date": (day + timedelta(days=10)).isoformat(),
    }


# What happens to a claim afterwards.


def again(random: Random, rows: list[Cells]) -> list[Cells]:
    """Repeats, replacements, voids and reversals of some of the lines."""
    more: list[Cells] = []
    for row in rows:
        if random.random() < 0.12:
            more.append(repeated(random, row))
        if random.random() < 0.05:
            more.append(adjusted(random, row))
            more += billed_again(row)
        if random.random() < 0.04:
            more.append(reversal(random, row))
    return more


def repeated(random: Random, row: Cells) -> Cells:
    new = dict(row)
    new["claim_id"] += random.choice(["", "B"])
    new["line_number"] = str(random.choice([1, 2, 3, 10]))
    if random.random() < 0.3:
        new["billing_npi"] = random.choice(NPIS)
    if random.random() < 0.3:
        new["modifiers"] = (
            row["modifiers"] + " " + random.choice(["76", "59", "77", "LT"])
        ).strip()
    if random.random() < 0.3:
        new["received_date"] = moved(row["received_date"], random.choice([-1, 0, 1]))
    return new


def adjusted(random: Random, row: Cells) -> Cells:
    new = dict(row, claim_frequency=random.choice("778"))
    new["received_date"] = moved(row["received_date"], random.choice([1, 5, 30]))
    if random.random() < 0.6:
        new |= {"claim_id": row["claim_id"] + "7", "original_claim_id": row["claim_id"]}
        if row["payer_claim_number"] and random.random() < 0.5:
            new["original_claim_id"] = row["payer_claim_number"]
    if random.random() < 0.5:
        new["units"] = "2"
    return new


def billed_again(row: Cells) -> list[Cells]:
    """Seldom, on the day of the claim or later; by dice of its own."""
    dice = Random(row["claim_id"] + row["service_date"])
    if dice.random() > 0.4:
        return []
    return [dict(row, received_date=moved(row["received_date"], dice.choice([0, 1, 30, 60])))]


def reversal(random: Random, row: Cells) -> Cells:
    new = dict(row, charge_cents=f"-{row['charge_cents']}")
    new["line_number"] = str(int(row["line_number"]) + 5)
    if random.random() < 0.5:
        new["units"] = f"-{row['units']}"
    if random.random() < 0.3:
        new["claim_id"] += "R"
    new["received_date"] = moved(row["received_date"], random.choice([0, 1]))
    return new


def moved(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat() if day else ""


def disturb(random: Random, row: Cells) -> None:
    """Changes or empties a few cells of a line."""
    for name, choose in DISTURBANCES.items():
        if random.random() < 0.035:
            row[name] = choose(random, row)
    if random.random() < 0.1:
        name = random.choice(OPTIONAL)
        row[name] = ""
    if random.random() < 0.18:
        row |= denial(random)
    seldom(random, row)
    if random.random() < 0.12:
        row["allowed_cents"] = random.choice(
            [
                "0",
                "0.00",
                "267.84",
                "267.85",
                "109.01",
                "81.75",
                "81.76",
                "357.13",
                "446.41",
                "446.42",
                "1017.39",
                "33.64",
                "20.00",
            ]
        )


def seldom(random: Random, row: Cells) -> None:
    """What few lines would have by chance and a rule looks for."""
    if row["procedure_code"] in FFRCT and random.random() < 0.25:
        row |= {
            "paid_cents": random.choice(["0.00", "0.00", "10.00", ""]),
            "allowed_cents": random.choice(["0.00", "0.00", "20.00", ""]),
            "adjustment_codes": random.choice(BUNDLED),
        }
    if random.random() < 0.05:
        row |= {"paid_cents": "0.00", "allowed_cents": "0.00", "adjustment_codes": ""}
        row["remit_date"] = random.choice(["", "2026-02-01", "2026-02-01", "2026-02-01"])
    if random.random() < 0.02:
        row["diagnosis_codes"] = random.choice(["", "Z99.99", "Z00.00"])
    if random.random() < 0.01:
        row["received_date"] = a_year_on(random, row)
    if random.random() < 0.02:
        row["revenue_code"] = ""
    if random.random() < 0.02:
        row["charge_cents"] = random.choice(["60.00", "81.75", "81.76", "267.84", "267.85"])
    if random.random() < 0.03:
        row["patient_responsibility_cents"] = random.choice(["21.80", "21.81", "90.00", "20.00"])


def denial(random: Random) -> Cells:
    return {
        "paid_cents": "0.00",
        "allowed_cents": random.choice(["0.00", "0.00", "0.00", "", "357.13"]),
        "adjustment_codes": random.choice([*ADJUSTMENTS, "", "", "", ""]),
        "remit_date": random.choice(["", "2026-02-01", "2026-02-01"]),
    }


def near_day(random: Random, row: Cells) -> str:
    return moved(row["service_date"], random.choice([-31, -2, -1, 0, 1, 2, 31]))


def a_year_on(random: Random, row: Cells) -> str:
    start = row["statement_through"] or row["service_date"]
    return moved(start, random.choice([364, 365, 366, 367, -1, 0]))


DISTURBANCES = {
    "service_date": near_day,
    "service_date_to": near_day,
    "statement_from": near_day,
    "statement_through": near_day,
    "received_date": a_year_on,
    "billing_npi": lambda random, row: random.choice(NPIS),
    "rendering_npi": lambda random, row: random.choice(READERS),
    "units": lambda random, row: random.choice(["0", "1", "2", "3", "4", "1.5", "-1"]),
    "modifiers": lambda random, row: random.choice(MODIFIERS),
    "procedure_code": lambda random, row: random.choice(CODES),
    "place_of_service": lambda random, row: random.choice(PLACES),
    "revenue_code": lambda random, row: random.choice(REVENUE),
    "bill_type": lambda random, row: random.choice(BILLS),
    "diagnosis_codes": lambda random, row: random.choice(DIAGNOSES),
    "authorization_number": lambda random, row: random.choice(["A1", "A1", "A2"]),
    "attachment_control_number": lambda random, row: "K1",
    "charge_cents": lambda random, row: random.choice(["100.00", "0.00", "267.84", "60.00"]),
    "patient_responsibility_cents": lambda random, row: random.choice(
        ["71.42", "71.43", "21.80", "21.81", "90.00", "0.00"]
    ),
    "payer_claim_number": lambda random, row: f"ICN{row['claim_id']}",
    "claim_type": lambda random, row: "",
}
