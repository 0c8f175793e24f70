"""What was understood of an export's columns, and the profile that may say it better."""

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field

from auditor.shown_names import is_named

# Schema columns that an export may spread over several of its own; normalising joins the cells in
# the order of the positions: with blanks between them, the pieces of a type of bill without.
SEVERAL = frozenset(
    {
        *("modifiers", "diagnosis_codes", "diagnosis_pointers", "adjustment_codes"),
        *("remark_codes", "bill_type"),
    }
)

_LONGEST = 60


@dataclass(frozen=True)
class Match:
    """How one schema column was understood.

    ``positions`` are header positions from 0, in the order in which their cells are joined;
    ``how`` is ``"profile"``, ``"name"`` or ``"shape"`` (of the values); ``confidence`` goes from 0
    to 1. A ``constant`` stands for every line, and then there are no positions.
    """

    column: str
    positions: tuple[int, ...]
    headers: tuple[str, ...]
    how: str
    confidence: float
    note: str = ""
    constant: str | None = None


@dataclass(frozen=True)
class Mapping:
    """How all columns were understood, in schema order.

    ``unused`` headers are not read; nor are ``identifying`` ones, which hold names, birth dates or
    addresses. ``missing`` names the schema columns that were not found.
    """

    matches: tuple[Match, ...]
    unused: tuple[str, ...]
    identifying: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """How the columns of exports from one source are read.

    ``columns`` has the headers for a schema column, none to switch it off; ``constants`` a value
    for every line; ``ignore`` headers or schema columns that are not to be used. ``files`` has
    patterns of the names of the exports that it is for, none for all. ``file`` is the profile's
    own name, for messages.
    """

    file: str
    sheet: str | None = None
    columns: Dictionary[str, tuple[str, ...]] = field(default_factory=dict)
    constants: Dictionary[str, str] = field(default_factory=dict)
    ignore: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    def is_for(self, name: str) -> bool:
        """Whether it is for an export of this name."""
        return not self.files or is_named(name, self.files)


def certainty(match: Match) -> str:
    """A word for the confidence: ``sure``, ``likely`` or ``unsure``."""
    if match.confidence >= 0.9:
        return "sure"
    return "likely" if match.confidence >= 0.6 else "unsure"


def header_word(header: str, position: int) -> str:
    """A header in quotes, on one line and not too long, or its place if it is blank."""
    return f"'{one_line(header)}'" if header.strip() else f"column {position + 1} (no header)"


def one_line(header: str) -> str:
    """A header as a message shows it."""
    text = " ".join(header.split())
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
