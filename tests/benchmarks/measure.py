"""Measures the auditor beside a bare read of the same export, each in a process of its own.

    python -m tests.benchmarks.measure --lines 1000000 --mix departmental [--repeat 3] [--json FILE]

Prints a table in Markdown; nothing is asserted. Only the standard library is imported here: a
child's peak memory counts what its parent held when it was started.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
AS_OF = "2026-06-30"
NIGHT_LINES = 2_000
PARTS = ("audit", "start", "reports")
# Only when asked for: they take long, and Spark needs Java.
FURTHER = ("buckets", "spark")
HISTORY = "history"
_BARE, _BARE_PROCESSOR = "bare read, process", "bare read, processor time"
_SAMPLE_SECONDS = 0.01
# What a night with all reports imports, however late.
_IMPORTS = (
    "import auditor.cli, auditor.batch, auditor.report.data, auditor.report.html, "
    "auditor.report.workbook"
)


@dataclass(frozen=True)
class Finished:
    """A process that ended: seconds from start to end, peak memory in MB, what it printed.

    ``processor_seconds`` is what all its threads took; others on the machine disturb it less.

    ``peak_mb`` is the resident peak; it counts pages of mapped files, which the system takes back
    when it needs them. ``own_peak_mb`` is sampled and leaves them out.
    """

    seconds: float
    processor_seconds: float
    peak_mb: float
    own_peak_mb: float
    output: str


@dataclass
class Figure:
    """One line of the table: what was measured, once a round.

    ``beside`` is the figure of which it is so many times.
    """

    what: str
    unit: str = "s"
    rounds: list[float] = field(default_factory=list)
    beside: str = ""

    @property
    def median(self) -> float:
        """The middle of all rounds."""
        return statistics.median(self.rounds)


def finished(command: Sequence[str], bytecode: Path, expected: int = 0) -> Finished:
    """Runs a command to its end. Raises SystemExit with what it said if it ends otherwise.

    Python finds its modules compiled in ``bytecode``, as an installed program does, from the
    second run on; the environment or a folder without write access could forbid that otherwise.
    """
    given = {name: word for name, word in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    given["PYTHONPYCACHEPREFIX"] = str(bytecode)
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as complaint:
        begun = time.perf_counter()
        child = subprocess.Popen(command, cwd=ROOT, env=given, stdout=output, stderr=complaint)
        own = _OwnMemory(child.pid)
        own.start()
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        own.ended.set()
        own.join()
        if child.returncode != expected:
            complaint.seek(0)
            raise SystemExit(
                f"{' '.join(command)} ended with {child.returncode}: {complaint.read()}"
            )
        output.seek(0)
        return Finished(
            seconds=seconds,
            processor_seconds=usage.ru_utime + usage.ru_stime,
            peak_mb=usage.ru_maxrss / 1024,
            own_peak_mb=own.peak_kb / 1024,
            output=output.read(),
        )


class _OwnMemory(threading.Thread):
    """Watches the memory of a process that no file stands behind."""

    def __init__(self, process: int) -> None:
        super().__init__(daemon=True)
        self.ended = threading.Event()
        self.peak_kb = 0
        self._status = Path(f"/proc/{process}/status")

    def run(self) -> None:
        while not self.ended.wait(_SAMPLE_SECONDS):
            try:
                lines = self._status.read_text().splitlines()
            except OSError:
                return
            for line in lines:
                if line.startswith("RssAnon:"):
                    self.peak_kb = max(self.peak_kb, int(line.split()[1]))


# Runs a command to its end.
Run = Callable[[Sequence[str]], Finished]


def python(*words: str) -> list[str]:
    """A command of this Python."""
    return [sys.executable, *words]


def generated(run: Run, folder: Path, lines: int, mix: str, seed: int) -> Path:
    """The export of so many lines; one that lies there from before serves again."""
    path = folder / f"{mix}_{lines}_{seed}.csv"
    if not path.exists():
        made = path.with_suffix(".part")
        words = ["--lines", str(lines), "--mix", mix, "--seed", str(seed), "--out", str(made)]
        run(python("-m", "tests.benchmarks.generate", *words))
        made.rename(path)
    return path


def audit_command(file: Path, out: Path, formats: str, reference: Path | None) -> list[str]:
    """The command that people type, without its progress."""
    words = [str(file), "--out", str(out), "--as-of", AS_OF, "--formats", formats, "--quiet"]
    words += ["--reference", str(reference)] if reference else []
    return python("-m", "auditor", "run", *words)


class Measurement:
    """Figures in the order in which they were first measured, and facts of the finished runs."""

    def __init__(self) -> None:
        self.figures: dict[str, Figure] = {}
        self.facts: dict[str, Any] = {}

    def add(self, what: str, value: float, *, unit: str = "s", beside: str = "") -> None:
        """Adds a round to a figure."""
        figure = self.figures.setdefault(what, Figure(what, unit, beside=beside))
        figure.rounds.append(value)

    def add_process(self, what: str, process: Finished) -> None:
        """Adds a round of a whole process: seconds and peak memory."""
        self.add(f"{what}, process", process.seconds, beside=_BARE)
        self.add(f"{what}, processor time", process.processor_seconds, beside=_BARE_PROCESSOR)
        self.add(f"{what}, peak memory", process.peak_mb, unit="MB")
        self.add(f"{what}, peak memory without mapped files", process.own_peak_mb, unit="MB")


def measure_audit(
    found: Measurement, run: Run, folder: Path, file: Path, repeat: int, reference: Path | None
) -> None:
    """The whole audit and the bare read in turns, after a run of each that doesn't count."""
    out = folder / "audit"
    command = audit_command(file, out, "csv,parquet", reference)
    run(command)
    facts = json.loads((out / "run.json").read_text())
    columns = facts["inputs"][0]["columns"].values()
    headers = list(dict.fromkeys(header for headers in columns for header in headers))
    bare = python("-m", "tests.benchmarks.bare_read", str(file), *headers)
    run(bare)
    for _ in range(repeat):
        read = run(bare)
        found.add_process("bare read", read)
        found.add("bare read, read alone", float(read.output))
        found.add_process("audit", run(command))
        facts = json.loads((out / "run.json").read_text())
        for stage, seconds in facts["seconds"].items():
            found.add(f"audit, stage {stage}", seconds, beside=_BARE)
    found.facts |= {
        "lines of the run": facts["lines"],
        "totals of the run": facts["totals"],
        "columns read": len(headers),
        "file MB": round(file.stat().st_size / 1e6, 1),
    }


