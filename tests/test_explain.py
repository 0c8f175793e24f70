"""An explanation shows what decided a finding, whatever the rule, and no more of the patient."""

import csv
import json
import re
import shutil
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
import xlsxwriter

from auditor import batch, explain, judged_again
from auditor.audit import prepare
from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.explain import explain_page
from auditor.intake import read_files, tables_of
from auditor.progress import Progress
from auditor.reference import load_reference
from auditor.request import Request, open_request
from auditor.settings import Settings, read_settings
from auditor.shipped import reference_dir
from tests.case_lines import _filled

SAMPLES = Path(__file__).parent.parent / "samples"
FILES = (SAMPLES / "hospital.csv", SAMPLES / "professional.xlsx")
RULES = {rule.name: rule for rule in CATALOGUE}
CSV = frozenset({"csv", "parquet"})

loaded = cache(load_reference)


@pytest.fixture(scope="module")
def patched() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        for module in (batch, judged_again):
            patch.setattr(module, "load_reference", loaded)
        yield patch


@pytest.fixture(scope="module", autouse=True)
def tables_read_once(patched) -> None:
    """The shipped tables are the same for every run here."""


@dataclass(frozen=True)
class Sample:
    """A finished run of the samples."""

    folder: Path
    findings: pd.DataFrame


def audited(out: Path, *files: Path, **asked: object) -> pd.DataFrame:
    """The findings of a run whose reports stand in a folder."""
    request = {"settings": Settings(), "as_of": date(2026, 7, 13), "formats": CSV} | asked
    finished = batch.run(Request(files=files, out=out, **request), Progress(quiet=True))
    return finished.report.run.audit.findings


@pytest.fixture(scope="module")
def sample(tmp_path_factory, patched) -> Sample:
    folder = tmp_path_factory.mktemp("explain") / "out"
    request = Request(
        files=FILES,
        out=folder,
        settings=read_settings(SAMPLES / "audit.toml"),
        as_of=date(2026, 7, 15),
        formats=CSV,
    )
    result = batch.run(request, Progress(quiet=True)).report.run.audit
    return Sample(folder, result.findings)


@pytest.fixture(scope="module")
def pages(sample) -> dict[str, tuple[dict[str, object], str]]:
    """For each rule that fires on the samples its first finding with a partner, explained.

    The samples are read and prepared once, not once a finding.
    """
    request = open_request(sample.folder)
    claims = read_files(FILES)
    ready = prepare(
        claims.lines,
        loaded(reference_dir(), None),
        as_of=request.as_of,
        payers=dict(request.settings.payers),
        options=request.settings.options(),
    )
    found = sample.findings.assign(alone=sample.findings["partner_claim_id"] == "")
    first = found.sort_values("alone", kind="stable").drop_duplicates("rule")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judged_again, "claims_of", lambda *_, **__: claims)
        patch.setattr(judged_again, "prepared_for", lambda *_, **__: ready)
        patch.setattr(explain, "tables_of", cache(tables_of))
        return {
            row["rule"]: (row, explain_page(sample.folder, row["finding"]))
            for row in first.to_dict("records")
        }


def one_line(text: str) -> str:
    """Text without its line breaks and hyphens at their ends."""
    return re.sub(r"(?<=-) ", "", " ".join(text.split()))


def section(page: str, title: str) -> list[str]:
    """The lines of a section, their margin aside; none if there is no such section."""
    found = re.search(rf"^{title}\n((?:  .*\n?)*)", page, re.MULTILINE)
    return textwrap.dedent(found[1]).splitlines() if found else []


@cache
def cells_of(file: str) -> list[list[str]]:
    """The rows of a sample file as a spreadsheet shows them, read by other means."""
    path = SAMPLES / file
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream))
    sheet = openpyxl.load_workbook(path, read_only=True, data_only=True).worksheets
    rows = next(one for one in sheet if one.title == "PB lines").iter_rows(values_only=True)
    return [[str("" if cell is None else cell) for cell in row] for row in rows]


