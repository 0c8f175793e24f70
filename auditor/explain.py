"""One finding step by step: what was read, what it became, what decided, and what it is worth.

A run's folder holds what was asked (request.json); the explanation reads the exports again and
applies the one rule, so that it can show every value that decided.
"""

import json
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from auditor.audit import Prepared, prepare
from auditor.catalogue import CATALOGUE
from auditor.conditions import Condition, Seen, conditions_of
from auditor.corrections import apply, read_corrections
from auditor.errors import AuditError
from auditor.findings import findings_of
from auditor.ingest.profiles import read_profile
from auditor.intake import mapping_of, read_files, tables_of
from auditor.judging import Judgement, failed, judge
from auditor.library.reading import narrowed
from auditor.once import forget
from auditor.reference import Reference, load_reference
from auditor.report.words import dollars
from auditor.request import Request, open_request
from auditor.rows_in_force import rate_tables, rows_in_force
from auditor.rule import Rule
from auditor.schema import COLUMNS
from auditor.shipped import reference_dir

_WIDTH = 92
_PARTNER = (
    "claim_id",
    "line_number",
    "service_date",
    "procedure_code",
    "modifiers",
    "place_of_service",
    "revenue_code",
    "billing_npi",
    "source_file",
    "source_row",
)
_DERIVED = ("role", "service", "component", "pctc_indicator", "denied")


@dataclass(frozen=True)
class Explained:
    """A finding judged again: its row, its line and partner, the rule and the tables.

    ``conditions`` are what the rule asks, each computed anew for the line.
    """

    finding: "pd.Series[Any]"
    line: "pd.Series[Any]"
    evidence: "pd.Series[Any]"
    partner: "pd.Series[Any] | None"
    rule: Rule
    reference: Reference
    conditions: tuple[Condition, ...]


def explain_page(folder: Path, finding: str) -> str:
    """The explanation as text. Raises AuditError if the run or the finding is not there."""
    rule = _rule_of(folder, finding)
    request = open_request(folder)
    _refuse_night(folder)
    _refuse_changed_inputs(folder, request)
    explained = _judged_again(request, rule, finding)
    parts = [
        _head(explained),
        _section("As read", _as_read(request, explained)),
        _section("As understood", _understood(explained.line)),
        _section("Conditions", _conditions(explained)),
        _section("What decided", _decided(explained)),
        _section("Reference", _reference_row(explained)),
        _section("Partner line", _partner(explained)),
        _section("Amount", _amount(explained)),
        _section("What to do", textwrap.wrap(str(explained.finding["remedy"]), _WIDTH)),
    ]
    return "\n".join(part for part in parts if part)


def _refuse_night(folder: Path) -> None:
    """A night's exports are packed in the archive, and its findings rest on earlier nights too."""
    if (folder / "night.json").is_file():
        raise AuditError(
            f"{folder}: is a night's run, whose findings may rest on exports of several nights; "
            "its report.html shows their evidence. To explain one, audit the exports that it rests "
            "on with auditor run"
        )


def _rule_of(folder: Path, finding: str) -> Rule:
    path = folder / "findings.parquet"
    if not path.is_file():
        raise AuditError(
            f"{folder}: holds no findings.parquet; name the folder of a run with that format",
            exit_code=2,
        )
    try:
        table = pq.read_table(path, columns=["finding", "rule"]).to_pandas()
    except (OSError, ValueError) as fault:
        raise AuditError(f"{path}: is damaged; run again", exit_code=2) from fault
    named = table.loc[table["finding"] == finding, "rule"]
    if named.empty:
        raise AuditError(f"{folder}: has no finding {finding}; see findings.csv", exit_code=2)
    return next(rule for rule in CATALOGUE if rule.name == named.iloc[0])


def _refuse_changed_inputs(folder: Path, request: Request) -> None:
    try:
        said = json.loads((folder / "run.json").read_text("utf-8"))
        digests = {one["sha256"] for one in said["inputs"]}
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise AuditError(f"{folder}: run.json can't be read; run again", exit_code=2) from fault
    for path in request.files:
        for table in tables_of(path, None, request.sheet):
            if table.sha256 not in digests:
                raise AuditError(
                    f"{path}: has changed since the run; put the export back, or run again"
                )


