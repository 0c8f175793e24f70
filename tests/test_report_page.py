"""The page in a browser: filters, sorting, addresses, download, accessibility, no request."""

import csv
import io
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sample_run import hostile_run, small_run

from auditor import schema
from auditor.report.words import dollars
from auditor.stories import patterns, stories

NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}


def rows_of(page: Any) -> int:
    return page.locator("#findings tbody tr:not(.group)").count()


def settle(page: Any) -> None:
    """Waits in the page's own queue, behind its own wait, however slow the machine."""
    page.evaluate("() => new Promise((done) => setTimeout(done, 150))")


@pytest.mark.parametrize("name", ["small", "hostile", "clean", "empty"])
def test_pages_open_without_a_fault_and_fit_a_phone(name: str, visit: Callable[..., Any]) -> None:
    page = visit(name, viewport=NARROW)

    assert page.evaluate("document.documentElement.scrollWidth") == 390


@pytest.mark.parametrize(
    ("name", "chosen"),
    [
        ("history", "table.apart"),
        ("small", "table.lines"),
        ("history", "#findings"),
        ("small", "table.rules"),
        ("small", "#run table"),
        ("history", "table.runs"),
        ("long_numbers", "table.lines"),
        ("long_numbers", "#findings"),
    ],
)
def test_on_a_phone_tables_are_read_without_scrolling_sideways(
    name: str, chosen: str, visit: Callable[..., Any]
) -> None:
    page = visit(name, viewport=NARROW)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    tables = page.locator(chosen)

    widths = "all => all.map(one => [one.scrollWidth, one.closest('.scroll').clientWidth])"
    assert tables.count() > 0
    assert [pair for pair in tables.evaluate_all(widths) if pair[0] > pair[1]] == []
    # What stands in columns of its own elsewhere is there all the same.
    if chosen not in ("#run table", "table.runs"):
        assert tables.first.locator("tbody .badge:visible").count() > 0
    if chosen == "table.apart":
        assert "First seen: 20" in page.inner_text("table.apart >> nth=0")


def test_on_a_phone_words_of_decisions_and_ages_are_whole(visit: Callable[..., Any]) -> None:
    for name in ("decided", "history"):
        page = visit(name, viewport=NARROW)
        tables = page.locator(".chart .counted")
        widths = "all => all.map(one => [one.scrollWidth, one.closest('.chart').clientWidth])"

        assert all(table <= room for table, room in tables.evaluate_all(widths))
        high = "all => all.map(one => one.getBoundingClientRect().height)"
        heights = tables.locator("tbody th").evaluate_all(high)
        assert heights
        assert max(heights) < 36  # one line each


def test_long_claim_numbers_are_broken_and_short_ones_are_not(visit: Callable[..., Any]) -> None:
    page = visit("long_numbers")
    wide = "one => [one.scrollWidth, one.closest('.scroll').clientWidth]"
    table, room = page.eval_on_selector("#findings", wide)
    assert table <= room
    assert page.locator("#findings tbody a >> nth=0").bounding_box()["height"] > 40

    page = visit("small")
    assert page.locator("#findings tbody a >> nth=0").bounding_box()["height"] < 30


def test_on_paper_a_table_never_begins_with_its_head_alone(
    visit: Callable[..., Any], tmp_path: Path
) -> None:
    if not shutil.which("pdftotext"):
        pytest.skip("poppler is not installed")
    page = visit("history")
    claim = page.inner_text("table.apart >> nth=0 >> tbody th >> nth=0").split()[0]
    page.evaluate(
        "document.querySelector('.apart').closest('.scroll').insertAdjacentHTML"
        "('beforebegin', '<div id=spacer></div>')"
    )
    for height in range(0, 600, 40):
        page.evaluate(
            "high => document.getElementById('spacer').style.height = high + 'px'", height
        )
        page.pdf(path=str(tmp_path / "page.pdf"), prefer_css_page_size=True)
        words = ["pdftotext", "-layout", tmp_path / "page.pdf", "-"]
        text = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        (sheet,) = [sheet for sheet in text.split("\f") if "Resolved by this run" in sheet]
        assert claim in sheet.partition("Resolved by this run")[2], height


def test_without_script_the_first_findings_are_there(visit: Callable[..., Any]) -> None:
    page = visit(java_script_enabled=False)

    assert rows_of(page) == 50
    assert page.locator("#filters").is_hidden()
    assert page.locator("noscript p").is_visible()


def test_rows_come_by_the_hundred_and_the_filters_narrow_them(visit: Callable[..., Any]) -> None:
    page = visit()
    total = small_run().audit.totals
    assert rows_of(page) == 100
    page.click("#more")
    assert rows_of(page) == total.findings
    assert dollars(total.at_risk_cents) in page.inner_text("#count")

    page.check('#filters input[value="denial"]')
    settle(page)
    assert rows_of(page) == total.denial
    assert "severity=denial" in page.url
    page.fill("#search", "75580 nothing-like-this")
    settle(page)
    assert rows_of(page) == 0
    assert "No finding fits" in page.inner_text("#count")
    page.click("#reset")
    assert rows_of(page) == 100
    assert "#" not in page.url


