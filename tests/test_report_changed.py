"""What the page tells of earlier runs: counts apart, charts with their figures, texts that stay."""

import re
from dataclasses import replace
from datetime import date
from itertools import pairwise

import pandas as pd
import pytest
from sample_history import NOTES, first_night_run, history_run, nights
from sample_run import HOSTILE_TAG, large_run, small_run
from test_report_html import Page, payload_of

from auditor.changes import Changes, Night
from auditor.report import pdf, trend, words
from auditor.report.changed import changed
from auditor.report.content import Run, build
from auditor.report.html import render
from auditor.report.listed import listed
from auditor.report.payload import packed
from auditor.report.words import dollars, whole_dollars


def changes_of(run: Run) -> Changes:
    assert run.changes is not None
    return run.changes


def section_of(text: str) -> str:
    return text[text.index('<section id="changes"') : text.index('<section id="not-checked"')]


# On the page -------------------------------------------------------------------------------------


def test_what_changed_is_counted_by_status_and_told_in_dollars() -> None:
    run = history_run()
    section = Page(section_of(render(build(run)))).text
    tonight = changes_of(run).tonight

    for label, number in (
        ("New", tonight.new),
        ("Reopened", tonight.reopened),
        ("Persisting", tonight.persisting),
        ("Resolved", tonight.resolved),
        ("Waived", tonight.waived),
    ):
        assert f"{label} {number}" in section
    assert (
        f"Still open after it {whole_dollars(tonight.still_open_at_risk_cents)} "
        f"{whole_dollars(tonight.still_open_missed_cents)}"
    ) in section
    assert "Not judged again" not in section
    for note in NOTES:
        assert note in section


def test_findings_that_could_not_be_judged_again_are_counted() -> None:
    run = history_run()
    old = changes_of(run)
    note = "3 findings that stood open could not be judged again. Not open any more"
    changes = replace(old, unjudged=old.resolved.head(3), notes=(note,), waiver_notes=())
    section = Page(section_of(render(build(replace(run, changes=changes))))).text

    assert "Not judged again 3 known before; neither open nor resolved now" in section
    assert f"To look at {note}" in section


def test_claims_of_earlier_runs_are_not_passed_off_as_read() -> None:
    run = history_run()
    assert build(run).whose.endswith(" patients, with those of earlier runs")
    page = Page(render(build(run)))
    assert " patients, with those of earlier runs, dates of service" in page.text
    for one in (first_night_run(), small_run()):
        assert build(one).whose.endswith(" patients")


def test_a_run_of_one_day_names_the_day_once() -> None:
    run = small_run()
    counts = replace(run.audit.counts, last_date=run.audit.counts.first_date)
    text = Page(render(build(replace(run, audit=replace(run.audit, counts=counts))))).text
    assert "date of service 2025-01-02 · as of" in text
    assert "2025-01-02 to" not in text.partition("Same cause")[0]


def test_recovered_money_is_not_called_paid() -> None:
    for run in (history_run(), first_night_run()):
        assert words.RECOVERED_MEANS in Page(section_of(render(build(run)))).text
        assert words.RECOVERED_MEANS in pdf.render(build(run))


def test_the_verdict_says_that_waived_findings_are_not_in_it() -> None:
    run = history_run()
    text = render(build(run))
    verdict = Page(text[text.index('id="verdict"') : text.index('id="changes"')]).text

    assert "6 waived findings stand apart below ." in verdict
    assert "New since 2026-06-29 20 of 176 findings; 2 reopened , 20 resolved" in verdict
    assert dollars(run.audit.totals.at_risk_cents) in verdict


def test_open_findings_by_age_add_up_to_the_totals() -> None:
    run = history_run()
    told = changed(build(run))
    assert told is not None

    assert told.ages[0].label == "over 90 days"
    assert sum(share.findings for share in told.ages) == run.audit.totals.findings
    assert sum(share.at_risk_cents for share in told.ages) == run.audit.totals.at_risk_cents
    assert sum(share.missed_cents for share in told.ages) == run.audit.totals.missed_cents


