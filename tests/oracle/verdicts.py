"""What an oracle rule says of a line in its scope, and the data it cannot do without."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.oracle.lines import Line
from tests.oracle.run import Run
from tests.oracle.tables import Found

MILDER = {"denial": "review", "review": "note", "note": "note"}


@dataclass(frozen=True)
class Verdict:
    """One rule on one line: clean, flagged, or not evaluated with the reason and its detail."""

    status: str
    reason: str = ""
    detail: str = ""
    severity: str = ""
    money: str = ""
    amount: int | None = None
    own_amount: bool = False


CLEAN = Verdict("clean")


def unknown(reason: str, detail: str = "") -> Verdict:
    return Verdict("not_evaluated", reason, detail)


def flag(
    severity: str, money: str, amount: int | None = None, *, own_amount: bool = False
) -> Verdict:
    return Verdict("flagged", "", "", severity, money, amount, own_amount)


def flag_by(found: Found, severity: str, money: str) -> Verdict:
    """A stale table may accuse, one severity milder."""
    return flag(MILDER[severity] if found.stale else severity, money)


def cleared_by(*found: Found) -> Verdict:
    """A table may acquit if it has a row in force and is not stale."""
    for one in found:
        if not one.known:
            return unknown("reference_missing", one.table)
        if one.stale:
            return unknown("reference_stale", one.table)
        if one.row is None:
            return unknown("reference_missing", one.table)
    return CLEAN


# The line, all lines of its patient, the run.
Judge = Callable[[Line, list[Line], Run], Verdict]
Scope = Callable[[Line], bool]

STAND_INS = {
    "claim_type": ("claim_type", "bill_type", "place_of_service"),
    "payer_type": ("payer_type", "payer"),
}


@dataclass(frozen=True)
class OracleRule:
    """A rule restated: which lines it speaks of, what it needs, how it judges."""

    name: str
    scope: Scope
    judge: Judge
    claim_type: str = ""
    needs: Sequence[str] = ()
    needs_value: Sequence[str] = ()

    def speaks_of(self, line: Line) -> bool:
        kind_fits = not self.claim_type or line.claim_type in ("", self.claim_type)
        return kind_fits and self.scope(line)

    def verdict(self, line: Line, mine: list[Line], run: Run) -> Verdict:
        for column in [*self.needs, *(c for c in self.needs_value if c not in self.needs)]:
            if no_column(line, column):
                return unknown("column_missing", column)
        for column in self.needs_value:
            if not value_of(line, column):
                return unknown("value_missing", column)
        return self.judge(line, mine, run)


def value_of(line: Line, column: str) -> str:
    if column in ("claim_type", "payer_type"):
        return str(getattr(line, column))
    return line.text(column)


def no_column(line: Line, column: str) -> bool:
    names = [word for name in column.split("|") for word in STAND_INS.get(name, (name,))]
    if line.given.intersection(names):
        return False
    return column not in STAND_INS or not value_of(line, column)
