"""One night: what a kill left is finished, what arrived is audited as one run and filed away."""

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from filelock import FileLock, Timeout

from auditor.errors import AuditError
from auditor.faults import place_of
from auditor.history.ledger import encryption_of, runs_in
from auditor.ingest.profiles import read_profile
from auditor.night import durable, steps
from auditor.night.archive import give_back
from auditor.night.inbox import Look, look
from auditor.night.journal import Input, Journal, finish, free_name, unfinished, without_journal
from auditor.night.log import Logger
from auditor.night.post import Post
from auditor.night.site import Site, make_folders
from auditor.reference import load_reference
from auditor.shipped import reference_dir

_LAST = "last.json"
LOCK = "night.lock"
_ROOM = 3  # an export, its packed copy, and the reports on it


@dataclass
class Ended:
    """What a night did: a line a run, what a person must look at, and its mail."""

    said: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    post: Post = field(default_factory=Post)


def night(site: Site, today: date, log: Logger, *, as_of: date | None = None) -> Ended:
    """Runs a night to its end. Raises AuditError when it can't; run again, it goes on from there.

    ``as_of`` says the day against the clock.
    """
    with durable.private(site.night.file_mode):
        try:
            make_folders(site)
            ended = Ended()
            with (
                only_one(site),
                _failure_mailed(site, as_of or today, log, ended.post),
                durable.named(site.work),
            ):
                _night(site, today, log, as_of, ended)
            ended.problems += ended.post.problems()
            return ended
        except AuditError as fault:
            log.error("stopped", reason=str(fault))
            raise
        except Exception as fault:
            log.error("stopped", reason=_in_a_line(fault))
            raise AuditError(_in_a_line(fault)) from fault


@contextmanager
def _failure_mailed(site: Site, day: date, log: Logger, post: Post) -> Iterator[None]:
    """Mails once a day that a night could not finish, if the settings name somebody."""
    started_at = datetime.now().astimezone()
    try:
        yield
    except Exception as fault:
        if site.settings.mail.recipients:
            reason = _in_a_line(fault)
            try:
                from auditor.mail import failure

                told = failure(f"{day} night", day, started_at, reason)
                post.send(told, site, log, "mail of the failure")
            except Exception as other:
                log.error("mail of the failure", reason=_in_a_line(other))
        raise


def _in_a_line(fault: Exception) -> str:
    """What may be told of a fault: the words of one that nobody foresaw could quote a claim."""
    if isinstance(fault, AuditError):
        return str(fault)
    if isinstance(fault, OSError):
        return _of_disk(fault)
    return f"{place_of(fault)}: a fault of the program, nothing is lost; tell its makers"


@contextmanager
def only_one(site: Site) -> Iterator[None]:
    """Keeps other nights out; the system lets go when the process dies, however it dies."""
    lock = FileLock(site.work / LOCK, timeout=0, mode=0o600)
    try:
        lock.acquire()
    except Timeout as fault:
        raise AuditError(
            f"{site.work}: another night is at work there; nothing was done"
        ) from fault
    try:
        yield
    finally:
        lock.release()


def _of_disk(fault: OSError) -> str:
    where = fault.filename or "a folder of the site"
    return (
        f"{where}: {fault.strerror or 'could not be read or written'}; nothing is lost: mend "
        "it and start the night again"
    )


def _night(site: Site, today: date, log: Logger, as_of: date | None, ended: Ended) -> None:
    _refuse_bad_tables(site)
    last = last_night(site)
    day = as_of or _day(today, last, log)
    _rescue(site, log)
    resumed = unfinished(site.work)
    for journal in resumed:
        log.bind(run=journal.run).warning("goes on with a run that was cut short")
        _finish(site, journal, last, log, ended)
        last = journal.as_of
    found = look(site)
    for left in found.left:
        log.warning("stays in the inbox", source=left.inbox, file=left.file, reason=left.reason)
    # A night started again without new exports, after a kill or by mistake, has nothing to add.
    if not found.arrived and last == day:
        ended.said.append(f"{day}: no new export since the last night of this day")
        return
    _refuse_full_disk(site, found)
    _finish(site, _planned(site, day, found, log), last, log, ended)


