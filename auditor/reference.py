"""Dated reference tables: loads and checks them, and joins the row in force on the date of service.

A table is a CSV: the key columns, ``effective_from``, ``effective_to`` (both inclusive, blank =
open), the values, and last ``source``, the ids of documents listed in ``sources.csv``.
``editions.csv`` says for which dates of service a table answers at all.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.caching import computed_lately, computed_often
from auditor.documents import Contradiction as Contradiction
from auditor.documents import Source as Source
from auditor.editions import Edition as Edition
from auditor.editions import beyond, wholly_known
from auditor.errors import AuditError
from auditor.library.specifications import compared
from auditor.reference_check import (
    check_date,
    checked_rows,
    named_rows,
    read_rows,
    refuse_other_columns,
    table_files,
)

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

# Days are counted from 1970-01-01; the open ends lie outside every date a claim can carry.
_FIRST_DAY = -(2**19)
_LAST_DAY = 2**19

# A folder with this file is a library of imported editions (auditor/library/).
LIBRARY = "library.json"

_NOT_DATED = frozenset({"sources.csv", "editions.csv", "contradictions.csv"})


@dataclass(frozen=True)
class Table:
    """One reference table. ``rows`` is sorted by key and first day; all cells are text."""

    name: str
    keys: tuple[str, ...]
    rows: pd.DataFrame
    first_days: Ints
    last_days: Ints
    editions: tuple[Edition, ...]
    origin: str
    digest: str

    @cached_property
    def key_rows(self) -> dict[tuple[str, ...], list[int]]:
        """Row positions by key as it is compared, in order of their first day."""
        found: dict[tuple[str, ...], list[int]] = {}
        for position, key in enumerate(
            zip(*(self.rows[name].tolist() for name in self.keys), strict=True)
        ):
            found.setdefault(compared(self.keys, key), []).append(position)
        return found


@dataclass(frozen=True)
class InForce:
    """The reference row in force for each of some claim lines.

    ``row`` is the position in the table or -1; ``known`` says that the table holds the key at
    any date; ``stale`` that the date of service lies outside the dates the table answers for.
    """

    table: Table
    row: Ints
    known: Bools
    stale: Bools
    index: pd.Index = field(repr=False)

    @property
    def found(self) -> "pd.Series[bool]":
        """Lines for which a row is in force."""
        return pd.Series(self.row >= 0, index=self.index)

    def __getitem__(self, column: str) -> "pd.Series[str]":
        """A value column, categorical, ``""`` where no row is in force."""
        return pd.Series(self.values(column), index=self.index)

    def take(self, positions: Ints) -> "InForce":
        """The rows of some of the lines, in the order of ``positions``."""
        return InForce(
            self.table,
            self.row[positions],
            self.known[positions],
            self.stale[positions],
            self.index[positions],
        )

    def numbers(self, column: str) -> npt.NDArray[np.float64]:
        """A value column as numbers, NaN where no row is in force or the cell is no number."""
        return _numbers(self.table, column)[self.row]

    def values(self, column: str) -> pd.Categorical:
        """A value column as a categorical array."""
        codes, words = _coded(self.table, column)
        return pd.Categorical.from_codes(codes[self.row], dtype=words, validate=False)


@computed_often
def _coded(table: Table, column: str) -> tuple[npt.NDArray[np.int16], pd.CategoricalDtype]:
    """A code for each row's cell, and one for no row; the words, sorted behind the blank one."""
    cells = table.rows[column].tolist()
    words = ["", *sorted(set(cells) - {""})]
    position = {word: code for code, word in enumerate(words)}
    codes = np.array([position[cell] for cell in cells] + [0], dtype=np.int16)
    return codes, pd.CategoricalDtype(pd.Index(words, dtype="str"))


@computed_often
def _numbers(table: Table, column: str) -> npt.NDArray[np.float64]:
    """The number in each row's cell, and NaN for no row."""
    cells = pd.to_numeric(table.rows[column], errors="coerce").to_numpy(dtype=np.float64)
    return np.append(cells, np.nan)


