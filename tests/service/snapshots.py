"""Makes small versions and their snapshots from plain values; the arrays are what a model would say."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from configs.leave_out import LeaveOut, plain
from documents import service_data
from documents.evaluation import Decision
from documents.provenance import Provenance
from documents.service_data import Histories, ServiceData
from service.snapshot.document import EMBEDDING_FILE
from service.snapshot.model import Asked, write_popularity, write_unembedded
from service.snapshot.prepare import complete
from service.snapshot.snapshot import Snapshot


@dataclasses.dataclass(frozen=True)
class Item:
    """A row of the version's items."""

    item_id: str
    title: str = ""
    count: int = 0
    first_time: int | None = None
    last_time: int | None = None
    features: Mapping[str, Sequence[Any] | None] = dataclasses.field(default_factory=dict)

    def values(self, feature: str) -> Sequence[Any]:
        """A feature's values; none where the file has no list."""
        return self.features[feature] or []


Interaction = tuple[str, float, int]
"""Item id, weight and time."""


def write_version(
    folder: Path,
    items: Sequence[Item],
    kinds: Mapping[str, Any],
    histories: Mapping[str, Sequence[Interaction]] | None = None,
    *,
    is_timed: bool = True,
    leave_out: LeaveOut | None = None,
) -> Path:
    """Writes what lies beside a SavedModel."""
    (folder / service_data.FOLDER).mkdir(parents=True)
    columns: dict[str, Any] = {
        service_data.ITEM_ID: pa.array([item.item_id for item in items], pa.string()),
        service_data.TITLE: pa.array([item.title for item in items], pa.string()),
        service_data.COUNT: pa.array([item.count for item in items], pa.int64()),
        service_data.FIRST_TIME: pa.array([item.first_time for item in items], pa.int64()),
        service_data.LAST_TIME: pa.array([item.last_time for item in items], pa.int64()),
    }
    for name, kind in kinds.items():
        values = [item.features.get(name) for item in items]
        of = pa.float32() if kind == "number" else pa.string()
        columns[service_data.feature_column(name)] = pa.array(values, pa.list_(of))
    pq.write_table(pa.table(columns), folder / service_data.ITEMS_FILE)
    if histories is not None:
        rows = {
            service_data.USER_ID: pa.array(list(histories), pa.string()),
            service_data.ITEM_ID: [[one[0] for one in history] for history in histories.values()],
            service_data.WEIGHT: pa.array(
                [[one[1] for one in history] for history in histories.values()], pa.list_(pa.float32())
            ),
        }
        if is_timed:
            rows[service_data.TIME] = [[one[2] for one in history] for history in histories.values()]
        pq.write_table(pa.table(rows), folder / service_data.HISTORIES_FILE)
    ServiceData(
        items=len(items),
        features=dict(kinds),
        is_timed=is_timed,
        histories=None if histories is None else Histories(users=len(histories), max_items=50),
        metrics={},
        decision=Decision(blessed=True, rules=()),
    ).write(folder)
    Provenance(leave_out=None if leave_out is None else plain(leave_out)).write(folder)
    return folder


def make_snapshot(
    folder: Path,
    item_ids: Sequence[str],
    *,
    embedding: np.ndarray | None = None,
    popularity: Sequence[float] | np.ndarray | None = None,
    version: Path | None = None,
) -> Snapshot:
    """Writes the snapshot of a version whose model says this, and opens it. The model's titles are `model's ID`."""
    folder.mkdir(parents=True)
    write_popularity(folder, np.asarray([0.0] * len(item_ids) if popularity is None else popularity, np.float32))
    if embedding is not None:
        np.save(folder / EMBEDDING_FILE, embedding.astype(np.float32))
        write_unembedded(folder, embedding)
    dim = None if embedding is None else embedding.shape[1]
    asked = Asked(list(item_ids), [f"model's {item_id}" for item_id in item_ids], dim)
    complete(folder, folder.parent / "no version" if version is None else version, asked, "source")
    return Snapshot.open(folder)
