"""Which of several editions answers on which day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from auditor.library.shelf import Shelved

DAY = timedelta(days=1)
Span = tuple[date, date]


@dataclass(frozen=True)
class Stretch:
    """Days for which one edition answers, as a place in the list of editions."""

    first: date
    last: date
    edition: int


def rank(one: Shelved) -> tuple[date, int, datetime]:
    """Of two editions that answer for one day, the higher does.

    It began later; of two that began together it ends sooner; of two that end together, too, under
    two names (2026Q3, 2026-07-01), it was imported later.
    """
    imported = datetime.fromisoformat(one.imported_at)
    return one.first_date, -one.last_date.toordinal(), imported


def passed_over(one: Shelved, editions: Sequence[Shelved]) -> list[tuple[date, date, str]]:
    """The days of an edition for which others answer: first, last, and who does."""
    return [
        (max(plan.first, one.first_date), min(plan.last, one.last_date), other.edition)
        for plan in stretches(editions)
        if (other := editions[plan.edition]) != one
        and plan.first <= one.last_date
        and plan.last >= one.first_date
    ]


def stretches(editions: Sequence[Shelved]) -> list[Stretch]:
    """Who answers when, in order of days."""
    return _answering(editions, [(one.first_date, one.last_date) for one in editions])


def stretches_of_list(editions: Sequence[Shelved], since: Sequence[str]) -> list[Stretch]:
    """Who answers when for one list, which each edition states as it stands ``since`` a day.

    Blank where an edition names no day. Before the day that a newer edition names, an older one
    holds.
    """
    spans = []
    for one, own in zip(editions, since, strict=True):
        # An edition that is taken as if it were in force on every day speaks of all of them.
        first = date.fromisoformat(own) if own and one.first_date > date.min else one.first_date
        spans.append((first, one.last_date))
    return _answering(editions, spans)


def _answering(editions: Sequence[Shelved], spans: Sequence[Span]) -> list[Stretch]:
    following = {last + DAY for _, last in spans if last < date.max}
    cuts = sorted({first for first, _ in spans} | following)
    ends = [*(cut - DAY for cut in cuts[1:]), date.max]
    found: list[Stretch] = []
    for begin, end in zip(cuts, ends, strict=True):
        there = [place for place, (first, last) in enumerate(spans) if first <= begin <= last]
        if there:
            found.append(Stretch(begin, end, max(there, key=lambda place: rank(editions[place]))))
    return found
