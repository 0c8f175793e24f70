"""What a newer edition changes: rows by table, and the findings of a run under it.

Two editions of one library are compared as if each were in force on every day, so that a site sees
next quarter's denials on this quarter's lines. Two folders are compared as they are, by date.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.as_requested import audited_for, claims_of
from auditor.audit import Audit
from auditor.corrections import apply, read_corrections
from auditor.errors import AuditError
from auditor.library.comparing import as_text, without
from auditor.library.editions_apart import as_if_always, in_force_rows
from auditor.library.reading import narrowed, with_shelf
from auditor.library.shelf import Shelf, Shelved, open_shelf
from auditor.library.specifications import SPECIFICATIONS
from auditor.reference import Reference, load_reference
from auditor.report.words import counted, dollars
from auditor.request import Request, open_request
from auditor.shipped import reference_dir

_SHOWN = 10
_Tables = Mapping[tuple[str, str], pa.Table]


@dataclass(frozen=True)
class Side:
    """One side of a comparison: its name, its tables by name and setting.

    ``editions`` are set where it is an edition of a library, ``folder`` where it is a folder.
    """

    name: str
    tables: _Tables
    shelf: Shelf | None = None
    editions: tuple[Shelved, ...] = ()
    folder: Path | None = None


def diff_page(old: str, new: str, library: Path | None, run: Path | None) -> str:
    """Rows added, ended and changed, and with a run its findings under both sides, as text.

    Raises AuditError where a side is neither a folder nor an edition of the library, and where
    ``run`` is not the folder of a finished run.
    """
    request = open_request(run) if run else None
    before, after = _side(old, library), _side(new, library)
    shared = [name for name in after.tables if name in before.tables]
    if not shared:
        raise AuditError(
            f"{old} and {new} have no table in common; name editions of the same kinds", exit_code=2
        )
    family = _family_codes()
    lines = [f"{'table':<22} {'setting':<14} {'added':>9} {'ended':>9} {'changed':>9}"]
    told: list[str] = []
    for table, setting in shared:
        changes = _changes(before.tables[table, setting], after.tables[table, setting], table)
        counts = " ".join(f"{rows.num_rows:>9,}" for rows in changes.values())
        lines.append(f"{table:<22} {setting or 'all':<14} {counts}")
        told += _about(changes, table, setting, family)
    if told:
        lines += ["", "Of cardiac CT:", *told[: 3 * _SHOWN]]
    if run and request:
        lines += ["", *_what_if(before, after, run, request)]
    return "\n".join(lines) + "\n"


def _side(name: str, library: Path | None) -> Side:
    folder = Path(name)
    if folder.is_dir():
        return Side(name, _folder_tables(folder), folder=folder)
    if library is None:
        raise AuditError(
            f"{name}: is no folder; to compare editions, name their library with --reference",
            exit_code=2,
        )
    if not library.is_dir():
        raise AuditError(f"{library}: there is no such library", exit_code=2)
    shelf = open_shelf(library)
    found = tuple(one for one in shelf.editions if one.edition == name)
    if not found:
        held = ", ".join(sorted({one.edition for one in shelf.editions})) or "none"
        raise AuditError(f"{library}: holds no edition {name}; it holds {held}", exit_code=2)
    tables = {
        (table, one.setting): in_force_rows(shelf, one, table)
        for one in found
        for table in one.rows
    }
    return Side(name, tables, shelf, found)


def _folder_tables(folder: Path) -> _Tables:
    reference = load_reference(reference_dir(), folder)
    if reference.library is None:
        return {
            (name, ""): pa.Table.from_pandas(table.rows, preserve_index=False)
            for name, table in reference.tables.items()
        }
    shelf = open_shelf(folder)
    return {
        (one.table, one.setting): pq.read_table(shelf.folder / one.file) for one in shelf.tables
    }


def _changes(old: pa.Table, new: pa.Table, table: str) -> dict[str, pa.Table]:
    """Rows added, ended (by key) and changed (same key, other values)."""
    if table in SPECIFICATIONS:
        specification = SPECIFICATIONS[table]
        keys = [*specification.keys]
        values = [name for name in specification.values if name not in ("rationale", "label")]
    else:
        names = list(new.column_names)
        keys, values = (
            names[: names.index("effective_from")],
            names[names.index("effective_from") :],
        )
        values = [name for name in values if name != "effective_from"]
    if "effective_from" in new.column_names:
        keys, values = [*keys, "effective_from"], [*values, "effective_to"]
    keys = [name for name in keys if name in new.column_names]
    values = list(dict.fromkeys(name for name in values if name in new.column_names))
    before, after = as_text(old, [*keys, *values]), as_text(new, [*keys, *values])
    added = without(after, before, keys)
    differs = without(after, before, [*keys, *values])
    return {
        "added": added,
        "ended": without(before, after, keys),
        "changed": without(differs, added, keys),
    }


def _family_codes() -> frozenset[str]:
    rows = load_reference(reference_dir()).table("procedure_codes").rows
    return frozenset(rows.loc[rows["role"] == "family", "procedure_code"])


def _about(
    changes: Mapping[str, pa.Table], table: str, setting: str, family: frozenset[str]
) -> list[str]:
    """The rows that name a code of the family, the first of each change."""
    told = []
    for what, rows in changes.items():
        codes = [
            n for n in ("procedure_code", "column_one", "column_two") if n in rows.column_names
        ]
        frame = rows.to_pandas()
        if not codes or frame.empty:
            continue
        ours = frame[frame[codes].isin(family).any(axis=1)].sort_values(codes)
        for row in ours.head(_SHOWN).to_dict("records"):
            words = " ".join(f"{name} {cell}" for name, cell in row.items() if cell)
            told.append(f"  {what:<8} {table} {setting}: {words}")
        if len(ours) > _SHOWN:
            told.append(f"  {what:<8} {table} {setting}: {len(ours) - _SHOWN:,} more")
    return told


def _what_if(before: Side, after: Side, run: Path, request: Request) -> list[str]:
    lines = claims_of(request).lines
    if request.corrections:
        lines, _ = apply(lines, read_corrections(request.corrections))
    old, new = (_audited(side, lines, request) for side in (before, after))
    how = "as if each were in force on every day" if after.editions else "each by its dates"
    return [f"What if ({run}, {len(lines):,} lines, {how}):", *_compared(old, new)]


def _audited(side: Side, lines: pd.DataFrame, request: Request) -> Audit:
    with tempfile.TemporaryDirectory() as temporary:
        reference = _reference_of(side, lines, Path(temporary))
        return audited_for(lines, reference, request)


def _reference_of(side: Side, lines: pd.DataFrame, place: Path) -> Reference:
    if side.folder:
        return narrowed(load_reference(reference_dir(), side.folder), lines)
    if side.shelf is None:
        raise ValueError("a side is a folder or an edition")
    reference = load_reference(reference_dir(), side.shelf.folder)
    return with_shelf(reference, as_if_always(side.shelf, side.editions, place), lines)


def _compared(old: Audit, new: Audit) -> list[str]:
    """Findings that would appear, vanish or change, and the dollars that move."""
    one = old.findings.set_index("finding")
    other = new.findings.set_index("finding")
    appear = other[~other.index.isin(one.index)]
    vanish = one[~one.index.isin(other.index)]
    both = other[other.index.isin(one.index)]
    changed = both[both["severity"] != one.loc[both.index, "severity"]]
    at_risk = new.totals.at_risk_cents - old.totals.at_risk_cents
    missed = new.totals.missed_cents - old.totals.missed_cents
    lines = [
        f"  {counted(len(appear), 'finding')} would appear, {len(vanish):,} vanish, "
        f"{len(changed):,} change severity",
        f"  at risk {_signed(at_risk)}, missed {_signed(missed)}",
    ]
    lines += _listed("appears", appear) + _listed("vanishes", vanish) + _listed("changes", changed)
    return lines


def _signed(cents: int) -> str:
    return f"{'-' if cents < 0 else '+'}{dollars(abs(cents))}" if cents else dollars(0)


def _listed(what: str, findings: pd.DataFrame) -> list[str]:
    """Counts by rule, and the dearest findings by file and row: no claim, no patient."""
    told: list[str] = []
    for (name, severity), some in findings.groupby(["rule", "severity"], sort=True):
        told.append(f"  {what:<9} {name} ({severity}): {len(some):,}")
        rows = some.head(3).to_dict("records")
        told += [f"            {_where(row)}: {row['message']}" for row in rows]
    return told


def _where(row: Mapping[Any, Any]) -> str:
    amount = row["amount"]
    worth = "" if pd.isna(amount) else f", {dollars(int(amount))}"
    return f"{row['source_file']} row {row['source_row']}{worth}"
