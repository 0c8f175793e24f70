"""The locks are whole, and the wheel carries all that the program needs to run."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCKS = {"requirements.txt": ("build",), "requirements-dev.txt": ("build", "dev")}
PINNED = re.compile(
    r"^(?P<name>[a-z0-9-]+)==(?P<version>[^ ;]+)(?: ; (?P<marker>[^\\]+?))? \\\n"
    r"(?P<hashes>(?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)",
    re.MULTILINE,
)


def pins(lock: str) -> dict[str, set[str]]:
    """Versions by package name."""
    found: dict[str, set[str]] = {}
    for pin in PINNED.finditer((ROOT / lock).read_text(encoding="utf-8")):
        found.setdefault(pin["name"], set()).add(pin["version"])
    return found


def wanted(groups: tuple[str, ...]) -> list[Requirement]:
    """What pyproject.toml asks for at run time and in some dependency groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = list(project["project"]["dependencies"])
    for group in groups:
        asked += [one for one in project["dependency-groups"][group] if isinstance(one, str)]
    return [Requirement(one) for one in asked]


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_pins_and_hashes_everything_and_names_no_host(lock: str) -> None:
    text = (ROOT / lock).read_text(encoding="utf-8")
    rest = re.sub(r"^ *#.*\n", "", PINNED.sub("", text), flags=re.MULTILINE)

    assert rest == ""
    assert not re.search(r"://|index|find-links|^ *-[a-z]|(?<![\w-])/\w", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_lock_answers_pyproject(lock: str) -> None:
    locked = pins(lock)

    for requirement in wanted(LOCKS[lock]):
        versions = locked[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement


def test_both_locks_agree() -> None:
    both = pins("requirements-dev.txt")

    assert {name: both[name] for name in pins("requirements.txt")} == pins("requirements.txt")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the checkout with what is installed."""
    pytest.importorskip("hatchling")
    pytest.importorskip("pip")
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    built = subprocess.run(
        [*command, "--no-index", "-q", "-w", folder, ROOT], capture_output=True, text=True
    )
    assert built.returncode == 0, built.stderr
    return next(folder.glob("*.whl"))


def files_below(folder: Path, suffixes: tuple[str, ...] = ()) -> set[str]:
    """Files by their path below ``folder``, without what Python leaves behind."""
    return {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.name.endswith(suffixes or "")
    }


def test_wheel_carries_code_tables_and_templates_and_no_more(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        carried = {name for name in archive.namelist() if ".dist-info/" not in name}

    expected = {f"auditor/{name}" for name in files_below(ROOT / "auditor")}
    for shipped, folder in (
        ("reference", "reference"),
        ("templates", "reports/templates"),
        ("cases", "tests/cases"),
    ):
        expected |= {f"auditor/_shipped/{shipped}/{name}" for name in files_below(ROOT / folder)}
    assert carried == expected
    assert {"auditor/_shipped/reference/sources.csv"} <= carried


def test_wheel_runs_away_from_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "installed")
    program = (
        "import auditor.shipped as s; print(s.reference_dir(), s.templates_dir(), sep='\\n');"
        "from auditor.reference_pages import check_page; print(check_page(None), end='');"
        "from auditor.self_test import self_test; from auditor.catalogue import CATALOGUE;"
        "from auditor.shipped import cases_dir; tested = self_test(CATALOGUE[:1]);"
        "print(cases_dir(), tested.passed and tested.cases > 3, sep='\\n')"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path / "installed")},
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stderr
    reference, templates, verdict, cases, tested = run.stdout.split("\n")[:5]
    assert reference == str(tmp_path / "installed/auditor/_shipped/reference")
    assert templates == str(tmp_path / "installed/auditor/_shipped/templates")
    assert verdict.endswith("sound")
    assert cases == str(tmp_path / "installed/auditor/_shipped/cases")
    assert tested == "True"
