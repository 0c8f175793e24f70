"""NCCI procedure-to-procedure edits: four tab-delimited parts a setting, millions of rows.

Six rows of notice and stacked header, then column one, column two, in existence prior to 1996,
effective and deletion date (YYYYMMDD, ``*`` = still active), modifier indicator, rationale. A row
with indicator 9 ends on the day it began: it never was in force, and is kept as such.
"""

import io
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as pc_csv

from auditor.errors import AuditError
from auditor.library.pairs import in_pair_order
from auditor.official.headers import Header, recognised
from auditor.official.kind import CODE, Asked, Kind, Misfit, Reading
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed, hospital_or_practitioner
from auditor.official.sheets import Dictionary, rows_of

_WANTED = {
    "column_one": r"COLUMN ?(1|ONE).*",
    "column_two": r"COLUMN ?(2|TWO).*",
    "effective": r"EFFECTIVE.*",
    "deletion": r"DELETION.*",
    "indicator": r"MODIFIER.*",
}
_OPTIONAL = {"rationale": r".*RATIONALE.*"}
_HEAD_ROWS = 60
_PARTS = 4
_PART = re.compile(r"(.*)-f(\d+)", re.IGNORECASE)
# Parsers let other threads work.
_THREADS = 2
# No edit is older than Medicare; an end after 2100 (9999-12-31) stands for none.
_MEDICARE = date(1966, 7, 1)
_FAR = (date(2100, 12, 31) - date(1970, 1, 1)).days

Ints = npt.NDArray[np.integer[Any]]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class _Part:
    """The rows of one file as codes into distinct words, a column each; ``numbers`` are rows.

    ``title`` is what stands in and above the header; ``misfits`` are rows that can't be told apart
    into cells.
    """

    file: str
    title: str
    columns: dict[str, Dictionary]
    numbers: Ints
    misfits: list[Misfit]


def read(files: Sequence[Published], asked: Asked) -> Reading:
    """The edits of one setting, sorted by pair and first day.

    Raises AuditError where a header or the setting is not recognised, or parts are missing.
    """
    _refuse_missing_parts(files)
    misfits: list[Misfit] = []
    counts: dict[str, int] = {}
    settings, tables = [], []
    with ThreadPoolExecutor(max_workers=_THREADS) as pool:
        for part in pool.map(_part, files):
            settings.append(asked.setting or hospital_or_practitioner(part.file, part.title))
            counts[part.file] = len(part.numbers) + len(part.misfits)
            misfits += part.misfits
            tables.append(_checked(part, misfits))
    whole, repeated = in_pair_order(pa.concat_tables(tables, promote_options="permissive"))
    # A repeat stands in one part or another; the last file is as good a place as any to name.
    misfits += [Misfit(files[-1].full_name, 0, *words) for words in repeated]
    setting = agreed(settings, "settings", "import the files of each setting apart")
    editions = [_edition(file.name) for file in files]
    return Reading(
        tables={"ptp_edits": whole},
        misfits=misfits,
        read=counts,
        edition=agreed(editions, "editions", "import the files of each edition apart"),
        setting=setting,
    )


def _refuse_missing_parts(files: Sequence[Published]) -> None:
    found = [_PART.fullmatch(Path(file.name).stem) for file in files]
    parts = [int(one[2]) for one in found if one]
    tables = sorted({one[1].lower() for one in found if one})
    if len(parts) != len(set(parts)) and len(tables) > 1:
        raise AuditError(
            f"these are the parts of several tables ({', '.join(tables)}); import each table in a "
            "command of its own"
        )
    if len(parts) != len(set(parts)):
        raise AuditError("a part of the NCCI edits was given twice; give each part once")
    missing = set(range(1, max([_PARTS, *parts]) + 1)) - set(parts)
    if parts and missing:
        names = ", ".join(f"f{part}" for part in sorted(missing))
        raise AuditError(
            f"{files[0].full_name}: is one of several parts, and {names} was not given; a table "
            "with a part missing would clear pairs that are edited: give all parts in one command"
        )


def _part(file: Published) -> _Part:
    return _sheet_part(file) if file.suffix == ".xlsx" else _text_part(file)