CIRCUMSTANCES = "of the circumstances of this line"
EVERY = pytest.mark.parametrize("rule", list(RULES))


def explained(pages, rule: str) -> tuple[dict[str, object], str]:
    if rule not in pages:
        pytest.skip("the sample has no finding of this rule")
    return pages[rule]


def test_nearly_every_rule_fires_on_the_samples(pages) -> None:
    assert len(pages) >= len(RULES) - 5


@EVERY
def test_the_head_tells_rule_finding_and_message(pages, rule) -> None:
    row, page = explained(pages, rule)

    assert page.startswith(f"{RULES[rule].title} ({rule})\nfinding {row['finding']}:")
    assert one_line(row["message"]) in one_line(page)
    assert one_line(RULES[rule].rationale) in one_line(page)
    assert one_line(" ".join(section(page, "What to do"))) == one_line(row["remedy"])
    assert str(row["severity"]) in page.splitlines()[1]


@EVERY
def test_the_cells_are_shown_as_they_stand_in_the_file(pages, rule) -> None:
    row, page = explained(pages, rule)

    where, *cells = section(page, "As read")
    sheet = f", sheet {row['source_sheet']}" if row["source_sheet"] else ""
    assert where == f"{row['source_file']}{sheet}, row {row['source_row']}"
    in_file = cells_of(str(row["source_file"]))[int(row["source_row"]) - 1]
    shown = [cell.partition(": ")[2] for cell in cells]
    assert len(shown) >= 10
    assert str(row["claim_id"]) in shown
    if str(row["source_file"]).endswith(".csv"):
        assert set(shown) <= set(in_file)
    else:
        # Dates and numbers of a workbook are typed: texts alone are compared.
        assert {cell for cell in shown if cell.isalpha()} <= set(in_file)


@EVERY
def test_what_was_understood_names_code_and_date(pages, rule) -> None:
    row, page = explained(pages, rule)

    understood = section(page, "As understood")

    assert f"procedure_code: {row['procedure_code']}" in understood
    assert f"service_date: {str(row['service_date'])[:10]}" in understood
    assert section(page, "What decided")[0].startswith("the rule speaks of: ")
    if row["severity"] != RULES[rule].severity:
        assert any(
            f"severity {row['severity']} instead of {RULES[rule].severity}" in line
            for line in section(page, "What decided")
        )


@EVERY
def test_each_condition_is_shown_and_holds(pages, rule) -> None:
    row, page = explained(pages, rule)

    conditions = section(page, "Conditions")

    scope = (RULES[rule].scope.__doc__ or "").partition("\n")[0].rstrip(".")
    assert one_line(" ".join(conditions)).startswith(f"holds: it is one of: {scope}")
    heads = [line for line in conditions if not line.startswith(" ")]
    assert len(heads) >= 2
    assert all(line.startswith("holds: ") for line in heads)
    if RULES[rule].claim_type:
        assert f"claim type is {row['claim_type']}" in one_line(" ".join(conditions))


@EVERY
def test_every_source_is_cited(pages, rule) -> None:
    row, page = explained(pages, rule)

    cited = one_line(" ".join(section(page, "Reference")))

    sources = loaded(reference_dir(), None).sources
    assert row["sources"]
    for name in str(row["sources"]).split():
        assert one_line(sources[name].title) in cited


@EVERY
def test_the_partner_line_is_shown_if_there_is_one(pages, rule) -> None:
    row, page = explained(pages, rule)

    partner = section(page, "Partner line")

    if not row["partner_claim_id"]:
        assert partner == []
        return
    assert f"claim_id: {row['partner_claim_id']}" in partner
    assert f"line_number: {row['partner_line_number']}" in partner
    assert any(line.startswith("source_row: ") for line in partner)
    if row["other_partners"]:
        assert f"others: {row['other_partners']}" in partner


