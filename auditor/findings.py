"""Turns judgements into findings: message, remedy, amount, sources, fingerprint, order."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.amounts import Expected, at_risk_of, expected_payment
from auditor.caching import if_computed
from auditor.claim_lines import blank, coded
from auditor.ingest.frame import some_lines
from auditor.judging import Judgement, Verdicts
from auditor.matching import group_key, group_starts, in_company, occur_again, whole_claims
from auditor.reference import Bools, Ints, Reference
from auditor.rule import SEVERITIES, Rule
from auditor.schema import FINDINGS
from auditor.stories import with_stories
from auditor.wording import Texts, messages, remedies, sources

# What makes a finding the same finding on another night: the rule, the claim and the line of it.
_FINGERPRINT = ("claim_type", "claim_id", "line_number", "patient_id")
# Where a claim has several lines of one number, or no numbers, what was billed tells them apart.
_AS_BILLED = ("service_date", "procedure_code", "modifiers", "revenue_code")
_TEXTS = (
    "claim_id",
    "patient_id",
    "payer",
    "payer_type",
    "claim_type",
    "procedure_code",
    "modifiers",
    "place_of_service",
    "revenue_code",
    "billing_npi",
    "rendering_npi",
    "department",
    "source_file",
    "source_sheet",
)
_NUMBERS = ("line_number", "units", "service_date", "source_row")

ORDERED_BY = ("severity", "amount", "claim_id", "line_number", "rule", "finding")


def findings_of(
    judgements: Sequence[Judgement],
    lines: pd.DataFrame,
    reference: Reference,
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """All findings of an audit, most severe and dearest first.

    Columns as in schema.FINDINGS, and ``line``, the position of the line among the audited ones.
    ``counts_money`` is true on the one finding that carries its line's money in the totals.
    """
    hits = [one for one in judgements if len(one.flagged)]
    if not hits:
        return _empty().copy()
    findings = _in_order(_unordered(hits, lines, reference))
    findings["counts_money"] = first_money(findings)
    place = findings["line"].to_numpy(dtype=np.int64)
    foreign = blank(lines["role"])[place] & ~lines["may_be_column_two"].to_numpy(dtype=bool)[place]
    return with_stories(findings, options, foreign)[[*FINDINGS, "line"]]


def _in_order(findings: pd.DataFrame) -> pd.DataFrame:
    """Most severe and dearest first. Adds ``worth``."""
    order, worth = order_of(findings)
    return findings.take(order).reset_index(drop=True).assign(worth=worth)


def order_of(findings: pd.DataFrame) -> tuple[Ints, Ints]:
    """Places of findings, most severe and dearest first; the rest of ORDERED_BY settles ties.

    Behind them what each, in that order, is worth: its amount in cents, negative.
    """
    severity = pd.Index(SEVERITIES).get_indexer(pd.Index(findings["severity"]))
    worth = -findings["amount"].fillna(0).to_numpy(dtype=np.int64)
    number = findings["line_number"].fillna(np.iinfo(np.int64).max).to_numpy(dtype=np.int64)
    finding = _as_numbers(findings["finding"].to_numpy(dtype=object))
    claim, rule = _rank(findings["claim_id"]), _rank(findings["rule"])
    order = np.lexsort((finding, rule, number, claim, worth, severity))
    return order, worth[order]


def _rank(column: "pd.Series[str]") -> Ints:
    """The rank of each cell as text."""
    cells: Any = pa.array(column, type=pa.string())
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    coded = cells.dictionary_encode()
    rank: Ints = np.empty(len(coded.dictionary), dtype=np.int64)
    rank[pc.sort_indices(coded.dictionary).to_numpy()] = np.arange(len(rank))
    found: Ints = rank[coded.indices.to_numpy()]
    return found


def _as_numbers(ids: npt.NDArray[np.object_]) -> Ints:
    """Ids of twelve hexadecimal digits as numbers in the same order."""
    padded = bytes.fromhex("".join(f"0000{id}" for id in ids))
    return np.frombuffer(padded, dtype=">i8").astype(np.int64)


def first_money(findings: pd.DataFrame) -> "pd.Series[bool]":
    """Marks one finding a line and kind of money: the one with the largest amount.

    ``worth`` is the amount of a finding in cents, negative; ties go to the finding that is first.
    """
    priced = findings["amount"].notna() & (findings["money"] != "none")
    places = np.flatnonzero(priced.to_numpy(dtype=bool))
    kind = (findings["money"] == "missed").to_numpy(dtype=bool)[places]
    purse = findings["line"].to_numpy()[places] * 2 + kind
    order = np.lexsort((places, findings["worth"].to_numpy()[places], purse))
    dearest = order[np.flatnonzero(np.diff(purse[order], prepend=-1))]
    marked = np.zeros(len(findings), dtype=bool)
    marked[places[dearest]] = True
    return pd.Series(marked, index=findings.index, dtype="bool")


def _unordered(hits: Sequence[Judgement], lines: pd.DataFrame, reference: Reference) -> Any:
    """The findings in the order of the rules; what comes from the lines is taken from them once."""
    places = np.concatenate([one.flagged.index.to_numpy() for one in hits])
    partner = _joined(hits, lambda said: said.partner).astype(np.int64)
    texts = {name: _texts(lines[name], places) for name in _TEXTS}
    numbers = {name: lines[name].array.take(places) for name in _NUMBERS}
    expected = _expected(lines, places, reference) if any(map(_needs_rates, hits)) else None
    amount, basis = _amounts(hits, lines, places, expected)
    return pd.DataFrame(
        {
            "rule": _of_rule(hits, lambda rule: rule.name),
            "family": _of_rule(hits, lambda rule: rule.family),
            "severity": _joined(hits, lambda said: said.severity),
            "money": _joined(hits, lambda said: said.money),
            "amount": amount,
            "amount_basis": basis,
            "status": _of_rule(hits, lambda _: ""),
            **{name: _column(text) for name, text in texts.items()},
            **numbers,
            "message": _column(messages(hits, reference, basis)),
            "remedy": _column(remedies(hits)),
            "denial_codes": _of_rule(hits, lambda rule: " ".join(rule.denial_codes)),
            "partner_claim_id": _column(_texts(lines["claim_id"], partner)),
            "partner_line_number": lines["line_number"].array.take(partner, allow_fill=True),
            "other_partners": _joined(hits, lambda said: said.other_partners),
            "sources": _column(sources(hits)),
            "line": places,
            "finding": _fingerprints(hits, texts, numbers, _unclear(lines, places)),
        }
    ).astype({"severity": "str", "money": "str", "other_partners": "str"})


def _expected(lines: pd.DataFrame, places: Ints, reference: Reference) -> Expected:
    """The expected payment of some lines; all lines of their claims decide what is packaged."""
    of_all = if_computed(expected_payment, lines, reference)
    if of_all is not None:
        return of_all.at(places)
    mask = np.zeros(len(lines), dtype=bool)
    mask[places] = True
    near = np.flatnonzero(whole_claims(lines, mask))
    priced = expected_payment(some_lines(lines, near), reference)
    return priced.at(np.searchsorted(near, places))


def _texts(column: "pd.Series[str]", places: Ints) -> Texts:
    """The text of some cells, blank at place -1."""
    codes, words = coded(column)
    cells: Any = pa.array(words, type=pa.string())
    code = np.where(places < 0, -1, codes[places])
    return cells.take(pa.array(code, mask=code < 0)).fill_null("")


def _column(texts: Texts) -> Any:
    return pd.array(texts, dtype=pd.StringDtype("pyarrow", na_value=np.nan))


def _of_rule(hits: Sequence[Judgement], word: Callable[[Rule], str]) -> Any:
    """A word of each finding's rule."""
    number = np.repeat(np.arange(len(hits)), [len(one.flagged) for one in hits])
    words: Any = pa.array([word(one.rule) for one in hits], type=pa.string())
    return _column(words.take(pa.array(number)))


