"""The page's list in a browser: what changed, what is set apart, hiding, paper, many findings."""

import csv
import io
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sample_history import NOTES, history_run
from sample_run import HOSTILE_TAG, RIGHT_TO_LEFT, large_run, small_run

from auditor import schema

NARROW = {"width": 390, "height": 844}
WIDE = {"width": 1280, "height": 800}
Visit = Callable[..., Any]


def rows_of(page: Any) -> int:
    return page.locator("#findings tbody tr:not(.group)").count()


def settle(page: Any) -> None:
    """Waits in the page's own queue, behind its own wait, however slow the machine."""
    page.evaluate("() => new Promise((done) => setTimeout(done, 150))")


def downloaded(page: Any) -> str:
    with page.expect_download() as waiting:
        page.click("#export")
    return Path(waiting.value.path()).read_text(encoding="utf-8-sig")


# What changed ------------------------------------------------------------------------------------


def test_what_is_new_leads_to_its_findings(visit: Visit) -> None:
    page = visit("history")
    new = int((history_run().audit.findings["status"] == "new").sum())
    page.click('#changes a[href="#status=new"]')
    settle(page)

    assert rows_of(page) == new
    assert "status=new" in page.url
    assert set(page.locator("#findings span.status").all_inner_texts()) == {"New"}


def test_waived_and_resolved_findings_stand_apart_from_the_open_ones(visit: Visit) -> None:
    run = history_run()
    assert run.changes is not None
    page = visit("history")
    while page.locator("#more").is_visible():
        page.click("#more")
    assert rows_of(page) == run.audit.totals.findings

    for status, frame in (("waived", run.changes.waived), ("resolved", run.changes.resolved)):
        page.select_option("#filter-status", status)
        settle(page)
        assert rows_of(page) == len(frame)
        assert f"{len(frame)} {status} findings" in page.inner_text("#count")
        assert "not in the totals of this report" in page.inner_text("#count")
    page.select_option("#group", "story")
    settle(page)
    assert page.locator("#findings tr.group").count() == run.changes.resolved["story"].nunique()


def test_a_waived_finding_tells_its_waiver_and_since_when_it_is_known(visit: Visit) -> None:
    run = history_run()
    assert run.changes is not None
    finding = run.changes.waived["finding"].iloc[2]
    page = visit("history", address=f"#finding-{finding}")

    said = page.inner_text("#drawer")
    assert "Contract of 2025 allows it (M. Okafor, until 2026-12-31)" in said
    assert "Waived; first seen 2026-05-04, 57 days ago" in said
    page.click("#close")
    rows = list(csv.DictReader(io.StringIO(downloaded(page), newline="")))
    assert list(rows[0]) == [*schema.FINDINGS, "first_seen", "waiver"]
    assert {row["status"] for row in rows} == {"waived"}
    assert {row["story"] for row in rows} == set(run.changes.waived["story"])


def test_the_oldest_findings_come_first_when_asked(visit: Visit) -> None:
    page = visit("history", address="#sort=first_seen&columns=first_seen,status")

    days = page.locator("#findings tbody td:first-child").all_inner_texts()
    seen = page.locator("#findings tbody td:last-child").all_inner_texts()
    assert days[0] == "Persisting\n120 days"
    assert seen == sorted(seen)


def test_without_script_what_changed_is_told(visit: Visit) -> None:
    page = visit("history", java_script_enabled=False)

    section = page.inner_text("#changes")
    assert "What changed since 2026-06-29" in section
    assert NOTES[0] in section
    assert page.locator("#changes .trend svg").count() == 3
    assert page.locator("#changes table.apart").count() == 2


def test_a_first_night_draws_no_trend(visit: Visit) -> None:
    page = visit("first_night")

    assert "The first run of this history" in page.inner_text("#changes")
    assert page.locator(".trend").count() == 0


# Filters, keyboard, addresses --------------------------------------------------------------------


def test_a_provider_narrows_the_list(visit: Visit) -> None:
    page = visit()
    page.select_option("#filter-billing-npi", "1000000004")
    settle(page)
    page.wait_for_url(lambda url: "billing_npi=1000000004" in url)

    assert page.inner_text("#count").startswith(f"{small_run().audit.totals.findings} findings")


def test_a_filter_that_the_list_does_not_offer_is_left_out(visit: Visit) -> None:
    page = visit(address="#payer=Nobody&status=waived&group=x&columns=nothing")

    assert rows_of(page) == 100
    assert page.locator("#findings thead th").count() == 8


def test_a_finding_opens_and_closes_by_keyboard(visit: Visit) -> None:
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    link = page.locator("#findings tbody a").nth(3)
    link.focus()
    page.keyboard.press("Enter")
    assert page.locator("#drawer").is_visible()
    assert page.evaluate("document.activeElement.id") == "drawer-title"
    page.keyboard.press("Escape")
    assert page.locator("#drawer").is_hidden()
    assert page.evaluate("document.activeElement.textContent") == link.inner_text()


def test_a_claim_number_is_copied(visit: Visit) -> None:
    page = visit(permissions=["clipboard-read", "clipboard-write"])
    page.click("#findings tbody a >> nth=0")
    page.click("#copy")
    # No wait_for_function: where it has to ask twice, the page's policy forbids what it evaluates.
    page.wait_for_selector("#drawer-said:not(:empty)")

    assert page.inner_text("#drawer-said") == "Claim number copied."
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == small_run().audit.findings["claim_id"].iloc[0]


# A shared screen, and paper ----------------------------------------------------------------------