@EVERY
def test_the_amount_is_told_with_what_it_rests_on(pages, rule) -> None:
    row, page = explained(pages, rule)

    (said,) = section(page, "Amount")

    if pd.isna(row["amount"]):
        assert "no " in said
        assert "$" not in said
    else:
        assert said.startswith(f"${row['amount'] / 100:,.2f} {str(row['money']).replace('_', ' ')}")
        assert said.partition(": ")[2]


def test_settings_of_the_run_are_shown_not_the_defaults(tmp_path) -> None:
    claims = export(tmp_path / "claims.csv", [{"diagnosis_codes": "I25.10", **SCAN}])
    chosen = Settings.model_validate({"limits": {"waiting_days": 21, "pairing_days": 5}})
    found = audited(tmp_path / "out", claims, reading_of_another(tmp_path), settings=chosen)
    finding = found.loc[found["rule"] == "professional_component_missing", "finding"].iloc[0]

    decided = section(explain_page(tmp_path / "out", finding), "What decided")

    assert "waiting_days = 21 (setting)" in decided
    assert "pairing_days = 5 (setting)" in decided


@pytest.mark.parametrize(
    ("rule", "cells", "because"),
    [
        ("global_billed_in_facility", {"place_of_service": "24"}, CIRCUMSTANCES),
        ("diagnosis_not_covered", {"diagnosis_codes": "Z00.00"}, CIRCUMSTANCES),
        ("ptp_pair_without_modifier", {}, "payer type is medicare_advantage"),
    ],
)
def test_the_payer_is_no_reason_for_a_severity_that_it_does_not_change(
    tmp_path, rule, cells, because
) -> None:
    own = {"claim_type": "professional", "modifiers": "", "payer": "Humana Medicare Advantage"}
    own |= {"service_date": "2024-08-05", "received_date": "2024-08-05"} | cells
    rows = [own, own | {"procedure_code": "75571", "line_number": "2"}]
    found = audited(tmp_path / "out", export(tmp_path / "claims.csv", rows))
    finding = found.loc[found["rule"] == rule, "finding"].iloc[0]

    decided = section(explain_page(tmp_path / "out", finding), "What decided")

    assert decided[-1].endswith(because)


def test_a_pair_rendered_by_two_says_so(tmp_path) -> None:
    own = {"claim_type": "professional", "service_date": "2024-08-05"}
    other = own | {"procedure_code": "75571", "line_number": "2", "rendering_npi": "3000000018"}
    found = audited(tmp_path / "out", export(tmp_path / "claims.csv", [own, other]))
    finding = found.loc[found["rule"] == "ptp_pair_without_modifier", "finding"].iloc[0]

    decided = section(explain_page(tmp_path / "out", finding), "What decided")

    assert decided[-1].endswith(": somebody else rendered the line of column one")


def test_a_date_that_decided_is_shown_as_a_date(tmp_path) -> None:
    scan = {"service_date": "2025-03-12"}
    reading = {"claim_type": "professional", "claim_id": "C2", "service_date": "2025-03-11"}
    found = audited(tmp_path / "out", export(tmp_path / "claims.csv", [scan, reading]))
    early = found["rule"] == "professional_component_before_technical"

    page = explain_page(tmp_path / "out", found.loc[early, "finding"].iloc[0])

    assert "scan_date: 2025-03-12" in section(page, "What decided")


