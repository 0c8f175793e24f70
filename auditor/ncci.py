"""NCCI procedure-to-procedure edits: which lines of a patient's day stand in an edited pair."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.caching import computed_once
from auditor.claim_lines import Mask, among, blank, coded, has_modifier
from auditor.matching import (
    first_places,
    group_key,
    grouped,
    in_company,
    in_order,
    numbered,
    pairs_by_and_by,
    share_a_group,
)
from auditor.reference import Bools, InForce, Ints, Reference, Table, day_numbers

# "Same patient, date and provider" (NCCI policy manual ch. I), and never across claim types.
_SAME_ENCOUNTER = ("patient_id", "service_date", "billing_npi", "claim_type")

# What is asked of the lines that stand beside others.
_ASKED = [
    "procedure_code",
    "modifiers",
    "rendering_npi",
    "denied",
    "service_date",
    "claim_type",
]

SETTINGS = ("institutional", "professional")

# No real day comes near: test accounts do, and whole days of them would be paired by the million.
MOST_KINDS = 200
# The partner that a finding names, and those that it lists.
_MOST_PARTNERS = 21


@dataclass(frozen=True)
class PtpPairs:
    """Pairs of lines that an edit in force forbids or allows with a modifier.

    One row a pair: positions of the column-two and the column-one line, the position of the edit
    in the table, its indicator, whether a modifier bypasses it, whether the lines name two
    different rendering providers. ``beside_another`` has one value a claim line: another code
    stands beside it on the day, other than one known to make no pair with it. ``crowded_days``
    counts the groups with more than ``MOST_KINDS`` kinds of lines; there lines are taken together
    by code, the first of them standing for who rendered the service.
    """

    two: Ints
    one: Ints
    indicator: Ints
    bypassed: Bools
    other_renderer: Bools
    edits: InForce
    beside_another: Bools
    crowded_days: int


def may_be_column_two(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines whose code an edit of their setting denies, and all of the cardiac CT family.

    Where all edits of a setting are at hand, every line of it: no edit then means clean.
    """
    found = among(lines["role"], ["family"])
    for setting in SETTINGS:
        here = among(lines["claim_type"], [setting, ""])
        if setting not in reference.whole_settings("ptp_edits"):
            denied = reference.words("ptp_edits", "column_two", setting=setting)
            here &= among(lines["procedure_code"], denied)
        found |= here
    return found


