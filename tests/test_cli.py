"""The commands: exit codes, what they say, and that a refused run leaves nothing behind."""

import csv
import gzip
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import msoffcrypto.format.ooxml
import pandas as pd
import pytest
import typer
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor import as_requested, batch, cli, judged_again, rule_pages
from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.history.ledger import runs_in
from auditor.intake import read_files
from auditor.reference import load_reference
from auditor.report import data
from auditor.self_test import self_test
from tests.case_lines import _filled

INPUTS = Path(__file__).parent.parent.parent / "shared" / "inputs"
COLUMNS = [
    *("claim_id", "line_number", "patient_id", "claim_type", "bill_type", "service_date"),
    *("received_date", "procedure_code", "modifiers", "revenue_code", "units", "charge_cents"),
    *("allowed_cents", "paid_cents", "place_of_service", "diagnosis_codes", "billing_npi"),
    *("rendering_npi", "payer"),
]
HEADERS = {"charge_cents": "charge", "allowed_cents": "allowed", "paid_cents": "paid"}
# No revenue code: a denial. An accepted one that is not preferred: a note.
DENIAL = {"claim_id": "C1", "revenue_code": ""}
NOTE = {"claim_id": "C2", "patient_id": "P2", "revenue_code": "0352"}
SOME = {
    "revenue_code_missing",
    "revenue_code_not_preferred",
    "revenue_code_unexpected",
    "service_date_in_future",
}
OTHER = {"claim_id": "C3", "patient_id": "P3", "procedure_code": "99213", "revenue_code": "0510"}


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def fault(self) -> str:
        """The one line on stderr that says why, progress aside."""
        lines = [line for line in self.err.splitlines() if not line.startswith("[")]
        assert len(lines) == 1, self.err
        assert lines[0].startswith("auditor: ")
        assert "Traceback" not in self.err
        return lines[0]


Auditor = Callable[..., Ran]

loaded = cache(load_reference)


FEW = [rule for rule in CATALOGUE if rule.name in SOME]


@pytest.fixture
def auditor(whole_auditor, monkeypatch) -> Auditor:
    """The program with a few rules: how it ends is the same, and sooner."""
    monkeypatch.setattr(batch, "CATALOGUE", tuple(FEW))
    monkeypatch.setattr(as_requested, "audit", partial(as_requested.audit, rules=FEW))
    return whole_auditor