def test_the_state_comes_back_from_the_address(visit: Callable[..., Any]) -> None:
    page = visit(
        address="#severity=review&payer=Medicare&sort=-amount&group=rule&columns=amount,payer"
    )

    assert page.locator("#findings thead th").all_inner_texts() == ["Amount", "Payer"]
    assert page.locator("#findings tr.group").count() > 1
    payers = page.locator("#findings tbody tr:not(.group) td:last-child").all_inner_texts()
    assert set(payers) == {"Medicare"}


def test_a_heading_sorts_both_ways_by_keyboard(visit: Callable[..., Any]) -> None:
    page = visit()
    heading = page.locator("#findings thead button", has_text="Amount")
    heading.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    head = page.locator("#findings thead th", has_text="Amount")
    assert head.get_attribute("aria-sort") == "ascending"
    texts = page.locator("#findings tbody td.figure").all_inner_texts()
    amounts = [float(text.split("\n")[0].strip("$").replace(",", "")) for text in texts if text]
    assert amounts == sorted(amounts)


def test_a_permalink_opens_its_finding_and_closing_goes_back_to_its_row(
    visit: Callable[..., Any],
) -> None:
    finding = small_run().audit.findings.iloc[120]
    page = visit(address=f"#finding-{finding['finding']}")

    drawer = page.locator("#drawer")
    assert drawer.is_visible()
    said = drawer.inner_text()
    for text in (finding["message"], finding["remedy"], finding["claim_id"], "hospital.csv, row"):
        assert text in said
    page.click("#next")
    assert page.url.endswith(small_run().audit.findings["finding"].iloc[121])
    page.keyboard.press("Escape")
    assert drawer.is_hidden()
    assert "finding-" not in page.url


def test_a_rule_s_count_leads_to_its_lines(visit: Callable[..., Any]) -> None:
    page = visit()
    page.click('a[href="#rule=line_billed_twice"] >> nth=0')
    settle(page)

    found = (small_run().audit.findings["rule"] == "line_billed_twice").sum()
    assert rows_of(page) == found
    page.click('.rules a[href="#rule-filed_late"]')
    assert page.locator("#rule-filed_late .rule-body").is_visible()


def test_grouped_by_study_each_study_stands_once_with_its_money(visit: Callable[..., Any]) -> None:
    page = visit()
    page.select_option("#group", "story")
    settle(page)
    while page.locator("#more").is_visible():
        page.click("#more")

    run = small_run()
    told = stories(run.audit.findings)
    groups = page.locator("#findings tr.group").all_inner_texts()
    assert len(groups) == len(told)
    assert rows_of(page) == run.audit.totals.findings
    for text, (_, study) in zip(groups[:20], told.head(20).iterrows(), strict=True):
        assert f"Patient {study['patient_id']}, {study['first_date']:%Y-%m-%d}" in text
        assert dollars(max(study["at_risk"], study["missed"])) in text
        assert dollars(study["at_risk"] + study["missed"]) in text or study["missed"]
    assert "group=story" in page.url
    page.check("#hide-patients")
    settle(page)
    assert "Patient" not in page.locator("#findings tr.group").first.inner_text()


def test_the_drawer_leads_to_the_other_findings_of_the_study(visit: Callable[..., Any]) -> None:
    findings = small_run().audit.findings
    sizes = findings["story"].value_counts()
    study = sizes[sizes > 2].index[0]
    mine = findings[findings["story"] == study]["finding"].tolist()
    page = visit(address=f"#finding-{mine[0]}")

    links = page.locator("#drawer a[data-open]")
    assert [link.get_attribute("data-open") for link in links.all()] == mine[1:]
    links.first.click()
    assert f"#finding-{mine[1]}" in page.url
    page.click("#drawer >> text=in the worklist")
    settle(page)
    assert page.locator("#drawer").is_hidden()
    assert rows_of(page) == len(mine)
    page.click("#widen")
    assert rows_of(page) == 100
    assert page.locator("#narrowed").is_hidden()


def test_the_drawer_leads_to_its_rule(visit: Callable[..., Any]) -> None:
    finding = small_run().audit.findings.iloc[0]
    page = visit(address=f"#finding-{finding['finding']}")
    page.click(f'#drawer a[href="#rule-{finding["rule"]}"]')

    page.wait_for_selector(f"#rule-{finding['rule']} .rule-body", state="visible")
    assert page.locator("#drawer").is_hidden()


def test_a_pattern_leads_to_its_findings(visit: Callable[..., Any]) -> None:
    page = visit()
    told = patterns(small_run().audit.findings)
    page.click('a[href="#pattern=2"]')
    settle(page)

    assert rows_of(page) == told["findings"].iloc[1]
    said = page.inner_text("#narrowed-to")
    assert f"payer {told['payer'].iloc[1]}" in said
    assert dollars(int(told["at_risk"].iloc[1])) in page.inner_text("#count")


