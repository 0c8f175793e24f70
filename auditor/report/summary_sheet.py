"""The sheet Summary: verdict, figures, rules and what was not checked, on one landscape page."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from auditor.report import changes_sheet, sheets
from auditor.report.content import Report, RuleSection, Run, Share
from auditor.report.standing import standing_words
from auditor.report.words import NONE_JUDGED, counted, day_words, whole_dollars

# The left block stands in columns 1 to 6, the right one in 8 to 14; between them a gap.
WIDTHS = (1, 12, 12, 12, 13, 12, 12, 2, 50, 9.5, 9.5, 9.5, 13.5, 12, 12)
LEFT, LEFT_END, RIGHT, RIGHT_END = 1, 6, 8, 14
LEFT_CHARACTERS = 75
MOST_GAPS, MOST_RULES = 8, 28
PAYER_CHARACTERS, PAYER_END = 56, 16
CHART_ROWS = 14
CHART_PIXELS = (540, 20 * CHART_ROWS - 6)
TOP_ROWS = 11
CAPTION_LINES = 4


def write(
    book: Workbook,
    sheet: Worksheet,
    formats: dict[str, Format],
    report: Report,
    links: Mapping[str, str],
    footer: str,
) -> None:
    """Write the summary; ``links`` leads from a rule, or a severity, to its findings."""
    for place, width in enumerate(WIDTHS):
        sheet.set_column(place, place, width)
    names = [other.get_name() for other in book.worksheets()[1:]]
    _write_head(sheet, formats, report, names)
    _write_figures(sheet, formats, report, links)
    row = _write_asides(sheet, formats, report, TOP_ROWS)
    if changes := report.run.changes:
        row = changes_sheet.write_tonight(book, sheet, formats, changes, row, (LEFT, LEFT_END)) + 1
    row = changes_sheet.write_decided(sheet, formats, report, row, (LEFT, LEFT_END))
    row = _write_lines(sheet, formats, report, row, names)
    row = _write_gaps(sheet, formats, report, row + 1)
    right = _write_rules(sheet, formats, report, links)
    if report.payers:
        right = _write_payers(sheet, formats, report.payers, right + 1)
    families = [share for share in report.families if share.at_risk_cents or share.missed_cents]
    if families and report.run.changes:
        columns = (RIGHT, RIGHT_END)
        right = _write_families(book, sheet, formats, families, right + 1, columns)
    elif families:
        columns = (LEFT, LEFT_END)
        row = _write_families(book, sheet, formats, families, row + 1, columns)
    sheet.hide_gridlines(2)
    sheet.set_first_sheet()
    sheet.activate()
    sheets.print_setup(sheet, footer, patients=False, pages_high=1)
    sheet.print_area(0, 0, max(row, right) + 1, RIGHT_END)
    sheet.center_horizontally()


def _write_head(
    sheet: Worksheet, formats: dict[str, Format], report: Report, names: Sequence[str]
) -> None:
    sheet.set_row(0, 30)
    sheet.write_string(0, LEFT, "Cardiac CT claim audit", formats["title"])
    sheet.set_row(1, 26)
    sheet.merge_range(1, LEFT, 1, RIGHT_END, "", formats["headline"])
    sheet.write_string(1, LEFT, report.verdict.headline, formats["headline"])
    words = [report.verdict.action, standing_words(report) if report.run.changes else ""]
    if report.new_findings is not None:
        words.append(f"New since the last run: {counted(report.new_findings, 'finding')}.")
    sheet.write_string(2, LEFT, " ".join(filter(None, words)), formats["unwrapped"])
    facts = (
        report.title,
        report.dates_said,
        report.whose,
        f"as of {day_words(report.run.audit.as_of)}",
        f"run {report.run.identity}",
    )
    about = sheets.plain(" · ".join(fact for fact in facts if fact))
    sheet.write_string(3, LEFT, about, formats["caption_line"])
    across = LEFT_END - LEFT + 1
    # Of a table that is split, the first sheet is enough.
    for number, name in enumerate([n for n in names if not n[-1].isdigit()][: 2 * across]):
        row, place = divmod(number, across)
        target = f"internal:'{name}'!A1"
        sheet.write_url(4 + row, LEFT + place, target, formats["link"], name)


def _write_figures(
    sheet: Worksheet, formats: dict[str, Format], report: Report, links: Mapping[str, str]
) -> None:
    totals = report.run.audit.totals
    figures = (
        ("Dollars at risk", totals.at_risk_cents / 100, "at_risk", report.at_risk_means),
        ("Dollars missed", totals.missed_cents / 100, "missed", report.missed_means),
        ("Really judged", report.coverage.percent, "judged", "of all checks in scope"),
    )
    for place, (title, figure, style, words) in zip((1, 3, 5), figures, strict=True):
        _section(sheet, formats, 6, place, title, place + 1)
        sheet.merge_range(7, place, 8, place + 1, figure, formats[style])
        sheet.merge_range(9, place, 10, place + 1, "", formats["caption"])
        sheet.write_string(9, place, words, formats["caption"])
    sheet.set_row(10, CAPTION_LINES * sheets.LINE_POINTS)
    _section(sheet, formats, 6, RIGHT, "Findings by severity", RIGHT_END)
    sheet.set_row(7, 2 * sheets.LINE_POINTS)  # the first meaning takes two lines
    for place, word in enumerate(("Findings", "Lines", "At risk", "Missed"), RIGHT + 3):
        sheet.write_string(6, place, word, formats["section_right"])
    for row, count in enumerate(report.severities, 7):
        sheet.merge_range(row, RIGHT, row, RIGHT + 2, "", formats["label"])
        sheet.write_rich_string(
            row,
            RIGHT,
            formats[count.severity],
            count.label,
            formats["body"],
            f": {count.meaning}",
            formats["label"],
        )
        target = links.get(f"severity:{count.severity}")
        _write_count(sheet, formats, row, RIGHT + 3, count.findings, target)
        sheet.write_number(row, RIGHT + 4, count.lines, formats["row_count"])
        sheet.write_number(row, RIGHT + 5, count.at_risk_cents / 100, formats["row_dollars"])
        sheet.write_number(row, RIGHT + 6, count.missed_cents / 100, formats["row_dollars"])


def _write_count(
    sheet: Worksheet,
    formats: dict[str, Format],
    row: int,
    place: int,
    count: int,
    target: str | None,
) -> None:
    """A count; where its rows stand together, a link to them."""
    if target:
        sheet.write_url(row, place, target, formats["count_link"], tip="Its findings, together")
    sheet.write_number(row, place, count, formats["count_link" if target else "row_count"])


def _section(
    sheet: Worksheet, formats: dict[str, Format], row: int, first: int, title: str, last: int
) -> None:
    sheet.write_string(row, first, title, formats["section"])
    for place in range(first + 1, last + 1):
        sheet.write_blank(row, place, None, formats["section"])


def _write_lines(
    sheet: Worksheet, formats: dict[str, Format], report: Report, row: int, names: Sequence[str]
) -> int:
    run = report.run
    worklists = [name for name in names if name.startswith("Worklist")]
    counts = [
        ("Lines read", run.lines_read),
        ("Audited", run.audited),
        (_family_label(run), run.in_family),
        ("Superseded: replaced, voided or reversed", run.superseded),
        ("Rejected: could not be read", len(run.rejected)),
        ("Lines with a finding", run.audit.totals.lines_flagged),
        ("Checks in scope, one rule on one line each", report.coverage.in_scope),
        ("of these, really judged", report.coverage.judged),
        ("of these, not judged", report.coverage.not_judged),
    ]
    if run.audit.counts.crowded_days:
        counts.append(("Crowded days, pairs sought by code alone", run.audit.counts.crowded_days))
    if len(worklists) > 1:
        counts.append(("Sheets that the worklist is split over", len(worklists)))
    rejects = [name for name in names if name.startswith("Rejected lines")]
    if len(rejects) > 1:
        counts.append(("Sheets that the rejected lines are split over", len(rejects)))
    _section(sheet, formats, row, LEFT, "What was read", LEFT_END)
    for below, (label, count) in enumerate(counts, row + 1):
        _label(sheet, formats, below, LEFT, LEFT_END - 1, label)
        sheet.write_number(below, LEFT_END, count, formats["row_count"])
    return row + 1 + len(counts)


def _family_label(run: Run) -> str:
    """Lines that earlier runs remembered are judged again, and are none of this run's."""
    if run.changes and run.in_family > run.audited:
        return "CT family lines judged, earlier runs too"
    return "of these, lines of the cardiac CT family"


