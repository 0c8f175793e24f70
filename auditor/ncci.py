"""NCCI procedure-to-procedure edits: which lines of a patient's day stand in an edited pair."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among, blank, each_word, has_modifier
from auditor.matching import (
    computed_once,
    first_places,
    group_key,
    grouped,
    in_order,
    numbered,
    occur_again,
    pairs,
)
from auditor.reference import Bools, InForce, Ints, Reference

# "Same patient, date and provider" (NCCI policy manual ch. I), and never across claim types.
_SAME_ENCOUNTER = ("patient_id", "service_date", "billing_npi", "claim_type")


@dataclass(frozen=True)
class PtpPairs:
    """Pairs of lines that an edit in force forbids or allows with a modifier.

    One row a pair: positions of the column-two and the column-one line, the position of the edit
    in the table, its indicator, whether a modifier bypasses it, whether the lines name two
    different rendering providers. ``beside_another`` has one value a claim line: another code
    stands beside it on the day, other than one known to make no pair with it.
    """

    two: Ints
    one: Ints
    indicator: Ints
    bypassed: Bools
    other_renderer: Bools
    edits: InForce
    beside_another: Bools


def may_be_column_two(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines whose code an edit of their setting denies, and all of the cardiac CT family."""
    found = among(lines["role"], ["family"])
    for setting in ("institutional", "professional"):
        denied = reference.words("ptp_edits", "column_two", setting=setting)
        here = among(lines["claim_type"], [setting, ""])
        found |= here & among(lines["procedure_code"], denied)
    return found


@computed_once
def ptp_pairs(lines: pd.DataFrame, reference: Reference) -> PtpPairs:
    """All pairs of one patient, date, provider and claim type that an edit in force joins."""
    places = np.flatnonzero(~blank(lines["billing_npi"]) & ~blank(lines["claim_type"]))
    group = group_key(lines, _SAME_ENCOUNTER)[places]
    shared = occur_again(group)
    places, group = places[shared], group[shared]
    beside = _beside_another(lines, places, group, reference)
    named = known_in_setting(lines, reference)[places]
    places, group = places[named], group[named]
    some = lines.iloc[places]
    bypasses = has_modifier(some, reference.words("modifiers", "modifier", bypasses_ptp="yes"))
    denied = some["denied"].to_numpy(dtype=bool)
    order = in_order(lines, places, group, by_received=False)
    kind = group_key(some, ["procedure_code", "rendering_npi"]) * 4 + bypasses * 2 + denied
    left, right = pairs(group[order], kind[order])
    one, two = order[left], order[right]
    possible = (_code(some)[one] != _code(some)[two]) & ~denied[one]
    one, two = one[possible], two[possible]
    edits = _edits(some, one, two, reference)
    indicator = _indicator(edits)
    hit = np.flatnonzero(indicator >= 0)
    renderer = some["rendering_npi"].cat.codes.to_numpy()
    known = ~blank(some["rendering_npi"])
    found = _expanded(
        group,
        kind,
        pd.DataFrame(
            {
                "two": two[hit],
                "one": one[hit],
                "indicator": indicator[hit],
                "edit": hit,
                "bypassed": (bypasses[one] | bypasses[two])[hit],
                "other_renderer": (known[one] & known[two] & (renderer[one] != renderer[two]))[hit],
            }
        ),
    )
    return PtpPairs(
        two=places[found["two"].to_numpy()],
        one=places[found["one"].to_numpy()],
        indicator=found["indicator"].to_numpy(),
        bypassed=found["bypassed"].to_numpy(),
        other_renderer=found["other_renderer"].to_numpy(),
        edits=edits.take(found["edit"].to_numpy()),
        beside_another=beside,
    )


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


def _expanded(group: Ints, kind: Ints, found: pd.DataFrame) -> pd.DataFrame:
    """Gives every line of a group and kind the pairs of its representative."""
    if found.empty:
        return found
    kinds = numbered(kind)
    alike = grouped(grouped(group) * (int(kinds.max()) + 1) + kinds)
    lines = pd.DataFrame({"alike": alike, "line": np.arange(len(alike))})
    found = found.assign(alike=alike[found["two"].to_numpy()])
    return found.merge(lines, on="alike").assign(two=lambda pair: pair["line"])


def _beside_another(lines: pd.DataFrame, places: Ints, group: Ints, reference: Reference) -> Bools:
    """Lines with another code beside them on the day, other than one known to make no pair."""
    codes = _code(lines)[places]
    groups = grouped(group)
    room = int(groups.max(initial=0)) + 1
    once = first_places(grouped(groups * (int(codes.max(initial=0)) + 1) + codes))
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


def known_in_setting(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines whose code the edits of their setting name at all, in either column."""
    known = np.zeros(len(lines), dtype=bool)
    for setting in ("institutional", "professional"):
        named = reference.words("ptp_edits", "column_one", setting=setting)
        named |= reference.words("ptp_edits", "column_two", setting=setting)
        known |= among(lines["claim_type"], [setting]) & each_word(
            lines["procedure_code"], named.__contains__
        )
    return known
