"""Tables of findings in the workbook: the worklist, the same by rule, and those set apart."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from auditor.report.content import Report
from auditor.report.dispositions import DISPOSITIONS, Disposition
from auditor.report.listed import set_apart
from auditor.report.sheets import Cell, Field, Table, block_of, sheet_names, texts
from auditor.report.words import BASIS_LABELS, MONEY_LABELS, SEVERITY_LABELS

# Excel counts days from here; its first two months of 1900 are one day off.
DAY_ZERO = np.datetime64("1899-12-30", "D")
FIRST_DAY = np.datetime64("1900-03-01", "D")
LONGEST_LIST = 255
MOST_CLAIM_WIDTH = 26
_NAME = re.compile(r"\w[^,\"\n]*")
_UNDECIDED = Disposition()


def numbers(values: pd.Series[Any], over: int = 1) -> list[Cell]:
    """Numbers as cells, None where one is missing; ``over`` divides them."""
    found = values.to_numpy(dtype="float64", na_value=np.nan)
    return [None if number != number else number / over for number in found.tolist()]


def days(values: pd.Series[Any]) -> list[Cell]:
    """Day numbers; a date that Excel does not know is left as ISO text."""
    found = values.to_numpy(dtype="datetime64[D]")
    cells: list[Cell] = list((found - DAY_ZERO).astype("int64").tolist())
    for place in np.flatnonzero(~(found >= FIRST_DAY)):
        cells[place] = None if np.isnat(found[place]) else str(found[place])
    return cells


def _claim(numbers: pd.Series[Any]) -> Field:
    """The column of claim numbers, as wide as they need within reason; longer ones are shrunk."""
    longest = int(numbers.astype(str).str.len().max()) if len(numbers) else 0
    return Field("Claim", min(max(15, longest + 2), MOST_CLAIM_WIDTH), "code")


def worklist(report: Report) -> Table:
    """A row a finding, as the audit sorts them, with columns to fill in."""
    found = report.run.audit.findings
    titles = {rule.name: rule.title for rule in report.rules}
    known = report.run.dispositions
    decided = [known.get(finding, _UNDECIDED) for finding in found["finding"].tolist()]
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Finding", 14.5, "code"), texts(found["finding"])),
        (Field("Severity", 11, "severity"), texts(found["severity"], SEVERITY_LABELS)),
        (_claim(found["claim_id"]), texts(found["claim_id"])),
        (Field("Line", 6, "count"), numbers(found["line_number"])),
        (Field("Service date", 11.5, "date"), days(found["service_date"])),
        (Field("Code", 8, "code"), texts(found["procedure_code"])),
        (Field("Modifiers", 10.5, "code"), texts(found["modifiers"])),
        (Field("Problem", 26, "long"), texts(found["rule"], titles)),
        (Field("What was found", 42, "long"), texts(found["message"])),
        (Field("What to do", 36, "long"), texts(found["remedy"])),
        (Field("Amount ($)", 11.5, "money"), numbers(found["amount"], over=100)),
        (Field("Money", 9.5, "text"), texts(found["money"], MONEY_LABELS)),
        (
            Field("Owner", 13, "fill_in", _owners(decided), free=True),
            texts(one.owner for one in decided),
        ),
        (
            Field("Disposition", 13.5, "fill_in", DISPOSITIONS),
            texts(one.disposition for one in decided),
        ),
        (Field("Note", 22, "fill_in"), texts(one.note for one in decided)),
        *_details(report),
    ]
    fields, cells = zip(*columns, strict=True)
    nothing = f"{report.verdict.headline} {report.verdict.action}"
    return Table("Worklist", fields, cells, 4, 15, nothing, patients=True)


def _owners(decided: Sequence[Disposition]) -> tuple[str, ...]:
    """Owners named before, to choose from: what a list of Excel's can hold."""
    offered: list[str] = []
    for owner in sorted({one.owner for one in decided if one.owner}):
        # Its items are parted by commas, come to 255 characters at most, and are taken as if typed.
        if _NAME.fullmatch(owner) and len(",".join([*offered, owner])) <= LONGEST_LIST:
            offered.append(owner)
    return tuple(offered)


