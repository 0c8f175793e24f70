"""The sample is made of its program, and its README says what the audit says."""

import csv
import io
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from auditor.settings import Limits, Settings, read_settings

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "samples"
EXPORTS = ("hospital.csv", "professional.xlsx")
MADE = (*EXPORTS, "seeded.csv")
README = (SAMPLES / "README.md").read_text(encoding="utf-8")
REFRESH = "run: python samples/make_samples.py --update-readme"

Row = dict[str, str]


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the run that the README shows."""
    out = tmp_path_factory.mktemp("harbor") / "run"
    files = [str(SAMPLES / name) for name in EXPORTS]
    options = ["--settings", str(SAMPLES / "audit.toml"), "--as-of", "2026-07-15", "--quiet"]
    options += ["--formats", "csv,json", "--out", str(out)]
    command = [sys.executable, "-m", "auditor", "run", *files, *options]
    subprocess.run(command, check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
    return out


@pytest.fixture(scope="module")
def facts(audited: Path) -> dict[str, Any]:
    return json.loads((audited / "run.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def findings(audited: Path) -> list[Row]:
    return rows_of(audited / "findings.csv")


@pytest.fixture(scope="module")
def seeded() -> list[Row]:
    return rows_of(SAMPLES / "seeded.csv")


def rows_of(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def table_of(mark: str) -> list[list[str]]:
    """Rows of the README's table between two marks, without its two header rows."""
    block = README.partition(f"<!-- {mark} -->")[2].partition(f"<!-- end of {mark} -->")[0]
    rows = [line.strip("| ").split(" | ") for line in block.strip().splitlines()]
    return [[cell.strip("` ") for cell in row] for row in rows[2:]]


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("again")
    program = [sys.executable, str(SAMPLES / "make_samples.py"), "--out", str(folder)]
    subprocess.run(program, check=True)
    return folder


@pytest.mark.parametrize("name", MADE)
def test_program_makes_the_same_bytes(name: str, made_again: Path) -> None:
    again, shipped = (made_again / name).read_bytes(), (SAMPLES / name).read_bytes()

    if name.endswith(".xlsx"):
        assert contents(again) == contents(shipped)
    else:
        assert again == shipped


