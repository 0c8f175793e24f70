"""Invented claim exports of any size for measuring: the same seed gives the same bytes.

Two mixes. *departmental*: nearly every line is cardiac CT. *all_services*: a hospital's whole
export with 8,000 codes, in which 2 % of the patients have cardiac CT. Hospital and professional
lines stand in one file; about one line in twenty holds a seeded error.

    python -m tests.benchmarks.generate --lines 1000000 --mix departmental --out lines.csv
"""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from tests.benchmarks.seeded_errors import Lines, with_errors, with_replacements
from tests.benchmarks.vocabulary import (
    ADJUSTMENTS,
    BILL_TYPES,
    CARDIAC_DIAGNOSES,
    CLAIM_TYPES,
    DAYS,
    DEPARTMENTS,
    DIAGNOSES,
    FREQUENCIES,
    MODIFIERS,
    OTHER_CODES,
    PAYER_FACTORS,
    PAYER_SHARES,
    PAYERS,
    PLACES,
    PROCEDURES,
    PROVIDERS,
    READERS,
    REASONS_FOR_SCAN,
    REVENUE_CODES,
    place_of,
    rates_of,
)

MIXES = ("departmental", "all_services")
SPAN_DAYS = 730
_BLOCK = 250_000
_CARDIAC_PATIENTS = 0.02
_MOST_CLAIMS = 4 * _BLOCK
# Coprime with ten, so that counting up gives each number once, in no order.
_SCRAMBLE = 3**18


def generate(path: Path, *, lines: int, mix: str, seed: int = 1) -> None:
    """Writes an export of so many lines; memory stays that of a block of 250,000."""
    with path.open("wb") as file:
        for number, first in enumerate(range(0, lines, _BLOCK)):
            random = np.random.default_rng([seed, MIXES.index(mix), number])
            table = _table(_block(random, min(_BLOCK, lines - first), mix), number)
            if number == 0:
                file.write((",".join(table.column_names) + "\n").encode())
            pa.csv.write_csv(
                table,
                file,
                pa.csv.WriteOptions(include_header=False, quoting_style="none", batch_size=8192),
            )


def as_text(path: Path) -> pa.Table:
    """A generated export with every cell as it is written."""
    with pyarrow.csv.open_csv(path) as reader:
        columns = dict.fromkeys(reader.schema.names, pa.string())
    texts = pyarrow.csv.ConvertOptions(column_types=columns)
    return pyarrow.csv.read_csv(path, convert_options=texts)


