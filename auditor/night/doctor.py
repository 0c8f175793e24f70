"""Whether the next night will go well: each thing it needs, looked at without changing anything."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from auditor.errors import AuditError
from auditor.history.ledger import NAME as LEDGER
from auditor.history.ledger import encryption_of, fault_of
from auditor.ingest.profiles import read_profile
from auditor.mail.workbook import password_fault
from auditor.mail_settings import MailSettings
from auditor.night import durable
from auditor.night.archive import REASON
from auditor.night.inbox import Arrived, Look, look
from auditor.night.journal import unfinished
from auditor.night.night import LOCK, last_night, room_needed
from auditor.night.retention import expired, hold_back
from auditor.night.site import Site, from_here
from auditor.reference import Reference, load_reference
from auditor.shipped import reference_dir

SOON_DAYS = 30
_LATE_DAYS = 2
_MOST_NAMED = 5


@dataclass(frozen=True)
class Check:
    """One thing looked at. ``state`` is ok, warn or fail; ``words`` say what and the way out."""

    state: str
    name: str
    words: str


def doctor(site: Site, today: date) -> list[Check]:
    """All checks of a site, in the order in which a night needs the things."""
    return [
        *_each(site, today, (_own_folders, _inboxes, _room, _at_work, _last, _profiles)),
        *_each(site, today, (_history, _tables, _mail_server, _leftovers, _tonight)),
    ]


Looks = Callable[[Site, date], Iterator[Check]]


def _each(site: Site, today: date, looks: tuple[Looks, ...]) -> Iterator[Check]:
    """What the looks say; one that can't look fails in its own name."""
    for one in looks:
        try:
            yield from one(site, today)
        except (AuditError, OSError) as fault:
            yield Check("fail", one.__name__.strip("_").replace("_", " "), str(fault))


def page(checks: list[Check]) -> str:
    """One line a check, and what they come to."""
    width = max(len(check.name) for check in checks)
    lines = [f"{check.state:4}  {check.name:{width}}  {check.words}" for check in checks]
    fails = sum(check.state == "fail" for check in checks)
    warns = sum(check.state == "warn" for check in checks)
    verdict = "will not go well" if fails else "can run"
    return "\n".join([*lines, "", f"The night {verdict}: {fails} fail, {warns} warn", ""])


def _own_folders(site: Site, _today: date) -> Iterator[Check]:
    others = 0o777 & ~durable.folder_mode(site.night.file_mode)
    for key, folder in site.own_folders().items():
        there = folder
        while not there.exists():
            there = there.parent
        if fault := _not_writable(there):
            yield Check("fail", f"folder {key}", f"{from_here(folder)}: {fault}")
        elif there == folder and (mode := stat.S_IMODE(folder.stat().st_mode)) & others:
            words = f"others than its owner may enter it ({mode:04o}); chmod 0700 it"
            yield Check("warn", f"folder {key}", f"{from_here(folder)}: {words}")
        else:
            made = "" if there == folder else " will be made"
            yield Check("ok", f"folder {key}", f"{from_here(folder)}{made}")


def _not_writable(folder: Path) -> str:
    """Why nothing can be written into a folder, ``""`` if it can; nothing stays there."""
    try:
        with tempfile.TemporaryFile(dir=folder) as stream:
            stream.write(b"0" * 4096)
    except OSError as fault:
        return f"can't be written ({fault.strerror})"
    return ""


def _inboxes(site: Site, _today: date) -> Iterator[Check]:
    for inbox in site.night.inboxes:
        folder, name = site.inbox(inbox), f"inbox {inbox.name}"
        if not folder.is_dir():
            yield Check("fail", name, f"{from_here(folder)}: there is no such folder; make it")
        elif not _readable(folder):
            yield Check("fail", name, f"{from_here(folder)}: can't be read; chmod it")
        elif fault := _not_writable(folder):
            yield Check(
                "fail", name, f"{from_here(folder)}: {fault}; exports can't be taken from it"
            )
        else:
            marker = ", complete with their .done marker" if inbox.done_marker else ""
            yield Check("ok", name, f"{from_here(folder)} for {' '.join(inbox.files)}{marker}")


def _room(site: Site, _today: date) -> Iterator[Check]:
    needed = room_needed(site, _look(site))
    for folder in _file_systems(site):
        free = shutil.disk_usage(folder).free
        state = "ok" if free >= needed else "fail"
        words = f"{free // 1_000_000:,} MB free, tonight needs {needed // 1_000_000:,} MB"
        yield Check(state, "disk space", f"{from_here(folder)}: {words}")


