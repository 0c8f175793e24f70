"""What a rule is: a function of claim lines with its metadata, and the outcome it returns."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pandas as pd

from auditor.caching import computed_lately
from auditor.claim_lines import Mask, any_line, blank, each_word
from auditor.reference import InForce

Severity = Literal["denial", "review", "note"]
Money = Literal["at_risk", "missed", "none"]
Reason = Literal[
    "column_missing",
    "value_missing",
    "reference_missing",
    "reference_stale",
    "partner_outside_extract",
    "awaiting_partner",
    "error",
]

# A reason, or a reason and the column it speaks of, to the lines it holds for.
Reasons = dict[Reason | tuple[Reason, str], Mask]

# What stands in for a column that is inferred where the export lacks it.
STAND_INS: dict[str, tuple[str, ...]] = {
    "claim_type": ("claim_type", "bill_type", "place_of_service"),
    "payer_type": ("payer_type", "payer"),
    "claim_frequency": ("claim_frequency", "bill_type"),
}

SEVERITIES: tuple[Severity, ...] = ("denial", "review", "note")
MILDER: dict[str, str] = {"denial": "review", "review": "note", "note": "note"}
REASONS: dict[str, str] = {
    "column_missing": "the export has no such column",
    "value_missing": "the cell is empty",
    "reference_missing": "our table holds nothing for it",
    "reference_stale": "the date of service is outside the dates our table answers for",
    "partner_outside_extract": "the other half may be in a file that was not given",
    "awaiting_partner": "too young to call the other half missing",
    "error": "the rule itself failed",
}

# A family is the module that holds the rule; its name in reports stands here.
FAMILIES: dict[str, str] = {
    "unbundling": "Unbundling",
    "components": "26, TC and global",
    "revenue_codes": "Revenue codes",
    "dates_of_service": "Dates of service",
    "units": "Units and duplicates",
    "diagnoses": "Diagnoses",
    "coverage": "Coverage",
    "payment": "Payment",
}


@computed_lately
def lacks_column(lines: pd.DataFrame, column: str) -> Mask:
    """Lines whose export has no such column, nor what stands in for it; ``a|b`` means either."""
    enough = {word for name in column.split("|") for word in STAND_INS.get(name, (name,))}
    lacks = each_word(lines["columns_given"], lambda given: enough.isdisjoint(given.split()))
    return lacks & lacks_value(lines, column) if column in STAND_INS else lacks


@computed_lately
def lacks_value(lines: pd.DataFrame, column: str) -> Mask:
    """Lines whose cell in the column is empty."""
    if isinstance(lines[column].dtype, pd.CategoricalDtype):
        return blank(lines[column])
    return lines[column].isna().to_numpy(dtype=bool)


def lacking(lines: pd.DataFrame, column: str, mask: Mask | None = None) -> Reasons:
    """Why lines (those of the mask) can't be judged for want of a column or of its value."""
    some = any_line(lines) if mask is None else mask
    return {
        ("column_missing", column): some & lacks_column(lines, column),
        ("value_missing", column): some & lacks_value(lines, column),
    }


def one_of(which: Mask, yes: str, no: str, index: pd.Index) -> "pd.Series[str]":
    """One of two words a line."""
    return pd.Series(np.where(which, yes, no), index=index, dtype="str")


@dataclass(frozen=True)
class Outcome:
    """What a rule found among the claim lines it was given.

    ``flagged`` holds the flagged lines (their index kept) with the columns the message names.
    ``not_evaluated`` maps a reason, or a reason and a column, to the lines that the rule can't
    judge for it, first reason first; flagged lines among them stay flagged. ``severity`` and
    ``money``, one a flagged line, replace the rule's own. ``partner`` holds the position of the
    partner line or -1, ``other_partners`` the rest as text. ``amount`` is the finding's own amount
    in cents, and ``amount_basis`` what it rests on. ``consulted`` are the reference rows the
    judgement rests on: a line without a row is not evaluated for ``reference_missing``, a line
    outside the dates the table answers for for ``reference_stale``, unless it is flagged. What a
    stale table flags is one severity milder. ``stale`` says the same of a table (by name) whose
    rows belong to pairs of lines instead, and ``reference_rows`` are the rows that prove each
    flagged line; ``sources`` are those of rows of several tables, as text.
    """

    flagged: pd.DataFrame
    not_evaluated: Reasons = field(default_factory=dict)
    severity: "pd.Series[str] | None" = None
    partner: "pd.Series[int] | None" = None
    other_partners: "pd.Series[str] | None" = None
    money: "pd.Series[str] | None" = None
    amount: "pd.Series[int] | None" = None
    amount_basis: "str | pd.Series[str]" = ""
    consulted: InForce | None = None
    stale: tuple[str, Mask] | None = None
    reference_rows: InForce | None = None
    sources: "pd.Series[str] | None" = None


@dataclass(frozen=True)
class Rule:
    """A rule of the catalogue: its function, and what a reader must know of it."""

    name: str
    family: str
    title: str
    rationale: str
    function: Callable[..., Outcome]
    severity: Severity
    money: Money
    scope: Callable[[pd.DataFrame], Mask]
    claim_type: str
    needs: tuple[str, ...]
    needs_value: tuple[str, ...]
    sources: tuple[str, ...]
    denial_codes: tuple[str, ...]
    message: str
    remedy: str
    rests_on: tuple[str, ...]
    settings: Mapping[str, Any]


def rule(
    *,
    severity: Severity,
    money: Money,
    sources: Sequence[str],
    message: str,
    remedy: str,
    scope: Callable[[pd.DataFrame], Mask] = any_line,
    claim_type: Literal["", "institutional", "professional"] = "",
    needs: Sequence[str] = (),
    needs_value: Sequence[str] = (),
    denial_codes: Sequence[str] = (),
    rests_on: Sequence[str] = (),
) -> Callable[[Callable[..., Outcome]], Rule]:
    """Makes a rule of a function; its name, docstring and keyword-only arguments say the rest.

    ``scope`` says which lines the rule speaks of. ``claim_type`` narrows it, and lines whose claim
    type is unknown are then not evaluated. ``needs`` are columns that the export must have,
    ``needs_value`` columns whose cell must also be filled. ``rests_on`` names the reference tables
    whose values decide, or single contradictions by their id.
    """

    def made(function: Callable[..., Outcome]) -> Rule:
        title, _, rest = inspect.cleandoc(function.__doc__ or "").partition("\n")
        parameters = inspect.signature(function).parameters.values()
        return Rule(
            name=function.__name__,
            family=function.__module__.rpartition(".")[2],
            title=title.rstrip("."),
            rationale=" ".join(rest.split()),
            function=function,
            severity=severity,
            money=money,
            scope=scope,
            claim_type=claim_type,
            needs=(*needs, *(name for name in needs_value if name not in needs)),
            needs_value=tuple(needs_value),
            sources=tuple(sources),
            denial_codes=tuple(denial_codes),
            message=message,
            remedy=remedy,
            rests_on=tuple(rests_on),
            settings={p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY},
        )

    return made
