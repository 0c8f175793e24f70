"""``auditor night`` with its clock set to a day: what cron starts, in a process of its own.

python -m tests.benchmarks.soak_night 2026-03-01 night --settings audit.toml
"""

import sys
from datetime import date

from auditor import cli
from auditor.commands import nights


def main() -> None:
    """Sets the clock of the command, and runs it."""
    day = date.fromisoformat(sys.argv.pop(1))

    class _Today(date):
        @classmethod
        def today(cls) -> date:
            return day

    vars(nights)["date"] = _Today
    cli.main()


if __name__ == "__main__":
    main()
