"""What a model is asked about a user: the inputs of its signatures `embed_users` and `scores`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from service.backends.backend import Tensor


@dataclass(frozen=True)
class Question:
    """What the model is asked about."""

    user_id: str = ""
    """Empty for nobody."""

    history: tuple[str, ...] = ()
    """Item ids, oldest first."""

    weights: tuple[float, ...] = ()
    """One for each of the history."""


def inputs(questions: Sequence[Question]) -> dict[str, Tensor]:
    """The inputs of `embed_users` and `scores`: histories are padded with "" at the end, which the model ignores."""
    width = max((len(question.history) for question in questions), default=0)
    history = np.full((len(questions), width), b"", object)
    weight = np.ones((len(questions), width), np.float32)
    for row, question in enumerate(questions):
        n = len(question.history)
        history[row, :n] = [item_id.encode() for item_id in question.history]
        weight[row, :n] = question.weights
    users = np.array([question.user_id.encode() for question in questions] or [], object)
    return {"user_id": users, "history": history, "history_weight": weight}
