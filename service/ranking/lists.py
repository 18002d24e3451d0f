"""Lists without a query: the most popular items, and those that people met first of late."""

import numpy as np

from common.errors import QueryError
from service.ranking.filters import Filter
from service.ranking.ranker import Ranker, Ranking
from service.snapshot.features import Places


def popular(ranker: Ranker, k: int, offset: int = 0, wanted: Filter | None = None) -> Ranking:
    """The most popular items, as the model answers for a user about whom nothing is known.

    Args:
        ranker: Ranks on a snapshot.
        k: Largest number of items.
        offset: Items that are passed over.
        wanted: What must hold of them.

    Returns:
        A page; scores are the model's popularity.

    Raises:
        QueryError: The filter cannot be used; see `Masks.of`.
    """
    found = _page(ranker, ranker.snapshot.by_popularity, k, offset, wanted)
    return Ranking(found[0], ranker.snapshot.popularity[found[0]], found[1], found[2])


def latest(ranker: Ranker, k: int, offset: int = 0, wanted: Filter | None = None) -> Ranking:
    """The items whose first interaction is the latest: those that came last. Items that nobody has met do not come.

    Args:
        ranker: Ranks on a snapshot.
        k: Largest number of items.
        offset: Items that are passed over.
        wanted: What must hold of them.

    Returns:
        A page; scores are the model's popularity, and do not give the order.

    Raises:
        QueryError: The filter cannot be used; see `Masks.of`. Or the log has no times.
    """
    if not ranker.snapshot.document.is_timed:
        raise QueryError("latest: the log of this version has no times, so nothing says which items are new")
    found = _page(ranker, ranker.snapshot.by_first_time, k, offset, wanted)
    return Ranking(found[0], ranker.snapshot.popularity[found[0]], found[1], found[2])


def _page(ranker: Ranker, order: Places, k: int, offset: int, wanted: Filter | None) -> tuple[Places, int, bool]:
    """A page of an order, how many items of it pass, and whether there are more."""
    if wanted is not None:
        order = order[ranker.masks.of(wanted).allowed[order]]
    end = offset + k
    return order[offset:end].astype(np.int64), len(order), len(order) > end
