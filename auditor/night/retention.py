"""What is old enough to go: runs in archive, failed and reports, logs, marks of mail."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from auditor import erasing
from auditor.night import durable
from auditor.night.journal import is_run
from auditor.night.site import Site

LONG_PAUSE_DAYS = 60
"""After a pause this long nothing goes for a night: a clock set wrong must not empty a site."""


@dataclass(frozen=True)
class Tidied:
    """What went: ``unlinked`` files could not be overwritten first. Or nothing: ``held_back``."""

    gone: tuple[Path, ...] = ()
    unlinked: int = 0
    held_back: bool = False


def expired(site: Site, as_of: date) -> Iterator[Path]:
    """Folders of runs, logs, and what lies in the spool, older than the settings keep them."""
    night = site.night
    for folder, days in (
        (site.archive, night.keep_archive_days),
        (site.failed, night.keep_failed_days),
        (site.reports, night.keep_reports_days),
    ):
        if days and folder.is_dir():
            first_kept = (as_of - timedelta(days=days)).isoformat()
            yield from (
                path
                for path in sorted(folder.iterdir())
                if is_run(path) and path.name[:10] < first_kept
            )
    if night.keep_log_days and site.log.is_dir():
        first_month = f"{as_of - timedelta(days=night.keep_log_days):%Y-%m}"
        yield from (
            path for path in sorted(site.log.glob("????-??.jsonl")) if path.stem < first_month
        )

    if night.keep_mail_days:
        yield from _old_mail(site, as_of - timedelta(days=night.keep_mail_days))


def _old_mail(site: Site, first_kept: date) -> Iterator[Path]:
    """Marks of sent mail and refused mails; what still waits to be sent is never too old."""
    for folder in (site.spool / "sent", site.spool / "refused"):
        for path in sorted(folder.glob("*")) if folder.is_dir() else ():
            written = datetime.fromtimestamp(path.lstat().st_mtime, UTC).date()
            if written < first_kept:
                yield path


def hold_back(as_of: date, last_night: date | None) -> bool:
    """Whether nothing goes for a night: after a long pause, or where no night was before."""
    return last_night is None or abs((as_of - last_night).days) > LONG_PAUSE_DAYS


def tidy(site: Site, as_of: date, last_night: date | None) -> Tidied:
    """Deletes what has expired and what kills left half made or half deleted.

    Age is told by the day in a run's name, not by the times of files; mail has no other.
    """
    own = (site.archive, site.failed, site.reports, site.work, site.log)
    inboxes = (site.inbox(inbox) for inbox in site.night.inboxes)
    unlinked = sum(durable.clear_parts(folder) for folder in own if folder.is_dir())
    unlinked += sum(erasing.clear(folder) for folder in inboxes if folder.is_dir())
    if hold_back(as_of, last_night):
        return Tidied(unlinked=unlinked, held_back=any(expired(site, as_of)))
    gone = tuple(expired(site, as_of))
    for path in gone:
        if path.is_dir():
            unlinked += durable.remove_folder(path)
        elif not durable.remove(path):
            unlinked += 1
    return Tidied(gone, unlinked)
