"""Each line of a claim is told what every rule says of it, and why a rule finds nothing."""

import re
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from auditor import batch
from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.explain_line import line_page
from auditor.progress import Progress
from auditor.request import Request
from auditor.settings import Settings
from tests.benchmarks.generate import generate
from tests.test_explain import export

FOUND, UNJUDGED = "Found", "Could not be judged"
CLEAN, SILENT = "No finding, and the first condition", "Not about such a line"
SEED = 5  # one whose few lines have findings


def audited(out: Path, *files: Path, **asked: object) -> batch.Finished:
    request = {"settings": Settings(), "as_of": date(2026, 7, 13)} | asked
    formats = frozenset({"csv", "parquet"})
    return batch.run(
        Request(files=files, out=out, formats=formats, **request), Progress(quiet=True)
    )


def parts(page: str) -> dict[str, str]:
    """The sections of the page of one line, by how their titles begin."""
    titles = "|".join((FOUND, UNJUDGED, CLEAN, SILENT))
    split = re.split(rf"^({titles}).*\n", page, flags=re.MULTILINE)
    return dict(zip(split[1::2], split[2::2], strict=True))


def named(text: str) -> list[str]:
    """The rules that a section names."""
    known = {rule.name for rule in CATALOGUE}
    return [word for word in re.findall(r"[a-z_0-9]+", text) if word in known]


@pytest.fixture(scope="module")
def invented(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, batch.Finished]:
    """A run of an invented export in which some lines have findings."""
    place = tmp_path_factory.mktemp("invented")
    generate(place / "lines.csv", lines=40, mix="departmental", seed=SEED)
    return place / "out", audited(place / "out", place / "lines.csv")


def test_every_line_stands_in_the_books_as_its_page_says(invented) -> None:
    folder, finished = invented
    audit = finished.report.run.audit
    told = dict.fromkeys((FOUND, UNJUDGED, CLEAN), 0)
    claims = audit.lines["claim_id"].unique()

    for claim in claims:
        for page in re.split(r"^(?=Claim )", line_page(folder, claim, None), flags=re.MULTILINE)[
            1:
        ]:
            sections = parts(page)
            assert set(named(" ".join(sections.values()))) == {rule.name for rule in CATALOGUE}
            for title in told:
                told[title] += len(re.findall(r"^  \S", sections.get(title, ""), re.MULTILINE))

    books = audit.books[["in_scope", "clean", "not_evaluated"]].sum()
    assert told[CLEAN] == books["clean"]
    assert told[UNJUDGED] == books["not_evaluated"]
    assert told[FOUND] == len(audit.findings) > 0


def test_a_finding_is_named_as_the_worklist_names_it(invented) -> None:
    folder, finished = invented

    for row in finished.report.run.audit.findings.head(8).to_dict("records"):
        number = None if pd.isna(row["line_number"]) else int(row["line_number"])
        found = parts(line_page(folder, row["claim_id"], number))[FOUND]
        assert f"{row['severity']}, finding {row['finding']}: " in found
        assert row["rule"] in named(found)


@pytest.fixture
def scan_and_reading(tmp_path: Path) -> Path:
    reading = {"claim_id": "D1", "claim_type": "professional", "place_of_service": "22"}
    replaced = {"claim_id": "H7", "bill_type": "0131", "received_date": "2025-06-10"}
    again = replaced | {"bill_type": "0137", "received_date": "2025-06-20"}
    rows = [
        {"claim_id": "H1", "revenue_code": "0480"},
        reading | {"modifiers": "26"},
        replaced,
        again,
    ]
    audited(tmp_path / "out", export(tmp_path / "lines.csv", rows))
    return tmp_path / "out"


def test_what_a_rule_lacked_for_a_finding_is_said(scan_and_reading: Path) -> None:
    page = line_page(scan_and_reading, "H1", 1)
    clean = " ".join(parts(page)[CLEAN].split())

    assert page.startswith("Claim H1, line 1: 75574 of 2025-03-10\nlines.csv, row 2\n")
    assert "(revenue_code_missing) FAILS: revenue code is blank: 0480" in clean
    assert "(revenue_code_on_professional_line)" not in clean
    assert "revenue_code_on_professional_line" in named(parts(page)[SILENT])


def test_lines_that_were_replaced_are_said_to_be(scan_and_reading: Path) -> None:
    page = line_page(scan_and_reading, "H7", None)

    assert page.count("\nlines.csv, row ") == 1
    assert "lines.csv, row 5\n" in page
    assert "1 of its lines is superseded" in page


def test_a_claim_that_is_not_there_is_refused_in_one_line(scan_and_reading: Path) -> None:
    for claim, number in (("NOPE", None), ("H1", 9)):
        with pytest.raises(AuditError, match=r"rejected\.csv names the rows") as fault:
            line_page(scan_and_reading, claim, number)
        assert fault.value.exit_code == 2
        assert "\n" not in str(fault.value)


def test_a_masked_run_knows_no_claims(tmp_path: Path) -> None:
    audited(tmp_path / "out", export(tmp_path / "lines.csv", [{"claim_id": "H1"}]), mask=True)

    with pytest.raises(AuditError, match="is masked"):
        line_page(tmp_path / "out", "H1", None)


def test_a_run_whose_history_went_on_is_not_judged_without_it(tmp_path: Path) -> None:
    """The scan of the first run is in no export of the second, and would be called missing."""
    reading = {"claim_id": "D1", "claim_type": "professional", "modifiers": "26"}
    for name, row in (("scan", {"claim_id": "H1"}), ("reading", reading), ("other", {})):
        lines = export(tmp_path / f"{name}.csv", [row])
        audited(tmp_path / name, lines, history=tmp_path / "history")
        if name == "reading":
            assert "\nFound\n" not in line_page(tmp_path / name, "D1", None)

    with pytest.raises(AuditError, match="reading: its history has changed since; ask in"):
        line_page(tmp_path / "reading", "D1", None)
