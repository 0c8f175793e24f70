"""Claim lines and findings as Arrow tables and back: so they travel to processes and engines."""

from collections.abc import Collection
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.ingest.cells import encode
from auditor.ingest.frame import TEXT, blank_column, categorical, whole_numbers
from auditor.schema import COLUMNS, FINDINGS

# Nearly every finding has its own.
_OWN_TEXTS = frozenset({"finding", "story", "claim_id", "patient_id"})
# Long texts that many findings share stay dictionaries; nothing but reports asks for them.
_LONG_TEXTS = frozenset({"message", "remedy", "sources", "source_file"})
_FINDING_KINDS: dict[str, str] = {
    "amount": "Int64",
    "line_number": "Int64",
    "partner_line_number": "Int64",
    "source_row": "Int64",
    "units": "float64",
    "service_date": "datetime64[s]",
    "counts_money": "bool",
    "line": "int64",
}
_ARROW_KINDS: dict[str, pa.DataType] = {
    "Int64": pa.int64(),
    "int64": pa.int64(),
    "float64": pa.float64(),
    "datetime64[s]": pa.date32(),
    "bool": pa.bool_(),
}
FINDING_COLUMNS = (*FINDINGS, "line")


def lines_table(lines: pd.DataFrame, columns: Collection[str]) -> pa.Table:
    """Some columns of claim lines: text as dictionary, days, whole and other numbers."""
    return pa.table({name: _array(lines[name], name) for name in COLUMNS if name in columns})


def lines_frame(table: pa.Table) -> pd.DataFrame:
    """Claim lines with every column of the schema, blank where the table has none."""
    columns: dict[str, Any] = {}
    for name, column in COLUMNS.items():
        if name not in table.column_names:
            columns[name] = blank_column(column.kind, table.num_rows)
            continue
        values: Any = table.column(name)
        if column.kind == "text":
            cells = encode(values)
            distinct = not values.null_count
            columns[name] = categorical(cells.codes, cells.texts, distinct=distinct)
        elif column.kind == "date":
            columns[name] = values.cast(pa.timestamp("s")).to_numpy()
        elif column.kind == "number":
            columns[name] = pc.fill_null(values, np.nan).to_numpy()
        else:
            missing = pc.is_null(values).to_numpy()
            columns[name] = whole_numbers(pc.fill_null(values, 0).to_numpy(), missing)
    return pd.DataFrame(columns, copy=False)


def _array(values: "pd.Series[Any]", name: str) -> Any:
    kind = COLUMNS[name].kind
    if kind == "text":
        words = pa.array(values.cat.categories, pa.string())
        codes: Any = pa.array(values.cat.codes.to_numpy())
        return pa.DictionaryArray.from_arrays(codes, words, safe=False)
    if kind == "date":
        return pa.array(values.to_numpy().astype("datetime64[D]"), pa.date32())
    if kind == "number":
        return pa.array(values.to_numpy(dtype=np.float64))
    return pa.array(values, pa.int64())


def least_wide(numbers: Any) -> Any:
    """Numbers of an Arrow column in the least type that holds them; fractions as they are."""
    if pa.types.is_floating(numbers.type):
        try:
            numbers = numbers.cast(pa.int64())
        except pa.ArrowInvalid:
            return numbers
    ends = pc.min_max(numbers)
    least, most = (np.min_scalar_type(ends[end].as_py() or 0) for end in ("min", "max"))
    return numbers.cast(pa.from_numpy_dtype(np.result_type(least, most)))


def findings_schema() -> pa.Schema:
    """The columns of ``findings_arrow``."""
    return pa.schema(
        [
            (name, _ARROW_KINDS.get(_FINDING_KINDS.get(name, ""), pa.string()))
            for name in FINDING_COLUMNS
        ]
    )


def findings_arrow(findings: pd.DataFrame) -> pa.Table:
    """Findings as they are, amounts in cents, with the position of their line.

    Texts that many findings share are dictionaries.
    """
    schema = findings_schema()
    columns: dict[str, Any] = {}
    for name in schema.names:
        array: Any = pa.array(findings[name], schema.field(name).type, from_pandas=True)
        shared = pa.types.is_string(array.type) and name not in _OWN_TEXTS
        columns[name] = array.dictionary_encode() if shared else array
    return pa.table(columns)


def finding_column(name: str, values: Any) -> Any:
    """A column of findings, from that of ``findings_arrow``.

    Long texts that many share become categorical.
    """
    kind = _FINDING_KINDS.get(name, "str")
    if kind == "datetime64[s]":
        return values.cast(pa.timestamp("s")).to_numpy()
    if kind == "Int64":
        missing = pc.is_null(values).to_numpy()
        return whole_numbers(pc.fill_null(values, 0).to_numpy(), missing)
    if name in _LONG_TEXTS:
        cells = encode(values)
        return categorical(cells.codes, cells.texts)
    if kind == "str":
        return pd.array(values.cast(pa.string()), dtype=TEXT)
    return values.to_pandas().astype(kind).array