def _file_systems(site: Site) -> list[Path]:
    """A folder on each file system that the night writes to."""
    found: dict[int, Path] = {}
    for folder in site.own_folders().values():
        there = folder
        while not there.exists():
            there = there.parent
        found.setdefault(there.stat().st_dev, there)
    return list(found.values())


def _readable(folder: Path) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK)


def _look(site: Site) -> Look:
    """What lies in the inboxes; those that can't be read have their own check."""
    inboxes = [one for one in site.night.inboxes if _readable(site.inbox(one))]
    night = site.night.model_copy(update={"inboxes": inboxes})
    settings = site.settings.model_copy(update={"night": night})
    return look(replace(site, settings=settings), wait=False)


def _at_work(site: Site, _today: date) -> Iterator[Check]:
    if (site.work / LOCK).exists():
        lock = FileLock(site.work / LOCK, timeout=0)
        try:
            lock.acquire()
            lock.release()
        except Timeout:
            yield Check("warn", "lock", "a night is at work right now; what follows may change")
            return
    yield Check("ok", "lock", "no night is at work")


def _last(site: Site, today: date) -> Iterator[Check]:
    last = last_night(site)
    if last is None:
        yield Check("ok", "last night", "none yet")
    elif (last - today).days > 1:
        words = f"was as of {last}, the clock says {today}: set the clock, or give --as-of"
        yield Check("fail", "last night", words)
    elif (today - last).days > _LATE_DAYS:
        words = f"was as of {last}, {(today - last).days} days ago: does cron start it?"
        yield Check("warn", "last night", words)
    else:
        yield Check("ok", "last night", f"was as of {last}")


def _profiles(site: Site, _today: date) -> Iterator[Check]:
    for inbox in site.night.inboxes:
        if profile := site.profile(inbox):
            read_profile(profile)
            yield Check("ok", f"profile {inbox.name}", f"{from_here(profile)} is sound")


def _history(site: Site, today: date) -> Iterator[Check]:
    from auditor.history.waivers import read_waivers

    ledger = site.history / LEDGER
    if not ledger.exists():
        yield Check("ok", "ledger", "none yet")
    elif fault := fault_of(ledger):
        words = f"{from_here(ledger)}: is damaged ({fault}); tonight restores the copy beside it"
        yield Check("warn", "ledger", words)
    else:
        yield Check("ok", "ledger", f"{from_here(ledger)} is sound")
    history = site.settings.history
    words = encryption_of(site.history, history.encryption_key_env)
    yield Check("ok", "encryption", f"{from_here(site.history)} {words}")
    waivers = read_waivers(site.waivers)
    notes = waivers.notes(today, {}, {})
    for note in notes:
        yield Check("warn", "waivers", note)
    if not notes:
        yield Check("ok", "waivers", f"{len(waivers.all)} in force")


def _mail_server(site: Site, _today: date) -> Iterator[Check]:
    from auditor.mail.server import MailError, Server

    mail = site.settings.mail
    if not mail.recipients:
        yield Check("warn", "mail", "nobody gets mail: mail.recipients is empty")
        return
    server = Server(mail)
    try:
        server.greet()
    except MailError as fault:
        yield Check("fail", "mail server", f"{fault}; mail would wait in the spool")
    else:
        words = f"{mail.host}:{mail.server_port} would take mail for {len(mail.recipients)}"
        yield Check("ok", "mail server", words)
    finally:
        server.close()
    yield from _recipients(mail)
    waiting = len(list(site.spool.glob("waiting/*.eml")))
    refused = len(list(site.spool.glob("refused/*.eml")))
    if waiting or refused:
        words = f"{waiting} wait to be sent, {refused} were refused, in {from_here(site.spool)}"
        yield Check("warn", "spool", words)
    else:
        yield Check("ok", "spool", "nothing waits to be sent")


def _recipients(mail: MailSettings) -> Iterator[Check]:
    """Who would get what, and whether the password of workbooks is at hand."""
    when = ", when something changed" if mail.only_on_change else ""
    for one in mail.recipients:
        part = "a part of the findings" if one.filtered else "all findings"
        book = ", with the workbook" if one.workbook else ""
        yield Check("ok", "mail to", f"{one.address}: {part} in counts{book}{when}")
    if any(one.workbook for one in mail.recipients) and (fault := password_fault(mail)):
        yield Check("fail", "workbook password", f"{fault}; mail would go without the workbook")


