"""report.xlsx: the worklist to work through, its studies, patterns, rules and gaps, and the run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format

from auditor.errors import AuditError
from auditor.report import run_sheet, sheets, summary_sheet
from auditor.report.content import Report
from auditor.report.sheets import Cell, Field, Table, texts
from auditor.report.words import (
    BASIS_LABELS,
    MONEY_LABELS,
    SEVERITY_LABELS,
    column_words,
    reason_words,
    remedy_words,
)

DISPOSITIONS = ("open", "corrected", "appealed", "accepted risk", "not an error")
# Excel counts days from here; its first two months of 1900 are one day off.
DAY_ZERO = np.datetime64("1899-12-30", "D")
FIRST_DAY = np.datetime64("1900-03-01", "D")


def write_workbook(report: Report, path: Path, rows_per_sheet: int = sheets.ROWS_PER_SHEET) -> None:
    """Write ``report`` as an Excel workbook to ``path``; the same report gives the same bytes.

    Tables of more than ``rows_per_sheet`` rows go on over further sheets. Raises
    AuditError if ``path`` can't be written.
    """
    with sheets.collection_paused():
        book = sheets.open_workbook(str(path), str(path.parent), _identity(report))
        formats = sheets.make_formats(book)
        footer = f"Cardiac CT claim audit, {report.title}, run {report.run.identity}"
        summary = book.add_worksheet("Summary")
        worklist = _worklist(report)
        parts = sheets.write_tables(book, formats, worklist, footer, rows_per_sheet)
        names = [part.get_name() for part in parts]
        first = _first_places(report.run.audit.findings["rule"])
        links = {
            rule: sheets.cell_of(names, place, rows_per_sheet) for rule, place in first.items()
        }
        for table in (_studies(report), _patterns(report)):
            sheets.write_tables(book, formats, table, footer, rows_per_sheet)
        _write_rules(book, formats, report, footer, links)
        sheets.write_tables(book, formats, _not_evaluated(report), footer)
        sheets.write_tables(book, formats, _rejected(report), footer, rows_per_sheet)
        run_sheet.write(book.add_worksheet("Run"), formats, report, footer)
        summary_sheet.write(book, summary, formats, report, links, footer)
        try:
            book.close()
        except (FileCreateError, OSError) as error:
            reason = f"{path.name} could not be written ({error})"
            raise AuditError(
                f"{reason}; check the folder and the space left on its disk"
            ) from error


def _identity(report: Report) -> dict[str, Any]:
    return {
        "title": f"Cardiac CT claim audit: {sheets.plain(report.title)[:200]}",
        "subject": report.verdict.headline,
        "comments": f"Run {report.run.identity}",
        "created": datetime.combine(report.run.audit.as_of, datetime.min.time()),
    }


def _first_places(rules: pd.Series[Any]) -> dict[str, int]:
    first: dict[str, int] = {}
    for place, rule in enumerate(rules.tolist()):
        first.setdefault(rule, place)
    return first


def _numbers(values: pd.Series[Any], over: int = 1) -> list[Cell]:
    numbers = values.to_numpy(dtype="float64", na_value=np.nan)
    return [None if number != number else number / over for number in numbers.tolist()]


def _days(values: pd.Series[Any]) -> list[Cell]:
    """Day numbers; a date that Excel does not know is left as ISO text."""
    days = values.to_numpy(dtype="datetime64[D]")
    numbers: list[Cell] = list((days - DAY_ZERO).astype("int64").tolist())
    for place in np.flatnonzero(~(days >= FIRST_DAY)):
        numbers[place] = None if np.isnat(days[place]) else str(days[place])
    return numbers


def _worklist(report: Report) -> Table:
    found = report.run.audit.findings
    titles = {rule.name: rule.title for rule in report.rules}
    blank: list[Cell] = [None] * len(found)
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Finding", 14.5, "code"), texts(found["finding"])),
        (Field("Severity", 11, "severity"), texts(found["severity"], SEVERITY_LABELS)),
        (Field("Claim", 15, "code"), texts(found["claim_id"])),
        (Field("Line", 6, "count"), _numbers(found["line_number"])),
        (Field("Service date", 11.5, "date"), _days(found["service_date"])),
        (Field("Code", 8, "code"), texts(found["procedure_code"])),
        (Field("Modifiers", 10.5, "code"), texts(found["modifiers"])),
        (Field("Problem", 26, "long"), texts(found["rule"], titles)),
        (Field("What was found", 42, "long"), texts(found["message"])),
        (Field("What to do", 36, "long"), texts(found["remedy"])),
        (Field("Amount ($)", 11.5, "money"), _numbers(found["amount"], over=100)),
        (Field("Money", 9.5, "text"), texts(found["money"], MONEY_LABELS)),
        (Field("Owner", 13, "fill_in"), blank),
        (Field("Disposition", 13.5, "fill_in", DISPOSITIONS), blank),
        (Field("Note", 22, "fill_in"), blank),
        (Field("Study", 14.5, "code"), texts(found["story"])),
        (
            Field("In the total", 8, "text"),
            texts(found["counts_money"], {True: "yes", False: ""}),
        ),
        (Field("Amount is", 33, "text"), texts(found["amount_basis"], BASIS_LABELS)),
        (Field("Status", 11, "text"), texts(found["status"])),
        (Field("Denial codes", 18, "code"), texts(found["denial_codes"])),
        (Field("Patient", 14, "code"), texts(found["patient_id"])),
        (Field("Payer", 24, "text"), texts(found["payer"])),
        (Field("Claim type", 13, "text"), texts(found["claim_type"])),
        (Field("Place", 7, "code"), texts(found["place_of_service"])),
        (Field("Revenue code", 9.5, "code"), texts(found["revenue_code"])),
        (Field("Units", 7, "number"), _numbers(found["units"])),
        (Field("Billing NPI", 12.5, "code"), texts(found["billing_npi"])),
        (Field("Rendering NPI", 12.5, "code"), texts(found["rendering_npi"])),
        (Field("Department", 18, "text"), texts(found["department"])),
        (Field("Other claim", 15, "code"), texts(found["partner_claim_id"])),
        (Field("Other line", 7, "count"), _numbers(found["partner_line_number"])),
        (Field("More other lines", 24, "text"), texts(found["other_partners"])),
        (Field("Rule", 34, "code"), texts(found["rule"])),
        (Field("File", 28, "text"), texts(found["source_file"])),
        (Field("Sheet", 14, "text"), texts(found["source_sheet"])),
        (Field("Row", 9, "count"), _numbers(found["source_row"])),
    ]
    fields, cells = zip(*columns, strict=True)
    nothing = f"{report.verdict.headline} {report.verdict.action}"
    return Table("Worklist", fields, cells, 4, 15, nothing, patients=True)


def _studies(report: Report) -> Table:
    studies = report.studies
    titles = {rule.name: rule.title for rule in report.rules}
    problems = {
        names: "; ".join(titles.get(name, name) for name in names.split())
        for names in studies["rules"].unique()
    }
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Study", 14.5, "code"), texts(studies["story"])),
        (Field("Severity", 11, "severity"), texts(studies["severity"], SEVERITY_LABELS)),
        (Field("Patient", 14, "code"), texts(studies["patient_id"])),
        (Field("First date", 11.5, "date"), _days(studies["first_date"])),
        (Field("Last date", 11.5, "date"), _days(studies["last_date"])),
        (Field("Findings", 10, "count"), _numbers(studies["findings"])),
        (Field("Lines", 8, "count"), _numbers(studies["lines"])),
        (Field("At risk ($)", 13, "money"), _some(studies["at_risk"])),
        (Field("Missed ($)", 13, "money"), _some(studies["missed"])),
        (Field("Problems", 74, "long"), texts(studies["rules"], problems)),
    ]
    fields, cells = zip(*columns, strict=True)
    nothing = "No study has a finding."
    return Table("Studies", fields, cells, 3, len(fields), nothing, patients=True)


def _patterns(report: Report) -> Table:
    alike = report.patterns
    titles = {rule.name: rule.title for rule in report.rules}
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Pattern", 9, "count"), list(range(1, len(alike) + 1))),
        (Field("Problem", 40, "long"), texts(alike["rule"], titles)),
        (Field("Billing NPI", 12.5, "code"), texts(alike["billing_npi"])),
        (Field("Department", 20, "text"), texts(alike["department"])),
        (Field("Revenue code", 9.5, "code"), texts(alike["revenue_code"])),
        (Field("Payer", 26, "text"), texts(alike["payer"])),
        (Field("Findings", 10, "count"), _numbers(alike["findings"])),
        (Field("Lines", 8, "count"), _numbers(alike["lines"])),
        (Field("First date", 11.5, "date"), _days(alike["first_date"])),
        (Field("Last date", 11.5, "date"), _days(alike["last_date"])),
        (Field("At risk ($)", 13, "money"), _some(alike["at_risk"])),
        (Field("Missed ($)", 13, "money"), _some(alike["missed"])),
        (Field("Rule", 34, "code"), texts(alike["rule"])),
    ]
    fields, cells = zip(*columns, strict=True)
    nothing = "No two findings share rule, provider, department, revenue code and payer."
    return Table("Patterns", fields, cells, 2, len(fields), nothing)


def _some(cents: pd.Series[Any]) -> list[Cell]:
    """Dollars, blank for none."""
    return [_or_none(value) for value in cents.tolist()]


def _write_rules(
    book: Workbook,
    formats: dict[str, Format],
    report: Report,
    footer: str,
    links: Mapping[str, str],
) -> None:
    rules = report.rules
    severities = [[rule.by_severity[place] for rule in rules] for place in range(3)]
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Rule", 31, "code"), texts(rule.name for rule in rules)),
        (Field("Title", 28, "long"), texts(rule.title for rule in rules)),
        (Field("Severity", 11, "severity"), texts(rule.severity_label for rule in rules)),
        (Field("In scope", 9.5, "count"), [rule.in_scope for rule in rules]),
        (Field("Flagged", 9.5, "count"), [rule.flagged for rule in rules]),
        (Field("Clean", 9.5, "count"), [rule.clean for rule in rules]),
        (Field("Not evaluated", 10.5, "count"), [rule.not_evaluated for rule in rules]),
        (Field("At risk ($)", 13, "money"), [_or_none(rule.at_risk_cents) for rule in rules]),
        (Field("Missed ($)", 13, "money"), [_or_none(rule.missed_cents) for rule in rules]),
        (Field("Why", 46, "long"), texts(rule.rationale for rule in rules)),
        (Field("What to do", 38, "long"), texts(rule.remedy for rule in rules)),
        (Field("Denial codes", 14, "long"), texts(", ".join(r.denial_codes) for r in rules)),
        (Field("Family", 18, "text"), texts(rule.family_label for rule in rules)),
        (Field("Denials", 9, "count"), severities[0]),
        (Field("Reviews", 9, "count"), severities[1]),
        (Field("Notes", 9, "count"), severities[2]),
        (Field("Columns it needs", 26, "long"), texts(", ".join(r.needs) for r in rules)),
        (Field("Settings", 24, "long"), texts(_settings(rule.settings) for rule in rules)),
        (Field("Sources", 60, "long"), texts(_sources(rule.sources) for rule in rules)),
    ]
    fields, cells = zip(*columns, strict=True)
    table = Table("Rules", fields, cells, 2, 12, "No rule was run.")
    [sheet] = sheets.write_tables(book, formats, table, footer)
    for row, rule in enumerate(rules, 1):
        if rule.name in links:
            sheet.write_url(
                row, 4, links[rule.name], formats["count_to_first"], tip="First of its findings"
            )
            sheet.write_number(row, 4, rule.flagged, formats["count_to_first"])


def _or_none(cents: int) -> float | None:
    return cents / 100 if cents else None


def _settings(settings: Iterable[tuple[str, str]]) -> str:
    return "\n".join(f"{name} = {value}" for name, value in settings)


def _sources(sources: Iterable[Any]) -> str:
    return "\n".join(
        ", ".join(part for part in (s.publisher, s.title, s.section, s.edition) if part)
        for s in sources
    )


def _not_evaluated(report: Report) -> Table:
    gaps = report.run.audit.not_evaluated
    gaps = gaps[gaps["lines"] > 0]
    titles = {rule.name: rule.title for rule in report.rules}
    pairs = list(zip(gaps["reason"], gaps["detail"], strict=True))
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("Rule", 34, "code"), texts(gaps["rule"])),
        (Field("Title", 40, "long"), texts(gaps["rule"], titles)),
        (Field("Lines", 10, "count"), _numbers(gaps["lines"])),
        (Field("Why not", 50, "long"), texts(reason_words(*pair) for pair in pairs)),
        (Field("How to unlock", 60, "long"), texts(remedy_words(*pair) for pair in pairs)),
    ]
    fields, cells = zip(*columns, strict=True)
    nothing = "Every rule judged every line in its scope."
    return Table("Not evaluated", fields, cells, 1, len(fields), nothing)


def _rejected(report: Report) -> Table:
    lines = report.run.rejected
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("File", 36, "text"), texts(lines["file"])),
        (Field("Sheet", 18, "text"), texts(lines["sheet"])),
        (Field("Row", 10, "count"), _numbers(lines["row"])),
        (Field("Column", 26, "text"), texts(map(column_words, lines["column"].fillna("")))),
        (Field("Shape of the value", 26, "code"), texts(lines["value_shape"])),
        (Field("Reason", 60, "long"), texts(lines["reason"])),
    ]
    fields, cells = zip(*columns, strict=True)
    return Table("Rejected lines", fields, cells, 3, len(fields), "No line was rejected.")
