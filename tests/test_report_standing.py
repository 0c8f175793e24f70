"""From when the findings of a report are, and what people decided about them."""

import shutil
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import openpyxl
import pytest
from mail_runs import folder_of, settings_of
from sample_history import first_night_run, history_run
from sample_run import clean_run, decided_run, small_run
from test_report_html import Page

from auditor.mail.summary import summary_of
from auditor.mail.view import View, view_of
from auditor.mail_settings import RecipientSettings
from auditor.report import pdf
from auditor.report.content import Run, build
from auditor.report.dispositions import Disposition
from auditor.report.html import render
from auditor.report.standing import decided_words, decisions, standing_words
from auditor.report.words import dollars, whole_dollars
from auditor.report.workbook import write_workbook

WORDS = ("corrected", "appealed", "not an error", "open")


def worked(count: int = 8) -> Run:
    """The run with a history, of which some findings are decided; the last is only somebody's."""
    run = history_run()
    some = run.audit.findings["finding"].astype(str).head(count).tolist()
    decided = {one: Disposition(word) for one, word in zip(some, cycle(WORDS), strict=False)}
    return replace(run, dispositions={**decided, some[-1]: Disposition("", "A. Okafor")})


def verdict_of(run: Run) -> str:
    text = render(build(run))
    return Page(text[text.index('id="verdict"') : text.index('id="not-checked"')]).text


def test_decisions_add_up_to_the_totals() -> None:
    run = worked()
    shares = decisions(build(run))

    assert [(share.label, share.findings) for share in shares] == [
        ("corrected", 2),
        ("appealed", 2),
        ("not an error", 2),
        ("undecided", run.audit.totals.findings - 6),
    ]
    assert sum(share.at_risk_cents for share in shares) == run.audit.totals.at_risk_cents
    assert sum(share.missed_cents for share in shares) == run.audit.totals.missed_cents


def test_one_decision_is_said_in_the_singular_and_none_not_at_all() -> None:
    assert decided_words(decisions(build(decided_run()))).startswith("1 of 163 findings is decided")
    assert decisions(build(small_run())) == decisions(build(clean_run())) == ()
    only_somebody_s = replace(small_run(), dispositions={"0" * 12: Disposition("", "A. Okafor")})
    assert decided_words(decisions(build(only_somebody_s))) == ""


def test_the_page_says_what_is_decided_and_that_the_sums_still_hold_it() -> None:
    run = worked()
    said = "6 of 176 findings are decided"
    text = render(build(run))

    assert said in verdict_of(run)
    assert "2 corrected, 2 appealed, 2 not an error. They stay in these sums" in verdict_of(run)
    assert "Dollars by decision" in text
    assert said not in verdict_of(history_run())
    assert "Dollars by decision" not in render(build(history_run()))


def test_with_a_history_the_findings_are_told_from_the_lines_of_this_run() -> None:
    run = history_run()
    days = run.audit.findings["service_date"]
    said = standing_words(build(run))

    assert said.startswith("176 findings on ")
    assert said.endswith(
        f" of {days.min():%Y-%m-%d} to {days.max():%Y-%m-%d}: all that is open, from earlier runs "
        "too."
    )
    assert said in verdict_of(run)
    for alone in (small_run(), first_night_run()):
        assert "earlier runs" not in standing_words(build(alone))
    assert standing_words(build(clean_run())) == ""


def test_what_came_back_stands_on_the_first_screen() -> None:
    tonight = history_run().changes.tonight  # type: ignore[union-attr]

    assert f"of 176 findings; {tonight.reopened} reopened , 20 resolved" in verdict_of(
        history_run()
    )
    assert "reopened" not in verdict_of(first_night_run()).partition("The first run")[0]


def test_the_workbook_says_both(tmp_path: Path) -> None:
    run = worked()
    write_workbook(build(run), tmp_path / "report.xlsx")
    rows = list(openpyxl.load_workbook(tmp_path / "report.xlsx")["Summary"].values)
    told = {str(row[1]): [cell for cell in row[4:7] if cell is not None] for row in rows}
    share = decisions(build(run))[0]

    assert told["Decided, and still in these sums"] == ["Findings", "At risk", "Missed"]
    sums = [share.at_risk_cents / 100, share.missed_cents / 100]
    assert told["Corrected"] == [share.findings, *sums]
    assert standing_words(build(run)) in str(rows[2][1])


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="poppler is not installed")
def test_paper_says_both(tmp_path: Path) -> None:
    pytest.importorskip("weasyprint")
    text = pdf.render(build(worked()))

    assert decided_words(decisions(build(worked()))) in text
    assert standing_words(build(worked())) in text


def mailed(run: Run, folder: Path, smallest: int = 0, **narrowed: list[str]) -> View:
    somebody = RecipientSettings(address="a@hospital.example", **narrowed)  # type: ignore[arg-type]
    settings = settings_of(somebody, smallest_count=smallest)
    return view_of(summary_of(folder_of(folder, run)), somebody, settings.mail, ())


def test_the_mail_says_how_much_is_decided_where_it_tells_all(tmp_path: Path) -> None:
    shares = decisions(build(worked()))[:-1]
    at_risk = whole_dollars(sum(share.at_risk_cents for share in shares))

    told = dict(mailed(worked(), tmp_path / "all").changes)["Decided, and still open"]
    assert told.startswith(f"6 ({at_risk} at risk")
    for less in (
        mailed(worked(), tmp_path / "few", smallest=11),
        mailed(worked(), tmp_path / "part", families=["unbundling"]),
        mailed(history_run(), tmp_path / "none"),
    ):
        assert "Decided, and still open" not in dict(less.changes)


def test_money_stands_beside_each_decision_on_the_page() -> None:
    share = decisions(build(worked()))[0]

    assert whole_dollars(share.at_risk_cents) in Page(render(build(worked()))).text
    assert dollars(share.at_risk_cents) not in decided_words([share])
