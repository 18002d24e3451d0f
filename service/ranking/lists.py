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
    return _page(ranker, ranker.snapshot.by_popularity, k, offset, wanted)


def latest(ranker: Ranker, k: int, offset: int = 0, wanted: Filter | None = None) -> Ranking:
    """The items whose first interaction is the latest: those that came last. Items that nobody has met do not come.

    Arguments and answer are those of `popular`; here the scores do not give the order.

    Raises:
        QueryError: As in `popular`; or the log has no times.
    """
    if not ranker.snapshot.document.is_timed:
        raise QueryError("latest: the log of this version has no times, so nothing says which items are new")
    return _page(ranker, ranker.snapshot.by_first_time, k, offset, wanted)


def _page(ranker: Ranker, order: Places, k: int, offset: int, wanted: Filter | None) -> Ranking:
    """A page of an order."""
    if wanted is not None:
        order = order[ranker.masks.of(wanted).allowed[order]]
    end = offset + k
    places = order[offset:end].astype(np.int64)
    return Ranking(places, ranker.snapshot.popularity[places], len(order), len(order) > end)
