"""Physician fee schedule, relative value file (PPRRVU): units by code and modifier.

The header is stacked over several rows and its last names repeat, so columns are known by the
names stacked together; the column that 2026 put between TEAM SURG and ENDO BASE moves nothing.
Since 2026 two files come a quarter, alike but for the conversion factor: QPP and nonQPP.
"""

import re
from collections.abc import Mapping, Sequence

import pyarrow as pa

from auditor.errors import AuditError
from auditor.official.kind import CODE, MODIFIER, Asked, Kind, Misfit, Reading, text_table
from auditor.official.numbers import decimal
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed

_WANTED = {
    "code": r".*HCPCS",
    "modifier": r".*MOD",
    "status": r".*STATUS CODE",
    "work": r".*WORK RVU",
    "pe_nonfacility": r".*NON-FAC PE RVU",
    "nonfacility_na": r".*NON-FAC NA INDICATOR",
    "pe_facility": r"(?!.*NON).*FACILITY PE RVU",
    "facility_na": r"(?!.*NON).*FACILITY NA INDICATOR",
    "mp": r".*\bMP RVU",
    "total_nonfacility": r".*NON-FACILITY TOTAL",
    "total_facility": r"(?!.*NON-FAC).*FACILITY TOTAL",
    "pctc": r".*PCTC IND",
    "factor": r".*CONV FACTOR",
}
_OPTIONAL = {"label": r".*DESCRIPTION"}
_COLUMNS = (
    "procedure_code",
    "modifier",
    "work_rvu",
    "pe_rvu_nonfacility",
    "pe_rvu_facility",
    "mp_rvu",
    "total_rvu_nonfacility",
    "total_rvu_facility",
    "status_code",
    "pctc_indicator",
)
# Active, restricted, and paid alone: the statuses whose units make a price.
_PRICED = ("A", "R", "T")
_MONTHS = ("JAN", "APR", "JUL", "OCT")


def read(files: Sequence[Published], asked: Asked) -> Reading:
    """Units and conversion factors. The twins of a quarter must agree in all units."""
    units: dict[str, Rows] = {}
    factors: dict[str, list[str]] = {}
    editions = []
    for file in files:
        rows = Rows()
        rows.take(file, _WANTED, _taken, _OPTIONAL)
        variant = _variant(file.name)
        if variant in units:
            raise AuditError(f"{file.full_name}: this file was given twice; give each once")
        units[variant] = rows
        factors[variant] = [words[len(_COLUMNS)] for _, _, words in rows.kept]
        editions.append(_edition(f"{file.name} {rows.title}"))
    if "standard" not in units:
        raise AuditError(
            f"{files[0].full_name}: is the QPP file, whose factor is for qualifying participants "
            "alone; give the nonQPP file of the same release as well, in one command"
        )
    chosen = units["standard"]
    _refuse_other_units(units)
    misfits = [misfit for rows in units.values() for misfit in rows.misfits]
    names = [*_COLUMNS, *(["label"] if asked.licensed else [])]
    kept = _once(chosen.kept, len(names), misfits)
    return Reading(
        tables={
            "pfs_rates": text_table(names, kept),
            "conversion_factors": _factors(factors),
        },
        misfits=misfits,
        read={name: count for rows in units.values() for name, count in rows.read.items()},
        edition=agreed(editions, "editions", "import the files of each edition apart"),
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    if not CODE.fullmatch(cells["code"]):
        raise ValueError("no code of five characters in the first cell: a footnote, or a lost zero")
    if cells["modifier"] and not MODIFIER.fullmatch(cells["modifier"]):
        raise ValueError("the modifier has not two characters")
    # NA: the service is not done there, and the figure beside it is no price.
    priced = cells["status"] in _PRICED
    here = priced and cells["nonfacility_na"] != "NA"
    facility = priced and cells["facility_na"] != "NA"
    return [
        cells["code"],
        cells["modifier"],
        decimal(cells["work"]),
        decimal(cells["pe_nonfacility"]) if here else "",
        decimal(cells["pe_facility"]) if facility else "",
        decimal(cells["mp"]),
        decimal(cells["total_nonfacility"]) if here else "",
        decimal(cells["total_facility"]) if facility else "",
        cells["status"],
        cells["pctc"],
        decimal(cells["factor"]),
        cells["label"],
    ]


def _once(
    rows: list[tuple[int, str, list[str]]], width: int, misfits: list[Misfit]
) -> list[list[str]]:
    seen: dict[tuple[str, ...], list[str]] = {}
    for number, file, words in rows:
        own = [*words[: len(_COLUMNS)], words[-1]][:width]
        before = seen.setdefault(tuple(words[:2]), own)
        if before is not own:
            misfits.append(Misfit(file, number, "repeats the code and modifier of an earlier row"))
    return list(seen.values())


def _refuse_other_units(units: Mapping[str, Rows]) -> None:
    says = [{tuple(words[: len(_COLUMNS)]) for _, _, words in rows.kept} for rows in units.values()]
    if any(one != says[0] for one in says):
        raise AuditError(
            "the QPP and the nonQPP file disagree about units; they are of different releases: "
            "give the two of one release"
        )


def _factors(factors: Mapping[str, Sequence[str]]) -> pa.Table:
    rows = []
    for variant, stated in factors.items():
        named = sorted({factor for factor in stated if factor and float(factor) > 0})
        # Anaesthesia has a factor of its own, on a handful of codes.
        rows.append(["pfs", variant, max(named, key=list(stated).count, default="")])
    return text_table(("system", "variant", "conversion_factor"), rows)


def _variant(name: str) -> str:
    plain = re.sub(r"non-?_?qpp", "", name, flags=re.IGNORECASE)
    return "qualifying_apm" if re.search(r"qpp", plain, re.IGNORECASE) else "standard"


def _edition(text: str) -> str:
    year = re.search(r"PPRRVU(20)?(\d{2})|\b(20)(\d{2}) NATIONAL PHYSICIAN", text, re.IGNORECASE)
    month = re.search(
        r"[_ -](JAN|APR|JUL|OCT)|\b(JANUARY|APRIL|JULY|OCTOBER) RELEASE", text, re.IGNORECASE
    )
    if not year or not month:
        return ""
    word = (month[1] or month[2])[:3].upper()
    return f"20{year[2] or year[4]}Q{_MONTHS.index(word) + 1}"


KIND = Kind(
    name="pfs",
    title="Physician fee schedule, relative value units",
    publisher="CMS",
    members=re.compile(r"PPRRVU", re.IGNORECASE),
    tables=("pfs_rates", "conversion_factors"),
    read=read,
)
