"""Turns judgements into findings: message, remedy, amount, sources, fingerprint, order."""

import hashlib
import string
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from auditor.amounts import Expected, at_risk_of, expected_payment
from auditor.contradictions import doubts
from auditor.judging import Judgement
from auditor.matching import group_key
from auditor.reference import Bools, Ints, Reference
from auditor.rule import SEVERITIES, Rule
from auditor.schema import FINDINGS
from auditor.stories import with_stories

# What makes a finding the same finding on another night: the rule, the claim and the line of it.
_FINGERPRINT = ("claim_type", "claim_id", "line_number", "patient_id")
# Where a claim has several lines of one number, or no numbers, what was billed tells them apart.
_AS_BILLED = ("service_date", "procedure_code", "modifiers", "revenue_code")
_COPIED = (
    "claim_id",
    "line_number",
    "patient_id",
    "payer",
    "payer_type",
    "claim_type",
    "service_date",
    "procedure_code",
    "modifiers",
    "place_of_service",
    "revenue_code",
    "units",
    "billing_npi",
    "rendering_npi",
    "department",
    "source_file",
    "source_sheet",
    "source_row",
)
_NUMBERS = ("line_number", "units", "service_date", "source_row")


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
    expected = expected_payment(lines, reference) if any(map(_needs_rates, hits)) else None
    unclear = _unclear(lines)
    frames = [_findings(one, lines, expected, reference, unclear) for one in hits]
    findings = _in_order(pd.concat(frames, ignore_index=True))
    findings["counts_money"] = first_money(findings)
    return with_stories(findings, options)[[*FINDINGS, "line"]]


