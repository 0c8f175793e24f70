"""Byte-level fuzzing of the readers with atheris, by hand: not part of a test run.

    uv venv aside && uv pip install --python aside/bin/python atheris -r requirements.txt
    PYTHONPATH=. aside/bin/python tests/fuzz/fuzz_readers.py -max_total_time=600 tests/fuzz/corpus

A finding is an exception other than AuditError, a hang or a crash; put its bytes into ``corpus/``.
"""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["auditor.ingest"]):
    from auditor.errors import AuditError
    from auditor.ingest import workbook_limits
    from auditor.intake import read_files

# A trial in a child for each input would leave no time; the limits have tests of their own.
workbook_limits.LARGEST_MEMORY = 2**30
_FOLDER = tempfile.TemporaryDirectory()
_NAMES = ("a.csv", "a.xlsx", "a.parquet", "a.zip", "a.csv.gz")


def read(contents: bytes) -> None:
    """Reads the bytes as an export: claim lines, or a refusal of one line."""
    if not contents:
        return
    path = Path(_FOLDER.name) / _NAMES[contents[0] % len(_NAMES)]
    path.write_bytes(contents[1:])
    try:
        claims = read_files([path])
    except AuditError as refused:
        if "\n" in str(refused):
            raise RuntimeError("a refusal of more than one line") from refused
    else:
        if claims.lines_read != len(claims.lines) + len(claims.rejected):
            raise RuntimeError("a line was lost")


if __name__ == "__main__":
    atheris.Setup(sys.argv, read)
    atheris.Fuzz()
