"""A library after a power cut: what its list names had reached the disk before the list did."""

import itertools
import os
from pathlib import Path

import pytest

from auditor.library.shelf import open_shelf
from auditor.reference import LIBRARY
from tests import official_files as made
from tests.test_library import put, put_pairs


class Disk:
    """Keeps in which order files and folders reach the disk, and names come into folders."""

    def __init__(self, patch: pytest.MonkeyPatch, library: Path) -> None:
        self._library = library
        self._clock = itertools.count()
        self._synced: dict[int, int] = {}
        self._named: dict[int, int] = {}
        self.lists = 0
        sync = os.fsync

        def synced(handle: int) -> None:
            sync(handle)
            self._synced[os.fstat(handle).st_ino] = next(self._clock)

        patch.setattr(os, "fsync", synced)
        for name in ("replace", "rename", "mkdir"):
            patch.setattr(os, name, self._noting(getattr(os, name)))

    def _noting(self, change):
        def noted(*given, **named):
            target = Path(given[-1] if len(given) > 1 and change.__name__ != "mkdir" else given[0])
            if target == self._library / LIBRARY:
                self.lists += 1
                self.assert_settled(given[0])
            change(*given, **named)
            if target.is_relative_to(self._library):
                self._named[target.parent.stat().st_ino] = next(self._clock)

        return noted

    def assert_settled(self, *lists: str | Path) -> None:
        """All files are on the disk, and every name in their folders."""
        kept = [
            path
            for path in self._library.rglob("*")
            if not any(part.startswith(".") for part in path.relative_to(self._library).parts)
        ]
        files = [*(path for path in kept if path.is_file()), *map(Path, lists)]
        folders = [self._library.parent, self._library, *(path for path in kept if path.is_dir())]
        assert [path for path in files if path.stat().st_ino not in self._synced] == []
        for folder in folders:
            number = folder.stat().st_ino
            assert self._synced.get(number, -1) > self._named.get(number, -2), folder


def test_what_the_list_names_is_on_the_disk_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """New kinds, a second edition, one imported again: files first, then names, then the list."""
    (tmp_path / "site").mkdir()
    library = tmp_path / "site" / "library"
    disk = Disk(monkeypatch, library)

    put_pairs(library, made.EDITS, "322")
    put_pairs(library, made.EDITS[:5], "323")
    put_pairs(library, made.EDITS[:6], "323")
    put("ncci-mue", [made.mue_file(tmp_path / "mue")], library)

    assert disk.lists == 4
    assert len(open_shelf(library).editions) == 3
    disk.assert_settled()