class Reference:
    """All tables of one audit, the shipped ones overlaid by the user's own.

    ``library`` is a folder of imported editions that has not been read yet: before an audit,
    ``auditor.library.reading.narrowed`` reads of it what the claim lines need. ``opened`` is then
    the reference before that, to be narrowed to other lines.
    """

    opened: "Reference | None" = None

    def __init__(
        self,
        tables: Mapping[str, Table],
        sources: Mapping[str, Source],
        contradictions: Sequence[Contradiction] = (),
        library: Path | None = None,
    ) -> None:
        self.tables = dict(tables)
        self.sources = dict(sources)
        self.contradictions = tuple(contradictions)
        self.library = library
        self._words: dict[tuple[object, ...], frozenset[str]] = {}

    def table(self, name: str) -> Table:
        """A table by name; an unknown name is a fault of the program."""
        return self.tables[name]

    def words(self, table: str, column: str, **where: str) -> frozenset[str]:
        """Distinct values of a column among the rows whose cells equal ``where``, at any date."""
        asked = (table, column, *sorted(where.items()))
        if asked not in self._words:
            rows = self.tables[table].rows
            for name, cell in where.items():
                rows = rows[rows[name] == cell]
            self._words[asked] = frozenset(rows[column])
        return self._words[asked]

    def as_of(
        self, table: str, lines: pd.DataFrame, on: Sequence[str] | Mapping[str, str]
    ) -> InForce:
        """The row in force on each line's date of service.

        ``on`` names the line columns that hold the table's keys, in the table's order; the
        columns must be categorical. Lines are neither dropped nor multiplied.
        """
        return _rows_for(self, table, lines, tuple(on), dated=True)

    def of_key(self, table: str, lines: pd.DataFrame, on: Sequence[str]) -> InForce:
        """The last row of each line's key, whatever the date of service."""
        return _rows_for(self, table, lines, tuple(on), dated=False)

    def stale(self, table: str, lines: pd.DataFrame) -> Bools:
        """Lines whose date of service none of the table's editions of their setting answers for."""
        days = day_numbers(lines["service_date"])
        return beyond(days, lines["claim_type"], self.tables[table].editions)

    def complete(self, table: str, lines: pd.DataFrame) -> Bools:
        """Lines whose date of service a complete edition of their setting answers for."""
        days = day_numbers(lines["service_date"])
        return wholly_known(days, lines["claim_type"], self.tables[table].editions)

    def whole_settings(self, table: str) -> frozenset[str]:
        """The settings of which a complete edition of a table was read, at any date."""
        return frozenset(one.setting for one in self.tables[table].editions if one.complete)

    def edition_name(self, table: str, setting: str = "") -> str:
        """The edition of a table, for a message; of several the one that reaches furthest."""
        here = [one for one in self.tables[table].editions if one.setting in ("", setting)]
        furthest = max(here, key=lambda one: one.last_date or date.max, default=None)
        return furthest.edition if furthest else ""

    def digest(self) -> str:
        """A digest of every table's content."""
        parts = [f"{name}:{table.digest}" for name, table in sorted(self.tables.items())]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@computed_lately
def _rows_for(
    reference: Reference, name: str, lines: pd.DataFrame, on: tuple[str, ...], *, dated: bool
) -> InForce:
    table = reference.tables[name]
    if len(on) != len(table.keys):
        raise ValueError(f"{name} is keyed by {table.keys}")
    combination, keys = distinct_keys(lines, on)
    starts = np.zeros(len(keys), dtype=np.int64)
    counts = np.zeros(len(keys), dtype=np.int64)
    order: list[int] = []
    for position, key in enumerate(keys):
        rows = table.key_rows.get(compared(table.keys, key), [])
        starts[position], counts[position] = len(order), len(rows)
        order.extend(rows)
    candidates = np.array([*order, -1], dtype=np.int64)
    known = (counts > 0)[combination]
    if not dated:
        last = np.where(counts > 0, starts + counts - 1, len(order))
        row, stale = candidates[last][combination], np.zeros(len(lines), dtype=bool)
        return InForce(table, row, known, stale, lines.index)
    days = day_numbers(lines["service_date"])
    span = (int(days.min()), int(days.max())) if len(days) else (0, 0)
    of_all = np.full(len(keys), -1, dtype=np.int64)
    found: Ints | None = None
    for nth in range(int(counts.max(initial=0))):
        of_key = candidates[np.where(nth < counts, starts + nth, len(order))]
        first = np.append(table.first_days, _LAST_DAY)[of_key]
        last = np.append(table.last_days, _FIRST_DAY)[of_key]
        # Most rows are in force on all the days at hand, or on none of them.
        always = (first <= span[0]) & (last >= span[1])
        never = (first > span[1]) | (last < span[0])
        if found is None and (always | never).all():
            of_all = np.where(always, of_key, of_all)
            continue
        here = (first[combination] <= days) & (days <= last[combination])
        before = of_all[combination] if found is None else found
        found = np.where(here, of_key[combination], before)
    row = of_all[combination] if found is None else found
    return InForce(table, row, known, reference.stale(name, lines), lines.index)


def day_numbers(dates: "pd.Series[pd.Timestamp]") -> Ints:
    """Days since 1970-01-01 as integers; a missing date lies before every other."""
    return dates.to_numpy(dtype="datetime64[s]").view(np.int64) // 86_400


