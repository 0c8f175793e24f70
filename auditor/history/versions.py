"""Which export of a claim line stands, where several exports hold it.

A line is the same line when patient, claim, line number, claim type and kind of claim (original,
replacement, void) agree; a reversal is another line than what it reverses. Its newest export
stands, whether payment came in or a code was changed; an export that was received or remitted
earlier than the one at hand does not count as newer. Within one export nothing is dropped: two
lines of one number are two lines. Where numbers are missing, or one number stands for different
services, day and code tell the lines apart, and where one export tells even those apart, what was
billed. An export may lack what another one has: a line without a number has that of the claim's
line of its day and code, one without a type of claim the type that it has elsewhere, billed with
the same modifiers, and a replacement that names no claim names the one it names elsewhere.
"""

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among, blank
from auditor.matching import group_key, in_company, is_among, numbered
from auditor.reference import Ints, day_numbers
from auditor.schema import COLUMNS

_SERVICE = ("service_date", "procedure_code")
_AS_BILLED = (*_SERVICE, "modifiers", "revenue_code")
# Where a line stood says nothing about what it is.
_PLACE = ("source_file", "source_sheet", "source_row")
_LONG_AGO = -(2**40)

FIRST_ADJUSTING = 3
"""Kinds from here on are of replacements and voids."""


def kinds_of(typed: pd.DataFrame) -> Ints:
    """A number for claim type and kind of claim, as the export of the lines alone shows them."""
    kind = np.zeros(len(typed), dtype=np.int64)
    for weight, column, word in (
        (1, "claim_type", "institutional"),
        (2, "claim_type", "professional"),
        (3, "claim_frequency", "7"),
        (6, "claim_frequency", "8"),
    ):
        kind += weight * among(typed[column], [word])
    return kind


def line_keys(lines: pd.DataFrame, kind: Ints, export: Ints) -> Ints:
    """One integer a line, equal for lines that are one line of a claim, in whatever export.

    ``kind`` is that of ``kinds_of``, ``export`` numbers the exports.
    """
    return _keys(lines, kind, export)[0]


def telling_apart(lines: pd.DataFrame, kind: Ints, export: Ints) -> Mask:
    """Lines whose number stood for several in some export, standing or not.

    Without them the others would be taken for versions of one line.
    """
    return _keys(lines, kind, export)[1]


