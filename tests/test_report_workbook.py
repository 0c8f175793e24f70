"""The workbook: what a reader finds in it, and that text stays text."""

import errno
import gc
import shutil
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xlsxwriter
from sample_history import first_night_run, history_run
from sample_run import (
    clean_run,
    empty_run,
    findings_frame,
    hostile_run,
    long_numbers_run,
    run_of,
    small_run,
)

from auditor.errors import AuditError
from auditor.report import sheets
from auditor.report.changed import changed
from auditor.report.content import Report, Run, build
from auditor.report.dispositions import DISPOSITIONS, Disposition, read_dispositions
from auditor.report.list_sheet import ListSheet
from auditor.report.workbook import write_workbook

# openpyxl reads no data bars and no newer conditional formats, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
SOFFICE = shutil.which("soffice")
SHEETS = [
    "Summary",
    "Worklist",
    "By rule",
    "Studies",
    "Patterns",
    "Rules",
    "Not evaluated",
    "Rejected lines",
    "Run",
]
FORMULAS = [
    "=1+1",
    '=HYPERLINK("http://x.example","a")',
    "=cmd|'/C calc'!A0",
    "{=SUM(A1:A2)}",
    "+1",
    "-2+3",
    "@SUM(A1)",
    "\t=1+1",
    "\r=1+1",
    "http://x.example/a",
    "mailto:a@x.example",
    "internal:Summary!A1",
    "0480",
    "1E5",
    "2025-03-10",
    "TRUE",
    "#N/A",
    "<r><t>bold</t></r>",
    "_x0041_",
    "&amp; <b> \"quoted\" 'single'",
    " spaces around ",
    "line\nbreak",
    "漢字 é 😀",
]


def written(run: Run, folder: Path, **options: int) -> openpyxl.Workbook:
    path = folder / "report.xlsx"
    write_workbook(build(run), path, **options)
    return openpyxl.load_workbook(path)


def table(book: openpyxl.Workbook, name: str) -> pd.DataFrame:
    head, *rows = book[name].iter_rows(values_only=True)
    return pd.DataFrame(rows, columns=list(head))


def with_texts(column: str, texts: list[str]) -> Run:
    findings = findings_frame(len(texts) + 20).head(len(texts))
    return run_of(findings.assign(**{column: texts}), in_family=2_940)


@pytest.fixture(scope="module")
def report() -> Report:
    return build(small_run())


