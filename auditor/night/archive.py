"""Where a run's exports go when it is done: archive, failed, or back to their inbox."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from auditor.night import durable
from auditor.night.inbox import DONE
from auditor.night.journal import Input, Journal
from auditor.night.log import Logger
from auditor.night.site import Site

MANIFEST = "inputs.json"
REASON = ".reason.txt"
_KEPT = ("audited", "repeat", "empty")
_PACKED = frozenset({".gz", ".zip", ".xlsx", ".xlsm", ".xlsb", ".ods", ".parquet"})


def archived_paths(site: Site, journal: Journal) -> list[Path]:
    """Where each export of a run lies in the end, if it is kept.

    One is not packed where another would then have its name: ``a.csv`` beside ``a.csv.gz``.
    """
    taken = {one.place for one in journal.inputs}
    found = []
    for one in journal.inputs:
        packed = one.place.with_name(one.file + ".gz")
        packs = site.night.compress and Path(one.file).suffix.lower() not in _PACKED
        place = packed if packs and packed not in taken else one.place
        found.append(site.archive / journal.run / place)
    return found


def file_away(site: Site, journal: Journal, log: Logger) -> None:
    """Moves the exports of a run to where their fate sends them; what is moved already, stays."""
    if not journal.inputs:
        return
    placed = list(zip(journal.inputs, archived_paths(site, journal), strict=True))
    for one, there in placed:
        if one.fate in _KEPT:
            _archive(journal, one, there, log)
        elif one.fate == "failed":
            _set_aside(site, journal, one)
        elif one.fate == "changed":
            give_back(journal.run, one, journal.input_at(one))
    kept = [(one, there) for one, there in placed if one.fate in _KEPT and there.exists()]
    if kept:
        folder = site.archive / journal.run
        durable.write(folder / MANIFEST, _manifest(journal.run, folder, kept))


def _archive(journal: Journal, one: Input, there: Path, log: Logger) -> None:
    here = journal.input_at(one)
    if not here.exists():
        return
    if durable.sha256_of(here) != one.sha256:
        log.warning(
            "changed after it was read: back to its inbox", source=one.source, file=one.file
        )
        give_back(journal.run, one, here)
    elif there.name != one.file:
        durable.compress(here, there, one.sha256)
    else:
        durable.move(here, there)


def _set_aside(site: Site, journal: Journal, one: Input) -> None:
    there = site.failed / journal.run / one.place
    durable.make_folder(there.parent)
    # The reason first: a failed export never lies there without it.
    durable.write(there.with_name(there.name + REASON), f"{one.reason}\n".encode())
    here = journal.input_at(one)
    if here.exists():
        durable.move(here, there)


def give_back(run: str, one: Input, here: Path) -> None:
    """Puts an export back where it arrived, beside a newer one of its name."""
    if not here.exists():
        return
    home = Path(one.path)
    for place in _places(home, run):
        if not place.exists():
            durable.move(here, place)
            return
        if _same(place, here):  # a copy onto another file system, killed before the original went
            durable.remove(here)
            return


def _places(home: Path, run: str) -> Iterator[Path]:
    """Names for an export that match what its own name matches: the run before all suffixes."""
    yield home
    first, dot, rest = home.name.partition(".")
    yield home.with_name(f"{first}-{run}{dot}{rest}")
    yield from (home.with_name(f"{first}-{run}-{number}{dot}{rest}") for number in count(2))


def _same(one: Path, other: Path) -> bool:
    if not one.is_file() or one.is_symlink() or one.stat().st_size != other.stat().st_size:
        return False
    return durable.sha256_of(one) == durable.sha256_of(other)


def remove_marker(one: Input) -> None:
    """Removes the marker that said that an export is complete."""
    marker = Path(one.path + DONE)
    if marker.is_file():
        durable.remove(marker)


def _manifest(run: str, folder: Path, kept: list[tuple[Input, Path]]) -> bytes:
    rows = [
        {
            "source": one.source,
            "file": there.relative_to(folder).as_posix(),
            "sha256": one.sha256,
            "bytes": one.bytes,
            "fate": one.fate,
        }
        for one, there in kept
    ]
    return (json.dumps({"run": run, "inputs": rows}, indent=1) + "\n").encode()
