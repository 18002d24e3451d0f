"""Checks before, during and after training. A check that fails raises TrainingError, and no model is exported."""

import math

import numpy as np
import numpy.typing as npt

from common.errors import TrainingError
from trainer.histories import Histories

MAX_CONCENTRATION = 0.98
"""Above this length of the mean of unit vectors, embeddings count as collapsed: the mean cosine of two of them is then
above 0.96, and every query ranks by differences of a few hundredths. Models trained on MovieLens 100K, MovieTweetings
and Retailrocket have 0.2 to 0.6."""


def check_data(interactions: Histories, held_out: Histories) -> None:
    """Refuses data from which nothing can be learned, or on which nothing can be measured.

    Args:
        interactions: The train split.
        held_out: The eval split.

    Raises:
        TrainingError: A split is empty, or all training interactions are with one item.
    """
    size = len(interactions.item)
    if size == 0:
        raise TrainingError("The train split is empty: there is nothing to learn from. Check the cleaning report.")
    if len(np.unique(interactions.item)) < 2:
        raise TrainingError(
            f"All {size} training interactions are with one item: there is nothing to choose between. Check the "
            "cleaning report and log.columns.item_id."
        )
    if len(held_out.target) == 0:
        raise TrainingError(
            f"The eval split is empty: none of its {held_out.users} users has a held-out interaction, so the model "
            "could not be measured. Choose another log.split, or keep users with two interactions or more."
        )


def check_batches(interactions: Histories, batch_size: int) -> None:
    """Refuses batches from which nothing can be learned.

    Args:
        interactions: The train split.
        batch_size: The config's batch size.

    Raises:
        TrainingError: A batch would hold a single interaction.
    """
    size = len(interactions.item)
    if min(size, batch_size) < 2:
        raise TrainingError(
            f"A batch of one has no other item as a negative, so it has no gradient: {size} training interactions in "
            f"batches of {batch_size}. Give more interactions or a larger trainer.batch_size."
        )


def check_loss(loss: float, epoch: int, learning_rate: float) -> None:
    """Refuses a loss that is not a number.

    Args:
        loss: Mean over the epoch.
        epoch: Its number, from 1.
        learning_rate: The config's learning rate, for the message.

    Raises:
        TrainingError: The loss is not finite.
    """
    if not math.isfinite(loss):
        raise TrainingError(
            f"The loss of epoch {epoch} is {loss}: training diverged. Lower trainer.learning_rate "
            f"(now {learning_rate}) or raise trainer.temperature, and look for values that are not finite in the log."
        )


def check_embeddings(embeddings: npt.NDArray[np.float32], what: str) -> None:
    """Refuses embeddings that are not finite, or that all point in the same direction.

    Args:
        embeddings: `[rows, dim]`, of length 1, or zero if nothing is known.
        what: What is embedded, for the message.

    Raises:
        TrainingError: Some are not finite, or they have collapsed.
    """
    if not np.isfinite(embeddings).all():
        raise TrainingError(f"Embeddings of {what} are not finite: training diverged. Lower trainer.learning_rate.")
    embedded = embeddings[embeddings.any(axis=1)]
    concentration = concentration_of(embedded)
    if concentration > MAX_CONCENTRATION:
        raise TrainingError(
            f"The embeddings of {len(embedded)} {what} have collapsed to one direction: the mean of these unit vectors "
            f"has length {concentration:.3f}, but at most {MAX_CONCENTRATION} is allowed. Every user would get the "
            "same recommendations. Lower trainer.learning_rate, or train on more interactions."
        )


def concentration_of(vectors: npt.NDArray[np.float32]) -> float:
    """Length of the mean of unit vectors `[rows, dim]`: 0 if all directions are equally common, 1 if there is one only.

    Its square is the mean cosine of two of them (Mardia and Jupp, Directional Statistics, section 9.2). Fewer than two
    vectors cannot collapse and count as 0.
    """
    return float(np.linalg.norm(vectors.mean(axis=0, dtype=np.float64))) if len(vectors) > 1 else 0.0
