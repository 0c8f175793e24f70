"""How tonight's findings compare with those of earlier nights. Frames in, frames out.

A finding is resolved only if its line was at hand again and the rule found it clean, or if the line
was superseded. A line that is not at hand leaves its finding open; a line that the rule can no
longer judge leaves it neither open nor resolved: ``unjudged``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.audit import Prepared
from auditor.caching import forget
from auditor.catalogue import CATALOGUE
from auditor.claim_lines import Mask, among
from auditor.findings import first_money, order_of
from auditor.history.ledger import COPIED, KNOWN
from auditor.judging import judge_or_tell
from auditor.matching import numbered
from auditor.reference import Ints, Reference
from auditor.rule import SEVERITIES, Rule
from auditor.schema import FINDINGS

OPEN = ("new", "persisting", "reopened")
_LINE = ["patient_id", "claim_id", "line_number"]
# Claims of both types may bear one number, and lines none: their place in the export is their own.
_PLACE = ["claim_type", "source_file", "source_sheet", "source_row"]
_ORDERED_BY = ["severity", "amount", "finding", "rule", "line", *_LINE, *_PLACE]
_KINDS: dict[str, Any] = {
    **dict.fromkeys(("amount", "line_number", "partner_line_number", "source_row"), "Int64"),
    "amount_first": "Int64",
    "patient_key": "int64",
    "units": "float64",
    "service_date": "datetime64[s]",
    "counts_money": "bool",
}
KNOWN_COLUMNS = (*COPIED, *KNOWN)


def frame_of(rows: Sequence[tuple[Any, ...]]) -> pd.DataFrame:
    """Findings of the ledger, typed like those of an audit, with what the ledger knows of each."""
    cells: list[Sequence[Any]] = list(zip(*rows, strict=True)) or [()] * len(KNOWN_COLUMNS)
    columns = {}
    for name, values in zip(KNOWN_COLUMNS, cells, strict=True):
        found = [bool(value) for value in values] if name == "counts_money" else list(values)
        columns[name] = pd.Series(found, dtype=_KINDS.get(name, "str"))
    return pd.DataFrame(columns)


def typed(alive: pd.DataFrame) -> pd.DataFrame:
    """Findings with the types that ``frame_of`` gives."""
    return alive.astype({name: _KINDS.get(name, "str") for name in alive.columns})


def row_of(findings: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Findings as rows of the ledger, columns as in ``COPIED``."""
    columns: list[list[Any]] = []
    for name in COPIED:
        values = findings[name]
        if name == "service_date":
            columns.append(values.dt.strftime("%Y-%m-%d").tolist())
        elif _KINDS.get(name) == "Int64":
            columns.append([None if pd.isna(v) else int(v) for v in values])
        elif name == "units":
            columns.append([None if pd.isna(v) else float(v) for v in values])
        elif name == "counts_money":
            columns.append([int(v) for v in values])
        else:
            columns.append(values.astype("str").tolist())
    return list(zip(*columns, strict=True))


@dataclass(frozen=True)
class Fates:
    """What became of the findings that the ledger held open or waived and the audit did not give.

    Masks over those findings: ``kept`` stay as they are, ``resolved`` and ``unjudged`` don't.
    """

    kept: Mask
    resolved: Mask
    unjudged: Mask


def fates(
    gone: pd.DataFrame,
    at_hand: pd.DataFrame,
    prepared: Prepared,
    reference: Reference,
    options: Mapping[str, Any],
) -> Fates:
    """Looks at each finding that did not come out again (columns of the ledger).

    ``at_hand`` are all lines of the patients that were audited, standing or not.
    """
    kept = ~_are_among(gone, at_hand)
    standing = places_of(gone, prepared.lines)
    unjudged = np.zeros(len(gone), dtype=bool)
    asked = ~kept & (standing >= 0)
    by_name = {rule.name: rule for rule in CATALOGUE}
    for name in gone.loc[asked, "rule"].unique():
        some = np.flatnonzero(asked & gone["rule"].eq(name).to_numpy(dtype=bool))
        if name not in by_name:
            unjudged[some] = True
            continue
        judged = _judged(by_name[name], standing[some], prepared, reference, options)
        unjudged[some] = ~judged
    forget()
    return Fates(kept, ~kept & ~unjudged, unjudged)


def _judged(
    rule: Rule,
    places: Ints,
    prepared: Prepared,
    reference: Reference,
    options: Mapping[str, Any],
) -> Mask:
    """Whether a rule really judged the lines at some places, or left them out for a reason."""
    mask = np.zeros(len(prepared.lines), dtype=bool)
    mask[places] = True
    scope = rule.scope
    only = replace(rule, scope=lambda lines: scope(lines) & mask)
    found = judge_or_tell(only, prepared.lines, reference, prepared.extract, options)
    if found.not_evaluated == 0 or found.not_evaluated == found.in_scope == mask.sum():
        return np.full(len(places), found.not_evaluated == 0)
    if len(places) == 1:
        return np.array([False])
    half = len(places) // 2
    parts = [
        _judged(rule, some, prepared, reference, options) for some in (places[:half], places[half:])
    ]
    return np.concatenate(parts)


def _line_of(frame: pd.DataFrame, *, closely: bool = False) -> pd.MultiIndex:
    named = frame[_LINE].astype({"patient_id": "str", "claim_id": "str"})
    named = named.assign(line_number=frame["line_number"].fillna(-1))
    if closely:
        code = frame["procedure_code"].astype("str").where(frame["line_number"].isna(), "")
        named = named.assign(claim_type=frame["claim_type"].astype("str"), code=code)
    return pd.MultiIndex.from_frame(named)


