"""Chooses how much each part of a blend counts, by held-out targets."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from serving_signatures.served_model import ServedModel
from trainer.evaluate import Evaluator
from trainer.metrics import mean_metrics
from trainer.models.blend.served import any_of, blended, standardised

_SHARES = np.array([0, 0.05, *np.arange(0.1, 0.95, 0.1), 0.95])
"""The shares that a further part may have of the blend. The metric is flat around its best; but a table of few
neighbours, whose standardised scores are zero but for some large ones, wants little: 0.1 on MovieTweetings."""

_LOGGER = logging.getLogger("perennial.trainer")


def chosen_weights(parts: Mapping[str, ServedModel], evaluator: Evaluator) -> tuple[float, ...]:
    """Chooses the weights by `Evaluator.choosing_metric`.

    The metric is searched itself: weights of a mixture of softmaxes by their likelihood (expectation maximisation) lean
    to the model with the best likelihood, and reach nDCG@10 0.114 on validation targets of MovieLens 100K and 0.121 of
    3,000 users of MovieTweetings, where the search over the same mixtures reaches 0.121 and 0.135.

    Begins with the best part, and adds the others, the better ones first, each with the share that is best then: zero,
    if it does not help. For two parts this is a search over all shares; with more, it takes the time of few blends
    (forward selection, as in Caruana et al. 2004, "Ensemble selection from libraries of models"). With more than two,
    each share is then chosen once more beside all others, since a part may say what another one has said before.

    Args:
        parts: The models by name, trained without the targets.
        evaluator: Measures on them.

    Returns:
        `[parts]`, which sum to 1.
    """
    names, models, alone = list(parts), list(parts.values()), np.eye(len(parts))
    of_part = _measured(models, alone, evaluator)
    best, *others = np.argsort(-of_part, kind="stable")
    weights = alone[best]
    once_more = [best, *others] if len(parts) > 2 else []
    for part in [*others, *once_more]:
        rest = np.where(alone[part] > 0, 0, weights)
        if not rest.any():
            continue  # it is the only one so far
        rest /= rest.sum()
        tried = (1 - _SHARES)[:, np.newaxis] * rest + _SHARES[:, np.newaxis] * alone[part]
        tried = np.concatenate([weights[np.newaxis], tried])  # in a tie, what there is stays
        weights = tried[np.argmax(_measured(models, tried, evaluator))]
    weights = np.round(weights, 4)
    value = float(_measured(models, weights[np.newaxis], evaluator)[0])
    _LOGGER.info(
        "blend by %s: %.4f; %s",
        evaluator.choosing_metric,
        value,
        ", ".join(f"{n} alone {m:.4f}, weight {w:.2f}" for n, m, w in zip(names, of_part, weights, strict=True)),
    )
    return tuple(float(weight) for weight in weights)


def _measured(
    parts: Sequence[ServedModel], weights: npt.NDArray[np.float64], evaluator: Evaluator
) -> npt.NDArray[np.float64]:
    """The metric of blends, `[blends]`, of weights `[blends, parts]`."""

    def scores(user: Any, history: Any, weight: Any) -> list[tuple[Any, Any]]:
        asked = [standardised(*part.scores(user, history, weight)) for part in parts]
        is_known = any_of([known for _, known in asked])
        return [(blended([values for values, _ in asked], row), is_known) for row in weights.astype(np.float32)]

    metrics = evaluator.each_by_user(scores)
    return np.array([mean_metrics(of_blend)[evaluator.choosing_metric] for of_blend in metrics])
