"""The ledger of a site: runs, their inputs, findings and how they fare. SQLite, write-ahead log.

Everything of a night is written in one transaction. After it a copy of the whole ledger is laid
beside it; a damaged ledger is restored from that copy.
"""

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

from auditor import erasing
from auditor.disk import sync_file, sync_folder
from auditor.errors import AuditError
from auditor.history.seal import Seal, site_key, unwrapped, wrapped
from auditor.schema import FINDINGS

NAME, COPY = "ledger.sqlite", "ledger-copy.sqlite"
_FORMAT = 4
_SEALED_FORMAT = 5  # of an encrypted one
_EARLIER = {1: _FORMAT, 2: _FORMAT, 3: _SEALED_FORMAT}
_APPLICATION = 0x43435441
_SEAL = "seal"

# The columns of a finding as it was reported last, and what the ledger knows beside.
COPIED = tuple(name for name in FINDINGS if name != "status")
_INTEGERS = frozenset({"amount", "line_number", "partner_line_number", "source_row"})
_KINDS = dict.fromkeys(_INTEGERS, "INTEGER") | {"units": "REAL", "counts_money": "INTEGER"}
KNOWN = {
    "patient_key": "INTEGER NOT NULL",
    "status": "TEXT NOT NULL",
    "status_run": "TEXT NOT NULL",
    "first_run": "TEXT NOT NULL",
    "first_seen": "TEXT NOT NULL",
    "last_seen": "TEXT NOT NULL",
    "amount_first": "INTEGER",
    "waiver": "TEXT NOT NULL DEFAULT ''",
    "disposition": "TEXT NOT NULL DEFAULT ''",
    "owner": "TEXT NOT NULL DEFAULT ''",
    "note": "TEXT NOT NULL DEFAULT ''",
}
_OF_NIGHT = {
    "seq": "INTEGER NOT NULL UNIQUE",
    "as_of": "TEXT NOT NULL",
    "judged_by": "TEXT NOT NULL",
    "extract": "TEXT NOT NULL",
    **dict.fromkeys(
        ("new", "reopened", "persisting", "resolved", "waived", "unjudged"), "INTEGER NOT NULL"
    ),
    **dict.fromkeys(
        (
            f"{what}_{money}_cents"
            for what in ("identified", "reopened", "recovered", "still_open")
            for money in ("at_risk", "missed")
        ),
        "INTEGER NOT NULL",
    ),
}


