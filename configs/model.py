"""Defines how the model is trained and how it is served."""

from typing import Literal

from pydantic import Field, model_validator

from configs.base import Settings
from configs.leave_out import LeaveOut


class Trainer(Settings):
    """The two-tower model and its training.

    Example:
        trainer:
          embedding_dim: 64
          epochs: 8
          warm_start_epochs: 4
          batch_size: 1024
    """

    embedding_dim: int = Field(default=64, ge=2, le=4096)
    """Length of query and candidate embeddings. Default 64: that of the reference two-tower model."""

    epochs: int = Field(default=8, ge=1)
    """Passes over all training interactions. Default 8: further epochs change little on MovieLens 100K and
    MovieTweetings."""

    warm_start: bool = True
    """Whether training starts from the last blessed model, whose embeddings are carried over by id. Training starts
    cold if there is no such model, or if it has another architecture. With either value, a run on the same data, config
    and code as the last blessed model hands that model on and pushes nothing. Default: yes. In ten growing windows of
    MovieTweetings, 10,000 events each, warm starts reach a higher mean hit_rate@10 in half the epochs than cold starts
    in all of them: 0.215 to 0.210 over windows 2 to 10, in 54 % of the processor time."""

    warm_start_epochs: int | None = Field(default=None, ge=1)
    """Epochs of a warm start. None: half of `epochs`, rounded up. Further epochs change nothing in the windows above;
    the first one alone reaches 0.216."""

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

    ordered_history: bool | None = None
    """Whether the order of a history has a meaning. True: the query of a training example is what came before it, and
    the newest interactions weigh most. False, for a log without an order in time: the query is everything else that the
    user met, with equal weights. None: true if the log has timestamps and `log.split.method` is not `random`, whose
    held-out interactions lie between the others."""

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

    seed: int = Field(default=0, ge=0)
    """Seed of initialisation and shuffling. Two runs with one seed are equal on the CPU of one machine; other hardware
    adds in another order."""

    eval_top_k: tuple[int, ...] = (10, 100)
    """The values of k in recall@k and nDCG@k at the end of each epoch."""

    eval_max_users: int = Field(default=50_000, ge=1)
    """Largest number of evaluated users at the end of an epoch, the first ones in id-hash order; it bounds the time
    this takes."""

    @property
    def is_ordered(self) -> bool:
        """Whether the order of a history has a meaning; a pipeline's config has decided it, see `ordered_history`."""
        return self.ordered_history is not False

    @property
    def epochs_when_warm(self) -> int:
        """Epochs of a warm start."""
        return self.warm_start_epochs or (self.epochs + 1) // 2

    @model_validator(mode="after")
    def _top_k_is_positive(self) -> "Trainer":
        if not self.eval_top_k or min(self.eval_top_k) < 1:
            raise ValueError(f"eval_top_k must hold positive integers; received {self.eval_top_k}")
        return self


class Serving(Settings):
    """The signatures of the exported model.

    Example:
        serving:
          k: 10
          leave_out: nothing
    """

    k: int = Field(default=10, ge=1)
    """Number of items that `serving_default` recommends; that signature takes no k."""

    leave_out: LeaveOut | None = None
    """What is not recommended to a user again: `everything` that the user met; `nothing`; or `{from_weight: w}`, what
    the user met in an event of at least this weight, such as what was bought. Evaluation, gate and baselines follow the
    same rule, and so do the held-out targets: the purchase of an article that was viewed before is a target, unless
    `everything` is left out. None: the weight of the heaviest event if the log has `event_weights`, else
    `everything`."""

    @property
    def rule(self) -> LeaveOut:
        """What is left out; a pipeline's config has decided it, see `leave_out`."""
        return self.leave_out or "everything"
