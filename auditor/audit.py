"""Claim lines, reference and rules in; findings and counts out. No files, clock or network here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from auditor.caching import computed_once, forget
from auditor.catalogue import CATALOGUE
from auditor.claim_lines import Mask, among, any_line, coded, derived, imaging
from auditor.claim_types import known_payers, with_types
from auditor.extract import Extract, reach_of, spans
from auditor.findings import findings_of
from auditor.ingest.frame import side_by_side, some_lines
from auditor.judging import Judgement, failed, judge_or_tell
from auditor.matching import order_of
from auditor.ncci import may_be_column_two, may_exceed_mue, ptp_pairs
from auditor.reference import Ints, Reference, day_numbers
from auditor.rule import Rule
from auditor.studies import PAIRING_DAYS, SEARCH_DAYS, readings
from auditor.superseding import superseded


@dataclass(frozen=True)
class Totals:
    """What the findings come to. Each line's money counts once a kind; the kinds never add up."""

    findings: int
    denial: int
    review: int
    note: int
    lines_flagged: int
    at_risk_cents: int
    missed_cents: int
    missed_without_amount: int


@dataclass(frozen=True)
class Counts:
    """How much was audited. ``claims`` counts claim numbers, each once a patient.

    ``in_family`` counts lines of the cardiac CT family and 3D rendering; ``crowded_days`` the days
    of a patient and provider on which so many kinds of lines stand that code pairs were sought
    without telling apart who rendered them.
    """

    lines: int
    claims: int
    patients: int
    first_date: date | None
    last_date: date | None
    in_family: int
    crowded_days: int


@dataclass(frozen=True)
class Audit:
    """The result of an audit.

    ``lines``: the audited lines. Where they were audited in buckets, which keep their lines, only
    their service dates and claim types, each once; ``counts`` speaks of all of them.
    ``findings``: one row a rule and line, schema.FINDINGS and counts_money. ``books``: one row a
    rule, with in_scope = flagged + clean + not_evaluated. ``not_evaluated``: rule, reason, detail,
    lines. ``coverage`` is the share of the pairs of a rule and a line in its scope that were really
    judged, 1 where there were none.
    """

    lines: pd.DataFrame
    findings: pd.DataFrame
    books: pd.DataFrame
    not_evaluated: pd.DataFrame
    superseded: int
    as_of: date
    totals: Totals
    counts: Counts

    @property
    def failed(self) -> tuple[tuple[str, str], ...]:
        """Rules that failed, and why: their lines are not evaluated for ``error``."""
        errors = self.not_evaluated[self.not_evaluated["reason"] == "error"]
        found = dict(zip(errors["rule"], errors["detail"], strict=True))
        return tuple((str(rule), str(why)) for rule, why in found.items())

    @property
    def coverage(self) -> float:
        """Judged pairs of rule and line over all pairs in scope."""
        in_scope = int(self.books["in_scope"].sum())
        return 1 - int(self.books["not_evaluated"].sum()) / in_scope if in_scope else 1.0


@dataclass(frozen=True)
class Prepared:
    """Claim lines ready for the rules, and what is known of the whole run."""

    lines: pd.DataFrame
    extract: Extract
    superseded: int


def prepare(
    lines: pd.DataFrame,
    reference: Reference,
    *,
    as_of: date,
    payers: Mapping[str, str] | None = None,
    options: Mapping[str, Any] | None = None,
    known_to_pair: frozenset[str] = frozenset(),
) -> Prepared:
    """Types, superseding and the extract: what must see all lines of a run at once.

    The lines stand as given, or by patient and day where rules will look at all of them.
    ``known_to_pair`` are billing NPIs that other patients have shown to pair; the extract need not
    name them again.
    """
    if reference.library:
        raise ValueError("the library was not read: call auditor.library.reading.narrowed first")
    every_pair = bool(reference.whole_settings("ptp_edits"))
    lines = with_types(lines, known_payers(reference) | dict(payers or {}))
    gone = superseded(lines)
    lines = derived(lines, reference)
    lines = lines.assign(
        may_be_column_two=may_be_column_two(lines, reference),
        may_exceed_mue=may_exceed_mue(lines, reference),
    )
    standing = _standing(lines, ~gone, every_pair=every_pair)
    extract = Extract(
        as_of=as_of,
        spans=spans(standing, as_of),
        reach=reach_of(standing),
        pairing_npis=_pairing_npis(
            _with_other_npis(standing, known_to_pair), options or {}, every_pair=every_pair
        ),
    )
    return Prepared(standing, extract, int(gone.sum()))


