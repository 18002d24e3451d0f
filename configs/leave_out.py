"""Defines what `recommend` leaves out of its answer, and the one function that decides it for every part."""

from typing import Any, Literal

from pydantic import Field

from configs.base import Settings
from configs.log import MAX_FLOAT32


class FromWeight(Settings):
    """What was met in an event of some weight is left out. What was met in lighter events may be recommended again.

    Example:
        log:
          path: events-*.csv
          columns: {value: event}
          event_weights: {view: 0.5, basket: 2, purchase: 6}
        serving:
          leave_out: {from_weight: 2}
    """

    from_weight: float = Field(gt=0, le=MAX_FLOAT32)
    """The least weight, as `log.event_weights` gives it. The decay of old events does not count here."""


LeaveOut = Literal["everything", "nothing"] | FromWeight
"""What is left out: everything that the user met, nothing, or what was met in an event of some weight."""


def is_left_out(weight: Any, rule: LeaveOut) -> Any:
    """Decides which interactions of a history are left out.

    Args:
        weight: float32 or float64 of any shape, a NumPy array or a tensor: the weights, without decay.
        rule: The rule.

    Returns:
        bool of the same shape. With `everything` a weight that is not a number is left out too.
    """
    if isinstance(rule, FromWeight):
        return weight >= rule.from_weight
    is_nan = weight != weight
    return is_nan | True if rule == "everything" else is_nan & False


def plain(rule: LeaveOut) -> str | dict[str, float]:
    """Returns a rule as the JSON value that the config has."""
    return rule if isinstance(rule, str) else rule.model_dump(mode="json")
