"""Plays hundreds of invented nights at one site and says whether it stays as it is.

    python -m tests.benchmarks.soak [--nights 400] [--keep-days 90] [--folder DIR] [--json FILE]

Each night is ``auditor night`` in a process of its own with its clock set, as cron starts it, and
mails to a server of ours. Prints a table, a row a block of nights. From where old things leave on,
nothing may grow: the exit code is 1 if something does. Only the standard library is imported here.
"""

import argparse
import json
import os
import shutil
import smtplib
import socketserver
import sqlite3
import statistics
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime, time, timedelta
from functools import partial
from itertools import combinations
from pathlib import Path

from tests.benchmarks.invented_nights import InventedNights
from tests.benchmarks.measure import Finished, finished, machine, python
from tests.site_settings import INBOXES

FIRST = date(2025, 5, 20)
# How many times ``--keep-days`` must pass before a figure can be flat: lines and reports leave
# after so many days; a finding stands open for as long again after its line was last looked at;
# and for as long again there are reports from before, with fewer open findings in them.
AFTER = {
    "lines_bytes": 1,
    "files": 1,
    "open_findings": 2,
    "ledger_bytes": 2,
    "processor_seconds": 2,
    "peak_mb": 2,
    "site_bytes": 3,
}
# Old lines are looked for once a month, or when files are merged, every 12 nights.
_LOOKED_FOR = 45
_FEWEST_NIGHTS = 60
# How far the slope may lead in 100 nights, as a share of the median; see README.md.
LIMITS = {
    "processor_seconds": 0.06,
    "peak_mb": 0.04,
    "lines_bytes": 0.05,
    "ledger_bytes": 0.05,
    "site_bytes": 0.05,
    "files": 0.05,
    "open_findings": 0.08,
}
_SETTINGS = """
[payers]
"BCBS" = "commercial"
"CIGNA" = "commercial"

[history]
keep_days = {keep}
keep_open_days = {keep}

[night]
stable_seconds = 0
wait_seconds = 0
keep_archive_days = {keep}
keep_reports_days = {keep}
keep_failed_days = {keep}
keep_log_days = {keep}
keep_mail_days = {keep}
{inboxes}
[mail]
sender = "auditor@example.org"
host = "127.0.0.1"
port = {port}
security = "none"
attempts = 1

[[mail.recipients]]
address = "director@example.org"
"""


@dataclass(frozen=True)
class Night:
    """Figures of one night, taken after it."""

    number: int
    lines: int
    seconds: float
    processor_seconds: float
    peak_mb: float
    lines_bytes: int
    ledger_bytes: int
    site_bytes: int
    files: int
    open_findings: int


class _Server(socketserver.ThreadingTCPServer):
    """Takes every mail and counts them."""

    daemon_threads = True
    taken = 0


class _Session(socketserver.StreamRequestHandler):
    """Just enough of SMTP for a client that only wants to be rid of its mail."""

    def handle(self) -> None:
        said = partial(self._say)
        said("220 sink")
        while word := self.rfile.readline().strip().upper():
            if word == b"DATA":
                said("354 go on")
                while self.rfile.readline().strip(b"\r\n") != b".":
                    pass
                self.server.taken += 1  # type: ignore[attr-defined]
            said("221 bye" if word == b"QUIT" else "250 ok")
            if word == b"QUIT":
                return

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}{smtplib.CRLF}".encode())


@contextmanager
def _mailbox() -> Iterator[_Server]:
    with _Server(("127.0.0.1", 0), _Session) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


def play(
    root: Path, bytecode: Path, number: int, invented: InventedNights, mailbox: _Server
) -> Night:
    """One night: exports arrive, the night runs, figures are taken. SystemExit if it went wrong."""
    day = FIRST + timedelta(days=number)
    arrived = invented.files()
    for place, text in arrived.items():
        (root / "inbox" / place).write_text(text, encoding="utf-8")
    mails = mailbox.taken
    # A night with an export that can't be read ends with 1, as it says.
    words = (day.isoformat(), "night", "--settings", str(root / "audit.toml"))
    command = python("-m", "tests.benchmarks.soak_night", *words)
    ran = finished(command, bytecode, expected=1 if invented.breaks() else 0)
    if mailbox.taken != mails + 1:
        raise SystemExit(f"{day}: {mailbox.taken - mails} mails arrived in place of one")
    _date_mail(root / "spool" / "sent", day)
    new = [text for place, text in arrived.items() if "/scans" in place or "/readings" in place]
    lines = sum(text.count("\n") - 1 for text in new)
    return _figures(root, number, lines, ran)


def _date_mail(folder: Path, day: date) -> None:
    """Marks of mail are deleted by their time on the disk: it is set to the invented day."""
    noon = datetime.combine(day, time(12)).timestamp()
    for path in folder.iterdir():
        if path.stat().st_mtime > noon + 86_400:
            os.utime(path, (noon, noon))


