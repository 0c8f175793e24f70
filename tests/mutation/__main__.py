"""Tries every mutant in a process of its own, branched off one that has all in memory.

    nice -n 15 .venv/bin/python -m tests.mutation FILE [--only WORD] [--again]

FILE holds a line a mutant (JSON) and is read first, so that a hunt that was stopped goes on.
``--only`` takes modules whose path has the word, ``--again`` tries those that survived and are not
explained once more.
At the end stand the counts, and each survivor that ``explained.csv`` does not explain.
"""

import argparse
import csv
import json
import os
import resource
import select
import signal
import sys
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

from hypothesis import settings

from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.suite import Ground, ground, modules, noticed

AT_ONCE = 2
# Of one mutant: processor time, wall time and memory beyond what is shared.
CPU_SECONDS, WALL_SECONDS, MORE_BYTES = 90, 600, 3 * 2**30
EXPLAINED = Path(__file__).with_name("explained.csv")
SHOWN = 5


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("file", type=Path)
    parser.add_argument("--only", default="")
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    settings.register_profile("mutants", derandomize=True, database=None)
    settings.load_profile("mutants")
    known = read(asked.file)
    mutants = [one for path in modules() if asked.only in path for one in mutants_of(path)]
    left = [
        one
        for one in mutants
        if one.key not in known
        or (asked.again and known[one.key]["end"] == "survived" and one.key not in explained())
    ]
    if left:
        print(f"{len(left)} of {len(mutants)} to try", flush=True)
        hunt(left, ground(), asked.file)
    return told(mutants, read(asked.file))


def read(file: Path) -> dict[tuple[str, ...], dict[str, Any]]:
    if not file.exists():
        return {}
    rows = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    return {tuple(row["key"]): row for row in rows}


def hunt(mutants: list[Mutant], tried: Ground, file: Path) -> None:
    running: dict[int, tuple[Mutant, int, float]] = {}
    waiting = list(reversed(mutants))
    with file.open("a", encoding="utf-8") as stream:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                mutant = waiting.pop()
                tried.made_ready(mutant.module)
                process, pipe = branched(mutant, tried)
                running[pipe] = (mutant, process, time.monotonic())
            ready, _, _ = select.select(list(running), [], [], 1)
            for pipe, (mutant, process, started) in list(running.items()):
                if pipe not in ready and time.monotonic() - started < WALL_SECONDS:
                    continue
                if pipe not in ready:
                    os.kill(process, signal.SIGKILL)
                row = ended(pipe, process)
                seconds = round(time.monotonic() - started, 2)
                stream.write(
                    json.dumps(
                        {
                            "key": mutant.key,
                            "line": mutant.line,
                            **row,
                            "operator": mutant.operator,
                            "seconds": seconds,
                        }
                    )
                    + "\n"
                )
                stream.flush()
                del running[pipe]


def branched(mutant: Mutant, tried: Ground) -> tuple[int, int]:
    """Starts a process that writes what notices the mutant into a pipe."""
    reader, writer = os.pipe()
    process = os.fork()
    if process:
        os.close(writer)
        return process, reader
    os.close(reader)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + MORE_BYTES, size + MORE_BYTES))
    unnoticed: list[str] = []
    try:
        by = ""
        for words in noticed(mutant, tried):
            if not words.startswith("unnoticed"):
                by = words
                break
            unnoticed.append(words)
        row = {"end": "killed" if by else "survived", "by": by, "unnoticed": unnoticed[:SHOWN]}
    except BaseException as fault:
        row = {"end": "killed", "by": f"{type(fault).__name__}: {fault}"[:200], "unnoticed": []}
    os.write(writer, json.dumps(row).encode())
    os._exit(0)


def ended(pipe: int, process: int) -> dict[str, Any]:
    said = b""
    while part := os.read(pipe, 2**16):
        said += part
    os.close(pipe)
    os.waitpid(process, 0)
    if said:
        return dict(json.loads(said))
    return {"end": "timeout", "by": "no end in time or memory", "unnoticed": []}


@cache
def explained() -> dict[tuple[str, ...], str]:
    """The kind of reason for each mutant that nothing can notice."""
    with EXPLAINED.open(encoding="utf-8", newline="") as stream:
        return {
            (row["path"], row["function"], row["before"], row["after"]): row["kind"]
            for row in csv.DictReader(stream)
        }


def told(mutants: list[Mutant], known: dict[tuple[str, ...], dict[str, Any]]) -> int:
    """Prints the counts; 1 if a survivor is not explained."""
    kinds = explained()
    ends = {one.key: known[one.key] for one in mutants if one.key in known}
    print(f"{len(mutants)} mutants of {len({(m.path, m.line) for m in mutants})} lines")
    for path in dict.fromkeys(one.path for one in mutants):
        counts = Counter(
            "explained" if row["end"] == "survived" and key in kinds else row["end"]
            for key, row in ends.items()
            if key[0] == path
        )
        print(f"  {path}: {dict(counts)}")
    survivors = [one for one in mutants if ends.get(one.key, {}).get("end") == "survived"]
    why = Counter(kinds[one.key] for one in survivors if one.key in kinds)
    print(f"ends: {dict(Counter(row['end'] for row in ends.values()))}, explained: {dict(why)}")
    noticed = [key for key in kinds if ends.get(key, {}).get("end") not in (None, "survived")]
    there = {one.key for one in mutants}
    paths = {one.path for one in mutants}
    stale = noticed + [key for key in kinds if key[0] in paths and key not in there]
    for key in stale:
        print(f"explained, but noticed or gone: {key}")
    open_ones = [one for one in survivors if one.key not in kinds]
    for one in open_ones:
        print(
            f"{one.path}:{one.line} {one.function} [{one.operator}]\n  - {one.before}\n"
            f"  + {one.after}"
        )
        for words in ends[one.key]["unnoticed"]:
            print(f"      {words}")
    return 1 if open_ones or stale else 0


if __name__ == "__main__":
    sys.exit(main())
