"""Writes the items of a snapshot in the catalogue's order: what the version says of them, or else the model alone."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.ipc
import pyarrow.parquet as pq

from common.errors import ModelError
from documents import service_data
from service.snapshot.document import FeatureKind

_INTEGERS = (service_data.COUNT, service_data.FIRST_TIME, service_data.LAST_TIME)


def write_items(
    path: str | Path,
    parquet: str | Path | None,
    item_ids: Sequence[str],
    titles: Sequence[str],
    features: Mapping[str, FeatureKind],
) -> list[str]:
    """Writes an Arrow file with one row for each item of the catalogue.

    Args:
        path: The new file.
        parquet: The version's `documents.service_data.ITEMS_FILE`, in any order. What it lacks has the model's title,
            no features, and nulls. None: all items are so.
        item_ids: The catalogue.
        titles: The model's titles.
        features: Content feature to its kind, as the version's document says.

    Returns:
        The titles that were written.

    Raises:
        ModelError: The Parquet file lacks a column.
        OSError: A file cannot be read or written.
    """
    catalogue = pa.array(item_ids, pa.string())
    columns = {service_data.ITEM_ID: catalogue, service_data.TITLE: pa.array(titles, pa.string())}
    if parquet is None:
        columns |= {name: pa.nulls(len(catalogue), pa.int64()) for name in _INTEGERS}
    else:
        wanted = [service_data.TITLE, *_INTEGERS, *map(service_data.feature_column, features)]
        known = _in_order(parquet, catalogue, wanted)
        title = known[service_data.TITLE].cast(pa.string())
        columns[service_data.TITLE] = pc.coalesce(title, columns[service_data.TITLE])
        columns |= {name: known[name].cast(pa.int64()) for name in _INTEGERS}
        for feature, kind in features.items():
            name = service_data.feature_column(feature)
            columns[name] = _lists(known[name], kind)
    table = pa.table(columns)
    # One batch, so that each column is one array when it is read.
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=max(len(catalogue), 1))
    written: list[str] = columns[service_data.TITLE].to_pylist()
    return written


def _in_order(parquet: str | Path, catalogue: pa.Array, wanted: Sequence[str]) -> dict[str, pa.Array]:
    """Columns of the file, one row for each item of the catalogue; null for one that the file lacks."""
    with pq.ParquetFile(parquet) as file:
        columns = [service_data.ITEM_ID, *wanted]
        if missing := [name for name in columns if name not in file.schema_arrow.names]:
            raise ModelError(
                f"{parquet} has no column {', '.join(missing)}. It is part of the version: run again, or roll back to "
                "another version."
            )
        table = file.read(columns)
    row = pc.index_in(catalogue, value_set=table[service_data.ITEM_ID].cast(pa.string()))
    return {name: table[name].combine_chunks().take(row) for name in wanted}


def _lists(column: pa.Array, kind: FeatureKind) -> pa.Array:
    """The column without nulls, and without numbers that are not finite, which neither JSON nor a range knows."""
    flat, owner = column.flatten(), pc.list_parent_indices(column)
    keep = pc.is_valid(flat)
    if kind == "number":
        keep = pc.and_(keep, pc.fill_null(pc.is_finite(flat), False))
    counts = np.bincount(owner.filter(keep).to_numpy(zero_copy_only=False), minlength=len(column))
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    flat = flat.filter(keep)
    if kind != "number":
        flat = flat.cast(pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), flat)
