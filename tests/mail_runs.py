"""Folders of invented finished runs, and settings to mail them with."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from auditor.mail_settings import MailSettings, RecipientSettings
from auditor.report import data
from auditor.report.content import Run, build
from auditor.report.summary import NAME, write_report_json
from auditor.settings import Settings
from tests.sample_run import small_run

FORMATS = {"json", "parquet", "xlsx"}


def folder_of(place: Path, run: Run | None = None) -> Path:
    """A folder with what a mail reads of a run."""
    run = run or small_run()
    place.mkdir(parents=True, exist_ok=True)
    write_report_json(build(run), FORMATS, place / NAME)
    data.write_findings_parquet(run.audit.findings, place / "findings.parquet")
    return place


def renamed(run: Run, identity: str) -> Run:
    return replace(run, identity=identity)


def settings_of(*recipients: str | RecipientSettings, **mail: Any) -> Settings:
    """Settings whose mail goes to these recipients, over an open line unless told otherwise."""
    chosen = [
        one if isinstance(one, RecipientSettings) else RecipientSettings(address=one)
        for one in recipients
    ]
    given = {
        "sender": "audit@hospital.example",
        "host": "127.0.0.1",
        "security": "none",
        "site": "Cardiology",
        "charts": False,
        "retry_seconds": 0.0,
        "timeout_seconds": 5.0,
        "recipients": chosen,
        **mail,
    }
    return Settings(mail=MailSettings(**given))