def _judged_again(request: Request, rule: Rule, finding: str) -> Explained:
    reference = load_reference(reference_dir(), request.reference)
    options = request.settings.options()
    claims = read_files(
        request.files,
        profile=request.profile,
        sheet=request.sheet,
        patient_id_substitute=request.settings.patient_id_substitute,
    )
    lines = claims.lines
    if request.corrections:
        lines, _ = apply(lines, read_corrections(request.corrections))
    reference = narrowed(reference, lines)
    prepared = prepare(
        lines,
        reference,
        as_of=request.as_of,
        payers=dict(request.settings.payers),
        options=options,
    )
    try:
        judgement = judge(rule, prepared.lines, reference, prepared.extract, options)
        findings = findings_of([judgement], prepared.lines, reference, options)
    except (AuditError, MemoryError):
        raise
    except Exception as fault:
        ((_, detail),) = failed(rule, prepared.lines, fault).reasons
        raise AuditError(
            f"the rule {rule.name} failed ({detail}), so its findings can't be explained; tell the "
            "makers of the program"
        ) from fault
    finally:
        forget()
    return _picked(findings, finding, judgement, prepared, reference)


def _picked(
    findings: pd.DataFrame,
    finding: str,
    judgement: Judgement,
    prepared: Prepared,
    reference: Reference,
) -> Explained:
    found = findings[findings["finding"] == finding]
    if found.empty:
        raise AuditError(
            f"finding {finding} does not come out again: program, tables or settings have changed "
            "since the run; run again"
        )
    row = found.iloc[0]
    evidence = judgement.evidence(int(row["line"]))
    partner = int(evidence["partner"])
    return Explained(
        finding=row,
        line=prepared.lines.iloc[row["line"]],
        evidence=evidence,
        partner=prepared.lines.iloc[partner] if partner >= 0 else None,
        rule=judgement.rule,
        reference=reference,
        conditions=_asked(judgement.rule, prepared, int(row["line"]), reference),
    )


def _asked(
    rule: Rule, prepared: Prepared, place: int, reference: Reference
) -> tuple[Condition, ...]:
    """The rule's conditions for one line, computed from its patient's lines alone."""
    patient = prepared.lines["patient_id"].cat.codes.to_numpy()
    places = np.flatnonzero(patient == patient[place])
    own = prepared.lines.iloc[places].reset_index(drop=True)
    at = int(np.searchsorted(places, place))
    try:
        return tuple(conditions_of(Seen(own, at, rule, reference, prepared.extract)))
    finally:
        forget()


def _head(one: Explained) -> str:
    row = one.finding
    lines = [
        f"{one.rule.title} ({one.rule.name})",
        f"finding {row['finding']}: {row['severity']}, {str(row['money']).replace('_', ' ')}",
        "",
        *textwrap.wrap(str(row["message"]), _WIDTH),
        "",
        *textwrap.wrap(one.rule.rationale, _WIDTH),
    ]
    return "\n".join([*lines, ""])


def _section(title: str, lines: Iterable[str]) -> str:
    body = [f"  {line}" for line in lines]
    return "\n".join([title, *body, ""]) if body else ""


def _as_read(request: Request, one: Explained) -> list[str]:
    """The cells of the line's row as they stand in the export, columns that are read only."""
    profile = read_profile(request.profile) if request.profile else None
    for path in request.files:
        for table in tables_of(path, profile, request.sheet):
            if (
                table.file != one.line["source_file"]
                or (table.sheet or "") != one.line["source_sheet"]
            ):
                continue
            mapping = mapping_of(table, profile, request.settings.patient_id_substitute)
            places = sorted({place for match in mapping.matches for place in match.positions})
            raw = table.read(places)
            at = raw.rows.to_pylist().index(int(one.line["source_row"]))
            cells = {place: raw.cells.column(str(place))[at].as_py() for place in places}
            return [
                f"{table.file}{f', sheet {table.sheet}' if table.sheet else ''}, "
                f"row {one.line['source_row']}",
                *(f"{table.header[p] or f'column {p + 1}'}: {c}" for p, c in cells.items() if c),
            ]
    return []


def _understood(line: "pd.Series[Any]") -> list[str]:
    shown = []
    for name, column in COLUMNS.items():
        text = _cell(line[name], column.kind)
        if text and not name.startswith(("source_", "columns_")):
            shown.append(f"{name}: {text}")
    return [*shown, *(f"{name}: {line[name]}" for name in _DERIVED if str(line[name]))]


def _cell(value: Any, kind: str) -> str:
    if pd.isna(value):
        return ""
    if kind == "date":
        return str(value)[:10]
    if kind == "cents":
        return dollars(int(value))
    return f"{value:g}" if kind == "number" else str(value)


