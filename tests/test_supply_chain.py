"""No pickle, no eval, no shell, no network but mail; licences and parts are listed as installed."""

import ast
import json
import os
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
COMMITS = {
    "type": "GIT",
    "repo": "https://example.org/other",
    "events": [{"introduced": "0"}, {"fixed": "0bb46c1448b0"}],
}
# As the public records tell it: in any order, ends and beginnings at one version.
UNSORTED = between(
    {"introduced": "1.8"},
    {"fixed": "2.1"},
    {"introduced": "1.2"},
    {"fixed": "1.8"},
    {"introduced": "0"},
    {"fixed": "1.1"},
)
OFFLINE: dict[str, tuple[list[dict[str, Any]], int]] = {
    "listed": ([advisory("some-pack-age", 1, versions=["1.9", "1.10"])], 1),
    "named as its author writes it": (
        [advisory("Some_Pack.Age", 1, ranges=between({"introduced": "0"}, {"fixed": "1.11"}))],
        1,
    ),
    "in a range": (
        [advisory("other", 2, ranges=between({"introduced": "0"}, {"fixed": "2.0.1"}))],
        1,
    ),
    "in a range, beside one of commits": (
        [advisory("other", 2, ranges=[COMMITS, *between({"introduced": "2.0"})])],
        1,
    ),
    "the last affected": (
        [advisory("other", 3, ranges=between({"introduced": "1"}, {"last_affected": "2.0"}))],
        1,
    ),
    "in a range told before another": ([advisory("other", 3, ranges=UNSORTED)], 1),
    "after the last of ranges told in any order": (
        [advisory("some-pack-age", 3, ranges=between(*UNSORTED[0]["events"][2:]))],
        0,
    ),
    "where one range ends and another begins": (
        [
            advisory(
                "other",
                3,
                ranges=between(
                    {"introduced": "2.0"}, {"fixed": "2.2"}, {"introduced": "1"}, {"fixed": "2.0"}
                ),
            )
        ],
        1,
    ),
    "the second of two packages": (
        [
            advisory("nothing", 3, versions=["9"])
            | {
                "affected": [
                    *advisory("of-others", 3, ecosystem="npm", versions=["2.0"])["affected"],
                    *advisory("other", 3, versions=["2.0"])["affected"],
                ]
            }
        ],
        1,
    ),
    "without aliases": (
        [advisory("other", 3, versions=["2.0"], aliases=[], related=["CVE-2026-3"])],
        1,
    ),
    "mended": (
        [
            advisory("other", 4, ranges=between({"introduced": "0"}, {"fixed": "2.0"})),
            advisory("some-pack-age", 5, versions=["1.1", "0.3.0.beta", "no version"]),
        ],
        0,
    ),
    "not yet": ([advisory("other", 6, ranges=between({"introduced": "2.1"}))], 0),
    "withdrawn": ([advisory("other", 7, versions=["2.0"], withdrawn="2026-01-01T00:00:00Z")], 0),
    "of others": ([advisory("other", 8, versions=["2.0"], ecosystem="npm")], 0),
    # The first form of the public records; and what no form of them is.
    "in another form": (
        [
            {
                "id": "PYSEC-9",
                "modified": "2021-07-05T00:01:22Z",
                "package": {"name": "other", "ecosystem": "PyPI"},
                "affects": {"ranges": [{"type": "ECOSYSTEM", "fixed": "2.1"}]},
            }
        ],
        2,
    ),
    "of commits alone": ([advisory("other", 9, ranges=[COMMITS])], 2),
    "an unknown event": ([advisory("other", 9, ranges=between({"begun": "1"}))], 2),
    "no version in an event": ([advisory("other", 9, ranges=between({"fixed": "soon"}))], 2),
    "not understood, on what is not ours": ([advisory("third", 9, ranges=[COMMITS])], 0),
}
# Weak for ever: who does not know of it, knows nothing.
KNOWN = advisory("jinja2", 0, versions=["2.10"], aliases=["CVE-2019-10906"])