def _block(random: np.random.Generator, size: int, mix: str) -> Lines:
    """So many lines of whole patients, in random order of their claims."""
    if mix == "departmental":
        lines = _cardiac(random, episodes=size // 2 + 50, patients=size // 3 + 50)
    else:
        visits = size // 4 + 50
        patients = visits // 2 + 1
        cardiac = _cardiac(
            random, episodes=int(patients * _CARDIAC_PATIENTS) + 1, patients=patients
        )
        other = _other_services(random, visits, patients)
        for name in ("claim", "episode"):
            other[name] += int(cardiac[name].max()) + 1
        lines = _stacked([cardiac, other])
    lines = with_errors(random, _described(random, lines))
    lines = with_replacements(random, lines)
    whole_patients = np.argsort(lines["patient"], kind="stable")[:size]
    turn = random.permutation(int(lines["claim"].max()) + 1)
    order = whole_patients[np.argsort(turn[lines["claim"][whole_patients]], kind="stable")]
    lines = {name: column[order] for name, column in lines.items()}
    first = np.r_[True, lines["claim"][1:] != lines["claim"][:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(size), 0))
    lines["line"] = np.arange(size) - start + 1
    return lines


def _cardiac(random: np.random.Generator, *, episodes: int, patients: int) -> Lines:
    """Episodes of cardiac CT: a hospital claim and a reading, or a global line of an office."""
    ccta = PROCEDURES.index("75574")
    scan = random.choice(
        [ccta, *(PROCEDURES.index(code) for code in ("75571", "75572", "75573"))],
        size=episodes,
        p=[0.72, 0.16, 0.08, 0.04],
    )
    office = random.random(episodes) < 0.12
    hospital = ~office
    analysed = (scan == ccta) & (random.random(episodes) < 0.3)
    later = random.choice([0, 0, 0, 1, 2], size=episodes)
    read_later = random.choice([0, 0, 0, 0, 1], size=episodes)
    chance = random.random((4, episodes))
    slots = [
        _slot(hospital, scan, professional=False),
        _slot(hospital & analysed, "75580", professional=False, days=later),
        _slot(hospital & (chance[0] < 0.015), "75571", professional=False),
        _slot(hospital & (chance[1] < 0.05), "Q9967", professional=False),
        _slot(hospital & (chance[2] < 0.02), "96374", professional=False),
        _slot(hospital & (chance[3] < 0.005), "71275", professional=False),
        _slot(hospital & (chance[0] < 0.015), "75571", professional=True, modifier="26"),
        _slot(hospital, scan, professional=True, days=read_later, modifier="26"),
        _slot(hospital & analysed, "75580", professional=True, days=later, modifier="26"),
        _slot(office, scan, professional=True),
    ]
    lines = _stacked(slots)
    lines["office"] = office[lines["episode"]]
    lines["patient"] = random.integers(0, patients, episodes)[lines["episode"]]
    lines["first_day"] = random.integers(0, SPAN_DAYS, episodes)[lines["episode"]]
    lines["day"] = lines["first_day"] + lines["days"]
    lines["last_day"] = lines["first_day"] + later[lines["episode"]]
    lines["revenue"] = np.where(
        lines["professional"],
        REVENUE_CODES.index(""),
        random.choice([REVENUE_CODES.index("0489"), REVENUE_CODES.index("0480")], episodes)[
            lines["episode"]
        ],
    )
    lines["claim"] = lines["episode"] * 2 + lines["professional"]
    return lines


def _slot(
    which: np.ndarray,
    code: np.ndarray | str,
    *,
    professional: bool,
    days: np.ndarray | int = 0,
    modifier: str = "",
) -> Lines:
    """One line for each episode of the mask."""
    episode = np.flatnonzero(which)
    codes = PROCEDURES.index(code) if isinstance(code, str) else code[episode]
    return {
        "episode": episode,
        "professional": np.full(len(episode), professional),
        "code": np.broadcast_to(codes, len(episode)),
        "days": np.broadcast_to(days if isinstance(days, int) else days[episode], len(episode)),
        "modifier": np.full(len(episode), MODIFIERS.index(modifier)),
    }


def _other_services(random: np.random.Generator, visits: int, patients: int) -> Lines:
    """Visits for anything else: a few codes are billed every hour, most hardly ever."""
    visit = np.repeat(np.arange(visits), random.geometric(0.2, visits))
    often = random.zipf(1.2, len(visit)) % len(OTHER_CODES)
    professional = (random.random(visits) < 0.4)[visit]
    office = (random.random(visits) < 0.5)[visit]
    first = random.integers(0, SPAN_DAYS, visits)
    stay = random.choice([0, 0, 0, 0, 1, 3], size=visits)
    days = random.integers(0, stay[visit] + 1)
    hospital_codes = np.arange(REVENUE_CODES.index("0250"), len(REVENUE_CODES))
    return {
        "episode": visit,
        "professional": professional,
        "code": len(PROCEDURES) - len(OTHER_CODES) + often,
        "days": days,
        "modifier": random.choice(
            [MODIFIERS.index(word) for word in ("", "25", "59", "RT")],
            size=len(visit),
            p=[0.9, 0.05, 0.03, 0.02],
        ),
        "office": office & professional,
        "patient": random.integers(0, patients, visits)[visit],
        "first_day": first[visit],
        "day": first[visit] + days,
        "last_day": (first + stay)[visit],
        "revenue": np.where(
            professional, REVENUE_CODES.index(""), hospital_codes[often % len(hospital_codes)]
        ),
        "claim": visit,
    }


def _stacked(parts: list[Lines]) -> Lines:
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def _described(random: np.random.Generator, lines: Lines) -> Lines:
    """What follows from episode, code and day: providers, payer, diagnoses, money."""
    of = lines["claim"]
    claims, size = int(of.max()) + 1, len(of)
    episodes = int(lines["episode"].max()) + 1
    payer = random.choice(len(PAYERS), size=episodes, p=PAYER_SHARES)[lines["episode"]]
    site = random.integers(0, 4, episodes)[lines["episode"]]
    cardiac = lines["code"] < len(PROCEDURES) - len(OTHER_CODES)
    diagnoses = [
        1 + (random.random(claims)[of] * np.where(cardiac, known, len(DIAGNOSES) - 1)).astype(int)
        for known in (REASONS_FOR_SCAN, len(CARDIAC_DIAGNOSES) - 2, len(CARDIAC_DIAGNOSES) - 2)
    ]
    units = np.where(cardiac | (random.random(size) < 0.95), 1, 2)
    rate = rates_of(lines["code"], lines["day"], lines["professional"], lines["office"])
    charge = np.rint(rate * units * (4 + 0.5 * site)).astype(np.int64)
    allowed = np.rint(rate * units * PAYER_FACTORS[payer]).astype(np.int64)
    commercial = payer != PAYERS.index("Medicare")
    share = np.where(commercial & (random.random(size) < 0.25), random.random(size), 0.2)
    paid = np.rint(allowed * (1 - share)).astype(np.int64)
    received = lines["last_day"] + random.integers(3, 45, claims)[of]
    return lines | {
        "payer": payer,
        "provider": np.where(lines["professional"], 4 + site * 3 + lines["office"], site),
        "reader": np.where(lines["professional"], 1 + of % (len(READERS) - 1), 0),
        "place": place_of(lines["professional"], lines["office"]),
        "bill_type": np.where(lines["professional"], 0, 1),
        "frequency": lines["professional"].astype(np.int64),
        "original": np.full(size, -1),
        "second_modifier": np.zeros(size, dtype=np.int64),
        "department": np.where(cardiac, 1, 2 + lines["code"] % (len(DEPARTMENTS) - 2)),
        "diagnosis_1": diagnoses[0],
        "diagnosis_2": np.where(random.random(claims)[of] < 0.6, diagnoses[1], 0),
        "diagnosis_3": np.where(random.random(claims)[of] < 0.25, diagnoses[2], 0),
        "units": units,
        "charge": charge,
        "allowed": allowed,
        "paid": paid,
        "responsibility": allowed - paid,
        "authorized": commercial & cardiac,
        "adjustment": np.ones(size, dtype=np.int64),
        "received": received,
        "unreadable": random.random(size) < 0.0002,
    }


def _table(lines: Lines, number: int) -> pa.Table:
    """The columns as an export writes them, all of them text."""
    institutional = ~lines["professional"]
    claims = number * _MOST_CLAIMS
    service_day = np.where(lines["unreadable"], len(DAYS) - 1, lines["day"])
    columns = {
        "Claim Number": _numbered("C", lines["claim"] + claims, 9),
        "Line": pa.array(lines["line"]),
        "Claim Type": _words(CLAIM_TYPES, lines["professional"]),
        "Type of Bill": _words(BILL_TYPES, lines["bill_type"]),
        "Frequency Code": _words(FREQUENCIES, lines["frequency"]),
        "Original Claim Number": _numbered(
            "C", lines["original"] + claims, 9, lines["original"] >= 0
        ),
        "MRN": _numbered("", lines["patient"] + number * _BLOCK, 8),
        "Service Date": _words(DAYS, service_day),
        "Statement From": _words(DAYS, lines["first_day"], institutional),
        "Statement Through": _words(DAYS, lines["last_day"], institutional),
        "Received Date": _words(DAYS, lines["received"]),
        "CPT/HCPCS": _words(PROCEDURES, lines["code"]),
        "Modifier 1": _words(MODIFIERS, lines["modifier"]),
        "Modifier 2": _words(MODIFIERS, lines["second_modifier"]),
        "Modifier 3": _words(MODIFIERS, np.zeros(len(institutional), dtype=np.int64)),
        "Modifier 4": _words(MODIFIERS, np.zeros(len(institutional), dtype=np.int64)),
        "Revenue Code": _words(REVENUE_CODES, lines["revenue"]),
        "Units": pa.array(lines["units"]),
        "Charge Amount": _dollars(lines["charge"]),
        "Allowed Amount": _dollars(lines["allowed"]),
        "Paid Amount": _dollars(lines["paid"]),
        "Patient Responsibility": _dollars(lines["responsibility"]),
        "CARC": _words(ADJUSTMENTS, lines["adjustment"]),
        "Place of Service": _words(PLACES, lines["place"]),
        **{
            f"Diagnosis {place}": _words(DIAGNOSES, lines[f"diagnosis_{place}"])
            for place in (1, 2, 3)
        },
        "Rendering NPI": _words(READERS, lines["reader"]),
        "Billing NPI": _words(PROVIDERS, lines["provider"]),
        "Authorization Number": _numbered("A", lines["claim"] + claims, 9, lines["authorized"]),
        "Payer": _words(PAYERS, lines["payer"]),
        "Department": _words(DEPARTMENTS, lines["department"]),
    }
    return pa.table(columns)


def _words(words: tuple[str, ...], codes: np.ndarray, given: np.ndarray | None = None) -> Any:
    places: Any = pa.array(codes.astype(np.int64), mask=None if given is None else ~given)
    return pa.array(words, pa.string()).take(places)


def _numbered(
    prefix: str, numbers: np.ndarray, digits: int, given: np.ndarray | None = None
) -> Any:
    scrambled = (numbers * _SCRAMBLE + 271_828) % 10**digits
    text = pc.utf8_lpad(pa.array(scrambled).cast(pa.string()), digits, "0")
    text = pc.binary_join_element_wise(prefix, text, "")
    return text if given is None else pc.if_else(pa.array(given), text, "")


def _dollars(cents: np.ndarray) -> Any:
    sign = pa.array(np.where(cents < 0, "-", ""))
    whole = pa.array(np.abs(cents) // 100).cast(pa.string())
    rest = pc.utf8_lpad(pa.array(np.abs(cents) % 100).cast(pa.string()), 2, "0")
    return pc.binary_join_element_wise(sign, whole, ".", rest, "")


def main() -> None:
    """Writes one export."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--lines", type=int, default=1_000_000)
    options.add_argument("--mix", choices=MIXES, default=MIXES[0])
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--out", type=Path, required=True)
    given = options.parse_args()
    generate(given.out, lines=given.lines, mix=given.mix, seed=given.seed)


if __name__ == "__main__":
    main()
