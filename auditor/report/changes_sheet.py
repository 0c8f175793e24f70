"""What changed since earlier runs, in the workbook: the sheet Trend, and tonight on Summary."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from auditor.changes import Changes
from auditor.report import sheets
from auditor.report.changed import counts, flows_of_run
from auditor.report.content import Report
from auditor.report.finding_tables import DAY_ZERO
from auditor.report.sheets import Cell, Field, Table, texts
from auditor.report.standing import decisions
from auditor.report.words import day_words, sentence, whole_dollars

CHART_ROWS = 11
NOTE_CHARACTERS, FLOW_CHARACTERS = 75, 50
CHART_PIXELS = (540, 20 * CHART_ROWS - 6)


def trend(changes: Changes) -> Table:
    """A row a run, oldest first: its counts and dollars."""
    nights = changes.nights
    dates = np.array([night.as_of for night in nights], dtype="datetime64[D]")
    days: list[Cell] = (dates - DAY_ZERO).astype("int64").tolist()
    columns: list[tuple[Field, Sequence[Cell]]] = [
        (Field("As of", 12, "date"), days),
        (Field("New", 10, "count"), [night.new for night in nights]),
        (Field("Reopened", 10, "count"), [night.reopened for night in nights]),
        (Field("Persisting", 11, "count"), [night.persisting for night in nights]),
        (Field("Resolved", 10, "count"), [night.resolved for night in nights]),
        (Field("Waived", 10, "count"), [night.waived for night in nights]),
        *(
            (Field(header, 14, "money"), [getattr(night, name) / 100 for night in nights])
            for header, name in _MONEY
        ),
        (Field("Run", 15, "code"), texts(night.run for night in nights)),
    ]
    fields, cells = zip(*columns, strict=True)
    return Table("Trend", fields, cells, 1, len(fields), "No run is known.")


_MONEY = (
    ("Identified at risk ($)", "identified_at_risk_cents"),
    ("Identified missed ($)", "identified_missed_cents"),
    ("Reopened at risk ($)", "reopened_at_risk_cents"),
    ("Reopened missed ($)", "reopened_missed_cents"),
    ("Recovered at risk ($)", "recovered_at_risk_cents"),
    ("Recovered missed ($)", "recovered_missed_cents"),
    ("Still open at risk ($)", "still_open_at_risk_cents"),
    ("Still open missed ($)", "still_open_missed_cents"),
)
_OPEN_AT_RISK, _OPEN_MISSED = 12, 13


def write_tonight(
    book: Workbook,
    sheet: Worksheet,
    formats: dict[str, Format],
    changes: Changes,
    row: int,
    columns: tuple[int, int],
) -> int:
    """The last run's changes on Summary, between two columns; returns the row behind them."""
    first, last = columns
    since = f" since {day_words(changes.since)}" if changes.since else ": the first run"
    _row(sheet, formats["section"], row, columns, f"What changed{since}")
    row += 1
    for count in counts(changes):
        _row(sheet, formats["label"], row, (first, last - 1), f"{count.label}: {count.meaning}")
        target = count.label if count.status in ("resolved", "waived") else ""
        if target:
            sheet.write_url(row, last, f"internal:'{target}'!A1", formats["count_link"])
        style = formats["count_link" if target else "row_count"]
        sheet.write_number(row, last, count.findings, style)
        row += 1
    for word, place in (("At risk", last - 1), ("Missed", last)):
        sheet.write_string(row, place, word, formats["section_right"])
    _row(sheet, formats["section"], row, (first, last - 2), "Dollars")
    for flow in flows_of_run(changes.nights):
        row += 1
        high = sheets.line_count(flow.label, FLOW_CHARACTERS)
        _row(sheet, formats["label"], row, (first, last - 2), flow.label, high)
        for place, cents in ((last - 1, flow.at_risk_cents), (last, flow.missed_cents)):
            _number(sheet, formats["row_dollars"], row, place, cents / 100, high)
        row += high - 1
    for note in (*changes.notes, *changes.waiver_notes):
        high = sheets.line_count(note, NOTE_CHARACTERS)
        sheet.merge_range(row + 1, first, row + high, last, "", formats["plain"])
        sheet.write_string(row + 1, first, sheets.plain(note), formats["plain"])
        row += high
    if len(changes.nights) > 1:
        options = {"description": _words(changes), "object_position": 2, "y_offset": 6}
        sheet.insert_chart(row + 1, first, _chart(book, len(changes.nights)), options)
        row += CHART_ROWS
    return row + 1


