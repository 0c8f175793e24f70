"""What is old enough to go: runs in archive, failed and reports, logs, marks of mail."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from auditor.night import durable
from auditor.night.journal import is_run
from auditor.night.site import Site

LONG_PAUSE_DAYS = 60
"""After a pause this long nothing goes for a night: a clock set wrong must not empty a site."""


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


def tidy(site: Site, as_of: date, last_night: date | None) -> list[Path] | None:
    """Deletes what has expired and what kills left half made; None when it holds back.

    Age is told by the day in a run's name, not by the times of files; mail has no other.
    """
    for folder in (site.archive, site.failed, site.reports, site.work):
        if folder.is_dir():
            durable.clear_parts(folder)
    if hold_back(as_of, last_night):
        return [] if not any(expired(site, as_of)) else None
    gone = list(expired(site, as_of))
    for path in gone:
        if path.is_dir():
            durable.remove_folder(path)
        else:
            durable.remove(path)
    return gone
