"""Canaries through a night: what it logs, says, keeps as facts and mails holds no patient."""

import csv
import io
from pathlib import Path

import pytest

from auditor.errors import AuditError
from auditor.night import night as nights
from auditor.night import steps
from auditor.night.log import open_log
from auditor.night.site import Site
from tests.mail_server import Mailbox, serving
from tests.sites import NIGHTS, SETTINGS, drop, mail_settings, make_site
from tests.test_mail_canary import LINES, auditor, said_in, words_of, write_export

TOLD = ("log/*", "failed/*/*/*.reason.txt", "reports/*/night.json", "archive/*/inputs.json")


def fill(site: Site, export: Path) -> None:
    """The export; its rows without a header; with other headers; its values under wrong ones."""
    rows = list(csv.reader(export.open(encoding="utf-8", newline="")))
    half, places = len(rows[0]) // 2, range(len(rows[0]))
    drop(site, "hospital/scans.csv", export.read_bytes())
    turned = [[row[(place + half) % len(row)] for place in places] for row in rows[1:]]
    for name, content in {
        "headless.csv": rows[1:],
        "nameless.csv": [[f"F{place}" for place in places], *rows[1:]],
        "turned.csv": [rows[0], *turned],
        "ragged.csv": [rows[0], *(row[: 3 + number % 9] for number, row in enumerate(rows[1:]))],
        "single.csv": rows[1:2],
    }.items():
        text = io.StringIO()
        csv.writer(text).writerows(content)
        drop(site, f"physicians/{name}", text.getvalue())


def told_by(site: Site, box: Mailbox) -> dict[str, str]:
    """All that leaves the reports: files with facts, what lies in the spool, mails as received."""
    root = site.file.parent
    paths = [path for pattern in TOLD for path in root.glob(pattern)]
    paths += [path for path in site.spool.rglob("*") if path.is_file()]
    said = {str(path.relative_to(root)): path.read_text("utf-8") for path in paths}
    for number, message in enumerate(box.messages()):
        said[f"mail {number}"] = said_in(message)
        said[f"mail {number} as sent"] = message.as_bytes().decode("utf-8", "replace")
    return said


def test_no_canary_leaves_a_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    canaries = words_of(write_export(tmp_path / "export.csv"))
    box = Mailbox()
    with serving(box, "none") as port:
        root = tmp_path / "site"
        site = make_site(root, SETTINGS + mail_settings(port))
        fill(site, tmp_path / "export.csv")
        ran = auditor(root, "night", "--settings", "audit.toml", "--as-of", "2026-03-01")
        looked = auditor(root, "doctor", "--settings", "audit.toml")

        drop(site, "hospital/more.csv", (tmp_path / "export.csv").read_text("utf-8") + "\n")
        words = " ".join(sorted(canaries))

        def stumble(*_given: object) -> None:
            raise ValueError(words)

        monkeypatch.setattr(steps, "_judge", stumble)
        stream = io.StringIO()
        with pytest.raises(AuditError) as stopped:
            nights.night(site, NIGHTS[1], open_log(site.log, NIGHTS[1], stream=stream))

    assert ran.returncode == 1  # some exports can't be read
    findings = (site.reports / "2026-03-01" / "findings.csv").read_text("utf-8")
    assert len([one for one in canaries if one in findings]) > LINES  # they are alive
    said = told_by(site, box)
    for part in ("log/", "failed/", "reports/", "archive/", "spool/sent/"):
        assert [name for name in said if name.startswith(part)], part
    assert ["FAILED" in message["Subject"] for message in box.messages()] == [False, True]
    said |= {"stdout": ran.stdout, "stderr": ran.stderr, "doctor": looked.stdout + looked.stderr}
    said |= {"log of the stop": stream.getvalue(), "the stop": str(stopped.value)}
    for name, text in said.items():
        assert not [one for one in canaries if one in text], name