def together(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Findings of several sets of patients as those of one audit, in its order.

    The caller sees to it that no two sets use the same ``line``.
    """
    found = [part for part in parts if len(part)]
    if not found:
        return _empty().copy()
    return _in_order(pd.concat(found, ignore_index=True))[[*FINDINGS, "line"]]


def _in_order(findings: pd.DataFrame) -> pd.DataFrame:
    """Most severe and dearest first; the rest settles what ties."""
    rank = findings["severity"].map({name: place for place, name in enumerate(SEVERITIES)})
    findings = findings.assign(rank=rank, worth=-findings["amount"].fillna(0).astype("int64"))
    order = ["rank", "worth", "claim_id", "line_number", "rule", "finding"]
    return findings.sort_values(order, kind="stable", ignore_index=True)


def first_money(findings: pd.DataFrame) -> "pd.Series[bool]":
    """Marks one finding a line and kind of money: the one with the largest amount.

    ``worth`` is the amount of a finding in cents, negative; ties go to the finding that is first.
    """
    priced = findings[findings["amount"].notna() & (findings["money"] != "none")]
    dearest = priced.sort_values("worth", kind="stable").drop_duplicates(["line", "money"])
    return pd.Series(findings.index.isin(dearest.index), index=findings.index)


def _findings(
    one: Judgement,
    lines: pd.DataFrame,
    expected: Expected | None,
    reference: Reference,
    unclear: Bools,
) -> pd.DataFrame:
    rule, flagged = one.rule, one.flagged
    text = {name: _as_text(flagged[name]) for name in _COPIED if name not in _NUMBERS}
    partner = flagged["partner"].to_numpy()
    amount, basis = _amounts(flagged, expected)
    stale = flagged["stale_edition"].astype("str")
    late = " The table at hand (" + stale + ") does not reach this date."
    return pd.DataFrame(
        {
            "rule": rule.name,
            "family": rule.family,
            "severity": flagged["severity"].astype("str"),
            "money": flagged["money"].astype("str"),
            "amount": amount,
            "amount_basis": basis,
            "status": "",
            **text,
            **{name: flagged[name] for name in _NUMBERS},
            "message": _filled(rule.message, rule, flagged)
            + late.where(stale != "", "")
            + doubts(rule, flagged, reference, basis),
            "remedy": _filled(rule.remedy, rule, flagged),
            "denial_codes": " ".join(rule.denial_codes),
            "partner_claim_id": _partner(lines, partner, "claim_id"),
            "partner_line_number": _partner_number(lines, partner),
            "other_partners": flagged["other_partners"].astype("str"),
            "sources": _sources(rule, flagged),
            "line": flagged.index.to_numpy(),
            "finding": _fingerprints(rule, flagged, text, unclear[flagged.index]),
        }
    )


def _as_text(column: "pd.Series[str]") -> "pd.Series[str]":
    return column.astype("str")


def _amounts(
    flagged: pd.DataFrame, expected: Expected | None
) -> tuple["pd.Series[int]", "pd.Series[str]"]:
    """Cents and their basis: the finding's own amount, else for money at risk the line's worth.

    What was missed has no other amount than its own: never the charge.
    """
    own = flagged["own_amount"].astype("Int64")
    at_risk = flagged["money"] == "at_risk"
    worth, basis = at_risk_of(flagged, expected)
    amount = own.fillna(worth.where(at_risk)).where(flagged["money"] != "none")
    said = basis.where(at_risk, "").mask(own.notna(), flagged["own_basis"])
    return amount, said.where(amount.notna(), "")


def _filled(template: str, rule: Rule, flagged: pd.DataFrame) -> "pd.Series[str]":
    """The template with each line's evidence in it."""
    fields = [name for _, name, _, _ in string.Formatter().parse(template) if name]
    if not fields:
        return pd.Series(template, index=flagged.index, dtype="str")
    columns = [
        _printed(flagged[name]) if name in flagged else [str(rule.settings[name])] * len(flagged)
        for name in fields
    ]
    texts = [
        template.format(**dict(zip(fields, cells, strict=True)))
        for cells in zip(*columns, strict=True)
    ]
    return pd.Series(texts, index=flagged.index, dtype="str")


def _printed(column: "pd.Series[Any]") -> list[str]:
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return list(column.dt.strftime("%Y-%m-%d").fillna("(blank)"))
    if pd.api.types.is_float_dtype(column.dtype):
        return [f"{cell:g}" for cell in column]
    return [str(cell) for cell in column]


def _partner(lines: pd.DataFrame, partner: Ints, column: str) -> list[str]:
    if (partner < 0).all():
        return [""] * len(partner)
    words = lines[column].iloc[np.clip(partner, 0, None)].astype("str").to_numpy(dtype=object)
    return list(np.where(partner < 0, "", words))


def _partner_number(lines: pd.DataFrame, partner: Ints) -> Any:
    numbers = lines["line_number"].array.take(np.clip(partner, 0, None))
    numbers[partner < 0] = pd.NA
    return numbers


def _sources(rule: Rule, flagged: pd.DataFrame) -> list[str]:
    own = list(rule.sources)
    rows = flagged["reference_sources"].astype("str")
    joined = {words: " ".join(dict.fromkeys([*own, *words.split()])) for words in rows.unique()}
    return list(rows.map(joined))


def _unclear(lines: pd.DataFrame) -> Bools:
    """Lines that claim and line number alone don't tell apart from another."""
    number = lines["line_number"].fillna(-1).to_numpy(dtype=np.int64)
    line = pd.DataFrame({"claim": group_key(lines, ["claim_id", "patient_id", "claim_type"])})
    again = line.assign(number=number).duplicated(keep=False).to_numpy()
    return again | (number < 0)


def _fingerprints(
    rule: Rule, flagged: pd.DataFrame, text: dict[str, "pd.Series[str]"], unclear: Bools
) -> list[str]:
    columns = [
        _printed(flagged[name]) if name in _NUMBERS else text[name].tolist()
        for name in (*_FINGERPRINT, *_AS_BILLED)
    ]
    seen: dict[str, int] = {}
    found = []
    for whole, *cells in zip(unclear.tolist(), *columns, strict=True):
        told = cells if whole else cells[: len(_FINGERPRINT)]
        content = "\x1f".join((rule.name, *told))
        nth = seen[content] = seen.get(content, -1) + 1
        found.append(hashlib.sha256(f"{content}\x1f{nth}".encode()).hexdigest()[:12])
    return found


def _needs_rates(one: Judgement) -> bool:
    """Whether some flagged line's money at risk is not told by an allowed amount."""
    unpriced = ~(one.flagged["allowed_cents"] > 0).fillna(value=False)
    return bool((unpriced & (one.flagged["money"] == "at_risk")).any())


@cache
def _empty() -> pd.DataFrame:
    kinds = dict.fromkeys(("amount", "line_number", "partner_line_number"), "Int64")
    kinds |= {"source_row": "Int64", "units": "float64", "service_date": "datetime64[s]"}
    kinds |= {"line": "int64", "counts_money": "bool"}
    return pd.DataFrame(
        {name: pd.Series(dtype=kinds.get(name, "str")) for name in (*FINDINGS, "line")}
    )
