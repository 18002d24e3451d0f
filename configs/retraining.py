"""Defines when a run trains, and when the last blessed model is good enough still."""

from pydantic import Field

from configs.base import Settings


class Retraining(Settings):
    """When training is due.

    A run in which it is not due trains nothing: today's items and users go into the last blessed model, as in
    `perennial refresh`, and the gate judges the result.

    Training is due if any of these limits is passed; a limit of None is not checked. It is also due if there is no
    blessed model yet, or if that was made by another config, by other code, or with other hyperparameters. "Learned"
    means the data that the model's parameters come from, not the data of a later refresh.

    Example:
        retraining:
          max_age_days: 30
          max_new_interactions: 0.2
          max_metric_loss: 0.15
    """

    max_age_days: float | None = Field(default=7, gt=0)
    """How much newer the log's newest event may be than the newest one at the time of learning, in days. Default: a
    week. A log without times is not checked."""

    max_new_interactions: float | None = Field(default=0.1, gt=0, le=1)
    """Largest share of today's interactions that is newer than what the model learned. In a log without times, the
    share by which their number has grown. Default: 10 %."""

    max_new_items: float | None = Field(default=0.1, gt=0, le=1)
    """Largest share of the items in today's training interactions that the model did not learn. Until it is trained, it
    knows such an item by its content alone, or not at all. Default: 10 %."""

    max_item_divergence: float | None = Field(default=0.085, gt=0, le=1)
    """Largest Jensen-Shannon divergence between the items of today's training interactions and the learned ones, as
    DataGate measures it. Default 0.085: half of what makes DataGate stop a run."""

    max_metric_loss: float | None = Field(default=0.1, ge=0, lt=1)
    """The share of its nDCG@10 that the model may lose on held-out interactions newer than what it learned. Training is
    due if the whole 95 % interval of nDCG@10 on these lies below what the training measured, less this share. Default:
    10 %. A log without times is not checked."""

    min_users: int = Field(default=100, ge=2)
    """Least number of users with such newer interactions for the metric to be judged."""
