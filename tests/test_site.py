"""The page of the sample site keeps its word: its commands run, its excerpts are what they say.

python -m tests.test_site      puts what the commands say now into the excerpts
"""

import configparser
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from tests.test_readme import FENCE, ROOT, as_said, missing_line

SITE = ROOT / "samples" / "site"
PAGE = (SITE / "README.md").read_text(encoding="utf-8")


def blocks() -> list[tuple[str, str]]:
    """The blocks of shell commands, each with the excerpt below it."""
    fences = list(FENCE.finditer(PAGE))
    return [
        (one[2], below[2])
        for one, below in pairwise(fences)
        if one[1] == "sh" and below[1] == "text"
    ]


def prepared(place: Path) -> dict[str, str]:
    """A folder with the samples, and an environment in which ``auditor`` is this program."""
    shutil.copytree(ROOT / "samples", place / "samples")
    program = place / "bin" / "auditor"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m auditor "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    return {"PYTHONPATH": str(ROOT), "PATH": f"{program.parent}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}


def played(commands: str, place: Path, environment: dict[str, str]) -> str:
    """What the commands of a block say; all of them must succeed."""
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=place,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
    )
    assert run.returncode == 0, run.stdout
    # The log is JSON here, because stderr is no terminal.
    return "".join(line for line in run.stdout.splitlines(True) if not line.startswith("{"))


def test_the_page_plays_three_nights_as_it_says(tmp_path: Path) -> None:
    environment = prepared(tmp_path)
    for commands, excerpt in blocks():
        said = played(commands, tmp_path, environment)

        assert missing_line(excerpt, said) is None, f"{commands}\n{said}"
    assert len(blocks()) == 6


def test_the_exports_are_what_the_program_makes(tmp_path: Path) -> None:
    made = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys, pathlib, make_site; make_site.write_all(pathlib.Path(sys.argv[1]))",
            str(tmp_path),
        ],
        cwd=ROOT / "samples",
        capture_output=True,
    )
    assert made.returncode == 0, made.stderr

    def held(folder: Path) -> dict[str, bytes]:
        paths = [path for path in folder.rglob("*") if path.is_file()]
        return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}

    assert held(tmp_path) == held(SITE / "nights")


def test_the_container_copies_all_that_the_wheel_needs() -> None:
    text = (SITE / "deploy" / "Containerfile").read_text(encoding="utf-8")
    copied = {words.split()[1] for words in re.findall(r"^COPY .*", text, re.MULTILINE)}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]

    assert set(needed) <= copied | {"reports/templates"}
    assert {"auditor", "reports", "requirements.txt", "pyproject.toml", "README.md"} <= copied
    assert all((ROOT / path).exists() for path in copied if path != "pyproject.toml")


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for name in ("auditor-night.service", "auditor-night.timer"):
        unit = (SITE / "deploy" / name).read_text(encoding="utf-8")
        # The program of the page is not on this machine; any will do.
        (tmp_path / name).write_text(
            re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", unit), encoding="utf-8"
        )

    checked = subprocess.run(
        ["systemd-analyze", "verify", *map(str, sorted(tmp_path.iterdir()))],
        capture_output=True,
        text=True,
    )

    said = [line for line in checked.stderr.splitlines() if "auditor-night" in line]
    assert said == []


def test_the_units_and_the_crontab_call_commands_that_exist() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.read(SITE / "deploy" / "auditor-night.service", encoding="utf-8")
    crontab = (SITE / "deploy" / "crontab").read_text(encoding="utf-8")
    calls = re.findall(r"\S+/auditor (\w+) --settings \S+audit\.toml", crontab)

    assert re.search(r"/auditor night --settings ", unit["Service"]["ExecStart"])
    assert calls == ["night", "doctor"]


if __name__ == "__main__":
    page = PAGE
    with tempfile.TemporaryDirectory() as temporary:
        environment = prepared(Path(temporary))
        for commands, excerpt in blocks():
            page = page.replace(
                excerpt, as_said(excerpt, played(commands, Path(temporary), environment))
            )
    (SITE / "README.md").write_text(page, encoding="utf-8")