def _details(report: Report) -> list[tuple[Field, Sequence[Cell]]]:
    """The columns behind those to fill in: how it counts, whose it is, where it stands."""
    found = report.run.audit.findings
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Study", 14.5, "code"), texts(found["story"])),
        (
            Field("In the total", 8, "text"),
            texts(found["counts_money"], {True: "yes", False: ""}),
        ),
        (Field("Amount is", 33, "text"), texts(found["amount_basis"], BASIS_LABELS)),
        (Field("Status", 11, "text"), texts(found["status"])),
        (Field("Denial codes", 18, "code"), texts(found["denial_codes"])),
        (Field("Patient", 14, "code"), texts(found["patient_id"])),
        (Field("Payer", 30, "text"), texts(found["payer"])),
        (Field("Claim type", 13, "text"), texts(found["claim_type"])),
        (Field("Place", 7, "code"), texts(found["place_of_service"])),
        (Field("Revenue code", 9.5, "code"), texts(found["revenue_code"])),
        (Field("Units", 7, "number"), numbers(found["units"])),
        (Field("Billing NPI", 12.5, "code"), texts(found["billing_npi"])),
        (Field("Rendering NPI", 12.5, "code"), texts(found["rendering_npi"])),
        (Field("Department", 18, "text"), texts(found["department"])),
        (Field("Other claim", 15, "code"), texts(found["partner_claim_id"])),
        (Field("Other line", 7, "count"), numbers(found["partner_line_number"])),
        (Field("More other lines", 24, "text"), texts(found["other_partners"])),
        (Field("Rule", 34, "code"), texts(found["rule"])),
        (Field("File", 28, "text"), texts(found["source_file"])),
        (Field("Sheet", 14, "text"), texts(found["source_sheet"])),
        (Field("Row", 9, "count"), numbers(found["source_row"])),
    ]
    if report.run.changes:
        seen = found["finding"].map(report.run.changes.first_seen)
        place = next(n for n, (field, _) in enumerate(columns) if field.header == "Status") + 1
        columns.insert(place, (Field("First seen", 11.5, "date"), days(pd.to_datetime(seen))))
    return columns


