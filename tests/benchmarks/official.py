"""Invented NCCI files of full size in the official layout: the same seed gives the same bytes.

    python -m tests.benchmarks.official --out DIR [--pairs N] [--edition 2026Q4] [--workbooks]

Four archives a setting, as the publisher packs them: the text, and with ``--workbooks`` the sheet
beside it. The codes are those of the invented exports and more of that kind; the tables have the
shape of the published ones: how many edits a code has in either column, how many came back, were
deleted, never were. An earlier edition of the same seed lacks what came later.
"""

import argparse
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tests.benchmarks.vocabulary import PROCEDURES

FULL = 4_321_835
EDITION = "2026Q4"
PARTS = 4
HEAD = (
    ("Invented codes and dates, for measuring.", "", "", "", "", "", ""),
    ("Column1/Column2 Edits", "", "", "", "", "", ""),
    (
        *("Column 1", "Column 2", "*=in existence", "Effective", "Deletion", "Modifier"),
        "PTP Edit Rationale",
    ),
    ("", "", "prior to 1996", "Date", "Date", "0=not allowed", ""),
    ("", "", "", "", "*=no data", "1=allowed", ""),
    ("", "", "", "", "", "9=not applicable", ""),
)
_RATIONALES = tuple(f"Invented reason number {n} for an edit of two codes" for n in range(1, 8))
_REASON_SHARES = (0.34, 0.31, 0.23, 0.06, 0.03, 0.02, 0.01)
# Where the quantiles below stand.
_AT = (0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1)
_FIRST_YEAR, _QUARTERS = 1996, 124
_CCTA, _FFRCT = ("75571", "75572", "75573", "75574"), ("75580", "0503T")
_FAMILY = 10


@dataclass(frozen=True)
class Shape:
    """What one setting's table looks like, in figures.

    ``share`` of all rows; so many codes in all, in column one and in column two; the edits of a
    code in column one and in column two by quantile; the shares of rows that state a pair again,
    were deleted, and bear indicator 0 and 9.
    """

    stem: str
    share: float
    codes: int
    ones: int
    twos: int
    edits_of_one: tuple[int, ...]
    edits_of_two: tuple[int, ...]
    again: float
    deleted: float
    zero: float
    nine: float


SHAPES = {
    "professional": Shape(
        stem="ccipra",
        share=0.589,
        codes=13_047,
        ones=12_828,
        twos=10_652,
        edits_of_one=(1, 3, 19, 253, 330, 363, 533, 1_258),
        edits_of_two=(1, 1, 3, 10, 32, 199, 6_555, 13_937),
        again=0.121,
        deleted=0.344,
        zero=0.29,
        nine=0.039,
    ),
    "institutional": Shape(
        stem="ccioph",
        share=0.411,
        codes=12_358,
        ones=11_875,
        twos=10_226,
        edits_of_one=(1, 4, 20, 191, 226, 268, 427, 1_141),
        edits_of_two=(1, 1, 3, 9, 30, 169, 6_124, 11_256),
        again=0.045,
        deleted=0.248,
        zero=0.034,
        nine=0.017,
    ),
}


def edits(setting: str, *, pairs: int = FULL, seed: int = 1, edition: str = EDITION) -> pa.Table:
    """The rows of one setting, of ``pairs`` in both, as the files of an edition state them.

    Text columns one, two, effective, deletion (``*`` while in force), indicator and rationale,
    sorted by both codes and the effective date.
    """
    shape = SHAPES[setting]
    rows = round(pairs * shape.share)
    random = np.random.default_rng([seed, list(SHAPES).index(setting)])
    scale = min(1.0, (rows / (FULL * shape.share)) ** 0.5)
    words = np.array(sorted(_codes(random, max(_FAMILY + 6, round(shape.codes * scale)))))
    again = int(rows * shape.again)
    one, two = _joined(random, words, shape, rows - again, scale)
    # A pair that came back has a second row, which begins after the first one's end.
    twice = np.sort(random.choice(len(one), again, replace=False))
    place = np.sort(np.r_[np.arange(len(one)), twice], kind="stable")
    second = np.r_[False, place[1:] == place[:-1]]
    first = np.r_[second[1:], False]
    start, end, indicator = _in_time(random, first, second, shape)
    now = (int(edition[:4]) - _FIRST_YEAR) * 4 + int(edition[5]) - 1
    known = np.flatnonzero(start <= now)
    # What ends later is not yet said to end.
    said = np.where((end < now)[known] | (indicator == "9")[known], end[known], -1)
    begins, ends = _days()
    reasons = random.choice(len(_RATIONALES), len(place), p=_REASON_SHARES)[known]
    return pa.table(
        {
            "one": pa.array(words[one[place]][known]),
            "two": pa.array(words[two[place]][known]),
            "effective": pa.array(begins[start[known]]),
            "deletion": pa.array(
                np.where(indicator[known] == "9", begins[start[known]], ends[said])
            ),
            "indicator": pa.array(indicator[known]),
            "rationale": pa.array(np.array(_RATIONALES)[reasons]),
        }
    )


