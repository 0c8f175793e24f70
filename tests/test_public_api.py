"""What a program of one's own may call: the same audit as the command's, without its folder."""

from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

import auditor
from auditor.batch import run
from auditor.errors import AuditError
from auditor.progress import Progress
from auditor.report.data import write_findings_parquet
from auditor.request import Request
from auditor.schema import COLUMNS
from auditor.settings import read_settings
from tests.test_cli import DENIAL, NOTE, export

AS_OF = date(2026, 6, 30)


@pytest.fixture
def claims(tmp_path: Path) -> Path:
    return export(tmp_path / "claims.csv", DENIAL, NOTE)


def test_claims_are_read_as_text_dates_and_cents(claims: Path) -> None:
    read = auditor.read_claims(claims)

    assert list(read.lines.columns) == list(COLUMNS)
    assert read.lines_read == len(read.lines) == 2
    assert isinstance(read.lines["procedure_code"].dtype, pd.CategoricalDtype)


def test_an_audit_finds_what_the_command_finds(claims: Path, tmp_path: Path) -> None:
    (tmp_path / "audit.toml").write_text("[limits]\nwaiting_days = 0\n", encoding="utf-8")
    settings = read_settings(tmp_path / "audit.toml")
    formats = frozenset({"parquet"})
    run(Request((claims,), tmp_path / "out", settings, AS_OF, formats), Progress(quiet=True))

    found = auditor.audit_file(str(claims), as_of=AS_OF, settings=settings)

    write_findings_parquet(found.findings, tmp_path / "findings.parquet")
    by_command = pq.read_table(tmp_path / "out" / "findings.parquet")
    assert by_command.num_rows > 1
    assert pq.read_table(tmp_path / "findings.parquet").equals(by_command)


def test_a_reference_folder_that_is_none_is_refused(claims: Path, tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="no such folder"):
        auditor.audit_file(claims, as_of=AS_OF, reference=tmp_path / "none")