def by_rule(report: Report, rows_per_sheet: int) -> Table:
    """The findings once more, each rule's together: what the Summary's counts lead to.

    A link can't set a filter, so a block of rows stands for it; the last column says where the
    finding stands in the worklist.
    """
    order = _by_rule(report)
    found = report.run.audit.findings.take(order)
    titles = {rule.name: rule.title for rule in report.rules}
    names = sheet_names("Worklist", len(found), rows_per_sheet)
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Problem", 52, "text"), texts(found["rule"], titles)),
        (Field("Severity", 11, "severity"), texts(found["severity"], SEVERITY_LABELS)),
        (Field("Finding", 14.5, "code"), texts(found["finding"])),
        (_claim(found["claim_id"]), texts(found["claim_id"])),
        (Field("Line", 6, "count"), numbers(found["line_number"])),
        (Field("Service date", 11.5, "date"), days(found["service_date"])),
        (Field("Code", 8, "code"), texts(found["procedure_code"])),
        (Field("Modifiers", 10.5, "code"), texts(found["modifiers"])),
        (Field("Amount ($)", 11.5, "money"), numbers(found["amount"], over=100)),
        (Field("Money", 9.5, "text"), texts(found["money"], MONEY_LABELS)),
        (Field("Payer", 30, "text"), texts(found["payer"])),
        (Field("Status", 11, "text"), texts(found["status"])),
        (Field("Worklist row", 9, "count"), (order % rows_per_sheet + 2).tolist()),
    ]
    if len(names) > 1:
        at = [names[part] for part in (order // rows_per_sheet).tolist()]
        columns.append((Field("On sheet", 13, "text"), texts(at)))
    fields, cells = zip(*columns, strict=True)
    nothing = "No rule has a finding."
    return Table("By rule", fields, cells, 3, len(fields), nothing, patients=True)


def _by_rule(report: Report) -> np.ndarray[Any, np.dtype[np.int64]]:
    """Places of the findings by rule, in the order of the rules; within one as in the worklist."""
    place = {rule.name: number for number, rule in enumerate(report.rules)}
    rank = report.run.audit.findings["rule"].map(place).fillna(len(place)).to_numpy(dtype=np.int64)
    return np.argsort(rank, kind="stable").astype(np.int64)


def links(report: Report, rows_per_sheet: int) -> dict[str, str]:
    """Where the rows of each rule stand together; under ``severity:`` those of each severity."""
    found = report.run.audit.findings
    rules = found["rule"].take(_by_rule(report)).astype("str").to_numpy(dtype=object)
    targets = _blocks(rules, "By rule", rows_per_sheet, last_column=12)
    severities = found["severity"].astype("str").to_numpy(dtype=object)
    of_severity = _blocks(severities, "Worklist", rows_per_sheet, last_column=14)
    return targets | {f"severity:{name}": target for name, target in of_severity.items()}


def _blocks(
    words: np.ndarray[Any, np.dtype[np.object_]], sheet: str, rows_per_sheet: int, last_column: int
) -> dict[str, str]:
    """A link to the rows of each word that stands in one piece."""
    if not len(words):
        return {}
    names = sheet_names(sheet, len(words), rows_per_sheet)
    starts = np.flatnonzero(np.r_[True, words[1:] != words[:-1]])
    ends = np.r_[starts[1:], len(words)]
    pieces = pd.Series(words[starts]).value_counts()
    return {
        str(words[start]): block_of(names, int(start), int(end), rows_per_sheet, last_column)
        for start, end in zip(starts, ends, strict=True)
        if pieces[words[start]] == 1
    }


def apart(report: Report) -> list[Table]:
    """Findings that this run resolved, and those that a waiver sets apart; none without history."""
    changes = report.run.changes
    if changes is None:
        return []
    seen = {finding: day.isoformat() for finding, day in changes.first_seen.items()}
    return [
        _apart("Resolved", set_apart(changes.resolved, "resolved", seen, most=None), report),
        _apart("Waived", set_apart(changes.waived, "waived", seen, most=None), report),
    ]


def _apart(name: str, found: pd.DataFrame, report: Report) -> Table:
    titles = {rule.name: rule.title for rule in report.rules}
    known = report.run.dispositions
    decided = [known.get(finding, _UNDECIDED) for finding in found["finding"].tolist()]
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Finding", 14.5, "code"), texts(found["finding"])),
        (Field("Severity", 11, "severity"), texts(found["severity"], SEVERITY_LABELS)),
        (_claim(found["claim_id"]), texts(found["claim_id"])),
        (Field("Line", 6, "count"), numbers(found["line_number"])),
        (Field("Service date", 11.5, "date"), days(found["service_date"])),
        (Field("Code", 8, "code"), texts(found["procedure_code"])),
        (Field("Problem", 40, "long"), texts(found["rule"], titles)),
        (Field("What was found", 52, "long"), texts(found["message"])),
        (Field("Amount ($)", 11.5, "money"), numbers(found["amount"], over=100)),
        (Field("Money", 9.5, "text"), texts(found["money"], MONEY_LABELS)),
        (Field("First seen", 11.5, "date"), days(pd.to_datetime(found["first_seen"]))),
    ]
    if name == "Waived":
        columns.append((Field("Waiver", 44, "long"), texts(found["waiver"])))
    # Without the note it is no worklist, from which decisions would be taken back.
    columns += [
        (Field("Owner", 13, "text"), texts(one.owner for one in decided)),
        (Field("Disposition", 13.5, "text"), texts(one.disposition for one in decided)),
        (Field("Payer", 30, "text"), texts(found["payer"])),
        (Field("Patient", 14, "code"), texts(found["patient_id"])),
        (Field("Rule", 34, "code"), texts(found["rule"])),
    ]
    fields, cells = zip(*columns, strict=True)
    nothing = f"No finding was {name.lower()} in this run."
    return Table(name, fields, cells, 4, 12, nothing, patients=True)
