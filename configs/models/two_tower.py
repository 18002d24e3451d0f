"""Defines the two-tower model and its training."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from configs.models.base import Model
from configs.models.ranges import Choice, FloatRange, Range


class TwoTower(Model):
    """Users and items in one space, learned by gradient descent: the default.

    Example:
        trainer:
          kind: two_tower
          embedding_dim: 64
          epochs: 20
          patience: 2
          warm_start_epochs: 4
          batch_size: 1024
    """

    kind: Literal["two_tower"] = "two_tower"
    """The kind of model."""

    embedding_dim: int = Field(default=64, ge=2, le=4096)
    """Length of query and candidate embeddings. Default 64: that of the reference two-tower model."""

    epochs: int = Field(default=20, ge=1)
    """The most passes over all training interactions."""

    patience: int | None = Field(default=2, ge=1)
    """Training stops when nDCG has not risen for so many epochs, on targets that are held out of the training
    interactions: the newest of each user, or a random tenth. The best epoch is kept. If the targets are more than 1 %
    of the interactions, the model is then trained again, with them and as long as was best. None: all `epochs` are
    trained at once. A warm start trains `warm_start_epochs` in any case."""

    warm_start_epochs: int = Field(default=4, ge=1)
    """Epochs of a warm start. Default 4: further epochs change nothing in the windows above; the first one alone
    reaches 0.216."""

    batch_size: int = Field(default=1024, ge=2)
    """Interactions in a training step. The items of the others are the negatives of each; a batch of one has no
    gradient."""

    learning_rate: float = Field(default=0.005, gt=0)
    """Step size of the optimizer."""

    optimizer: Literal["adam", "adagrad"] = "adam"
    """The optimizer. Adagrad, the usual one in TFRS, suits sparse tables; Adam needs fewer epochs."""

    temperature: float = Field(default=0.2, gt=0)
    """Logits are cosine similarity divided by this (Yi et al. 2019, section 3)."""

    log_q_correction: bool = True
    """Whether the log of each candidate's sampling probability is subtracted from its logit (Yi et al. 2019, equation
    3)."""

    max_history: int = Field(default=20, ge=1)
    """Largest number of interactions that are pooled into a query, the newest ones. Default 20: at the default decay,
    older ones weigh less than 1 in 80 of the newest. Without an order all weigh the same, so allow more."""

    history_decay: float = Field(default=0.8, gt=0, le=1)
    """Weight of an interaction in the pool, relative to the next newer one; 1 weighs old and new equally. Default 0.8:
    the best of 0.6 to 1 on MovieLens 100K and MovieTweetings, where 0.6 to 0.9 differ little and 1 is clearly worse.
    Not used without an order."""

    user_id_dropout: float = Field(default=0.2, ge=0, lt=1)
    """Share of examples that are trained without the user's own embedding, so that a user without an id is served well.
    An example without a history keeps the embedding."""

    SPACE: ClassVar[Mapping[str, Range]] = {
        "embedding_dim": Choice((32, 64, 128)),
        "learning_rate": FloatRange(0.001, 0.02, log=True),
        "temperature": FloatRange(0.05, 0.4, log=True),
        "history_decay": FloatRange(0.5, 0.98),
        "user_id_dropout": FloatRange(0.0, 0.6),
    }

    @property
    def passes(self) -> int:
        """How often training goes through the interactions."""
        return self.epochs

    @property
    def decay(self) -> float:
        """Weight of an interaction relative to the next newer one: 1 without an order."""
        return self.history_decay if self.is_ordered else 1.0

    def chooses(self, is_warm: bool) -> bool:
        """When training stops, in a cold start; see `Model.chooses`."""
        return self.patience is not None and not is_warm
