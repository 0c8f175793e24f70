"""What is deleted is overwritten where it lay: by retention, and by what replaces or fails."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from auditor import erasing
from auditor.history.waivers import write_waivers
from auditor.report.dispositions import Disposition, save_dispositions
from tests.held_files import Held

CANARY = b"MRNQX70001 of an invented patient\n"


def written(path: Path, size: int = 3_000_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((CANARY * (size // len(CANARY) + 1))[:size])
    return path


@pytest.mark.parametrize("size", [1, 33, 1 << 20, (1 << 20) + 1, 3_000_000])
def test_every_byte_is_overwritten_before_a_file_goes(tmp_path: Path, size: int) -> None:
    path = written(tmp_path / "claims.csv", size)
    with path.open("rb") as before:
        assert erasing.erase(path)

        now = before.read()
    assert list(tmp_path.iterdir()) == []
    assert len(now) == size
    assert CANARY[:8] not in now
    # Nothing of zeros either: a file system that packs would give the blocks away.
    assert size < 100 or len(set(now)) > 20


def test_what_is_overwritten_is_brought_to_the_disk_before_its_name_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "claims.csv")
    done: list[str] = []
    sync, unlink = os.fsync, Path.unlink

    def synced(handle: int) -> None:
        done.append("folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "file")
        sync(handle)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(Path, "unlink", lambda *x, **y: (done.append("gone"), unlink(*x, **y))[1])

    erasing.erase(path)

    # The folder first: after a power cut the old name leads nowhere, or to what was there.
    assert done == ["folder", "file", "gone"]


def test_links_are_deleted_and_not_followed(tmp_path: Path) -> None:
    kept = written(tmp_path / "kept" / "claims.csv", 100)
    tree = tmp_path / "tree"
    (tree / "deep").mkdir(parents=True)
    (tree / "deep" / "file").symlink_to(kept)
    (tree / "folder").symlink_to(kept.parent)
    (tmp_path / "file").symlink_to(kept)
    (tmp_path / "folder").symlink_to(kept.parent)
    (tmp_path / "nowhere").symlink_to(tmp_path / "nothing")

    assert erasing.erase(tmp_path / "file")
    assert erasing.erase(tmp_path / "nowhere")
    assert erasing.erase_tree(tmp_path / "folder") == 0
    assert erasing.erase_tree(tree) == 0

    assert [path.name for path in tmp_path.iterdir()] == ["kept"]
    assert kept.read_bytes() == (CANARY * 3)[:100]


def test_a_link_put_in_a_file_s_place_at_the_last_moment_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, path = written(tmp_path / "kept", 100), written(tmp_path / "claims.csv", 100)

    def replaced(folder: Path) -> None:
        (aside,) = folder.glob(".erasing-*")
        aside.unlink()
        aside.symlink_to(kept)

    monkeypatch.setattr(erasing, "sync_folder", replaced)

    assert not erasing.erase(path)
    assert [one.name for one in tmp_path.iterdir()] == ["kept"]
    assert kept.read_bytes() == (CANARY * 3)[:100]


def test_a_file_with_a_second_name_is_only_unlinked_and_counted(tmp_path: Path) -> None:
    path, tree = written(tmp_path / "claims.csv"), tmp_path / "tree"
    inner = written(tree / "deep" / "claims.csv")
    written(tree / "other.csv")
    (tmp_path / "backup").hardlink_to(path)
    (tmp_path / "snapshot").hardlink_to(inner)

    assert not erasing.erase(path)
    assert erasing.erase_tree(tree) == 1

    assert sorted(one.name for one in tmp_path.iterdir()) == ["backup", "snapshot"]
    for one in tmp_path.iterdir():
        assert one.read_bytes().startswith(CANARY)


@pytest.mark.parametrize("fault", [errno.EROFS, errno.EACCES, errno.ENOSPC, errno.EIO])
def test_what_can_t_be_overwritten_is_deleted_all_the_same_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    path, tree = written(tmp_path / "claims.csv"), tmp_path / "tree"
    written(tree / "a.csv")
    written(tree / "deep" / "b.csv")

    def refused(*_given: object) -> int:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(erasing, "_no_link", refused)

    assert not erasing.erase(path)
    assert erasing.erase_tree(tree) == 2
    assert list(tmp_path.iterdir()) == []


def test_a_tree_goes_as_far_as_it_can_and_says_what_stood_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tree = tmp_path / "tree"
    for name in ("a", "b", "c"):
        written(tree / name, 100)
    unlink = Path.unlink

    def held(path: Path, **named: bool) -> None:
        if path.name == "b":
            raise OSError(errno.EPERM, "Operation not permitted", str(path))
        unlink(path, **named)

    monkeypatch.setattr(Path, "unlink", held)

    with pytest.raises(OSError, match="not permitted"):
        erasing.erase_tree(tree)

    assert [path.name for path in tree.iterdir()] == ["b"]
    assert CANARY[:8] not in (tree / "b").read_bytes()


def test_holes_are_not_filled(tmp_path: Path) -> None:
    """A file of 4 TB that takes two blocks must not fill the disk when it goes."""
    path = tmp_path / "claims.csv"
    with path.open("wb") as file:
        file.write(CANARY)
        file.seek(1 << 40)
        file.write(CANARY)
        file.truncate(1 << 42)
    with path.open("rb") as before:
        assert erasing.erase(path)

        assert CANARY[:8] not in before.read(100)
        before.seek(1 << 40)
        assert CANARY[:8] not in before.read(100)
        assert os.fstat(before.fileno()).st_blocks * 512 < 1_000_000


def test_a_pipe_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "tree").mkdir()
    os.mkfifo(tmp_path / "tree" / "pipe")

    def tried() -> None:
        erasing.erase(tmp_path / "pipe")
        erasing.erase_tree(tmp_path / "tree")

    trial = threading.Thread(target=tried, daemon=True)
    trial.start()
    trial.join(30)

    assert list(tmp_path.iterdir()) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from auditor import erasing
number, erased = 0, os.urandom

def counted(at):
    global number
    number += 1
    if number == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

class Half:
    "A block of which only the half is written before the kill."
    def __init__(self, count): self.count = count
    def __getitem__(self, _): counted("write"); return memoryview(b"x" * (self.count // 2))

erasing.memoryview = lambda block: Half(len(block))
for name in ("sync_folder", "second_name"):
    def wrapped(*given, _before=getattr(erasing, name)):
        counted("before"); result = _before(*given); counted("after"); return result
    setattr(erasing, name, wrapped)
unlink = Path.unlink
Path.unlink = lambda *x, **y: (counted("before"), unlink(*x, **y), counted("after"))
"""
WAYS = {
    "a file": "erasing.erase(Path(sys.argv[1]) / 'claims.csv')",
    "a replaced file": "at = Path(sys.argv[1])\nerasing.replace(at / 'new', at / 'claims.csv')",
}


