"""Commands about one audit: run it, look at its columns, findings and rules."""

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from auditor.errors import AuditError

if TYPE_CHECKING:
    from auditor.request import Request
    from auditor.self_test import SelfTest

FORMATS = ("html", "xlsx", "csv", "parquet", "json", "pdf")


class SeverityName(StrEnum):
    """Severities that --fail-on takes."""

    denial = "denial"
    review = "review"
    note = "note"


class EngineName(StrEnum):
    """Engines that --engine takes."""

    spark = "spark"


_FilesArgument = Annotated[list[Path], typer.Argument(help="Claim exports: CSV, Excel or Parquet.")]
_OutOption = Annotated[
    Path, typer.Option(help="Folder for the reports; an earlier run is replaced.")
]
_SettingsOption = Annotated[
    Path | None, typer.Option(help="audit.toml with limits, payers and more.")
]
_ReferenceOption = Annotated[
    Path | None, typer.Option(help="Folder of tables laid over the shipped ones.")
]
_ColumnsOption = Annotated[
    list[Path] | None,
    typer.Option(
        help="Column profile (TOML) where headers are unclear; of several, each names its files."
    ),
]
_SheetOption = Annotated[str | None, typer.Option(help="Sheet of the workbook to read.")]
_AsOfOption = Annotated[
    str | None, typer.Option(help="The day the audit looks from, YYYY-MM-DD; without it, today.")
]
_FormatsOption = Annotated[
    str | None,
    typer.Option(help=f"Some of {', '.join(FORMATS)}; without it, the settings' or all but pdf."),
]
_FailOnOption = Annotated[
    SeverityName | None, typer.Option(help="Exit 3 when a finding is at least this severe.")
]
_WithCorrectionsOption = Annotated[
    Path | None, typer.Option(help="corrections.csv of an earlier run: audit the lines so.")
]
_HistoryOption = Annotated[
    Path | None, typer.Option(help="Folder that remembers earlier runs; made if not there.")
]
_MemoryOption = Annotated[
    str | None,
    typer.Option(help="Most memory to take, such as 4GB; without it, some of what is free."),
]
_EngineOption = Annotated[
    EngineName | None, typer.Option(help="Audit on Spark, for what outgrows one machine.")
]
_MasterOption = Annotated[
    str | None,
    typer.Option(help="Spark's master, such as spark://host:7077; without it, the platform's."),
]
_SelfTestOption = Annotated[
    bool, typer.Option("--self-test", help="Run the rules' own cases too, and show the result.")
]
_MaskOption = Annotated[
    bool, typer.Option("--mask", help="Write digests in place of patients and claims.")
]
_QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress on stderr.")]


def run(
    files: _FilesArgument,
    out: _OutOption,
    settings: _SettingsOption = None,
    reference: _ReferenceOption = None,
    columns: _ColumnsOption = None,
    sheet: _SheetOption = None,
    as_of: _AsOfOption = None,
    formats: _FormatsOption = None,
    fail_on: _FailOnOption = None,
    with_corrections: _WithCorrectionsOption = None,
    history: _HistoryOption = None,
    memory: _MemoryOption = None,
    engine: _EngineOption = None,
    master: _MasterOption = None,
    self_test: _SelfTestOption = False,
    mask: _MaskOption = False,
    quiet: _QuietOption = False,
) -> None:
    """Audit claim exports and write the reports."""
    from auditor.request import Request
    from auditor.scale.memory import bytes_of
    from auditor.settings import Settings, own_tables, read_settings

    chosen = read_settings(settings) if settings else Settings()
    request = Request(
        files=tuple(files),
        out=out,
        settings=chosen,
        as_of=day_of(as_of) if as_of else date.today(),  # noqa: DTZ011  the user's own day
        formats=_formats(formats) if formats else frozenset(chosen.formats),
        reference=reference or own_tables(settings, chosen),
        profiles=tuple(columns or ()),
        sheet=sheet,
        corrections=with_corrections,
        history=history,
        command=_command(files, out),
        self_test=self_test,
        mask=mask,
        memory=bytes_of(memory) if memory else None,
        engine=engine or "",
        master=master,
    )
    _run(request, fail_on, quiet=quiet)


