"""Keeps the claim lines of the memory few and young: many files become one, old lines leave."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from auditor.history import lines as kept_lines
from auditor.history.ledger import Ledger
from auditor.history.lines import KeptLines
from auditor.history.versions import line_keys, standing_versions
from auditor.reference import day_numbers

_MOST_FILES = 12
_TYPES = {0: "", 1: "institutional", 2: "professional"}


def compact(folder: Path, ledger: Ledger, as_of: date, keep_days: int) -> None:
    """Merges the files where there are many, without versions that no longer stand.

    Lines leave when both their arrival and their service are more than ``keep_days`` ago. A kill
    leaves the old files or the new one, never half of it.
    """
    names = ledger.rows("SELECT name, first_seq, last_seq FROM files ORDER BY first_seq")
    if len(names) <= _MOST_FILES:
        return
    paths = [kept_lines.path_of(folder, name) for name, _, _ in names]
    every = kept_lines.read(paths, None)
    key = line_keys(every.lines, every.kind, every.export)
    stands = standing_versions(every.lines, key, every.export)
    cutoff = as_of - timedelta(days=keep_days)
    young = _young(every, ledger, cutoff)
    left = every.where(stands & young)
    first, last = names[0][1], names[-1][2]
    # A merged file of the same runs may be there already.
    name = f"{first:06d}-{last:06d}-{len(left.lines)}.parquet"
    sha256 = kept_lines.write(left, kept_lines.path_of(folder, name))
    with ledger.writing():
        ledger.do("DELETE FROM files")
        ledger.put(
            "files",
            ("name", "first_seq", "last_seq", "lines", "sha256"),
            [(name, first, last, len(left.lines), sha256)],
        )
        if not young.all():
            _recount_old_days(ledger, left, cutoff)
    ledger.lay_copy()
    for path in paths:
        if path.name != name:
            path.unlink(missing_ok=True)


def _young(every: KeptLines, ledger: Ledger, cutoff: date) -> np.ndarray:
    arrived = ledger.rows(
        "SELECT export FROM exports JOIN runs USING (run) WHERE as_of < ?", cutoff.isoformat()
    )
    old = np.isin(every.export, np.array([number for (number,) in arrived], dtype=np.int64))
    first_day = int(np.datetime64(cutoff, "D").astype(np.int64))
    return ~(old & (day_numbers(every.lines["service_date"]) < first_day))


def _recount_old_days(ledger: Ledger, left: KeptLines, cutoff: date) -> None:
    """Days before the cutoff are counted anew, from the lines that are left."""
    first_day = int(np.datetime64(cutoff, "D").astype(np.int64))
    day = day_numbers(left.lines["service_date"])
    old = day < first_day
    kinds, counts = np.unique(
        np.column_stack([left.kind[old] % 3, day[old]]), axis=0, return_counts=True
    )
    ledger.do("DELETE FROM days WHERE day < ?", first_day)
    ledger.put(
        "days",
        ("claim_type", "day", "lines"),
        [
            (_TYPES[int(kind)], int(one), int(count))
            for (kind, one), count in zip(kinds, counts, strict=True)
        ],
    )
