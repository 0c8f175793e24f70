"""Keeps a memory young and its files few: many become one; old lines and closed findings leave."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from auditor import erasing
from auditor.history import lines as kept_lines
from auditor.history.ledger import Ledger
from auditor.history.lines import KeptLines
from auditor.history.versions import line_keys, standing_versions, telling_apart
from auditor.reference import day_numbers
from auditor.settings import HistorySettings

_MERGED_AT = 12
_LONG_PAUSE_DAYS = 60
_LOOKS_AFTER_DAYS = 30
_LOOKED = "looked_for_old_lines"
_TYPES = {0: "", 1: "institutional", 2: "professional"}


def cutoff_of(ledger: Ledger, as_of: date, keep_days: int) -> date:
    """The first day that is kept.

    After a long pause it moves on by two months only, and with the next run by the rest: a clock
    that is set wrong for one night must not empty a memory.
    """
    runs = ledger.rows("SELECT as_of FROM runs ORDER BY seq DESC LIMIT 2")
    if len(runs) == 2:
        as_of = min(as_of, date.fromisoformat(runs[1][0]) + timedelta(days=_LONG_PAUSE_DAYS))
    return as_of - timedelta(days=keep_days)


def first_open_day(ledger: Ledger, run: str, as_of: date, settings: HistorySettings) -> date:
    """A finding whose line was last looked at before this day does not stand open any more.

    Moves on as ``cutoff_of`` does; ``run`` is the one that asks, which may be written already.
    """
    runs = ledger.rows("SELECT as_of FROM runs WHERE run <> ? ORDER BY seq DESC LIMIT 1", run)
    if runs:
        as_of = min(as_of, date.fromisoformat(runs[0][0]) + timedelta(days=_LONG_PAUSE_DAYS))
    return as_of - timedelta(days=settings.keep_open_days)


def forget(folder: Path, ledger: Ledger, cutoff: date) -> int:
    """Deletes findings that are closed and were last seen before a day, and damaged files as old.

    What the last run closed stays for another night: that run may be asked again. Returns how many
    files could only be unlinked, not overwritten.
    """
    with ledger.writing():
        # What stands open is not touched by this: its block holds on.
        block = ledger.rows("SELECT findings FROM alive")
        ledger.do(
            "DELETE FROM findings WHERE status IN ('resolved', 'unjudged') AND last_seen < ? AND "
            "status_run NOT IN (SELECT run FROM runs ORDER BY seq DESC LIMIT 1)",
            cutoff.isoformat(),
        )
        if block and not ledger.rows("SELECT 1 FROM alive"):
            ledger.put("alive", ("findings",), block)
    unlinked = 0
    for place in (folder, kept_lines.path_of(folder, "")):
        for path in place.glob("damaged-*"):
            written = np.datetime64(int(path.stat().st_mtime), "s")
            if written < np.datetime64(cutoff):
                unlinked += not erasing.erase(path)
    return unlinked


def compact(folder: Path, ledger: Ledger, as_of: date, keep_days: int) -> int:
    """Merges the files where there are many, without versions that no longer stand.

    Lines leave when both their arrival and their service are more than ``keep_days`` ago; that is
    looked at once a month, and whenever files are merged. A kill leaves the old files or the new
    one, never half of it. Returns how many files could only be unlinked, not overwritten.
    """
    names = ledger.rows("SELECT name, first_seq, last_seq FROM files ORDER BY first_seq")
    cutoff = cutoff_of(ledger, as_of, keep_days)
    many = len(names) >= _MERGED_AT
    if not names or not (many or _is_due(ledger, as_of, cutoff, names[0][1])):
        return 0
    paths = [kept_lines.path_of(folder, name) for name, _, _ in names]
    every = kept_lines.read(paths, None, ledger.seal)
    young = _young(every, ledger, cutoff)
    if not many and young.all():
        _mark_looked(ledger, as_of)
        return 0
    key = line_keys(every.lines, every.kind, every.export)
    stands = standing_versions(every.lines, key, every.export)
    stands |= telling_apart(every.lines, every.kind, every.export)
    left = every.where(stands & young)
    first, last = names[0][1], names[-1][2]
    # A merged file of the same runs may be there already.
    name = f"{first:06d}-{last:06d}-{len(left.lines)}.parquet"
    rows = []
    if len(left.lines):
        sha256 = kept_lines.write(left, kept_lines.path_of(folder, name), ledger.seal)
        rows = [(name, first, last, len(left.lines), sha256)]
    with ledger.writing():
        ledger.do("DELETE FROM files")
        ledger.put("files", ("name", "first_seq", "last_seq", "lines", "sha256"), rows)
        _forget_exports(ledger, left)
        if not young.all():
            _recount_old_days(ledger, left, cutoff)
        ledger.put("meta", ("key", "value"), [(_LOOKED, as_of.isoformat())])
    # The ledger and its copy have forgotten the files before their first byte goes.
    unlinked = not ledger.lay_copy()
    gone = [path for path in paths if not rows or path.name != name]
    return unlinked + sum(not erasing.erase(path) for path in gone)


def _is_due(ledger: Ledger, as_of: date, cutoff: date, first_seq: int) -> bool:
    """Whether some line may have grown old, and nobody has looked for a month."""
    query = "SELECT 1 FROM runs WHERE seq = ? AND as_of < ?"
    arrived = ledger.rows(query, first_seq, cutoff.isoformat())
    if not arrived:
        return False
    looked = ledger.rows("SELECT value FROM meta WHERE key = ?", _LOOKED)
    return not looked or abs((as_of - date.fromisoformat(looked[0][0])).days) >= _LOOKS_AFTER_DAYS


def _mark_looked(ledger: Ledger, as_of: date) -> None:
    with ledger.writing():
        ledger.put("meta", ("key", "value"), [(_LOOKED, as_of.isoformat())])


def _young(every: KeptLines, ledger: Ledger, cutoff: date) -> np.ndarray:
    arrived = ledger.rows(
        "SELECT export FROM exports JOIN runs USING (run) WHERE as_of < ?", cutoff.isoformat()
    )
    old = np.isin(every.export, np.array([number for (number,) in arrived], dtype=np.int64))
    first_day = int(np.datetime64(cutoff, "D").astype(np.int64))
    return ~(old & (day_numbers(every.lines["service_date"]) < first_day))


def _forget_exports(ledger: Ledger, left: KeptLines) -> None:
    """Exports without a line leave; the last stays, because the next is numbered by it."""
    numbers = np.array([number for (number,) in ledger.rows("SELECT export FROM exports")])
    gone = numbers[~np.isin(numbers, left.export) & (numbers < numbers.max(initial=0))]
    ledger.do_all("DELETE FROM exports WHERE export = ?", ((int(one),) for one in gone))


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
