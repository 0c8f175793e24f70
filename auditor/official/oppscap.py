"""OPPS imaging caps: the most Medicare pays a physician for the technical part, by locality."""

import re
from collections.abc import Mapping, Sequence

from auditor.official.kind import CODE, MODIFIER, Asked, Kind, Reading, once_each, text_table
from auditor.official.numbers import cents
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed

_WANTED = {
    "code": r"HCPCS",
    "modifier": r"MOD",
    "carrier": r"CARRIER",
    "locality": r"LOCALITY",
    "facility": r"FACILITY PRICE",
    # The publisher's own spelling, and the one it means.
    "nonfacility": r"NON-?FACIL(I?)TY PRICE",
}
_COLUMNS = (
    "procedure_code",
    "modifier",
    "carrier",
    "locality",
    "facility_cents",
    "nonfacility_cents",
)
_RELEASES = {"A": "Q1", "B": "Q2", "C": "Q3", "D": "Q4"}


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Caps by code, modifier and locality."""
    rows, editions = Rows(), []
    for file in files:
        rows.take(file, _WANTED, _taken)
        editions.append(edition_of_release(file.full_name))
    return Reading(
        tables={"locality_caps": text_table(_COLUMNS, once_each(rows.kept, 4, rows.misfits))},
        misfits=rows.misfits,
        read=rows.read,
        edition=agreed(editions, "editions", "import the files of each edition apart"),
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    if not CODE.fullmatch(cells["code"]):
        raise ValueError("no code of five characters in the first cell: a footnote, or a lost zero")
    if cells["modifier"] and not MODIFIER.fullmatch(cells["modifier"]):
        raise ValueError("the modifier has not two characters")
    return [
        cells["code"],
        cells["modifier"],
        carrier_number(cells["carrier"]),
        locality_number(cells["locality"]),
        cents(cells["facility"]),
        cents(cells["nonfacility"]),
    ]


def carrier_number(text: str) -> str:
    """Five digits; a spreadsheet drops the leading zero. Raises ValueError for anything else."""
    if not re.fullmatch(r"[0-9]{4,5}", text):
        raise ValueError("the contractor number has not five digits")
    return text.zfill(5)


def locality_number(text: str) -> str:
    """Two digits; a spreadsheet drops the leading zero. Raises ValueError for anything else."""
    if not re.fullmatch(r"[0-9]{1,2}", text):
        raise ValueError("the locality number has not two digits")
    return text.zfill(2)


def edition_of_release(name: str) -> str:
    """RVU25D, the archive around these files, is the fourth release of 2025."""
    found = re.search(r"RVU(\d{2})([A-D])", name, re.IGNORECASE)
    return f"20{found[1]}{_RELEASES[found[2].upper()]}" if found else ""


KIND = Kind(
    name="oppscap",
    title="OPPS imaging caps",
    publisher="CMS",
    members=re.compile(r"OPPSCAP", re.IGNORECASE),
    tables=("locality_caps",),
    read=read,
)