def _day(today: date, last: date | None, log: Logger) -> date:
    """The day a night looks from: today, but not before the last night."""
    if last is None or today >= last:
        return today
    if today == last - timedelta(days=1):
        log.warning("the clock is behind the last night: its day is taken", as_of=last.isoformat())
        return last
    raise AuditError(
        f"the clock says {today}, but the last night was on {last}: set the clock, or give the day "
        "with --as-of"
    )


def last_night(site: Site) -> date | None:
    """The day of the last finished night."""
    try:
        content = json.loads((site.work / _LAST).read_text(encoding="utf-8"))
        return date.fromisoformat(content["as_of"])
    except (OSError, KeyError, TypeError, ValueError):
        return None


def _rescue(site: Site, log: Logger) -> None:
    """Clears work folders without a journal; exports in them go back to their inboxes."""
    homes = {inbox.name: site.inbox(inbox) for inbox in site.night.inboxes}
    for folder in without_journal(site.work):
        for path in sorted((folder / "inputs").glob("*/*")):
            home = homes.get(path.parent.name)
            if home is None:
                raise AuditError(
                    f"{path}: belongs to no run and no inbox; move it away and start again"
                )
            log.warning("found without its run: back to its inbox", file=path.name)
            one = Input(path.parent.name, str(home / path.name), "", 0)
            give_back(folder.name, one, path)
        durable.remove_folder(folder)


def _refuse_bad_tables(site: Site) -> None:
    """Refuses a site whose profiles, tables or history can't be read, before its exports suffer."""
    encryption_of(site.history, site.settings.history.encryption_key_env)
    for inbox in site.night.inboxes:
        if profile := site.profile(inbox):
            read_profile(profile)
    load_reference(reference_dir(), site.reference)


def _refuse_full_disk(site: Site, found: Look) -> None:
    """Refuses a night for which there is no room, before anything is moved."""
    needed = room_needed(site, found)
    for folder in (site.work, site.reports, site.archive, site.history):
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise AuditError(
                f"{folder}: {free // 1_000_000:,} MB are free, the night needs "
                f"{needed // 1_000_000:,} MB; make room. The exports stay in their inboxes"
            )


def room_needed(site: Site, found: Look) -> int:
    """Bytes that a night with these exports may write to one file system."""
    sizes = sum(one.path.stat().st_size for one in found.arrived if one.path.exists())
    return _ROOM * sizes + site.night.free_megabytes * 1_000_000


def _planned(site: Site, day: date, found: Look, log: Logger) -> Journal:
    """The journal of a new run: what it will take, before anything is moved."""
    places = (site.work, site.reports, site.archive, site.failed)
    # Whoever deletes the folders of a run doesn't take it from the history.
    run = free_name(day, places, runs_in(site.history))
    journal = Journal(site.work / run, run, day)
    journal.left = [
        {"source": left.inbox, "file": left.file, "reason": left.reason} for left in found.left
    ]
    for one in found.arrived:
        source, file = one.inbox.name, one.path.name
        try:
            size, sha256 = one.path.stat().st_size, durable.sha256_of(one.path)
        except OSError as fault:
            reason = f"can't be opened ({fault.strerror})"
            log.warning("stays in the inbox", source=source, file=file, reason=reason)
            journal.left.append({"source": source, "file": file, "reason": reason})
            continue
        journal.inputs.append(Input(source, str(one.path), sha256, size))
    journal.save()
    return journal


def _finish(site: Site, journal: Journal, last: date | None, log: Logger, ended: Ended) -> None:
    """Takes a run from where it stands to its end."""
    log = log.bind(run=journal.run)
    steps.run_all(steps.Night(site, journal, last, log, ended.said, ended.problems, ended.post))
    content = {"run": journal.run, "as_of": journal.as_of.isoformat()}
    durable.write(site.work / _LAST, json.dumps(content).encode())
    finish(journal)
    log.info("finished")