def _label(
    sheet: Worksheet, formats: dict[str, Format], row: int, first: int, last: int, text: str
) -> None:
    sheet.merge_range(row, first, row, last, "", formats["label"])
    sheet.write_string(row, first, sheets.plain(text), formats["label"])


def _write_asides(sheet: Worksheet, formats: dict[str, Format], report: Report, row: int) -> int:
    """What is to be known before the figures: exports and sheets that are not in them."""
    if not report.run.asides:
        return row
    _section(sheet, formats, row, LEFT, "Mind this first", LEFT_END)
    return _write_texts(sheet, formats, report.run.asides, row + 1) + 1


def _write_texts(
    sheet: Worksheet, formats: dict[str, Format], texts: Sequence[str], row: int
) -> int:
    for text in texts:
        high = sheets.line_count(text, LEFT_CHARACTERS)
        sheet.merge_range(row, LEFT, row + high - 1, LEFT_END, "", formats["plain"])
        sheet.write_string(row, LEFT, sheets.plain(text), formats["plain"])
        row += high
    return row


def _write_gaps(sheet: Worksheet, formats: dict[str, Format], report: Report, row: int) -> int:
    _section(sheet, formats, row, LEFT, "What was not checked, and how to unlock it", LEFT_END)
    unlocked = {gap.detail for gap in report.unlocks}
    others = [g for g in report.gaps if g.reason != "column_missing" or g.detail not in unlocked]
    gaps = [*report.unlocks, *others]
    told = [gap.text for gap in gaps[:MOST_GAPS]]
    if not gaps:
        all_judged = report.rules_judging and report.run.in_family
        told = ["Every rule judged every line in its scope." if all_judged else NONE_JUDGED]
    # A rule's id stays as it is written.
    words = [t if "_" in t.split(" ")[0] else f"{t[:1].upper()}{t[1:]}" for t in told]
    row = _write_texts(sheet, formats, words, row + 1)
    if len(gaps) > MOST_GAPS:
        more = f"{len(gaps) - MOST_GAPS} more, and how to unlock each"
        sheet.write_url(row, LEFT, "internal:'Not evaluated'!A1", formats["link"], more)
        row += 1
    return row


