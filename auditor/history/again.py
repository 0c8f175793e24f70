"""What a history's last run knew of one patient, to explain a finding of that run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pyarrow import ArrowException

from auditor.claim_lines import among
from auditor.errors import AuditError
from auditor.extract import Extract
from auditor.history import lines as kept_lines
from auditor.history.ledger import NAME, Ledger
from auditor.history.lines import KeptLines, patient_key
from auditor.history.versions import line_keys, standing_versions
from auditor.history.writing import extract_from
from auditor.reference import Ints


@dataclass(frozen=True)
class Again:
    """The standing lines of a patient, the run that brought each, and the extract of all lines."""

    lines: pd.DataFrame
    runs: Sequence[str]
    extract: Extract


def last_run(folder: Path, key_env: str) -> str:
    """The run that a history remembers as its last; ``""`` where there is no history."""
    if not (folder / NAME).exists():
        return ""
    with Ledger(folder, key_env, restores=False) as ledger:
        rows = ledger.rows("SELECT run FROM runs ORDER BY seq DESC LIMIT 1")
    return str(rows[0][0]) if rows else ""


def known_of_patient(folder: Path, key_env: str, patient: str) -> Again:
    """The lines of a patient as the last run judged them.

    Raises AuditError where a run has changed the files meanwhile, or they are damaged.
    """
    with Ledger(folder, key_env, restores=False) as ledger:
        (text,) = ledger.rows("SELECT extract FROM runs ORDER BY seq DESC LIMIT 1")[0]
        run_of = dict(ledger.rows("SELECT export, run FROM exports"))
        key = np.array([patient_key(patient, ledger.seal)], dtype=np.int64)
        kept = _kept(folder, ledger, key)
    kept = kept.where(among(kept.lines["patient_id"], [patient]))
    key = line_keys(kept.lines, kept.kind, kept.export)
    kept = kept.where(standing_versions(kept.lines, key, kept.export))
    runs = [run_of.get(int(export), "") for export in kept.export]
    return Again(kept.lines, runs, extract_from(text))


def patients_of_claim(folder: Path, key_env: str, claim: str) -> list[str]:
    """The patients of whom a history holds lines of a claim. Raises as ``known_of_patient``."""
    with Ledger(folder, key_env, restores=False) as ledger:
        lines = _kept(folder, ledger, None).lines
    return sorted(lines.loc[among(lines["claim_id"], [claim]), "patient_id"].unique())


def _kept(folder: Path, ledger: Ledger, patients: Ints | None) -> KeptLines:
    names = ledger.rows("SELECT name FROM files ORDER BY first_seq")
    paths = [kept_lines.path_of(folder, name) for (name,) in names]
    try:
        return kept_lines.read(paths, patients, ledger.seal)
    except (OSError, ArrowException) as fault:
        raise AuditError(
            f"{folder}: its lines can't be read; wait until no run is using it and ask again. "
            "Damaged files are put right by the next run"
        ) from fault
