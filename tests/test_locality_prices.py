"""Prices of every code, part, day and place, restated from the text of the rules in fractions."""

import itertools
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import pandas as pd

from auditor.amounts import expected_payment
from auditor.audit import prepare
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir
from tests.oracle.money import BY_SOFTWARE
from tests.oracle.tables import in_force
from tests.test_library import claims

# By ZIP code: contractor, locality, and yes where only four further digits would tell.
PLACES = {
    "22030": ("12202", "01", "no"),
    "99501": ("02102", "01", "no"),
    "23219": ("11302", "00", "no"),
    "63101": ("05302", "01", "yes"),
}
# Work, expense and malpractice, to the end of 2025; of 23219 none.
INDICES = {
    ("12202", "01"): ("1.047", "1.204", "1.202"),
    ("02102", "01"): ("1.500", "1.081", "0.592"),
    ("05302", "01"): ("1.000", "1.000", "1.000"),
}
# Cents, from 2024 to June 2025.
CAPS = {
    ("75574", "12202", "01"): 20_500,
    ("75573", "02102", "01"): 19_000,
    ("75580", "12202", "01"): 60_000,
    ("75574", "11302", "00"): 17_000,
}
CAPPED = (date(2024, 1, 1), date(2025, 6, 30))
CODES = ("75571", "75572", "75573", "75574", "75577", "75580", "0503T")
DAYS = ("2022-05-05", "2024-03-08", "2024-03-09", "2024-12-31", "2025-06-30", "2025-07-01")
DAYS += ("2025-12-31", "2026-01-01")
PART = {"26": "professional", "TC": "technical", "": "global"}


def overlaid(folder: Path) -> Reference:
    """The shipped tables, localities, and a contract of three kinds of rates."""
    places = (f"{z},,,VA,{c},{n},{four},own" for z, (c, n, four) in PLACES.items())
    indices = (f"{c},{n},,2025-12-31,VA,{','.join(i)},own" for (c, n), i in INDICES.items())
    first, last = CAPPED
    caps = (f"{p},TC,{c},{n},{first},{last},{v},{v},own" for (p, c, n), v in CAPS.items())
    rates = (
        f"Blue Heart,{code},{part},professional,,,{rate},own"
        for code in CODES
        for part, rate in (("professional", ",118.5"), ("technical", "612.40,"))
    )
    dates = "effective_from,effective_to"
    tables = {
        "zip_localities": (f"zip,{dates},state,carrier,locality,plus_four,source", places),
        "gpci": (f"carrier,locality,{dates},state,work_gpci,pe_gpci,mp_gpci,source", indices),
        "locality_caps": (
            f"procedure_code,modifier,carrier,locality,{dates},facility_cents,nonfacility_cents,"
            "source",
            caps,
        ),
        "contract_rates": (
            f"payer,procedure_code,component,setting,{dates},amount,percent_of_medicare,source",
            rates,
        ),
        "sources": (
            "id,title,publisher,section,url,edition,published_on,checked_on",
            ["own,Ours,,,,,,"],
        ),
    }
    for name, (header, rows) in tables.items():
        (folder / f"{name}.csv").write_text("\n".join([header, *rows, ""]))
    return load_reference(reference_dir(), folder)


def whole(cents: Decimal) -> int:
    return int(cents.quantize(Decimal(1), ROUND_HALF_UP))


def units(code: str, modifier: str, day: date, indices: tuple[str, ...] | None) -> int | None:
    """Relative value units times the factor, each weighed by its index where there are any."""
    row = in_force("pfs_rates", day, procedure_code=code, modifier=modifier)
    factor = in_force("conversion_factors", day, system="pfs", variant="standard")
    if row is None or factor is None:
        return None
    total = Decimal(row["total_rvu_nonfacility"])
    if indices:
        parts = (Decimal(row[n]) for n in ("work_rvu", "pe_rvu_nonfacility", "mp_rvu"))
        total = sum((part * Decimal(i) for part, i in zip(parts, indices, strict=True)), Decimal(0))
    return whole(total * Decimal(factor["conversion_factor"]) * 100)


def medicares(code: str, modifier: str, day: date, zip_code: str, *, old: bool) -> int | None:
    """The lower of fee schedule and cap, at the line's place where all that needs is known."""
    carrier, locality, split = PLACES.get(zip_code, ("", "", "yes"))
    known = split == "no" and day.year <= 2025
    indices = INDICES.get((carrier, locality)) if known else None
    if modifier == "26":
        return units(code, "26", day, indices)
    national = in_force("imaging_caps", day, procedure_code=code, modifier="TC")
    first, last = CAPPED
    here = split == "no" and first <= day <= last
    cap = CAPS.get((code, carrier, locality)) if here else None
    if cap is None and national:
        indices, cap = None, int(national["cap_cents"])
    full = units(code, "TC", day, indices)
    if full is None:
        return units(code, modifier, day, indices)
    scan = full if cap is None else min(full, cap)
    if old and code not in BY_SOFTWARE:
        scan = whole(scan * Decimal("0.85"))
    if modifier == "TC":
        return scan
    study, reading = (units(code, part, day, indices) for part in ("", "26"))
    return study if scan == full or study is None or reading is None else reading + scan


def contracts(modifier: str, medicare: int | None) -> int | None:
    if modifier == "TC":
        return 61_240
    if modifier == "26" and medicare is not None:
        return whole(medicare * Decimal("1.185"))
    return None


def test_every_price_is_that_of_the_rules(tmp_path) -> None:
    asked = list(
        itertools.product(
            CODES, PART, DAYS, [*PLACES, "00000", ""], (False, True), ("Medicare", "BLUE heart")
        )
    )
    lines = claims(
        *(
            {
                "claim_id": f"C{number}",
                "patient_id": f"P{number}",
                "claim_type": "professional",
                "procedure_code": code,
                "modifiers": f"{modifier} CT".strip() if old else modifier,
                "service_date": day,
                "service_zip": zip_code,
                "place_of_service": "11",
                "units": "1",
                "payer": payer,
                "payer_type": "medicare" if payer == "Medicare" else "commercial",
            }
            for number, (code, modifier, day, zip_code, old, payer) in enumerate(asked)
        )
    )
    reference = overlaid(tmp_path)
    prepared = prepare(lines, reference, as_of=date(2026, 6, 30)).lines
    cents = expected_payment(prepared, reference).cents
    found = dict(zip(prepared["source_row"], cents, strict=True))

    wrong = []
    for row, (code, modifier, day, zip_code, old, payer) in enumerate(asked, start=2):
        due = medicares(code, modifier, date.fromisoformat(day), zip_code, old=old)
        due = due if payer == "Medicare" else contracts(modifier, due)
        said = None if pd.isna(found[row]) else int(found[row])
        if said != due:
            wrong.append((asked[row - 2], due, said))
    assert wrong == []
