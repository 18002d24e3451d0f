"""Explains an item's place: how its score changes when one thing is taken out of the query at a time.

It asks the model itself, so it is true for every kind of model: leave-one-out, as in Li, Monroe and Jurafsky,
Understanding Neural Networks through Representation Erasure (2016), equation 1.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from service.queries.items import TITLE, described
from service.queries.resolve import Subject
from service.snapshot.snapshot import Snapshot

MOST = 50
"""Items of a history that are looked at, the newest ones: each is a query of its own."""


def questions(whom: Subject) -> list[Any]:
    """The whole query, then the query without the user's id, then without each of the newest items of the history."""
    whole = whom.question
    found = [whole, replace(whole, user_id="")]
    for n in range(max(0, len(whole.history) - MOST), len(whole.history)):
        history, weights = whole.history[:n] + whole.history[n + 1 :], whole.weights[:n] + whole.weights[n + 1 :]
        found.append(replace(whole, history=history, weights=weights))
    return found


def explanation(
    snapshot: Snapshot,
    whom: Subject,
    place: int,
    scores: npt.NDArray[np.float32],
    is_known: npt.NDArray[np.bool_],
) -> dict[str, Any]:
    """Reads the scores of `questions`.

    Args:
        snapshot: The version's.
        whom: The query.
        place: The item's.
        scores: float32 `[questions, items]`.
        is_known: bool `[questions]`: whether the model knows anything of the question. If not, the item would have the
            score 0 of a query that is unlike everything, not the popularity, which is of another scale.

    Returns:
        The item with its `score`; `rank` from 1 among what may be recommended, or None with `left_out` true; and
        `reasons`, each with what it adds to the score: positive pulls the item up, negative pushes it down.
    """
    whole = scores[0]
    without = np.where(is_known, scores[:, place], 0)
    is_out = np.zeros(len(whole), bool)
    is_out[whom.left_out[whom.left_out >= 0]] = True
    is_out[whom.disliked[whom.disliked >= 0]] = True
    better = (whole > whole[place]) | ((whole == whole[place]) & (np.arange(len(whole)) < place))
    reasons: list[dict[str, Any]] = []
    if whom.question.user_id and is_known[0]:
        reasons.append({"user": True, "adds": _rounded(whole[place] - without[1])})
    met = whom.met[max(0, len(whom.met) - MOST) :].tolist() if is_known[0] else []
    for row, item in enumerate(met, 2):
        adds = _rounded(whole[place] - without[row])
        reasons.append({"item": described(snapshot, item, (TITLE,)), "adds": adds})
    return {
        "item": {**described(snapshot, place, (TITLE,)), "score": _rounded(whole[place])},
        "rank": None if is_out[place] else int(np.count_nonzero(better & ~is_out)) + 1,
        "left_out": bool(is_out[place]),
        "reasons": sorted(reasons, key=lambda reason: -abs(reason["adds"])),
    }


def _rounded(number: Any) -> float:
    return round(float(number), 6)
