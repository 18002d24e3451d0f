"""Makes data for searches, small enough to fit a model in milliseconds."""

from pathlib import Path
from typing import Any

import numpy as np

from configs.models import AnyModel, ItemItem
from configs.tuner import Tuner
from tests.trainer.worlds import candidates_of, interactions_of
from trainer.data import TrainingData
from trainer.popularity import popularity_shares
from trainer.tuning.journal import Journal
from trainer.tuning.search import Search

ITEMS = 40


def ring(jumps: float = 0.4, users: int = 120, length: int = 12) -> TrainingData:
    """Users who go around a ring of items, one after the other, and jump elsewhere with some chance before each step.

    Nobody is in the eval split.
    """
    rng = np.random.default_rng(0)
    steps = np.where(rng.random((users, length)) < jumps, rng.integers(0, ITEMS, (users, length)), 1)
    steps[:, 0] = rng.integers(0, ITEMS, users)
    histories = (np.cumsum(steps, axis=1) % ITEMS).tolist()
    interactions, candidates = interactions_of(histories), candidates_of(range(ITEMS))
    return TrainingData(
        interactions=interactions,
        held_out=interactions_of(histories),
        candidates=candidates,
        popularity=popularity_shares(interactions.with_items(candidates.place), candidates.items),
        users=[str(user).encode() for user in range(users)],
        interacted_items=[str(item).encode() for item in range(ITEMS)],
        vocabularies={},
    )


def blurred(**changes: Any) -> ItemItem:
    """Settings that count what came soon as much as what came late: wrong where people jump."""
    settings = {"history_decay": 1.0, "gap_decay": 1.0, "eval_top_k": (5,), "ordered_history": True} | changes
    return ItemItem.model_validate(settings)


def search(
    folder: Path, settings: AnyModel, data: TrainingData | None = None, journal: Path | None = None, **limits: Any
) -> Search:
    """A search in the ring."""
    chosen = Tuner.model_validate({"max_seconds": 600, "max_trials": 8} | limits)
    kept = Journal(str(journal) if journal is not None else None)
    return Search(data or ring(), settings, "everything", chosen, kept, {}, str(folder))