def distinct_keys(lines: pd.DataFrame, on: Sequence[str]) -> tuple[Ints, list[tuple[str, ...]]]:
    """Numbers the distinct combinations of some categorical columns.

    Returns the number of each line's combination, and the combinations.
    """
    columns = [lines[name].cat for name in on]
    combined = np.zeros(len(lines), dtype=np.int64)
    for column in columns:
        combined = combined * len(column.categories) + column.codes.to_numpy()
    size = int(np.prod([len(column.categories) for column in columns], dtype=np.int64))
    if size <= 4 * len(lines) + 1024:
        present = np.flatnonzero(np.bincount(combined, minlength=1))
        numbers = np.zeros(size, dtype=np.int64)
        numbers[present] = np.arange(len(present))
        combination = numbers[combined] if len(lines) else combined
    else:
        combination, present = pd.factorize(combined)
    keys: list[list[str]] = []
    rest = present
    for column in reversed(columns):
        words = column.categories.to_numpy(dtype=object)
        keys.append(list(words[rest % len(words)]))
        rest = rest // len(words)
    return combination, list(zip(*reversed(keys), strict=True))


def _day(text: str, blank: int) -> int:
    return int(np.datetime64(text, "D").astype(np.int64)) if text else blank


def _date(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


def load_reference(shipped: Path, overlay: Path | None = None) -> Reference:
    """Loads the shipped tables and lays the user's tables over them, table by table.

    Raises AuditError naming file, line, column and way out when a table is not sound.
    """
    folders = [shipped] + ([overlay] if overlay and overlay != shipped else [])
    for folder in folders:
        if not folder.is_dir():
            raise AuditError(f"{folder}: there is no such folder of reference tables", exit_code=2)
    sources: dict[str, Source] = {}
    editions: dict[str, list[dict[str, str]]] = {}
    for folder in folders:
        for row in named_rows(folder / "sources.csv", _SOURCE_COLUMNS):
            sources[row["id"]] = Source(**row)
        editions.update(_read_editions(folder / "editions.csv"))
    tables: dict[str, Table] = {}
    shipped_columns: dict[str, list[str]] = {}
    for folder in folders:
        origin = "shipped" if folder == shipped else str(folder)
        for path in table_files(folder, _NOT_DATED, shipped_columns):
            table = _read_table(path, sources, editions.get(path.stem, []), origin)
            if folder != shipped:
                refuse_other_columns(path, list(table.rows.columns), table.keys, shipped_columns)
            tables[path.stem] = table
        shipped_columns = {name: list(table.rows.columns) for name, table in tables.items()}
    if not tables:
        raise AuditError(f"{shipped}: holds no reference tables", exit_code=2)
    disagreements = named_rows(shipped / "contradictions.csv", _CONTRADICTION_COLUMNS)
    library = overlay if overlay and (overlay / LIBRARY).is_file() else None
    return Reference(tables, sources, [Contradiction(**row) for row in disagreements], library)


_SOURCE_COLUMNS = tuple(field.name for field in fields(Source))
_CONTRADICTION_COLUMNS = tuple(field.name for field in fields(Contradiction))
_EDITION_COLUMNS = ("table", "setting", "edition", "first_date", "last_date", "source", "note")


def _read_editions(path: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for number, row in enumerate(named_rows(path, _EDITION_COLUMNS), start=2):
        for name in ("first_date", "last_date"):
            check_date(path, number, name, row[name])
        found.setdefault(row["table"], []).append(row)
    return found


def _read_table(
    path: Path,
    sources: Mapping[str, Source],
    editions: Sequence[Mapping[str, str]],
    origin: str,
) -> Table:
    header, rows = read_rows(path)
    keys = tuple(header[: header.index("effective_from")])
    spans = checked_rows(path, header, rows, keys, frozenset(sources))
    return made_table(
        path.stem,
        keys,
        pd.DataFrame(rows, columns=header, dtype="str"),
        np.array([_day(start, _FIRST_DAY) for start, _ in spans], dtype=np.int64),
        np.array([_day(end, _LAST_DAY) for _, end in spans], dtype=np.int64),
        editions=tuple(
            Edition(
                path.stem,
                row["setting"],
                row["edition"],
                _date(row["first_date"]),
                _date(row["last_date"]),
                len(rows),
                origin,
            )
            for row in editions
        ),
        origin=origin,
        digest=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def made_table(
    name: str,
    keys: tuple[str, ...],
    rows: pd.DataFrame,
    first_days: Ints,
    last_days: Ints,
    *,
    editions: tuple[Edition, ...],
    origin: str,
    digest: str,
) -> Table:
    """A table of rows that are known to be sound, in any order."""
    order = np.argsort(first_days, kind="stable")
    return Table(
        name=name,
        keys=keys,
        rows=rows.iloc[order].reset_index(drop=True),
        first_days=first_days[order],
        last_days=last_days[order],
        editions=editions,
        origin=origin,
        digest=digest,
    )