def _write_families(
    book: Workbook,
    sheet: Worksheet,
    formats: dict[str, Format],
    families: Sequence[Share],
    row: int,
    columns: tuple[int, int],
) -> int:
    """The families between two columns, numbers in the last two, and their chart below."""
    left, end = columns
    title = "Dollars by kind of rule, each line's money once"
    _section(sheet, formats, row, left, title, end)
    for place, word in ((end - 1, "At risk"), (end, "Missed")):
        sheet.write_string(row, place, word, formats["section_right"])
    first, last = row + 1, row + len(families)
    for below, share in enumerate(families, first):
        _label(sheet, formats, below, left, end - 2, share.label)
        sheet.write_number(below, end - 1, share.at_risk_cents / 100, formats["row_dollars"])
        sheet.write_number(below, end, share.missed_cents / 100, formats["row_dollars"])
    chart = _chart(book, (first, last), columns)
    twin = "; ".join(_share_words(share) for share in families)
    options = {
        "description": f"Bar chart, dollars by kind of rule. {twin}.",
        "object_position": 2,
        "y_offset": 6,
    }
    sheet.insert_chart(last + 1, left, chart, options)
    return last + 1 + CHART_ROWS


def _chart(book: Workbook, rows: tuple[int, int], columns: tuple[int, int]) -> Any:
    """Bars of the dollars in some rows, at risk beside missed, from the last two columns."""
    (first, last), (left, end) = rows, columns
    chart = book.add_chart({"type": "bar"})
    for place, name, colour in (
        (end - 1, "At risk", sheets.AT_RISK_COLOUR),
        (end, "Missed", sheets.MISSED_COLOUR),
    ):
        chart.add_series(
            {
                "name": name,
                "categories": ["Summary", first, left, last, left],
                "values": ["Summary", first, place, last, place],
                "fill": {"color": colour},
                "gap": 60,
            }
        )
    small = {"name": sheets.FONT, "size": 9}
    chart.set_title({"none": True})
    chart.set_legend({"position": "bottom", "font": small})
    families = {"reverse": True, "num_font": small, "line": {"none": True}, "interval_unit": 1}
    chart.set_y_axis(families)
    chart.set_x_axis(
        {
            "num_format": '[>=1000000]$0.0,,"M";[>=1000]$#,##0,"k";$0',
            "num_font": small,
            "major_gridlines": {"visible": True, "line": {"color": sheets.RULE_LINE}},
            "label_position": "high",
        }
    )
    chart.set_chartarea({"border": {"none": True}})
    chart.set_size({"width": CHART_PIXELS[0], "height": CHART_PIXELS[1]})
    return chart


def _share_words(share: Share) -> str:
    risk, missed = whole_dollars(share.at_risk_cents), whole_dollars(share.missed_cents)
    return f"{share.label}: {risk} at risk, {missed} missed"


