"""An invented site for tests of the night, and nights that are killed or refused by the disk.

The program has no switch for that: a night runs in a process of its own, in which the functions
that change the disk are wrapped, so that the process dies, or the disk is full, at the n-th change.
"""

import errno
import hashlib
import io
import json
import multiprocessing
import os
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import auditor.audit
import auditor.intake
import auditor.night.night as nights
import auditor.reference
import auditor.report.data
import auditor.report.summary
from auditor import batch, disk, erasing
from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.history import ledger, memory
from auditor.history import lines as kept_lines
from auditor.mail import server, spool
from auditor.night import durable, steps
from auditor.night import journal as journals
from auditor.night.log import open_log
from auditor.night.site import Site, open_site
from auditor.reference import load_reference
from auditor.shipped import reference_dir
from tests.site_settings import INBOXES

HEADER = "Claim,Line,MRN,Type,DOS,CPT,Mods,Rev,Units,Charge,Payer,Billing NPI,POS,Dx"
SCAN = "H{n},1,P{n},institutional,{day},75574,,0489,1,1500.00,Medicare,1000000004,,I25.10"
READING = "F{n},1,P{n},professional,{day},75574,26,,1,250.00,Medicare,1000000012,22,I25.10"
OLD_REVENUE = SCAN.replace("0489", "0352")
SETTINGS = f"""
formats = ["csv", "parquet", "json"]

[night]
stable_seconds = 0
wait_seconds = 0
free_megabytes = 0
{INBOXES}"""
ABOVE = re.compile(r"^/.*/(?=(archive|failed|history|reports|work|inbox)(/|$))")
NIGHTS = (date(2026, 3, 1), date(2026, 3, 2), date(2026, 3, 20))


def mail_settings(port: int) -> str:
    return f"""
[mail]
sender = "auditor@example.org"
host = "127.0.0.1"
port = {port}
security = "none"
attempts = 1
charts = false
timeout_seconds = 20

[[mail.recipients]]
address = "director@example.org"
"""


def export(template: str, numbers: range, day: str = "2026-02-20") -> str:
    rows = [template.format(n=number, day=day) for number in numbers]
    return "\n".join([HEADER, *rows]) + "\n"


def make_site(root: Path, settings: str = SETTINGS) -> Site:
    for inbox in ("hospital", "physicians"):
        (root / "inbox" / inbox).mkdir(parents=True)
    (root / "audit.toml").write_text(settings, encoding="utf-8")
    return open_site(root / "audit.toml")


def drop(site: Site, place: str, content: str | bytes) -> Path:
    """An export arrives: ``place`` is inbox/name."""
    path = site.file.parent / "inbox" / place
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def fill(site: Site, number: int) -> None:
    """What arrives before the n-th night, counted from 0."""
    if number == 0:
        drop(site, "hospital/scans.csv", export(SCAN, range(1, 5)) + "\n")
        drop(site, "hospital/broken.csv", b"PK\x03\x04 no workbook")
        drop(site, "physicians/readings.csv", export(READING, range(1, 3)))
    elif number == 1:
        drop(site, "hospital/scans.csv", export(OLD_REVENUE, range(5, 8)))
        drop(site, "physicians/again.csv", export(READING, range(1, 3)))
    else:
        drop(site, "physicians/late.csv", export(READING, range(3, 4)))


def fill_for_later(site: Site, number: int) -> None:
    """More for the second and third night: what one finds wrong or missing, the next sees mended.

    Old scans without readings; then one of the readings, and replacements of two claims.
    """
    if number == 1:
        drop(site, "hospital/older.csv", export(SCAN, range(20, 23), "2026-01-20"))
        drop(site, "physicians/older.csv", export(READING, range(22, 23), "2026-01-20"))
    if number != 2:
        return
    drop(site, "physicians/later.csv", export(READING, range(20, 21), "2026-01-20"))
    header, *rows = export(SCAN, range(5, 7)).splitlines()
    lines = [f"{header},Claim Frequency,Received", *(f"{row},7,2026-03-15" for row in rows)]
    drop(site, "hospital/replaced.csv", "\n".join(lines) + "\n")


@dataclass
class Ran:
    """What a night in this process did."""

    said: list[str]
    problems: list[str]
    log: str


def night(site: Site, day: date = NIGHTS[0], **options: Any) -> Ran:
    stream = io.StringIO()
    ended = nights.night(site, day, open_log(site.log, day, stream=stream), **options)
    return Ran(ended.said, ended.problems, stream.getvalue())


# Nights that end badly.

KILLED, ENDED, STOPPED = 0, 1, 2

