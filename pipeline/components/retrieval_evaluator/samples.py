"""What a person can judge by eye: some users' recommendations and some items' neighbours, by title. Seeded."""

from typing import Any

import numpy as np
import numpy.typing as npt

from configs.evaluation import LIST_K
from pipeline.components.retrieval_evaluator.evaluation import number_json
from pipeline.components.retrieval_evaluator.measures import Slices
from pipeline.components.retrieval_evaluator.served_model import ServedModel
from pipeline.components.retrieval_evaluator.users import Users

_USERS, _ITEMS, _HISTORY = 5, 8, 10
"""Sampled users and items, and the newest interactions that are shown of a user."""


def samples(
    served: ServedModel,
    users: Users,
    ranked: npt.NDArray[np.int32],
    score: npt.NDArray[np.float32],
    count: npt.NDArray[np.int64],
    slices: Slices,
    seed: int,
) -> dict[str, Any]:
    """The `samples` of evaluation.json.

    Args:
        served: The model.
        users: The evaluated users.
        ranked: `[users, k]`, places of the model's recommendations.
        score: `[users, 10]`, the scores of the first.
        count: `[items]`, training interactions.
        slices: The slices.
        seed: Of the choice.

    Returns:
        JSON values. No user ids are in them.

    Raises:
        ModelError: The model cannot answer.
    """
    return {
        "recommendations": _recommendations(served, users, ranked, score, slices, seed),
        "neighbours": _neighbours(served, count, seed),
    }


def _recommendations(
    served: ServedModel,
    users: Users,
    ranked: npt.NDArray[np.int32],
    score: npt.NDArray[np.float32],
    slices: Slices,
    seed: int,
) -> list[dict[str, Any]]:
    """Users of different activity, what they met last and what the model recommends."""
    rng = np.random.default_rng(seed)
    # One user of each activity, then the next of each, until there are enough.
    turns: list[tuple[int, float, int]] = []
    for n, mask in enumerate(slices["user_activity"].values()):
        members = rng.permutation(np.unique(users.target_row[mask]))[:_USERS]
        turns += [(turn, n, int(user)) for turn, user in enumerate(members)]
    chosen = [user for _, _, user in sorted(sorted(turns)[:_USERS], key=lambda turn: turn[1])]
    known = np.zeros(users.count, np.bool_)
    known[users.target_row[slices["user"]["known"]]] = True
    found = []
    for user in chosen:
        targets = users.target[users.target_row == user]
        history = users.item[users.offset[user] : users.offset[user + 1]][-_HISTORY:]
        shown = ranked[user, :LIST_K][ranked[user, :LIST_K] >= 0]
        found.append(
            {
                "known_user": bool(known[user]),
                "history": [_item(served, place) for place in history if place >= 0],
                "recommended": [
                    _item(served, place) | {"score": number_json(score[user, n]), "is_target": bool(place in targets)}
                    for n, place in enumerate(shown)
                ],
                "targets": [_item(served, place) for place in targets if place >= 0],
            }
        )
    return found


def _neighbours(served: ServedModel, count: npt.NDArray[np.int64], seed: int) -> list[dict[str, Any]]:
    """Items from the most popular to the middling, and their neighbours."""
    order = np.argsort(-count, kind="stable")[: max(1, int(np.count_nonzero(count)) // 2)]
    # One from each piece of the order of popularity, the pieces growing: the best known items are few.
    edges = np.unique(np.geomspace(1, len(order) + 1, _ITEMS + 1).astype(np.int64)) - 1
    chosen = order[np.random.default_rng(seed).integers(edges[:-1], edges[1:])]
    place, score = served.similar_items(served.ids(chosen), LIST_K)
    return [
        _item(served, item)
        | {
            "similar": [
                _item(served, other) | {"score": number_json(value)}
                for other, value in zip(place[n], score[n], strict=True)
                if other >= 0
            ]
        }
        for n, item in enumerate(chosen)
    ]


def _item(served: ServedModel, place: Any) -> dict[str, Any]:
    return {
        "item_id": served.item_id[int(place)].as_py().decode(errors="replace"),
        "title": served.title[int(place)].as_py(),
    }