def test_a_share_of_a_rate_that_is_not_known_is_no_amount_and_says_why(tmp_path) -> None:
    """Medicare has no hospital rate of 75574 for 2023."""
    own = tmp_path / "own"
    own.mkdir()
    (own / "sources.csv").write_text(
        "id,title,publisher,section,url,edition,published_on,checked_on\nown,Ours,,,,,,\n"
    )
    (own / "contract_rates.csv").write_text(
        "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
        "percent_of_medicare,source\nBCBS,75574,technical,institutional,,,,150,own\n"
    )
    ours = {"payer": "BCBS", "procedure_code": "75574"}
    reading = ours | {"claim_type": "professional", "place_of_service": "22"}
    rows = []
    for number, day in enumerate(["2023-01-10", "2023-12-10"]):
        of = {"patient_id": f"Q{number}", "service_date": day, "received_date": day}
        rows += [ours | of | {"claim_id": f"H{number}"}, reading | of | {"claim_id": f"D{number}"}]
    alone = {"patient_id": "P1", "claim_id": "C1", "service_date": "2023-06-01"}
    rows.append(reading | alone | {"received_date": "2023-06-02"})
    lines = export(tmp_path / "claims.csv", rows)
    with pytest.MonkeyPatch.context() as patch:
        for module in (batch, judged_again):
            patch.setattr(module, "load_reference", load_reference)
        found = audited(tmp_path / "out", lines, reference=own)
        missing = found["rule"] == "technical_component_missing"
        page = explain_page(tmp_path / "out", found.loc[missing, "finding"].iloc[0])

    (said,) = section(page, "Amount")
    assert said.startswith("your contract pays a percentage of Medicare's rate, and that is not")


# Small exports.

SCAN = {"service_date": "2025-06-01", "received_date": "2025-06-10"}
NAMES = (
    *("claim_id", "line_number", "patient_id", "claim_type", "bill_type", "service_date"),
    *("received_date", "procedure_code", "modifiers", "revenue_code", "units", "charge_cents"),
    *("allowed_cents", "paid_cents", "place_of_service", "diagnosis_codes", "billing_npi"),
    *("rendering_npi", "payer"),
)


def cells(rows: list[dict[str, str]], **more: str) -> list[list[str]]:
    """The table of an export, header first; ``more`` are columns of the same cell in every row."""
    header = [name.removesuffix("_cents") for name in NAMES]
    filled = [[_filled(row)[name] for name in NAMES] + list(more.values()) for row in rows]
    return [[*header, *(name.replace("_", " ") for name in more)], *filled]


def export(path: Path, rows: list[dict[str, str]], **more: str) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(cells(rows, **more))
    return path


def reading_of_another(folder: Path) -> Path:
    """Scans and readings around the year, so that a missing reading is one."""
    rows = []
    for number, day in enumerate(["2025-01-10", "2025-12-10"]):
        own = {"patient_id": f"Q{number}", "service_date": day, "received_date": day}
        rows.append(own | {"claim_id": f"H{number}"})
        rows.append(own | {"claim_id": f"D{number}", "claim_type": "professional"})
    return export(folder / "others.csv", rows)


def test_a_cell_of_an_export_commands_no_terminal_and_forges_no_section(tmp_path) -> None:
    department = "CT\x1b[2J\x07\nWhat to do\n  Nothing\u202e"
    claims = export(tmp_path / "claims.csv", [{"diagnosis_codes": ""}], Department=department)
    found = audited(tmp_path / "out", claims)
    finding = found.loc[found["rule"] == "diagnosis_missing", "finding"].iloc[0]

    page = explain_page(tmp_path / "out", finding)

    assert "\n  Department: CT\\x1b[2J\\x07\\nWhat to do\\n  Nothing\\u202e\n" in page
    assert [c for c in page if not c.isprintable() and c != "\n"] == []
    assert page.count("\nWhat to do\n") == 1


# Cells of columns that name the patient, and of one that is not read.
PRIVATE = {
    "Patient_Name": "MUSTERMANN, ERIKA",
    "Patient_Last_Name": "MUSTERFRAU",
    "Date_of_Birth": "1951-02-03",
    "SSN": "123-45-6789",
    "Home_Phone": "555-0100",
    "Patient_Address": "1 QUAY STREET",
    "Internal_Remark": "CALL BACK",
}


