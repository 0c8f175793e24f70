"""Canaries: invented identifiers in every text column of an export, and none in what leaves.

Each cell of each text column holds a value that stands nowhere else: names, numbers, birth dates.
After the run and its mail none of them may stand in a message (headers, all decoded parts, the
bytes), in the spool, on stdout or on stderr.
"""

import csv
import datetime
import email
import os
import re
import subprocess
import sys
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

import pytest

from auditor.schema import CLAIM_LINES
from tests.mail_server import PASSWORD, USER, Mailbox, serving, trusted

ROOT = Path(__file__).parent.parent
LINES = 40
# Kept as a claim would have them, so that the rules find something; the rest are canaries.
KEPT = {
    "claim_type": "institutional",
    "procedure_code": "75574",
    "units": "1",
    "line_number": "1",
}
CODES = ("75574", "75580", "71275", "0503T", "75573")


def canary(column: str, row: int) -> str:
    """A value of the column that stands nowhere else."""
    by_kind = {
        "claim_id": f"CLM{770000 + row}QZ",
        "patient_id": f"MRN{880000 + row}QZ",
        "payer_claim_number": f"ICN{660000 + row}QZ",
        "billing_npi": f"{1990000000 + row}",
        "rendering_npi": f"{1880000000 + row}",
    }
    # Free text: somebody typed a name, a birth date and a number where they don't belong.
    return by_kind.get(column, f"Zyx{column.title().replace('_', '')}{row} Qvist 1931-07-{row:02d}")


def write_export(path: Path) -> set[str]:
    """An export with every column we know, and some that we must leave out; its canaries."""
    canaries: set[str] = set()
    header = [column.name for column in CLAIM_LINES]
    with path.open("w", encoding="utf-8", newline="") as stream:
        rows = csv.writer(stream)
        names = [
            name.replace("_cents", "").replace("patient_responsibility", "patient responsibility")
            for name in header
        ]
        rows.writerow([*names, "Patient Name", "Date of Birth", "Patient Address", "Comment"])
        for row in range(1, LINES + 1):
            cells = []
            for column in CLAIM_LINES:
                if column.name == "procedure_code":
                    cells.append(CODES[row % len(CODES)])
                elif column.name in KEPT:
                    cells.append(KEPT[column.name])
                elif column.kind == "date":
                    cells.append(f"2025-0{1 + row % 9}-{1 + row % 28:02d}")
                elif column.kind == "cents":
                    cells.append(f"{100 + row}.00")
                elif column.name in ("revenue_code", "modifiers", "bill_type", "claim_frequency"):
                    cells.append("")
                else:
                    cells.append(canary(column.name, row))
                    canaries.add(cells[-1])
            person = [
                f"Qwertz{row}, Uiopa",
                f"1929-11-{1 + row % 28:02d}",
                f"{4000 + row} Yxcvb Lane",
                f"call Mrs Hjklo{row} about claim",
            ]
            canaries.update(person)
            rows.writerow([*cells, *person])
    assert len(canaries) > 15 * LINES
    return canaries


def words_of(canaries: set[str]) -> set[str]:
    """The canaries, and the words in them that no text of ours could hold by chance."""
    words = {word for one in canaries for word in re.split(r"[ ,]+", one)}
    words -= {"call", "Mrs", "about", "claim", "Lane", ""}
    return canaries | {word for word in words if not word.isdigit() or len(word) > 4}


def auditor(folder: Path, *words: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "auditor", *map(str, words)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def said_in(message: EmailMessage) -> str:
    """Headers and every decoded part of a message."""
    said = [f"{name}: {value}" for name, value in message.items()]
    for part in message.walk():
        said += [f"{name}: {value}" for name, value in part.items()]
        if not part.is_multipart():
            content = part.get_payload(decode=True)
            said.append(content.decode("utf-8", "replace"))  # type: ignore[union-attr]
    return "\n".join(said)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("canary")


@pytest.mark.parametrize("smallest", [0, 11])
def test_no_canary_leaves_with_the_mail(smallest: int, place: Path, tmp_path: Path) -> None:
    canaries = words_of(write_export(place / "export.csv"))
    box = Mailbox()
    with serving(box, login=True) as port:
        (tmp_path / "audit.toml").write_text(
            f"""
            [mail]
            site = "Cardiology"
            sender = "audit@hospital.example"
            host = "127.0.0.1"
            port = {port}
            ca_file = "{trusted(tmp_path)}"
            user = "{USER}"
            password_env = "MAIL_PASSWORD"
            smallest_count = {smallest}
            [[mail.recipients]]
            address = "director@hospital.example"
            [[mail.recipients]]
            address = "coder@hospital.example"
            severities = ["denial", "review"]
            """,
            encoding="utf-8",
        )
        options = ("--settings", "audit.toml")
        ran = auditor(
            tmp_path, "run", place / "export.csv", "--out", "run", *options, "--as-of", "2026-06-30"
        )
        assert ran.returncode == 0, ran.stderr
        written = auditor(tmp_path, "mail", "run", *options, "--dry-run", "dry")
        mailed = auditor(tmp_path, "mail", "run", *options, MAIL_PASSWORD=PASSWORD)

    assert (written.returncode, mailed.returncode) == (0, 0), written.stderr + mailed.stderr
    findings = (tmp_path / "run" / "findings.csv").read_text(encoding="utf-8")
    # The canaries are alive: the report, which stays here, is full of them.
    assert len([one for one in canaries if one in findings]) > LINES
    assert box.recipients() == ["director@hospital.example", "coder@hospital.example"]
    sources = {
        "run": ran.stdout + ran.stderr,
        "mail": mailed.stdout + mailed.stderr,
        "dry run": written.stdout + written.stderr,
        "report.json without payers and providers": "",
    }
    for path in [*(tmp_path / "dry").iterdir(), *(tmp_path / "spool").rglob("*")]:
        if path.is_file():
            sources[str(path)] = path.read_text(encoding="utf-8")
    for place_, content in enumerate([content for _, _, content in box.taken]):
        message = email.message_from_bytes(content, policy=SMTP)
        sources[f"message {place_}"] = said_in(message)  # type: ignore[arg-type]
        sources[f"bytes {place_}"] = content.decode("utf-8", "replace")
    for source, said in sources.items():
        assert not [one for one in canaries if one in said], source
        assert PASSWORD not in said, source


def test_a_failed_read_gives_no_canary_away_either(place: Path, tmp_path: Path) -> None:
    """What went wrong is told with the way out; the line of it goes into the mail."""
    from auditor.mail import failure, message
    from tests.mail_runs import settings_of

    canaries = words_of(write_export(place / "export.csv"))
    rows = (place / "export.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "headless.csv").write_text("\n".join(rows[1:]), encoding="utf-8")
    (tmp_path / "empty.csv").write_text(rows[0], encoding="utf-8")
    settings = settings_of("director@hospital.example")
    moment = datetime.datetime(2026, 7, 1, tzinfo=datetime.UTC)
    for name in ("headless.csv", "empty.csv"):
        ran = auditor(tmp_path, "run", name, "--out", "run", "--quiet")
        said = ran.stdout + ran.stderr
        if ran.returncode:
            summary = failure("night", moment.date(), moment, ran.stderr)
            said += said_in(message(summary, settings.mail.recipients[0], settings))
        assert not [one for one in canaries if one in said], name
