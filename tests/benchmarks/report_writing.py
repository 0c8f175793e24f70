"""Times the writers of the reports on an invented run of 50,000 findings.

    python -m tests.benchmarks.report_writing FOLDER

Prints seconds by report as JSON; each writer runs once before, on a small run.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from auditor.report import data, html, workbook
from auditor.report.content import Report, build

sys.path.insert(0, str(Path(__file__).parents[1]))
from sample_run import large_run, small_run  # type: ignore[import-not-found]


def _csv_and_parquet(report: Report, folder: Path) -> None:
    data.write_findings_csv(report.run.audit.findings, folder / "findings.csv")
    data.write_findings_parquet(report.run.audit.findings, folder / "findings.parquet")


def _page(report: Report, folder: Path) -> None:
    html.write(report, folder / "report.html")


def _workbook(report: Report, folder: Path) -> None:
    workbook.write_workbook(report, folder / "report.xlsx")


WRITERS: dict[str, Callable[[Report, Path], None]] = {
    "csv and parquet": _csv_and_parquet,
    "page": _page,
    "workbook": _workbook,
}


def main() -> None:
    """Times each writer, and what comes before all of them."""
    folder = Path(sys.argv[1])
    for write in WRITERS.values():
        write(build(small_run()), folder)
    run = large_run()
    begun = time.perf_counter()
    report = build(run)
    seconds = {"content": time.perf_counter() - begun}
    for name, write in WRITERS.items():
        begun = time.perf_counter()
        write(report, folder)
        seconds[name] = time.perf_counter() - begun
    sys.stdout.write(json.dumps(seconds) + "\n")


if __name__ == "__main__":
    main()