@pytest.fixture(scope="module")
def book(report: Report, tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    path = tmp_path_factory.mktemp("workbook") / "report.xlsx"
    write_workbook(report, path)
    return openpyxl.load_workbook(path)


def test_sheets_stand_in_reading_order(book):
    assert book.sheetnames == SHEETS
    assert book.active.title == "Summary"


def test_worklist_has_a_row_a_finding_in_the_audit_s_order(book, report):
    rows, found = table(book, "Worklist"), report.run.audit.findings

    assert rows["Finding"].tolist() == found["finding"].tolist()
    assert rows["Claim"].tolist() == found["claim_id"].tolist()
    assert rows["Code"].tolist() == found["procedure_code"].tolist()
    assert rows["What was found"].tolist() == found["message"].tolist()
    assert rows["What to do"].tolist() == found["remedy"].tolist()
    assert rows["Row"].tolist() == found["source_row"].tolist()
    assert rows[["Owner", "Disposition", "Note"]].isna().all(axis=None)


def test_dates_are_dates_money_is_numbers_and_codes_are_text(book, report):
    rows, found = table(book, "Worklist"), report.run.audit.findings
    cents = (rows["Amount ($)"] * 100).round().astype("Int64")
    assert rows["Service date"].tolist() == found["service_date"].tolist()
    assert isinstance(book["Worklist"]["E2"].value, datetime)
    assert cents.fillna(-1).tolist() == found["amount"].fillna(-1).tolist()
    assert rows["Revenue code"].fillna("").tolist() == found["revenue_code"].tolist()
    assert "0480" in set(rows["Revenue code"])


def test_rows_in_the_total_add_up_to_the_figures_of_the_summary(book, report):
    rows, totals = table(book, "Worklist"), report.run.audit.totals
    counted = rows[rows["In the total"] == "yes"].groupby("Money")["Amount ($)"].sum()
    summary = book["Summary"]

    assert round(counted["at risk"] * 100) == totals.at_risk_cents
    assert round(counted["missed"] * 100) == totals.missed_cents
    assert summary["B8"].value == totals.at_risk_cents / 100
    assert summary["F8"].value == report.coverage.percent
    assert summary["D8"].value == totals.missed_cents / 100


def test_a_study_stands_once_with_its_findings_in_the_worklist(book, report):
    studies, rows = table(book, "Studies"), table(book, "Worklist")
    totals = report.run.audit.totals

    assert studies["Study"].is_unique
    counts = rows["Study"].value_counts()
    assert studies["Findings"].tolist() == [counts[study] for study in studies["Study"]]
    assert round(studies["At risk ($)"].sum() * 100) == totals.at_risk_cents
    assert round(studies["Missed ($)"].sum() * 100) == totals.missed_cents
    several = studies[studies["Problems"].str.contains("; ")]
    assert len(several)
    assert (studies["First date"] <= studies["Last date"]).all()


def test_every_pattern_has_its_row(book, report):
    rows = table(book, "Patterns")

    assert rows["Pattern"].tolist() == list(range(1, len(report.patterns) + 1))
    assert rows["Rule"].tolist() == report.patterns["rule"].tolist()
    assert rows["Findings"].tolist() == report.patterns["findings"].tolist()
    assert (rows["Findings"] > 1).all()


def test_the_page_and_the_workbook_give_the_same_reasons(book, report):
    rows = table(book, "Not evaluated")

    assert set(rows["Why not"]) == {gap.why for gap in report.gaps}
    assert set(rows["How to unlock"]) == {gap.remedy for gap in report.gaps}


def test_summary_says_what_was_read_and_what_was_not_checked(book, report):
    texts = [c.value for row in book["Summary"].iter_rows() for c in row if c.value is not None]

    assert report.verdict.headline in texts
    assert report.verdict.action in texts
    for number in (report.run.lines_read, report.run.audited, len(report.run.rejected)):
        assert number in texts
    assert "Add column received_date to unlock filed_late (2,940 lines)" in texts


def test_summary_leads_to_the_sheets_and_to_a_rule_s_findings(book, report):
    summary = book["Summary"]
    targets = {c.hyperlink.location for row in summary.iter_rows() for c in row if c.hyperlink}
    assert {f"'{name}'!A1" for name in SHEETS[1:]} <= targets

    for rule in report.rules:
        row = next(row for row in summary.iter_rows() if row[8].value == rule.title)
        assert row[10].value == rule.flagged
        named = book["Rules"][row[8].hyperlink.location.removeprefix("'Rules'!")]
        assert named.value == rule.name
        if not rule.flagged:
            assert row[10].hyperlink is None
            continue
        # A link can't filter, but the rows of a rule stand together: all of them, and no other.
        block = linked(book, row[10].hyperlink.location)
        assert len(block) == rule.flagged
        assert {cells[0].value for cells in block} == {rule.title}
        shown = [cells[2].value for cells in block]
        found = report.run.audit.findings
        assert shown == found["finding"][found["rule"] == rule.name].tolist()


def linked(book, location: str):
    """The rows that a link inside the workbook leads to."""
    sheet, _, area = location.partition("!")
    return list(book[sheet.strip("'")][area])


def test_summary_leads_from_a_severity_to_its_rows_in_the_worklist(book, report):
    summary = book["Summary"]
    links = {c.value: c.hyperlink for row in summary["L8:L10"] for c in row}

    assert [count.findings for count in report.severities] == list(links)
    for count, link in zip(report.severities, links.values(), strict=True):
        block = linked(book, link.location)
        assert len(block) == count.findings
        assert {cells[1].value for cells in block} == {count.label}


def test_summary_says_the_dollars_of_each_severity(book, report):
    shown = [[cell.value for cell in row] for row in book["Summary"]["L7:O10"]]
    totals = report.run.audit.totals

    assert shown[0] == ["Findings", "Lines", "At risk", "Missed"]
    assert shown[1:] == [
        [one.findings, one.lines, one.at_risk_cents / 100, one.missed_cents / 100]
        for one in report.severities
    ]
    assert round(100 * sum(row[2] for row in shown[1:])) == totals.at_risk_cents
    assert round(100 * sum(row[3] for row in shown[1:])) == totals.missed_cents


def test_a_number_too_wide_for_its_column_is_shown_smaller(book):
    worklist, summary = book["Worklist"], book["Summary"]
    places = {cell.value: cell.column for cell in worklist[1]}

    for name in ("Amount ($)", "Line", "Row"):
        assert worklist.cell(2, places[name]).alignment.shrinkToFit, name
    for place in ("B8", "D8", "N8", "N13"):
        assert summary[place].data_type == "n"
        assert summary[place].alignment.shrinkToFit, place


def test_by_rule_says_where_a_finding_stands_in_the_worklist(book):
    rows = table(book, "By rule")

    at = [book["Worklist"].cell(row, 1).value for row in rows["Worklist row"]]
    assert at == rows["Finding"].tolist()
    assert sorted(at) == sorted(table(book, "Worklist")["Finding"])


def test_summary_fits_one_landscape_page_with_a_chart_and_bars(book, tmp_path, report):
    summary = book["Summary"]
    assert summary.page_setup.orientation == "landscape"
    assert summary.sheet_properties.pageSetUpPr.fitToPage
    # Not written means 1.
    assert (summary.page_setup.fitToWidth, summary.page_setup.fitToHeight) == (None, None)
    assert book["Worklist"].page_setup.fitToHeight == 0
    kinds = [rule.type for range_ in summary.conditional_formatting for rule in range_.rules]
    assert "dataBar" in kinds

    write_workbook(report, tmp_path / "a.xlsx")
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        drawing = archive.read("xl/drawings/drawing1.xml").decode()
    assert 'descr="Bar chart, dollars by kind of rule. ' in drawing


def test_tables_filter_freeze_colour_and_print(book):
    for name in SHEETS[1:8]:
        sheet = book[name]
        assert [t.autoFilter.ref for t in sheet.tables.values()] == [sheet.dimensions]
        assert sheet.freeze_panes is not None
        assert sheet.print_title_rows == "$1:$1"
    for name in SHEETS:
        assert book[name].page_setup.orientation == "landscape"
        assert book[name].oddFooter.right.text.endswith("page &P of &N")
    worklist = book["Worklist"]
    assert worklist.freeze_panes == "E2"
    [choices] = worklist.data_validations.dataValidation
    assert choices.formula1 == f'"{",".join(DISPOSITIONS)}"'
    [severity] = [r for r in worklist.conditional_formatting if str(r.sqref).startswith("B2:")]
    assert [r.formula for r in severity.rules] == [['"Denial"'], ['"Review"'], ['"Note"']]


def test_rules_sheet_keeps_the_books(book, report):
    rows = table(book, "Rules")
    sums = rows["Flagged"] + rows["Clean"] + rows["Not evaluated"]

    assert rows["Rule"].tolist() == [rule.name for rule in report.rules]
    assert rows["In scope"].tolist() == sums.tolist()
    assert rows["Why"].tolist() == [rule.rationale for rule in report.rules]
    assert rows["Settings"][rows["Rule"] == "ffrct_denied_as_bundled"].tolist() == [
        "lookback_days = 90"
    ]


def test_not_evaluated_says_why_and_how_to_unlock(book):
    rows = table(book, "Not evaluated").set_index("Rule")

    assert rows.loc["filed_late", "Why not"] == (
        "the export has no column Received (received_date)"
    )
    assert "received_date" in rows.loc["filed_late", "How to unlock"]
    assert rows["How to unlock"].notna().all()


def test_rejected_lines_and_run_are_told(book, report):
    rows = table(book, "Rejected lines")
    values = {cell.value for row in book["Run"].iter_rows() for cell in row}

    assert rows["Row"].tolist() == report.run.rejected["row"].tolist()
    assert rows["Column"].tolist() == ["Service date (service_date)"] * 3
    assert {
        report.run.identity,
        report.run.command,
        "4f" * 32,
        "Rev Code",
        "2026Q4",
        "APC 5571",
    } <= values


def test_long_payers_stay_on_their_line_of_the_summary_and_are_told_apart(tmp_path):
    names = [
        "Caisse générale d'assurance maladie des travailleurs indépendants – région Île-de-France",
        "Caisse générale d'assurance maladie des travailleurs indépendants – région Bretagne",
        "東京都健康保険組合" * 9,
        "Short",
    ]
    book = written(with_texts("payer", names), tmp_path)
    texts = [cell.value for row in book["Summary"].iter_rows() for cell in row]
    begin = texts.index("Payer, each line's money once")
    shown = {text for text in texts[begin:] if isinstance(text, str)}

    assert {"Short"} < shown
    assert any(text.startswith("Caisse générale") and text.endswith("France") for text in shown)
    assert any(text.startswith("Caisse générale") and text.endswith("Bretagne") for text in shown)
    assert max(len(text) for text in shown if text.startswith("Caisse")) <= 56
    assert max(len(text) for text in shown if text.startswith("東京")) <= 28
    # Capitals are wider than the letters that a width counts: they are set smaller, not broken.
    alignments = [
        cell.alignment
        for row in book["Summary"].iter_rows(min_col=9, max_col=9)
        for cell in row
        if str(cell.value).startswith(("Caisse", "東京"))
    ]
    assert {(one.shrink_to_fit, bool(one.wrap_text)) for one in alignments} == {(True, False)}


@pytest.mark.parametrize("column", ["claim_id", "message", "payer", "modifiers"])
def test_text_of_the_export_stays_text(column, tmp_path):
    headers = {"claim_id": "Claim", "message": "What was found"}
    book = written(with_texts(column, FORMULAS), tmp_path)
    header = headers.get(column, column.capitalize())
    place = [cell.value for cell in book["Worklist"][1]].index(header)
    cells = [row[place] for row in book["Worklist"].iter_rows(min_row=2)]
    expected = [sheets.plain(text) for text in FORMULAS]

    assert [cell.value for cell in cells] == expected
    assert {cell.data_type for cell in cells} == {"s"}
    assert all(cell.hyperlink is None and cell.quotePrefix for cell in cells)


def test_no_sheet_holds_a_formula_or_an_outside_link(tmp_path):
    path = tmp_path / "report.xlsx"
    write_workbook(build(hostile_run()), path)
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            text = archive.read(name).decode()
            assert "<f>" not in text or name.startswith(("xl/charts/", "xl/drawings/"))
            assert 'TargetMode="External"' not in text


def test_what_people_filled_in_stays_text_too(tmp_path):
    run = run_of(findings_frame(len(FORMULAS) + 20).head(len(FORMULAS)), in_family=2_940)
    decided = {
        finding: Disposition("open", text, text)
        for finding, text in zip(run.audit.findings["finding"], FORMULAS, strict=True)
    }
    book = written(replace(run, dispositions=decided), tmp_path)

    rows = table(book, "Worklist")
    assert rows["Note"].tolist() == [sheets.plain(text) for text in FORMULAS]
    assert rows["Owner"].tolist() == rows["Note"].tolist()
    assert set(rows["Disposition"]) == {"open"}
    cells = [row[12:15] for row in book["Worklist"].iter_rows(min_row=2)]
    assert {cell.data_type for row in cells for cell in row} == {"s"}
    assert all(cell.quotePrefix for row in cells for cell in row)


def test_what_is_typed_into_the_columns_to_fill_in_stays_as_typed(book):
    """A date in a note, a number of 17 digits and a leading zero: Excel would change them."""
    worklist = book["Worklist"]
    heads = {cell.value: cell.column_letter for cell in worklist[1]}

    for name in ("Owner", "Disposition", "Note"):
        assert worklist[f"{heads[name]}2"].value is None
        assert worklist.column_dimensions[heads[name]].number_format == "@", name


# A history.


@pytest.fixture(scope="module")
def with_history(tmp_path_factory: pytest.TempPathFactory) -> openpyxl.Workbook:
    return written(history_run(), tmp_path_factory.mktemp("history"))


def test_with_a_history_resolved_and_waived_findings_have_their_sheets(with_history):
    run = history_run()
    assert run.changes is not None
    resolved, waived = table(with_history, "Resolved"), table(with_history, "Waived")

    assert sorted(resolved["Finding"]) == sorted(run.changes.resolved["finding"])
    assert sorted(waived["Finding"]) == sorted(run.changes.waived["finding"])
    assert set(waived["Waiver"]) == {"Contract of 2025 allows it (M. Okafor, until 2026-12-31)"}
    assert resolved["First seen"].notna().all()
    assert not set(resolved["Finding"]) & set(table(with_history, "Worklist")["Finding"])


def test_resolved_findings_say_whose_they_were_and_are_no_second_worklist(tmp_path):
    run = history_run()
    assert run.changes is not None
    mine = str(run.changes.resolved["finding"].iloc[0])
    decided = {mine: Disposition("corrected", "M. Okafor", "sent")}
    rows = table(written(replace(run, dispositions=decided), tmp_path), "Resolved")
    rows = rows.set_index("Finding")

    assert rows.loc[mine, ["Owner", "Disposition"]].tolist() == ["M. Okafor", "corrected"]
    assert rows.drop(index=mine)["Owner"].isna().all()
    # Decisions are taken back from worklists alone.
    assert read_dispositions(tmp_path / "report.xlsx") == {}


def test_with_a_history_the_worklist_says_new_persisting_or_reopened(with_history):
    run = history_run()

    rows = table(with_history, "Worklist")
    assert rows["Status"].tolist() == run.audit.findings["status"].tolist()
    assert set(rows["Status"]) == {"new", "persisting", "reopened"}
    assert rows["First seen"].notna().all()


def test_with_a_history_summary_counts_what_changed_and_draws_the_trend(with_history, tmp_path):
    run = history_run()
    assert run.changes is not None
    tonight, summary = run.changes.tonight, with_history["Summary"]
    said = {row[1].value: row[6].value for row in summary.iter_rows()}

    assert said["New: never seen before"] == tonight.new
    assert said["Resolved: closed by this run"] == tonight.resolved
    assert said["Waived: set apart; in no total of this report"] == tonight.waived
    assert said["Still open after it"] == tonight.still_open_missed_cents / 100
    assert set(run.changes.waiver_notes) <= set(said)
    targets = {c.hyperlink.location for row in summary.iter_rows() for c in row if c.hyperlink}
    assert {"'Resolved'!A1", "'Waived'!A1", "'Trend'!A1"} <= targets
    assert len(summary._charts) == 2
    trend = table(with_history, "Trend")
    assert len(trend) == len(run.changes.nights)
    assert trend["New"].tolist() == [night.new for night in run.changes.nights]


def test_long_claim_numbers_have_room_and_are_shown_whole(book, tmp_path):
    long = written(long_numbers_run(), tmp_path)
    for name, column in (("Worklist", "C"), ("By rule", "D")):
        assert book[name].column_dimensions[column].width < 17
        assert 25 < long[name].column_dimensions[column].width < 28
        assert long[name][f"{column}2"].alignment.shrinkToFit


def test_a_run_in_which_nothing_was_judged_does_not_say_that_every_rule_judged(tmp_path):
    summary = written(empty_run(), tmp_path)["Summary"]
    said = " ".join(str(cell.value) for row in summary.iter_rows() for cell in row if cell.value)

    assert "Every rule judged every line" not in said
    assert "so nothing can be said about columns that are missing" in said


def test_the_summary_tells_what_changed_in_the_words_and_figures_of_the_page(tmp_path):
    run = history_run()
    assert run.changes is not None
    note = "3 findings that stood open could not be judged again. Not open any more"
    changes = replace(run.changes, unjudged=run.changes.resolved.head(3), notes=(note,))
    run = replace(run, changes=changes)
    told, summary = changed(build(run)), written(run, tmp_path)["Summary"]
    assert told is not None
    rows = [[cell.value for cell in row[1:7]] for row in summary.iter_rows()]
    said = {row[0]: row for row in rows}

    assert said["Not judged again: known before; neither open nor resolved now"][5] == 3
    assert [count.label for count in told.counts][-1] == "Not judged again"
    for count in told.counts:
        assert said[f"{count.label}: {count.meaning}"][5] == count.findings
    flows = [flow for flow in told.flows if " over " not in flow.label]
    assert [flow.label.partition(":")[0] for flow in flows] == [
        "Open before this run",
        "Identified in this run",
        "Recovered in this run",
        "Changed otherwise in this run",
        "Still open after it",
    ]
    for flow in flows:
        figures = [flow.at_risk_cents / 100, flow.missed_cents / 100]
        assert said[flow.label][4:] == figures
    assert note in said


def test_a_rule_whose_findings_are_all_waived_has_none_on_the_summary(tmp_path):
    run = history_run()
    rule = run.audit.findings["rule"].iloc[0]
    rest = run.audit.findings[run.audit.findings["rule"] != rule]
    book = written(replace(run, audit=replace(run.audit, findings=rest)), tmp_path)

    title = next(one.title for one in run.rules if one.name == rule)
    (row,) = [
        row for row in book["Summary"].iter_rows() if title in [cell.value for cell in row[7:]]
    ]
    place = [cell.value for cell in row].index(title)
    assert row[place + 2].value == 0
    assert row[place + 3].value > 0


def test_a_long_note_on_a_waiver_stands_whole_above_the_chart(tmp_path):
    run = history_run()
    note = (
        "waivers.csv line 3 (diagnosis_not_covered, Coding) lapses soon; renew it "
        "or mend the cause, and tell whoever answers for it"
    )
    changes = replace(run.changes, waiver_notes=(note,))
    summary = written(replace(run, changes=changes), tmp_path)["Summary"]

    (at,) = [row[1].row for row in summary.iter_rows() if row[1].value == note]
    (place,) = [
        one for one in summary.merged_cells.ranges if one.min_row == at and one.min_col == 2
    ]
    assert place.max_row - place.min_row == 1
    chart = min(one.anchor._from.row + 1 for one in summary._charts)
    assert chart > place.max_row


def test_the_first_run_of_a_history_has_no_trend_and_says_what_is_empty(tmp_path):
    book = written(first_night_run(), tmp_path)

    assert book["Resolved"]["A2"].value == "No finding was resolved in this run."
    assert book["Waived"]["A2"].value == "No finding was waived in this run."
    said = [row[1].value for row in book["Summary"].iter_rows()]
    assert "What changed: the first run" in said
    assert len(book["Summary"]._charts) == 1


def test_what_is_not_in_the_report_is_said_before_what_was_read(tmp_path):
    aside = "=b.csv could not be read and is not in this report"
    book = written(replace(small_run(), asides=(aside,)), tmp_path)

    said = [row[1].value for row in book["Summary"].iter_rows()]
    place = said.index("Mind this first")
    assert said[place + 1] == aside
    assert book["Summary"].cell(place + 2, 2).data_type == "s"
    assert place < said.index("What was read")
    assert "Mind this first" not in [
        row[1].value for row in written(small_run(), tmp_path)["Summary"].iter_rows()
    ]


def test_without_a_history_nothing_is_said_of_changes(book):
    assert not {"Resolved", "Waived", "Trend"} & set(book.sheetnames)
    assert "First seen" not in table(book, "Worklist")


# The columns that are written a row at a time.


def test_a_filled_column_reads_as_one_written_cell_by_cell(tmp_path):
    words = ["a", None, "b", "a", " <&> ", "_x0041_", *FORMULAS[:3]]
    numbers = [1, None, 2.5, -1e-9, 123456789.25, 0, 1e15, None, 3]
    with xlsxwriter.Workbook(tmp_path / "a.xlsx", {"strings_to_formulas": False}) as made:
        style = made.add_format({"num_format": "@"})
        filled = made.add_worksheet("Filled", worksheet_class=ListSheet)
        single = made.add_worksheet("Single")
        for sheet in (filled, single):
            sheet.write_string(0, 0, "Head", style)
            sheet.write_string(4, 2, "in place of a column's", style)
            sheet.set_row(2, 40)
            sheet.write_string(len(words) + 1, 0, "below", style)
        filled.fill_texts(0, words, style)
        filled.fill_numbers(1, numbers, style)
        filled.fill_texts(2, words, style)
        for row, (word, number) in enumerate(zip(words, numbers, strict=True), 1):
            for place, cell in ((0, word), (1, number), (2, word)):
                if isinstance(cell, str) and (row, place) != (4, 2):
                    single.write_string(row, place, cell, style)
                elif cell is not None and (row, place) != (4, 2):
                    single.write_number(row, place, cell, style)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")

    def cells(name):
        return [
            (c.coordinate, c.value, c.data_type, c.number_format)
            for row in book[name].iter_rows()
            for c in row
        ]

    assert cells("Filled") == cells("Single")
    heights = [book[name].row_dimensions[3].height for name in ("Filled", "Single")]
    assert heights[0] == heights[1] > 30
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        shared = archive.read("xl/sharedStrings.xml").decode()
        used = sum(archive.read(f"xl/worksheets/sheet{n}.xml").count(b't="s"') for n in (1, 2))
    # The text whose place another took is counted, too.
    assert f'count="{used + 1}"' in shared


def test_control_characters_are_replaced_and_long_text_is_cut_with_a_mark(tmp_path):
    long, wide = "x" * 40_000, "😀" * 20_000
    run = with_texts("message", ["a\x00b\x1fc", "\u202eabc", long, wide])
    texts = table(written(run, tmp_path), "Worklist")["What was found"].tolist()

    assert texts[:2] == ["a\ufffdb\ufffdc", "\ufffdabc"]
    assert texts[2].endswith(" … [cut: 40,000 characters]")
    assert texts[3].endswith(" … [cut: 20,000 characters]")
    assert all(len(text.encode("utf-16-le")) // 2 <= sheets.LONGEST_TEXT for text in texts)


def test_dates_that_excel_does_not_know_are_kept_as_text(tmp_path):
    findings = findings_frame(30).head(3)
    days = pd.Series(["1899-12-31", None, "1900-03-01"]).astype("datetime64[s]")
    book = written(run_of(findings.assign(service_date=days), in_family=2_940), tmp_path)

    assert [row[4].value for row in book["Worklist"].iter_rows(min_row=2)] == [
        "1899-12-31",
        None,
        datetime(1900, 3, 1),  # noqa: DTZ001 - a cell has no time zone
    ]


def test_more_rows_than_a_sheet_holds_are_split_and_said(tmp_path):
    run = small_run()
    found = run.audit.findings
    book = written(run, tmp_path, rows_per_sheet=70)
    names = [name for name in book.sheetnames if name.startswith("Worklist")]

    assert names == ["Worklist", "Worklist 2", "Worklist 3"]
    parts = pd.concat([table(book, name) for name in names])
    assert parts["Finding"].tolist() == found["finding"].tolist()
    assert all(len(book[name].data_validations.dataValidation) == 1 for name in names)
    said = {row[1].value: row[6].value for row in book["Summary"].iter_rows()}
    assert said["Sheets that the worklist is split over"] == 3
    by_rule = pd.concat([table(book, name) for name in book.sheetnames if "By rule" in name])
    at = [
        book[sheet].cell(row, 1).value
        for sheet, row in zip(by_rule["On sheet"], by_rule["Worklist row"], strict=True)
    ]
    assert at == by_rule["Finding"].tolist()
    assert len(at) == len(found)


def test_a_block_that_goes_on_over_sheets_is_shown_to_the_end_of_its_first():
    names = ["By rule", "By rule 2"]

    assert sheets.block_of(names, 0, 3, 10, 12) == "internal:'By rule'!A2:M4"
    assert sheets.block_of(names, 8, 14, 10, 12) == "internal:'By rule'!A10:M11"
    assert sheets.block_of(names, 10, 14, 10, 12) == "internal:'By rule 2'!A2:M5"


@pytest.mark.parametrize("run", [clean_run(), empty_run()], ids=["clean", "nothing judged"])
def test_a_run_without_findings_says_so(run, tmp_path):
    report = build(run)
    book = written(run, tmp_path)

    assert book["Summary"]["B2"].value == report.verdict.headline
    assert book["Worklist"]["A2"].value.startswith(report.verdict.headline)
    assert not book["Worklist"].tables


def test_no_rejected_line_says_so(tmp_path):
    book = written(run_of(findings_frame(30), in_family=40, rejected=0), tmp_path)

    assert book["Rejected lines"]["A2"].value == "No line was rejected."


def test_a_file_name_with_marks_of_the_footer_prints_as_it_is(tmp_path):
    report = build(small_run())
    write_workbook(replace(report, title="a&Pb & \udcff 2025.csv"), tmp_path / "report.xlsx")
    book = openpyxl.load_workbook(tmp_path / "report.xlsx")

    assert "a&&Pb && \ufffd 2025.csv" in book["Worklist"].oddFooter.left.text


def test_the_same_report_gives_the_same_bytes(tmp_path, report):
    paths = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]
    for path in paths:
        write_workbook(report, path)

    assert paths[0].read_bytes() == paths[1].read_bytes()
    created = openpyxl.load_workbook(paths[0]).properties.created
    assert created.date() == report.run.audit.as_of


def test_nothing_is_left_beside_the_workbook(tmp_path, report):
    write_workbook(report, tmp_path / "report.xlsx")

    assert [path.name for path in tmp_path.iterdir()] == ["report.xlsx"]


def test_a_folder_that_is_not_there_is_one_line(tmp_path, report):
    with pytest.raises(AuditError, match=r"report\.xlsx could not be written"):
        write_workbook(report, tmp_path / "missing" / "report.xlsx")


@pytest.mark.skipif(SOFFICE is None, reason="LibreOffice is not installed")
def test_libreoffice_opens_it_and_keeps_text_cells(tmp_path):
    first = written(with_texts("claim_id", FORMULAS), tmp_path)
    again = tmp_path / "again"
    subprocess.run(
        [
            str(SOFFICE),
            f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}",
            "--headless",
            "--convert-to",
            "xlsx",
            "--outdir",
            str(again),
            str(tmp_path / "report.xlsx"),
        ],
        check=True,
        capture_output=True,
        timeout=120,
    )
    second = openpyxl.load_workbook(again / "report.xlsx")

    assert second.sheetnames == first.sheetnames
    for name in SHEETS[1:8]:
        assert [
            (c.value, c.data_type) for row in second[name].iter_rows() for c in row if c.value
        ] == [(c.value, c.data_type) for row in first[name].iter_rows() for c in row if c.value]


def test_a_full_disk_is_said_once_and_nothing_is_printed_after_it(tmp_path, report, monkeypatch):
    def full(*_given: object, **_named: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    gc.collect()  # the workbooks that other tests opened go while their zips still close
    ignored: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    for name in ("write", "close"):  # a zip that goes closes itself, and fails again
        monkeypatch.setattr(zipfile.ZipFile, name, full)

    with pytest.raises(AuditError, match=r"report\.xlsx could not be written") as caught:
        write_workbook(report, tmp_path / "report.xlsx")
    assert "space left on its disk" in str(caught.value)
    del caught
    gc.collect()

    assert ignored == []