def _title(head: Sequence[Sequence[str]], header: Header) -> str:
    return " ".join(cell for row in head[: header.first_row] for cell in row)


def _text_part(file: Published) -> _Part:
    start = Published(file.name, file.archive, b"\n".join(file.content.split(b"\n", 80)[:80]))
    head = start.rows(_HEAD_ROWS)
    header = recognised(head, _WANTED, file.full_name, _OPTIONAL)
    skipped: list[int] = []
    misfits: list[Misfit] = []

    def odd(row: pc_csv.InvalidRow) -> Literal["skip", "error"]:
        number = int(row.number or 0)
        skipped.append(number)
        if row.text.strip():
            reason = f"has {row.actual_columns} cells, not {row.expected_columns}"
            misfits.append(Misfit(file.full_name, number, reason, row.text[:200].strip()))
        return "skip"

    if header.first_row >= len(head):
        empty = pa.array([], pa.string()).dictionary_encode()
        nothing = dict.fromkeys(header.positions, empty)
        numbers = np.zeros(0, dtype=np.int64)
        return _Part(file.full_name, _title(head, header), nothing, numbers, [])
    width = len(head[header.first_row])
    try:
        table = _parsed(file, header, width, odd)
    except pa.ArrowInvalid as fault:
        raise AuditError(
            f"{file.full_name}: can't be read as a table ({fault}); download it again"
        ) from fault
    numbers = np.arange(header.first_row + 1, header.first_row + 1 + table.num_rows + len(skipped))
    numbers = numbers[~np.isin(numbers, skipped)]
    columns = {name: _one_array(table[str(at)]) for name, at in header.positions.items()}
    title = _title(head, header)
    return _Part(file.full_name, title, *_that_hold(columns, columns.values(), numbers), misfits)


def _sheet_part(file: Published) -> _Part:
    cells = file.columns()
    head = rows_of(cells, _HEAD_ROWS)
    header = recognised(head, _WANTED, file.full_name, _OPTIONAL)
    below = [column[header.first_row :] for column in cells]
    numbers = np.arange(header.first_row + 1, header.first_row + 1 + len(below[0]))
    columns = {name: below[at] for name, at in header.positions.items()}
    title = _title(head, header)
    return _Part(file.full_name, title, *_that_hold(columns, below, numbers), [])


def _that_hold(
    columns: Mapping[str, Dictionary], looked_at: Collection[Dictionary], numbers: Ints
) -> tuple[dict[str, Dictionary], Ints]:
    """Columns and row numbers without the rows in which every cell looked at is empty."""
    blank = np.ones(len(numbers), dtype=bool)
    for column in looked_at:
        empty = np.array([not word.strip() for word in column.dictionary.to_pylist()], dtype=bool)
        blank &= empty[_indices(column)]
    holds = np.flatnonzero(~blank)
    kept = {name: column.take(pa.array(holds)) for name, column in columns.items()}
    return kept, numbers[holds]


def _parsed(
    file: Published,
    header: Header,
    width: int,
    odd: Callable[[pc_csv.InvalidRow], Literal["skip", "error"]],
) -> pa.Table:
    words = pa.dictionary(pa.int32(), pa.string())
    delimiter = "\t" if b"\t" in file.content[:4000] else ","
    return pc_csv.read_csv(
        io.BytesIO(file.content),
        pc_csv.ReadOptions(
            use_threads=False,
            skip_rows=header.first_row,
            column_names=[str(place) for place in range(width)],
            encoding="utf8" if file.content.isascii() else "latin1",
            block_size=16 * 1024**2,
        ),
        pc_csv.ParseOptions(
            delimiter=delimiter,
            quote_char=False if delimiter == "\t" else '"',
            ignore_empty_lines=False,
            invalid_row_handler=odd,
        ),
        pc_csv.ConvertOptions(
            column_types={str(place): words for place in range(width)},
            strings_can_be_null=False,
        ),
    )


def _one_array(column: Any) -> Dictionary:
    whole: Any = column.unify_dictionaries().combine_chunks()
    if isinstance(whole, pa.ChunkedArray):
        empty: list[str] = []
        return pa.array(empty, pa.string()).dictionary_encode()
    return whole


