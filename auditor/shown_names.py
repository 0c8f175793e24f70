"""How export files are named in reports, history and errors, as briefly as tells them apart; and
whether a file is named as somebody said.
"""

import os
from collections import Counter
from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath


def shown_names(paths: Sequence[PurePath]) -> tuple[str, ...]:
    """The name of each path to show: its last part, and of equal ones as many more as they need.

    ``in/north/lines.csv`` and ``in/south/lines.csv`` are ``north/lines.csv`` and
    ``south/lines.csv``; no name tells more of a folder than that.
    """
    parts = [Path(path).absolute().parts for path in paths]
    ends = Counter(one[-size:] for one in parts for size in range(1, len(one) + 1))
    return tuple(_shortest(one, ends) for one in parts)


def _shortest(parts: tuple[str, ...], ends: Counter[tuple[str, ...]]) -> str:
    for size in range(1, len(parts)):
        if ends[parts[-size:]] == 1:
            return legible("/".join(parts[-size:]))
    return legible("/".join(parts[1:]) or parts[-1])


def legible(name: str) -> str:
    """A file's name as text: bytes that are no UTF-8, which no report could hold, written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def is_named(name: str, patterns: Iterable[str]) -> bool:
    """Whether a file's name is like one of some patterns (``HB*.csv``); case does not matter."""
    return any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)
