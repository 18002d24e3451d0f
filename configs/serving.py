"""Defines how the model is served."""

from pydantic import Field

from configs.base import Settings
from configs.leave_out import LeaveOut


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
    `everything` is left out. None: the weight of the heaviest event if the log has `event_weights` and what is held out
    comes after what is trained on; else `everything`. With `log.split.method: random` the view of an article may be
    held out and its purchase trained on: then what a user met says nothing about what comes next, and items that were
    viewed would take the places of others."""

    @property
    def rule(self) -> LeaveOut:
        """What is left out; a pipeline's config has decided it, see `leave_out`."""
        return self.leave_out or "everything"
