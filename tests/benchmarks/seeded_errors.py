"""The errors of the invented exports: one line in twenty, and a few adjusted claims."""

import numpy as np

from tests.benchmarks.vocabulary import (
    ADJUSTMENTS,
    BILL_TYPES,
    DIAGNOSES,
    FREQUENCIES,
    MODIFIERS,
    OTHER_CODES,
    PLACES,
    PROCEDURES,
    REVENUE_CODES,
)

# One array a column, one value a line; words as their places in the vocabulary.
Lines = dict[str, np.ndarray]

ERROR_SHARE = 0.05
_REPLACED_SHARE = 0.004

_NO_READING, _TECHNICAL = MODIFIERS.index(""), MODIFIERS.index("TC")
_READING, _SEPARATE = MODIFIERS.index("26"), MODIFIERS.index("59")
_NO_DIAGNOSIS = {"diagnosis_1": 0, "diagnosis_2": 0, "diagnosis_3": 0}
_UNSPECIFIC = _NO_DIAGNOSIS | {"diagnosis_1": DIAGNOSES.index("I20.8")}
_MISTYPED = _NO_DIAGNOSIS | {"diagnosis_1": DIAGNOSES.index("125.10")}
_DENIED = {"paid": 0, "responsibility": 0, "allowed": 0, "adjustment": ADJUSTMENTS.index("CO-97")}

# What an error puts into a line, or adds to a day; "twice" and "dropped" are lines too many or few.
_OF_HOSPITALS: tuple[dict[str, int], ...] = (
    {"revenue": REVENUE_CODES.index("")},
    {"revenue": REVENUE_CODES.index("048X")},
    {"revenue": REVENUE_CODES.index("0352")},
    {"revenue": REVENUE_CODES.index("0481")},
    {"revenue": REVENUE_CODES.index("480")},
    {"modifier": _TECHNICAL},
    {"modifier": _READING},
    {"code": PROCEDURES.index("0503T")},
    _DENIED,
    _NO_DIAGNOSIS,
    _UNSPECIFIC,
    {"allowed": 9_900, "paid": 7_920},
    {"authorized": 0},
    {"+last_day": -3},
    {"+received": -60},
    {"+received": 500},
    {"twice": 1},
    {"dropped": 1},
)
_OF_PHYSICIANS: tuple[dict[str, int], ...] = (
    {"modifier": _NO_READING},
    {"modifier": _TECHNICAL},
    {"second_modifier": _TECHNICAL},
    {"modifier": _SEPARATE, "second_modifier": _READING},
    {"revenue": REVENUE_CODES.index("0489")},
    {"place": PLACES.index("")},
    {"units": 3},
    _DENIED,
    _MISTYPED,
    {"+day": -3},
    {"+day": 12},
    {"+received": 500},
    {"+provider": 1},
    {"twice": 1},
    {"dropped": 1},
)


def with_errors(random: np.random.Generator, lines: Lines) -> Lines:
    """Lines of which one in twenty holds one error; a few are billed twice or not at all."""
    size = len(lines["claim"])
    wrong = random.random(size) < ERROR_SHARE
    lines = {name: column.copy() for name, column in lines.items()}
    lines |= {"twice": np.zeros(size, np.int64), "dropped": np.zeros(size, np.int64)}
    for errors, here in (
        (_OF_HOSPITALS, ~lines["professional"]),
        (_OF_PHYSICIANS, lines["professional"]),
    ):
        kind = random.integers(0, len(errors), size)
        for number, error in enumerate(errors):
            which = wrong & here & (kind == number)
            if "code" in error:
                which &= lines["code"] < len(PROCEDURES) - len(OTHER_CODES)
            for name, value in error.items():
                if name.startswith("+"):
                    lines[name[1:]][which] += value
                else:
                    lines[name][which] = value
    for name in ("day", "last_day", "received"):
        lines[name] = np.maximum(lines[name], 0)
    again = np.flatnonzero(lines.pop("twice"))
    dropped = lines.pop("dropped").astype(bool)
    places = np.concatenate([np.flatnonzero(~dropped), again])
    new_claim = int(lines["claim"].max()) + 1 + np.arange(len(again))
    found = {name: column[places] for name, column in lines.items()}
    found["claim"][len(places) - len(again) :] = new_claim
    return found


def with_replacements(random: np.random.Generator, lines: Lines) -> Lines:
    """The lines, and of a few claims a replacement that names the original, or a void."""
    claims = int(lines["claim"].max()) + 1
    chosen = random.random(claims) < _REPLACED_SHARE
    void = random.random(claims) < 0.1
    places = np.flatnonzero(chosen[lines["claim"]])
    copies = {name: column[places] for name, column in lines.items()}
    is_void = void[copies["claim"]]
    copies["original"] = copies["claim"]
    copies["claim"] = copies["claim"] + claims
    copies["received"] = copies["received"] + 20
    copies["bill_type"] = np.where(copies["professional"], 0, BILL_TYPES.index("0137") + is_void)
    copies["frequency"] = np.where(copies["professional"], FREQUENCIES.index("7") + is_void, 0)
    return {name: np.concatenate([lines[name], copies[name]]) for name in lines}