def _tables(site: Site, today: date) -> Iterator[Check]:
    reference = load_reference(reference_dir(), site.reference)
    ends = list(_horizons(reference))
    past = [f"{name} to {last}" for name, last in ends if last < today]
    soon = [f"{name} to {last}" for name, last in ends if 0 <= (last - today).days <= SOON_DAYS]
    if past:
        words = f"no longer answer for today: {', '.join(past)}"
        yield Check("warn", "tables", f"{words}. Rules that need them call no later line clean")
    if soon:
        yield Check("warn", "tables", f"end within {SOON_DAYS} days: {', '.join(soon)}")
    if not past and not soon:
        yield Check("ok", "tables", f"all {len(reference.tables)} answer for today")


def _horizons(reference: Reference) -> Iterator[tuple[str, date]]:
    """Each table and setting with the last date of service it answers for."""
    latest: dict[str, date] = {}
    for name, table in reference.tables.items():
        for edition in table.editions:
            key = f"{name} {edition.setting}".strip()
            latest[key] = max(latest.get(key, date.min), edition.last_date or date.max)
    yield from ((key, last) for key, last in sorted(latest.items()) if last != date.max)


def _leftovers(site: Site, _today: date) -> Iterator[Check]:
    for journal in unfinished(site.work):
        words = f"{journal.run} was cut short; tonight goes on with it first"
        yield Check("warn", "unfinished run", words)
    failed = [
        path
        for path in (site.failed.glob("*/*/*") if site.failed.is_dir() else ())
        if path.is_file() and not path.name.endswith(REASON)
    ]
    if failed:
        where = f"{len(failed)} in {from_here(site.failed)}"
        words = f"{where}, each with its reason: mend, send again, delete"
        yield Check("warn", "failed exports", words)
    else:
        yield Check("ok", "failed exports", "none")


def _tonight(site: Site, today: date) -> Iterator[Check]:
    yield _would_go(site, today)
    # A night without one of its inboxes audits nothing; that check has failed already.
    if not all(_readable(site.inbox(one)) for one in site.night.inboxes):
        return
    found = _look(site)
    for left in found.left:
        yield Check("warn", "stays behind", f"{left.inbox}/{left.file} {left.reason}")
    repeats = _repeats(site, found)
    names = ", ".join(
        f"{one.inbox.name}/{one.path.name}" for one in found.arrived if one not in repeats
    )
    none = "none is new" if repeats else "none is there"
    words = f"would audit {names}" if names else f"would audit no export: {none}"
    yield Check("ok", "tonight", f"{words}, as of {today}")
    for one in repeats:
        name = f"{one.inbox.name}/{one.path.name}"
        yield Check("ok", "repeat", f"{name} holds bytes audited before: not audited again")


def _repeats(site: Site, found: Look) -> list[Arrived]:
    """Exports that hold the same bytes as one audited before, or as one before them here."""
    ledger = site.history / LEDGER
    before = _audited_before(ledger) if ledger.exists() and not fault_of(ledger) else set()
    here: set[str] = set()
    again = []
    for one in found.arrived:
        sha256 = durable.sha256_of(one.path)
        known = site.known_as(one.inbox.name, sha256)
        if sha256 in before or known in before | here:
            again.append(one)
        here.add(known)
    return again


def _audited_before(ledger: Path) -> set[str]:
    """What a sound ledger calls the exports that it knows."""
    # A full disk keeps what the last night wrote in the log beside the ledger, without which the
    # file alone is not whole. Where there is no log, nothing is left beside the ledger, either.
    how = "mode=ro" if ledger.with_name(f"{ledger.name}-wal").exists() else "immutable=1"
    with closing(sqlite3.connect(f"{ledger.absolute().as_uri()}?{how}", uri=True)) as db:
        return {sha256 for (sha256,) in db.execute("SELECT sha256 FROM inputs")}


def _would_go(site: Site, today: date) -> Check:
    """What the night would delete by age."""
    old = [from_here(path) for path in expired(site, today)]
    if not old:
        return Check("ok", "deletion", "nothing is old enough")
    if hold_back(today, last_night(site)):
        are = "is" if len(old) == 1 else "are"
        words = f"{len(old)} {are} old enough, but nothing goes after a pause or in a first night"
        return Check("ok", "deletion", words)
    more = f" and {len(old) - _MOST_NAMED} more" if len(old) > _MOST_NAMED else ""
    return Check("ok", "deletion", f"would delete {', '.join(map(str, old[:_MOST_NAMED]))}{more}")