def _columns(kinds: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {kind}" for name, kind in kinds.items())


_SCHEMA = f"""
CREATE TABLE runs (run TEXT PRIMARY KEY, {_columns(_OF_NIGHT)});
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE inputs (sha256 TEXT, run TEXT, file TEXT, lines INTEGER, PRIMARY KEY (sha256, run));
CREATE TABLE files (name TEXT PRIMARY KEY, first_seq INTEGER NOT NULL, last_seq INTEGER NOT NULL,
  lines INTEGER NOT NULL, sha256 TEXT NOT NULL);
CREATE TABLE findings ({
    _columns(
        {name: _KINDS.get(name, "TEXT") for name in COPIED}
        | {"finding": "TEXT PRIMARY KEY"}
        | KNOWN
    )
});
CREATE INDEX findings_status ON findings (status);
CREATE TABLE alive (findings BLOB NOT NULL);
CREATE TRIGGER finding_added AFTER INSERT ON findings BEGIN DELETE FROM alive; END;
CREATE TRIGGER finding_changed AFTER UPDATE ON findings BEGIN DELETE FROM alive; END;
CREATE TRIGGER finding_removed AFTER DELETE ON findings BEGIN DELETE FROM alive; END;
CREATE TABLE exports (export INTEGER PRIMARY KEY, run TEXT NOT NULL, file TEXT NOT NULL);
CREATE TABLE waiting (patient_key INTEGER PRIMARY KEY, newest_day INTEGER NOT NULL);
CREATE TABLE days (claim_type TEXT, day INTEGER, lines INTEGER, PRIMARY KEY (claim_type, day));
CREATE TABLE pairs (billing_npi TEXT PRIMARY KEY, lines INTEGER NOT NULL);
CREATE TABLE waivers (digest TEXT PRIMARY KEY, first_seen TEXT NOT NULL, last_matched TEXT);
PRAGMA application_id = {_APPLICATION};
PRAGMA user_version = {_FORMAT};
"""  # noqa: S608  names of our own


class Ledger:
    """An open ledger. Close it, or use it in a ``with`` statement."""

    def __init__(self, folder: Path, key_env: str = "", *, restores: bool = True) -> None:
        """Opens the ledger of a history, makes it where there is none, restores a damaged one.

        Without ``restores`` a damaged one is refused: who only looks can't say what was lost, and
        to the next run all would seem well.

        ``restored`` says that it came from the copy. ``key_env`` names the variable with the key of
        an encrypted one, ``""`` the variable it was encrypted with. Raises AuditError when it is
        damaged and no copy is whole, when another version of the program wrote it, and without its
        key.
        """
        self.path = folder / NAME
        self.copy = folder / COPY
        self.restored = False
        if not self.path.exists() and not self.copy.exists():
            self._db = _made(self.path)
        elif (fault := fault_of(self.path)) is None:
            self._db = _opened(self.path)
        elif restores:
            self._restore(fault)
        else:
            raise AuditError(
                f"{self.path}: is damaged ({fault}); the next run restores the copy beside it, "
                "and says what is to be done"
            )
        try:
            self._refuse_other_formats()
            self.seal = unwrapped(kept_seal(self._db), key_env, folder)
        except BaseException:
            self.close()
            raise

    def _refuse_other_formats(self) -> None:
        version = self._db.execute("PRAGMA user_version").fetchone()[0]
        if version in _EARLIER:
            self._to_newest(version)
            version = _EARLIER[version]
        if version not in (_FORMAT, _SEALED_FORMAT):
            raise AuditError(
                f"{self.path}: was written by another version of the program (format {version}); "
                "use that version, or name another folder and give the exports again"
            )

    def put_seal(self, seal: Seal) -> None:
        """Says how the ledger is closed from now on; inside ``writing``, with all that it holds."""
        self.do("DELETE FROM meta WHERE key = ?", _SEAL)
        if seal.on:
            self.put("meta", ("key", "value"), [(_SEAL, wrapped(seal))])
        self.do(f"PRAGMA user_version = {_SEALED_FORMAT if seal.on else _FORMAT}")

    def _to_newest(self, version: int) -> None:
        """Runs know the money of findings that came back; of those before, it was not told.

        Rows say otherwise which findings persist, and the block of those alive is another one.
        """
        with self.writing():
            if version == 1:
                for name in ("reopened_at_risk_cents", "reopened_missed_cents"):
                    self.do(f"ALTER TABLE runs ADD COLUMN {name} INTEGER NOT NULL DEFAULT 0")
            self.do("DELETE FROM alive")
            self.do(f"PRAGMA user_version = {_EARLIER[version]}")

    def _restore(self, fault: str) -> None:
        wrong = fault_of(self.copy)
        if wrong is not None:
            raise AuditError(
                f"{self.path}: is damaged ({fault}), and {self.copy.name} {wrong}; put both back "
                "from your backup, or move the folder away to begin a new history"
            )
        for name in ("", "-wal", "-shm"):
            damaged = self.path.with_name(self.path.name + name)
            if damaged.exists():
                erasing.replace(damaged, damaged.with_name(f"damaged-{damaged.name}"))
        copy_of(self.copy, self.path)
        self._db = _opened(self.path)
        self.restored = True

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the file, with what its log held in it; the last to close it erases the log."""
        # Before the last one SQLite would leave the pages that were deleted in the file.
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA wal_checkpoint(FULL)")
        _close(self._db, self.path)

    def reopen(self) -> None:
        """Brings all into the file itself and begins a new log."""
        self.close()
        self._db = _opened(self.path)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One transaction: all of it is written or nothing."""
        with told(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    def lay_copy(self) -> bool:
        """Lays a copy of the whole ledger beside it, and erases the former one.

        False where that could only be unlinked.
        """
        with told(self.copy):
            return copy_of(self.path, self.copy)

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of a query."""
        with told(self.path):
            return self._db.execute(query, values).fetchall()

    def do(self, statement: str, *values: Any) -> None:
        """Runs one statement; inside ``writing``."""
        self._db.execute(statement, values)

    def do_all(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """Runs a statement for each row; inside ``writing``."""
        self._db.executemany(statement, rows)

    def put(self, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """Inserts rows, or replaces those of the same key; inside ``writing``."""
        marks = ", ".join("?" * len(columns))
        names = ", ".join(columns)
        self.do_all(f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turns faults of the database into one line that says what to do."""
    try:
        yield
    except sqlite3.OperationalError as fault:
        raise AuditError(
            f"{path}: can't be read or written ({fault}); look at free space and permissions, and "
            "run again: nothing was changed"
        ) from fault
    except sqlite3.DatabaseError as fault:
        raise AuditError(f"{path}: is damaged ({fault}); run again to restore the copy") from fault


def kept_seal(db: sqlite3.Connection) -> str | None:
    """The key of an open ledger's values as it stands there, wrapped; None where it is plain."""
    kept = db.execute("SELECT value FROM meta WHERE key = ?", (_SEAL,)).fetchone()
    return kept[0] if kept else None


def encryption_of(folder: Path, key_env: str) -> str:
    """Whether a history is encrypted, in words; the next run with this setting will open it.

    Raises AuditError where it won't, for want of the key.
    """
    path = folder / NAME
    if path.exists() and not fault_of(path):
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)
        try:
            seal = unwrapped(kept_seal(db), key_env, folder)
        finally:
            _close(db, path)
        if seal.on:
            return f"is encrypted, and the key in {seal.key_env} opens it"
    if not key_env:
        return "is not encrypted: keep it on an encrypted disk, or set history.encryption_key_env"
    site_key(key_env)
    return f"is not encrypted yet: the next run encrypts it with the key in {key_env}"


def runs_in(folder: Path) -> frozenset[str]:
    """The runs that a history knows; none where it has no ledger, or a damaged one."""
    path = folder / NAME
    if not path.exists() or fault_of(path):
        return frozenset()
    db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10)
    try:
        return frozenset(run for (run,) in db.execute("SELECT run FROM runs"))
    finally:
        _close(db, path)


