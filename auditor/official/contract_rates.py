"""A site's own contract rates: what a payer other than Medicare pays."""

import re
from collections.abc import Mapping, Sequence
from datetime import date

from auditor.official.kind import CODE, Asked, Kind, Reading, once_each, text_table
from auditor.official.numbers import decimal
from auditor.official.plain_rows import Rows
from auditor.official.published import Published

_WANTED = {
    "payer": r"PAYER",
    "code": r"PROCEDURE[_ ]CODE",
    "component": r"COMPONENT",
    "setting": r"SETTING",
    "amount": r"AMOUNT",
    "percent": r"PERCENT[_ ]OF[_ ]MEDICARE",
}
_OPTIONAL = {"from": r"EFFECTIVE[_ ]FROM", "to": r"EFFECTIVE[_ ]TO"}
_COLUMNS = (
    "payer",
    "procedure_code",
    "component",
    "setting",
    "own_from",
    "own_to",
    "amount",
    "percent_of_medicare",
)


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Rates by payer, code, component and setting, with the dates that the rows give."""
    rows = Rows()
    for file in files:
        rows.take(file, _WANTED, _taken, _OPTIONAL)
    kept = once_each(rows.kept, 6, rows.misfits)
    return Reading(
        tables={"contract_rates": text_table(_COLUMNS, kept)},
        misfits=rows.misfits,
        read=rows.read,
        edition=min((words[4] for words in kept if words[4]), default=""),
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    if not cells["payer"]:
        raise ValueError("has no payer")
    if not CODE.fullmatch(cells["code"]):
        raise ValueError("the procedure code has not five characters; a lost zero?")
    if cells["component"] not in ("technical", "professional", "global"):
        raise ValueError("the component is none of technical, professional, global")
    if cells["setting"] not in ("institutional", "professional"):
        raise ValueError("the setting is neither institutional nor professional")
    amount, percent = decimal(cells["amount"].replace("$", "")), decimal(cells["percent"])
    if bool(amount) == bool(percent):
        raise ValueError("give either an amount or a percentage of Medicare")
    return [
        cells["payer"],
        cells["code"],
        cells["component"],
        cells["setting"],
        day_of(cells["from"]),
        day_of(cells["to"]),
        amount,
        percent,
    ]


def day_of(text: str) -> str:
    """A date as 2024-01-31, blank where there is none. Raises ValueError for anything else."""
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    iso = f"{found[3]}-{int(found[1]):02}-{int(found[2]):02}" if found else text
    try:
        return date.fromisoformat(iso).isoformat() if iso else ""
    except ValueError as fault:
        raise ValueError("a date is not like 2024-01-31") from fault


KIND = Kind(
    name="contract-rates",
    title="Own contract rates",
    publisher="the site itself",
    members=re.compile(r"."),
    tables=("contract_rates",),
    read=read,
    period="until replaced",
)
