"""Encrypts a history, changes its key or takes it away: everything in it is written anew.

The ledger's transaction is the one point at which it happens, as with a night: a kill before it
leaves the old files and the old key, one after it the new ones.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from auditor import erasing
from auditor.errors import AuditError
from auditor.history import lines as kept_lines
from auditor.history import repair
from auditor.history.alive_findings import known_rows
from auditor.history.findings import KNOWN_COLUMNS
from auditor.history.ledger import COPY, NAME, Ledger, told
from auditor.history.lines import KeptLines
from auditor.history.seal import Seal, new_seal
from auditor.history.sealed_rows import closed_rows
from auditor.history.waiver_days import waiver_days, write_waiver_days

_TRACES = "traces_of_a_former_key"
_PATIENT, _KEY = (KNOWN_COLUMNS.index(name) for name in ("patient_id", "patient_key"))


def opened_ledger(folder: Path, key_env: str) -> tuple[Ledger, tuple[str, ...]]:
    """The ledger of a history, put right, and encrypted if a key is named; what to say of that.

    Raises AuditError as ``Ledger`` does, and where there are lines of a ledger that is gone.
    """
    _refuse_lines_alone(folder)
    ledger = Ledger(folder, key_env)
    try:
        notes = repair.repaired(folder, ledger)
        if key_env and not ledger.seal.on:
            reseal(folder, ledger, new_seal(key_env))
        _remove_traces(ledger)
    except BaseException:
        ledger.close()
        raise
    return ledger, notes


def _refuse_lines_alone(folder: Path) -> None:
    """A new ledger would know none of the lines, and they would be erased as a killed run's."""
    if (folder / NAME).exists() or (folder / COPY).exists():
        return
    if any(kept_lines.path_of(folder, "").glob("[0-9]*.parquet")):
        raise AuditError(
            f"{folder}: holds claim lines, but neither {NAME} nor {COPY}; put one of them back "
            "from your backup, or move the folder away to begin a new history"
        )


def reseal(folder: Path, ledger: Ledger, seal: Seal) -> None:
    """Writes all lines into one new file and all findings anew, closed by another seal."""
    names = ledger.rows("SELECT name, first_seq, last_seq FROM files ORDER BY first_seq")
    paths = [kept_lines.path_of(folder, name) for name, _, _ in names]
    every = kept_lines.read(paths, None, ledger.seal)
    patient = kept_lines.patient_keys(every.lines, seal)
    former = dict(zip(every.patient.tolist(), patient.tolist(), strict=True))
    files = _written(folder, replace(every, patient=patient), names, seal)
    waivers = waiver_days(ledger)
    with ledger.writing():
        ledger.do("DELETE FROM files")
        ledger.put("files", ("name", "first_seq", "last_seq", "lines", "sha256"), files)
        _write_findings(ledger, seal)
        _write_waiting(ledger, former)
        ledger.put_seal(seal)
        ledger.put("meta", ("key", "value"), [(_TRACES, "")])
        write_waiver_days(ledger, seal, *waivers)
    ledger.seal = seal
    # Until the copy is laid anew it names the old files.
    _remove_traces(ledger)
    for path in paths:
        erasing.erase(path)


def _written(
    folder: Path, every: KeptLines, names: Sequence[tuple[Any, ...]], seal: Seal
) -> list[tuple[Any, ...]]:
    """The rows of the files that lines were written to: one, or none."""
    if not len(every.lines):
        return []
    first, last = names[0][1], names[-1][2]
    name = f"{first:06d}-{last:06d}-{secrets.token_hex(4)}.parquet"
    sha256 = kept_lines.write(every, kept_lines.path_of(folder, name), seal)
    return [(name, first, last, len(every.lines), sha256)]


def _write_findings(ledger: Ledger, seal: Seal) -> None:
    rows = []
    for row in known_rows(ledger, "TRUE"):
        cells = list(row)
        cells[_KEY] = kept_lines.patient_key(cells[_PATIENT], seal)
        rows.append(tuple(cells))
    ledger.do("DELETE FROM findings")
    ledger.do("DELETE FROM alive")
    ledger.put("findings", KNOWN_COLUMNS, closed_rows(rows, seal))


def _write_waiting(ledger: Ledger, former: Mapping[int, int]) -> None:
    waiting = ledger.rows("SELECT patient_key, newest_day FROM waiting")
    # Of a patient without lines nothing can be said that has to wait.
    rows = [(former[key], day) for key, day in waiting if key in former]
    ledger.do("DELETE FROM waiting")
    ledger.put("waiting", ("patient_key", "newest_day"), rows)


def _remove_traces(ledger: Ledger) -> None:
    """Writes the ledger and its copy anew, so that no page holds what stood there before."""
    if not ledger.rows("SELECT 1 FROM meta WHERE key = ?", _TRACES):
        return
    with told(ledger.path):
        ledger.do("VACUUM")
    ledger.reopen()
    ledger.lay_copy()
    with ledger.writing():
        ledger.do("DELETE FROM meta WHERE key = ?", _TRACES)
