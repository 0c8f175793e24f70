"""Compares the lock with a database of advisories that lies on this disk: no network is asked.

    python .ci/known_weak.py all.zip [LOCK]

The database is OSV's export for PyPI (osv.dev, "data dumps"), a zip with one JSON file an advisory,
fetched where there is a network. Exit 1 when a pinned version is known to be weak, 2 when the
database proves nothing: none, of something else, or old.
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
_PIN = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^]]*\])?==([^\s;\\]+)", re.MULTILINE)


def pins_of(lock: str) -> set[tuple[str, str]]:
    """Names and versions of a lock; a package may have one for each Python."""
    return {(canonicalize_name(name), version) for name, version in _PIN.findall(lock)}


def advisories_of(path: Path) -> list[dict[str, Any]]:
    """The advisories of a database. Raises SystemExit where it holds none for PyPI."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name for name in archive.namelist() if name.endswith(".json")]
            found = [json.loads(archive.read(name)) for name in names]
    except (OSError, zipfile.BadZipFile, ValueError) as fault:
        raise SystemExit(_unproved(f"{path}: {fault}")) from None
    of_pypi = [one for one in found if any(_of_pypi(place) for place in one.get("affected", ()))]
    if not of_pypi:
        raise SystemExit(_unproved(f"{path} holds no advisory for PyPI"))
    return of_pypi


def weak(pins: set[tuple[str, str]], advisories: list[dict[str, Any]]) -> Iterator[str]:
    """A line for each pinned version that an advisory names."""
    for one in advisories:
        if one.get("withdrawn"):
            continue
        for place in filter(_of_pypi, one["affected"]):
            name = canonicalize_name(place["package"]["name"])
            for version in (pinned for known, pinned in pins if known == name):
                if _is_affected(Version(version), place):
                    aliases = ", ".join(one.get("aliases", ())) or "no alias"
                    yield f"{name} {version}: {one['id']} ({aliases})"


def _of_pypi(place: dict[str, Any]) -> bool:
    return str(place.get("package", {}).get("ecosystem", "")) == "PyPI"


def _is_affected(version: Version, place: dict[str, Any]) -> bool:
    if any(_same(version, listed) for listed in place.get("versions", ())):
        return True
    ranges = [one for one in place.get("ranges", ()) if one.get("type") == "ECOSYSTEM"]
    return any(_is_within(version, one["events"]) for one in ranges)


def _same(version: Version, listed: str) -> bool:
    try:
        return version == Version(listed)
    except InvalidVersion:
        return False


def _is_within(version: Version, events: list[dict[str, str]]) -> bool:
    """Whether the last event at or before a version began a weakness."""
    inside = False
    for event in events:
        ((kind, text),) = event.items()
        at = Version("0") if text == "0" else Version(text)
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def _unproved(why: str) -> int:
    sys.stderr.write(f".ci/known_weak.py: NOT CHECKED: {why}\n")
    return 2


def main(words: list[str]) -> int:
    """Says what is weak. 0 nothing, 1 something, 2 nothing is proved."""
    database = Path(words[0])
    lock = Path(words[1]) if len(words) > 1 else Path(__file__).parent.parent / "requirements.txt"
    pins = pins_of(lock.read_text(encoding="utf-8"))
    advisories = advisories_of(database)
    newest = max(one["modified"] for one in advisories)
    age = datetime.now(UTC) - datetime.fromisoformat(newest[:19] + "+00:00")
    if age.days > OLDEST_DAYS:
        return _unproved(f"{database} ends {newest[:10]}, {age.days} days ago; fetch it anew")
    found = sorted(set(weak(pins, advisories)))
    sys.stdout.writelines(f"{line}\n" for line in found)
    compared = f"{len(pins)} pinned versions, {len(advisories)} advisories up to {newest[:10]}"
    sys.stdout.write(f"{compared}: {len(found)} known to be weak\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
