"""What is old enough to go: runs in archive, failed and reports, and logs."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from auditor.night import durable
from auditor.night.journal import is_run
from auditor.night.site import Site

LONG_PAUSE_DAYS = 60
"""After a pause this long nothing goes for a night: a clock set wrong must not empty a site."""


def expired(site: Site, as_of: date) -> Iterator[Path]:
    """Folders of runs, and logs, that are older than the settings keep them."""
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


def tidy(site: Site, as_of: date, last_night: date | None) -> list[Path] | None:
    """Deletes what has expired and what kills left half made; None when it holds back.

    Age is told by the day in a run's name, not by the times of files.
    """
    for folder in (site.archive, site.failed, site.reports, site.work):
        if folder.is_dir():
            durable.clear_parts(folder)
    if last_night is None or abs((as_of - last_night).days) > LONG_PAUSE_DAYS:
        return [] if not any(expired(site, as_of)) else None
    gone = list(expired(site, as_of))
    for path in gone:
        if path.is_dir():
            durable.remove_folder(path)
        else:
            durable.remove(path)
    return gone
