"""Defines how the log is split into what a model learns from and what it is measured on."""

from typing import Literal

from pydantic import Field

from configs.base import Settings


class Split(Settings):
    """How interactions are divided into train and eval. Vocabularies and training statistics never see eval.

    Example:
        log:
          path: ratings.csv
          split:
            method: random
            eval_fraction: 0.1
            seed: 0
    """

    method: Literal["leave_last", "time", "random", "given"] = "leave_last"
    """Which interactions are held out for eval.

    `leave_last`: of each user, the `holdout` last interactions. `time`: everything after one moment, which is chosen so
    that `eval_fraction` of all interactions come after it. Both use the time of an interaction's first event (within
    `window_days`), so that what a model was trained on is not held out on a later day. `serving.leave_out` says which
    events are one interaction: all of a user with an item, if everything that was met is left out.

    `random`: each pair of user and item with the probability `eval_fraction`. A hash of `seed` and the two ids decides,
    so that an interaction stays on its side while the log grows or slides. Each user keeps at least one item for
    training: if all would be held out, the one with the largest hash stays, and that one alone may change sides when
    the user's items change.

    `given`: the log's `path` names the files of each split.
    """

    holdout: int = Field(default=1, ge=1)
    """Interactions of each user that `leave_last` holds out. A user always keeps one for training."""

    eval_fraction: float = Field(default=0.1, gt=0, lt=1)
    """Share of the interactions that is held out. With `time` it is an upper bound. With `random` it is an expected
    value, so a user with few interactions may have none held out."""

    seed: int = Field(default=0, ge=0)
    """Seed of `random`. Another seed is another split: interactions that the last model was trained on are then held
    out."""
