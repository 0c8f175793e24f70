"""Canaries where things go wrong, and on Spark: nothing of a claim leaves but in the reports."""

import os
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_privacy import KEY, NO_LINES, NUMBERS, PERSON, export, outputs, page_rows

ROOT = Path(__file__).parent.parent
CANARIES = (*NUMBERS, *PERSON.values())
# Put in front of the program: what goes wrong in it, and with which words.
FAULTS = {
    "in reading": """
import auditor.intake as place
def stumble(*given): raise ValueError(WORDS)
place.claim_lines = stumble
""",
    "in writing": """
import auditor.batch as place
def stumble(*given): raise KeyError(WORDS)
place.write_files = stumble
""",
    "in a worker": """
import auditor.scale.local as place
def stumble(*given): raise ValueError(WORDS)
place.audit = stumble
""",
    "a crash": """
import faulthandler, os, signal
faulthandler.enable()
import auditor.intake as place
def stumble(table, mapping):
    words = table.read(range(len(table.header)))
    os.kill(os.getpid(), signal.SIGSEGV)
place.claim_lines = stumble
""",
    "a crash in a worker": """
import faulthandler, os, signal
faulthandler.enable()
import auditor.scale.local as place
def stumble(*given): os.kill(os.getpid(), signal.SIGSEGV)
place.audit = stumble
""",
}


def run(
    folder: Path, *words: object, before: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    start = f"WORDS = {' '.join(CANARIES)!r}\n{before}\nfrom auditor.cli import main\nmain()"
    (folder / "tmp").mkdir(exist_ok=True)
    given = {"PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp"), **environment}
    return subprocess.run(
        [sys.executable, "-c", start, "run", *map(str, words), "--as-of", "2026-06-30"],
        cwd=folder,
        env={**os.environ, **given},
        capture_output=True,
        text=True,
        timeout=300,
    )


def said_in(ran: subprocess.CompletedProcess[str]) -> list[str]:
    return [one for one in CANARIES if one in ran.stdout + ran.stderr]


def left_in(folder: Path) -> list[str]:
    """Files beside the export that hold a canary."""
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and path.name != "export.csv"
        if any(one.encode() in path.read_bytes() for one in CANARIES)
    ]


@pytest.mark.parametrize(
    ("fault", "way"),
    [
        *((fault, "in memory") for fault in ("in reading", "in writing", "a crash")),
        *((fault, "in buckets") for fault in ("in writing", "in a worker", "a crash in a worker")),
    ],
)
def test_what_goes_wrong_says_where_and_nothing_of_a_claim(
    tmp_path: Path, fault: str, way: str
) -> None:
    file = export(tmp_path / "export.csv")
    options = ("--memory", "2GB") if way == "in buckets" else ()

    ran = run(tmp_path, file, "--out", "out", *options, before=FAULTS[fault])

    assert said_in(ran) == []
    assert left_in(tmp_path) == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.csv", "tmp"]
    assert list((tmp_path / "tmp").iterdir()) == []
    if fault == "a crash":
        assert ran.returncode == -signal.SIGSEGV
        assert "most recent call first" in ran.stderr
    else:
        assert ran.returncode == 1
        assert [one for one in ran.stderr.splitlines() if one.startswith("auditor: ")]
    if fault.startswith("in "):
        assert "a fault of the program" in ran.stderr


def test_no_core_dump_is_written(tmp_path: Path) -> None:
    file = export(tmp_path / "export.csv")
    told = "import atexit, resource; resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096))\n"
    told += "atexit.register(lambda: print('core', resource.getrlimit(resource.RLIMIT_CORE)[0]))"

    assert "core 0" in run(tmp_path, file, "--out", "out", before=told).stdout


def test_what_a_killed_run_leaves_is_closed_to_others_and_goes_with_the_next(
    tmp_path: Path,
) -> None:
    file = export(tmp_path / "export.csv")
    killed = "import os, signal\nimport auditor.scale.local as place\n"
    killed += "def stumble(*given, **named): os.kill(os.getpid(), signal.SIGKILL)\n"
    killed += "place.workers = stumble"
    ran = run(tmp_path, file, "--out", "out", "--memory", "2GB", before=killed)
    assert ran.returncode == -signal.SIGKILL
    left = [path for path in tmp_path.iterdir() if path.name.startswith(".out-")]
    assert left
    for path in left:
        assert stat.S_IMODE(path.stat().st_mode) == 0o700

    run(tmp_path, file, "--out", "out", "--memory", "2GB")

    assert sorted(path.name for path in tmp_path.iterdir()) == ["export.csv", "out", "tmp"]


@pytest.mark.spark
@pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed")
@pytest.mark.parametrize("way", ["plain", "masked", "a fault in a worker"])
def test_on_spark_identifiers_stand_in_unmasked_reports_alone(tmp_path: Path, way: str) -> None:
    pytest.importorskip("pyspark")
    file = export(tmp_path / "export.csv")
    (tmp_path / "audit.toml").write_text('[mask]\nkey_env = "SITE_KEY"\n', encoding="utf-8")
    (tmp_path / "spark").mkdir()
    options = ["--engine", "spark", "--master", "local[1]", "--settings", "audit.toml"]
    options += ["--mask"] if way == "masked" else []
    before = ""
    if way == "a fault in a worker":
        # Workers import what stands here before anything else.
        (tmp_path / "spoilt").mkdir()
        spoil = (ROOT / "auditor" / "audit.py").read_text("utf-8")
        spoil += f"\n\ndef prepare(*given, **named):\n    raise ValueError({CANARIES!r})\n"
        shutil.copytree(ROOT / "auditor", tmp_path / "spoilt" / "auditor")
        (tmp_path / "spoilt" / "auditor" / "audit.py").write_text(spoil, "utf-8")
        for name in ("reference", "reports"):
            (tmp_path / "spoilt" / name).symlink_to(ROOT / name)
        before = f"import sys; sys.path.insert(0, {str(tmp_path / 'spoilt')!r})"

    ran = run(
        tmp_path,
        *(file, "--out", "out", *options),
        before=before,
        SITE_KEY=KEY,
        SPARK_LOCAL_DIRS=str(tmp_path / "spark"),
        PYTHONDONTWRITEBYTECODE="1",  # the spoilt module holds them compiled, too
    )

    assert said_in(ran) == []
    if way == "a fault in a worker":
        assert ran.returncode == 1
        assert "ValueError in audit.py" in ran.stderr
        assert left_in(tmp_path) == ["spoilt/auditor/audit.py"]
        return
    assert ran.returncode == 0, ran.stderr
    found = outputs(tmp_path / "out")
    found["page rows"] = page_rows(found["report.html"])
    for name, said in found.items():
        hidden = CANARIES if way == "masked" or name in NO_LINES else PERSON.values()
        assert [one for one in hidden if one in said] == [], name
    if way == "plain":
        for name in ("findings.csv", "findings.parquet", "report.xlsx", "page rows"):
            assert "CLMQX" in found[name], name
    # Its scratch, its warehouse and what else it leaves.
    assert [name for name in left_in(tmp_path) if not name.startswith("out/")] == []
