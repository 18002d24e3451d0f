"""Defines what the settings of all kinds of models have in common."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from configs.base import Settings
from configs.models.ranges import Range

Validation = Literal["newest", "random", "time"]
"""How targets are held out of the training interactions: see `Model.validation`."""


class Model(Settings):
    """What every kind of model is asked and measured by."""

    SPACE: ClassVar[Mapping[str, Range]] = {}
    """The settings that a tuner may search, by name; a name inside a list or section has dots, as in
    `parts.0.temperature`."""

    warm_start: bool = True
    """Whether training starts from the last blessed model, whose embeddings are carried over by id. Training starts
    cold if there is no such model, or if it has another architecture. With either value, a run on the same data, config
    and code as the last blessed model hands that model on and pushes nothing. Default: yes. In ten growing windows of
    MovieTweetings, 10,000 events each, warm starts reach a higher mean hit_rate@10 in half the epochs than cold starts
    in all of them: 0.215 to 0.210 over windows 2 to 10, in 54 % of the processor time."""

    learn: bool = True
    """Whether the model is trained. False: the last blessed model takes in today's items and users and learns nothing
    from today's interactions, which takes seconds; what is counted in one step is counted anew. `perennial refresh`
    runs so once."""

    ordered_history: bool | None = None
    """Whether the order of a history has a meaning. True: the query of a training example is what came before it, and
    the newest interactions weigh most. False, for a log without an order in time: the query is everything else that the
    user met, with equal weights. None: true if the log has timestamps and `log.split.method` is not `random`, whose
    held-out interactions lie between the others."""

    validation: Validation | None = None
    """Which training interactions are held out to choose by: when training stops, how a blend weighs, which model is
    best. `newest`: the newest one of each user; `random`: a tenth; `time`: the newest tenth of all, so that a user may
    have many, or nothing left. None: as the eval split is made, `time` if `log.split.method` is `time`; else `newest`,
    or `random` without an order."""

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
    def validates_by(self) -> Validation:
        """How targets to choose by are held out; a pipeline's config has decided it, see `validation`."""
        return self.validation or ("newest" if self.is_ordered else "random")

    @property
    def needs_order(self) -> str | None:
        """The setting that needs histories with an order; None if there is none."""
        return None

    @property
    def needs_times(self) -> str | None:
        """The setting that needs a log with times; None if there is none."""
        return "validation" if self.validation == "time" else None

    def chooses(self, is_warm: bool) -> bool:
        """Whether training chooses something by held-out targets of its own.

        Args:
            is_warm: Whether it starts from the last blessed model. That model may have learned these targets, so that
                they would say nothing.
        """
        return False

    def space(self, items: int) -> Mapping[str, Range]:
        """The part of `SPACE` that can change this model.

        Args:
            items: The number of items with interactions.
        """
        return {name: each for name, each in self.SPACE.items() if self.is_ordered or name != "history_decay"}

    @property
    def passes(self) -> int:
        """How often training goes through the interactions."""
        return 1

    @model_validator(mode="after")
    def _histories_have_the_order_that_it_needs(self) -> "Model":
        if self.needs_order is not None and not self.is_ordered:
            raise ValueError(f"{self.needs_order} needs ordered_history, which is false")
        return self

    @model_validator(mode="after")
    def _top_k_is_positive(self) -> "Model":
        if not self.eval_top_k or min(self.eval_top_k) < 1:
            raise ValueError(f"eval_top_k must hold positive integers; received {self.eval_top_k}")
        return self
