"""Parquet columns of every type become text."""

import datetime
import decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exports import (
    cells_of,
    only_table,
    read,
    refusal,
    write,
)

from auditor.errors import AuditError


def parquet(path: Path, table: pa.Table) -> Path:
    pq.write_table(table, path, row_group_size=2)
    return path


def test_parquet_types_become_text(tmp_path: Path) -> None:
    midnight = datetime.datetime.fromisoformat("2025-03-10")
    later = datetime.datetime.fromisoformat("2025-03-11 14:30")
    columns = {
        "Claim": pa.array(["0480", None, " x "]),
        "dictionary": pa.array(["a", "b", None]).dictionary_encode(),
        "large": pa.array(["0480", "", "c"], pa.large_string()),
        "binary": pa.array([b"0480", b"", None]),
        "int": pa.array([480, None, -1]),
        "float": pa.array([480.0, 357.13, 1e16]),
        "nan": pa.array([float("nan"), -0.0, None]),
        "float32": pa.array([480.0, 357.13, 0.1], pa.float32()),
        "decimal": pa.array([decimal.Decimal("480.10"), None, decimal.Decimal("0.00")]),
        "bool": pa.array([True, False, None]),
        "date": pa.array([midnight.date(), None, later.date()]),
        "time": pa.array([midnight, later, None], pa.timestamp("us")),
        "zone": pa.array([midnight, later, None], pa.timestamp("ms", "America/New_York")),
        "list": pa.array([["26", "59"], [], None]),
        "large list": pa.array([["26", "59"], [], None], pa.large_list(pa.string())),
        "null": pa.nulls(3),
    }
    table = only_table(parquet(tmp_path / "a.parquet", pa.table(columns)))
    lines = read(table)

    assert table.header == tuple(columns)
    assert lines.rows.to_pylist() == [2, 3, 4]
    found = [column.to_pylist() for column in lines.cells.columns]
    assert dict(zip(table.header, found, strict=True)) == {
        "Claim": ["0480", "", " x "],
        "dictionary": ["a", "b", ""],
        "large": ["0480", "", "c"],
        "binary": ["0480", "", ""],
        "int": ["480", "", "-1"],
        "float": ["480", "357.13", "10000000000000000"],
        "nan": ["", "0", ""],
        "float32": ["480", "357.13", "0.1"],
        "decimal": ["480.10", "", "0.00"],
        "bool": ["TRUE", "FALSE", ""],
        "date": ["2025-03-10", "", "2025-03-11"],
        "time": ["2025-03-10", "2025-03-11 14:30:00", ""],
        "zone": ["2025-03-09 20:00:00", "2025-03-11 10:30:00", ""],
        "list": ["26 59", "", ""],
        "large list": ["26 59", "", ""],
        "null": ["", "", ""],
    }
    assert table.sample == tuple(cells_of(lines))


def test_parquet_columns_of_one_name_and_blank_rows(tmp_path: Path) -> None:
    table = pa.Table.from_arrays(
        [pa.array(["C1", None, "C3"]), pa.array(["a", "", "c"]), pa.array([1, None, 3])],
        names=["Claim", "x.y", "Claim"],
    )
    lines = read(only_table(parquet(tmp_path / "a.parquet", table)), [2, 1, 0])

    assert cells_of(lines) == [("1", "a", "C1"), ("3", "c", "C3")]
    assert lines.rows.to_pylist() == [2, 4]
    assert lines.blank_rows == 1


def test_parquet_with_a_column_of_records(tmp_path: Path) -> None:
    table = pa.table({"Claim": ["C1"], "detail": [{"a": 1}]})
    raw = only_table(parquet(tmp_path / "a.parquet", table))

    assert cells_of(read(raw, [0])) == [("C1",)]
    with pytest.raises(AuditError, match="column 'detail' is of type struct"):
        raw.read([1])


def test_refused_parquet(tmp_path: Path) -> None:
    whole = parquet(tmp_path / "a.parquet", pa.table({"Claim": ["C1", "C2"]})).read_bytes()

    assert "cut short" in refusal(write(tmp_path / "cut.parquet", whole[:-20]))
    assert "cut short" in refusal(write(tmp_path / "start.parquet", whole[:6]))
    empty = pa.table({"Claim": pa.array([], pa.string())})
    assert "no lines" in refusal(parquet(tmp_path / "empty.parquet", empty))