def may_exceed_mue(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines whose code our tables know; where all limits of a setting are at hand, all its lines.

    CMS leaves some limits unpublished, so that a code without one is not evaluated even then.
    """
    whole = reference.whole_settings("mue")
    found = ~among(lines["role"], [""])
    return found | among(lines["claim_type"], whole) if whole else found


@computed_once
def ptp_pairs(lines: pd.DataFrame, reference: Reference) -> PtpPairs:
    """All pairs of one patient, date, provider and claim type that an edit in force joins."""
    places = np.flatnonzero(~blank(lines["billing_npi"]) & ~blank(lines["claim_type"]))
    group = group_key(lines, _SAME_ENCOUNTER)[places]
    shared = in_company(group)
    places, group = places[shared], group[shared]
    beside = _beside_another(lines, places, group, reference)
    named = _named_in_setting(lines, reference)[places]
    places, group = places[named], group[named]
    some = lines[_ASKED].iloc[places]
    bypasses = has_modifier(some, reference.words("modifiers", "modifier", bypasses_ptp="yes"))
    denied = some["denied"].to_numpy(dtype=bool)
    kind, crowded_days = _kinds(some, group, bypasses * 2 + denied)
    alike = grouped(grouped(group) * _room(kind) + kind)
    order = in_order(lines, places, alike, by_received=False)
    one, two, edits = _edited(some, group[order], kind[order], order, denied, reference)
    renderer = some["rendering_npi"].cat.codes.to_numpy()
    known = ~blank(some["rendering_npi"])
    found = pd.DataFrame(
        {
            "two": two,
            "one": one,
            "indicator": _indicators(edits.table)[edits.row],
            "edit": np.arange(len(one)),
            "bypassed": bypasses[one] | bypasses[two],
            "other_renderer": known[one] & known[two] & (renderer[one] != renderer[two]),
        }
    )
    if _has_many_partners(found):
        found = _first_partners(
            found, np.argsort(in_order(lines, places, group, by_received=False))
        )
    found = _expanded(alike, found)
    return PtpPairs(
        two=places[found["two"].to_numpy()],
        one=places[found["one"].to_numpy()],
        indicator=found["indicator"].to_numpy(),
        bypassed=found["bypassed"].to_numpy(),
        other_renderer=found["other_renderer"].to_numpy(),
        edits=edits.take(found["edit"].to_numpy()),
        beside_another=beside,
        crowded_days=crowded_days,
    )


def _kinds(some: pd.DataFrame, group: Ints, flags: Ints) -> tuple[Ints, int]:
    """A number a line, equal for lines that make the same pairs, and how many days are crowded.

    ``flags`` are below four. A kind is a code, who rendered it and the flags; on a crowded day it
    is code and flags.
    """
    kind = group_key(some, ["procedure_code", "rendering_npi"]) * 4 + flags
    groups = numbered(group)
    large = (np.bincount(groups, minlength=1) > MOST_KINDS)[groups]
    if not large.any():
        return numbered(kind), 0
    kinds = numbered(kind[large])
    once = first_places(numbered(groups[large] * _room(kinds) + kinds))
    crowded = np.bincount(groups[large][once], minlength=int(groups.max()) + 1) > MOST_KINDS
    by_code = -1 - (_code(some) * 4 + flags)
    return numbered(np.where(crowded[groups], by_code, kind)), int(crowded.sum())


def _room(number: Ints) -> int:
    return int(number.max(initial=0)) + 1


def _edited(
    some: pd.DataFrame, group: Ints, kind: Ints, order: Ints, denied: Mask, reference: Reference
) -> tuple[Ints, Ints, InForce]:
    """Column-one line, column-two line and active edit of each pair of kinds that has one.

    ``group`` and ``kind`` stand in ``order``.
    """
    known = _known_edits(some, reference)
    indicator_of = np.append(_indicators(known.table), -1)
    ones, twos, rows = [], [], []
    code = known.code[order]
    as_one = np.where(denied[order], known.size, code) * known.size
    for left, right in pairs_by_and_by(group, kind):
        possible = np.flatnonzero(known.joined[as_one[left] + code[right]])
        one, two = order[left[possible]], order[right[possible]]
        edits = known.in_force(some, one, two, reference)
        hit = np.flatnonzero(indicator_of[edits.row] >= 0)
        ones.append(one[hit])
        twos.append(two[hit])
        rows.append(edits.take(hit))
    together = InForce(
        table=rows[0].table,
        row=np.concatenate([edits.row for edits in rows]),
        known=np.concatenate([edits.known for edits in rows]),
        stale=np.concatenate([edits.stale for edits in rows]),
        index=pd.RangeIndex(sum(map(len, ones))),
    )
    return np.concatenate(ones), np.concatenate(twos), together


_SAME_STORY = ["two", "indicator", "bypassed"]


def _has_many_partners(found: pd.DataFrame) -> bool:
    return not found.empty and int(found.groupby(_SAME_STORY).size().max()) > _MOST_PARTNERS


def _first_partners(found: pd.DataFrame, turn: Ints) -> pd.DataFrame:
    """The pairs of each column-two line that a finding can name or list, the first by ``turn``."""
    # Whether all partners have another renderer is asked of all of them.
    others = found.groupby(_SAME_STORY)["other_renderer"].transform("all")
    found = found.assign(other_renderer=others, turn=turn[found["one"]]).sort_values("turn")
    return found[found.groupby(_SAME_STORY).cumcount() < _MOST_PARTNERS].drop(columns="turn")


def _code(lines: pd.DataFrame) -> Ints:
    return lines["procedure_code"].cat.codes.to_numpy().astype(np.int64)


def _indicators(table: Table) -> Ints:
    """The indicator of each row of the table, -1 where it never is in force."""
    # An edit deleted on the day it began never was in force, nor was one with indicator 9.
    never = table.first_days == table.last_days
    rows = table.rows["modifier_indicator"]
    return np.select([never, rows == "0", rows == "1"], [-1, 0, 1], -1).astype(np.int64)


def _expanded(alike: Ints, found: pd.DataFrame) -> pd.DataFrame:
    """Gives every line the pairs of the one that stands for all alike."""
    if found.empty:
        return found
    asked = np.zeros(_room(alike), dtype=bool)
    asked[alike[found["two"].to_numpy()]] = True
    line = np.flatnonzero(asked[alike])
    lines = pd.DataFrame({"alike": alike[line], "line": line})
    found = found.assign(alike=alike[found["two"].to_numpy()])
    return found.merge(lines, on="alike").assign(two=lambda pair: pair["line"])


def _beside_another(lines: pd.DataFrame, places: Ints, group: Ints, reference: Reference) -> Bools:
    """Lines with another code beside them on the day, other than one known to make no pair.

    ``group`` is sorted.
    """
    codes = _code(lines)[places]
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    sizes = np.diff(begins, append=len(group))
    several = np.zeros(len(begins), dtype=bool)
    if len(begins):
        several = np.minimum.reduceat(codes, begins) != np.maximum.reduceat(codes, begins)
    number = {word: code for code, word in enumerate(lines["procedure_code"].cat.categories)}
    rows = reference.table("ptp_non_edits").rows
    cleared = [
        (number[first], number[second])
        for first, second in zip(rows["code_a"], rows["code_b"], strict=True)
        if first in number and second in number
    ]
    beside = np.zeros(len(lines), dtype=bool)
    beside[places] = np.repeat(several, sizes)
    # Only where a cleared code stands do the others have to be counted.
    near = np.flatnonzero(share_a_group(group, np.isin(codes, np.array(cleared).ravel())))
    beside[places[near]] = _counted_beside(codes[near], grouped(group[near]), cleared) > 0
    return beside


def _counted_beside(codes: Ints, groups: Ints, cleared: Sequence[tuple[int, int]]) -> Ints:
    """How many other codes stand beside each line, those left out that make no pair with it."""
    room = _room(groups)
    once = first_places(grouped(groups * _room(codes) + codes))
    others = np.bincount(groups[once], minlength=room)[groups] - 1
    for first, second in cleared:
        for own, other in ((first, second), (second, first)):
            holds = np.zeros(room, dtype=bool)
            holds[groups[codes == other]] = True
            others = others - ((codes == own) & holds[groups])
    return others


@dataclass(frozen=True)
class _KnownEdits:
    """The edits of all settings and dates as integers.

    ``code`` is a place for each line's code, below ``size``; ``joined`` a flat table with a bit
    for each pair of places, which spares most pairs of lines the look-up, and behind them ``size``
    that are not set. ``key`` packs setting and
    both places of the rows ``row`` of the table, sorted, rows of one key by their first day.
    """

    table: Table
    code: Ints
    size: int
    joined: Bools
    key: Ints
    row: Ints

    def in_force(self, lines: pd.DataFrame, one: Ints, two: Ints, reference: Reference) -> InForce:
        """The edit in force for each pair of a column-one and a column-two line."""
        asked = lines[["service_date", "claim_type"]].iloc[two].reset_index(drop=True)
        wanted = _setting(lines["claim_type"])[two]
        wanted = (wanted * self.size + self.code[one]) * self.size + self.code[two]
        begin = np.searchsorted(self.key, wanted, side="left")
        count = np.searchsorted(self.key, wanted, side="right") - begin
        days = day_numbers(asked["service_date"])
        row = np.full(len(one), -1, dtype=np.int64)
        for nth in range(int(count.max(initial=0))):
            some = np.flatnonzero(nth < count)
            candidate = self.row[begin[some] + nth]
            here = self.table.first_days[candidate] <= days[some]
            here &= days[some] <= self.table.last_days[candidate]
            row[some[here]] = candidate[here]
        stale = reference.stale("ptp_edits", asked)
        return InForce(self.table, row, count > 0, stale, asked.index)


def _known_edits(lines: pd.DataFrame, reference: Reference) -> _KnownEdits:
    """The edits whose two codes occur on the lines."""
    table = reference.table("ptp_edits")
    places, present = pd.factorize(_code(lines))
    size = len(present)
    words = pa.array(lines["procedure_code"].cat.categories[present], type=pa.string())
    one, two = (_places(table.rows[name], words) for name in ("column_one", "column_two"))
    settings: Any = table.rows["setting"].astype("category")
    setting = _setting(settings)
    known = np.flatnonzero((one >= 0) & (two >= 0) & (setting >= 0))
    joined = np.zeros((size + 1) * size, dtype=bool)
    joined[one[known] * size + two[known]] = True
    key = (setting[known] * size + one[known]) * size + two[known]
    order = np.argsort(key, kind="stable")
    return _KnownEdits(table, places.astype(np.int64), size, joined, key[order], known[order])


def _places(column: "pd.Series[str]", words: Any) -> Ints:
    """The place of each cell among the words, -1 where it is none of them."""
    found: Any = pc.index_in(pa.array(column, type=pa.string()), value_set=words)
    places: Ints = found.fill_null(-1).to_numpy().astype(np.int64)
    return places


def _setting(column: "pd.Series[str]") -> Ints:
    """0 for institutional, 1 for professional, -1 for neither."""
    codes, words = coded(column)
    known = [SETTINGS.index(w) if w in SETTINGS else -1 for w in words]
    numbers: Ints = np.array([*known, -1], dtype=np.int64)[codes]
    return numbers


@computed_once
def known_in_setting(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines about whose code the edits of their setting say something.

    They name it, or they are complete on the date: then a pair they lack is no edit.
    """
    return _named_in_setting(lines, reference) | reference.complete("ptp_edits", lines)


def _named_in_setting(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines whose code the edits of their setting name at all, in either column."""
    known = np.zeros(len(lines), dtype=bool)
    for setting in SETTINGS:
        named = reference.words("ptp_edits", "column_one", setting=setting)
        named |= reference.words("ptp_edits", "column_two", setting=setting)
        known |= among(lines["claim_type"], [setting]) & among(lines["procedure_code"], named)
    return known