def _checked(part: _Part, misfits: list[Misfit]) -> pa.Table:
    """The sound rows of a part; each distinct word is looked at once."""
    one, one_good = _codes(part.columns["column_one"])
    two, two_good = _codes(part.columns["column_two"])
    start, start_good = _days(part.columns["effective"], open_word=None)
    end, end_good = _days(part.columns["deletion"], open_word="*")
    indicator = [word.strip() for word in part.columns["indicator"].dictionary.to_pylist()]
    known = np.array([word in ("0", "1", "9") for word in indicator], dtype=bool)
    indicator_good = known[_indices(part.columns["indicator"])]
    backwards = end < start
    reasons: list[tuple[Bools, str]] = [
        (~(one_good & two_good), "a code has not five characters: a footnote, or a lost zero"),
        (~start_good, "the effective date is no date like 20240101"),
        (~end_good, "the deletion date is neither * nor a date like 20240101"),
        (~indicator_good, "the modifier indicator is not 0, 1 or 9"),
        (start_good & end_good & backwards, "the deletion date lies before the effective date"),
    ]
    bad = np.zeros(len(part.numbers), dtype=bool)
    for mask, reason in reasons:
        for place in np.flatnonzero(mask & ~bad):
            cells = [str(column[int(place)].as_py()) for column in part.columns.values()]
            number = int(part.numbers[place])
            misfits.append(Misfit(part.file, number, reason, " | ".join(cells)[:200]))
        bad |= mask
    good = np.flatnonzero(~bad)
    rationale = part.columns.get("rationale")
    open_end = np.iinfo(np.int32).max
    ends = end[good]
    return pa.table(
        {
            "column_one": one.take(good),
            "column_two": two.take(good),
            "effective_from": pa.array(start[good], pa.date32()),
            "effective_to": pa.array(ends, pa.date32(), mask=ends == open_end),
            "modifier_indicator": _words(part.columns["indicator"], indicator).take(good),
            "rationale": (
                rationale.take(good)
                if rationale is not None
                else pa.array([""] * len(good)).dictionary_encode()
            ),
        }
    )


def _indices(column: Dictionary) -> Ints:
    found: Ints = column.indices.to_numpy(zero_copy_only=False)
    return found


def _words(column: Dictionary, words: Sequence[str]) -> Dictionary:
    return pa.DictionaryArray.from_arrays(column.indices, pa.array(words, pa.string()))


def _codes(column: Dictionary) -> tuple[Dictionary, Bools]:
    words = [word.strip().upper() for word in column.dictionary.to_pylist()]
    good = np.array([bool(CODE.fullmatch(word)) for word in words], dtype=bool)
    return _words(column, words), good[_indices(column)]


def _days(column: Dictionary, open_word: str | None) -> tuple[Ints, Bools]:
    """Days since 1970-01-01 as 32-bit integers; an open end is the largest of them."""
    days, good = [], []
    for word in column.dictionary.to_pylist():
        text = word.strip()
        day = _day(text)
        far = day is not None and day > _FAR
        is_open = open_word is not None and (text in (open_word, "") or far)
        days.append(np.iinfo(np.int32).max if is_open else day or 0)
        good.append(is_open or (day is not None and not far))
    index = _indices(column)
    return np.array(days, dtype=np.int32)[index], np.array(good, dtype=bool)[index]


def _day(text: str) -> int | None:
    digits = text.replace("-", "").replace("/", "")
    if not re.fullmatch(r"[0-9]{8}", digits):
        return None
    try:
        found = date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None
    return (found - date(1970, 1, 1)).days if found >= _MEDICARE else None


def _edition(name: str) -> str:
    """v320 is the first quarter of 2026, v323 the last; v301 the second of 2024."""
    found = re.search(r"v(\d{2})([0-3])", name, re.IGNORECASE)
    return f"{int(found[1]) + 1994}Q{int(found[2]) + 1}" if found else ""


KIND = Kind(
    name="ncci-ptp",
    title="NCCI procedure-to-procedure edits",
    publisher="CMS",
    members=re.compile(r"cci(pra|oph)", re.IGNORECASE),
    tables=("ptp_edits",),
    read=read,
    by_setting=True,
)
