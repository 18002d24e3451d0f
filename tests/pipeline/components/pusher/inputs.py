"""Artifacts that the Pusher reads beside the model: small Examples of both kinds, and an evaluation."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tfx.types import standard_artifacts

from configs.service.pushed_data import PushedData
from pipeline.components.interaction_gen.newest import history_schema
from tests.documents.samples import CLEANING, EVALUATION
from tests.trainer_inputs import write_examples

SETTINGS = PushedData(features={"genres": "category", "year": "number"}, is_timed=True, max_history=3)

EVENTS_EXPORT = 4
"""The newest export of events that InteractionGen has read."""

ITEMS: list[dict[str, list[Any]]] = [
    {"item_id": ["é"], "title": ["Alien"], "genres": ["horror", "sci-fi"], "year": [1979.0]},
    {"item_id": ["b"], "title": ["Brazil"], "genres": ["sci-fi"], "year": []},
    {"item_id": ["a"], "title": ["a"], "genres": [], "year": [1.5, 2.5]},
]

HISTORIES: list[dict[str, Any]] = [
    {"user_id": "ann", "item_id": ["b", "é"], "weight": [1.0, 0.5], "time": [5, 9]},
    {"user_id": "bob", "item_id": ["b"], "weight": [1.0], "time": [7]},
    {"user_id": "cleo", "item_id": ["é"], "weight": [2.0], "time": [8]},
]


def write_interactions(folder: Path, shards: int = 2) -> str:
    """Writes what InteractionGen leaves for the Pusher; returns the folder."""
    folder.mkdir(parents=True)
    CLEANING.model_copy(update={"events_export": EVENTS_EXPORT}).write(folder)
    pq.write_table(pa.table({"item_id": ["b", "x"], "count": [7, 2]}), folder / "items.parquet")
    times = {"item_id": ["b", "é"], "first_time": [5, 8], "last_time": [7, 9]}
    pq.write_table(pa.table(times), folder / "item_times.parquet")
    for shard in range(shards):
        table = pa.Table.from_pylist(HISTORIES[shard::shards], history_schema(is_timed=True))
        pq.write_table(table, folder / f"histories-{shard:05d}-of-{shards:05d}.parquet")
    return str(folder)


def write_catalogue(folder: Path, items: list[dict[str, list[Any]]] | None = None) -> tuple[str, ...]:
    """Writes CatalogueGen's Examples in two files; returns these."""
    items = ITEMS if items is None else items
    files = tuple(folder / "Split-train" / f"{n}.gz" for n in range(2))
    for file, rows in zip(files, (items[:2], items[2:]), strict=True):
        write_examples(file, rows)
    return tuple(map(str, files))


def artifacts(folder: Path) -> dict[str, list[Any]]:
    """The three channels, as the executor gets them; what exists is not written again."""
    made = {}
    for name, kind in (
        ("interactions", standard_artifacts.Examples),
        ("catalogue", standard_artifacts.Examples),
        ("evaluation", standard_artifacts.ModelEvaluation),
    ):
        artifact = kind()
        artifact.uri = str(folder / name)
        made[name] = [artifact]
    made["catalogue"][0].split_names = '["train"]'
    if not (folder / "evaluation").exists():
        write_interactions(folder / "interactions")
        write_catalogue(folder / "catalogue")
        EVALUATION.write(folder / "evaluation")
    return made
