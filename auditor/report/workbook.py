"""report.xlsx: the worklist to work through, its studies, patterns, rules and gaps, and the run."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.format import Format

from auditor.errors import AuditError
from auditor.report import changes_sheet, finding_tables, run_sheet, sheets, summary_sheet
from auditor.report.content import Report
from auditor.report.finding_tables import days, numbers
from auditor.report.sheets import Cell, Field, Table, texts
from auditor.report.words import (
    SEVERITY_LABELS,
    column_words,
    reason_words,
    remedy_words,
)


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
        links = finding_tables.links(report, rows_per_sheet)
        tables = (
            finding_tables.worklist(report),
            finding_tables.by_rule(report, rows_per_sheet),
            _studies(report),
            _patterns(report),
            *finding_tables.apart(report),
            *([changes_sheet.trend(changes)] if (changes := report.run.changes) else []),
        )
        for table in tables:
            sheets.write_tables(book, formats, table, footer, rows_per_sheet)
        _write_rules(book, formats, report, footer, links)
        sheets.write_tables(book, formats, _not_evaluated(report), footer)
        sheets.write_tables(book, formats, _rejected(report), footer, rows_per_sheet)
        run_sheet.write(book.add_worksheet("Run"), formats, report, footer)
        summary_sheet.write(book, summary, formats, report, links, footer)
        try:
            book.close()
        except (FileCreateError, OSError) as error:
            _let_go(error)
            reason = f"{path.name} could not be written ({error})"
            raise AuditError(
                f"{reason}; check the folder and the space left on its disk"
            ) from error


def _let_go(fault: BaseException | None) -> None:
    """Closes the half-written zip that the frames of a fault hold.

    It is closed by force, fails on the full disk once more, and Python would print that below the
    one line that says what is wrong.
    """
    hook = sys.unraisablehook
    sys.unraisablehook = lambda _again: None
    try:
        while fault is not None:
            traceback.clear_frames(fault.__traceback__)
            fault = fault.__context__
    finally:
        sys.unraisablehook = hook


def _identity(report: Report) -> dict[str, Any]:
    return {
        "title": f"Cardiac CT claim audit: {sheets.plain(report.title)[:200]}",
        "subject": report.verdict.headline,
        "comments": f"Run {report.run.identity}",
        "created": datetime.combine(report.run.audit.as_of, datetime.min.time()),
    }


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
        (Field("First date", 11.5, "date"), days(studies["first_date"])),
        (Field("Last date", 11.5, "date"), days(studies["last_date"])),
        (Field("Findings", 10, "count"), numbers(studies["findings"])),
        (Field("Lines", 8, "count"), numbers(studies["lines"])),
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
        (Field("Findings", 10, "count"), numbers(alike["findings"])),
        (Field("Lines", 8, "count"), numbers(alike["lines"])),
        (Field("First date", 11.5, "date"), days(alike["first_date"])),
        (Field("Last date", 11.5, "date"), days(alike["last_date"])),
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
                row, 4, links[rule.name], formats["count_to_first"], tip="Its findings, together"
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
        (Field("Lines", 10, "count"), numbers(gaps["lines"])),
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
        (Field("Row", 10, "count"), numbers(lines["row"])),
        (Field("Column", 26, "text"), texts(map(column_words, lines["column"].fillna("")))),
        (Field("Shape of the value", 26, "code"), texts(lines["value_shape"])),
        (Field("Reason", 60, "long"), texts(lines["reason"])),
    ]
    fields, cells = zip(*columns, strict=True)
    return Table("Rejected lines", fields, cells, 3, len(fields), "No line was rejected.")
