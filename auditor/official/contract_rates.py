"""A site's own contract rates: what a payer other than Medicare pays."""

import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from auditor.library.specifications import payer_key
from auditor.official.kind import CODE, Asked, Kind, Misfit, Reading, text_table
from auditor.official.numbers import decimal
from auditor.official.plain_rows import OTHER_SHEETS, Rows
from auditor.official.published import Published
from auditor.reference_cells import contract_fault

_WANTED = {
    "payer": r"PAY[EO]R([_ ]NAME)?",
    "procedure_code": r"PROCEDURE[_ ]CODE",
    "component": r"COMPONENT",
    "setting": r"SETTING",
    "amount": r"AMOUNT",
    "percent_of_medicare": r"PERCENT[_ ]OF[_ ]MEDICARE",
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

_FROM, _TO = 4, 5
_DATES = "name the columns effective_from and effective_to, or take them out"


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Rates by payer, code, component and setting, with the dates that the rows give.

    Where some rows say no first day, the files don't say since when they stand.
    """
    rows = Rows()
    others = sum(rows.take_own(file, _WANTED, _taken, _DATES, _OPTIONAL) for file in files)
    kept = _in_turn(rows.kept, rows.misfits)
    return Reading(
        tables={"contract_rates": text_table(_COLUMNS, kept)},
        misfits=rows.misfits,
        read=rows.read,
        left_out={OTHER_SHEETS: others},
        edition=min((words[_FROM] for words in kept), default=""),
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    code, component, setting = (
        cells["procedure_code"].upper(),
        cells["component"].lower(),
        cells["setting"].lower(),
    )
    if not cells["payer"]:
        raise ValueError("has no payer")
    if not CODE.fullmatch(code):
        raise ValueError("the procedure code has not five characters; a lost zero?")
    if component not in ("technical", "professional", "global"):
        raise ValueError("the component is none of technical (TC), professional (26), global")
    if setting not in ("institutional", "professional"):
        raise ValueError("the setting is neither institutional nor professional")
    amount = decimal(cells["amount"].replace("$", ""))
    percent = decimal(cells["percent_of_medicare"].removesuffix("%"))
    if amount.startswith("-"):
        raise ValueError("the amount is below zero")
    row = {"component": component, "setting": setting}
    if fault := contract_fault(row | {"amount": amount, "percent_of_medicare": percent}):
        raise ValueError(fault)
    first, last = day_of(cells["from"]), day_of(cells["to"])
    if last and last < first:
        raise ValueError("ends before it begins")
    return [cells["payer"], code, component, setting, first, last, amount, percent]


def _in_turn(rows: Sequence[tuple[int, str, list[str]]], misfits: list[Misfit]) -> list[list[str]]:
    """Rows of which no two of a key are in force on one day; others are misfits.

    A rate without a last day ends when the next one of its key begins.
    """
    by_key: dict[tuple[str, ...], list[tuple[int, str, list[str]]]] = {}
    for row in rows:
        payer, *key = row[2][:_FROM]
        by_key.setdefault((payer_key(payer), *key), []).append(row)
    kept: list[list[str]] = []
    for held in by_key.values():
        before: list[str] = []
        said: list[str] = []
        for number, file, words in sorted(held, key=lambda row: row[2][_FROM]):
            reason = ""
            if before and words[_FROM] == before[_FROM]:
                same = words[_FROM:] == said[_FROM:]
                reason = (
                    "repeats an earlier row" if same else "contradicts an earlier row of its key"
                )
            elif before and before[_TO] >= words[_FROM]:
                reason = f"begins before the rate since {before[_FROM] or 'ever'} has ended"
            if reason:
                misfits.append(Misfit(file, number, reason, " ".join(words[: _FROM + 1])))
                continue
            if before and not before[_TO]:
                before[_TO] = (date.fromisoformat(words[_FROM]) - timedelta(days=1)).isoformat()
            before, said = list(words), words
            kept.append(before)
    return kept


def day_of(text: str) -> str:
    """A date as 2024-01-31, blank where there is none. Raises ValueError for anything else."""
    day = re.sub(r"[ T]00:00(:00)?$", "", text)
    found = re.fullmatch(r"(\d{1,2})/(\d{1,2})/(\d{4})", day)
    iso = f"{found[3]}-{int(found[1]):02}-{int(found[2]):02}" if found else day
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