def _figures(root: Path, number: int, lines: int, ran: Finished) -> Night:
    sizes = {path: path.stat().st_size for path in root.rglob("*") if path.is_file()}
    history = root / "history"
    with closing(sqlite3.connect(history / "ledger.sqlite")) as db:
        (still_open,) = db.execute(
            "SELECT count(*) FROM findings WHERE status IN ('new', 'persisting', 'reopened')"
        ).fetchone()
    return Night(
        number=number,
        lines=lines,
        seconds=ran.seconds,
        processor_seconds=ran.processor_seconds,
        peak_mb=ran.peak_mb,
        lines_bytes=sum(sizes[path] for path in sizes if path.parent == history / "lines"),
        ledger_bytes=sum(sizes[path] for path in sizes if path.name.startswith("ledger")),
        site_bytes=sum(sizes.values()),
        files=len(sizes),
        open_findings=still_open,
    )


def rows_of(root: Path) -> dict[str, int]:
    """Rows of each table of the ledger."""
    with closing(sqlite3.connect(root / "history" / "ledger.sqlite")) as db:
        names = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: db.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for (name,) in names}


def slope(values: Sequence[float]) -> float:
    """What 100 nights more add, as a share of the median: the median of all slopes between two."""
    numbered = list(enumerate(values))
    slopes = [(y - x) / (j - i) for (i, x), (j, y) in combinations(numbered, 2)]
    return 100 * statistics.median(slopes) / (statistics.median(values) or 1)


def slopes(nights: Sequence[Night], keep_days: int) -> dict[str, tuple[int, float]]:
    """The night from which each figure may be flat, and its slope from there.

    SystemExit where too few nights follow to say anything.
    """
    found = {}
    for name, times in AFTER.items():
        first = times * keep_days + _LOOKED_FOR
        if len(nights) - first < _FEWEST_NIGHTS:
            raise SystemExit(f"{name}: too few nights to say whether it stays flat")
        found[name] = first, slope([getattr(one, name) for one in nights[first:]])
    return found


def table(nights: Sequence[Night], block: int) -> str:
    """A row a block of nights: medians, of seconds and memory the largest, too."""
    rows = [
        "| nights | lines a night | seconds, median | largest | processor s | peak memory, MB "
        "| largest | lines, MB | ledger and copy, MB | site, MB | files | open findings |",
        "|" + "---|" * 12,
    ]
    for start in range(0, len(nights), block):
        some = nights[start : start + block]

        def median(name: str, some: Sequence[Night] = some) -> float:
            return statistics.median(getattr(one, name) for one in some)

        cells = [
            f"{some[0].number + 1} to {some[-1].number + 1}",
            f"{median('lines'):.0f}",
            f"{median('seconds'):.2f}",
            f"{max(one.seconds for one in some):.2f}",
            f"{median('processor_seconds'):.2f}",
            f"{median('peak_mb'):.0f}",
            f"{max(one.peak_mb for one in some):.0f}",
            f"{median('lines_bytes') / 1e6:.2f}",
            f"{median('ledger_bytes') / 1e6:.2f}",
            f"{median('site_bytes') / 1e6:.1f}",
            f"{median('files'):,.0f}",
            f"{median('open_findings'):,.0f}",
        ]
        rows.append("| " + " | ".join(cells) + " |")
    return "\n".join(rows)


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--nights", type=int, default=400)
    options.add_argument("--keep-days", type=int, default=90, help="of all that is kept")
    options.add_argument("--block", type=int, default=50)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--patients", type=int, default=110, help="new ones a night")
    options.add_argument("--folder", type=Path, help="keeps the site")
    options.add_argument("--json", type=Path, help="file for the figures of all nights")
    return options


def main() -> None:
    """Plays the nights, prints what they took, and ends with 1 if something grows."""
    given = _options().parse_args()
    folder = given.folder or Path(tempfile.mkdtemp(prefix="soak-"))
    root, on, nights = folder / "site", machine(), []
    shutil.rmtree(root, ignore_errors=True)
    for inbox in ("hospital", "physicians"):
        (root / "inbox" / inbox).mkdir(parents=True)
    invented = InventedNights(FIRST, given.seed, given.patients)
    try:
        with _mailbox() as mailbox:
            text = _SETTINGS.format(
                inboxes=INBOXES, keep=given.keep_days, port=mailbox.server_address[1]
            )
            (root / "audit.toml").write_text(text, encoding="utf-8")
            for number in range(given.nights):
                nights.append(play(root, folder / "bytecode", number, invented, mailbox))
                if (number + 1) % given.block == 0:
                    sys.stderr.write(f"{number + 1} nights: {asdict(nights[-1])}\n")
                if given.json:
                    content = {"machine": on, "nights": [asdict(one) for one in nights]}
                    given.json.write_text(json.dumps(content, indent=1), encoding="utf-8")
        words = f"{on}\n\n{table(nights, given.block)}\n\nrows of the ledger: {rows_of(root)}\n"
        sys.stdout.write(words)
    finally:
        if not given.folder:
            shutil.rmtree(folder)
    sys.exit(verdict(nights, given.keep_days))


def verdict(nights: Sequence[Night], keep_days: int) -> int:
    """Says whether the nights after which old things leave are flat: 0 if they are."""
    grown = []
    for name, (first, found) in slopes(nights, keep_days).items():
        words = f"{name}, nights {first + 1} to {len(nights)}: {found:+.1%} in 100 nights"
        sys.stdout.write(f"{words}, at most {LIMITS[name]:.0%}\n")
        grown += [name] if found > LIMITS[name] else []
    sys.stdout.write("grows: " + ", ".join(grown) + "\n" if grown else "flat\n")
    return 1 if grown else 0


if __name__ == "__main__":
    main()