def _joined(hits: Sequence[Judgement], part: Callable[[Verdicts], Any]) -> Any:
    """What the judgements say of their lines, one below the other."""
    return np.concatenate([part(one.verdicts) for one in hits if one.verdicts])


def _amounts(
    hits: Sequence[Judgement], lines: pd.DataFrame, places: Ints, expected: Expected | None
) -> tuple["pd.Series[int]", "pd.Series[str]"]:
    """Cents and their basis: the finding's own amount, else for money at risk the line's worth.

    What was missed has no other amount than its own: never the charge.
    """
    own = pd.Series(_joined(hits, lambda said: said.own_amount)).astype("Int64")
    own_basis = pd.Series(_joined(hits, lambda said: said.own_basis))
    money = pd.Series(_joined(hits, lambda said: said.money))
    at_risk = money == "at_risk"
    cents = lines[["allowed_cents", "charge_cents"]].take(places).reset_index(drop=True)
    worth, basis = at_risk_of(cents, expected)
    amount = own.fillna(worth.where(at_risk)).where(money != "none")
    said = basis.where(at_risk, "").mask(own.notna(), own_basis)
    return amount, said.where(amount.notna(), "").astype("str")


def _unclear(lines: pd.DataFrame, places: Ints) -> Bools:
    """Which of some lines claim and line number alone don't tell apart from another line."""
    mask = np.zeros(len(lines), dtype=bool)
    mask[places] = True
    some = np.flatnonzero(whole_claims(lines, mask))
    claim = group_key(lines, ["claim_id", "patient_id", "claim_type"])[some]
    number = lines["line_number"].array.take(some).fillna(-1).to_numpy(dtype=np.int64)
    order = np.lexsort((number, claim))
    new = (np.diff(claim[order], prepend=-1) != 0) | (np.diff(number[order], prepend=-2) != 0)
    line = np.empty(len(some), dtype=np.int64)
    line[order] = np.cumsum(new)
    mask[some] = occur_again(line) | (number < 0)
    return mask[places]


