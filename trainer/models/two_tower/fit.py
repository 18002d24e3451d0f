"""Trains a two-tower model, from scratch or from the last blessed one."""

import logging

import numpy as np
import numpy.typing as npt

from configs.models.two_tower import TwoTower
from serving_signatures.served_model import CosineModel
from trainer.candidates import Candidates
from trainer.checks import check_batches, check_embeddings
from trainer.epochs import Epochs
from trainer.fitting import Fitted, Training
from trainer.models.two_tower.batches import Batches
from trainer.models.two_tower.distribution import find_strategy
from trainer.models.two_tower.training import train
from trainer.models.two_tower.two_tower import TwoTowerModel
from trainer.models.two_tower.warm_start import carry_over, learned, nothing_carried, table_ids
from trainer.models.two_tower.windows import Windows

_ITEMS_A_BLOCK = 1 << 16
"""Items embedded at a time; this limits the memory for their content."""


def architecture(settings: TwoTower) -> str:
    """How the tables and arrays work together."""
    history = "projected history"
    if settings.query == "attention":
        shape = f"{settings.blocks} block(s) of {settings.heads} head(s)"
        history = f"{history} and {shape} over {settings.history_limit} items"
    rows = "item rows + offsets" if settings.own_history_table else "item rows"
    return (
        f"two-tower: item row + mean of each content feature; user row + {history} of {rows}; cosine of "
        f"{settings.embedding_dim} dimensions"
    )


def fit(training: Training, settings: TwoTower) -> Fitted:
    """Trains the model; see `trainer.fitting`.

    Raises:
        TrainingError: The batches are too small, training diverges, or the embeddings collapse.
    """
    data, candidates = training.data, training.data.candidates
    check_batches(data.interactions, settings.batch_size)
    strategy = find_strategy()
    logging.getLogger("perennial.trainer").info("training on %d device(s)", strategy.num_replicas_in_sync)
    pipeline = Windows if settings.query == "attention" else Batches
    batches = pipeline(data.interactions, candidates, settings, strategy.num_replicas_in_sync)
    with strategy.scope():
        model = TwoTowerModel(len(data.users), data.interactions, candidates, settings)
    ids = table_ids(data.users, data.interacted_items, candidates, data.vocabularies)
    carried = carry_over(model, training.base, ids, candidates) if training.base else nothing_carried(model, ids)
    epochs = (settings.warm_start_epochs if training.base else settings.epochs) if settings.learn else 0
    training.begin(carried, epochs)
    patience = settings.patience if training.may_choose else None
    done = Epochs(training.evaluator, training.folder, epochs, batches.interactions, patience)
    train(model, batches, done, lambda: served(model, candidates).scores, keep_best=patience is not None)

    made = served(model, candidates)
    check_embeddings(made.embedding.numpy()[candidates.place], "interacted items")
    check_embeddings(training.evaluator.embed_queries(made.embed, settings.embedding_dim), "evaluated users")
    tables, arrays = learned(model, ids)
    chosen = settings.model_copy(update={"epochs": done.best, "patience": None}) if patience is not None else settings
    return Fitted(made, chosen, tuple(done.done), carried, tables, arrays)


def served(model: TwoTowerModel, candidates: Candidates) -> CosineModel:
    """The model as it is served, with the embeddings that it gives now."""
    return CosineModel(model.query_tower.call, model.query_tower.variables, embed_catalogue(model, candidates))


def embed_catalogue(
    model: TwoTowerModel, candidates: Candidates, items_a_block: int = _ITEMS_A_BLOCK
) -> npt.NDArray[np.float32]:
    """Embeddings of all items.

    Args:
        model: The model.
        candidates: The catalogue.
        items_a_block: Items embedded at a time.

    Returns:
        `[items, dim]`.
    """
    places = np.arange(candidates.items)
    blocks = [
        model.candidate_tower(places[start : start + items_a_block]).numpy()
        for start in range(0, candidates.items, items_a_block)
    ]
    return np.concatenate(blocks)