def _write_rules(
    sheet: Worksheet,
    formats: dict[str, Format],
    report: Report,
    links: Mapping[str, str],
) -> int:
    row = TOP_ROWS
    heads = ("Rule", "Severity", "Findings", "In scope", "Not evaluated", "At risk", "Missed")
    for place, head in enumerate(heads, RIGHT):
        style = "section" if place in (RIGHT, RIGHT + 1) else "section_right"
        sheet.write_string(row, place, head, formats[style])
    in_scope = [(place, rule) for place, rule in enumerate(report.rules) if rule.in_scope]
    used, idle = in_scope[:MOST_RULES], len(report.rules) - len(in_scope)
    for below, (place, rule) in enumerate(used, row + 1):
        _write_rule(sheet, formats, below, place, rule, links.get(rule.name))
    first, last = row + 1, row + max(1, len(used))
    for place, colour in (
        (RIGHT + 2, sheets.COUNT_BAR),
        (RIGHT + 5, sheets.AT_RISK_BAR),
        (RIGHT + 6, sheets.MISSED_BAR),
    ):
        sheets.add_bars(sheet, (first, place, last, place), colour)
    notes = ["A line that several rules flag stands under each: these dollars are not a sum."]
    if report.rules_with_gaps:
        notes.append(f"{counted(report.rules_with_gaps, 'rule')} could not judge every line.")
    if idle:
        notes.append(f"{counted(idle, 'rule')} had no line in scope.")
    more = len(in_scope) - len(used)
    if more:
        words = f"{counted(more, 'more rule')}, with fewer dollars or milder, on the sheet Rules"
        last += 1
        sheet.write_url(last, RIGHT, "internal:'Rules'!A1", formats["link"], words)
    sheet.write_string(last + 1, RIGHT, " ".join(notes), formats["caption_line"])
    return last + 2


def _write_rule(
    sheet: Worksheet,
    formats: dict[str, Format],
    row: int,
    place: int,
    rule: RuleSection,
    link: str | None,
) -> None:
    target = f"internal:'Rules'!A{place + 2}"
    sheet.write_url(row, RIGHT, target, formats["row_link"], sheets.plain(rule.title), rule.name)
    findings = sum(rule.by_severity)  # of lines flagged, those that nobody waived
    style = f"on_{rule.severity_label}" if findings else "label"
    sheet.write_string(row, RIGHT + 1, rule.severity_label, formats[style])
    _write_count(sheet, formats, row, RIGHT + 2, findings, link if findings else None)
    sheet.write_number(row, RIGHT + 3, rule.in_scope, formats["row_count"])
    sheet.write_number(row, RIGHT + 4, rule.not_evaluated, formats["row_count"])
    sheet.write_number(row, RIGHT + 5, rule.at_risk_cents / 100, formats["row_dollars"])
    sheet.write_number(row, RIGHT + 6, rule.missed_cents / 100, formats["row_dollars"])


def _on_one_line(name: str) -> str:
    """A name cut in its middle to what a row of one line shows: its ends tell names apart."""
    if _letters(name) <= PAYER_CHARACTERS:
        return name
    begin, end = len(name), len(name)
    while _letters(name[:begin]) > PAYER_CHARACTERS - PAYER_END - 1:
        begin -= 1
    while _letters(name[end - 1 :]) <= PAYER_END:
        end -= 1
    return f"{name[:begin].rstrip()}…{name[end:].lstrip()}"


def _letters(text: str) -> int:
    """Width of a text in letters; those of East Asian scripts are as wide as two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def _write_payers(
    sheet: Worksheet, formats: dict[str, Format], payers: Sequence[Share], row: int
) -> int:
    _section(sheet, formats, row, RIGHT, "Payer, each line's money once", RIGHT_END)
    for place, word in ((2, "Findings"), (5, "At risk"), (6, "Missed")):
        sheet.write_string(row, RIGHT + place, word, formats["section_right"])
    first, last = row + 1, row + len(payers)
    for below, share in enumerate(payers, first):
        name = sheets.plain(_on_one_line(share.label))
        # A row is one line high: a name of wide capitals is set smaller, never broken.
        sheet.merge_range(below, RIGHT, below, RIGHT + 1, name, formats["row_name"])
        sheet.write_number(below, RIGHT + 2, share.findings, formats["row_count"])
        for place in (RIGHT + 3, RIGHT + 4):
            sheet.write_blank(below, place, None, formats["label"])
        sheet.write_number(below, RIGHT + 5, share.at_risk_cents / 100, formats["row_dollars"])
        sheet.write_number(below, RIGHT + 6, share.missed_cents / 100, formats["row_dollars"])
    sheets.add_bars(sheet, (first, RIGHT + 2, last, RIGHT + 2), sheets.COUNT_BAR)
    sheets.add_bars(sheet, (first, RIGHT + 5, last, RIGHT + 5), sheets.AT_RISK_BAR)
    sheets.add_bars(sheet, (first, RIGHT + 6, last, RIGHT + 6), sheets.MISSED_BAR)
    return last + 1