def test_no_column_that_names_the_patient_and_none_unread_is_shown(tmp_path) -> None:
    claims = export(tmp_path / "claims.csv", [{"diagnosis_codes": ""}], **PRIVATE)
    found = audited(tmp_path / "out", claims)
    finding = found.loc[found["rule"] == "diagnosis_missing", "finding"].iloc[0]

    page = explain_page(tmp_path / "out", finding)

    assert "claim_id: C1" in page
    for header, cell in PRIVATE.items():
        assert cell not in page
        assert header.replace("_", " ") not in page


def test_a_profile_a_sheet_and_settings_are_taken_up_again(tmp_path) -> None:
    rows = cells([{"payer": "Harbor Health", "diagnosis_codes": "", "procedure_code": "75574"}])
    rows[0][NAMES.index("claim_id")] = "Konto"
    with xlsxwriter.Workbook(tmp_path / "claims.xlsx") as book:
        for name, content in (("Summary", [["nothing"]]), ("Late", rows), ("Lines", rows)):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(content):
                sheet.write_row(number, 0, row)
    profile = tmp_path / "profile.toml"
    profile.write_text('[columns]\nclaim_id = "Konto"\nservice_state = { value = "TX" }\n')
    chosen = Settings.model_validate({"payers": {"Harbor Health": "medicaid"}})
    found = audited(
        tmp_path / "out",
        tmp_path / "claims.xlsx",
        settings=chosen,
        profiles=(profile,),
        sheet="Lines",
    )
    finding = found.loc[found["rule"] == "diagnosis_missing", "finding"].iloc[0]

    page = explain_page(tmp_path / "out", finding)

    assert section(page, "As read")[:2] == ["claims.xlsx, sheet Lines, row 2", "Konto: C1"]
    assert "payer_type: medicaid" in page
    assert "service_state: TX" in page


def test_a_sheet_named_by_the_profile_is_taken_up_again(tmp_path) -> None:
    rows = cells([{"diagnosis_codes": ""}])
    with xlsxwriter.Workbook(tmp_path / "claims.xlsx") as book:
        for name in ("Late", "Lines"):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)
    profile = tmp_path / "profile.toml"
    profile.write_text('sheet = "Lines"\n[columns]\nclaim_id = "claim_id"\n')
    found = audited(tmp_path / "out", tmp_path / "claims.xlsx", profiles=(profile,))
    finding = found.loc[found["rule"] == "diagnosis_missing", "finding"].iloc[0]

    page = explain_page(tmp_path / "out", finding)

    assert section(page, "As read")[0] == "claims.xlsx, sheet Lines, row 2"


def test_a_finding_of_corrected_lines_can_be_explained(tmp_path) -> None:
    row = {
        "claim_type": "professional",
        "modifiers": "59 26",
        "diagnosis_codes": "",
        "revenue_code": "0489",
    }
    claims = export(tmp_path / "claims.csv", [row])
    audited(tmp_path / "first", claims)
    found = audited(tmp_path / "second", claims, corrections=tmp_path / "first" / "corrections.csv")
    assert "component_modifier_not_first" not in set(found["rule"])
    finding = found.loc[found["rule"] == "diagnosis_missing", "finding"].iloc[0]

    page = explain_page(tmp_path / "second", finding)

    assert "modifiers: 26 59" in section(page, "As understood")


# What is refused.


@pytest.fixture(scope="module")
def small_run(tmp_path_factory) -> tuple[Path, str]:
    """A run of one line: where its folder and its export stand, and a finding."""
    place = tmp_path_factory.mktemp("small")
    found = audited(place / "out", export(place / "claims.csv", [{"diagnosis_codes": ""}]))
    return place, str(found["finding"].iloc[0])


