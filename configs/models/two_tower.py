"""Defines the two-tower model and its training."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

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

    learning_rate: float | None = Field(default=None, gt=0)
    """Step size of the optimizer. None: 0.005 for `pool` and 0.002 for `attention`. On held-out targets of MovieLens
    100K, attention reaches an nDCG@100 of 0.200 with 0.002 and 0.184 with 0.005."""

    optimizer: Literal["adam", "adagrad"] = "adam"
    """The optimizer. Adagrad, the usual one in TFRS, suits sparse tables; Adam needs fewer epochs."""

    temperature: float = Field(default=0.2, gt=0)
    """Logits are cosine similarity divided by this (Yi et al. 2019, section 3)."""

    batch_negatives: bool = True
    """Whether the items of the other interactions in a batch are negatives."""

    uniform_negatives: int = Field(default=0, ge=0)
    """How many negatives are drawn for each batch from all interacted items, uniformly and with repeats. All queries of
    the batch share them. Default: none. On held-out targets of MovieLens 100K, nDCG@100 is 0.205 with the batch's
    alone, 0.202 with 256 besides, and 0.192 with 512 in their place; of MovieTweetings 0.174, and 0.156 with 512 in
    their place."""

    log_q_correction: bool = True
    """Whether the log of each candidate's sampling probability is subtracted from its logit (Yi et al. 2019, equation
    3)."""

    query: Literal["pool", "attention"] = "pool"
    """How a history becomes a query. `pool`: the decayed mean of its items. `attention`: that, and causal
    self-attention, which sees which items stand together and in what order (Kang and McAuley 2018). Default: pool. On
    logs of 50,000 to 80,000 interactions attention is not better: on held-out targets, nDCG@100 is 0.202 to 0.205 of
    the pool on MovieLens 100K, and 0.173 (with a learning rate of 0.005) to 0.174 on MovieTweetings. Attention needs
    `ordered_history`: all places of a history are trained at once, and without an order, items would see through their
    neighbours what is to be predicted of them."""

    blocks: int = Field(default=1, ge=1, le=8)
    """Attention: blocks, one after the other."""

    heads: int = Field(default=1, ge=1)
    """Attention: heads of a block. They divide `embedding_dim`."""

    dropout: float = Field(default=0.4, ge=0, lt=1)
    """Attention: share of the values of embeddings and of layers' outputs that are dropped in training."""

    own_history_table: bool = False
    """Whether items in histories have a table of their own, so that "A, then B" can be likely and "B, then A" unlikely.
    It holds by how much an item's embedding in a history differs from the recommended one; it starts at zero. On
    held-out targets it raises nDCG@10 from 0.110 to 0.112 on MovieLens 100K and from 0.114 to 0.117 on MovieTweetings,
    and lowers recall@100 from 0.681 to 0.659 and from 0.506 to 0.504. (Two tables that start apart reach 0.103 and
    0.118.)"""

    max_history: int | None = Field(default=None, ge=1)
    """Largest number of interactions that make a query, the newest ones. None: 20 for `pool` and 50 for `attention`.
    In a pool with the default decay, older ones weigh less than 1 in 80 of the newest. Without an order all weigh the
    same, so allow more."""

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

    @property
    def history_limit(self) -> int:
        """The largest number of interactions that make a query."""
        return self.max_history or (50 if self.query == "attention" else 20)

    @property
    def step_size(self) -> float:
        """The optimizer's step size; see `learning_rate`."""
        return self.learning_rate or (0.002 if self.query == "attention" else 0.005)

    @property
    def needs_order(self) -> str | None:
        """Attention; see `query`."""
        return "query: attention" if self.query == "attention" else None

    def chooses(self, is_warm: bool) -> bool:
        """When training stops, in a cold start; see `Model.chooses`."""
        return self.patience is not None and not is_warm

    @model_validator(mode="after")
    def _learning_rate_is_decided(self) -> "TwoTower":
        object.__setattr__(self, "learning_rate", self.step_size)  # the config is frozen, and not yet in use
        return self

    @model_validator(mode="after")
    def _there_are_negatives(self) -> "TwoTower":
        if not self.batch_negatives and not self.uniform_negatives:
            raise ValueError(
                "batch_negatives is false and uniform_negatives is 0: without negatives, nothing is learned"
            )
        return self

    @model_validator(mode="after")
    def _heads_share_the_dimensions(self) -> "TwoTower":
        if self.embedding_dim % self.heads:
            raise ValueError(f"heads must divide embedding_dim, {self.embedding_dim}; received {self.heads}")
        return self