def measure_start(found: Measurement, run: Run, folder: Path, night: Path, repeat: int) -> None:
    """What a small night costs with all reports, and what a command costs that does nothing."""
    command = audit_command(night, folder / "night", "html,xlsx,csv,parquet,json", None)
    run(command)
    for _ in range(repeat):
        process = run(command)
        found.add(f"{NIGHT_LINES:,} lines, all reports, process", process.seconds)
        found.add(f"{NIGHT_LINES:,} lines, peak memory", process.peak_mb, unit="MB")
        empty = run(python("-c", "")).seconds
        found.add("imports of such a night", run(python("-c", _IMPORTS)).seconds - empty)
        found.add("auditor --help, process", run(python("-m", "auditor", "--help")).seconds)
        found.add("python that does nothing, process", empty)


def measure_reports(found: Measurement, run: Run, folder: Path, repeat: int) -> None:
    """The writers of the reports at 50,000 findings, timed within one process."""
    written = folder / "reports"
    written.mkdir(exist_ok=True)
    for _ in range(repeat):
        process = run(python("-m", "tests.benchmarks.report_writing", str(written)))
        for report, seconds in json.loads(process.output).items():
            found.add(f"50,000 findings, {report}", seconds)


def measure_scale(
    found: Measurement,
    run: Run,
    folder: Path,
    file: Path,
    repeat: int,
    reference: Path | None,
    parts: Sequence[str],
    memory: str,
    master: str,
) -> None:
    """The same audit over buckets on disk and on Spark, beside the bare read of ``measure_audit``.

    Workers are processes of their own: each has the memory that the plan gives it.
    """
    ways = {"buckets": ["--memory", memory], "spark": ["--engine", "spark", "--master", master]}
    for name in [name for name in FURTHER if name in parts]:
        out = folder / name
        command = [*audit_command(file, out, "csv,parquet", reference), *ways[name]]
        for _ in range(repeat):
            process = run(command)
            found.add(f"{name}, process", process.seconds)
            found.add(f"{name}, processor time", process.processor_seconds)
            found.add(f"{name}, peak memory of the first process", process.peak_mb, unit="MB")
            facts = json.loads((out / "run.json").read_text())
            for stage, seconds in facts["seconds"].items():
                found.add(f"{name}, stage {stage}", seconds)
        found.facts[f"totals by {name}"] = facts["totals"]


