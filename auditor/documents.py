"""Documents that tables and rules cite, and where two of them disagree."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One cited document."""

    id: str
    title: str
    publisher: str
    section: str
    url: str
    edition: str
    published_on: str
    checked_on: str


@dataclass(frozen=True)
class Contradiction:
    """Two sources that disagree about a value: which one is in force here, and why.

    ``keys`` are codes, space-separated, of the lines it concerns: each ``column`` named (of the
    claim lines, or of a rule's evidence) holds one of them; ``125*`` is every code that begins so.
    Without a column no finding rests on the value. The dates are those of service.
    """

    id: str
    table: str
    column: str
    keys: str
    effective_from: str
    effective_to: str
    value_in_force: str
    other_value: str
    source_in_force: str
    source_other: str
    why: str
