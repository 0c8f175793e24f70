"""Invented official files of the other kinds, each of its published size and layout.

    python -m tests.benchmarks.official_tables --out DIR [--editions 2026Q1,2026Q2]

One folder an edition, one file or archive a kind; it prints how to import them. The codes are those
of the invented exports and more of that kind; an edition changes a hundredth of the figures.
"""

import argparse
import io
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from tests.benchmarks.vocabulary import CARDIAC_DIAGNOSES, DIAGNOSES, PROCEDURES

# Rows of the published files: limits of 2024, articles as counted by one who loaded them, the
# others as the publishers' pages say; of the caps only the rows of one code are known.
SIZES = {
    "icd10cm": 98_186,
    "zip": 42_956,
    "pfs": 19_014,
    "opps": 18_102,
    "mue-practitioner": 14_677,
    "mue-hospital": 14_628,
    "gpci": 109,
    "oppscap": 60_000,
    "mcd": 431_120,
}
EDITIONS = ("2026Q1", "2026Q2", "2026Q3", "2026Q4")
_FAMILY = ("75571", "75572", "75573", "75574", "75577", "75580")
_MONTHS = {"1": "January", "2": "April", "3": "July", "4": "October"}
_ARTICLES, _OURS = 1_900, 12
_CONTRACTORS = ("02102", "10112", "07102", "12202", "11302", "05302", "13102", "14112")
Rows = Iterator[str]


def codes(size: int, seed: int = 5) -> list[str]:
    """So many procedure codes, those of the exports first, sorted."""
    random = np.random.default_rng(seed)
    found = dict.fromkeys([*_FAMILY, *PROCEDURES])
    while len(found) < size:
        letter = "ABCEGHJKLPQRSV"[int(random.integers(14))]
        found.setdefault(f"{letter}{int(random.integers(10_000)):04d}")
    return sorted(list(found)[:size])


def diagnoses(size: int, seed: int = 6) -> list[tuple[str, str]]:
    """So many diagnoses without dot, sorted, each with its flag."""
    random = np.random.default_rng(seed)
    words = [word.replace(".", "") for word in (*CARDIAC_DIAGNOSES[:-2], *DIAGNOSES) if word]
    flags = {word: "1" for word in words if word[0].isalpha()}
    for word in list(flags):
        flags.setdefault(word[:3], "0")
    while len(flags) < size:
        letter = chr(ord("A") + int(random.integers(26)))
        flags.setdefault(f"{letter}{int(random.integers(10**5)):05d}", "1")
    return sorted(list(flags.items())[:size])


def _drift(edition: str, place: int) -> int:
    """What an edition changes of a row's figure: nothing in ninety-nine of a hundred."""
    quarter = int(edition[:4]) * 4 + int(edition[5])
    return quarter % 7 if (place * 7919 + quarter) % 100 == 0 else 0


def icd10cm(edition: str, size: int) -> Rows:
    """The order file of the fiscal year."""
    for number, (code, flag) in enumerate(diagnoses(size), start=1):
        short = f"An invented title of {code}"
        yield f"{number:05d} {code:<7} {flag} {short:<60} {short}, in its long form"


def zip5(edition: str, size: int) -> Rows:
    """Contractor and locality by ZIP code."""
    states = {"02102": "AK", "12202": "VA", "11302": "VA", "05302": "EM"}
    for number in range(size):
        carrier = _CONTRACTORS[number % len(_CONTRACTORS)]
        place = f"{states.get(carrier, 'FL')}{501 + number * 2:05d}{carrier}{number % 5:02d}"
        yield f"{place} Z9   {int(number % 50 == 0)} A".ljust(75) + edition[:4] + edition[5]


def mue(edition: str, size: int, who: str) -> Rows:
    """Limits of one setting, below a notice that is one cell of several lines."""
    yield '"Invented limits, for measuring.\r\n\r\nNo notice is copied here.",,,'
    yield f'"HCPCS/\r\nCPT Code",{who} MUE Values,MUE Adjudication Indicator,MUE Rationale'
    words = ("1 Line Edit", "2 Date of Service Edit: Policy", "3 Date of Service Edit: Clinical")
    for place, code in enumerate(codes(size)):
        yield f"{code},{1 + place % 6 + _drift(edition, place)},{words[place % 3]},Invented"


