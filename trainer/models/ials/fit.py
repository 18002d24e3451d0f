"""Trains the factors in memory. `beam.py` does the same over shards of users."""

import functools
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from common.errors import WarmStartError
from configs.models.ials import Ials
from trainer.candidates import Candidates
from trainer.epochs import Epochs
from trainer.fitting import Fitted, Training
from trainer.histories import Histories
from trainer.models.ials.entries import Floats, entries_of
from trainer.models.ials.served import ServedIals
from trainer.models.ials.solve import Objective, penalty, solve_rows
from trainer.warm_state import Table, carried_rows

_INITIAL_LENGTH = 0.1
"""Root mean square length of fresh factors: short beside those of trained items, as in Rendle et al. 2022."""

Report = Callable[[float, Callable[[], ServedIals]], None]
"""Called after each iteration with the mean loss of an interaction, and a function that makes the model of that
moment."""

_TABLE = "item_factor"
"""Name of the table from which a later training starts."""


def architecture(settings: Ials) -> str:
    """How the model works."""
    return f"ials: item factors of {settings.embedding_dim} dimensions, and users folded in"


def fit(training: Training, settings: Ials) -> Fitted:
    """Trains the model; see `trainer.fitting`."""
    data = training.data
    ids = data.interacted_items
    base_factors, carried = carried_rows(training.base, _TABLE, ids, settings.embedding_dim)
    training.begin({_TABLE: carried}, settings.passes)
    epochs = Epochs(training.evaluator, training.folder, settings.passes, len(data.interactions.item))

    def report(mean_loss: float, make_model: Callable[[], ServedIals]) -> None:
        epochs.measure(mean_loss, make_model().scores)

    model = factorised(data.interactions, data.candidates, settings, base_factors, report)
    factors = model.item_embedding.numpy()[data.candidates.place]
    return Fitted(model, settings, tuple(epochs.done), {_TABLE: carried}, {_TABLE: Table(ids, factors)})


def factorised(
    interactions: Histories,
    candidates: Candidates,
    settings: Ials,
    base_factors: npt.NDArray[np.float32] | None = None,
    report: Report | None = None,
) -> ServedIals:
    """Alternates between users and items.

    Args:
        interactions: The train split; items are rows.
        candidates: The catalogue.
        settings: The model's settings, and the seed of the first factors.
        base_factors: float32 `[rows, embedding_dim]`, where training starts: the item factors of an earlier model, zero
            for an item that it lacks, which then gets a fresh one. None: all are fresh.
        report: Called after each iteration.

    Returns:
        The model.

    Raises:
        WarmStartError: `base_factors` has another shape, or values that are not finite.
    """
    by_user = entries_of(interactions, settings.use_event_weights)
    by_item = by_user.transposed(len(candidates.place))
    items = initial_factors(by_item.rows, settings.embedding_dim, settings.seed, base_factors)
    if base_factors is not None and not settings.learn:
        items = base_factors  # nothing is known of a new item
    total = float(by_user.mass.sum())
    objective = Objective.of(settings, by_user.rows, by_item.rows, total)
    user_penalty = penalty(by_user.mass, by_item.rows, objective)
    # Threads of the linear algebra would wait for each other by spinning: the matrices are small, and there are many.
    with threadpool_limits(1, "blas"):
        for _ in range(settings.passes):
            users, _ = solve_rows(by_user, items, objective)
            items, explained = solve_rows(by_item, users, objective)
            loss = total - explained + float(user_penalty @ np.einsum("ud,ud->u", users, users))
            if report is not None:
                report(loss / max(total, 1.0), functools.partial(ServedIals, items, candidates, settings, objective))
    return ServedIals(items, candidates, settings, objective)


def initial_factors(rows: int, dim: int, seed: int, base_factors: npt.NDArray[np.float32] | None = None) -> Floats:
    """The item factors from which training starts, float32 `[rows, dim]`.

    Args:
        rows: Number of interacted items.
        dim: Length of a factor.
        seed: Seed of fresh factors.
        base_factors: As in `fit`.

    Raises:
        WarmStartError: `base_factors` has another shape, or values that are not finite.
    """
    rng = np.random.default_rng([seed, *b"item_factor"])
    fresh = rng.normal(0.0, _INITIAL_LENGTH / np.sqrt(dim), (rows, dim)).astype(np.float32)
    if base_factors is None:
        return fresh
    if base_factors.shape != fresh.shape:
        raise WarmStartError(f"the base model's factors have the shape {base_factors.shape}, should be {fresh.shape}")
    if not np.isfinite(base_factors).all():
        raise WarmStartError("the base model's factors hold values that are not finite")
    is_known = np.any(base_factors != 0, axis=1)
    return np.where(is_known[:, np.newaxis], base_factors, fresh)
