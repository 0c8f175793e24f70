"""The invented NCCI files of the benchmarks: what they say is what an import keeps."""

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from auditor.official.importing import Wanted, import_files
from auditor.official.kinds import kind_named
from tests.benchmarks.official import SHAPES, edits, write

WHEN = datetime(2026, 10, 2, 6, 0, tzinfo=UTC)
PAIRS = 6_000
NAMES = ("column_one", "column_two", "effective_from", "effective_to", "modifier_indicator")


def kept(files: list[Path], library: Path) -> tuple[pa.Table, str, int]:
    one = import_files(Wanted(kind_named("ncci-ptp"), tuple(files), library, WHEN)).edition
    assert one.quarantined == 0
    table = pq.read_table(library / one.folder / "ptp_edits.parquet")
    return table, one.setting, one.rows_read


def dashed(column: pa.ChunkedArray) -> list[str]:
    days = pc.replace_substring_regex(column, r"^(\d{4})(\d\d)(\d\d)$", r"\1-\2-\3")
    return ["" if day == "*" else day for day in days.to_pylist()]


def expected(setting: str, edition: str = "2026Q4") -> list[tuple[str, ...]]:
    rows = edits(setting, pairs=PAIRS, edition=edition)
    columns = [rows["one"].to_pylist(), rows["two"].to_pylist(), dashed(rows["effective"])]
    columns += [dashed(rows["deletion"]), rows["indicator"].to_pylist()]
    return list(zip(*columns, rows["rationale"].to_pylist(), strict=True))


def as_words(table: pa.Table) -> list[tuple[str, ...]]:
    columns = [
        ["" if cell is None else cell for cell in table[name].cast(pa.string()).to_pylist()]
        for name in (*NAMES, "rationale")
    ]
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("kinds", [("TXT",), ("xlsx",), ("TXT", "xlsx")])
def test_what_is_generated_is_imported_to_exactly_the_expected_rows(tmp_path, kinds) -> None:
    files = write(tmp_path / "files", pairs=PAIRS, kinds=kinds)

    assert [len(parts) for parts in files.values()] == [4, 4]
    total = 0
    for setting, parts in files.items():
        table, found, read = kept(parts, tmp_path / "lib")
        assert found == setting
        assert as_words(table) == expected(setting)
        assert read == table.num_rows
        total += read
    assert total == PAIRS


def test_the_same_seed_gives_the_same_bytes_and_another_one_others(tmp_path) -> None:
    folders = [tmp_path / name for name in "abc"]
    for folder, seed in zip(folders, (1, 1, 2), strict=True):
        write(folder, pairs=PAIRS, seed=seed)
    first, again, other = (
        {path.name: path.read_bytes() for path in sorted(folder.iterdir())} for folder in folders
    )

    assert first == again
    assert first.keys() == other.keys()
    assert first != other


def test_an_earlier_edition_lacks_what_came_later(tmp_path) -> None:
    for setting in SHAPES:
        now, before = expected(setting), expected(setting, "2025Q4")
        keys = {row[:3] for row in before}
        assert keys < {row[:3] for row in now}
        assert all(row[2] <= "2025-10-01" for row in before)
        # What ended since was then in force.
        ended = {row[:3] for row in now if row[3] > "2025-09-30" and row[4] != "9"}
        assert ended & keys
        assert all(row[3] == "" for row in before if row[:3] in ended)


def test_no_edit_joins_a_scan_and_its_analysis() -> None:
    for setting in SHAPES:
        joined = {frozenset(row[:2]) for row in expected(setting)}
        assert not joined & {frozenset(("75574", "75580")), frozenset(("75574", "0503T"))}
        assert all(len(pair) == 2 for pair in joined)
        assert any("75574" in pair for pair in joined)
