"""NCCI procedure-to-procedure edits: which lines of a patient's day stand in an edited pair."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among, blank, each_word, has_modifier
from auditor.matching import (
    first_places,
    group_key,
    grouped,
    in_order,
    numbered,
    occur_again,
    pairs_by_and_by,
)
from auditor.once import computed_once
from auditor.reference import Bools, InForce, Ints, Reference

# "Same patient, date and provider" (NCCI policy manual ch. I), and never across claim types.
_SAME_ENCOUNTER = ("patient_id", "service_date", "billing_npi", "claim_type")

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
    for setting in ("institutional", "professional"):
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
    shared = occur_again(group)
    places, group = places[shared], group[shared]
    beside = _beside_another(lines, places, group, reference)
    named = _named_in_setting(lines, reference)[places]
    places, group = places[named], group[named]
    some = lines.iloc[places]
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
            "indicator": _indicator(edits),
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
    code, edited = _edited_at_all(_code(some), some, reference)
    size = _room(code)
    ones, twos, rows = [], [], []
    for left, right in pairs_by_and_by(group, kind):
        one, two = order[left], order[right]
        possible = edited[code[one] * size + code[two]] & ~denied[one]
        one, two = one[possible], two[possible]
        edits = _edits(some, one, two, reference)
        hit = np.flatnonzero(_indicator(edits) >= 0)
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


def _edits(lines: pd.DataFrame, one: Ints, two: Ints, reference: Reference) -> InForce:
    """The edit in force for each pair of a column-one and a column-two line."""
    asked = pd.DataFrame(
        {
            "setting": lines["claim_type"].array[two],
            "column_one": lines["procedure_code"].array[one],
            "column_two": lines["procedure_code"].array[two],
            "service_date": lines["service_date"].array[two],
            "claim_type": lines["claim_type"].array[two],
        }
    )
    return reference.as_of("ptp_edits", asked, on=["setting", "column_one", "column_two"])


def _code(lines: pd.DataFrame) -> Ints:
    return lines["procedure_code"].cat.codes.to_numpy().astype(np.int64)


def _indicator(edits: InForce) -> Ints:
    """0 or 1 for an active edit, -1 where there is none."""
    rows = edits.table.rows
    # An edit deleted on the day it began never was in force, nor was one with indicator 9.
    never = (rows["effective_from"] == rows["effective_to"]) & (rows["effective_from"] != "")
    values = rows["modifier_indicator"].map({"0": 0, "1": 1}).fillna(-1).mask(never, -1)
    return np.append(values.to_numpy(dtype=np.int64), -1)[edits.row]


def _expanded(alike: Ints, found: pd.DataFrame) -> pd.DataFrame:
    """Gives every line the pairs of the one that stands for all alike."""
    if found.empty:
        return found
    lines = pd.DataFrame({"alike": alike, "line": np.arange(len(alike))})
    found = found.assign(alike=alike[found["two"].to_numpy()])
    return found.merge(lines, on="alike").assign(two=lambda pair: pair["line"])


def _beside_another(lines: pd.DataFrame, places: Ints, group: Ints, reference: Reference) -> Bools:
    """Lines with another code beside them on the day, other than one known to make no pair."""
    codes = _code(lines)[places]
    groups = grouped(group)
    room = _room(groups)
    once = first_places(grouped(groups * _room(codes) + codes))
    others = np.bincount(groups[once], minlength=room)[groups] - 1
    number = {word: code for code, word in enumerate(lines["procedure_code"].cat.categories)}
    cleared = reference.table("ptp_non_edits").rows
    for first, second in zip(cleared["code_a"], cleared["code_b"], strict=True):
        for own, other in ((first, second), (second, first)):
            if own in number and other in number:
                holds = np.zeros(room, dtype=bool)
                holds[groups[codes == number[other]]] = True
                others = others - ((codes == number[own]) & holds[groups])
    beside = np.zeros(len(lines), dtype=bool)
    beside[places] = others > 0
    return beside


def _edited_at_all(code: Ints, lines: pd.DataFrame, reference: Reference) -> tuple[Ints, Bools]:
    """Which codes stand in some edit, whatever its setting and dates: a table of bits.

    Returns a place for each line's code, and a flat table with a bit for each pair of places: it
    spares most pairs of lines the look-up.
    """
    rows = reference.table("ptp_edits").rows
    places, present = pd.factorize(code)
    size = len(present)
    number = {word: n for n, word in enumerate(lines["procedure_code"].cat.categories[present])}
    one = np.array([number.get(word, -1) for word in rows["column_one"]], dtype=np.int64)
    two = np.array([number.get(word, -1) for word in rows["column_two"]], dtype=np.int64)
    known = (one >= 0) & (two >= 0)
    edited = np.zeros(size * size, dtype=bool)
    edited[one[known] * size + two[known]] = True
    return places.astype(np.int64), edited


def known_in_setting(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines about whose code the edits of their setting say something.

    They name it, or they are complete on the date: then a pair they lack is no edit.
    """
    return _named_in_setting(lines, reference) | reference.complete("ptp_edits", lines)


def _named_in_setting(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines whose code the edits of their setting name at all, in either column."""
    known = np.zeros(len(lines), dtype=bool)
    for setting in ("institutional", "professional"):
        named = reference.words("ptp_edits", "column_one", setting=setting)
        named |= reference.words("ptp_edits", "column_two", setting=setting)
        known |= among(lines["claim_type"], [setting]) & each_word(
            lines["procedure_code"], named.__contains__
        )
    return known