def _codes(random: np.random.Generator, size: int) -> list[str]:
    """Codes of the exports, then ones that no export of ours holds."""
    found = dict.fromkeys(PROCEDURES[:size])
    letters = (*"ABCEGHJKLPQRSV",)
    while len(found) < size:
        number = int(random.integers(10_000))
        late = random.random() < 0.4
        word = f"{number:04d}{'TU'[number % 2]}" if late else f"{letters[number % 14]}{number:04d}"
        found.setdefault(word)
    return list(found)


def _joined(
    random: np.random.Generator, words: Any, shape: Shape, pairs: int, scale: float
) -> tuple[Any, Any]:
    """So many different pairs, sorted, as places among the words."""
    size = len(words)
    own = np.flatnonzero(np.isin(words, PROCEDURES[:_FAMILY]))
    ones = _some(random, own, size, round(shape.ones * scale))
    twos = _some(random, own, size, round(shape.twos * scale))
    wanted = np.interp(random.random(len(ones)), _AT, shape.edits_of_one)
    # A code can't be drawn twice, which flattens the heads; the exponent sharpens them a little.
    often = np.interp(random.random(len(twos)), _AT, shape.edits_of_two) ** 1.1
    # No edit joins a scan and its analysis, and none a code and itself.
    apart = [np.isin(words[ones], group) for group in (_CCTA, _FFRCT)]
    barred = [np.isin(words[twos], group) for group in (_FFRCT, _CCTA)]
    room = np.full(len(ones), len(twos) - 1)
    for mine, other in zip(apart, barred, strict=True):
        room[mine] -= other.sum()
    counts = _rounded(wanted, pairs, room)
    found = []
    for place, code in enumerate(ones):
        turn = random.standard_exponential(len(twos), dtype=np.float32) / often
        turn[twos == code] = np.inf
        for mine, other in zip(apart, barred, strict=True):
            if mine[place]:
                turn[other] = np.inf
        chosen = np.argpartition(turn, counts[place] - 1)[: counts[place]]
        found.append(code * size + np.sort(twos[chosen]))
    key = np.sort(np.concatenate(found))
    return key // size, key % size


def _some(random: np.random.Generator, own: Any, size: int, wanted: int) -> Any:
    """Places of codes, the cardiac ones among them."""
    others = np.setdiff1d(np.arange(size), own)
    more = random.choice(others, min(max(wanted - len(own), 1), len(others)), replace=False)
    return np.sort(np.r_[own, more])


def _rounded(wanted: Any, total: int, room: Any) -> Any:
    """Whole numbers in proportion, at least 1 and at most ``room``, that add up."""
    if total < len(wanted) or total > room.sum():
        raise SystemExit(f"{total:,} pairs don't fit the codes; ask for more, or for the full size")
    counts = np.clip(np.floor(wanted * total / wanted.sum()).astype(np.int64), 1, room)
    while (missing := total - int(counts.sum())) != 0:
        free = np.flatnonzero(counts < room if missing > 0 else counts > 1)
        step = free[: abs(missing)] if abs(missing) < len(free) else free
        counts[step] += 1 if missing > 0 else -1
    return counts


def _in_time(
    random: np.random.Generator, first: Any, second: Any, shape: Shape
) -> tuple[Any, Any, Any]:
    """First and last quarter of each row, -1 while in force, and its indicator."""
    rows = len(first)
    start = random.integers(0, _QUARTERS, rows)
    end = start + random.integers(0, _QUARTERS, rows) % (_QUARTERS - 1 - np.minimum(start, 122))
    ended = random.random(rows) < (shape.deleted - shape.nine - shape.again) / (1 - shape.again)
    start[first], end[first] = random.integers(0, 60, first.sum()), 60 + random.integers(0, 10)
    start[second] = 70 + random.integers(0, _QUARTERS - 70, second.sum())
    ended[first], ended[second] = True, False
    indicator = np.where(random.random(rows) < shape.zero, "0", "1")
    never = (random.random(rows) < shape.nine / (1 - 2 * shape.again)) & ~first & ~second
    indicator[never] = "9"
    return start, np.where(ended, end, _QUARTERS), indicator


