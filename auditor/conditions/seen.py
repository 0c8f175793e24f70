"""One claim line among the lines of its patient, and what can be asked of it.

A rule judges one patient at a time in effect, so the patient's own lines are enough to compute
every condition of a rule again.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, institutional, professional
from auditor.extract import Extract
from auditor.matching import in_order
from auditor.reference import Ints, Reference, day_numbers
from auditor.rule import Rule, lacks_column, lacks_value
from auditor.schema import COLUMNS


@dataclass(frozen=True)
class Condition:
    """One thing that a rule asks of a line, in words with its values, and whether it holds."""

    words: str
    holds: bool


@dataclass(frozen=True)
class Seen:
    """A line (``at``, a position) among all lines of its patient, as prepared for the rules."""

    lines: pd.DataFrame
    at: int
    rule: Rule
    reference: Reference
    extract: Extract

    @cached_property
    def row(self) -> "pd.Series[Any]":
        """The line's cells."""
        return self.lines.iloc[self.at]

    @property
    def settings(self) -> Mapping[str, Any]:
        """The rule's settings in this run."""
        return self.rule.settings

    def text(self, name: str) -> str:
        """A text cell."""
        return str(self.row[name])

    def words(self, name: str) -> list[str]:
        """The words of a text cell."""
        return self.text(name).split()

    def day(self, name: str = "service_date") -> str:
        """A date cell as 2024-01-31, "blank" where there is none."""
        return iso(self.row[name])

    def cents(self, name: str) -> int | None:
        """An amount, None where there is none."""
        return None if pd.isna(self.row[name]) else int(self.row[name])

    @cached_property
    def days(self) -> Ints:
        """Service dates of the patient's lines in days since 1970-01-01."""
        return day_numbers(self.lines["service_date"])

    def true_of(self, mask: Mask) -> bool:
        """Whether a mask over the patient's lines holds for this one."""
        return bool(mask[self.at])

    def alike(self, *columns: str) -> Mask:
        """The patient's lines, this one among them, that agree with it in some columns."""
        same = np.ones(len(self.lines), dtype=bool)
        for name in columns:
            same &= (self.lines[name] == self.row[name]).to_numpy(dtype=bool)
        return same

    def others(self, mask: Mask) -> Ints:
        """Positions of the other lines of a mask, in the order of the export."""
        places = np.flatnonzero(mask)
        others: Ints = places[places != self.at]
        return others

    def earlier(self, mask: Mask) -> Ints:
        """Other lines of a mask that were received before it, by claim and line where tied."""
        places = np.flatnonzero(mask | (np.arange(len(self.lines)) == self.at))
        order = places[in_order(self.lines, places, np.zeros(len(places), dtype=np.int64))]
        before: Ints = order[: int(np.flatnonzero(order == self.at)[0])]
        return before

    def named(self, places: Iterable[int]) -> str:
        """Some lines by code, modifiers, date and claim; "none" where there are none."""
        shown = list(places)
        texts = [self.name_of(place) for place in shown[:3]]
        more = f" and {len(shown) - 3} more" if len(shown) > 3 else ""
        return "; ".join(texts) + more if texts else "none"

    def name_of(self, place: int) -> str:
        """One line by code, modifiers, date and claim."""
        row = self.lines.iloc[place]
        code = " ".join([str(row["procedure_code"]), *str(row["modifiers"]).split()])
        code = code if row["procedure_code"] else f"revenue code {row['revenue_code']}"
        number = "" if pd.isna(row["line_number"]) else f" line {row['line_number']}"
        return f"{code} of {iso(row['service_date'])}, claim {row['claim_id']}{number}"

    # Conditions that many rules share.

    def has_text(self, name: str) -> Condition:
        """The cell is filled."""
        return Condition(f"{label(name)} is filled: {self.shown(name)}", self.text(name) != "")

    def has_no_text(self, name: str) -> Condition:
        """The cell is blank."""
        return Condition(f"{label(name)} is blank: {self.shown(name)}", self.text(name) == "")

    def is_one_of(self, name: str, words: Sequence[str]) -> Condition:
        """The cell is one of some words."""
        wanted = ", ".join(words)
        return Condition(
            f"{label(name)} is {self.shown(name)}; asked for: {wanted}", self.text(name) in words
        )

    def carries(self, modifiers: Iterable[str], said: str) -> Condition:
        """The line carries one of some modifiers."""
        found = [word for word in self.words("modifiers") if word in set(modifiers)]
        return Condition(f"{said}: modifiers {self.shown('modifiers')}", bool(found))

    def carries_none(self, modifiers: Iterable[str], said: str) -> Condition:
        """The line carries none of some modifiers."""
        return Condition(said, not self.carries(modifiers, said).holds)

    def paid_or_open(self) -> Condition:
        """The line was not denied."""
        return Condition("the line was not denied", not bool(self.row["denied"]))

    def shown(self, name: str) -> str:
        """A cell for a reader."""
        return self.text(name) or "none"


def label(name: str) -> str:
    """The word that reports use for a column."""
    words = COLUMNS[name].label if name in COLUMNS else name.replace("_", " ")
    return words if words.isupper() else words[:1].lower() + words[1:]


def iso(moment: Any) -> str:
    """A date as 2024-01-31, "blank" where there is none."""
    return "blank" if pd.isna(moment) else str(moment)[:10]


def money(cents: int | None) -> str:
    """Dollars, "unknown" where there is no amount."""
    return "unknown" if cents is None else f"${cents / 100:,.2f}"


def of_rule(seen: Seen) -> list[Condition]:
    """What the rule's declaration asks: scope, claim type, columns, filled cells."""
    rule = seen.rule
    scope = (rule.scope.__doc__ or "").partition("\n")[0].rstrip(".")
    found = [Condition(f"it is one of: {scope}", seen.true_of(rule.scope(seen.lines)))]
    if rule.claim_type:
        of_type: dict[str, Callable[[pd.DataFrame], Mask]] = {
            "institutional": institutional,
            "professional": professional,
        }
        found.append(
            Condition(
                f"claim type is {seen.shown('claim_type')}; asked for: {rule.claim_type}",
                seen.true_of(of_type[rule.claim_type](seen.lines)),
            )
        )
    if rule.needs:
        lacks = [name for name in rule.needs if seen.true_of(lacks_column(seen.lines, name))]
        found.append(Condition(f"the export has what it needs: {_labels(rule.needs)}", not lacks))
    if rule.needs_value:
        blank = [name for name in rule.needs_value if seen.true_of(lacks_value(seen.lines, name))]
        found.append(Condition(f"filled on the line: {_labels(rule.needs_value)}", not blank))
    return found


def _labels(names: Iterable[str]) -> str:
    return ", ".join(" or ".join(label(one) for one in name.split("|")) for name in names)
