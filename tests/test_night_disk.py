"""Nights on real disks that are full or read-only, mounted for one process (unshare)."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.sites import SETTINGS, fill, make_site, state

ROOT = Path(__file__).parent.parent


def mounted(mount: str, command: str, site: Path) -> subprocess.CompletedProcess[str]:
    """Runs an auditor command after a mount that only it can see."""
    program = f"{shlex.quote(sys.executable)} -m auditor {command}"
    return subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", f"{mount} && exec {program}"],
        cwd=site,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )


def can_mount() -> bool:
    try:
        tried = subprocess.run(
            ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"],
            capture_output=True,
        )
    except FileNotFoundError:
        return False
    return tried.returncode == 0


pytestmark = pytest.mark.skipif(not can_mount(), reason="this machine lets nobody mount")
NIGHT = "night --settings audit.toml --as-of 2026-03-01"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "site"
    fill(make_site(root, SETTINGS.replace('"parquet", ', "")), 0)
    for folder in ("reports", "archive"):
        (root / folder).mkdir()
    return root


def last_line(run: subprocess.CompletedProcess[str]) -> str:
    return run.stderr.splitlines()[-1]


@pytest.mark.parametrize(
    ("mount", "says"),
    [
        (
            "mount -t tmpfs -o size=20k none reports",
            "No space left on device; nothing is lost: mend it",
        ),
        ("mount --bind archive archive && mount -o remount,ro,bind archive", "Read-only file syst"),
        ("mount --bind inbox inbox && mount -o remount,ro,bind inbox", "Read-only file system"),
    ],
    ids=["full", "archive read-only", "inbox read-only"],
)
def test_a_disk_that_fails_stops_the_night_and_loses_nothing(
    mount: str, says: str, root: Path
) -> None:
    stopped = mounted(mount, NIGHT, root)

    assert stopped.returncode == 1
    assert says in last_line(stopped)

    again = mounted("true", NIGHT, root)
    assert again.returncode == 1  # the broken export, set aside
    assert "hospital/broken.csv" in last_line(again)
    held = state(root)
    assert not [name for name in held if name.startswith(("inbox/", "work/2"))]
    assert "archive/2026-03-01/hospital/scans.csv.gz" in held
    assert "reports/2026-03-01/findings.csv" in held


def test_the_doctor_sees_a_folder_that_cant_be_written(root: Path) -> None:
    mount = "mount --bind archive archive && mount -o remount,ro,bind archive"

    told = mounted(mount, "doctor --settings audit.toml", root)

    assert told.returncode == 1
    (line,) = [line for line in told.stdout.splitlines() if line.startswith("fail")]
    assert line.endswith("archive: can't be written (Read-only file system)")
