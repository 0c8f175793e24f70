"""The night's log: JSON lines for machines, readable lines on a terminal, no patient in either.

A line may hold only the keys of ``ALLOWED``: names of files, counts, times, reasons. Whatever
else is handed over is dropped. Faults that nobody foresaw are logged by kind and place, not by
their words, which could quote a cell.
"""

import os
import sys
from collections.abc import MutableMapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, TextIO

import structlog

ALLOWED = frozenset(
    {
        *("event", "level", "time", "run", "step", "source", "file", "rule", "reason", "seconds"),
        *("files", "lines", "rejected", "audited", "findings", "bytes", "as_of", "new", "resolved"),
        *("denial", "review", "note", "at_risk_cents", "missed_cents", "folder", "count", "sent"),
    }
)

Logger = Any


def open_log(folder: Path | None, day: date, *, stream: TextIO | None = None) -> Logger:
    """A logger to stderr and, as JSON, to ``<folder>/<year>-<month>.jsonl``.

    A log file that can't be written stops no night.
    """
    stream = stream if stream is not None else sys.stderr
    renderer: Any = structlog.processors.JSONRenderer()
    shown = _readable if stream.isatty() else renderer
    file = folder / f"{day:%Y-%m}.jsonl" if folder else None

    def both(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:
        if file is not None:
            _append(file, renderer(logger, name, dict(event)))
        return str(shown(logger, name, dict(event)))

    return structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[structlog.processors.add_log_level, _timed, _only_allowed, both],
        wrapper_class=structlog.BoundLogger,
    )


def _timed(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["time"] = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    return event


def _only_allowed(
    _logger: Any, _name: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    first = ("time", "level", "run", "event")
    keys = [*(key for key in first if key in event), *(key for key in event if key not in first)]
    return {key: event[key] for key in keys if key in ALLOWED}


def _readable(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> str:
    rest = " ".join(
        f"{key}={value}"
        for key, value in event.items()
        if key not in ("time", "level", "run", "event")
    )
    level = "" if event["level"] == "info" else event["level"].upper() + " "
    return f"{event['time'][11:19]} {level}{event['event']}{'  ' if rest else ''}{rest}"


def _append(file: Path, line: str) -> None:
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o666)
        with os.fdopen(handle, "a", encoding="utf-8") as stream:
            stream.write(line + "\n")
    except OSError:
        return