def pfs(edition: str, size: int, factor: str) -> Rows:
    """Relative values: 31 columns to 2025, 32 from 2026."""
    pricing = edition >= "2026"
    gap, month = ("," if pricing else ""), _MONTHS[edition[5]]
    pad = "," * 28
    title = f"{edition[:4]} National Physician Fee Schedule Relative Value File {month} Release"
    yield f",,{title}{pad}"
    yield f",,RELEASED 09/11/{edition[:4]}{pad}"
    yield f",,,,FOR,,,NON-FAC,,FACILITY ,,,,,,,,,,,,,,{gap},,SUPERVISION OF,,IMAGING,,,"
    yield (
        ",,,STATUS,MEDICARE ,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,"
        f"INTRA,POST,MULT,BILAT,ASST,CO-,TEAM,{'PRIC,' if pricing else ''}ENDO,CONV,DIAGNOSTIC,"
        "CALCULATION,FAMILY,PAYMENT,PAYMENT,PAYMENT"
    )
    yield (
        "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,"
        f"IND,DAYS,OP,OP,OP,PROC,SURG,SURG,SURG,SURG,{'IND,' if pricing else ''}BASE,FACTOR,"
        "PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT"
    )
    splits = (size - 16_000) // 2
    for place, code in enumerate(codes(size - 2 * splits)):
        for modifier in ("", "26", "TC") if place % 5 == 0 and place // 5 < splits else ("",):
            work = (place % 400 + _drift(edition, place)) / 100 if modifier != "TC" else 0
            expense, risk = (place % 900) / 100, (place % 30) / 100
            total = f"{work + expense + risk:.2f}"
            yield (
                f'{code},{modifier},"Invented, {code}",A,,{work:.2f},{expense:.2f},,{expense:.2f},'
                f",{risk:.2f},{total},{total},{int(bool(modifier))},000,0.00,0.00,0.00,0,0,0,0,0,"
                f"{gap},{factor},09,0,99,0.00,0.00,0.00"
            )


def opps(edition: str, size: int) -> Rows:
    """Addendum B."""
    yield (
        f"Addendum B.-Final OPPS Payment by HCPCS Code for {_MONTHS[edition[5]]} {edition[:4]}"
        + 7 * ","
    )
    yield (
        "HCPCS Code,Short Descriptor,SI,APC ,Relative Weight,Payment Rate,National Unadjusted "
        "Copayment,Minimum Unadjusted Copayment"
    )
    for place, code in enumerate(codes(size)):
        if place % 3 == 0:
            yield f"{code},Invented,N,,,,,"
        else:
            cents = 2_000 + place * 13 % 900_000 + _drift(edition, place)
            rate = f"{cents / 100:,.2f}"
            yield f'{code},Invented,S,{5500 + place % 90},{cents / 8_913:.4f},"${rate}",,$1.00'