def measure_history(
    found: Measurement, run: Run, folder: Path, export: Path, lines: int, repeat: int
) -> None:
    """A night with and without a history of so many lines, in turns, and what the history adds.

    Half of the night's lines are new, half came before: one of every so many lines of the history.
    """
    head, *every = export.read_text("utf-8").splitlines(keepends=True)
    before, new = every[:lines], every[lines:]
    again = before[:: max(1, lines // len(new))][: len(new)]
    for name, some in (("before", before), ("night", new + again)):
        (folder / f"{name}.csv").write_text("".join([head, *some]), "utf-8")
    first, kept = folder / "first", folder / "kept"
    command = partial(audit_command, formats="csv,parquet", reference=None)
    run([*command(folder / "before.csv", folder / "out"), "--history", str(first)])
    without = command(folder / "night.csv", folder / "without")
    run(without)
    for _ in range(repeat):
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(first, kept)
        with_it = [*command(folder / "night.csv", folder / "with"), "--history", str(kept)]
        alone, beside = run(without), run(with_it)
        for what, one, other in (
            ("process", alone.seconds, beside.seconds),
            ("processor time", alone.processor_seconds, beside.processor_seconds),
        ):
            found.add(f"a night without history, {what}", one)
            found.add(f"a night with history, {what}", other)
            found.add(f"what the history adds, {what}", other - one)
        found.add("a night with history, peak memory", beside.peak_mb, unit="MB")


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "memory GB": round(memory / 2**30, 1),
        "load at start": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
        **{name: version(name) for name in ("pandas", "numpy", "pyarrow")},
        "commit": _commit(),
    }


def _commit() -> str:
    asked = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return asked.stdout.strip()


def table(found: Measurement) -> str:
    """Figures as a Markdown table, with ratios to the bare read of the same rounds."""
    rows: list[tuple[str, ...]] = [("measured", "median", "least", "most", "x bare read")]
    for figure in found.figures.values():
        written: Callable[[float], str] = (
            "{:,.0f} MB".format if figure.unit == "MB" else "{:.3f} s".format
        )
        ratio = ""
        if figure.beside:
            pairs = zip(figure.rounds, found.figures[figure.beside].rounds, strict=True)
            ratio = f"{statistics.median(one / other for one, other in pairs):.2f}"
        spread = (min(figure.rounds), max(figure.rounds))
        rows.append((figure.what, written(figure.median), *map(written, spread), ratio))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    lines = ["| " + " | ".join(map(str.ljust, row, widths)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def as_json(found: Measurement, asked: dict[str, Any], on: dict[str, Any]) -> str:
    """Everything that was measured, all rounds of it."""
    figures = {
        figure.what: {"unit": figure.unit, "median": figure.median, "rounds": figure.rounds}
        for figure in found.figures.values()
    }
    content = {"asked": asked, "machine": on, "run": found.facts, "figures": figures}
    return json.dumps(content, indent=1) + "\n"


def _options() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--lines", type=int, default=1_000_000)
    options.add_argument("--mix", choices=("departmental", "all_services"), default="departmental")
    options.add_argument("--repeat", type=int, default=3)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--only", choices=(*PARTS, *FURTHER, HISTORY), nargs="+", default=PARTS)
    options.add_argument("--memory", default="4GB", help="the limit of the run in buckets")
    options.add_argument("--master", default="local[2]", help="Spark's master")
    options.add_argument("--reference", type=Path, help="tables laid over the shipped ones")
    options.add_argument("--folder", type=Path, help="keeps the exports for the next time")
    options.add_argument("--json", type=Path, help="file for all figures")
    return options


def main() -> None:
    """Measures what was asked for and prints it."""
    given = _options().parse_args()
    asked = {name: getattr(given, name) for name in ("lines", "mix", "repeat", "seed")}
    found, on = Measurement(), machine()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        kept = (given.folder or folder).absolute()
        kept.mkdir(parents=True, exist_ok=True)
        run = partial(finished, bytecode=folder / "bytecode")
        if "audit" in given.only:
            file = generated(run, kept, given.lines, given.mix, given.seed)
            measure_audit(found, run, folder, file, given.repeat, given.reference)
        if not {*FURTHER}.isdisjoint(given.only):
            file = generated(run, kept, given.lines, given.mix, given.seed)
            ways = (given.only, given.memory, given.master)
            measure_scale(found, run, folder, file, given.repeat, given.reference, *ways)
        if "start" in given.only:
            night = generated(run, kept, NIGHT_LINES, given.mix, given.seed)
            measure_start(found, run, folder, night, given.repeat)
        if HISTORY in given.only:
            size = given.lines + NIGHT_LINES // 2
            export = generated(run, kept, size, given.mix, given.seed)
            measure_history(found, run, folder, export, given.lines, given.repeat)
        if "reports" in given.only:
            measure_reports(found, run, folder, given.repeat)
    if given.json:
        given.json.write_text(as_json(found, asked, on), encoding="utf-8")
    facts = {**asked, **found.facts, **on}
    sys.stdout.write("\n".join(f"{name}: {fact}" for name, fact in facts.items()) + "\n\n")
    sys.stdout.write(table(found) + "\n")


if __name__ == "__main__":
    main()