def test_each_chart_has_words_and_a_table_with_its_figures() -> None:
    run = history_run()
    text = section_of(render(build(run)))
    page = Page(text)

    drawings = [svg for svg in page.all("svg") if svg.get("role") == "img"]
    assert len(drawings) == 3
    for svg in drawings:
        for name in (svg["aria-labelledby"] or "").split():
            assert f'id="{name}"' in text
    table = text[text.index('class="runs"') :]
    table = Page(table[: table.index("</table>")]).text
    for night in changes_of(run).nights:
        # In columns, and below the day for a phone.
        open_now = f"{whole_dollars(night.still_open_missed_cents)} missed"
        assert f"{open_now} {night.new} {night.reopened} {night.persisting:,}" in table
        told = f"{night.new} new, {night.reopened} reopened, {night.persisting:,} persisting"
        assert f"{night.as_of} {told}" in table
        assert whole_dollars(night.still_open_at_risk_cents) in table


def test_a_first_run_has_no_trend_and_nothing_apart() -> None:
    section = section_of(render(build(first_night_run())))

    assert "The first run of this history" in section
    assert "<svg viewBox" not in section or 'role="img"' not in section
    assert "Resolved by this run" not in section


def test_without_a_history_nothing_is_said_of_changes() -> None:
    text = render(build(small_run()))

    assert 'id="changes"' not in text
    assert 'id="filter-status"' not in text
    assert payload_of(text)["history"] is False


def test_hostile_texts_of_waivers_and_notes_stay_text() -> None:
    run = history_run()
    old = changes_of(run)
    waived = old.waived.assign(waiver=HOSTILE_TAG, claim_id="<script>alert(3)</script>")
    changes = replace(old, waived=waived, waiver_notes=("<b>note</b>",))
    page = Page(render(build(replace(run, changes=changes))))

    assert len(page.all("script")) == 2
    assert not page.all("img")
    assert not page.all("b")
    assert HOSTILE_TAG in page.text


def test_lines_of_earlier_runs_are_told_apart_from_those_read() -> None:
    run = replace(history_run(), in_family=9_000)

    assert "With lines of earlier runs, 9,000 lines of the cardiac CT family were judged." in (
        Page(render(build(run))).text
    )


# The rows of the list ----------------------------------------------------------------------------


def test_waived_and_resolved_rows_stand_behind_the_open_ones_with_lines_of_their_own() -> None:
    run = history_run()
    report = build(run)
    rows = listed(run.audit.findings.assign(pattern=0), report.studies, run.changes)

    assert rows.open == len(run.audit.findings)
    assert dict(rows.apart) == {"waived": 6, "resolved": 20}
    behind = rows.frame.iloc[rows.open :]
    assert behind["status"].tolist() == ["waived"] * 6 + ["resolved"] * 20
    assert not set(behind["line"]) & set(run.audit.findings["line"])
    assert set(rows.frame["story"]) == set(rows.studies["story"])
    assert rows.studies["story"].is_unique
    assert behind["first_seen"].iloc[-1] == "2026-05-28"


def test_waived_lines_that_share_a_number_are_two() -> None:
    run = history_run()
    own = changes_of(run).waived.iloc[[0, 0, 0, 1]]
    kinds = ["institutional", "professional", "professional", "professional"]
    alike = own.assign(claim_type=kinds, patient_id="P1", claim_id="C1", line_number=pd.NA)
    changes = replace(changes_of(run), waived=alike)
    rows = listed(run.audit.findings.assign(pattern=0), build(run).studies, changes)

    waived = rows.frame[rows.frame["status"] == "waived"]
    assert waived.groupby(["claim_type", "source_row"])["line"].nunique().eq(1).all()
    assert waived["line"].nunique() == 3


def test_rows_of_the_history_may_come_with_other_types() -> None:
    run = history_run()
    old = changes_of(run)
    plain = old.resolved.astype(object).assign(
        service_date=old.resolved["service_date"].dt.strftime("%Y-%m-%d"),
        amount=old.resolved["amount"].astype("float64"),
        counts_money=None,
        first_seen="2026-05-28",
    )
    text = render(build(replace(run, changes=replace(old, resolved=plain))))

    columns = payload_of(text)["columns"]
    assert columns["status"]["words"][-1] == "waived"
    assert re.fullmatch(r"\d{4}-\d\d-\d\d", columns["service_date"]["values"][-1])
    known = [cents for cents in columns["amount"]["values"] if cents is not None]
    assert known[-1] == int(old.resolved["amount"].min())


