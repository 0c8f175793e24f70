"""Why a claim line has findings or none: what each rule said of it, and what it lacked for one."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from auditor.caching import forget
from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.findings import findings_of
from auditor.history.again import patients_of_claim
from auditor.judged_again import (
    AtHand,
    conditions_at,
    from_exports,
    from_history,
    is_remembered,
    patients_lines,
)
from auditor.judging import Judgement, judge_or_tell
from auditor.reference import Ints
from auditor.report.words import reason_words
from auditor.request import Request, open_request
from auditor.rule import Rule

_WIDTH = 92
_UNTOLD = "what it lacks is not told"


@dataclass(frozen=True)
class Said:
    """What one rule said of a line.

    ``found`` is the finding's id and severity, ``unjudged`` why it could not be judged, ``fails``
    the first condition of a finding that does not hold; all are blank where the rule does not
    speak of such lines.
    """

    rule: Rule
    found: str = ""
    unjudged: str = ""
    fails: str = ""


def line_page(folder: Path, claim: str, number: int | None) -> str:
    """What every rule says of the lines of a claim, or of one of its lines, as text.

    Raises AuditError if the run, its lines or the claim are not there.
    """
    request = open_request(folder)
    if request.mask:
        raise AuditError(f"{folder}: is masked: it knows no claim by its number", exit_code=2)
    pages: list[str] = []
    superseded = 0
    for at_hand in _lines_at_hand(folder, request, claim):
        places = _places(at_hand.prepared.lines, claim, number)
        superseded += len(_places(at_hand.given, claim, number)) - len(places)
        pages += [_page(at_hand, place, request) for place in places.tolist()]
    if superseded:
        pages.append(
            f"{superseded} of its lines {'is' if superseded == 1 else 'are'} superseded: a "
            "replacement, a void or a later export stands instead, and no rule looks at what was\n"
        )
    if not pages:
        which = "no such line of that claim" if number is not None else "no such claim"
        raise AuditError(
            f"{folder}: {which} was audited; rejected.csv names the rows that could not be read",
            exit_code=2,
        )
    return "\n".join(pages)


def _lines_at_hand(folder: Path, request: Request, claim: str) -> Iterator[AtHand]:
    if request.history is None:
        yield from_exports(folder, request)
        return
    # Without what the history held then, rules would say something else than the run did.
    if not is_remembered(folder, request):
        raise AuditError(
            f"{folder}: its history has changed since; ask in the folder of its last run",
            exit_code=2,
        )
    key_env = request.settings.history.encryption_key_env
    for patient in patients_of_claim(request.history, key_env, claim):
        yield from_history(request, patient)


def _places(lines: pd.DataFrame, claim: str, number: int | None) -> Ints:
    asked = (lines["claim_id"] == claim).to_numpy(dtype=bool)
    if number is not None:
        asked = asked & (lines["line_number"].fillna(-1) == number).to_numpy(dtype=bool)
    return np.flatnonzero(asked)


def _page(at_hand: AtHand, place: int, request: Request) -> str:
    row = at_hand.prepared.lines.iloc[place]
    said = _said(at_hand, place, request.settings.options())
    silent = [one.rule.name for one in said if not (one.found or one.unjudged or one.fails)]
    parts = [
        _head(row),
        _section("Found", [(one, one.found) for one in said if one.found]),
        _section("Could not be judged", [(one, one.unjudged) for one in said if one.unjudged]),
        _section(
            "No finding, and the first condition of one that does not hold",
            [(one, f"FAILS: {one.fails}") for one in said if one.fails],
        ),
        "\n".join(["Not about such a line", *_wrapped(", ".join(silent), "  "), ""]),
    ]
    return "\n".join(part for part in parts if part)


def _head(row: "pd.Series[Any]") -> str:
    number = "" if pd.isna(row["line_number"]) else f", line {row['line_number']}"
    code = " ".join([str(row["procedure_code"]), *str(row["modifiers"]).split()])
    sheet = f", sheet {row['source_sheet']}" if row["source_sheet"] else ""
    day = "without a date" if pd.isna(row["service_date"]) else f"of {row['service_date']:%Y-%m-%d}"
    return (
        f"Claim {row['claim_id']}{number}: {code.strip() or 'no procedure code'} {day}\n"
        f"{row['source_file']}{sheet}, row {row['source_row']}\n"
    )


def _section(title: str, told: Sequence[tuple[Said, str]]) -> str:
    if not told:
        return ""
    lines = [title]
    for one, words in told:
        lines += [f"  {one.rule.title} ({one.rule.name})", *_wrapped(words, "    ")]
    return "\n".join([*lines, ""])


def _wrapped(text: str, margin: str) -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=margin, subsequent_indent=margin)


def _said(at_hand: AtHand, place: int, options: dict[str, Any]) -> list[Said]:
    """What each rule says of the line at a place, judged among all lines of its patient."""
    own, at = patients_lines(at_hand.prepared, place)
    prepared, reference = replace(at_hand.prepared, lines=own), at_hand.reference
    extract = prepared.extract
    said = []
    for rule in CATALOGUE:
        judgement = judge_or_tell(rule, own, reference, extract, options)
        if at in judgement.flagged.index:
            found = _finding(judgement, at, at_hand, own, options)
            said.append(Said(judgement.rule, found=found))
            continue
        alone = judge_or_tell(_for_one(rule, at), own, reference, extract, options)
        unjudged = "; ".join(reason_words(*why) for why in alone.reasons)
        fails = ""
        if alone.clean:
            conditions = conditions_at(judgement.rule, prepared, at, reference)
            fails = next((one.words for one in conditions if not one.holds), _UNTOLD)
        said.append(Said(rule, unjudged=unjudged, fails=fails))
    forget()
    return said


def _for_one(rule: Rule, at: int) -> Rule:
    """The rule, speaking of one line only, so that its books are of that line."""

    def scope(lines: pd.DataFrame) -> Any:
        return rule.scope(lines) & (np.arange(len(lines)) == at)

    return replace(rule, scope=scope)


def _finding(
    judgement: Judgement, at: int, at_hand: AtHand, own: pd.DataFrame, options: dict[str, Any]
) -> str:
    findings = findings_of([judgement], own, at_hand.reference, options)
    row = findings[findings["line"] == at].iloc[0]
    return f"{row['severity']}, finding {row['finding']}: {row['message']}"
