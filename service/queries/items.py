"""Writes items into answers: ids, titles, features, scores, reasons."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from service.ranking.neighbours import nearest
from service.ranking.ranker import Ranking
from service.snapshot.features import Places
from service.snapshot.snapshot import Snapshot

TITLE, FEATURES, BECAUSE = "title", "features", "because"
"""What an item of an answer may show besides its id and score."""

ALL = (TITLE, FEATURES, BECAUSE)

_REASON = (TITLE,)


def described(snapshot: Snapshot, place: int, fields: Collection[str]) -> dict[str, Any]:
    """An item without a score."""
    title, features = snapshot.facts_of(place)
    found: dict[str, Any] = {"item_id": snapshot.item_ids[place]}
    if TITLE in fields:
        found["title"] = title
    if FEATURES in fields and snapshot.features:
        found["features"] = features
    return found


def nearness(snapshot: Snapshot) -> str:
    """What tells how near two items are: `cosine` of embeddings, or else the model's own `weight`."""
    return "weight" if snapshot.embedding is None else "cosine"


def listed(
    snapshot: Snapshot, ranking: Ranking, fields: Sequence[str] | None, asked: Places | None = None
) -> list[dict[str, Any]]:
    """The items of a ranking, in its order.

    Args:
        snapshot: The version's.
        ranking: Places and scores.
        fields: What each item shows; None for everything.
        asked: Places of the items that the query goes by; `because` names the nearest of them.
    """
    shown = ALL if fields is None else fields
    found = []
    for place, score in zip(ranking.places.tolist(), ranking.scores.tolist(), strict=True):
        item = described(snapshot, place, shown)
        item["score"] = round(score, 6)  # float32 has no more digits
        found.append(item)
    if BECAUSE in shown and asked is not None and len(asked):
        reasons, cosines = nearest(snapshot, asked, ranking.places)
        for item, reason, cosine in zip(found, reasons.tolist(), cosines.tolist(), strict=True):
            if reason >= 0:
                item["because"] = {**described(snapshot, reason, _REASON), nearness(snapshot): round(cosine, 6)}
    return found


def ids_of(items: Iterable[dict[str, Any]]) -> list[str]:
    """The ids of an answer's items."""
    return [item["item_id"] for item in items]
