"""Columns on disk: prepared lines of a bucket packed together, findings as they lie in memory.

What a worker keeps of its lines is as narrow as it can be, for writing takes as long as it is wide.
Findings come back mapped, not copied: the system may take their memory away while nobody looks.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from auditor.audit import Prepared
from auditor.extract import Extract
from auditor.ingest.frame import TEXT, of_distinct
from auditor.scale.exchange import least_wide
from auditor.scale.scratch import Codec

_MISSING = "?"  # a column of whole numbers has one beside it that says which are missing
_KIND, _SUPERSEDED = b"kind", b"superseded"


def keep(prepared: Prepared, path: Path, codec: Codec) -> None:
    """Writes prepared lines into a file, packed by ``codec``, all but their extract."""
    columns: dict[str, Any] = {}
    kinds: dict[str, str] = {}
    for name, values in prepared.lines.items():
        kinds[str(name)] = str(values.dtype)
        columns |= _packed(str(name), values.array)
    fields = [
        pa.field(name, array.type, metadata={_KIND: kinds.get(name, "")})
        for name, array in columns.items()
    ]
    schema = pa.schema(fields, metadata={_SUPERSEDED: str(prepared.superseded)})
    batch = pa.record_batch(list(columns.values()), schema=schema)
    packed = pa.ipc.IpcWriteOptions(compression=codec)
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, schema, options=packed) as writer,
    ):
        writer.write_batch(batch)


def kept(path: Path, extract: Extract) -> Prepared:
    """Prepared lines from a file, to be judged under an extract."""
    with pa.memory_map(str(path)) as file, pa.ipc.open_file(file) as reader:
        batch = reader.get_batch(0)
    columns: dict[str, Any] = {}
    for field in batch.schema:
        kind = (field.metadata or {}).get(_KIND, b"").decode()
        if kind:
            missing = f"{field.name}{_MISSING}"
            mask = batch.column(missing).to_numpy() if missing in batch.schema.names else None
            columns[field.name] = _unpacked(batch.column(field.name), kind, mask)
    superseded = int((batch.schema.metadata or {})[_SUPERSEDED])
    return Prepared(pd.DataFrame(columns, copy=False), extract, superseded)


def _packed(name: str, column: Any) -> dict[str, Any]:
    """A column as arrays as narrow as they can be; which numbers are missing only if some are."""
    if isinstance(column, pd.arrays.IntegerArray):
        arrays = _arrays(name, column)
        packed = {name: least_wide(arrays.pop(name))}
        return packed | arrays if column.isna().any() else packed
    if column.dtype.kind == "M":
        return {name: pa.array(np.asarray(column).astype("datetime64[D]"), pa.date32())}
    if column.dtype.kind == "f":
        return {name: least_wide(pa.array(np.asarray(column)))}
    return _arrays(name, column)


def _unpacked(array: Any, kind: str, mask: Any) -> Any:
    if kind == "Int64":
        missing = np.zeros(len(array), dtype=np.uint8) if mask is None else mask
        return _column(array.cast(pa.int64()), kind, missing)
    if kind.startswith("datetime"):
        return array.cast(pa.timestamp("s")).to_numpy(zero_copy_only=False)
    if kind == "float64":
        return array.cast(pa.float64()).to_numpy()
    return _column(array, kind, mask)


def laid_aside(column: Any, path: Path) -> Any:
    """A column of a frame as it is, its memory that of a file."""
    arrays = _arrays(path.name, column)
    batch = pa.record_batch(list(arrays.values()), names=list(arrays))
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
        writer.write_batch(batch)
    with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as reader:
        values, *missing = reader.get_batch(0).columns
    return _column(values, str(column.dtype), missing[0].to_numpy() if missing else None)


def _arrays(name: str, column: Any) -> dict[str, Any]:
    """A column as arrays that its memory can be mapped from, the one of its own name first."""
    if isinstance(column, pd.Categorical):
        words = pa.array(column.categories, pa.string())
        return {name: pa.DictionaryArray.from_arrays(pa.array(column.codes), words)}
    if isinstance(column, pd.arrays.IntegerArray):
        missing = pa.array(column.isna().view(np.uint8))
        return {
            name: pa.array(column.to_numpy(dtype=np.int64, na_value=0)),
            f"{name}{_MISSING}": missing,
        }
    if isinstance(column.dtype, pd.StringDtype):
        texts: Any = pa.array(column, pa.large_string())
        return {name: texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts}
    numbers = np.asarray(column)
    wide = numbers.view(np.uint8) if numbers.dtype == np.bool_ else numbers.view(np.int64)
    return {name: pa.array(wide)}


def _column(array: Any, kind: str, mask: Any) -> Any:
    if kind == "category":
        return of_distinct(array.indices.to_numpy(), array.dictionary)
    if kind == "str":
        return pd.array(array, dtype=TEXT)
    if mask is not None:
        return pd.arrays.IntegerArray(array.to_numpy(), mask.view(np.bool_))
    return array.to_numpy().view(np.dtype(kind))
