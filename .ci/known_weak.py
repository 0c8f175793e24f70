"""Compares the locks with a database of advisories that lies on this disk: no network is asked.

    python .ci/known_weak.py all.zip [LOCK ...]

The database is OSV's export for PyPI (osv.dev, "data dumps"), a zip with one JSON file an advisory,
fetched where there is a network. Exit 1 when a pinned version is known to be weak, 2 when the
database proves nothing: none, of something else, old, without a weakness that is long known, or
with an advisory on one of our packages that can't be understood.
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

OLDEST_DAYS = 30
# A version that is weak for ever: a database that doesn't say so is not whole.
WEAK_FOR_EVER = ("jinja2", "2.10")
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)
_ROOT = Path(__file__).parent.parent
# Events are told in any order. At one version an end comes first: what begins there, goes on.
_ENDS_FIRST = {"fixed": 0, "introduced": 1, "last_affected": 2}

Pins = set[tuple[str, str]]


class NotProvedError(Exception):
    """What the database says is not enough to say that nothing is weak."""


def pins_of(lock: str) -> Pins:
    """Names and versions of a lock; a package may have one for each Python."""
    return {(canonicalize_name(name), version) for name, version in _PIN.findall(lock)}


def advisories_of(path: Path) -> list[dict[str, Any]]:
    """The advisories of a database that are in force. NotProvedError where there are none."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            found = [json.loads(archive.read(name)) for name in names]
    except (OSError, zipfile.BadZipFile, ValueError) as fault:
        raise NotProvedError(f"{path}: {fault}") from fault
    of_pypi = [one for one in found if any(map(_of_pypi, _places(one)))]
    if not of_pypi:
        raise NotProvedError(f"{path} holds no advisory for PyPI")
    return [one for one in of_pypi if not one.get("withdrawn")]


def _places(one: dict[str, Any]) -> list[dict[str, Any]]:
    """The packages of an advisory. In the first form of the database there was one, at the top."""
    return one.get("affected") or ([one] if "package" in one else [])


def _of_pypi(place: dict[str, Any]) -> bool:
    return str(place.get("package", {}).get("ecosystem", "")) == "PyPI"


def weak(pins: Pins, advisories: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each pinned version that an advisory names.

    Raises NotProvedError for an advisory on one of the packages that can't be understood.
    """
    for one in advisories:
        for place in filter(_of_pypi, _places(one)):
            name = canonicalize_name(place["package"]["name"])
            for version in (pinned for known, pinned in pins if known == name):
                if _is_affected(Version(version), place, one["id"]):
                    aliases = ", ".join(one.get("aliases", ())) or "no alias"
                    yield f"{name} {version}: {one['id']} ({aliases})"


def _is_affected(version: Version, place: dict[str, Any], advisory: str) -> bool:
    listed, ranges = place.get("versions", ()), place.get("ranges", ())
    if any(_same(version, one) for one in listed):
        return True
    ours = [one for one in ranges if one.get("type") == "ECOSYSTEM"]
    if not listed and not ours:
        raise NotProvedError(f"{advisory} tells neither versions nor a range of them")
    try:
        return any(_is_within(version, one["events"]) for one in ours)
    except (KeyError, ValueError) as fault:
        raise NotProvedError(f"{advisory} can't be understood ({fault})") from fault


def _same(version: Version, listed: str) -> bool:
    try:
        return version == Version(listed)
    except InvalidVersion:
        return False


def _is_within(version: Version, events: list[dict[str, str]]) -> bool:
    """Whether the last event at or before a version began a weakness.

    Raises KeyError or ValueError for an event that is none.
    """
    told = [
        (Version(text), _ENDS_FIRST[kind], kind)
        for event in events
        for kind, text in event.items()
        if kind != "limit"  # of commits alone
    ]
    inside = False
    for at, _, kind in sorted(told):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def _compared(database: Path, locks: list[Path]) -> int:
    pins = {pin for lock in locks for pin in pins_of(lock.read_text(encoding="utf-8"))}
    advisories = advisories_of(database)
    if not any(weak({WEAK_FOR_EVER}, advisories)):
        raise NotProvedError(
            f"{database} is not whole: it says nothing of {' '.join(WEAK_FOR_EVER)}"
        )
    newest = max(str(one.get("modified", "")) for one in advisories)
    age = datetime.now(UTC) - datetime.fromisoformat(newest[:19] + "+00:00")
    if age.days > OLDEST_DAYS:
        raise NotProvedError(f"{database} ends {newest[:10]}, {age.days} days ago; fetch it anew")
    found = sorted(set(weak(pins, advisories)))
    sys.stdout.writelines(f"{line}\n" for line in found)
    compared = f"{len(pins)} pinned versions, {len(advisories)} advisories up to {newest[:10]}"
    sys.stdout.write(f"{compared}: {len(found)} known to be weak\n")
    return 1 if found else 0


def main(words: list[str]) -> int:
    """Says what is weak. 0 nothing, 1 something, 2 nothing is proved."""
    locks = [Path(word) for word in words[1:]]
    try:
        return _compared(
            Path(words[0]), locks or [_ROOT / "requirements.txt", _ROOT / "requirements-dev.txt"]
        )
    except NotProvedError as why:
        sys.stderr.write(f".ci/known_weak.py: NOT CHECKED: {why}\n")
        return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