def _run(request: "Request", fail_on: SeverityName | None, *, quiet: bool) -> None:
    """Runs, says the verdict, and exits as the findings want it."""
    from auditor.batch import run as run_batch
    from auditor.progress import Progress
    from auditor.report.words import failed_words

    try:
        finished = run_batch(request, Progress(quiet=quiet))
    except KeyboardInterrupt as fault:
        raise AuditError("stopped; nothing was written") from fault
    report, proof = finished.report, finished.proof
    totals = report.run.audit.totals
    typer.echo(f"{report.verdict.headline} {report.verdict.action}".strip())
    for aside in report.run.asides:
        typer.echo(f"Mind: {aside}")
    typer.echo(f"Reports: {request.out}")
    if proof:
        typer.echo(f"{proof.said}; see corrections_proof.csv")
        if len(proof.appeared):
            raise AuditError("the corrections bring findings that were not there before")
    if report.run.self_test:
        _say_tested(report.run.self_test)
    if report.failed:
        raise AuditError(
            f"{failed_words(report.failed, reasons=True)} The reports are written and say so; "
            "report the failure, and don't take the rest for the whole"
        )
    counts = [totals.denial, totals.review, totals.note]
    if fail_on and any(counts[: list(SeverityName).index(fail_on) + 1]):
        raise typer.Exit(3)


def _say_tested(tested: "SelfTest") -> None:
    """Says what the rules' own cases proved. Raises AuditError where one came out otherwise."""
    from auditor.report.words import self_test_words

    typer.echo(self_test_words(tested))
    if not tested.passed:
        raise AuditError("the self-test failed: don't rely on this run; install the auditor again")


def columns(
    file: Annotated[Path, typer.Argument(help="A claim export.")],
    profile: Annotated[
        Path | None, typer.Option("--columns", help="A column profile to try.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="Sheet of the workbook to read.")] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write what was understood as a profile.")
    ] = None,
) -> None:
    """Show how the columns of an export were understood, and what a missing one would unlock."""
    from auditor.column_page import column_page

    typer.echo(column_page(file, profile=profile, sheet=sheet, save=save), nl=False)


def explain(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of a finished run.")],
    finding: Annotated[
        str, typer.Argument(help="A finding's id, from the worklist.", show_default=False)
    ] = "",
    claim: Annotated[
        str | None, typer.Option(help="Instead, a claim: what every rule says of its lines.")
    ] = None,
    line: Annotated[int | None, typer.Option(help="One line of the claim, by its number.")] = None,
) -> None:
    """Show one finding step by step, or why a claim's lines have findings or none."""
    if bool(finding) == bool(claim) or (line is not None and not claim):
        raise AuditError("name a finding, or a claim with --claim (and --line)", exit_code=2)
    if claim:
        from auditor.explain_line import line_page

        typer.echo(line_page(folder, claim.strip(), line), nl=False)
        return
    from auditor.explain import explain_page

    typer.echo(explain_page(folder, finding), nl=False)


def rules(
    name: Annotated[str | None, typer.Argument(help="A rule, for its page.")] = None,
) -> None:
    """List the catalogue, or show one rule's page."""
    from auditor.rule_pages import catalogue_page, rule_page

    typer.echo(rule_page(name) if name else catalogue_page(), nl=False)


def day_of(text: str) -> date:
    """The day that --as-of names."""
    try:
        return date.fromisoformat(text)
    except ValueError as fault:
        raise AuditError(f"--as-of {text}: is not a date like 2024-01-31", exit_code=2) from fault


def _formats(text: str) -> frozenset[str]:
    words = frozenset(word.strip().lower() for word in text.split(",") if word.strip())
    unknown = words - frozenset(FORMATS)
    if unknown or not words:
        named = ", ".join(sorted(unknown)) or "nothing"
        raise AuditError(f"--formats: {named} is none of {','.join(FORMATS)}", exit_code=2)
    return words


def _command(files: list[Path], out: Path) -> str:
    from auditor.shown_names import shown_names

    names = " ".join(shown_names(files))
    return f"auditor run {names} --out {out.name}"
