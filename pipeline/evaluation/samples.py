"""Samples some users' recommendations and some items' neighbours, by title, so that a person can judge them by eye."""

from typing import Any

import numpy as np
import numpy.typing as npt

from configs.evaluation import LIST_K
from documents.evaluation import Item, RecommendedItem, SampledItem, SampledUser, Samples, ScoredItem
from pipeline.evaluation.asked_model import AskedModel
from pipeline.evaluation.contest import EvalData
from pipeline.evaluation.measuring import finite
from trainer.popularity import popularity_order

_USERS, _ITEMS, _HISTORY = 5, 8, 10
"""The number of sampled users and items, and of a user's newest interactions that are shown."""


def samples(
    served: AskedModel,
    data: EvalData,
    ranked: npt.NDArray[np.int32],
    score: npt.NDArray[np.float32],
    seed: int,
) -> Samples:
    """Samples users and items.

    Args:
        served: The model.
        data: The evaluated users and their targets.
        ranked: `[users, k]`, places of the model's recommendations.
        score: `[users, k]`, their scores.
        seed: The seed of the choice.

    Returns:
        The samples. No user ids are in them.

    Raises:
        ModelError: The model cannot answer.
    """
    return Samples(
        recommendations=tuple(_recommendations(served, data, ranked, score, seed)),
        neighbours=tuple(_neighbours(served, data.count, seed)),
    )


def _recommendations(
    served: AskedModel,
    data: EvalData,
    ranked: npt.NDArray[np.int32],
    score: npt.NDArray[np.float32],
    seed: int,
) -> list[SampledUser]:
    """Samples users of different activity, with their newest interactions and the model's recommendations."""
    rng, users, targets, slices = np.random.default_rng(seed), data.users, data.targets, data.parts
    # Takes one user of each activity, then the next one of each, until there are enough.
    turns: list[tuple[int, float, int]] = []
    for n, mask in enumerate(slices["user_activity"].values()):
        members = rng.permutation(np.unique(targets.row[mask]))[:_USERS]
        turns += [(turn, n, int(user)) for turn, user in enumerate(members)]
    chosen = [user for _, _, user in sorted(sorted(turns)[:_USERS], key=lambda turn: turn[1])]
    known = np.zeros(users.users, np.bool_)
    known[targets.row[slices["user"]["known"]]] = True
    found = []
    for user in chosen:
        user_targets = targets.place[targets.row == user]
        history = users.item[users.offset[user] : users.offset[user + 1]][-_HISTORY:]
        shown = ranked[user, :LIST_K][ranked[user, :LIST_K] >= 0]
        found.append(
            SampledUser(
                known_user=bool(known[user]),
                history=tuple(_item(served, place) for place in history if place >= 0),
                recommended=tuple(
                    RecommendedItem(
                        **dict(_item(served, place)),
                        score=finite(score[user, n]),
                        is_target=bool(place in user_targets),
                    )
                    for n, place in enumerate(shown)
                ),
                targets=tuple(_item(served, place) for place in user_targets if place >= 0),
            )
        )
    return found


def _neighbours(served: AskedModel, count: npt.NDArray[np.int64], seed: int) -> list[SampledItem]:
    """Samples items of high to medium popularity, with their neighbours."""
    order = popularity_order(count)[: max(1, int(np.count_nonzero(count)) // 2)]
    # Cuts the order of popularity into pieces that grow, because the best known items are few; takes one from each.
    edges = np.unique(np.geomspace(1, len(order) + 1, _ITEMS + 1).astype(np.int64)) - 1
    chosen = order[np.random.default_rng(seed).integers(edges[:-1], edges[1:])]
    place, score = served.similar_items(served.ids(chosen), LIST_K)
    return [
        SampledItem(
            **dict(_item(served, item)),
            similar=tuple(
                ScoredItem(**dict(_item(served, other)), score=finite(value))
                for other, value in zip(place[n], score[n], strict=True)
                if other >= 0
            ),
        )
        for n, item in enumerate(chosen)
    ]


def _item(served: AskedModel, place: Any) -> Item:
    return Item(
        item_id=served.item_id[int(place)].as_py().decode(errors="replace"), title=served.title[int(place)].as_py()
    )
