"""report.pdf: summary and rules on paper, no claim and no patient; one line where it can't be."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sample_history import NOTES, history_run
from sample_run import clean_run, empty_run, hostile_run, small_run

from auditor.errors import AuditError
from auditor.report import pdf
from auditor.report.changed import changed
from auditor.report.content import Run, build
from auditor.settings import Settings


def drawn() -> bool:
    try:
        pdf.require()
    except AuditError:
        return False
    return shutil.which("pdftotext") is not None


needs_library = pytest.mark.skipif(not drawn(), reason="weasyprint or poppler is not installed")


def pages_of(run: Run, folder: Path) -> list[str]:
    pdf.write(build(run), folder / pdf.NAME)
    command = ["pdftotext", "-layout", folder / pdf.NAME, "-"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return [" ".join(page.split()) for page in said.split("\f")]


def text_of(run: Run, folder: Path) -> str:
    return " ".join(pages_of(run, folder)).strip()


@needs_library
def test_verdict_gaps_and_flagged_rules_stand_in_it(tmp_path: Path) -> None:
    run = small_run()
    said = text_of(run, tmp_path)

    assert build(run).verdict.headline in said
    assert "3,535 lines read = 3,528 audited + 4 superseded + 3 rejected." in said
    for rule in build(run).rules:
        assert (f"What to do: {rule.remedy}" in said) == (rule.flagged > 0), rule.name
    assert re.search(r"1 of \d", said)


@needs_library
def test_no_claim_and_no_patient_stands_in_it(tmp_path: Path) -> None:
    said = text_of(history_run(), tmp_path)

    assert not re.search(r"[CP]0\d{5}", said)
    assert "What changed since 2026-06-29" in said
    assert NOTES[0] in said
    assert "6 waived findings are in none of these figures" in said


@needs_library
@pytest.mark.parametrize("run", [clean_run(), empty_run()], ids=["clean", "empty"])
def test_a_run_without_findings_is_drawn_too(run: Run, tmp_path: Path) -> None:
    assert build(run).verdict.headline in text_of(run, tmp_path)


@needs_library
def test_hostile_texts_stay_text_and_nothing_is_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(pdf, "_refused", lambda url, *_: asked.append(url))
    names = {"limit": '<img src="http://example.invalid/x.png">'}
    run = replace(hostile_run(), settings_changed=names, command="<script>alert(1)</script>")
    said = text_of(run, tmp_path)

    assert "<img src=x onerror=alert(1)>" in said
    assert asked == []


def test_a_missing_extra_is_one_line_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "weasyprint", None)

    with pytest.raises(AuditError) as fault:
        pdf.write(build(small_run()), tmp_path / pdf.NAME)
    assert str(fault.value) == (
        "format pdf: its library is not installed; pip install 'weasyprint>=63,<71'"
    )
    assert fault.value.exit_code == 2


def test_a_run_that_can_t_draw_stops_before_it_reads(tmp_path: Path) -> None:
    program = (
        "import sys; sys.modules['weasyprint'] = None; from auditor.cli import main;"
        "sys.argv = ['auditor', 'run', 'claims.csv', '--out', 'out', '--formats', 'csv,pdf'];"
        "main()"
    )
    (tmp_path / "claims.csv").write_text("claim_id\n", encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )

    assert ran.returncode == 2
    assert ran.stderr.splitlines() == [
        "auditor: format pdf: its library is not installed; pip install 'weasyprint>=63,<71'"
    ]
    assert not (tmp_path / "out").exists()


def test_it_is_made_only_when_asked_for() -> None:
    assert "pdf" not in Settings().formats
    assert Settings(formats=["pdf"]).formats == ["pdf"]


@needs_library
def test_what_is_to_be_minded_first_stands_in_it(tmp_path: Path) -> None:
    aside = "3 patient numbers stand with leading zeros on some lines and without on others"
    said = text_of(replace(small_run(), asides=(aside,)), tmp_path)

    assert f"Mind this first • {aside}" in said
    assert "Mind this first" not in text_of(small_run(), tmp_path)


@needs_library
def test_the_table_of_dollars_stands_on_one_page(tmp_path: Path) -> None:
    run = replace(history_run(), asides=("one note", "and another"))
    rows = [flow.label for flow in changed(build(run)).flows]
    pages = pages_of(run, tmp_path)

    (whole,) = [page for page in pages if rows[0] in page]
    assert [row for row in rows if row not in whole] == []
