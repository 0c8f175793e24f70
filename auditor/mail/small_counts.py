"""Counts so small that they could point to a person: not told, and not to be worked out."""

from collections.abc import Sequence
from typing import Literal

Shown = Literal["shown", "few", "withheld"]


def too_small(count: int, smallest: int) -> bool:
    """Whether a count is not told. Zero is: it speaks of nobody."""
    return 0 < count < smallest


def protected(counts: Sequence[int], smallest: int) -> list[Shown] | None:
    """How to show each count of a table whose total is known. None: don't show the table.

    Counts from 1 to ``smallest`` - 1 are ``few``. Where the total less the shown counts would
    narrow one of them down, more rows are ``withheld``: for whoever knows the total, the shown
    counts and the limit, each of the few may still be anything from 1 to ``smallest`` - 1.
    """
    few = [place for place, count in enumerate(counts) if too_small(count, smallest)]
    if not few:
        return ["shown"] * len(counts)
    candidates = sorted(
        (place for place, count in enumerate(counts) if count >= smallest),
        key=lambda place: counts[place],
    )
    withheld: list[int] = []
    while not _ambiguous(counts, few, withheld, smallest):
        if not candidates:
            return None
        # The smallest row that is enough by itself; else the largest, and look again.
        enough = [
            place for place in candidates if _ambiguous(counts, few, [*withheld, place], smallest)
        ]
        withheld.append(enough[0] if enough else candidates[-1])
        candidates.remove(withheld[-1])
    states: dict[int, Shown] = {
        **dict.fromkeys(few, "few"),
        **dict.fromkeys(withheld, "withheld"),
    }
    return [states.get(place, "shown") for place in range(len(counts))]


def _ambiguous(
    counts: Sequence[int], few: Sequence[int], withheld: Sequence[int], smallest: int
) -> bool:
    """Whether every small count could be 1 and could be ``smallest`` - 1, and all between."""
    hidden = sum(counts[place] for place in (*few, *withheld))
    others = len(few) - 1
    least = others + smallest * len(withheld)
    most = others * (smallest - 1)
    return hidden - (smallest - 1) >= least and (bool(withheld) or hidden - 1 <= most)
