"""The sheet Run: everything that is needed to repeat a run, section under section."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from numbers import Real
from typing import Any, TypeAlias

from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from auditor.report import sheets
from auditor.report.content import Report
from auditor.report.words import counted, source_names
from auditor.schema import COLUMNS

Section: TypeAlias = tuple[str, tuple[str, ...], Sequence[tuple[Any, ...]]]
WIDTHS = (27, 29, 36, 15, 15, 14, 22, 44)


def write(sheet: Worksheet, formats: dict[str, Format], report: Report, footer: str) -> None:
    """Write the run's identity, inputs, reference tables, settings and sources to ``sheet``."""
    for place, width in enumerate(WIDTHS):
        sheet.set_column(place, place, width)
    sections = [
        _about(report),
        _inputs(report),
        _columns(report),
        _other_columns(report),
        _repairs(report),
        _editions(report),
        ("Settings changed", ("Setting", "Value"), tuple(report.run.settings_changed.items())),
        _contradictions(report),
        _sources(report),
    ]
    if report.run.descriptors:
        sections.append(_descriptors(report))
    row = 0
    for title, headers, rows in sections:
        sheet.set_row(row, 24)
        sheet.write_string(row, 0, title, formats["headline"])
        for place, header in enumerate(headers):
            sheet.write_string(row + 1, place, header, formats["header"])
        if len(headers) == 2:
            sheet.merge_range(row + 1, 1, row + 1, len(WIDTHS) - 1, headers[1], formats["header"])
        for below, cells in enumerate(rows or [("none",)], row + 2):
            _write_row(sheet, formats, below, cells, wide=len(headers) == 2)
        row += 3 + max(1, len(rows))
    sheet.hide_gridlines(2)
    sheet.ignore_errors({sheets.NO_GREEN_CORNER: f"A1:H{row}"})
    sheets.print_setup(sheet, footer, patients=False)
    sheet.print_area(0, 0, row, len(WIDTHS) - 1)


def _write_row(
    sheet: Worksheet, formats: dict[str, Format], row: int, cells: Sequence[Any], *, wide: bool
) -> None:
    """One row, as high as its longest text; the second cell of a ``wide`` one spans the rest."""
    if wide and len(cells) == 2:
        sheet.merge_range(row, 1, row, len(WIDTHS) - 1, "", formats["label"])
    lines = 1
    for place, value in enumerate(cells):
        if isinstance(value, Real) and not wide:
            number = float(value)
            kind = "run_count" if number.is_integer() else "run_number"
            sheet.write_number(row, place, number, formats[kind])
        elif isinstance(value, date) and value.year > 1900:
            sheet.write_datetime(row, place, value, formats["run_date"])
        else:
            text = "" if value is None else sheets.plain(str(value))
            sheet.write_string(row, place, text, formats["label"])
            width = sum(WIDTHS[1:]) if wide and place else WIDTHS[place]
            lines = max(lines, sheets.line_count(text, width))
    if lines > 1:
        sheets.set_height(sheet, row, lines)


def _about(report: Report) -> Section:
    run = report.run
    rows = [
        ("Run", run.identity),
        ("Program version", run.program_version),
        ("Rule set digest", run.rule_set_digest),
        ("Settings digest", run.settings_digest),
        ("Reference tables digest", run.reference_digest),
        ("As of", run.audit.as_of),
        ("Started", run.started_at.isoformat(sep=" ", timespec="seconds")),
        ("Command", run.command),
    ]
    rows += [(f"Seconds: {stage}", round(time, 2)) for stage, time in run.seconds.items()]
    return "This run", ("What", "Value"), rows


def _inputs(report: Report) -> Section:
    headers = (
        "File",
        "Sheet",
        "Digest (SHA-256)",
        "Lines read",
        "Totals rows",
        "Lines rejected",
        "Columns understood",
        "How it was read",
    )
    rows = [
        (
            intake.file,
            intake.sheet,
            intake.sha256,
            intake.lines_read,
            intake.totals_rows,
            len(intake.rejected),
            counted(len(intake.mapping.matches), "column"),
            "; ".join(intake.notes),
        )
        for intake in report.run.intakes
    ]
    return "Inputs", headers, rows


def _columns(report: Report) -> Section:
    headers = ("Column", "Name", "Header in the export", "Found by", "Sure (%)", "", "File", "Note")
    rows = [
        (
            _label(match.column),
            match.column,
            ", ".join(match.headers),
            match.how,
            round(100 * match.confidence),
            None,
            intake.file,
            match.note,
        )
        for intake in report.run.intakes
        for match in intake.mapping.matches
    ]
    return "Columns understood", headers, rows


def _other_columns(report: Report) -> Section:
    rows = [
        (intake.file, what, ", ".join(names) or "none")
        for intake in report.run.intakes
        for what, names in (
            ("missing from the export", intake.mapping.missing),
            ("in the export, not used", intake.mapping.unused),
            ("never read: names a person", intake.mapping.identifying),
        )
    ]
    return "Other columns", ("File", "What", "Columns"), rows


def _repairs(report: Report) -> Section:
    rows = [
        (intake.file, _label(column), repair, cells, shape)
        for intake in report.run.intakes
        for column, repair, cells, shape in zip(
            *(intake.repairs[name] for name in ("column", "repair", "cells", "example_shape")),
            strict=True,
        )
    ]
    return "Repairs", ("File", "Column", "Repair", "Cells", "Example's shape"), rows


def _editions(report: Report) -> Section:
    headers = ("Table", "Setting", "Edition", "Answers from", "Answers to", "Rows", "Origin")
    rows = [
        (e.table, e.setting, e.edition, e.first_date, e.last_date, e.rows, e.origin)
        for e in report.run.editions
    ]
    return "Reference tables and the dates of service they answer for", headers, rows


def _contradictions(report: Report) -> Section:
    headers = (
        "Sources that disagree",
        "Table",
        "Why",
        "In force",
        "Other value",
        "Codes",
        "Source in force",
        "Other source",
    )
    sources = report.run.sources
    rows = [
        (
            one.id,
            one.table,
            one.why,
            one.value_in_force,
            one.other_value,
            one.keys,
            source_names(one.source_in_force, sources),
            source_names(one.source_other, sources),
        )
        for one in report.run.contradictions
    ]
    return "Values about which sources disagree", headers, rows


def _descriptors(report: Report) -> Section:
    title = "Procedure codes of the findings, described under your licence"
    return title, ("Code", "Descriptor"), list(report.run.descriptors.items())


def _sources(report: Report) -> Section:
    headers = (
        "Source",
        "Publisher",
        "Title",
        "Section",
        "Edition",
        "Published",
        "Last checked",
        "Address",
    )
    rows = [
        (s.id, s.publisher, s.title, s.section, s.edition, s.published_on, s.checked_on, s.url)
        for s in report.run.sources.values()
    ]
    return "Sources", headers, rows


def _label(name: str) -> str:
    column = COLUMNS.get(name)
    return column.label if column else name