@pytest.fixture
def run_of_one(small_run, tmp_path) -> tuple[Path, Path, str]:
    """A copy of the small run to spoil: its folder, its export and a finding."""
    place, finding = small_run
    shutil.copytree(place, tmp_path, dirs_exist_ok=True)
    asked = tmp_path / "out" / "request.json"
    said = json.loads(asked.read_text(encoding="utf-8"))
    said["files"] = [str(tmp_path / "claims.csv")]
    asked.write_text(json.dumps(said), encoding="utf-8")
    return tmp_path / "out", tmp_path / "claims.csv", finding


def refused(folder: Path, finding: str) -> AuditError:
    with pytest.raises(AuditError) as fault:
        explain_page(folder, finding)
    assert "\n" not in str(fault.value)
    return fault.value


def test_a_changed_export_is_refused(run_of_one) -> None:
    folder, claims, finding = run_of_one
    export(claims, [{"diagnosis_codes": "", "units": "2"}])

    fault = refused(folder, finding)

    assert str(claims) in str(fault)
    assert "has changed since the run" in str(fault)
    assert fault.exit_code == 1


def test_an_export_that_is_gone_is_refused(run_of_one) -> None:
    folder, claims, finding = run_of_one
    claims.unlink()

    assert claims.name in str(refused(folder, finding))


def test_a_masked_run_says_that_it_is_masked(tmp_path) -> None:
    claims = export(tmp_path / "claims.csv", [{"diagnosis_codes": ""}])
    found = audited(tmp_path / "out", claims, mask=True)

    fault = refused(tmp_path / "out", str(found["finding"].iloc[0]))

    assert str(fault).endswith(
        "is masked: its findings can't be told from the exports; run again without --mask"
    )
    assert fault.exit_code == 2


@pytest.mark.parametrize("finding", ["0" * 12, "", "121cff9a7b8", "no such"])
def test_an_unknown_finding_is_refused(run_of_one, finding) -> None:
    fault = refused(run_of_one[0], finding)

    assert fault.exit_code == 2
    assert "findings.csv" in str(fault)


def test_a_folder_that_is_no_run_is_refused(tmp_path) -> None:
    for folder in (tmp_path, tmp_path / "nowhere"):
        fault = refused(folder, "0" * 12)
        assert fault.exit_code == 2
        assert str(folder) in str(fault)


def test_a_run_without_the_parquet_file_says_what_it_lacks(run_of_one) -> None:
    folder, _, finding = run_of_one
    (folder / "findings.parquet").unlink()

    fault = refused(folder, finding)

    assert fault.exit_code == 2
    assert "findings.parquet" in str(fault)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda folder: (folder / "request.json").unlink(),
        lambda folder: (folder / "request.json").write_text("{", encoding="utf-8"),
        lambda folder: (folder / "request.json").write_text('{"format": 99}', encoding="utf-8"),
        lambda folder: (folder / "request.json").write_text("[]", encoding="utf-8"),
        lambda folder: (folder / "run.json").unlink(),
        lambda folder: (folder / "findings.parquet").write_bytes(b"PAR1"),
    ],
    ids=["no request", "half a request", "another format", "a list", "no run", "half parquet"],
)
def test_a_spoilt_folder_is_refused_with_one_line(run_of_one, spoil) -> None:
    folder, _, finding = run_of_one
    spoil(folder)

    assert refused(folder, finding).exit_code == 2


def test_a_run_whose_settings_were_edited_is_refused(run_of_one) -> None:
    folder, _, finding = run_of_one
    path = folder / "request.json"
    asked = json.loads(path.read_text(encoding="utf-8"))
    asked["settings"]["limits"]["waiting_days"] = "many"
    path.write_text(json.dumps(asked), encoding="utf-8")

    assert refused(folder, finding).exit_code == 2


def test_a_moved_folder_is_still_explained(run_of_one, tmp_path) -> None:
    folder, _, finding = run_of_one
    shutil.move(folder, tmp_path / "moved")

    assert finding in explain_page(tmp_path / "moved", finding)