def _with_other_npis(lines: pd.DataFrame, known: frozenset[str]) -> pd.DataFrame:
    """All lines of the patients of whom some line has another billing NPI than the known ones."""
    if not known:
        return lines
    patient, names = coded(lines["patient_id"])
    concerned = np.zeros(len(names), dtype=bool)
    concerned[patient[~among(lines["billing_npi"], known)]] = True
    return some_lines(lines, np.flatnonzero(concerned[patient]))


def _pairing_npis(
    lines: pd.DataFrame, options: Mapping[str, Any], *, every_pair: bool
) -> frozenset[str]:
    """Billing NPIs of which some line found the other component."""
    # Only lines of patients with cardiac CT pair, and the rules will ask the same of them.
    lines, _ = touched(lines, every_pair=every_pair)
    pairing = readings(
        lines,
        options.get("pairing_days", PAIRING_DAYS),
        options.get("search_days", SEARCH_DAYS),
    )
    npi = lines["billing_npi"].cat
    codes = np.unique(npi.codes.to_numpy()[pairing.partner >= 0])
    return frozenset(npi.categories[codes])


def audit(
    prepared: Prepared,
    reference: Reference,
    *,
    rules: Sequence[Rule] = CATALOGUE,
    options: Mapping[str, Any] | None = None,
) -> Audit:
    """Applies the rules to prepared lines; right for any set that holds all lines of a patient."""
    whole = {name for name in ("ptp_edits", "mue") if reference.whole_settings(name)}
    every_pair = "ptp_edits" in whole
    lines, places = touched(prepared.lines, every_pair=every_pair)

    def judged(rule: Rule) -> Judgement:
        if rule.scope is any_line or not whole.isdisjoint(rule.rests_on):
            return judge_or_tell(rule, prepared.lines, reference, prepared.extract, options or {})
        found = judge_or_tell(rule, lines, reference, prepared.extract, options or {})
        return found if lines is prepared.lines else found.at(places)

    try:
        judgements = _in_turns(judged, rules)
        judgements, findings = _told(judgements, prepared.lines, reference, options or {})
        paired = prepared.lines if every_pair else lines
        crowded_days = _crowded_days(paired, reference, judgements)
    finally:
        forget()
    return Audit(
        lines=prepared.lines,
        findings=findings,
        books=_books(judgements),
        not_evaluated=_not_evaluated(judgements),
        superseded=prepared.superseded,
        as_of=prepared.extract.as_of,
        totals=totals_of(findings),
        counts=_counts(prepared.lines, crowded_days),
    )


def _told(
    judgements: list[Judgement],
    lines: pd.DataFrame,
    reference: Reference,
    options: Mapping[str, Any],
) -> tuple[list[Judgement], pd.DataFrame]:
    """The findings; a rule whose findings can't be worded has failed like one that can't judge."""
    try:
        return judgements, findings_of(judgements, lines, reference, options)
    except MemoryError:
        raise
    except Exception:
        kept = [_worded(one, lines, reference, options) for one in judgements]
        if all(one is other for one, other in zip(kept, judgements, strict=True)):
            raise
        return kept, findings_of(kept, lines, reference, options)


def _worded(
    one: Judgement, lines: pd.DataFrame, reference: Reference, options: Mapping[str, Any]
) -> Judgement:
    try:
        findings_of([one], lines, reference, options)
    except MemoryError:
        raise
    except Exception as fault:
        return failed(one.rule, lines, fault)
    return one


def _crowded_days(
    lines: pd.DataFrame, reference: Reference, judgements: Sequence[Judgement]
) -> int:
    """Days on which pairs were sought by code alone; none where the pairs could not be sought."""
    if any(reason == "error" for one in judgements for reason, _ in one.reasons):
        return 0
    return ptp_pairs(lines, reference).crowded_days


def _in_turns(judged: Callable[[Rule], Judgement], rules: Sequence[Rule]) -> list[Judgement]:
    """The judgement of each rule, in the order of the rules.

    Rules of one family wait for the same joins, so families take turns.
    """
    families = [rule.family for rule in rules]
    turns = [families[:place].count(family) for place, family in enumerate(families)]
    order = sorted(range(len(rules)), key=turns.__getitem__)
    in_turn = side_by_side(judged, [rules[place] for place in order])
    found = dict(zip(order, in_turn, strict=True))
    return [found[place] for place in range(len(rules))]


def _counts(lines: pd.DataFrame, crowded_days: int) -> Counts:
    days = lines["service_date"].dropna()
    return Counts(
        lines=len(lines),
        claims=_claims(lines),
        patients=int(lines["patient_id"].nunique()),
        first_date=days.min().date() if len(days) else None,
        last_date=days.max().date() if len(days) else None,
        in_family=in_family_count(lines),
        crowded_days=crowded_days,
    )