def _days() -> tuple[Any, Any]:
    """The first and the last day of each quarter as the files write them; the last is ``*``."""
    years = [f"{_FIRST_YEAR + number // 4}" for number in range(_QUARTERS)]
    begins = [f"{year}{('0101', '0401', '0701', '1001')[n % 4]}" for n, year in enumerate(years)]
    ends = [f"{year}{('0331', '0630', '0930', '1231')[n % 4]}" for n, year in enumerate(years)]
    return np.array(begins), np.array([*ends, "*"])


def text_of(rows: pa.Table) -> bytes:
    """A part as text: tabs, CRLF, the stacked header above."""
    head = "".join("\t".join(cells) + "\r\n" for cells in HEAD).encode("ascii")
    columns = [rows[name].combine_chunks() for name in rows.column_names]
    columns.insert(2, pa.scalar(""))
    lines: Any = pc.binary_join_element_wise(*columns, "\t")
    joined = pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "\r\n")
    return head + joined[0].as_py().encode("ascii") + b"\r\n"


def sheet_of(rows: pa.Table) -> bytes:
    """A part as a workbook; dates and indicators as numbers, which spreadsheets make of them."""
    import xlsxwriter

    stream = io.BytesIO()
    with xlsxwriter.Workbook(stream, {"constant_memory": True}) as book:
        page = book.add_worksheet()
        for place, cells in enumerate(HEAD):
            page.write_row(place, 0, cells)
        columns = [rows[name].to_pylist() for name in rows.column_names]
        for place, (one, two, start, end, indicator, reason) in enumerate(
            zip(*columns, strict=True), start=len(HEAD)
        ):
            page.write_string(place, 0, one)
            page.write_string(place, 1, two)
            page.write_number(place, 3, int(start))
            if end == "*":
                page.write_string(place, 4, end)
            else:
                page.write_number(place, 4, int(end))
            page.write_number(place, 5, int(indicator))
            page.write_string(place, 6, reason)
    return stream.getvalue()


def parts_of(rows: pa.Table) -> list[pa.Table]:
    """Four parts of about one size; the edits of one column-one code stay together."""
    one = rows["one"].to_numpy(zero_copy_only=False)
    begins = np.r_[True, one[1:] != one[:-1]].nonzero()[0]
    cuts = [int(begins[np.searchsorted(begins, len(one) * n // PARTS)]) for n in range(PARTS)]
    return [rows.slice(a, b - a) for a, b in zip(cuts, [*cuts[1:], len(one)], strict=True)]


def write(
    folder: Path,
    *,
    pairs: int = FULL,
    seed: int = 1,
    edition: str = EDITION,
    kinds: Sequence[str] = ("TXT",),
) -> dict[str, list[Path]]:
    """Writes the archives of an edition and returns them by setting.

    ``kinds`` are the files in each archive: ``TXT``, ``xlsx`` or both.
    """
    folder.mkdir(parents=True, exist_ok=True)
    release = f"v{int(edition[:4]) - 1994}{int(edition[5]) - 1}r0"
    make = {"TXT": text_of, "xlsx": sheet_of}
    paths: dict[str, list[Path]] = {}
    for setting, shape in SHAPES.items():
        rows = edits(setting, pairs=pairs, seed=seed, edition=edition)
        for number, part in enumerate(parts_of(rows), start=1):
            name = f"{shape.stem}-{release}-f{number}"
            path = folder / f"medicare-{name}.zip"
            with zipfile.ZipFile(path, "w") as pack:
                for kind in kinds:
                    # A day of its own, so that the same seed gives the same bytes.
                    pack.writestr(
                        zipfile.ZipInfo(f"{name}.{kind}"), make[kind](part), zipfile.ZIP_DEFLATED, 3
                    )
            paths.setdefault(setting, []).append(path)
    return paths


def main() -> None:
    """Writes the files of one edition, both settings."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--out", type=Path, required=True)
    options.add_argument("--pairs", type=int, default=FULL, help="rows in both settings together")
    options.add_argument("--edition", default=EDITION)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--workbooks", action="store_true", help="a sheet beside each text")
    options.add_argument("--only-workbooks", action="store_true", help="a sheet in place of it")
    given = options.parse_args()
    kinds = ("xlsx",) if given.only_workbooks else ("TXT", "xlsx") if given.workbooks else ("TXT",)
    write(given.out, pairs=given.pairs, seed=given.seed, edition=given.edition, kinds=kinds)


if __name__ == "__main__":
    main()