def write_decided(
    sheet: Worksheet,
    formats: dict[str, Format],
    report: Report,
    row: int,
    columns: tuple[int, int],
) -> int:
    """What people decided, a row a disposition, between two columns; the row behind it."""
    decided, (first, last) = decisions(report), columns
    if not decided:
        return row
    _row(sheet, formats["section"], row, (first, last - 3), "Decided, and still in these sums")
    for place, word in ((last - 2, "Findings"), (last - 1, "At risk"), (last, "Missed")):
        sheet.write_string(row, place, word, formats["section_right"])
    for share in decided:
        row += 1
        _row(sheet, formats["label"], row, (first, last - 3), sentence(share.label))
        sheet.write_number(row, last - 2, share.findings, formats["row_count"])
        for place, cents in ((last - 1, share.at_risk_cents), (last, share.missed_cents)):
            sheet.write_number(row, place, cents / 100, formats["row_dollars"])
    return row + 2


def _row(
    sheet: Worksheet, style: Format, row: int, columns: tuple[int, int], text: str, high: int = 1
) -> None:
    first, last = columns
    if last > first:
        sheet.merge_range(row, first, row + high - 1, last, "", style)
    sheet.write_string(row, first, sheets.plain(text), style)


def _number(
    sheet: Worksheet, style: Format, row: int, place: int, number: float, high: int
) -> None:
    if high > 1:
        sheet.merge_range(row, place, row + high - 1, place, "", style)
    sheet.write_number(row, place, number, style)


def _words(changes: Changes) -> str:
    first, last = changes.nights[0], changes.tonight
    return (
        f"Columns, dollars still open over {len(changes.nights)} runs. At risk: from "
        f"{whole_dollars(first.still_open_at_risk_cents)} to "
        f"{whole_dollars(last.still_open_at_risk_cents)}; missed: from "
        f"{whole_dollars(first.still_open_missed_cents)} to "
        f"{whole_dollars(last.still_open_missed_cents)}."
    )


def _chart(book: Workbook, runs: int) -> object:
    """Columns of the dollars still open, a run each, from the sheet Trend."""
    # Side by side: the two kinds of money are never added up.
    chart = book.add_chart({"type": "column"})
    for place, name, colour in (
        (_OPEN_AT_RISK, "Still open, at risk", sheets.AT_RISK_COLOUR),
        (_OPEN_MISSED, "Still open, missed", sheets.MISSED_COLOUR),
    ):
        chart.add_series(
            {
                "name": name,
                "categories": ["Trend", 1, 0, runs, 0],
                "values": ["Trend", 1, place, runs, place],
                "fill": {"color": colour},
                "gap": 40,
            }
        )
    small = {"name": sheets.FONT, "size": 9}
    chart.set_title({"none": True})
    chart.set_legend({"position": "bottom", "font": small})
    chart.set_x_axis({"num_font": small, "num_format": "yyyy-mm-dd", "text_axis": True})
    chart.set_y_axis(
        {
            "num_format": '[>=1000000]$0.0,,"M";[>=1000]$#,##0,"k";$0',
            "num_font": small,
            "line": {"none": True},
            "major_gridlines": {"visible": True, "line": {"color": sheets.RULE_LINE}},
        }
    )
    chart.set_chartarea({"border": {"none": True}})
    chart.set_size({"width": CHART_PIXELS[0], "height": CHART_PIXELS[1]})
    return chart