def test_hidden_patients_stay_hidden_whatever_link_is_followed(visit: Visit) -> None:
    page = visit("history")
    patients = set(history_run().audit.findings["patient_id"])
    page.check("#hide-patients")
    settle(page)
    page.click('#verdict a[href="#severity=review"]')
    settle(page)
    page.select_option("#group", "story")
    settle(page)
    assert page.locator("#hide-patients").is_checked()
    page.click("#reset")
    assert page.locator("#hide-patients").is_checked()
    page.select_option("#filter-status", "waived")
    settle(page)

    assert not patients & set(re.findall(r"P\d{6}", page.inner_text("body")))
    assert not re.search(r"P\d{6}", downloaded(page))


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_paper_holds_verdict_rules_and_the_rows_shown(
    paper: str, visit: Visit, tmp_path: Path
) -> None:
    page = visit("history")
    page.pdf(path=tmp_path / "whole.pdf", format=paper, landscape=True)
    page.check("#hide-patients")
    settle(page)
    page.pdf(path=tmp_path / "hidden.pdf", format=paper, landscape=True)

    whole, hidden = (
        subprocess.run(
            ["pdftotext", "-layout", tmp_path / name, "-"], capture_output=True, text=True
        ).stdout
        for name in ("whole.pdf", "hidden.pdf")
    )
    for said in ("correct 62 likely denials", "What changed since 2026-06-29", "Why a payer cares"):
        assert said in whole
        assert said in hidden
    patient = history_run().audit.findings["patient_id"].iloc[0]
    assert patient in whole
    assert not re.search(r"P\d{6}", hidden)
    assert "Download shown as CSV" not in whole


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="poppler is not installed")
@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_an_open_finding_is_printed_alone(paper: str, visit: Visit, tmp_path: Path) -> None:
    page = visit("history")
    page.click("#findings tbody a >> nth=0")
    page.pdf(path=tmp_path / "one.pdf", format=paper)

    command = ["pdftotext", "-layout", tmp_path / "one.pdf", "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.count("\f") == 1
    for words in (page.inner_text("#drawer-title"), "What to do", "as of 2026-06-30"):
        assert words in said
    for words in ("at risk and", "Why a payer cares", "Copy claim number", "Search"):
        assert words not in said


@pytest.mark.parametrize("width", [1020, 955], ids=["A4", "Letter"])
@pytest.mark.parametrize("name", ["small", "history"])
def test_nothing_is_wider_than_the_paper(name: str, width: int, visit: Visit) -> None:
    page = visit(name, viewport={"width": width, "height": 700})
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    assert page.evaluate("document.documentElement.scrollWidth") <= width


# Texts that would break out ----------------------------------------------------------------------


def test_hostile_cells_are_shown_as_they_are(visit: Visit) -> None:
    page = visit("hostile")
    body = page.inner_text("#findings")

    for text in ("</script><script>alert(1)</script>", HOSTILE_TAG, RIGHT_TO_LEFT, "x" * 10_000):
        assert text in body
    assert page.locator("#findings img, #findings script, #findings b").count() == 0
    page.click("#findings tbody a >> nth=3")
    drawer = page.inner_text("#drawer")
    assert HOSTILE_TAG in drawer
    assert "x" * 10_000 in drawer
    assert page.evaluate("document.documentElement.scrollWidth") == WIDE["width"]


# Many findings -----------------------------------------------------------------------------------


def test_fifty_thousand_findings_are_filtered_and_only_what_is_seen_is_drawn(visit: Visit) -> None:
    page = visit("large")
    findings = large_run().audit.findings
    assert rows_of(page) == 100
    assert f"{len(findings):,} findings" in page.inner_text("#count")
    page.fill("#search", "sample mutual 75573")
    settle(page)

    page.wait_for_selector("#count:has-text(' of ')")
    hit = (findings["payer"] == "Sample Mutual") & (findings["procedure_code"] == "75573")
    assert page.inner_text("#count").startswith(f"{int(hit.sum()):,} findings of")
    far = findings["finding"].iloc[49_000]
    page.goto(page.url.split("#")[0] + f"#finding-{far}")
    page.wait_for_selector("#drawer[open]")
    page.click("#previous")
    assert rows_of(page) == 100


def test_a_page_that_holds_only_the_top_says_where_the_rest_is(visit: Visit) -> None:
    page = visit("partial")
    total = small_run().audit.totals.findings
    held = int(re.search(r"holds (\d+) of", page.inner_text("#partial"))[1])  # type: ignore[index]

    assert 0 < held < total
    assert "findings.csv" in page.inner_text("#partial")
    assert page.inner_text("#count").startswith(f"{held} findings")
    absent = small_run().audit.findings["finding"].iloc[-1]
    page.goto(page.url.split("#")[0] + f"#finding-{absent}")
    settle(page)
    assert "not in this page" in page.inner_text("#count")


# Accessibility -----------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["wide", "narrow"])
def test_axe_finds_no_fault_where_a_history_is_told(
    scheme: str, size: dict[str, int], visit: Visit
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = visit("history", color_scheme=scheme, viewport=size)
    page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
    faults = axe.run(page).response["violations"]
    page.evaluate("location.hash = 'status=waived'")
    settle(page)
    page.click("#findings tbody a >> nth=0")
    faults += axe.run(page).response["violations"]

    assert [(fault["id"], [n["html"][:90] for n in fault["nodes"][:3]]) for fault in faults] == []
    assert page.evaluate("document.documentElement.scrollWidth") == size["width"]
