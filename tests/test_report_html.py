"""The page: what it says without a script, and that text stays text."""

import base64
import gzip
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from sample_run import clean_run, empty_run, hostile_run, large_run, run_of, small_run

from auditor import schema
from auditor.report.causes import pattern_numbers
from auditor.report.content import Run, build
from auditor.report.data import total_facts
from auditor.report.html import render
from auditor.report.payload import pack
from auditor.report.words import dollars, whole_dollars
from auditor.stories import stories


class Page(HTMLParser):
    """Tags with their attributes, and the text outside script and style."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.quiet = False
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.quiet = tag in ("script", "style")

    def handle_endtag(self, tag: str) -> None:
        self.quiet = False

    def handle_data(self, data: str) -> None:
        if not self.quiet:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def page_of(run: Run) -> Page:
    return Page(render(build(run)))


def payload_of(text: str) -> dict[str, Any]:
    found = re.search(r'id="payload">([^<]*)<', text)
    assert found
    return json.loads(gzip.decompress(base64.b64decode(found.group(1))))


# What it says ------------------------------------------------------------------------------------


def test_the_first_screen_says_what_the_sums_rest_on_and_leave_out() -> None:
    run = small_run()
    findings = run.audit.findings
    carried = findings[findings["counts_money"] & findings["money"].eq("at_risk")]
    charged = int(carried.loc[carried["amount_basis"] == "charge", "amount"].sum())
    assert 0 < charged < run.audit.totals.at_risk_cents

    text = page_of(run).text
    assert (
        f"could be denied or taken back; {whole_dollars(charged)} of it charges, as no "
        "payment is known"
    ) in text
    # Some have none although a rate is known: they steer what is paid in later years.
    without = run.audit.totals.missed_without_amount
    assert f"not counting {without} findings that have no amount" in text


def test_likely_denials_without_an_amount_are_not_said_to_risk_nothing() -> None:
    run = small_run()
    at_risk = run.audit.findings["money"].eq("at_risk")
    findings = run.audit.findings
    findings = findings.assign(
        amount=findings["amount"].mask(at_risk), counts_money=findings["counts_money"] & ~at_risk
    )
    totals = replace(run.audit.totals, at_risk_cents=0)
    report = build(replace(run, audit=replace(run.audit, findings=findings, totals=totals)))

    said = (
        f"could be denied or taken back; not counting {at_risk.sum()} findings that have no amount"
    )
    assert f"At risk $0.00 {said}" in Page(render(report)).text
    assert total_facts(report)["at_risk_without_amount"] == at_risk.sum()


def test_checks_of_other_lines_are_not_called_a_full_judgement() -> None:
    run = clean_run()
    books = run.audit.books.assign(not_evaluated=0)
    books["clean"] = books["in_scope"]
    report = build(replace(run, audit=replace(run.audit, books=books), in_family=0, unlocks=()))
    page = Page(render(report))

    assert report.verdict.kind == "nothing_judged"
    assert report.coverage.percent == "–"
    assert "100 %" not in page.text.partition("What was read, and")[0]
    assert "No cardiac CT line to judge : the rules that look at every line made" in page.text
    assert "No rule waits for a column" not in page.text


def test_each_severity_has_its_part_of_the_sums() -> None:
    run = small_run()
    report = build(run)
    totals, text = run.audit.totals, Page(render(report)).text

    assert sum(one.at_risk_cents for one in report.severities) == totals.at_risk_cents
    assert sum(one.missed_cents for one in report.severities) == totals.missed_cents
    denial = report.severities[0]
    # So that nobody takes the whole sum for that of the likely denials.
    assert 0 < denial.at_risk_cents < totals.at_risk_cents
    assert f"{whole_dollars(denial.at_risk_cents)} at risk; a published edit rejects" in text


def test_amounts_that_all_have_a_rate_are_said_without_more() -> None:
    run = small_run()
    findings = run.audit.findings.assign(amount_basis="allowed")
    findings = findings[findings["money"].ne("at_risk") | findings["amount"].notna()]
    totals = replace(run.audit.totals, missed_without_amount=0)
    page = page_of(replace(run, audit=replace(run.audit, findings=findings, totals=totals)))

    assert "could be denied or taken back a" not in page.text
    assert "charges, for want" not in page.text.partition("What was read")[0]
    assert "not counting" not in page.text


@pytest.mark.parametrize(("severity", "colour"), [("note", "note"), ("review", "review")])
def test_a_run_of_notes_does_not_look_like_one_of_denials(severity: str, colour: str) -> None:
    findings = small_run().audit.findings
    some = findings[findings["severity"] == severity]

    sections = page_of(run_of(some, 900)).all("section")
    assert sections[0]["class"] == f"verdict findings {colour}"


def test_the_verdict_names_action_and_both_sums_and_never_adds_them() -> None:
    run = small_run()
    page = page_of(run)

    totals = run.audit.totals
    assert f"correct {totals.denial} likely denials" in page.text
    assert dollars(totals.at_risk_cents) in page.text
    assert dollars(totals.missed_cents) in page.text
    assert dollars(totals.at_risk_cents + totals.missed_cents) not in page.text


def test_the_honest_line_accounts_for_every_line_read() -> None:
    page = page_of(small_run())

    assert "3,535 lines read = 3,528 audited + 4 superseded + 3 rejected." in page.text
    assert "2,940 audited lines belong to the cardiac CT family." in page.text
    assert "4 rules left something not evaluated" in page.text


def test_the_first_screen_says_how_much_was_really_judged() -> None:
    report = build(small_run())
    page = page_of(small_run())

    judged, in_scope = report.coverage.judged, report.coverage.in_scope
    assert (
        f"{report.coverage.percent} really judged : {judged:,} of {in_scope:,} checks" in page.text
    )
    assert f"{in_scope - judged:,} could not." in page.text
    assert round(small_run().audit.coverage * in_scope) == judged


def test_a_gap_is_told_with_what_would_unlock_it() -> None:
    page = page_of(small_run())

    assert "Our table of code pairs (NCCI PTP) for practitioner does not cover the date of" in (
        page.text
    )
    assert "Run with --reference and a table ptp_edits.csv that covers these dates" in page.text
    assert "The cell Place (place_of_service) is empty." in page.text


def test_patterns_stand_before_the_rules_and_lead_to_their_findings() -> None:
    report = build(small_run())
    text = render(report)
    first = report.first_patterns[0]
    section = text[text.index('id="patterns"') : text.index('id="rules"')]

    assert first.findings > 1
    assert f"The dearest 25 of {len(report.patterns)} patterns" in section
    assert f"{len(report.patterns) - 25} more in the workbook" in section
    assert [a["href"] for a in Page(section).all("a")][:2] == [f"#rule-{first.rule}", "#pattern=1"]
    assert 'id="patterns"' not in render(build(clean_run()))


def test_sources_that_disagree_are_shown_with_the_value_in_force() -> None:
    page = page_of(small_run())

    assert "1 value about which the sources of the tables disagree" in page.text
    assert "APC 5572 other value: APC 5571" in page.text
    assert "APC 5571 the rate is that of 5572" in page.text
    assert "OPPS final rule for 2024" in page.text
    assert "Sources that disagree" not in page_of(replace(small_run(), contradictions=())).text


def test_a_missing_column_is_named_with_what_it_would_unlock() -> None:
    page = page_of(small_run())

    assert "Add column received_date to unlock filed_late (2,940 lines)" in page.text


def test_every_rule_has_its_section_with_books_remedy_and_sources() -> None:
    run = small_run()
    text = render(build(run))

    for rule in run.rules:
        section = text[text.index(f'id="rule-{rule.name}"') :]
        section = Page(section[: section.index("</details>")]).text
        assert rule.remedy in section
        assert rule.rationale in section
        assert run.sources[rule.sources[0]].title in section
        assert "in scope =" in section


def test_a_remedy_with_evidence_to_fill_in_names_it_in_words() -> None:
    run = small_run()
    rule = replace(run.rules[0], remedy="Bill {column_one} alone, not {procedure_code}.")
    page = page_of(replace(run, rules=(rule, *run.rules[1:])))

    assert "Bill [column one] alone, not [procedure code]." in page.text


def test_rules_stand_by_consequence() -> None:
    rules = build(small_run()).rules

    flagged = [rule for rule in rules if rule.flagged]
    order = ["denial", "review", "note"]
    assert list(rules[: len(flagged)]) == flagged
    places = [order.index(rule.severity) for rule in flagged]
    assert places == sorted(places)
    assert rules[-1].flagged == 0


def test_shares_by_family_and_payer_add_up_to_the_totals() -> None:
    run = small_run()
    report = build(run)

    for shares in (report.families, report.payers):
        assert sum(share.at_risk_cents for share in shares) == run.audit.totals.at_risk_cents
        assert sum(share.missed_cents for share in shares) == run.audit.totals.missed_cents
        assert sum(share.findings for share in shares) == run.audit.totals.findings


def test_findings_new_since_the_last_run_are_told_only_when_known() -> None:
    run = small_run()
    assert "New since the last run" not in page_of(run).text

    findings = run.audit.findings.assign(status="persisting")
    findings.loc[:4, "status"] = "new"
    known = replace(run, audit=replace(run.audit, findings=findings))
    assert "New since the last run 5" in page_of(known).text


def test_a_run_without_findings_says_what_was_judged() -> None:
    page = page_of(clean_run())

    assert "No findings in 2,940 lines of the cardiac CT family, judged by 10 rules." in page.text
    assert "Nothing to correct so far: 4 rules left something not evaluated" in page.text
    assert "No findings to work on." in page.text


def test_a_run_without_the_family_says_that_nothing_was_judged() -> None:
    page = page_of(empty_run())

    assert (
        "No line of the cardiac CT family was found in 47 lines; nothing was judged." in page.text
    )


def test_a_run_in_which_no_rule_could_judge_is_not_called_clean() -> None:
    run = clean_run()
    books = run.audit.books.assign(clean=0, flagged=0)
    books["not_evaluated"] = books["in_scope"]
    report = build(replace(run, audit=replace(run.audit, books=books)))

    assert report.verdict.kind == "nothing_judged"
    assert "no rule could judge any of 2,940 lines" in report.verdict.headline


def test_a_run_that_could_make_few_of_its_checks_is_not_called_clean() -> None:
    run = clean_run()
    books = run.audit.books.copy()
    books["clean"] = books["in_scope"] // 20
    books["not_evaluated"] = books["in_scope"] - books["clean"]
    report = build(replace(run, audit=replace(run.audit, books=books)))

    assert report.verdict.kind == "hardly_judged"
    assert "No findings, but only 5.0 % of the checks on 2,940 lines" in report.verdict.headline
    assert report.verdict.action.startswith("This is no clean result")
    assert 'class="verdict hardly_judged"' in render(report)


def test_the_first_findings_and_the_rejected_lines_need_no_script() -> None:
    run = run_of(small_run().audit.findings, in_family=2_940, rejected=80)
    page = page_of(run)

    rows = [row for row in page.all("tr") if (row.get("id") or "").startswith("finding-")]
    assert len(rows) == 50
    assert "First 50 of 80 rejected lines; all are in rejected.csv" in page.text


def test_rejected_lines_are_told_with_their_reasons_where_reading_is_told() -> None:
    run = run_of(small_run().audit.findings, in_family=2_940, rejected=80)
    why = ["no date"] * 50 + ["no code"] * 20 + ["no claim"] * 5 + ["no patient"] * 4 + ["odd"]
    told = page_of(replace(run, rejected=run.rejected.assign(reason=why))).text

    assert "80 lines rejected : no date (50); no code (20); no claim (5); 2 other reasons" in told


def test_a_run_without_a_judged_line_says_nothing_of_missing_columns() -> None:
    run = run_of(small_run().audit.findings.head(0), in_family=0)
    none = build(run)
    told = Page(render(replace(none, rules_judging=0, unlocks=()))).text

    assert "nothing can be said about columns that are missing" in told
    assert "No rule waits for a column" not in told


def test_the_page_is_the_same_for_the_same_run() -> None:
    assert render(build(small_run())) == render(build(small_run()))


# Structure ---------------------------------------------------------------------------------------


def test_nothing_in_the_page_points_outside_but_links_to_sources() -> None:
    text = render(build(small_run()))
    page = Page(text)

    for tag in ("script", "img", "iframe", "link", "source", "video", "object", "embed"):
        for attributes in page.all(tag):
            address = attributes.get("src") or attributes.get("href") or ""
            assert address in ("", "data:,"), (tag, address)
    assert "@import" not in text
    assert "url(" not in text
    policy = next(m["content"] for m in page.all("meta") if m.get("http-equiv"))
    assert policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "connect-src" not in policy


def test_tables_have_captions_and_scoped_headings_and_controls_have_labels() -> None:
    text = render(build(small_run()))
    page = Page(text)

    assert len(page.all("h1")) == 1
    assert page.all("html")[0]["lang"] == "en"
    assert len(page.all("caption")) == len(page.all("table"))
    assert all(heading.get("scope") for heading in page.all("th"))
    labelled = {label.get("for") for label in page.all("label")}
    assert {select["id"] for select in page.all("select")} <= labelled
    ids = re.findall(r'\sid="([^"]+)"', text)
    assert len(ids) == len(set(ids))


def test_a_source_that_is_no_web_address_is_not_a_link() -> None:
    run = small_run()
    source = replace(run.sources["manual-13"], url="javascript:alert(1)")
    page = page_of(replace(run, sources={**run.sources, "manual-13": source}))

    assert "javascript:alert(1)" in page.text
    assert not [a for a in page.all("a") if (a.get("href") or "").startswith("javascript")]


def test_hostile_texts_stay_text() -> None:
    run = hostile_run()
    names = {**run.settings_changed, "<b>x</b>": "</style><script>alert(2)</script>"}
    page = page_of(replace(run, settings_changed=names, command="<img src=x onerror=alert(3)>"))

    assert len(page.all("script")) == 2
    assert not page.all("img")
    assert not page.all("b")
    assert "<img src=x onerror=alert(1)>" in page.text
    assert "{{ 7 * 7 }} <b>bold</b>" in page.text


# The findings that travel with the page ----------------------------------------------------------


def test_packed_findings_unpack_to_what_they_were() -> None:
    findings = hostile_run().audit.findings
    studies = stories(findings)["story"]
    columns = json.loads(json.dumps(pack(findings, studies)))

    def cell(name: str, row: int) -> Any:
        column = columns[name]
        return column["words"][column["codes"][row]] if "words" in column else column["values"][row]

    for row in range(len(findings)):
        for name in schema.FINDINGS:
            if findings[name].dtype.kind not in "iufMb":
                assert cell(name, row) == findings[name].iloc[row], name
        assert cell("counts_money", row) == ("yes" if findings["counts_money"].iloc[row] else "no")
        amount = findings["amount"].iloc[row]
        assert cell("amount", row) == (None if pd.isna(amount) else amount)
        assert cell("service_date", row) == str(findings["service_date"].iloc[row].date())
        assert cell("story", row) == findings["story"].iloc[row]
    assert columns["story"]["words"] == studies.tolist()
    assert columns["severity"]["words"] == sorted(columns["severity"]["words"])


def test_the_pattern_of_a_finding_is_the_one_it_counts_in() -> None:
    report = build(small_run())
    numbers = pattern_numbers(report.run.audit.findings, report.patterns)

    counts = pd.Series(numbers).value_counts()
    for place, size in enumerate(report.patterns["findings"], 1):
        assert counts[place] == size
    assert len(numbers) == report.run.audit.totals.findings


def test_fifty_thousand_findings_make_a_small_page() -> None:
    text = render(build(large_run()))

    assert len(text.encode()) < 15_000_000
    assert payload_of(text)["count"] == len(large_run().audit.findings)


def test_what_is_not_in_the_report_is_said_first_and_stays_text() -> None:
    page = page_of(replace(small_run(), asides=("a<b>.csv could not be read",)))

    assert "Mind this first a<b>.csv could not be read" in page.text
    assert "Mind this first" not in page_of(small_run()).text


@pytest.mark.parametrize(
    "notes", [("sheet 'PB lines'",), ("sheet 'PB lines' of 2 (also: 'A')",), ()]
)
def test_a_sheet_is_named_once_where_its_file_is(notes: tuple[str, ...]) -> None:
    run = small_run()
    (read,) = run.intakes
    intake = replace(read, file="lines.xlsx", sheet="PB lines", notes=notes)
    text = Page(render(build(replace(run, intakes=(intake,))))).text

    assert text.partition("Read lines.xlsx")[2][:100].count("PB lines") == 1


def test_dollars_by_department_stand_where_there_are_several() -> None:
    run = small_run()
    findings = run.audit.findings.copy()
    findings.loc[findings.index[::5], "department"] = "CT ANNEX"
    several = build(replace(run, audit=replace(run.audit, findings=findings)))

    assert build(run).departments == ()
    assert {share.label for share in several.departments} >= {"CT ANNEX", "Cardiology"}
    assert sum(share.findings for share in several.departments) == len(findings)
    assert "Dollars by department" in render(several)
    assert "Dollars by department" not in render(build(run))