def test_an_empty_history_of_lists_is_no_fault() -> None:
    run = history_run()
    nothing = pd.DataFrame()
    changes = replace(changes_of(run), resolved=nothing, waived=nothing)

    assert payload_of(render(build(replace(run, changes=changes))))["apart"] == {
        "waived": 0,
        "resolved": 0,
    }


# Too many for one page ---------------------------------------------------------------------------


def test_a_page_too_heavy_holds_the_dearest_studies_whole() -> None:
    report = build(small_run())
    whole = packed(report, {})
    part = packed(report, {}, most_bytes=len(whole.text) * 2 // 3)

    assert whole.held == len(report.run.audit.findings)
    assert 0 < part.held < whole.held
    assert len(part.text) <= len(whole.text) * 2 // 3
    dearest = report.studies.head(part.studies)
    assert part.held == dearest["findings"].sum()
    assert packed(report, {}, most_bytes=1).studies == 1
    text = render(report, most_bytes=len(whole.text) * 2 // 3)
    assert payload_of(text)["open"] > 0
    assert f"This page holds {payload_of(text)['open']} of {whole.held} findings" in Page(text).text


def test_a_page_just_light_enough_is_not_cut() -> None:
    report = build(large_run())
    whole = packed(report, {})

    assert packed(report, {}, most_bytes=len(whole.text)).held == len(report.run.audit.findings)


# Charts ------------------------------------------------------------------------------------------


def test_columns_stand_on_the_axis_and_within_the_drawing() -> None:
    for chart in trend.charts(nights(14, 20, 150, 20, 6)):
        for bar in chart.bars:
            assert 0 <= bar.x <= bar.x + bar.width <= trend.WIDTH
            assert 0 <= bar.y <= bar.y + bar.height <= trend.HEIGHT
            above = bar.y + bar.height <= chart.zero + 0.11
            below = bar.y >= chart.zero - 0.11
            assert above or below


def test_heights_are_in_proportion_to_what_they_count() -> None:
    findings = trend.charts(nights(5, 20, 150, 20, 6))[0]
    persisting = [bar.height for bar in findings.bars if bar.kind == "persisting"]

    assert all(one > other for one, other in pairwise(persisting))
    assert persisting[0] / persisting[-1] == pytest.approx((150 + 4 * 6) / 150, rel=0.01)


def test_a_long_trend_is_cut_to_the_last_runs_and_one_run_is_none() -> None:
    assert trend.charts(nights(1, 20, 150, 20, 6)) == ()
    chart = trend.charts(nights(90, 20, 150, 20, 6))[0]

    assert len([bar for bar in chart.bars if bar.kind == "persisting"]) == trend.MOST_RUNS
    assert chart.runs[-1].text == "2026-06-30"
    assert "over 30 runs" in chart.summary


def test_a_trend_of_nothing_is_drawn_without_a_fault() -> None:
    nothing = Night("a", date(2026, 6, 30), *([0] * 11))
    charts = trend.charts((nothing, nothing))

    assert [chart.bars for chart in charts] == [(), (), ()]


@pytest.mark.parametrize(
    ("most", "round_number"), [(1, 1), (7, 8), (11, 15), (251, 300), (999, 1000), (1_201, 1_500)]
)
def test_the_scale_ends_at_a_round_number(most: int, round_number: int) -> None:
    night = Night("a", date(2026, 6, 30), 0, 0, most, *([0] * 8))
    chart = trend.charts((night, night))[0]

    label = chart.marks[1].text
    assert float(label.replace("k", "")) * (1000 if "k" in label else 1) == round_number


def test_the_page_stays_the_same_for_the_same_history() -> None:
    assert render(build(history_run())) == render(build(history_run()))
    assert not re.search(r"None|nan\b", section_of(render(build(history_run()))))