def compared(folder: Path, advisories: list[dict[str, Any]]) -> subprocess.CompletedProcess[str]:
    (folder / "lock.txt").write_text(LOCK, encoding="utf-8")
    with zipfile.ZipFile(folder / "all.zip", "w") as archive:
        for number, one in enumerate(advisories):
            archive.writestr(f"{number}.json", json.dumps(one))
    command = [sys.executable, str(ROOT / ".ci" / "known_weak.py"), "all.zip", "lock.txt"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("case", OFFLINE)
def test_a_database_of_advisories_is_compared_without_a_network(tmp_path: Path, case: str) -> None:
    advisories, expected = OFFLINE[case]

    ran = compared(tmp_path, [*advisories, KNOWN])

    assert ran.returncode == expected, ran.stderr
    assert ("0 known to be weak" in ran.stdout) == (expected == 0)
    assert (": PYSEC-" in ran.stdout) == (expected == 1)
    assert ("NOT CHECKED" in ran.stderr) == (expected == 2)


OLD = {"modified": "2020-01-01T00:00:00Z"}
NOTHING_PROVED: dict[str, list[dict[str, Any]]] = {
    "old": [advisory("other", 9, versions=["2.0"], **OLD), KNOWN | OLD],
    "of others alone": [advisory("other", 8, versions=["2.0"], ecosystem="npm")],
    "a part": [advisory("other", 6, ranges=between({"introduced": "2.1"}))],
    "a part that has what was withdrawn": [KNOWN | {"withdrawn": "2026-01-01T00:00:00Z"}],
    "empty": [],
}


@pytest.mark.parametrize("case", NOTHING_PROVED)
def test_a_database_that_proves_nothing_is_told(tmp_path: Path, case: str) -> None:
    ran = compared(tmp_path, NOTHING_PROVED[case])

    assert ran.returncode == 2
    assert ran.stderr.startswith(".ci/known_weak.py: NOT CHECKED: ")
    assert len(ran.stderr.splitlines()) == 1


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    for content in (b"", b"PK\x03\x04 cut short"):
        (tmp_path / "all.zip").write_bytes(content)
        command = [sys.executable, str(ROOT / ".ci" / "known_weak.py"), "all.zip"]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert ran.returncode == 2, ran.stderr
        assert "NOT CHECKED" in ran.stderr


WEAK = """Found 2 known vulnerabilities in 1 package
Name   Version ID             Fix Versions
------ ------- -------------- ------------
jinja2 2.10    PYSEC-2019-217 2.10.1
"""
SKIPPED = """No known vulnerabilities found
Name     Skip Reason
-------- ---------------------------------------------------------------------
numpy    Dependency not found on PyPI and could not be audited: numpy (2.4.6)
"""
CLEAN = "No known vulnerabilities found\n"
REFUSED = "    raise ServiceError from http_error\npip_audit._service.interface.ServiceError\n"
# What pip-audit says of our lock, then of a version that is weak for ever; its exit codes.
ANSWERS: dict[str, tuple[tuple[str, int], tuple[str, int], int, str]] = {
    "nothing is weak": ((CLEAN, 0), (WEAK, 1), 0, "No pinned version is known to be weak."),
    "something is weak": ((WEAK, 1), (WEAK, 1), 1, "PYSEC-2019-217"),
    "weak, and some unknown": ((SKIPPED + WEAK, 1), (WEAK, 1), 1, "PYSEC-2019-217"),
    "some are unknown": ((SKIPPED, 0), (WEAK, 1), 0, "NOT CHECKED: 1 packages are unknown"),
    "no answer": ((REFUSED, 1), (WEAK, 1), 0, "NOT CHECKED: no answer"),
    "not installed": (("uvx: not found\n", 127), ("", 127), 0, "NOT CHECKED: no answer"),
    "a service that knows nothing": ((CLEAN, 0), (CLEAN, 0), 0, "NOT CHECKED: the service"),
    "a service that goes away": ((CLEAN, 0), (REFUSED, 1), 0, "NOT CHECKED: the service"),
}


@pytest.mark.parametrize("case", ANSWERS)
def test_advisories_are_weak_good_or_not_checked(tmp_path: Path, case: str) -> None:
    *answers, code, words = ANSWERS[case]
    for name, (said, ended) in zip(("ours", "weak"), answers, strict=True):
        (tmp_path / name).write_text(said, encoding="utf-8")
        (tmp_path / f"{name}.code").write_text(str(ended), encoding="utf-8")
    uvx = tmp_path / "uvx"
    uvx.write_text(
        f"#!/bin/sh\ncd {tmp_path}\nname=ours\n"
        'case "$*" in *weak.txt*) name=weak;; *-dev.txt*--osv-url*) ;; *) exit 9;; esac\n'
        "cat $name >&2\nexit $(cat $name.code)\n",
        encoding="utf-8",
    )
    uvx.chmod(0o755)

    ran = subprocess.run(
        [str(ROOT / ".ci" / "advisories"), "-s", "osv", "--osv-url", "http://127.0.0.1:9"],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == code
    assert words in ran.stdout + ran.stderr
    assert ("NOT CHECKED" in ran.stderr) == words.startswith("NOT CHECKED")
