"""Fixtures: the shop's raw Examples, its model in memory and exported, and the trainer's metrics of that model."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from configs.catalogue import CatalogueSettings
from configs.leave_out import LeaveOut, plain
from configs.models.two_tower import TwoTower
from documents.provenance import Provenance
from serving_signatures.export import export_model
from serving_signatures.retriever import Retriever, ServedCatalogue
from serving_signatures.served_model import CosineModel
from tests.trainer_inputs import TrainerInputs, write_examples
from trainer.candidates import Candidates, read_candidates
from trainer.histories import Histories, read_histories
from trainer.models.two_tower.fit import served
from trainer.models.two_tower.two_tower import TwoTowerModel
from trainer.popularity import popularity_shares
from transforms import features
from transforms.catalogue import content_sizes


@dataclasses.dataclass(frozen=True)
class Shop:
    """Artifacts, and the objects from which they were made."""

    examples: Path
    model: Path
    two_tower: TwoTowerModel
    served: CosineModel
    held_out: Histories
    candidates: Candidates
    popularity: np.ndarray
    train: dict[str, list[str]]
    histories: dict[str, list[str]]
    targets: dict[str, list[str]]
    weights: dict[str, list[float]]
    export: Callable[[str, LeaveOut], None]
    """Exports the model to a folder, with another rule of what is left out."""


@pytest.fixture(scope="session")
def shop_artifacts(shop: TrainerInputs, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """The shop with untrained towers: these tests compare two ways of measuring, so the quality does not matter."""
    folder = tmp_path_factory.mktemp("evaluated")
    interactions_graph = tft.TFTransformOutput(shop.transform_graph_path)
    catalogue_graph = tft.TFTransformOutput(shop.candidates_transform_graph_path)
    users = interactions_graph.vocabulary_by_name(features.USER_VOCABULARY)
    met_items = interactions_graph.vocabulary_by_name(features.INTERACTED_ITEM_VOCABULARY)
    sizes = content_sizes(catalogue_graph, CatalogueSettings(features=shop.features).features)
    candidates = read_candidates(shop.candidates_files, met_items, sizes)
    interactions, held_out = read_histories(shop.train_files), read_histories(shop.eval_files)
    two_tower = TwoTowerModel(len(users), interactions, candidates, TwoTower(embedding_dim=8, seed=5))
    popularity = popularity_shares(interactions.with_items(candidates.place), candidates.items)
    catalogue = ServedCatalogue(
        item_id=candidates.item_id,
        title=candidates.title,
        popularity=popularity,
        row=candidates.row,
    )

    model = served(two_tower, candidates)

    def export(where: str, leave_out: LeaveOut) -> None:
        retriever = Retriever(
            model=model,
            catalogue=catalogue,
            interactions_graph=interactions_graph,
            catalogue_graph=catalogue_graph,
            default_k=4,
            leave_out=leave_out,
        )
        export_model(retriever, where, Provenance(leave_out=plain(leave_out)))

    export(str(folder / "model" / "Format-Serving"), "everything")
    train = _raw(shop.train_files, met_items)
    held = _raw(shop.eval_files, met_items)
    # Two files, so that there are two blocks.
    for split, rows in (("train", train), ("eval", held)):
        for n in range(2):
            write_examples(folder / "examples" / f"Split-{split}" / f"data-{n}.gz", rows[n::2])

    def column(rows: list[dict[str, Any]], name: str) -> dict[str, list[Any]]:
        return {row[features.USER_ID][0].decode(): [_text(value) for value in row[name]] for row in rows}

    return Shop(
        examples=folder / "examples",
        model=folder / "model",
        two_tower=two_tower,
        served=model,
        held_out=held_out,
        candidates=candidates,
        popularity=popularity,
        train=column(train, features.ITEM_ID),
        histories=column(held, features.ITEM_ID),
        targets=column(held, features.TARGET_ITEM_ID),
        weights=column(held, features.VALUE),
        export=export,
    )


def _raw(patterns: list[str], met_items: list[bytes]) -> list[dict[str, Any]]:
    """Turns transformed Examples back into the raw ones from which they were made."""
    files = tf.io.gfile.glob(patterns)
    rows = []
    for record in tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator():
        feature = tf.train.Example.FromString(record).features.feature
        index = feature[features.HISTORY_INDEX].int64_list.value
        rows.append(
            {
                features.USER_ID: list(feature[features.USER_ID].bytes_list.value),
                features.ITEM_ID: [met_items[n] for n in index],
                features.VALUE: list(feature[features.HISTORY_WEIGHT].float_list.value),
                features.TARGET_ITEM_ID: list(feature[features.TARGET_ITEM_ID].bytes_list.value),
            }
        )
    return rows


def _text(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value