CHANGES: tuple[tuple[Any, str], ...] = (
    *((durable, name) for name in ("make_folder", "write", "replace", "move", "compress")),
    *((durable, name) for name in ("remove", "remove_folder", "sync_folder")),
    (disk, "settle"),
    (erasing, "_overwritten"),
    *((batch, name) for name in ("write_files", "save_request")),
    (auditor.report.data, "write_findings_csv"),
    (steps, "write_facts"),
    *((memory.Memory, name) for name in ("commit", "settle")),
    *((memory, name) for name in ("write_night", "compact")),
    *((kept_lines, "write"), (ledger, "copy_of")),
    (durable.shutil, "copyfileobj"),
)
MAIL_CHANGES: tuple[tuple[Any, str], ...] = (
    *((spool.Spool, name) for name in ("add", "mark_sent")),
    (server.Server, "send"),
)


def _wrap(at: Callable[[str], None]) -> None:
    for owner, name in (*CHANGES, *MAIL_CHANGES):
        before = getattr(owner, name)

        def wrapped(*given: Any, _before: Any = before, _name: str = name, **named: Any) -> Any:
            at(f"before {_name}")
            result = _before(*given, **named)
            at(f"after {_name}")
            return result

        setattr(owner, name, wrapped)
    mark = journals.Journal.mark

    def marked(journal: journals.Journal, step: str) -> None:
        at(f"before {step}")
        mark(journal, step)
        at(f"after {step}")

    journals.Journal.mark = marked  # type: ignore[method-assign]


def quickly(put: Callable[[Any, str, Any], None]) -> None:
    """Nights with few rules, and tables that are loaded already."""
    for module in (nights, auditor.reference):
        put(module, "load_reference", lambda *_given: TABLES)
    # A killed process needs none; without, hundreds of nights pass quickly.
    put(os, "fsync", lambda _handle: None)
    put(batch, "CATALOGUE", RULES)
    put(auditor.audit.audit, "__kwdefaults__", {"rules": RULES, "options": None})


def _play(root: Path, number: int, place: int | str, ending: str, told: Any) -> None:
    seen = 0

    def at(name: str) -> None:
        nonlocal seen
        if place in (seen, name) and ending == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if place in (seen, name) and ending == "full":
            seen += 1
            raise OSError(errno.ENOSPC, "No space left on device", str(root))
        seen += 1

    _wrap(at)
    read = auditor.intake.read_files

    def read_files(paths: Any, **named: Any) -> Any:
        at(f"reading {paths[0].name}")
        return read(paths, **named)

    auditor.intake.read_files = read_files
    quickly(setattr)
    try:
        night(open_site(root / "audit.toml"), NIGHTS[number])
        told[0] = ENDED
    except AuditError:
        told[0] = STOPPED
    finally:
        told[1] = seen


# These nights need no more: a rule about one line, two about partners in other files.
RULES = tuple(
    rule
    for rule in CATALOGUE
    if rule.name
    in ("revenue_code_not_preferred", "professional_component_missing", "line_billed_twice")
)
TABLES = load_reference(reference_dir())
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.sites"])


def play(
    root: Path, number: int, *, place: int | str = -1, ending: str = "", after: float | None = None
) -> tuple[int, int]:
    """Runs a night in a process: how it ended, and how many changes it made on the disk.

    ``after``: seconds after which it is killed, wherever it is.
    """
    told = CONTEXT.Array("i", [KILLED, 0])
    process = CONTEXT.Process(target=_play, args=(root, number, place, ending, told))
    process.start()
    if after is not None:
        process.join(after)
        process.kill()
    process.join()
    return told[0], told[1]


def state(root: Path) -> dict[str, str]:
    """All that a site holds, by path: digests, clocks and durations left out."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if not path.is_file() or name.startswith(("log/", "audit.toml")) or "lock" in name:
            continue
        content = path.read_bytes()
        if path.suffix == ".sqlite":
            with closing(sqlite3.connect(path)) as db:
                content = "\n".join(db.iterdump()).encode()
        if path.name in ("run.json", "report.json", "request.json"):
            content = json.dumps(_timeless(json.loads(content))).encode()
        found[name] = hashlib.sha256(content).hexdigest()[:12]
    return found


def _timeless(content: Any) -> Any:
    """Plain values without clocks, durations and the folder above the site."""
    if isinstance(content, dict):
        kept = {key: one for key, one in content.items() if key not in ("started_at", "seconds")}
        return {key: _timeless(one) for key, one in kept.items()}
    if isinstance(content, list):
        return [_timeless(one) for one in content]
    return ABOVE.sub("", content) if isinstance(content, str) else content