def contents(workbook: bytes) -> dict[str, bytes]:
    """What a workbook holds, but for its maker's version; how zlib packs it is the machine's."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as parts:
        return {name: parts.read(name) for name in parts.namelist() if name != "docProps/app.xml"}


def test_readme_table_is_what_the_audit_finds(facts: dict[str, Any]) -> None:
    shown = {name: (found, unjudged) for name, found, unjudged in table_of("findings")}
    real = {
        name: (str(rule["flagged"]), str(rule["not_evaluated"]))
        for name, rule in facts["rules"].items()
    }

    assert shown == real, REFRESH


def test_readme_totals_are_what_the_audit_finds(facts: dict[str, Any]) -> None:
    shown = dict(table_of("totals"))
    lines, totals = facts["lines"], facts["totals"]

    assert shown == {
        "lines read": str(lines["read"]),
        "rejected": str(lines["rejected"]),
        "superseded": str(lines["superseded"]),
        "audited": str(lines["audited"]),
        "lines with a finding": str(totals["lines_flagged"]),
        "findings": str(totals["findings"]),
        "dollars at risk": f"{totals['at_risk_cents'] / 100:,.2f}",
        "dollars missed": f"{totals['missed_cents'] / 100:,.2f}",
    }, REFRESH


def test_readme_names_every_seeded_rule(seeded: list[Row]) -> None:
    shown = {word for row in table_of("seeded") for word in re.findall(r"[a-z_0-9]+", row[2])}

    assert {row["rule"] for row in seeded if row["rule"]} <= shown, REFRESH


def test_every_rule_has_a_finding(facts: dict[str, Any]) -> None:
    unmet = [name for name, rule in facts["rules"].items() if not rule["flagged"]]
    assert unmet == [], "spoil a line for each in samples/harbor_heart/mistakes_of_*.py"


def test_every_seeded_mistake_is_found(facts: dict[str, Any], findings, seeded) -> None:
    found = {(row["rule"], row["claim_id"], row["line_number"]) for row in findings}
    wanted = [row for row in seeded if row["rule"] in facts["rules"]]

    assert len(wanted) > 150
    missed = [
        row for row in wanted if (row["rule"], row["claim_id"], row["line_number"]) not in found
    ]
    assert missed == []


def test_nobody_else_is_accused(findings: list[Row], seeded: list[Row]) -> None:
    spoilt = {row["patient_id"] for row in seeded}

    assert [row for row in findings if row["patient_id"] not in spoilt] == []


def test_what_was_taken_back_is_not_accused(findings: list[Row], seeded: list[Row]) -> None:
    named = {row["claim_id"] for row in seeded if row["mistake"] == "claims_taken_back"}

    assert named
    assert [row for row in findings if row["claim_id"] in named] == []


def test_books_add_up(facts: dict[str, Any], audited: Path, findings: list[Row]) -> None:
    lines, inputs = facts["lines"], facts["inputs"]
    assert lines["read"] == sum(table["lines_read"] for table in inputs)
    assert lines["read"] == lines["audited"] + lines["superseded"] + lines["rejected"]
    assert lines["rejected"] == len(rows_of(audited / "rejected.csv"))
    assert sum(table["totals_rows"] for table in inputs) == 1
    by_rule = Counter(row["rule"] for row in findings)
    for name, rule in facts["rules"].items():
        assert rule["in_scope"] == rule["flagged"] + rule["clean"] + rule["not_evaluated"], name
        assert rule["not_evaluated"] == sum(gap["lines"] for gap in rule["reasons"]), name
        assert rule["flagged"] == sum(rule["findings"].values()) == by_rule[name], name
    assert facts["totals"]["findings"] == len(findings)


def test_every_kind_of_not_evaluated_occurs(facts: dict[str, Any]) -> None:
    reasons = {gap["reason"] for rule in facts["rules"].values() for gap in rule["reasons"]}

    # column_missing is told by "auditor columns": this sample's exports have what the rules need.
    assert reasons >= {
        "value_missing",
        "reference_missing",
        "reference_stale",
        "partner_outside_extract",
        "awaiting_partner",
    }


def test_rejected_lines_have_different_reasons(audited: Path) -> None:
    reasons = [row["reason"] for row in rows_of(audited / "rejected.csv")]

    assert 3 <= len(reasons) <= 6
    assert len(set(reasons)) == len(reasons)


def test_settings_file_shows_every_key() -> None:
    text = (SAMPLES / "audit.toml").read_text(encoding="utf-8")
    shown = set(re.findall(r"^\[(\w+)\]|^#? ?(\w+) = ", text, re.MULTILINE))
    names = {first or second for first, second in shown}

    assert set(Settings.model_fields) | set(Limits.model_fields) <= names
    for place, line in enumerate(lines := text.splitlines()):
        if re.match(r"\w+ = |\[", line):
            above = next(one for one in reversed(lines[:place]) if one.strip())
            assert above.startswith(("#", "[")), f"{line} has no comment"


def test_settings_file_is_the_default_but_for_payers() -> None:
    path = SAMPLES / "audit.toml"
    changed = read_settings(path).changed()

    assert tomllib.loads(path.read_text(encoding="utf-8"))["limits"] == Limits().model_dump()
    assert set(changed) <= {"payers", "authorizes_by_code"}


def test_npis_have_their_check_digit_and_are_nobodys() -> None:
    for row in rows_of_hospital():
        npi = row["Billing NPI"]
        digits = [int(digit) for digit in reversed("80840" + npi)]
        doubled = [d * 2 - 9 * (d > 4) if place % 2 else d for place, d in enumerate(digits)]
        assert sum(doubled) % 10 == 0
        assert npi.startswith("1000000")


def rows_of_hospital() -> list[Row]:
    with (SAMPLES / "hospital.csv").open(encoding="utf-8", newline="") as lines:
        next(lines)
        return [row for row in csv.DictReader(lines) if row["HAR"] != "TOTAL"]


def test_hospital_export_is_rough_as_real_ones_are() -> None:
    content = (SAMPLES / "hospital.csv").read_bytes()
    lines = content.decode().split("\r\n")

    assert content.count(b"\n") == content.count(b"\r\n")
    assert "INVENTED" in lines[0]
    assert lines[-2].startswith("TOTAL,")
    assert {len(row["Rev Code"]) for row in rows_of_hospital()} >= {0, 3, 4}
