"""One finding step by step: what was read, what it became, what decided, and what it is worth.

A run's folder holds what was asked (request.json); the explanation applies the one rule again to
the lines of its exports or of its history, so that it can show every value that decided.
"""

import textwrap
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

import pandas as pd

from auditor.errors import AuditError
from auditor.exports_of_run import Export, exports_of, run_of
from auditor.ingest.profiles import profile_of, read_profile
from auditor.intake import mapping_of, tables_of
from auditor.judged_again import Explained, judged_again
from auditor.report.words import BASIS_LABELS, dollars
from auditor.request import Request, open_request
from auditor.rows_in_force import ALL_RATES, rate_tables, rows_in_force, rows_of_place
from auditor.rule import SEVERITIES
from auditor.schema import COLUMNS

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
_FROM_HISTORY = "what follows is as the history keeps it"
# Only NCCI edits are milder for other payers than Medicare.
_MILDER_ELSEWHERE = ("ptp_pair_never_payable", "ptp_pair_without_modifier")
_DERIVED = ("role", "service", "component", "pctc_indicator", "denied")


def explain_page(folder: Path, finding: str) -> str:
    """The explanation as text. Raises AuditError if the run or the finding is not there."""
    request = open_request(folder)
    if request.mask:
        raise AuditError(
            f"{folder}: is masked: its findings can't be told from the exports; run again without "
            "--mask",
            exit_code=2,
        )
    explained = judged_again(folder, request, finding)
    parts = [
        _head(explained),
        _section("As read", _as_read(folder, request, explained)),
        _section("As understood", _understood(explained.line)),
        _section("Conditions", _conditions(explained)),
        _section("What decided", _decided(explained)),
        _section("Reference", _reference_row(explained)),
        _section("Partner line", _partner(explained)),
        _section("Amount", _amount(explained)),
        _section("What to do", textwrap.wrap(str(explained.finding["remedy"]), _WIDTH)),
    ]
    return "\n".join(part for part in parts if part)


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


def _as_read(folder: Path, request: Request, one: Explained) -> list[str]:
    """The cells of the line's row as they stand in the export, columns that are read only.

    Of a line that an earlier night brought, they are looked for in the exports of that night.
    """
    file, sheet, row = one.place
    where = f"{file}{f', sheet {sheet}' if sheet else ''}, row {row}"
    home = folder
    if one.brought_by != run_of(folder):
        where += f", of the run {one.brought_by}"
        home = folder.absolute().parent / one.brought_by
    exports = exports_of(home) if (home / "request.json").is_file() else []
    for export in exports:
        if file != export.name and not file.startswith(f"{export.name}/"):
            continue
        if export.is_as_read():
            return [where, *_cells(export, request, one.place)]
        return [f"{where}: {export.path} is not there any more as it was read", _FROM_HISTORY]
    return [f"{where}: the export lies nowhere that this run knows of", _FROM_HISTORY]


def _cells(export: Export, request: Request, place: tuple[str, str, int]) -> list[str]:
    file, sheet, row = place
    own_name = PurePath(export.name).name
    profile = profile_of([read_profile(path) for path in export.profiles], own_name)
    for table in tables_of(export.path, profile, export.sheet, export.name):
        if table.file != file or (table.sheet or "") != sheet:
            continue
        mapping = mapping_of(table, profile, request.settings.patient_id_substitute)
        places = sorted({place for match in mapping.matches for place in match.positions})
        raw = table.read(places)
        at = raw.rows.to_pylist().index(row)
        cells = {place: raw.cells.column(str(place))[at].as_py() for place in places}
        heads = {place: table.header[place] or f"column {place + 1}" for place in places}
        return [_printable(f"{heads[place]}: {cell}") for place, cell in cells.items() if cell]
    return []


def _printable(text: str) -> str:
    """What a terminal would take for a command, or a line's end, is written out: ``\\x1b``."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


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
        value = one.evidence[name]
        if name not in machinery and str(value):
            lines.append(f"{name}: {str(value)[:10] if isinstance(value, datetime) else value}")
    if rule.name.startswith("ptp_pair") and one.partner is not None:
        lines += _bypass(one)
    if row["severity"] != rule.severity:
        lines.append(f"severity {row['severity']} instead of {rule.severity}: {_because(one)}")
    return lines


def _because(one: Explained) -> str:
    """Why the severity is not the rule's own."""
    why = []
    if one.evidence["stale_edition"]:
        why.append(f"the table ({one.evidence['stale_edition']}) does not reach this date")
    if one.rule.name in _MILDER_ELSEWHERE:
        payer = one.line["payer_type"]
        if payer != "medicare":
            why.append(f"payer type is {payer or 'unknown'}")
        elif len(why) < SEVERITIES.index(one.finding["severity"]):
            why.append("somebody else rendered the line of column one")
    return "; ".join(why) or "of the circumstances of this line"


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
    for text in _rows_behind(one):
        if text not in lines:
            lines += textwrap.wrap(text, _WIDTH, subsequent_indent="  ")
    for source_id in str(one.finding["sources"]).split():
        source = one.reference.sources[source_id]
        cited = (source.title, source.section, source.edition, source.published_on, source.url)
        lines += textwrap.wrap(
            "- " + ", ".join(part for part in cited if part), _WIDTH, subsequent_indent="  "
        )
    return lines


def _rows_behind(one: Explained) -> list[str]:
    """The rows of the tables that the rule asks, of rates those alone that price the line."""
    asked = [name for name in one.rule.rests_on if name not in ALL_RATES]
    rates = _rates(one)
    found = rows_in_force([*asked, *rates], one.line, one.evidence, one.reference)
    of_place = (
        rows_of_place(one.frame, one.evidence, one.reference) if set(rates) & ALL_RATES else []
    )
    if any(text.startswith("locality_caps") for text in of_place):
        found = [text for text in found if not text.startswith("imaging_caps")]
    return [*found, *of_place]


def _rates(one: Explained) -> tuple[str, ...]:
    return rate_tables(one.line, one.evidence, _basis(one), one.reference)


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


def _why_no_amount(one: Explained) -> str:
    if one.finding["money"] == "none":
        return "no money"
    by_contract = rate_tables(one.line, one.evidence, "contract", one.reference)
    if set(by_contract) & ALL_RATES:
        return (
            "your contract pays a percentage of Medicare's rate, and that is not known, so no "
            "amount is given"
        )
    return "no rate is known, so no amount is given"


def _amount(one: Explained) -> list[str]:
    row = one.finding
    if pd.isna(row["amount"]):
        return [_why_no_amount(one)]
    basis = BASIS_LABELS[_basis(one)]
    said = f"{dollars(int(row['amount']))} {str(row['money']).replace('_', ' ')}: {basis}"
    if _rates(one):
        units = "1" if "absent_component" in one.evidence else f"{one.line['units']:g}"
        said += f"; units {units}, and the rates stand under Reference"
    return [said]
