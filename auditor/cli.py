"""The program's entry. Faults that people can mend become one line on stderr and an exit code.

Exit codes: 0 finished, whatever was found; 1 could not finish; 2 wrong usage; 3 finished, and
findings at or above --fail-on.
"""

import atexit
import errno
import gc
import os
import sys
from typing import Annotated

import typer

from auditor.commands import audits, history, ledger, mail, nights, reference
from auditor.errors import AuditError
from auditor.faults import place_of, way_to

_SELDOM = 100_000  # new objects before Python looks for unreachable ones; it is 700 by itself

app = typer.Typer(
    name="auditor",
    help="Audits cardiac CT and FFR-CT claim lines against dated billing rules.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(audits.run)
app.command()(audits.columns)
app.command()(audits.explain)
app.command()(audits.rules)
app.command()(mail.mail)
app.command()(nights.night)
app.command()(nights.doctor)
app.command()(history.compare)

reference_app = typer.Typer(
    help="The reference tables: list, check, import, compare.", no_args_is_help=True
)
reference_app.command("check")(reference.check)
reference_app.command("list")(reference.list_tables)
reference_app.command("import")(reference.import_)
reference_app.command("diff")(reference.diff)
app.add_typer(reference_app, name="reference")

ledger_app = typer.Typer(help="What people decided about findings.", no_args_is_help=True)
ledger_app.command("import")(ledger.import_)
app.add_typer(ledger_app, name="ledger")

history_app = typer.Typer(help="What a site remembers.", no_args_is_help=True)
history_app.command("rekey")(history.rekey)
app.add_typer(history_app, name="history")

waive_app = typer.Typer(help="Waivers: findings that somebody answers for.", no_args_is_help=True)
waive_app.command("add")(history.waive_add)
waive_app.command("list")(history.waive_list)
waive_app.command("expire")(history.waive_expire)
app.add_typer(waive_app, name="waive")


@app.callback(invoke_without_command=True)
def version_option(
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
) -> None:
    """Say the version when asked."""
    if version:
        from importlib.metadata import version as installed

        typer.echo(installed("cardiac-ct-claim-auditor"))
        raise typer.Exit


def main() -> None:
    """Entry point of the ``auditor`` program."""
    _leave_no_core()
    # numpy's library of linear algebra, which nothing here asks, keeps a thread a core in waiting.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # What modules and tables bring stays; to look through it again and again frees nothing.
    gc.set_threshold(_SELDOM)
    # At the end Python looks through everything once more; all of it goes with the process.
    atexit.register(gc.freeze)
    try:
        app()
    except AuditError as fault:
        print(f"auditor: {fault}", file=sys.stderr)  # noqa: T201  the one line people see
        sys.exit(fault.exit_code)
    except MemoryError:
        words = "needs more memory than there is; nothing was written: split the exports"
        print(f"auditor: {words}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except BrokenPipeError:
        sys.exit(1)
    except Exception as fault:
        words = f"{place_of(fault)}: a fault of the program; nothing is lost, tell its makers"
        way = way_to(fault)
        if isinstance(fault, OSError) and fault.errno == errno.ENOSPC:  # of stdout, most often
            way, words = "", "a disk is full; make room where it writes, then run again"
        print(f"{way}auditor: {words}", file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _leave_no_core() -> None:
    """A core dump of a crash would hold every claim line in memory."""
    try:
        import resource
    except ImportError:  # Windows writes none
        return
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most))