@pytest.fixture
def whole_auditor(monkeypatch, capsys) -> Auditor:
    # The shipped tables are read once for all tests; test_reference reads them anew.
    for module in (batch, judged_again, rule_pages):
        monkeypatch.setattr(module, "load_reference", loaded)

    def ran(*words: object) -> Ran:
        monkeypatch.setattr(sys, "argv", ["auditor", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            cli.main()
        captured = capsys.readouterr()
        code = end.value.code
        return Ran(int(code or 0), captured.out, captured.err)

    return ran


def table(*rows: dict[str, str]) -> list[list[str]]:
    filled = [_filled(row) for row in rows]
    return [[HEADERS.get(name, name) for name in COLUMNS]] + [
        [row[name] for name in COLUMNS] for row in filled
    ]


def export(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(table(*rows))
    return path


@pytest.fixture
def claims(tmp_path) -> Path:
    return export(tmp_path / "claims.csv", DENIAL, NOTE, OTHER)


def left_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def run(auditor: Auditor, out: Path, *words: object) -> Ran:
    return auditor("run", *words, "--out", out, "--as-of", "2026-06-30", "--formats", "csv")


def rules_in(out: Path) -> list[str]:
    with (out / "findings.csv").open(encoding="utf-8", newline="") as stream:
        return [row["rule"] for row in csv.DictReader(stream)]


# A run that ends.


def test_a_run_writes_every_report_and_says_the_verdict(whole_auditor, claims, tmp_path) -> None:
    out = tmp_path / "out"

    ran = whole_auditor("run", claims, "--out", out, "--as-of", "2026-06-30")

    assert ran.code == 0
    assert "denial" in ran.out
    assert f"Reports: {out}" in ran.out
    assert "reading claims.csv" in ran.err
    assert "auditing 3 claim lines" in ran.err
    written = {"findings.csv", "findings.parquet", "report.html", "report.xlsx"}
    assert left_in(out) >= written | {"rejected.csv", "run.json"}
    assert left_in(tmp_path) == {"claims.csv", "out"}
    assert {"revenue_code_missing", "revenue_code_not_preferred"} <= set(rules_in(out))


def test_a_folder_and_its_parents_are_made(auditor, claims, tmp_path) -> None:
    (tmp_path / "a").mkdir()

    assert run(auditor, tmp_path / "a" / "b" / "out", claims).code == 0
    assert (tmp_path / "a" / "b" / "out" / "run.json").is_file()
    assert left_in(tmp_path / "a" / "b") == {"out"}


def test_quiet_says_nothing_on_stderr(auditor, claims, tmp_path) -> None:
    ran = run(auditor, tmp_path / "out", claims, "--quiet")

    assert (ran.code, ran.err) == (0, "")
    assert ran.out


def test_no_patient_and_no_claim_is_named_on_the_terminal(auditor, tmp_path) -> None:
    row = {"patient_id": "MRN-77120", "claim_id": "CLAIM-8842", "revenue_code": ""}
    ran = run(auditor, tmp_path / "out", export(tmp_path / "claims.csv", row))

    assert ran.code == 0
    assert "77120" not in ran.out + ran.err
    assert "8842" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("row", "fail_on", "code"),
    [
        (DENIAL, "denial", 3),
        (DENIAL, "note", 3),
        (NOTE, "review", 0),
        (NOTE, "note", 3),
        (OTHER, "note", 0),
    ],
)
def test_fail_on_makes_findings_at_least_so_severe_exit_3(
    auditor, tmp_path, row, fail_on, code
) -> None:
    path = export(tmp_path / "claims.csv", row)

    ran = run(auditor, tmp_path / "out", path, "--fail-on", fail_on)

    assert ran.code == code
    assert (tmp_path / "out" / "findings.csv").is_file()


def test_the_as_of_date_decides_and_is_recorded(auditor, tmp_path) -> None:
    path = export(tmp_path / "claims.csv", DENIAL | {"received_date": ""})

    auditor("run", path, "--out", tmp_path / "out", "--as-of", "2025-03-09", "--formats", "csv")

    assert "service_date_in_future" in rules_in(tmp_path / "out")
    described = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert "2025-03-09" in json.dumps(described)


def test_formats_choose_what_is_written(auditor, claims, tmp_path) -> None:
    ran = auditor("run", claims, "--out", tmp_path / "out", "--formats", " CSV, html,")

    assert ran.code == 0
    written = left_in(tmp_path / "out")
    assert {"findings.csv", "report.html", "rejected.csv", "run.json"} <= written
    assert not {"findings.parquet", "report.xlsx"} & written


def test_a_second_run_replaces_the_first_whole(auditor, claims, tmp_path) -> None:
    out = tmp_path / "out"
    auditor("run", claims, "--out", out, "--formats", "csv,parquet")
    first = (out / "run.json").read_bytes()

    assert run(auditor, out, export(tmp_path / "note.csv", NOTE)).code == 0

    assert {"findings.csv", "rejected.csv", "run.json"} <= left_in(out)
    assert "findings.parquet" not in left_in(out)
    assert (out / "run.json").read_bytes() != first
    assert "revenue_code_missing" not in rules_in(out)
    assert left_in(tmp_path) == {"claims.csv", "note.csv", "out"}


def test_the_same_inputs_give_the_same_findings_file(auditor, claims, tmp_path) -> None:
    for name in ("one", "other"):
        run(auditor, tmp_path / name, claims)

    one, other = ((tmp_path / name / "findings.csv").read_bytes() for name in ("one", "other"))
    assert one == other
    identities = {
        json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8")).get("identity")
        for name in ("one", "other")
    }
    assert len(identities) == 1


def test_an_export_without_one_line_of_the_family_says_so(auditor, tmp_path) -> None:
    ran = run(auditor, tmp_path / "out", export(tmp_path / "claims.csv", OTHER, OTHER))

    assert ran.code == 0
    assert "No line of the cardiac CT family was found in 2 lines" in ran.out


def test_an_export_of_which_no_line_can_be_read_says_so(auditor, tmp_path) -> None:
    unread = OTHER | {"service_date": "soon"}

    ran = run(auditor, tmp_path / "out", export(tmp_path / "claims.csv", unread, unread))

    assert ran.code == 0
    assert "None of 2 lines could be read; nothing was judged." in ran.out
    assert "rejected line" in ran.out


def test_a_second_sheet_of_claim_lines_is_told_first(auditor, tmp_path) -> None:
    with xlsxwriter.Workbook(tmp_path / "claims.xlsx") as book:
        for name in ("HB", "PB"):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(table(DENIAL, NOTE, OTHER)):
                sheet.write_row(number, 0, row)

    ran = run(auditor, tmp_path / "out", tmp_path / "claims.xlsx")

    said = "claims.xlsx: only the sheet 'HB' was read; 'PB' looks like claim lines, too."
    assert said in ran.out
    assert said in json.loads((tmp_path / "out" / "run.json").read_text("utf-8"))["asides"][0]


def test_each_sheet_of_a_workbook_is_a_run_of_its_own_to_a_history(whole_auditor, tmp_path) -> None:
    with xlsxwriter.Workbook(tmp_path / "claims.xlsx") as book:
        for name, line in (("HB", DENIAL), ("PB", NOTE)):
            sheet = book.add_worksheet(name)
            for number, row in enumerate(table(line)):
                sheet.write_row(number, 0, row)

    for name in ("HB", "PB"):
        words = ("--sheet", name, "--history", tmp_path / "history")
        assert run(whole_auditor, tmp_path / name, tmp_path / "claims.xlsx", *words).code == 0

    assert len(runs_in(tmp_path / "history")) == 2


def test_a_number_over_both_kinds_of_lines_is_told_first(auditor, tmp_path) -> None:
    """The number of an account (HAR): the reading would be judged as a hospital's line."""
    scan = OTHER | {"procedure_code": "75574", "claim_type": "", "revenue_code": "0489"}
    reading = scan | {
        "bill_type": "",
        "revenue_code": "",
        "modifiers": "26",
        "place_of_service": "22",
    }
    other = reading | {"claim_id": "B9"}

    ran = run(auditor, tmp_path / "out", export(tmp_path / "claims.csv", scan, reading))
    assert "1 claim number holds both hospital and professional lines" in ran.out
    ran = run(auditor, tmp_path / "out", export(tmp_path / "claims.csv", scan, other))
    assert "hospital and professional lines" not in ran.out


def test_a_line_that_stands_in_two_exports_is_told_first(auditor, tmp_path) -> None:
    """Exports of overlapping periods; a history would keep the newest of both."""
    credit = OTHER | {"units": "-1", "charge_cents": "-1500.00"}
    payment = OTHER | {"paid_cents": "80.00"}
    week = export(tmp_path / "week.csv", NOTE, OTHER)
    month, apart = tmp_path / "month.csv", tmp_path / "apart.csv"

    ran = run(auditor, tmp_path / "out", week, export(month, payment, DENIAL))
    assert "1 line stands in more than one of the exports" in ran.out
    ran = run(auditor, tmp_path / "out", week, export(apart, credit, OTHER | {"line_number": "2"}))
    assert "more than one of the exports" not in ran.out
    ran = run(auditor, tmp_path / "out", week, month, "--history", tmp_path / "history")
    assert "more than one of the exports" not in ran.out


def test_patients_with_and_without_their_zeros_are_told_first(auditor, tmp_path) -> None:
    """One export kept the numbers as text, the other as numbers: no study finds its other half."""
    kept, lost = OTHER | {"patient_id": "0012"}, OTHER | {"patient_id": "12", "claim_id": "B9"}
    others = [OTHER | {"patient_id": number, "claim_id": number} for number in ("0", "120", "A012")]

    ran = run(auditor, tmp_path / "out", export(tmp_path / "claims.csv", kept, lost, *others))
    assert "A patient number stands with leading zeros on some lines and without on" in ran.out
    ran = run(auditor, tmp_path / "out", export(tmp_path / "claims.csv", kept, *others))
    assert "leading zeros" not in ran.out


def test_a_workbook_and_a_parquet_file_say_what_the_csv_says(auditor, claims, tmp_path) -> None:
    rows = table(DENIAL, NOTE, OTHER)
    with xlsxwriter.Workbook(tmp_path / "claims.xlsx") as book:
        sheet = book.add_worksheet()
        for number, row in enumerate(rows):
            sheet.write_row(number, 0, row)
    pd.DataFrame(rows[1:], columns=rows[0]).to_parquet(tmp_path / "claims.parquet")

    found = []
    for name in ("claims.csv", "claims.xlsx", "claims.parquet"):
        assert run(auditor, tmp_path / "out", tmp_path / name).code == 0
        found.append(sorted(rules_in(tmp_path / "out")))

    assert found[0] == found[1] == found[2]


# A run that is refused.


def encrypted(path: Path) -> None:
    plain = io.BytesIO()
    with xlsxwriter.Workbook(plain, {"in_memory": True}) as book:
        for number, row in enumerate(table(DENIAL)):
            book.worksheets()[0].write_row(number, 0, row) if number else book.add_worksheet()
    plain.seek(0)
    with path.open("wb") as stream:
        msoffcrypto.format.ooxml.OOXMLFile(plain).encrypt("a word", stream)


REFUSED: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "an empty file": ("a.csv", lambda path: path.write_bytes(b""), "empty"),
    "a header without lines": ("a.csv", export, "a.csv"),
    "only blank lines": ("a.csv", lambda path: path.write_text("\n\n\n"), "a.csv"),
    "a binary file named .csv": ("a.csv", lambda path: path.write_bytes(os.urandom(4000)), "a.csv"),
    "a PDF named .csv": ("a.csv", lambda path: path.write_bytes(b"%PDF-1.7\n1 0 obj"), "PDF"),
    "an encrypted workbook": ("a.xlsx", encrypted, "password"),
    "an empty gzip": ("a.csv.gz", lambda path: path.write_bytes(b""), "empty"),
    "a gzip of nothing": ("a.csv.gz", lambda path: path.write_bytes(gzip.compress(b"")), "nothing"),
    "a folder": ("a.csv", Path.mkdir, "folder"),
    "a file that is not there": ("a.csv", lambda path: None, "doesn't exist"),
    "other columns": ("a.csv", lambda path: path.write_text("fruit,colour\napple,red\n"), "a.csv"),
    "prose": ("a.csv", lambda path: path.write_text("Dear all,\nplease find attached\n"), "a.csv"),
    "a parquet file cut short": (
        "a.parquet",
        lambda path: path.write_bytes(b"PAR1ab"),
        "a.parquet",
    ),
    "a zip cut short": ("a.zip", lambda path: path.write_bytes(b"PK\x03\x04abcd"), "a.zip"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_with_one_line(auditor, tmp_path, what) -> None:
    name, made, says = REFUSED[what]
    made(tmp_path / name)
    before = left_in(tmp_path)

    ran = run(auditor, tmp_path / "out", tmp_path / name)

    if what == "a header without lines" and ran.code == 0:
        assert "0 lines" in ran.out
        return
    assert ran.code == 1
    assert name in ran.fault
    assert says in ran.fault
    assert left_in(tmp_path) == before
    for word in ("columns",):
        assert auditor(word, tmp_path / name).code in (0, 1)


def test_the_missing_required_column_is_named(auditor, tmp_path) -> None:
    path = tmp_path / "claims.csv"
    path.write_text("claim_id,service_date,procedure_code\nC1,2025-03-10,75574\n")

    ran = run(auditor, tmp_path / "out", path)

    assert ran.code in (1, 2)
    assert "patient" in ran.fault
    assert left_in(tmp_path) == {"claims.csv"}


@pytest.mark.parametrize("again", ["the same path", "another path", "a copy"])
def test_one_export_given_twice_is_refused(auditor, claims, tmp_path, again) -> None:
    copy = tmp_path / "copy.csv"
    copy.write_bytes(claims.read_bytes())
    other = {
        "the same path": claims,
        "another path": tmp_path / "." / ".." / tmp_path.name / "claims.csv",
        "a copy": copy,
    }[again]

    ran = run(auditor, tmp_path / "out", claims, other)

    assert ran.code == 2
    assert "same" in ran.fault or "twice" in ran.fault
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--as-of", "2025-13-01"], "2025-13-01"),
        (["--as-of", "yesterday"], "2024-01-31"),
        (["--as-of", "01/02/2025"], "2024-01-31"),
        (["--formats", "docx"], "docx"),
        (["--formats", "csv,docx,odt"], "docx, odt"),
        (["--formats", ","], "nothing"),
        (["--settings", "none.toml"], "none.toml"),
        (["--reference", "nowhere"], "nowhere"),
        (["--columns", "none.toml"], "none.toml"),
        (["--with-corrections", "none.csv"], "none.csv"),
    ],
)
def test_wrong_usage_exits_2_with_one_line(auditor, claims, tmp_path, words, says) -> None:
    ran = auditor("run", claims, "--out", tmp_path / "out", *words)

    assert ran.code == 2
    assert says in ran.fault
    assert left_in(tmp_path) == {"claims.csv"}


@pytest.mark.parametrize(
    "words",
    [
        ["run"],
        ["run", "claims.csv"],
        ["run", "--out", "out"],
        ["run", "claims.csv", "--out", "out", "--fail-on", "horror"],
        ["run", "claims.csv", "--out", "out", "--loud"],
        ["walk"],
        ["reference", "improve"],
    ],
)
def test_wrong_words_exit_2_and_name_the_way_out(auditor, words) -> None:
    ran = auditor(*words)

    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert "--help" in ran.err


def test_settings_with_several_mistakes_name_them_all(auditor, claims, tmp_path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(
        'colour = "red"\nformats = ["docx"]\n'
        '[limits]\npairing_days = "seven"\nsearch_days = -1\nwindow = 3\n'
        '[payers]\n"Harbor Health" = "private"\n',
        encoding="utf-8",
    )

    ran = run(auditor, tmp_path / "out", claims, "--settings", path)

    assert ran.code == 2
    for key in ("colour", "formats", "pairing_days", "search_days", "window", "Harbor Health"):
        assert key in ran.fault
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [b"limits = [", b"\xff\xfe\x00", b"a = 1\na = 2\n"])
def test_settings_that_are_no_toml_are_refused(auditor, claims, tmp_path, content) -> None:
    path = tmp_path / "audit.toml"
    path.write_bytes(content)

    ran = run(auditor, tmp_path / "out", claims, "--settings", path)

    assert ran.code == 2
    assert "audit.toml" in ran.fault


def test_settings_may_begin_with_the_mark_that_editors_on_windows_write(
    auditor, claims, tmp_path
) -> None:
    path = tmp_path / "audit.toml"
    path.write_text('formats = ["json"]\n', encoding="utf-8-sig")

    ran = auditor("run", claims, "--out", tmp_path / "out", "--settings", path)

    assert ran.code == 0, ran.err
    assert "report.json" in left_in(tmp_path / "out")


def test_settings_that_are_a_folder_are_refused(auditor, claims, tmp_path) -> None:
    assert run(auditor, tmp_path / "out", claims, "--settings", tmp_path).code == 2


def test_settings_change_what_is_found_and_are_recorded(auditor, tmp_path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text('[payers]\n"Harbor Health" = "medicare"\n[limits]\nwaiting_days = 20\n')
    old = {"service_date": "2023-06-01", "received_date": "2023-06-10", "payer": "Harbor Health"}
    claims = export(tmp_path / "claims.csv", NOTE | old | {"revenue_code": "0480"})

    found = []
    for words in ([], ["--settings", path]):
        assert run(auditor, tmp_path / "out", claims, *words).code == 0
        found.append("revenue_code_unexpected" in rules_in(tmp_path / "out"))

    assert found == [False, True]
    assert "waiting_days" in (tmp_path / "out" / "run.json").read_text(encoding="utf-8")


# Where the reports go.


def test_the_tables_of_the_settings_are_found_from_their_folder_wherever_one_stands(
    auditor, claims, tmp_path, monkeypatch
) -> None:
    site, elsewhere = tmp_path / "site", tmp_path / "elsewhere"
    site.mkdir()
    elsewhere.mkdir()
    (site / "audit.toml").write_text('reference = "tables"\n', "utf-8")
    rates = elsewhere / "rates.csv"
    header = "payer,procedure_code,component,setting,amount,percent_of_medicare,effective_from"
    rates.write_text(f"{header}\nAcme,75574,global,professional,400,,2026-01-01\n", "utf-8")
    monkeypatch.chdir(elsewhere)

    words = ("reference", "import", "contract-rates", rates, "--settings", site / "audit.toml")
    imported = auditor(*words)
    run(auditor, tmp_path / "out", claims, "--settings", site / "audit.toml")

    assert (imported.code, (site / "tables").is_dir()) == (0, True)
    assert not (elsewhere / "tables").exists()
    assert "contract_rates" in (tmp_path / "out" / "run.json").read_text("utf-8")


def test_a_target_that_is_a_file_is_refused(auditor, claims, tmp_path) -> None:
    (tmp_path / "out").write_text("mine")

    ran = run(auditor, tmp_path / "out", claims)

    assert ran.code == 2
    assert "folder" in ran.fault
    assert (tmp_path / "out").read_text() == "mine"


def test_a_target_below_a_file_is_refused(auditor, claims) -> None:
    ran = run(auditor, claims / "out", claims)

    assert ran.code in (1, 2)
    assert "out" in ran.fault


def test_a_folder_that_holds_other_files_is_refused(auditor, claims, tmp_path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "budget.xlsx").write_text("mine")

    ran = run(auditor, tmp_path / "out", claims)

    assert ran.code == 2
    assert "another folder" in ran.fault
    assert left_in(tmp_path / "out") == {"budget.xlsx"}


def test_the_folder_of_the_exports_is_refused(auditor, claims, tmp_path) -> None:
    ran = run(auditor, tmp_path, claims)

    assert ran.code == 2
    assert left_in(tmp_path) == {"claims.csv"}


def test_a_file_of_ones_own_beside_an_earlier_run_is_not_lost(auditor, claims, tmp_path) -> None:
    out = tmp_path / "out"
    run(auditor, out, claims)
    (out / "worklist with my notes.xlsx").write_text("mine")

    ran = run(auditor, out, claims)

    assert ran.code in (0, 2)
    assert (out / "worklist with my notes.xlsx").exists()


def test_a_folder_that_may_not_be_written_is_refused(
    auditor, claims, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)

    ran = run(auditor, tmp_path / "out", claims)

    assert ran.code == 1
    assert "writ" in ran.fault
    assert left_in(tmp_path) == {"claims.csv"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_the_right_to_write_is_refused(auditor, claims, tmp_path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)

    assert run(auditor, locked / "out", claims).code == 1


@pytest.mark.parametrize("earlier", [False, True])
@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_a_run_that_breaks_off_leaves_no_half_report(
    auditor, claims, tmp_path, monkeypatch, earlier, fault
) -> None:
    out = tmp_path / "out"
    if earlier:
        run(auditor, out, claims)
    before = {path.name: path.read_bytes() for path in out.iterdir()} if earlier else None

    def broken(*_: object) -> None:
        raise fault

    monkeypatch.setattr(data, "write_rejected_csv", broken)
    ran = run(auditor, out, claims)

    assert ran.code == 1
    assert ran.fault
    assert left_in(tmp_path) == ({"claims.csv", "out"} if earlier else {"claims.csv"})
    if earlier:
        assert before == {path.name: path.read_bytes() for path in out.iterdir()}


# Whatever is given.


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_a_spoiled_export_is_read_or_refused_with_one_line(tmp_path_factory, given_data) -> None:
    path = export(tmp_path_factory.mktemp("spoiled") / "claims.csv", DENIAL, NOTE)
    spoiled = bytearray(path.read_bytes())
    pieces = st.sampled_from([b"", b"\x00", b'"', b",", b"\n", b"\r", b"\xff", b"'", b"-", b"\t"])
    for _ in range(given_data.draw(st.integers(1, 8))):
        place = given_data.draw(st.integers(0, len(spoiled) - 1))
        spoiled[place : place + 1] = given_data.draw(pieces)
    path.write_bytes(bytes(spoiled))

    try:
        claims = read_files([path])
    except AuditError as refused:
        said = str(refused)
    else:
        said = "claims.csv"
        assert claims.lines_read == len(claims.lines) + len(claims.rejected["row"].unique())
    assert "claims.csv" in said
    assert "\n" not in said


FILES = sorted(INPUTS.iterdir()) if INPUTS.is_dir() else []


@pytest.mark.skipif(not FILES, reason="the real exports are not here")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_real_files_end_or_are_refused_with_one_line(whole_auditor, tmp_path, path) -> None:
    ran = run(whole_auditor, tmp_path / "out", path)

    assert ran.code in (0, 1)
    if ran.code:
        assert path.name in ran.fault
        assert left_in(tmp_path) == set()
    else:
        assert ran.out
        assert (tmp_path / "out" / "run.json").is_file()


# The other commands.


def test_columns_shows_what_was_understood_and_what_is_missing(auditor, claims) -> None:
    ran = auditor("columns", claims)

    assert ran.code == 0
    for word in ("procedure_code", "service_date", "header in row 1", "would unlock"):
        assert word in ran.out
    assert "75574" not in ran.out


def test_a_column_that_serves_for_a_missing_one_is_not_called_unneeded(auditor, tmp_path) -> None:
    few = tmp_path / "few.csv"
    few.write_text(
        "Claim ID,Patient ID,Service Date,CPT\nC1,P1,2026-03-02,75574\n", encoding="utf-8"
    )

    said = {
        line.split()[0]: line
        for line in auditor("columns", few).out.splitlines()
        if line.startswith("  ")
    }

    assert said["payer"].split(maxsplit=1)[1] == "serves for payer_type as well"
    assert said["bill_type"].endswith("; serves for claim_type as well")
    assert said["place_of_service"].endswith("; serves for claim_type as well")
    assert said["remark_codes"].endswith("not needed")


@pytest.fixture
def built_otherwise(tmp_path) -> tuple[Path, Path]:
    """Exports whose claim numbers have a header of their own each, and a profile beside each."""
    headers = {tmp_path / "HB_june.csv": "Konto", tmp_path / "PB_june.csv": "Rechnung"}
    for path, header in headers.items():
        path.write_text(f"{header},MRN,Service Date,CPT\nC{header},7,2025-03-10,75574\n", "utf-8")
        profile = f'files = ["{path.name[:2]}*"]\n[columns]\nclaim_id = "{header}"\n'
        path.with_suffix(".toml").write_text(profile, "utf-8")
    one, other = headers
    return one, other


def test_exports_built_otherwise_are_read_by_a_profile_each(
    auditor, built_otherwise, tmp_path
) -> None:
    one, other = (("--columns", path.with_suffix(".toml")) for path in built_otherwise)

    ran = auditor("run", *built_otherwise, *one, *other, "--out", tmp_path / "out")

    assert ran.code == 0, ran.fault
    facts = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert [one["lines_read"] for one in facts["inputs"]] == [1, 1]
    assert all(one["rejected"] == 0 for one in facts["inputs"])


def test_a_run_by_another_profile_is_another_run(auditor, built_otherwise, tmp_path) -> None:
    export, profile = built_otherwise[0], built_otherwise[0].with_suffix(".toml")
    identities = []
    for name, more in (("one", ""), ("same", ""), ("other", 'payer = { value = "Medicare" }\n')):
        profile.write_text(f'[columns]\nclaim_id = "Konto"\n{more}', encoding="utf-8")
        ran = run(auditor, tmp_path / name, export, "--columns", profile)
        assert ran.code == 0, ran.fault
        facts = json.loads((tmp_path / name / "run.json").read_text(encoding="utf-8"))
        identities.append(facts["identity"])

    one, same, other = identities
    assert one == same
    assert one != other


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        ("", "HB_june.csv: HB_june.toml and other.toml are both for it; say in each which"),
        ('files = ["hb*"]\n', "HB_june.csv: HB_june.toml and other.toml are both for it"),
        ('files = ["XB*"]\n', "other.toml: is for files named XB*, and no export is named so"),
    ],
)
def test_a_profile_that_is_for_no_export_or_for_that_of_another_is_refused(
    auditor, built_otherwise, tmp_path, said, fault
) -> None:
    other = tmp_path / "other.toml"
    other.write_text(f"{said}[columns]\n", encoding="utf-8")
    own = built_otherwise[0].with_suffix(".toml")
    options = ["--columns", own, "--columns", other, "--out", tmp_path / "out"]

    ran = auditor("run", built_otherwise[0], *options)

    assert ran.code == 2
    assert fault in ran.fault
    assert not (tmp_path / "out").exists()


def test_a_self_test_is_said_and_one_that_fails_ends_with_1(
    auditor, claims, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(batch, "self_test", partial(self_test, FEW[:1]))
    ran = auditor("run", claims, "--out", tmp_path / "out", "--self-test")
    assert ran.code == 0
    assert "cases of 1 rule, all as expected." in ran.out
    facts = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert facts["self_test"]["passed"] is True
    assert facts["seconds"]["self-test"] > 0

    monkeypatch.setattr(batch, "self_test", partial(self_test, FEW[:1], tmp_path))
    ran = auditor("run", claims, "--out", tmp_path / "out", "--self-test")
    assert ran.code == 1
    assert "the self-test failed: don't rely on this run" in ran.fault
    assert (tmp_path / "out" / "report.html").is_file()


def test_a_saved_profile_serves_a_run(auditor, claims, tmp_path) -> None:
    profile = tmp_path / "profile.toml"

    saved = auditor("columns", claims, "--save", profile)
    ran = run(auditor, tmp_path / "out", claims, "--columns", profile)

    assert (saved.code, ran.code) == (0, 0)
    assert str(profile) in saved.out
    assert "revenue_code_missing" in rules_in(tmp_path / "out")


def test_columns_of_a_file_that_is_not_there(auditor, tmp_path) -> None:
    ran = auditor("columns", tmp_path / "none.csv")

    assert ran.code in (1, 2)
    assert "none.csv" in ran.fault


def test_every_finding_of_a_run_can_be_explained(whole_auditor, claims, tmp_path) -> None:
    out = tmp_path / "out"
    whole_auditor("run", claims, "--out", out, "--as-of", "2026-06-30", "--formats", "csv,parquet")
    with (out / "findings.csv").open(encoding="utf-8", newline="") as stream:
        findings = list(csv.DictReader(stream))

    assert findings
    for finding in findings:
        ran = whole_auditor("explain", out, finding["finding"])
        assert ran.code == 0
        assert finding["rule"] in ran.out
        assert finding["message"][:40] in " ".join(ran.out.split())


def test_explain_takes_a_finding_or_a_claim(auditor, claims, tmp_path) -> None:
    out = tmp_path / "out"
    auditor("run", claims, "--out", out, "--as-of", "2026-06-30", "--formats", "csv,parquet")
    with (out / "findings.csv").open(encoding="utf-8", newline="") as stream:
        finding = next(csv.DictReader(stream))
    of_line = ["--claim", finding["claim_id"], "--line", finding["line_number"]]

    told = auditor("explain", out, *of_line)

    assert told.code == 0
    assert f"finding {finding['finding']}: " in told.out
    for wrong in ([], [finding["finding"], *of_line], ["--line", "1"]):
        refused = auditor("explain", out, *wrong)
        assert refused.code == 2
        assert refused.fault.splitlines() == [
            "auditor: name a finding, or a claim with --claim (and --line)"
        ]


def test_what_cannot_be_explained_is_refused_with_one_line(auditor, claims, tmp_path) -> None:
    out = tmp_path / "out"
    auditor("run", claims, "--out", out, "--as-of", "2026-06-30", "--formats", "csv,parquet")
    with (out / "findings.csv").open(encoding="utf-8", newline="") as stream:
        finding = next(csv.DictReader(stream))["finding"]

    unknown, no_run = auditor("explain", out, "0" * 12), auditor("explain", tmp_path, finding)
    export(claims, NOTE)
    changed = auditor("explain", out, finding)
    claims.unlink()
    gone = auditor("explain", out, finding)

    assert (unknown.code, no_run.code, changed.code, gone.code) == (2, 2, 1, 1)
    assert "no finding" in unknown.fault
    assert str(tmp_path) in no_run.fault
    assert "changed" in changed.fault
    assert "claims.csv" in gone.fault


def test_rules_lists_the_catalogue(auditor) -> None:
    ran = auditor("rules")

    assert ran.code == 0
    assert ran.out.startswith(f"{len(CATALOGUE)} rules")
    for rule in CATALOGUE:
        assert rule.name in ran.out
        assert rule.title in ran.out


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_every_rule_has_a_page(auditor, rule) -> None:
    ran = auditor("rules", rule.name)

    assert ran.code == 0
    assert ran.out.startswith(f"{rule.name}\n{rule.title}")
    for code in rule.denial_codes:
        assert code in ran.out
    assert "What to do:" in ran.out
    assert ran.out.rpartition("Sources\n")[2].strip()


def test_an_unknown_rule_is_refused_with_what_is_near(auditor) -> None:
    ran = auditor("rules", "filed")

    assert ran.code == 2
    assert "filed_late" in ran.fault
    assert "auditor rules" in auditor("rules", "horoscope").fault


def test_reference_check_and_list(auditor) -> None:
    checked, listed = auditor("reference", "check"), auditor("reference", "list")

    assert (checked.code, listed.code) == (0, 0)
    assert "sound" in checked.out
    assert "ptp_edits" in listed.out
    assert "2024-07-01 to 2026-12-31" in listed.out


def test_reference_check_names_what_is_unsound(auditor, tmp_path) -> None:
    (tmp_path / "mue.csv").write_text(
        "setting,procedure_code,effective_from,effective_to,mue_value,mai,confidence,source\n"
        "institutional,5574,,,1,2,confirmed,x12-carc\n"
    )

    ran = auditor("reference", "check", "--reference", tmp_path)

    assert ran.code == 1
    assert "mue.csv line 2" in ran.fault


def test_version_and_help(auditor) -> None:
    assert auditor("--version").out.strip().count(".") == 2
    assert auditor("--help").code == 0
    for command in ("run", "columns", "rules", "reference"):
        assert command in auditor("--help").out
        assert auditor(command, "--help").code == 0


def commands_of(command, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command with the words that call it."""
    for name, below in getattr(command, "commands", {}).items():
        yield from commands_of(below, (*words, name))
    if not hasattr(command, "commands"):
        yield words, command


@pytest.mark.parametrize(
    ("words", "command"),
    list(commands_of(typer.main.get_command(cli.app))),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_help_loses_no_word_of_an_option(auditor, words, command) -> None:
    shown = set(auditor(*words, "--help").out.split())

    for option in command.params:
        assert set((option.help or "").split()) <= shown, option.name


def test_no_words_at_all_show_the_help(auditor) -> None:
    ran = auditor()

    assert ran.code in (0, 2)
    assert "Usage" in ran.out + ran.err


def test_help_and_version_load_no_pandas() -> None:
    code = (
        "import sys\n"
        "from auditor import cli\n"
        "for word in ('--help', '--version'):\n"
        "    sys.argv = ['auditor', word]\n"
        "    try:\n"
        "        cli.main()\n"
        "    except SystemExit as end:\n"
        "        assert not end.code\n"
        "heavy = {'pandas', 'numpy', 'pyarrow', 'jinja2', 'openpyxl'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )

    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)

    assert ended.returncode == 0, ended.stderr


def test_the_program_runs_as_a_module(tmp_path, claims) -> None:
    words = ["-m", "auditor", "run", claims, "--out", tmp_path / "out", "--as-of", "never"]

    ended = subprocess.run([sys.executable, *words], capture_output=True, text=True)

    assert ended.returncode == 2
    assert ended.stderr.startswith("auditor: --as-of never")
    assert ended.stderr.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full here")
def test_what_is_said_into_a_full_disk_is_no_fault_of_the_program() -> None:
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "auditor", "rules"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )

    assert ended.returncode == 1
    assert ended.stderr == "auditor: a disk is full; make room where it writes, then run again\n"
