"""The findings that are open or waived, ready to be loaded: a table of their own in the ledger.

It holds in one Arrow block what the rows of those findings say, written with them in one
transaction. Whatever changes such a row drops the block; then the rows are read.
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa

from auditor.history.findings import KNOWN_COLUMNS, frame_of, typed
from auditor.history.ledger import Ledger
from auditor.history.sealed_rows import opened_rows
from auditor.report.dispositions import Disposition

# A finding that came in or came back stays written so: of every run but the last it means that the
# finding persists. So no later night touches its row for that.
_STATUS = (
    "CASE WHEN status IN ('new', 'reopened') AND status_run <> "
    "(SELECT run FROM runs ORDER BY seq DESC LIMIT 1) THEN 'persisting' ELSE status END"
)
_COLUMNS = ", ".join(_STATUS if name == "status" else name for name in KNOWN_COLUMNS)
_SELECT = f"SELECT {_COLUMNS} FROM findings"  # noqa: S608  names of our own
_BLOCK = "findings that are open or waived"
_ALIVE = ("new", "persisting", "reopened", "waived")
# A column with more words than this share of its rows is kept as it is.
_MOST_WORDS = 0.1


def alive_of(ledger: Ledger) -> pd.DataFrame:
    """All findings that are open or waived, columns ``KNOWN_COLUMNS``."""
    block = ledger.rows("SELECT findings FROM alive")
    if not block:
        return frame_of(known_rows(ledger, f"status IN {_ALIVE}"))
    content = block[0][0]
    if ledger.seal.on:
        content = ledger.seal.open(content, _BLOCK)
    with pa.ipc.open_stream(content) as stream:
        table = stream.read_all()
    columns: dict[str, Any] = {name: table[name] for name in table.column_names}
    for name, cells in columns.items():
        if pa.types.is_dictionary(cells.type):
            columns[name] = cells.cast(pa.large_string())
    return typed(pa.table(columns).to_pandas())


def known_rows(ledger: Ledger, condition: str, *values: Any) -> list[tuple[Any, ...]]:
    """The findings of the ledger that meet a condition, columns ``KNOWN_COLUMNS``."""
    return opened_rows(ledger.rows(f"{_SELECT} WHERE {condition}", *values), ledger.seal)


def keep_alive(ledger: Ledger, alive: pd.DataFrame) -> None:
    """Keeps them for the next night; inside ``writing``, after the last change of a finding."""
    table = pa.Table.from_pandas(alive[list(KNOWN_COLUMNS)], preserve_index=False)
    columns = {name: _fewer(table[name].combine_chunks()) for name in table.column_names}
    table, written = pa.table(columns), pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(written, table.schema, options=options) as stream:
        stream.write_table(table)
    ledger.do("DELETE FROM alive")
    content: Any = memoryview(written.getvalue())
    if ledger.seal.on:
        content = ledger.seal.close(content.tobytes(), _BLOCK)
    ledger.put("alive", ("findings",), [(content,)])


def _fewer(cells: Any) -> Any:
    """Texts as places in a list of words, where there are few words."""
    if not pa.types.is_large_string(cells.type):
        return cells
    coded = cells.dictionary_encode()
    return coded if len(coded.dictionary) <= len(cells) * _MOST_WORDS else cells


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


def without_decision(
    alive: pd.DataFrame, dispositions: Mapping[str, Disposition]
) -> dict[str, Disposition]:
    """Of some decisions, those about findings of which nothing is decided."""
    blank = (alive[["disposition", "owner", "note"]] == "").all(axis=1)
    undecided: set[str] = set(alive.loc[blank, "finding"].tolist())
    return {finding: one for finding, one in dispositions.items() if finding in undecided}