def oppscap(edition: str, size: int) -> Rows:
    """Caps of technical parts by locality."""
    yield "HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,FACILITY PRICE,NON-FACILTY PRICE"
    places = [(carrier, f"{n:02d}") for carrier in _CONTRACTORS for n in range(15)]
    held = codes(12_000)[-1:0:-1][: size // len(places)]
    for code in sorted({*held[: -len(_FAMILY)], *_FAMILY}):
        for number, (carrier, locality) in enumerate(places):
            price = f"{(15_000 + number * 7 + _drift(edition, number)) / 100:.2f}"
            yield f"{code},TC,C,{carrier},{locality},{price},{price}"


def gpci(edition: str, size: int) -> Rows:
    """Indices by locality."""
    year = edition[:4]
    yield f"ADDENDUM E. FINAL CY {year} GEOGRAPHIC PRACTICE COST INDICES,,,,,,"
    yield ",,,,,,"
    yield (
        "Medicare Administrative Contractor (MAC),State,Locality Number,Locality Name,"
        f"{year} PW GPCI (with 1.0 Floor),{year} PE GPCI,{year} MP GPCI"
    )
    for number in range(size):
        carrier = _CONTRACTORS[number % len(_CONTRACTORS)]
        locality = f"{number // len(_CONTRACTORS):02d}"
        yield f"{carrier},FL,{locality},INVENTED,1.000,0.9{number % 90:02d},0.5"


def articles(edition: str, size: int) -> dict[str, str]:
    """The tables of the coverage database; ``size`` counts the rows of covered diagnoses."""
    day = f"{edition[:4]}-{('01-05', '04-06', '07-06', '10-05')[int(edition[5]) - 1]}"
    listed = [code for code, flag in diagnoses(SIZES["icd10cm"]) if flag == "1"]
    ours = [*CARDIAC_DIAGNOSES[:-2], *(f"{code[:3]}.{code[3:]}" for code in listed[::400])]
    covered = [
        "article_id,article_version,icd10_code_id,icd10_code_version,icd10_covered_group,"
        "range,last_updated,sort_order,description,asterisk"
    ]
    ids = [50_000 + number for number in range(_ARTICLES)]
    per = -(-size // _ARTICLES)
    for place, article in enumerate(ids):
        held = ours if place < _OURS else [f"{c[:3]}.{c[3:]}" for c in listed[place : place + per]]
        covered += [
            f"{article},3,{word},2026,1,N,{day} 00:00:00,{order},Invented,N"
            for order, word in enumerate(held, start=1)
        ]
    held_codes = codes(8_000)
    hcpc = [
        "article_id,article_version,hcpc_code_id,hcpc_code_version,hcpc_code_group,range,"
        "last_updated,long_description,short_description"
    ]
    where = [
        "article_id,article_version,article_type,contractor_id,contractor_type_id,"
        "contractor_version,last_updated"
    ]
    about = [
        "article_id,article_version,article_type,title,article_pub_date,article_eff_date,"
        "article_end_date,description,status,last_updated,article_rev_end_date,date_retired"
    ]
    for place, article in enumerate(ids):
        named = (
            ["75574"]
            if place < _OURS // 2
            else ["75580"]
            if place < _OURS
            else [held_codes[(place * 9 + n) % 8_000] for n in range(9)]
        )
        hcpc += [f"{article},3,{c},2026,1,N,{day},Invented,Invented" for c in named if c]
        where += [
            f"{article},3,6,{(place + n) % 8 + 1},9,1,{day}" for n in range(14 if place else 8)
        ]
        text = "An invented text. " * 800
        about.append(f'{article},3,6,Invented,2020-01-01,2024-01-01,,"{text}",A,{day},,')
    contractors = [
        "contractor_id,contractor_type_id,contractor_version,contractor_bus_name,contractor_number"
    ]
    contractors += [f"{n},9,1,Invented,{number}" for n, number in enumerate(_CONTRACTORS, start=1)]
    tables = {
        "article": about,
        "article_x_icd10_covered": covered,
        "article_x_hcpc_code": hcpc,
        "article_x_contractor": where,
        "contractor": contractors,
    }
    return {f"{name}.csv": "\r\n".join(lines) + "\r\n" for name, lines in tables.items()}


def write(folder: Path, edition: str = EDITIONS[0], scale: float = 1.0) -> list[list[str]]:
    """Writes the files of an edition; returns the arguments of ``auditor reference import``."""
    folder.mkdir(parents=True, exist_ok=True)
    size = {name: max(round(rows * scale), 60) for name, rows in SIZES.items()}
    year, month = edition[:4], _MONTHS[edition[5]]
    day = {"1": "01", "2": "04", "3": "07", "4": "10"}[edition[5]] + f"-01-{year}"
    fiscal = int(year) + (edition[5] == "4")
    text: dict[tuple[str, str], Callable[[], Rows]] = {
        ("icd10cm", f"icd10cm_order_{fiscal}.txt"): lambda: icd10cm(edition, size["icd10cm"]),
        ("zip", f"ZIP5_{month[:3].upper()}{year}.txt"): lambda: zip5(edition, size["zip"]),
        ("ncci-mue", f"MCR_MUE_PractitionerServices_Eff_{day}.csv"): lambda: mue(
            edition, size["mue-practitioner"], "Practitioner Services"
        ),
        ("ncci-mue", f"MCR_MUE_OutpatientHospitalServices_Eff_{day}.csv"): lambda: mue(
            edition, size["mue-hospital"], "Outpatient Hospital Services"
        ),
        ("pfs", f"PPRRVU{year}_{month[:3]}_nonQPP.csv"): lambda: pfs(
            edition, size["pfs"], "33.4009"
        ),
        ("pfs", f"PPRRVU{year}_{month[:3]}_QPP.csv"): lambda: pfs(edition, size["pfs"], "33.5675"),
        ("opps", f"{year}_{month}_Web_Addendum_B.csv"): lambda: opps(edition, size["opps"]),
        ("oppscap", f"OPPSCAP_{month[:3]}.csv"): lambda: oppscap(edition, size["oppscap"]),
        ("gpci", f"GPCI{year}.csv"): lambda: gpci(edition, size["gpci"]),
    }
    by_kind: dict[str, list[str]] = {}
    for (kind, name), rows in text.items():
        content = "\r\n".join(rows()) + "\r\n"
        path = folder / name
        if kind == "oppscap":
            path = folder / f"RVU{year[2:]}{'ABCD'[int(edition[5]) - 1]}.zip"
            _zipped(path, {name: content})
        else:
            path.write_bytes(content.encode("latin-1"))
        by_kind.setdefault(f"{kind} {name[:20]}" if kind == "ncci-mue" else kind, []).append(
            str(path)
        )
    inner = io.BytesIO()
    _zip_into(inner, articles(edition, size["mcd"]))
    _zipped(folder / "current_article.zip", {"current_article_csv.zip": inner.getvalue()})
    by_kind["mcd"] = [str(folder / "current_article.zip")]
    return [[kind.split()[0], *paths] for kind, paths in by_kind.items()]


def _zipped(path: Path, files: Mapping[str, str | bytes]) -> None:
    with path.open("wb") as stream:
        _zip_into(stream, files)


def _zip_into(stream: IO[bytes], files: Mapping[str, str | bytes]) -> None:
    with zipfile.ZipFile(stream, "w") as pack:
        for name, content in files.items():
            # A day of its own, so that the same seed gives the same bytes.
            pack.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED, 3)


def main(argv: Sequence[str] | None = None) -> None:
    """Writes the files of some editions and prints how to import them."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--editions", default=",".join(EDITIONS))
    given = options.parse_args(argv)
    for edition in given.editions.split(","):
        for arguments in write(given.out / edition, edition):
            words = ["auditor reference import", *arguments, "--into library"]
            sys.stdout.write(" ".join(words) + "\n")


if __name__ == "__main__":
    main()
