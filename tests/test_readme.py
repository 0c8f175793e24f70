"""The README keeps its word: its commands run, its excerpts are what the program says.

python -m tests.test_readme      puts what the program says now into the excerpts
"""

import difflib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from auditor.catalogue import CATALOGUE
from auditor.cli import app

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
CHANGELOG = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
SAMPLES = ROOT / "samples"
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ELLIPSIS = "..."


@dataclass(frozen=True)
class Block:
    """The auditor commands of one block marked ``sh``, and the excerpt of their output below."""

    commands: tuple[str, ...]
    excerpt: str

    def __str__(self) -> str:
        return self.commands[0]


def blocks() -> list[Block]:
    """Blocks that hold auditor commands, in order; a ``text`` block right below is their output."""
    fences = list(FENCE.finditer(README))
    found = []
    for place, fence in enumerate(fences):
        if fence[1] != "sh" or not (commands := auditor_commands(fence[2])):
            continue
        below = fences[place + 1] if place + 1 < len(fences) else None
        joined = below is not None and not README[fence.end() : below.start()].strip()
        found.append(Block(commands, below[2] if below and joined and below[1] == "text" else ""))
    return found


def auditor_commands(text: str) -> tuple[str, ...]:
    """The auditor commands among shell lines; ``&&`` and a backslash at the end join lines."""
    lines = re.sub(r"\\\n|&&\s*\n", lambda end: "\n" if "&&" in end[0] else " ", text).splitlines()
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return tuple(part for part in parts if re.match(r"(\.venv/bin/)?auditor ", part))


def said(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a command says when it is run in ``folder``."""
    words = shlex.split(command, comments=True)
    assert not {"|", ">", "<", ";"} & set(words), f"{command}: give it without a pipe"
    return subprocess.run(
        [sys.executable, "-m", "auditor", *words[1:]],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        timeout=120,
    )


def with_samples(place: Path) -> Path:
    """A folder with the samples, where the commands run one after the other."""
    shutil.copytree(SAMPLES, place / "samples", ignore=shutil.ignore_patterns("__pycache__"))
    return place


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return with_samples(tmp_path_factory.mktemp("readme"))


@pytest.fixture(scope="module")
def outputs() -> list[str]:
    """What the blocks that this process has run said, from the first one on."""
    return []


@pytest.mark.parametrize("place", range(len(blocks())), ids=map(str, blocks()))
def test_commands_run_and_say_what_the_readme_shows(
    place: int, folder: Path, outputs: list[str]
) -> None:
    block = blocks()[place]
    # A block needs what those above it wrote, which may have been run by another process.
    for earlier in blocks()[len(outputs) : place + 1]:
        outputs.append("")
        for command in earlier.commands:
            run = said(command, folder)
            assert run.returncode == 0, f"{command}\n{run.stderr}"
            outputs[-1] += run.stdout
    output = outputs[place]

    assert missing_line(block.excerpt, output) is None, (
        f"run python -m tests.test_readme, and look at what it changed; the program says:\n{output}"
    )


def missing_line(excerpt: str, output: str) -> str | None:
    """The first line of an excerpt that does not come in the output, in order; ``...`` skips."""
    lines = iter([line.rstrip() for line in output.splitlines()])
    for line in excerpt.splitlines():
        if line.strip() != ELLIPSIS and line.rstrip() not in lines:
            return line
    return None


def test_excerpts_are_compared_in_order() -> None:
    assert missing_line("a\n...\nc\n", "a\nb\nc\n") is None
    assert missing_line("c\na\n", "a\nb\nc\n") == "a"


def test_set_up_is_two_commands() -> None:
    set_up = README[README.index("<!-- sample command -->") : README.rindex("<!-- end -->")]
    commands = [fence[2] for fence in FENCE.finditer(set_up)]

    assert len(commands) == 2
    for command in commands:
        lines = command.strip().splitlines()
        assert all(line.endswith(("&&", "\\")) for line in lines[:-1])
        assert not lines[-1].endswith(("&&", "\\"))
    assert "auditor run samples/hospital.csv samples/professional.xlsx" in commands[0]
    assert "pytest" in commands[1]


def test_ci_runs_the_test_command_of_the_readme_and_no_other() -> None:
    after = README.index("<!-- test command -->")
    fence = FENCE.search(README, after)
    assert fence is not None
    script = ROOT / ".ci" / "run"
    shown = subprocess.run(["bash", script, "--show"], capture_output=True, text=True, check=True)

    assert shown.stdout == fence[2]
    own = script.read_text(encoding="utf-8")
    assert not re.search(r"pytest|ruff|mypy|pip install", own)


def commands_of(command: Any, name: str = "auditor") -> Iterator[str]:
    """Every command by its full name: ``auditor run``, ``auditor reference check``."""
    if not hasattr(command, "commands"):
        yield name
        return
    for part, below in command.commands.items():
        yield from commands_of(below, f"{name} {part}")


@pytest.mark.parametrize("name", list(commands_of(typer.main.get_command(app))))
def test_readme_names_every_command(name: str) -> None:
    assert f"\n| `{name}` |" in README, "add it to the README's table of commands"


def test_readme_names_every_file_of_a_run(folder: Path) -> None:
    run = said("auditor run samples/hospital.csv samples/professional.xlsx --out out/files", folder)
    assert run.returncode == 0, run.stderr

    for path in (folder / "out" / "files").iterdir():
        assert f"`{path.name}`" in README


def test_rules_lists_the_whole_catalogue(folder: Path) -> None:
    listed = said("auditor rules", folder).stdout

    for rule in CATALOGUE:
        row = rf"^  {rule.name} +{rule.severity} +{re.escape(rule.title)}$"
        assert re.search(row, listed, re.MULTILINE)


@pytest.mark.parametrize("page", ["README.md", "tests/README.md"])
def test_pages_say_how_many_rules_there_are(page: str) -> None:
    said_so = re.findall(r"(\d+) rules", (ROOT / page).read_text(encoding="utf-8"))

    assert set(said_so) == {str(len(CATALOGUE))}


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_changelog_names_every_rule(rule) -> None:
    named = f"`{rule.name}`" in CHANGELOG
    assert named, f"say in CHANGELOG.md which dates of service `{rule.name}` judges"


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md", "SECURITY.md", "tests/README.md"])
def test_links_lead_somewhere(page: str) -> None:
    path = ROOT / page
    for target in re.findall(r"\]\(([^)#]+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{page}: {target}"


def as_said(excerpt: str, output: str) -> str:
    """The excerpt with the nearest line that is said for each that is no longer said."""
    said_lines = [line.rstrip() for line in output.splitlines()]
    shown = []
    for line in excerpt.splitlines():
        kept = line.strip() == ELLIPSIS or line.rstrip() in said_lines
        near = [] if kept else difflib.get_close_matches(line, said_lines, n=1, cutoff=0.5)
        shown.append(near[0] if near else line)
    return "".join(f"{line}\n" for line in shown)


def test_excerpts_follow_the_program() -> None:
    assert as_said("...\n$10 at risk\n", "first\n$12 at risk\n") == "...\n$12 at risk\n"


if __name__ == "__main__":
    page = README
    with tempfile.TemporaryDirectory() as temporary:
        place = with_samples(Path(temporary))
        for block in blocks():
            runs = [said(command, place) for command in block.commands]
            assert not any(run.returncode for run in runs), runs
            output = "".join(run.stdout for run in runs)
            if block.excerpt:
                page = page.replace(block.excerpt, as_said(block.excerpt, output))
    (ROOT / "README.md").write_text(page, encoding="utf-8")