def _conditions(one: Explained) -> list[str]:
    """Each condition of the rule with its values, and whether it holds for the line."""
    lines = []
    for condition in one.conditions:
        holds = "holds: " if condition.holds else "FAILS: "
        lines += textwrap.wrap(holds + condition.words, _WIDTH, subsequent_indent=" " * len(holds))
    return lines


def _decided(one: Explained) -> list[str]:
    """The evidence and settings that decided, and how the severity came about."""
    rule, row = one.rule, one.finding
    scope = (rule.scope.__doc__ or "").partition("\n")[0].rstrip(".")
    lines = [f"the rule speaks of: {scope}"]
    if rule.claim_type:
        lines.append(f"claim type is {rule.claim_type}")
    lines += [f"{name} = {value} (setting)" for name, value in rule.settings.items()]
    extra = [name for name in one.evidence.index if name not in one.line.index]
    machinery = {"severity", "money", "partner", "other_partners", "own_amount", "own_basis"}
    machinery |= {"stale_edition", "reference_sources", "reference_table", "reference_row"}
    for name in extra:
        if name not in machinery and str(one.evidence[name]):
            lines.append(f"{name}: {one.evidence[name]}")
    if rule.name.startswith("ptp_pair") and one.partner is not None:
        lines += _bypass(one)
    if row["severity"] != rule.severity:
        why = []
        if one.evidence["stale_edition"]:
            why.append(f"the table ({one.evidence['stale_edition']}) does not reach this date")
        if one.line["payer_type"] != "medicare":
            why.append(f"payer type is {one.line['payer_type'] or 'unknown'}")
        because = "; ".join(why) or "of the circumstances of this line"
        lines.append(f"severity {row['severity']} instead of {rule.severity}: {because}")
    return lines


def _bypass(one: Explained) -> list[str]:
    assert one.partner is not None
    bypassing = one.reference.words("modifiers", "modifier", bypasses_ptp="yes")
    lines = []
    for label, line in (("this line", one.line), ("column one", one.partner)):
        words = str(line["modifiers"]).split()
        ncci = [word for word in words if word in bypassing]
        lines.append(
            f"modifiers of {label}: {' '.join(words) or 'none'}; "
            f"of them bypass an edit: {' '.join(ncci) or 'none'}"
        )
    return lines


def _reference_row(one: Explained) -> list[str]:
    lines = []
    place = int(one.evidence["reference_row"])
    name = str(one.evidence["reference_table"])
    if name and place >= 0:
        row = one.reference.table(name).rows.iloc[place]
        lines.append(f"{name}: " + ", ".join(f"{k} {v}" for k, v in row.items() if v))
        edition = one.reference.edition_name(name, str(one.line["claim_type"]))
        lines.append(f"edition at hand: {edition}")
    tables = [*one.rule.rests_on, *rate_tables(one.line, one.evidence, _basis(one))]
    for text in rows_in_force(tables, one.line, one.evidence, one.reference):
        if text not in lines:
            lines += textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    for source_id in str(one.finding["sources"]).split():
        source = one.reference.sources[source_id]
        cited = (source.title, source.section, source.edition, source.published_on, source.url)
        lines += textwrap.wrap(
            "- " + ", ".join(part for part in cited if part), _WIDTH, subsequent_indent="  "
        )
    return lines


def _basis(one: Explained) -> str:
    return str(one.finding["amount_basis"])


def _partner(one: Explained) -> list[str]:
    if one.partner is None:
        return []
    shown = [(name, _cell(one.partner[name], COLUMNS[name].kind)) for name in _PARTNER]
    others = str(one.finding["other_partners"])
    return [f"{name}: {text}" for name, text in shown if text] + (
        [f"others: {others}"] if others else []
    )


def _amount(one: Explained) -> list[str]:
    row = one.finding
    if pd.isna(row["amount"]):
        none = "no money" if row["money"] == "none" else "no rate is known, so no amount is given"
        return [none]
    basis = {
        "allowed": "the payer's allowed amount of the line",
        "fee_schedule": "the expected payment by national, unadjusted rates",
        "contract": "the expected payment by your contract rates",
        "charge": "the charge: neither an allowed amount nor a rate is known",
        "difference": "the difference between expected payment and what stands on the line",
    }[str(row["amount_basis"])]
    said = f"{dollars(int(row['amount']))} {str(row['money']).replace('_', ' ')}: {basis}"
    if rate_tables(one.line, one.evidence, _basis(one)):
        units = "1" if "absent_component" in one.evidence else f"{one.line['units']:g}"
        said += f"; units {units}, and the rates stand under Reference"
    return [said]
