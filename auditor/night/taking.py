"""Exports from their inboxes into a run, also when a kill came between."""

from pathlib import Path

from auditor.night import durable
from auditor.night.archive import remove_marker
from auditor.night.inbox import DONE
from auditor.night.journal import Input, Journal
from auditor.night.log import Logger


def take(journal: Journal, log: Logger) -> None:
    """Moves the exports of a run into it; what was moved before a kill stays."""
    for place, one in enumerate(journal.inputs):
        home, here = Path(one.path), journal.input_at(one)
        if here.exists():
            # A copy from another file system, killed before the original was removed.
            if home.is_file() and not home.is_symlink() and durable.sha256_of(home) == one.sha256:
                durable.remove(home)
        elif _was_replaced(one, home):
            journal.set_fate(place, "gone", "another of its name came before it could be taken")
            log.warning("was replaced in its inbox", source=one.source, file=one.file)
        elif home.is_file() and not home.is_symlink():
            durable.move(home, here)
        else:
            journal.set_fate(place, "gone", "was deleted from the inbox before it could be taken")
            log.warning("is gone from its inbox", source=one.source, file=one.file)
        if here.is_symlink():  # put in its place at the last moment
            durable.remove(here)
            journal.set_fate(place, "gone", "was replaced by a symbolic link: refused")
            log.warning("became a symbolic link", source=one.source, file=one.file)
        # After a kill a newer export may lie there, complete by its own marker.
        if not home.exists():
            remove_marker(one)
    log.info("taken", files=len(journal.inputs) - len(journal.of_fate("gone")))


def _was_replaced(one: Input, home: Path) -> bool:
    """Whether another export, with a marker of its own, took the place of one to be taken.

    One without a marker is taken, found changed and given back; a marker would not come back.
    """
    marked = home.is_file() and not home.is_symlink() and Path(one.path + DONE).is_file()
    return marked and durable.sha256_of(home) != one.sha256
