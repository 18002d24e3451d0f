"""What is learned and how it is asked."""

from typing import Literal

from pydantic import Field, model_validator

from configs.base import Settings


class Trainer(Settings):
    """The two-tower model and its training."""

    embedding_dim: int = Field(default=64, ge=2, le=4096)
    """Length of query and candidate embeddings. Default 64: the reference two-tower."""

    epochs: int = Field(default=8, ge=1)
    """Passes over all training interactions. Default 8: later ones change little on MovieLens 100K and
    MovieTweetings."""

    warm_start: bool = True
    """Whether training starts from the last blessed model, whose rows are carried over by id; without one, or from one
    of another architecture, it starts cold. Whatever it says, a run of the same data, config and code as the last
    blessed model's hands that model on, and pushes nothing. Default: yes. In ten growing windows of MovieTweetings,
    10,000 events each, warm starts reach a higher mean hit_rate@10 in half the epochs than cold ones in all of them:
    0.215 to 0.210 over windows 2 to 10, in 54 % of the processor's time."""

    warm_start_epochs: int | None = Field(default=None, ge=1)
    """Epochs of a warm start. None: half of `epochs`, rounded up; later ones change nothing there, and the first one
    alone reaches 0.216."""

    batch_size: int = Field(default=1024, ge=2)
    """Interactions a step; each one's item is a negative for the others. A batch of one has no gradient."""

    learning_rate: float = Field(default=0.005, gt=0)
    """Step size of the optimizer."""

    optimizer: Literal["adam", "adagrad"] = "adam"
    """The optimizer. Adagrad's default in TFRS suits sparse tables, Adam needs fewer epochs."""

    temperature: float = Field(default=0.2, gt=0)
    """Logits are cosine similarity over this (Yi et al. 2019, section 3)."""

    log_q_correction: bool = True
    """Subtract the log of each candidate's sampling probability from its logit (Yi et al. 2019, equation 3)."""

    ordered_history: bool = True
    """Whether the order of a history means something. True: a training example is asked with what came before it, and
    the newest weighs most. False, for a log in no order of time: with all else that the user met, alike."""

    max_history: int = Field(default=20, ge=1)
    """Interactions of a query that are pooled, the newest. Default 20: at the default decay, older ones weigh less than
    1 in 80 of the newest. Without an order every one tells as much: give more room."""

    history_decay: float = Field(default=0.8, gt=0, le=1)
    """Weight in the pool of an interaction relative to the next newer one; 1 weighs old and new alike. Default 0.8: the
    best of 0.6 to 1 on MovieLens 100K and MovieTweetings, where 0.6 to 0.9 differ little and 1 is clearly worse.
    Not used without an order."""

    user_id_dropout: float = Field(default=0.2, ge=0, lt=1)
    """Fraction of examples trained without the user's own embedding, so that a user without id is served well. An
    example without a history keeps it."""

    seed: int = Field(default=0, ge=0)
    """Seed of initialisation and shuffling: two runs with one seed are equal on the CPU of one machine. Other hardware
    adds in another order."""

    eval_top_k: tuple[int, ...] = (10, 100)
    """The k of recall@k and nDCG@k at the end of each epoch."""

    eval_max_users: int = Field(default=50_000, ge=1)
    """Evaluated users at the end of an epoch, the first ones in id-hash order; bounds the time of an epoch's end."""

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
    """The exported model's signatures."""

    k: int = Field(default=10, ge=1)
    """Recommendations of `serving_default`, which has no k of its own."""
