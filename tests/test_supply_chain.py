"""No pickle, no eval, no shell, no network but mail; licences and parts are listed as installed."""

import ast
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for path in (ROOT / "auditor").rglob("*.py") if "_shipped" not in path.parts)
# Modules that take objects, code or words of a shell from outside.
NEVER = {"pickle", "shelve", "marshal", "dill", "cloudpickle", "joblib", "code", "pty"}
NEVER |= {"xmlrpc", "telnetlib", "webbrowser", "imp"}
NETWORK = {"socket", "ssl", "smtplib", "urllib", "http", "requests", "httpx", "aiohttp", "ftplib"}
NETWORK |= {"asyncio", "socketserver", "paramiko", "urllib3"}
BUILTINS = {"eval", "exec", "compile", "__import__"}
CALLS = {"system", "popen", "spawnl", "spawnv", "read_pickle", "to_pickle", "getoutput", "execv"}
# What Spark hands its workers, as it does with every function it is given.
HANDS_OVER = {
    "scale/spark.py": {"pickle"},
    "scale/spark_work.py": {"pickle"},
}
# The one program that is started: a trial of a workbook, our own words, under limits.
STARTS_PROGRAMS = {"ingest/workbook_limits.py"}


def short(path: Path) -> str:
    return path.relative_to(ROOT / "auditor").as_posix()


def imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").split(".")[0]


def may_use_network(path: Path) -> bool:
    return short(path).split("/")[0].removesuffix(".py") == "mail"


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_nothing_runs_what_an_export_says(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = set(imported(tree))

    assert not names & NEVER - HANDS_OVER.get(short(path), set())
    assert may_use_network(path) or not names & NETWORK
    assert "subprocess" not in names or short(path) in STARTS_PROGRAMS
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            assert node.func.id not in BUILTINS, f"line {node.lineno}"
        if isinstance(node.func, ast.Attribute):
            assert node.func.attr not in CALLS, f"line {node.lineno}"
        for word in node.keywords:
            shell = word.arg == "shell" and getattr(word.value, "value", True)
            pickles = word.arg == "allow_pickle" and getattr(word.value, "value", True)
            assert not shell, f"line {node.lineno}"
            assert not pickles, f"line {node.lineno}"


def locked() -> dict[str, set[str]]:
    """Names and versions of requirements.txt; a package may have one for each Python."""
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    found: dict[str, set[str]] = {}
    for name, of in re.findall(r"^([a-z0-9][a-z0-9._-]*)==([^ ;\\\n]+)", text, re.MULTILINE):
        found.setdefault(name, set()).add(of)
    return found


def parts() -> list[dict[str, Any]]:
    content = json.loads((ROOT / "sbom.cdx.json").read_text(encoding="utf-8"))
    assert content["bomFormat"] == "CycloneDX"
    found: list[dict[str, Any]] = content["components"]
    return found


def test_the_bill_of_materials_is_that_of_the_lock() -> None:
    listed = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in parts()}
    # What only Windows installs is not in an environment of this system.
    elsewhere = {"colorama"}

    assert listed.keys() == locked().keys() - elsewhere, "run .ci/bill_of_materials"
    for name, version in listed.items():
        assert version in locked()[name], "run .ci/bill_of_materials"


def test_each_part_has_a_licence_that_a_hospital_can_take() -> None:
    page = (ROOT / "LICENCES.md").read_text(encoding="utf-8")
    for one in parts():
        assert f"| {one['name']} | {one['version']} | " in page, "run .ci/bill_of_materials"
        licences = json.dumps(one["licenses"])
        assert one["licenses"], one["name"]
        assert not re.search(r"\b(?:A?GPL|SSPL)", licences), one["name"]


def advisory(name: str, number: int, **said: Any) -> dict[str, Any]:
    said = {"modified": datetime.now(UTC).isoformat(), "aliases": [f"CVE-2026-{number}"]} | said
    place = {"package": {"ecosystem": said.pop("ecosystem", "PyPI"), "name": name}}
    place |= {key: said.pop(key) for key in ("versions", "ranges") if key in said}
    return {"id": f"PYSEC-{number}", "affected": [place]} | said


def between(*events: dict[str, str]) -> list[dict[str, Any]]:
    return [{"type": "ECOSYSTEM", "events": list(events)}]


LOCK = "Some.Pack_age==1.10.0 ; python_version < '3.12' \\\n    --hash=sha256:0\nother[x]==2.0\n"
OFFLINE: dict[str, tuple[list[dict[str, Any]], int]] = {
    "listed": ([advisory("some-pack-age", 1, versions=["1.9", "1.10"])], 1),
    "in a range": (
        [advisory("other", 2, ranges=between({"introduced": "0"}, {"fixed": "2.0.1"}))],
        1,
    ),
    "the last affected": (
        [advisory("other", 3, ranges=between({"introduced": "1"}, {"last_affected": "2.0"}))],
        1,
    ),
    "mended": (
        [
            advisory("other", 4, ranges=between({"introduced": "0"}, {"fixed": "2.0"})),
            advisory("some-pack-age", 5, versions=["1.1"]),
        ],
        0,
    ),
    "not yet": ([advisory("other", 6, ranges=between({"introduced": "2.1"}))], 0),
    "withdrawn": ([advisory("other", 7, versions=["2.0"], withdrawn="2026-01-01T00:00:00Z")], 0),
    "of others": ([advisory("other", 8, versions=["2.0"], ecosystem="npm")], 2),
    "old": ([advisory("other", 9, versions=["2.0"], modified="2020-01-01T00:00:00Z")], 2),
    "empty": ([], 2),
}


@pytest.mark.parametrize("case", OFFLINE)
def test_a_database_of_advisories_is_compared_without_a_network(tmp_path: Path, case: str) -> None:
    advisories, expected = OFFLINE[case]
    (tmp_path / "lock.txt").write_text(LOCK, encoding="utf-8")
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        for one in advisories:
            archive.writestr(f"{one['id']}.json", json.dumps(one))
    command = [sys.executable, str(ROOT / ".ci" / "known_weak.py"), "all.zip", "lock.txt"]

    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert ran.returncode == expected, ran.stderr
    assert ("CVE-2026-" in ran.stdout) == (expected == 1)
    assert ("NOT CHECKED" in ran.stderr) == (expected == 2)