def _keys(lines: pd.DataFrame, kind: Ints, export: Ints) -> tuple[Ints, Mask]:
    units = lines["units"].fillna(0).to_numpy(dtype=np.float64)
    charge = lines["charge_cents"].fillna(0).to_numpy(dtype=np.int64)
    of_patient = group_key(lines, ["patient_id", "claim_id"])
    # A hospital and a physician may bill under one number; their modifiers differ.
    billed_so = group_key(lines, [*_SERVICE, "modifiers"])
    same = _packed(of_patient, kind // 3, billed_so)
    kind = _told_elsewhere(same, kind, kind % 3 == 0, agreed=True)
    claim = _packed(of_patient, kind, ((units < 0) | (charge < 0)).astype(np.int64))
    claim = _packed(claim, _named(lines, kind, claim))
    service, billed = group_key(lines, _SERVICE), group_key(lines, _AS_BILLED)
    number = lines["line_number"].fillna(-1).to_numpy(dtype=np.int64)
    for what in (billed, service) if number.min(initial=0) < 0 else ():
        number = _told_elsewhere(_packed(claim, what), number, number < 0)
    key = _packed(claim, number)
    several = _several(key, export, service)
    key = _packed(key, np.where(several | (number < 0), service, -1))
    apart = _several(key, export, billed)
    return _packed(key, np.where(apart, billed, -1)), several | apart


def _named(lines: pd.DataFrame, kind: Ints, claim: Ints) -> Ints:
    """What replacements and voids name.

    What an original names is the payer's number of itself, which comes with the payment.
    """
    adjusting = kind >= FIRST_ADJUSTING
    names = np.where(adjusting, group_key(lines, ["original_claim_id"]), -1)
    missing = adjusting & blank(lines["original_claim_id"])
    return _told_elsewhere(claim, names, missing, agreed=True)


def _told_elsewhere(of: Ints, value: Ints, missing: Mask, *, agreed: bool = False) -> Ints:
    """Values; one that is missing is the lowest that the same claim or service has elsewhere.

    With ``agreed`` only where it has one.
    """
    if missing.all() or not missing.any():
        return value
    known = pd.Series(value[~missing]).groupby(of[~missing]).agg(["min", "max"])
    if agreed:
        known = known[known["min"] == known["max"]]
    elsewhere = pd.Series(of).map(known["min"])
    told = missing & elsewhere.notna().to_numpy(dtype=bool)
    return np.where(told, elsewhere.fillna(0).to_numpy(dtype=np.int64), value)


def _several(key: Ints, export: Ints, what: Ints) -> Mask:
    """Lines whose key stands in some export for several of something."""
    again = in_company(_packed(key, export))
    if len(again) == 0:
        return np.zeros(len(key), dtype=bool)
    within = pd.DataFrame({"key": key, "export": export, "what": what}).iloc[again]
    within = within.drop_duplicates()
    several = within.loc[within.duplicated(["key", "export"]), "key"]
    return is_among(key, several.to_numpy(dtype=np.int64))


def standing_versions(lines: pd.DataFrame, key: Ints, export: Ints) -> Mask:
    """Lines whose export is the newest of their line; ``export`` grows with the time of arrival."""
    stands = np.ones(len(lines), dtype=bool)
    again = np.flatnonzero(_in_several(key, export))
    if len(again) == 0:
        return stands
    some = lines.iloc[again]
    blocks = pd.DataFrame(
        {
            "key": key[again],
            "export": export[again],
            "received": _days(some["received_date"]),
            "remitted": _days(some["remit_date"]),
        }
    )
    block = blocks.groupby(["key", "export"], as_index=False).max()
    # The exports of each line in turn: 0 the first that held it.
    block["turn"] = block.groupby("key").cumcount()
    current = block[block["turn"] == 0].set_index("key")
    for turn in range(1, int(block["turn"].max()) + 1):
        next_one = block[block["turn"] == turn].set_index("key")
        before = current.loc[next_one.index]
        newer = next_one[~_earlier(next_one, before)]
        current.loc[newer.index] = newer
    kept = current["export"].loc[blocks["key"]].to_numpy()
    stands[again] = blocks["export"].to_numpy() == kept
    return stands


def told_already(lines: pd.DataFrame, key: Ints, before: Mask, now: Mask) -> Mask:
    """Lines of tonight that say what the memory says already, cell by cell.

    ``before`` marks the lines of the memory that stood before tonight, ``now`` those of tonight
    that stand. Of a line that is there several times, all have to agree.
    """
    told = np.zeros(len(lines), dtype=bool)
    again = np.flatnonzero((before | now) & is_among(key, key[before]) & is_among(key, key[now]))
    if len(again) == 0:
        return told
    some = lines.iloc[again]
    content = _content(some)
    row = pd.DataFrame({"key": key[again], "now": now[again], "content": content})
    row = row.sort_values(["key", "now", "content"], kind="stable")
    row["nth"] = row.groupby(["key", "now"]).cumcount()
    sides = row[~row["now"]].merge(row[row["now"]], on=["key", "nth"], how="outer")
    sides["same"] = sides["content_x"] == sides["content_y"]
    same = sides.groupby("key")["same"].all()
    told[again] = same.reindex(key[again]).to_numpy(dtype=bool) & now[again]
    return told


def _content(lines: pd.DataFrame) -> Ints:
    """One integer a line, equal for lines that agree in every cell, wherever they stood."""
    columns: list[Ints] = []
    for name, column in COLUMNS.items():
        if name in _PLACE:
            continue
        if column.kind == "text":
            columns.append(lines[name].cat.codes.to_numpy().astype(np.int64))
        else:
            values = lines[name].astype("float64") if column.kind != "date" else lines[name]
            columns.append(pd.factorize(values, use_na_sentinel=False)[0].astype(np.int64))
    return _packed(*columns)


def _in_several(key: Ints, export: Ints) -> Mask:
    """Lines whose key occurs in more than one export."""
    pairs = pd.DataFrame({"key": key, "export": export}).drop_duplicates()
    return is_among(key, pairs.loc[pairs["key"].duplicated(), "key"].to_numpy(dtype=np.int64))


def _earlier(one: pd.DataFrame, other: pd.DataFrame) -> Mask:
    """Whether a version was received, or else remitted, before another; unknown days don't say."""
    earlier = np.zeros(len(one), dtype=bool)
    decided = np.zeros(len(one), dtype=bool)
    for name in ("received", "remitted"):
        mine, others = one[name].to_numpy(), other[name].to_numpy()
        differ = (mine > _LONG_AGO) & (others > _LONG_AGO) & (mine != others) & ~decided
        earlier |= differ & (mine < others)
        decided |= differ
    return earlier


def _days(column: "pd.Series[pd.Timestamp]") -> Ints:
    return np.where(column.notna(), day_numbers(column), _LONG_AGO)


def _packed(*columns: Ints) -> Ints:
    """Several integers a line as one, numbered from 0."""
    key = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        low = int(column.min(initial=0))
        size = int(column.max(initial=0)) - low + 1
        if size >= 2**30:
            column, low = numbered(column), 0
            size = int(column.max(initial=0)) + 1
        key = numbered(key * size + (column - low))
    return key