def _claims(lines: pd.DataFrame) -> int:
    """Claim numbers, each once a patient, so that the counts of several patients add up."""
    claim = lines["claim_id"].cat.codes.to_numpy()
    patient = lines["patient_id"].cat.codes.to_numpy()
    owner = np.full(len(lines["claim_id"].cat.categories), -1, dtype=np.int64)
    owner[claim] = patient
    shared = np.flatnonzero(owner[claim] != patient)
    others = len(np.unique(np.column_stack([claim[shared], patient[shared]]), axis=0))
    return int((owner >= 0).sum()) + others


@computed_once
def touched(lines: pd.DataFrame, *, every_pair: bool = False) -> tuple[pd.DataFrame, Ints]:
    """All lines of the patients of whom some line has a code that our tables know.

    Returns them, each patient's together and in order of their dates, and their places among the
    lines given. A rule that speaks of certain codes can
    touch nobody else, so in a hospital's whole export most patients are left out. With
    ``every_pair`` the rules about pairs look at every line, and don't count here.
    """
    places = _places_touched(lines, every_pair=every_pair)
    return _lines_at(lines, places), places


def _lines_at(lines: pd.DataFrame, places: Ints) -> pd.DataFrame:
    """The lines at some places; those given, not copied, where these are all, as they stand."""
    as_they_stand = len(places) == len(lines) and not (np.diff(places) < 0).any()
    return lines if as_they_stand else some_lines(lines, places)


def _places_touched(
    lines: pd.DataFrame, stands: Mask | None = None, *, every_pair: bool = False
) -> Ints:
    """The places that ``touched`` gives, of all lines or of those that stand."""
    known = ~among(lines["role"], [""])
    if not every_pair:
        known |= lines["may_be_column_two"].to_numpy(dtype=bool)
    if stands is not None:
        known &= stands
    patient = lines["patient_id"].cat.codes.to_numpy()
    concerned = np.zeros(len(lines["patient_id"].cat.categories), dtype=bool)
    concerned[patient[known]] = True
    mask = concerned[patient]
    return _by_patient(lines, np.flatnonzero(mask if stands is None else mask & stands))


def _by_patient(lines: pd.DataFrame, places: Ints) -> Ints:
    """Places of lines, each patient's together and in order of their dates.

    One sort here makes every later grouping a walk along the lines.
    """
    patient = lines["patient_id"].cat.codes.to_numpy()[places].astype(np.int64)
    day = day_numbers(lines["service_date"])[places]
    return places[order_of(patient * 2**21 + (day + 2**20))]


def _standing(lines: pd.DataFrame, stands: Mask, *, every_pair: bool) -> pd.DataFrame:
    """The lines that stand; where rules will look at all of them, by patient and day."""
    places = np.flatnonzero(stands)
    if every_pair:
        places = _by_patient(lines, places)
    else:
        asked = _places_touched(lines, stands)
        places = asked if len(asked) == len(places) else places
    return _lines_at(lines, places)


def _books(judgements: Sequence[Judgement]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "rule": one.rule.name,
                "family": one.rule.family,
                "severity": one.rule.severity,
                "money": one.rule.money,
                "in_scope": one.in_scope,
                "flagged": len(one.flagged),
                "clean": one.clean,
                "not_evaluated": one.not_evaluated,
            }
            for one in judgements
        ]
    )


def _not_evaluated(judgements: Sequence[Judgement]) -> pd.DataFrame:
    rows = [
        (one.rule.name, reason, detail, lines)
        for one in judgements
        for (reason, detail), lines in one.reasons.items()
    ]
    return pd.DataFrame(rows, columns=["rule", "reason", "detail", "lines"])


def totals_of(findings: pd.DataFrame) -> Totals:
    """Sums findings up, each line's money once a kind."""
    severity = findings["severity"].value_counts()
    amount, money = findings["amount"], findings["money"]
    counted = amount.where(findings["counts_money"].astype(bool))
    missed = money == "missed"
    return Totals(
        findings=len(findings),
        denial=int(severity.get("denial", 0)),
        review=int(severity.get("review", 0)),
        note=int(severity.get("note", 0)),
        lines_flagged=int(findings["line"].nunique()),
        at_risk_cents=int(counted[money == "at_risk"].sum()),
        missed_cents=int(counted[missed].sum()),
        missed_without_amount=int(amount[missed].isna().sum()),
    )


def in_family_count(lines: pd.DataFrame) -> int:
    """How many lines belong to the cardiac CT family or are 3D rendering."""
    return int(imaging(lines).sum())
