"""Holds the rows of one edition against another's."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def as_text(table: pa.Table, names: Sequence[str]) -> pa.Table:
    """Some columns as text without blanks of another kind, so that rows can be compared."""
    columns: dict[str, Any] = {}
    for name in names:
        if name in table.column_names:
            words: Any = table[name].cast(pa.string())
            columns[name] = pc.fill_null(words, "")
        else:
            columns[name] = pa.array([""] * table.num_rows, pa.string())
    return pa.table(columns)


def without(table: pa.Table, others: pa.Table, on: Sequence[str]) -> pa.Table:
    """The rows that agree with none of the others in the columns ``on``."""
    if table.num_rows == 0 or others.num_rows == 0:
        return table
    return table.join(others.select(list(on)), keys=list(on), join_type="left anti")
