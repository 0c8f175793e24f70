"""The workbook: what a reader finds in it, and that text stays text."""

import shutil
import subprocess
import zipfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from sample_run import clean_run, empty_run, findings_frame, hostile_run, run_of, small_run

from auditor.errors import AuditError
from auditor.report import sheets
from auditor.report.content import Report, Run, build
from auditor.report.workbook import DISPOSITIONS, write_workbook

# openpyxl reads no data bars and no newer conditional formats, and says so.
pytestmark = pytest.mark.filterwarnings("ignore:.*extension is not supported:UserWarning")
SOFFICE = shutil.which("soffice")
SHEETS = [
    "Summary",
    "Worklist",
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

    flagged = next(rule for rule in report.rules if rule.flagged)
    row = next(row for row in summary.iter_rows() if row[8].value == flagged.title)
    place = int(row[10].hyperlink.location.removeprefix("'Worklist'!A"))
    assert row[10].value == flagged.flagged
    assert book["Worklist"].cell(place, 8).value == flagged.title
    assert book["Rules"][row[8].hyperlink.location.removeprefix("'Rules'!")].value == flagged.name


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
    for name in SHEETS[1:7]:
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
    last = sheets.cell_of(names, len(found) - 1, 70)
    assert last == f"internal:'Worklist 3'!A{len(found) - 140 + 1}"


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
    for name in SHEETS[1:7]:
        assert [
            (c.value, c.data_type) for row in second[name].iter_rows() for c in row if c.value
        ] == [(c.value, c.data_type) for row in first[name].iter_rows() for c in row if c.value]
