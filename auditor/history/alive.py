"""The findings that are open or waived, ready to be loaded: a table of their own in the ledger.

It holds in one Parquet block what the rows of those findings say, written with them in one
transaction. Whatever changes such a row drops the block; then the rows are read.
"""

import io
from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from auditor.history.findings import KNOWN_COLUMNS, frame_of, typed
from auditor.history.ledger import Ledger
from auditor.history.sealed_rows import opened_rows
from auditor.report.dispositions import Disposition

_SELECT = f"SELECT {', '.join(KNOWN_COLUMNS)} FROM findings"  # noqa: S608  names of our own
_BLOCK = "findings that are open or waived"
_ALIVE = ("new", "persisting", "reopened", "waived")


def alive_of(ledger: Ledger) -> pd.DataFrame:
    """All findings that are open or waived, columns ``KNOWN_COLUMNS``."""
    block = ledger.rows("SELECT findings FROM alive")
    if block:
        content = block[0][0]
        if ledger.seal.on:
            content = ledger.seal.open(content, _BLOCK)
        return typed(pq.read_table(io.BytesIO(content)).to_pandas())
    return frame_of(known_rows(ledger, f"status IN {_ALIVE}"))


def known_rows(ledger: Ledger, condition: str, *values: Any) -> list[tuple[Any, ...]]:
    """The findings of the ledger that meet a condition, columns ``KNOWN_COLUMNS``."""
    return opened_rows(ledger.rows(f"{_SELECT} WHERE {condition}", *values), ledger.seal)


def keep_alive(ledger: Ledger, alive: pd.DataFrame) -> None:
    """Keeps them for the next night; inside ``writing``, after the last change of a finding."""
    written = io.BytesIO()
    table = pa.Table.from_pandas(alive[list(KNOWN_COLUMNS)], preserve_index=False)
    pq.write_table(table, written, compression="zstd", write_statistics=False)
    ledger.do("DELETE FROM alive")
    content = written.getvalue()
    if ledger.seal.on:
        content = ledger.seal.close(content, _BLOCK)
    ledger.put("alive", ("findings",), [(content,)])


def with_decisions(alive: pd.DataFrame, dispositions: Mapping[str, Disposition]) -> pd.DataFrame:
    """The same findings with what people decided about some of them."""
    decided: Any = pd.DataFrame(
        [(x.disposition, x.owner, x.note) for x in dispositions.values()],
        index=list(dispositions),
        columns=["disposition", "owner", "note"],
        dtype="str",
    )
    place = decided.index.get_indexer(alive["finding"])
    named = place >= 0
    columns = {}
    for name in decided.columns:
        values = alive[name].to_numpy(dtype=object, copy=True)
        values[named] = decided[name].to_numpy(dtype=object)[place[named]]
        columns[name] = pd.Series(values, index=alive.index, dtype="str")
    return alive.assign(**columns)