def test_the_list_shown_is_saved_as_csv_with_formulas_defused(visit: Callable[..., Any]) -> None:
    page = visit("hostile")
    with page.expect_download() as waiting:
        page.click("#export")
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    findings = hostile_run().audit.findings
    assert len(rows) == len(findings)
    assert list(rows[0]) == list(schema.FINDINGS)
    assert rows[0]["claim_id"] == '\'=HYPERLINK("http://x.example")'
    assert rows[1]["payer"] == "'@SUM(A1)"
    assert rows[1]["message"] == 'line\nbreak "quoted", comma'
    assert {row["counts_money"] for row in rows} == {"yes", "no"}
    assert rows[0]["story"] == findings["story"].iloc[0]
    assert rows[0]["amount"] == f"{findings['amount'].iloc[0] / 100:.2f}"


def test_what_is_copied_from_the_list_is_found_by_the_search(visit: Callable[..., Any]) -> None:
    page = visit()
    for chosen in ("th a", "td.nowrap >> nth=0"):
        words = page.inner_text(f"#findings tbody tr >> nth=3 >> {chosen}")
        page.fill("#search", words)
        settle(page)
        assert rows_of(page) > 0, words
        assert words in page.inner_text("#findings tbody tr >> nth=0")
        page.fill("#search", "")
        settle(page)


def test_what_people_decided_is_shown(visit: Callable[..., Any]) -> None:
    page = visit("decided")
    assert "Disposition" in page.inner_text("#findings thead")
    assert "not an error" in page.inner_text("#findings tbody tr >> nth=1")
    page.click("#findings tbody tr >> nth=1 >> a")
    facts = page.inner_text("#drawer-facts")
    assert "<b>call</b> the payer" in facts
    assert "A. Okafor" in facts
    page.click("#close")
    with page.expect_download() as waiting:
        page.click("#export")
    text = Path(waiting.value.path()).read_text(encoding="utf-8-sig")
    row = list(csv.DictReader(io.StringIO(text, newline="")))[1]
    assert (row["disposition"], row["owner"]) == ("not an error", "A. Okafor")
    # A note is free text, so it may name a patient.
    page.check("#hide-patients")
    settle(page)
    page.click("#findings tbody tr >> nth=1 >> a")
    assert "<b>call</b>" not in page.inner_text("#drawer-facts")


def test_what_is_still_undecided_is_listed_alone(visit: Callable[..., Any]) -> None:
    """Blank and "open" alike: in both cases somebody still has to decide."""
    findings = small_run().audit.findings
    page = visit("decided")
    options = page.locator("#filter-disposition option").all_inner_texts()
    left = len(findings) - 1
    assert options == ["all", f"undecided ({left})", "not an error (1)", "open (1)"]

    page.select_option("#filter-disposition", label=options[1])
    settle(page)
    assert page.inner_text("#count").startswith(f"{left} findings of {len(findings)}")
    shown = page.locator("#findings tbody tr").evaluate_all("rows => rows.map(row => row.id)")
    assert shown[:2] == [f"finding-{findings['finding'].iloc[row]}" for row in (0, 2)]

    # Whose a finding is, is searched as anything else that the list shows.
    page.click("#reset")
    page.fill("#search", "b. li")
    settle(page)
    assert rows_of(page) == 1

    page = visit("decided", "#disposition=not+an+error")
    assert page.input_value("#filter-disposition") == "not an error"
    assert rows_of(page) == 1


def test_without_decisions_no_column_speaks_of_them(visit: Callable[..., Any]) -> None:
    page = visit()
    assert page.locator("#filter-disposition").count() == 0
    assert "Disposition" not in page.inner_text("#findings thead")
    assert page.locator('input[name="column"][value="disposition"]').count() == 0


def test_hiding_patients_hides_them_everywhere_it_says(visit: Callable[..., Any]) -> None:
    page = visit()
    patient = small_run().audit.findings["patient_id"].iloc[0]
    assert patient in page.inner_text("#findings")
    page.check("#hide-patients")
    settle(page)
    assert patient not in page.inner_text("#findings")
    page.click("#findings tbody a >> nth=0")
    assert patient not in page.inner_text("#drawer")
    page.click("#close")
    page.fill("#search", patient)
    settle(page)
    assert rows_of(page) == 0
    page.fill("#search", "")
    settle(page)
    with page.expect_download() as waiting:
        page.click("#export")
    assert patient not in Path(waiting.value.path()).read_text(encoding="utf-8")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
@pytest.mark.parametrize("state", ["start", "sections", "study", "drawer", "clean"])
def test_axe_finds_no_fault(
    scheme: str, size: dict[str, int], state: str, visit: Callable[..., Any]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit("clean" if state == "clean" else "small", color_scheme=scheme, viewport=size)
    if state == "sections":
        page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    if state == "study":
        page.select_option("#group", "story")
        settle(page)
    if state == "drawer":
        page.click("#findings tbody a >> nth=0")

    faults = axe.run(page).response["violations"]
    assert [(fault["id"], [n["html"][:90] for n in fault["nodes"][:3]]) for fault in faults] == []