def _made(path: Path) -> sqlite3.Connection:
    """A new ledger, made aside: what a kill leaves of one would be taken for damaged."""
    aside = path.with_name(f".{path.name}")
    try:
        aside.unlink(missing_ok=True)
        os.close(os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600))
        db = sqlite3.connect(aside, isolation_level=None)
        try:
            db.execute("PRAGMA journal_mode = OFF")  # a journal that is left would be played back
            db.executescript(_SCHEMA)
        finally:
            db.close()
        sync_file(aside)
        aside.replace(path)
        sync_folder(path.parent)
        return _opened(path)
    except (OSError, sqlite3.Error) as fault:
        aside.unlink(missing_ok=True)
        raise AuditError(f"{path}: can't be made ({fault}); make room or name another") from fault


def _opened(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None, timeout=10)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    # What is deleted is overwritten, not only marked as free, and nothing of it lies elsewhere.
    db.execute("PRAGMA secure_delete = ON")
    db.execute("PRAGMA temp_store = MEMORY")
    return db


def _close(db: sqlite3.Connection, path: Path) -> None:
    """Closes a ledger. The last connection brings the log into the file and unlinks it.

    Then it lies under its second name alone, and is erased; else that name is only taken away.
    """
    log = erasing.second_name(path.with_name(f"{path.name}-wal"))
    db.close()
    if log is not None:
        erasing.erase_second(log)


def fault_of(path: Path) -> str | None:
    """What is wrong with a ledger's file; None when it is whole."""
    if not path.exists():
        return "is missing"
    try:
        db = sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True, timeout=10)
        try:
            if db.execute("PRAGMA application_id").fetchone()[0] != _APPLICATION:
                return "is no ledger"
            found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
            tables = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        finally:
            _close(db, path)
    except sqlite3.OperationalError as fault:
        if "locked" in str(fault) or "unable to open" in str(fault):
            raise AuditError(f"{path}: can't be opened ({fault}); look at permissions") from fault
        return str(fault)
    except sqlite3.DatabaseError as fault:
        return str(fault)
    return None if found == "ok" and tables else str(found)


def copy_of(source: Path, target: Path) -> bool:
    """Copies a ledger whole, aside, and renames the copy; what was there is erased.

    False where that could only be unlinked.
    """
    aside = target.with_name(f".{target.name}")
    erasing.erase(aside)
    os.close(os.open(aside, os.O_WRONLY | os.O_CREAT, 0o600))
    one, other = sqlite3.connect(source), sqlite3.connect(aside)
    try:
        one.backup(other)
        other.execute("PRAGMA journal_mode = DELETE")
    finally:
        one.close()
        other.close()
    sync_file(aside)
    return erasing.replace(aside, target)


def day(text: str) -> date:
    """A date of the ledger."""
    return date.fromisoformat(text)
