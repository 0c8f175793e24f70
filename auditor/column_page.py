"""What ``auditor columns`` says of an export, as text for the terminal."""

from collections import defaultdict
from pathlib import Path

from auditor.catalogue import CATALOGUE
from auditor.ingest.columns import Described, describe, suggest
from auditor.ingest.header_names import readings
from auditor.ingest.mapping import Mapping
from auditor.ingest.profiles import read_profile, write_profile
from auditor.ingest.raw import RawTable
from auditor.intake import tables_of
from auditor.rule import STAND_INS

# Columns without which a rule leaves some lines open only, so that they are no need of the rule.
_ON_SOME_LINES = {
    "professional_component_missing": ("billing_npi",),
    "technical_component_missing": ("billing_npi", "place_of_service"),
    "component_modifier_on_hospital_line": ("bill_type", "revenue_code"),
    "line_outside_statement_period": ("statement_from", "statement_through"),
    "service_dates_reversed": ("service_date_to",),
    "filed_late": ("statement_through",),
    "units_exceed_mue": ("modifiers",),
    "diagnosis_not_covered": ("service_state",),
    "paperwork_missing": ("service_state", "service_zip"),
    "revenue_code_unexpected": ("bill_type", "payer_type"),
    "ffrct_denied_as_bundled": ("paid_cents",),
    "authorization_missing": ("modifiers", "revenue_code", "place_of_service"),
    "allowed_below_expected": ("bill_type", "modifiers", "place_of_service"),
    "allowed_above_expected": ("bill_type", "modifiers", "place_of_service"),
    "charge_below_expected": ("bill_type", "modifiers", "place_of_service"),
    "paid_zero_without_reason": ("remit_date", "bill_type", "modifiers", "place_of_service"),
}


def column_page(
    file: Path, *, profile: Path | None = None, sheet: str | None = None, save: Path | None = None
) -> str:
    """How each column was understood and how surely; values are shown by their shape only."""
    given = read_profile(profile) if profile else None
    parts: list[str] = []
    tables = tables_of(file, given, sheet)
    for table in tables:
        mapping = suggest(table, given)
        parts.append(_table_page(table, mapping))
        if save:
            write_profile(save, mapping, table)
            parts.append(f"Saved as {save}; check it, then give it with --columns {save}\n")
            break
    return "\n".join(parts)


def _table_page(table: RawTable, mapping: Mapping) -> str:
    rows = describe(mapping, table)
    unlocks = _unlocks(mapping)
    lines = [f"{table.file}: header in row {table.header_row}", *table.notes, ""]
    lines.append(f"{'column':<30} {'header':<34} {'sure?':<8} looks like")
    lines += [_found(row) for row in rows if row.how != "missing"]
    missing = [row for row in rows if row.how == "missing"]
    if missing:
        lines += ["", "Not found"]
        wanted = {name: column for column in unlocks for name in STAND_INS.get(column, ())[1:]}
        for row in missing:
            rules = unlocks.get(row.column, [])
            lines.append(_missing(row, rules, wanted.get(row.column, "")))
    if mapping.identifying:
        lines += ["", "Identify a patient, never read: " + ", ".join(mapping.identifying)]
    if mapping.unused:
        unused = [_unused(header, mapping) for header in mapping.unused if header]
        lines += ["", "Not used: " + ", ".join(unused)]
    return "\n".join([*lines, ""])


def _unused(header: str, mapping: Mapping) -> str:
    """A header that is not read; why, where it is that of a column that was not found."""
    named = [one.column for one in readings(header) if one.level == 0]
    missing = next((column for column in named if column in mapping.missing), "")
    return f"{header} (its values are no {missing})" if missing else header


def _found(row: Described) -> str:
    headers = ", ".join(row.headers)
    headers = headers if len(headers) <= 34 else headers[:31] + "..."
    note = f"  ({row.note})" if row.note else ""
    return f"{row.column:<30} {headers:<34} {row.certainty:<8} {row.example}{note}"


def _missing(row: Described, rules: list[str], stands_for: str) -> str:
    """One line: what the column would unlock, and the one that could be told from it."""
    if row.required:
        return f"  {row.column:<30} required: name it in a profile"
    said = [f"would unlock {', '.join(rules)}"] if rules else []
    said += [f"serves for {stands_for} as well"] if stands_for else []
    return f"  {row.column:<30} {'; '.join(said) or 'not needed'}"


def _unlocks(mapping: Mapping) -> dict[str, list[str]]:
    """Rules that a missing column keeps from judging lines, by column."""
    found = {match.column for match in mapping.matches}
    unlocks: dict[str, list[str]] = defaultdict(list)
    for rule in CATALOGUE:
        for need in rule.needs:
            enough = {word for name in need.split("|") for word in STAND_INS.get(name, (name,))}
            if found.isdisjoint(enough):
                unlocks[STAND_INS.get(need, (need.split("|")[0],))[0]].append(rule.name)
        for column in _ON_SOME_LINES.get(rule.name, ()):
            told_by = STAND_INS.get(column, (column,))
            if found.isdisjoint(told_by) and rule.name not in unlocks[column]:
                unlocks[column].append(rule.name)
    return unlocks
