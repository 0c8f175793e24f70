"""Canaries in an export, and where they may stand afterwards: in unmasked reports alone."""

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditor.errors import AuditError
from auditor.report import pdf
from tests.case_lines import clean_line

ROOT = Path(__file__).parent.parent
KEY = "sixteen characters and more"
# What stands in an export and is nobody's to see: it is left out at the door.
PERSON = {
    "Patient Name": "Qwertz, Uiopa",
    "Date of Birth": "1929-11-05",
    "SSN": "987-65-4329",
    "Patient Address": "4711 Yxcvb Lane",
    "Comment": "call Mrs Hjklo about it",
}
HASHES = ("sha256", "sha1", "md5", "sha512", "blake2b", "blake2s")
NUMBERS = ("MRNQX", "CLMQX", "ICNQX", "AUTHQX", "PWKQX")


def export(path: Path) -> Path:
    """Scans, readings and analyses of a few patients, with something for many rules to find."""
    rows = []
    for number in range(1, 13):
        kind = "professional" if number % 3 == 0 else "institutional"
        day = f"2025-03-{10 + number // 3:02d}"
        row = clean_line(kind) | {
            "claim_id": f"CLMQX{5000 + number // 2}",
            "line_number": str(1 + number % 2),
            "patient_id": f"MRNQX{7000 + number // 4}",
            "payer_claim_number": f"ICNQX{6000 + number}",
            "authorization_number": f"AUTHQX{number // 4}",
            "attachment_control_number": f"PWKQX{number}",
            "procedure_code": ["75574", "75580", "75571", "0503T"][number % 4],
            "service_date": day,
            "statement_from": "2025-03-13",
            "statement_through": "2025-03-13",
            "modifiers": ["", "59", "26 TC", "26"][number % 4],
            "diagnosis_codes": ["I25.10", "125.10", ""][number % 3],
            "units": str(1 + number % 3),
            "payer": "BCBS",
            "payer_type": ["medicare", "commercial"][number % 2],
        }
        rows.append({name.removesuffix("_cents"): cell for name, cell in row.items()} | PERSON)
    rows.append(rows[0] | {"service_date": "MRNQX7999 on 13/45/2024", "claim_id": "CLMQX9999"})
    with path.open("w", encoding="utf-8", newline="") as stream:
        table = csv.DictWriter(stream, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
    return path


def run(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auditor", "run", *map(str, words), "--as-of", "2026-06-30"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def outputs(folder: Path) -> dict[str, str]:
    """Every file of a run as text, packed ones unpacked."""
    found = {}
    for path in sorted(folder.iterdir()):
        if path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                said = "\n".join(
                    book.read(name).decode("utf-8", "replace") for name in book.namelist()
                )
        elif path.suffix == ".pdf":
            words = ["pdftotext", str(path), "-"]
            said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        elif path.suffix == ".parquet":
            said = str(pq.read_table(path).to_pylist())
        else:
            said = path.read_text(encoding="utf-8")
        found[path.name] = said
    return found


def page_rows(page: str) -> str:
    """What the page carries packed for its script."""
    import base64
    import zlib

    packed = page.split('id="payload">')[1].split("</script>")[0].strip()
    for wbits in (15, 31, -15):
        try:
            return zlib.decompress(base64.b64decode(packed), wbits).decode("utf-8")
        except (zlib.error, ValueError):
            continue
    return packed


def paper_can_be_made_and_read() -> bool:
    try:
        pdf.require()
    except AuditError:
        return False
    return shutil.which("pdftotext") is not None


with_paper = pytest.mark.skipif(
    not paper_can_be_made_and_read(), reason="report.pdf needs Pango, and poppler to be read"
)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("privacy")
    file = export(place / "export.csv")
    (place / "audit.toml").write_text('[mask]\nkey_env = "SITE_KEY"\n', encoding="utf-8")
    keyed = ("--mask", "--settings", "audit.toml")
    found = {}
    for name, options in {
        "plain": (),
        "drawn": ("--mask",),
        "again": ("--mask",),
        "keyed": keyed,
        "same": keyed,
        "buckets": (*keyed, "--memory", "2GB"),
        "paper": (*keyed, "--formats", "html,xlsx,csv,parquet,json,pdf"),
        "plain paper": ("--formats", "csv,parquet,html,json,pdf"),
    }.items():
        if "paper" in name and not paper_can_be_made_and_read():
            continue
        done = run(place, file, "--out", name, *options, SITE_KEY=KEY)
        assert done.returncode == 0, done.stderr
        for one in (*PERSON.values(), *NUMBERS):
            assert one not in done.stdout + done.stderr
        found[name] = place / name
    return found


# Files of a run that hold no line of a claim, masked or not.
NO_LINES = ("run.json", "report.json", "rejected.csv", "request.json")


def test_persons_stand_in_no_output_and_numbers_in_the_reports_alone(runs) -> None:
    found = outputs(runs["plain"])
    found["page rows"] = page_rows(found["report.html"])

    for name, said in found.items():
        assert not [one for one in PERSON.values() if one in said], name
    for name in NO_LINES:
        assert not [one for one in NUMBERS if one in found[name]], name
    # The canaries are alive where they may be.
    for name in ("findings.csv", "findings.parquet", "report.xlsx", "corrections.csv", "page rows"):
        assert "CLMQX" in found[name], name


@pytest.mark.parametrize(
    "name", ["drawn", "keyed", "buckets", pytest.param("paper", marks=with_paper)]
)
def test_no_number_of_a_patient_or_claim_stands_in_a_masked_run(runs, name: str) -> None:
    found = outputs(runs[name])
    found["page rows"] = page_rows(found["report.html"])

    assert len(found) > 9
    for file, said in found.items():
        assert not [one for one in (*NUMBERS, *PERSON.values()) if one in said], file


def test_what_stands_for_them_can_t_be_tried_out(runs) -> None:
    plain = pq.read_table(runs["plain"] / "findings.parquet").to_pandas()
    named = {value for name in ("patient_id", "claim_id") for value in plain[name]}
    guesses = {hashlib.new(kind, one.encode()).hexdigest() for kind in HASHES for one in named}
    # Without a key the number of a finding or an episode is a digest of its claim or patient.
    without_key = {one[:12] for one in guesses} | {*plain["finding"], *plain["story"]}
    assert len(without_key) > 30

    for name in ("drawn", "keyed", "buckets"):
        found = outputs(runs[name])
        found["page rows"] = page_rows(found["report.html"])
        for file, said in found.items():
            assert not [one for one in without_key if one in said], (name, file)
    unmasked = outputs(runs["plain"])
    assert [one for one in without_key if one in unmasked["findings.csv"]]


@with_paper
def test_paper_holds_numbers_only_where_it_is_not_masked(runs) -> None:
    plain, masked = (outputs(runs[name])["report.pdf"] for name in ("plain paper", "paper"))

    assert min(len(plain), len(masked)) > 1000
    assert not [one for one in (*NUMBERS, *PERSON.values()) if one in masked]
    assert not [one for one in PERSON.values() if one in plain]


def test_buckets_on_disk_are_masked_with_the_same_digests(runs) -> None:
    ours, theirs = (pq.read_table(runs[name] / "findings.parquet") for name in ("keyed", "buckets"))

    assert ours.equals(theirs)
    assert (runs["keyed"] / "findings.csv").read_bytes() == (
        runs["buckets"] / "findings.csv"
    ).read_bytes()


def test_a_masked_run_finds_the_same(runs) -> None:
    columns = ["rule", "severity", "amount", "source_row", "counts_money", "units", "remedy"]
    plain, masked = (pq.read_table(runs[name] / "findings.parquet") for name in ("plain", "drawn"))

    assert len(plain) > 10
    assert plain.select(columns).to_pylist() == masked.select(columns).to_pylist()
    totals = [json.loads((runs[name] / "run.json").read_text()) for name in ("plain", "drawn")]
    assert totals[0]["totals"] == totals[1]["totals"]


def test_digests_are_the_site_s_with_its_key_and_new_without(runs) -> None:
    def patients(name: str) -> list[str]:
        return pq.read_table(runs[name] / "findings.parquet")["patient_id"].to_pylist()

    assert patients("keyed") == patients("same")
    assert not set(patients("drawn")) & set(patients("again"))
    assert not set(patients("drawn")) & set(patients("keyed"))
    assert len(set(patients("keyed"))) == len(set(patients("plain")))
    ids = [pq.read_table(runs[n] / "findings.parquet")["finding"].to_pylist() for n in runs]
    assert not set(ids[0]) & set(ids[1])


def test_without_its_key_and_with_a_memory_nothing_is_masked(tmp_path: Path) -> None:
    file = export(tmp_path / "export.csv")
    (tmp_path / "audit.toml").write_text('[mask]\nkey_env = "SITE_KEY"\n', encoding="utf-8")

    lacking = run(tmp_path, file, "--out", "a", "--mask", "--settings", "audit.toml", SITE_KEY="x")
    remembering = run(tmp_path, file, "--out", "a", "--mask", "--history", "h")

    assert (lacking.returncode, remembering.returncode) == (2, 2)
    assert "SITE_KEY" in lacking.stderr
    assert "--history" in remembering.stderr
    assert not (tmp_path / "a").exists()