def _fingerprints(
    hits: Sequence[Judgement], texts: Mapping[str, Texts], numbers: Mapping[str, Any], whole: Bools
) -> list[str]:
    """A digest of rule, claim and line; identical lines get an occurrence number."""
    days = np.datetime_as_string(np.asarray(numbers["service_date"], dtype="datetime64[D]"))
    told = dict(texts)
    told["line_number"] = pa.array(numbers["line_number"]).cast(pa.string()).fill_null("<NA>")
    told["service_date"] = pa.array(days.tolist(), type=pa.string())
    rule: Any = pa.array(_of_rule(hits, lambda one: one.name), type=pa.string())
    short = pc.binary_join_element_wise(rule, *(told[name] for name in _FINGERPRINT), "\x1f")
    billed = pc.binary_join_element_wise(short, *(told[name] for name in _AS_BILLED), "\x1f")
    contents = pc.if_else(pa.array(whole), billed, short)
    nth = pa.array(_occurrences(contents.dictionary_encode().indices.to_numpy())).cast(pa.string())
    told_apart: Any = pc.binary_join_element_wise(contents, nth, "\x1f")
    digests = map(hashlib.sha256, told_apart.cast(pa.binary()).to_pylist())
    return [digest.hexdigest()[:12] for digest in digests]


def _occurrences(number: Ints) -> Ints:
    """How often each number stood before, in their order."""
    again = in_company(number)
    nth = np.zeros(len(number), dtype=np.int64)
    nth[again] = np.arange(len(again)) - group_starts(number[again])
    return nth


def _needs_rates(one: Judgement) -> bool:
    """Whether some flagged line's money at risk is not told by an allowed amount."""
    assert one.verdicts
    unpriced = ~(one.flagged["allowed_cents"] > 0).fillna(value=False).to_numpy(dtype=bool)
    return bool((unpriced & (one.verdicts.money == "at_risk")).any())


@cache
def _empty() -> pd.DataFrame:
    kinds = dict.fromkeys(("amount", "line_number", "partner_line_number"), "Int64")
    kinds |= {"source_row": "Int64", "units": "float64", "service_date": "datetime64[s]"}
    kinds |= {"line": "int64", "counts_money": "bool"}
    return pd.DataFrame(
        {name: pd.Series(dtype=kinds.get(name, "str")) for name in (*FINDINGS, "line")}
    )