@pytest.mark.parametrize("way", WAYS)
def test_killed_anywhere_a_file_is_whole_or_has_no_name_that_is_read(
    tmp_path: Path, way: str
) -> None:
    whole, new, ended = (CANARY * 90_000)[:3_000_000], CANARY[::-1] * 9, 0
    for number in range(1, 99):
        folder = tmp_path / str(number)
        path = written(folder / "claims.csv", len(whole))
        (folder / "new").write_bytes(new)
        with path.open("rb") as before:
            words = [sys.executable, "-c", KILLED + WAYS[way], str(folder), str(number)]
            ended = subprocess.run(words, cwd=Path(__file__).parent.parent, check=False).returncode

            if path.exists():
                assert path.read_bytes() in ((whole, new) if way != "a file" else (whole,))
            erasing.clear(folder)
            assert [one.name for one in folder.iterdir() if one.name.startswith(".")] == []
            if os.fstat(before.fileno()).st_nlink == 0:
                assert before.read(1_000_000) != whole[:1_000_000]
        if ended == 0:
            break
        assert ended == -signal.SIGKILL

    assert ended == 0
    assert number > 6


def test_replaced_files_are_whole_at_any_time_and_erased(tmp_path: Path) -> None:
    target = tmp_path / "ledger-copy.sqlite"
    for number in range(3):
        source = written(tmp_path / "aside", 5000 + number)
        with Held(tmp_path) as held:
            assert erasing.replace(source, target)

            assert held.gone() == ([target] if number else [])
            assert held.readable() == []
    assert [path.name for path in tmp_path.iterdir()] == [target.name]


def test_a_file_system_without_second_names_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, target = written(tmp_path / "aside", 50), written(tmp_path / "claims.csv", 70)

    def refused(*_given: object, **_named: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)

    assert not erasing.replace(source, target)
    assert [path.stat().st_size for path in tmp_path.iterdir()] == [50]


def test_decisions_that_are_replaced_are_erased(tmp_path: Path) -> None:
    for note in ("Mrs Hjklo called twice about this claim", "paid after a letter"):
        with Held(tmp_path) as held:
            save_dispositions({"0123456789ab": Disposition("open", "Qwertz", note)}, tmp_path)

            assert held.readable() == []
    assert len(list(tmp_path.iterdir())) == 1


def test_decisions_and_waivers_are_on_the_disk_before_what_they_replace_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written_whole: set[int] = set()
    sync = os.fsync

    def synced(handle: int) -> None:
        written_whole.add(os.fstat(handle).st_ino)
        sync(handle)

    monkeypatch.setattr(os, "fsync", synced)

    save_dispositions({"0123456789ab": Disposition("open")}, tmp_path)
    write_waivers(tmp_path / "waivers.csv", [["rule", "owner"]])

    assert {path.stat().st_ino for path in tmp_path.glob("*.csv")} <= written_whole