def _are_among(findings: pd.DataFrame, lines: pd.DataFrame) -> Mask:
    """Findings whose line is among some lines."""
    some = lines[among(lines["claim_id"], set(findings["claim_id"]))]
    found: Mask = _line_of(findings).isin(_line_of(some))
    return found


def places_of(findings: pd.DataFrame, lines: pd.DataFrame) -> Ints:
    """The place of each finding's line among lines, or -1; of several alike the first.

    Lines of the same claim type, and where they have no number of the same code, come first.
    """
    places = np.flatnonzero(among(lines["claim_id"], set(findings["claim_id"])))
    if len(places) == 0:
        return np.full(len(findings), -1, dtype=np.int64)
    some = lines.iloc[places]
    chosen = np.full(len(findings), -1, dtype=np.int64)
    for closely in (False, True):
        index = _line_of(some, closely=closely)
        first = np.flatnonzero(~index.duplicated())
        found = index[first].get_indexer(_line_of(findings, closely=closely))
        chosen = np.where(found >= 0, places[first[found]], chosen)
    return chosen


def in_order(findings: pd.DataFrame, some: Ints) -> tuple[pd.DataFrame, Ints]:
    """Findings at some places as an audit orders them, each line's money counted once a kind.

    Findings without a line among those audited (-1) get a number of their own a line. Also gives
    the places in the new order. All columns are copied once only: there are many of both.
    """
    narrow = findings[_ORDERED_BY].take(some)
    order, worth = order_of(narrow)
    line = _numbered(narrow)[order]
    places = some[order]
    found = findings.take(places).reset_index(drop=True).assign(line=line, worth=worth)
    return found.assign(counts_money=first_money(found)).drop(columns="worth"), places


def _numbered(findings: pd.DataFrame) -> npt.NDArray[np.int64]:
    line = findings["line"].to_numpy(dtype=np.int64, copy=True)
    carried = np.flatnonzero(line < 0)
    if len(carried):
        line[carried] = line.max(initial=-1) + 1 + _by_place(findings.iloc[carried])
    return line


def _by_place(findings: pd.DataFrame) -> Ints:
    """Numbers the lines of findings that one audit gave each line."""
    key = findings["line_number"].fillna(-1).to_numpy(dtype=np.int64)
    for name in ("patient_id", "claim_id", *_PLACE):
        # Numbers would take long to become text.
        cells = findings[name] if name == "source_row" else findings[name].astype("str")
        codes, names = pd.factorize(cells, use_na_sentinel=False)
        key = numbered(key) * (len(names) + 1) + codes
    return numbered(key)


def money_of(findings: pd.DataFrame) -> tuple[int, int]:
    """Cents at risk and missed of findings, of those that carry their line's money."""
    some = findings[findings["counts_money"].astype(bool)]
    at_risk, missed = (
        int(some.loc[some["money"] == kind, "amount"].sum()) for kind in ("at_risk", "missed")
    )
    return at_risk, missed


def unless_held(moving: pd.DataFrame, others: pd.DataFrame) -> pd.DataFrame:
    """Findings that come or go, ``counts_money`` where no other on their line holds that money.

    What is resolved frees no money that an open finding of its line holds, what is new brings none
    that was held before.
    """
    if moving.empty:  # pandas 2 can't number the rows of no lines
        return moving.assign(counts_money=pd.Series(index=moving.index, dtype="bool"))
    rank = moving["severity"].map({name: place for place, name in enumerate(SEVERITIES)})
    worth = -moving["amount"].fillna(0).astype("int64")
    near = others["claim_id"].astype("str").isin(moving["claim_id"].astype("str"))
    holding = others[near & others["amount"].notna()]
    held = _purse_of(moving).isin(_purse_of(holding)) | _by_other_numbers(moving, holding)
    found = moving.assign(rank=rank, worth=worth, line=_by_place(moving))
    found["counts_money"] = first_money(found) & ~held
    return found.drop(columns=["rank", "worth", "line"])


def _purse_of(frame: pd.DataFrame, *, by_number: bool = True) -> pd.MultiIndex:
    """The line of each finding, on whatever night, and its kind of money.

    What was billed tells lines without a number apart.
    """
    billed = np.full(len(frame), "", dtype=object)
    number = np.full(len(frame), -1, dtype=np.int64)
    if by_number:
        number = frame["line_number"].fillna(-1).to_numpy(dtype=np.int64)
    unnumbered = number < 0
    for name in ("service_date", "procedure_code") if unnumbered.any() else ():
        billed[unnumbered] += " " + frame[name][unnumbered].astype("str").to_numpy(dtype=object)
    named = frame[[*_LINE, "claim_type", "money"]]
    return pd.MultiIndex.from_frame(named.assign(line_number=number, billed=billed))


def _by_other_numbers(moving: pd.DataFrame, holding: pd.DataFrame) -> Mask:
    """Whose money is held by a finding of their line from before, or since, it had a number."""
    found = np.zeros(len(moving), dtype=bool)
    for unnumbered in (True, False):
        some = moving["line_number"].isna().to_numpy(dtype=bool) == unnumbered
        others = holding[holding["line_number"].notna() == unnumbered]
        if some.any() and len(others):
            own = _purse_of(moving[some], by_number=False)
            found[some] = own.isin(_purse_of(others, by_number=False))
    return found


def as_findings(frame: pd.DataFrame) -> pd.DataFrame:
    """Only the columns of findings, and where the line stands."""
    return frame[[*FINDINGS, "line"]].reset_index(drop=True)
