"""OPPS Addendum B: status indicator, APC and national rate of each code in the hospital."""

import re
from collections.abc import Mapping, Sequence

from auditor.official.kind import CODE, Asked, Kind, Reading, once_each, text_table
from auditor.official.numbers import cents, decimal
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed

_WANTED = {
    "code": r"HCPCS( CODE)?",
    "status": r"(SI|STATUS INDICATOR)\*?",
    "apc": r"APC\*?",
    "weight": r"RELATIVE WEIGHT\*?",
    "rate": r"PAYMENT RATE\*?",
}
_OPTIONAL = {"label": r"SHORT DESCRIPTOR"}
_COLUMNS = ("procedure_code", "apc", "status_indicator", "relative_weight", "rate_cents", "label")
_QUARTERS = ("JAN", "APR", "JUL", "OCT")
# Stands where there is no figure.
_NOTHING = "."


def read(files: Sequence[Published], asked: Asked) -> Reading:
    """Rates by code. A packaged code (status N) has the rate 0, a blank rate is unknown."""
    rows, editions, twins = Rows(), [], 0
    for file in files:
        own = Rows()
        own.take(file, _WANTED, _taken, _OPTIONAL)
        editions.append(_edition(f"{file.full_name} {own.title}"))
        # One table comes twice in an archive, once made for readers of screens.
        says = {tuple(words) for _, _, words in own.kept}
        if says == {tuple(words) for _, _, words in rows.kept}:
            twins += len(own.kept)
            own.kept.clear()
        rows.add_all(own)
    kept = once_each(rows.kept, 1, rows.misfits)
    width = len(_COLUMNS) if asked.licensed else len(_COLUMNS) - 1
    return Reading(
        tables={"opps_rates": text_table(_COLUMNS[:width], [words[:width] for words in kept])},
        misfits=rows.misfits,
        read=rows.read,
        edition=agreed(editions, "editions", "import the files of each edition apart"),
        left_out={"rows of a second file that says the same": twins},
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    if not CODE.fullmatch(cells["code"]):
        raise ValueError("no code of five characters in the first cell: a footnote, or a lost zero")
    # CMS marks what changed with an asterisk.
    status = cells["status"].strip("* ")
    if not re.fullmatch(r"[A-Z][0-9]?", status):
        raise ValueError("the status indicator is no letter with at most one digit")
    rate = cents(cells["rate"].strip("* ")) if cells["rate"] != _NOTHING else ""
    weight = cells["weight"].strip("* ") if cells["weight"] != _NOTHING else ""
    apc = cells["apc"].strip("* ")
    return [
        cells["code"],
        apc.zfill(4) if apc else "",
        status,
        decimal(weight),
        "0" if status == "N" else rate,
        cells["label"],
    ]


def _edition(text: str) -> str:
    found = re.search(
        r"(20\d{2})[-_ ]*(JAN|APR|JUL|OCT)|(JAN|APR|JUL|OCT)[A-Z]*[-_ ,.]*(20\d{2})",
        text,
        re.IGNORECASE,
    )
    if not found:
        return ""
    year, month = found[1] or found[4], (found[2] or found[3]).upper()
    return f"{year}Q{_QUARTERS.index(month) + 1}"


KIND = Kind(
    name="opps",
    title="OPPS Addendum B",
    publisher="CMS",
    members=re.compile(r"addendum.?b", re.IGNORECASE),
    tables=("opps_rates",),
    read=read,
)
