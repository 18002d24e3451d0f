"""Answers questions about items alone: one item, its neighbours, graphs, search, what is popular and what is new."""

from typing import Any

from common.errors import PerennialError, QueryError
from configs.service.limits import Limits
from service.queries import items
from service.queries.query import GraphQuery, ItemQuery, ListQuery, SearchQuery, SimilarQuery
from service.queries.resolve import wanted
from service.ranking import lists, neighbours
from service.ranking.query import Query
from service.ranking.ranker import Ranking
from service.versions.served import Served


class NotFoundError(PerennialError):
    """The catalogue does not have the item."""


class Catalogue:
    """Answers from the snapshot of a version. Its methods compute for up to some milliseconds, and wait for nothing."""

    def __init__(self, limits: Limits) -> None:
        """Args: limits: Bounds of a query."""
        self._limits = limits

    def item(self, served: Served, query: ItemQuery) -> dict[str, Any]:
        """One item.

        Raises:
            NotFoundError: The catalogue does not have it.
        """
        place = _place(served, query.item)
        snapshot = served.snapshot
        found = items.described(snapshot, place, items.ALL)
        more = {
            "popularity": float(snapshot.popularity[place]),
            "count": snapshot.count(place),
            "first_time": snapshot.first_time(place),
            "last_time": snapshot.last_time(place),
        }
        return {"version": served.number, "item": found | {name: v for name, v in more.items() if v is not None}}

    def embedding(self, served: Served, query: ItemQuery) -> dict[str, Any]:
        """An item's embedding, of length 1; zeros if the model knows nothing of the item.

        Raises:
            NotFoundError: The catalogue does not have it.
            QueryError: The model has no embeddings.
        """
        place = _place(served, query.item)
        vectors = served.snapshot.embedding
        if vectors is None:
            raise QueryError("embedding: the model of this version has no embeddings")
        return {"version": served.number, "item_id": query.item, "embedding": vectors[place].tolist()}

    def similar(self, served: Served, query: SimilarQuery) -> dict[str, Any]:
        """The nearest items of an item.

        Raises:
            NotFoundError: The catalogue does not have it.
            QueryError: The query cannot be answered.
        """
        place = _place(served, query.item)
        condition = None if query.filter is None else wanted(query.filter, self._limits.filter_terms)
        asked = Query(k=self._k(query.k), offset=query.offset, filter=condition)
        return self._list(served, neighbours.similar(served.ranker, [place], asked)[0], query)

    def popular(self, served: Served, query: ListQuery) -> dict[str, Any]:
        """The most popular items; `QueryError` as of `similar`."""
        return self._list(served, lists.popular(served.ranker, *self._page(query)), query)

    def latest(self, served: Served, query: ListQuery) -> dict[str, Any]:
        """The newest items; `QueryError` as of `similar`, or the log has no times."""
        return self._list(served, lists.latest(served.ranker, *self._page(query)), query)

    def graph(self, served: Served, query: GraphQuery) -> dict[str, Any]:
        """The items around an item, and which of them are near each other; errors as of `similar`."""
        snapshot, place = served.snapshot, _place(served, query.item)
        found = neighbours.graph(served.ranker, place, query.depth, query.breadth, self._limits.graph_nodes)
        return {
            "version": served.number,
            "nodes": [
                {**items.described(snapshot, node.place, items.ALL), "depth": node.depth} for node in found.nodes
            ],
            "edges": [
                {
                    "source": snapshot.item_id(edge.source),
                    "target": snapshot.item_id(edge.target),
                    items.nearness(snapshot): round(edge.cosine, 6),
                }
                for edge in found.edges
            ],
        }

    def search(self, served: Served, query: SearchQuery) -> dict[str, Any]:
        """Items whose titles hold what was typed, most popular first; `QueryError` as of `similar`."""
        shown = items.ALL if query.fields is None else query.fields
        places = served.snapshot.search(query.q, self._k(query.k))
        return {
            "version": served.number,
            "items": [items.described(served.snapshot, place, shown) for place in places],
        }

    def _list(self, served: Served, ranking: Ranking, query: ListQuery) -> dict[str, Any]:
        found: dict[str, Any] = {"version": served.number}
        if query.filter is not None:
            found["passed"] = ranking.passed
        return {
            **found,
            "items": items.listed(served.snapshot, ranking, query.fields),
            "has_more": ranking.has_more,
        }

    def _page(self, query: ListQuery) -> tuple[int, int, Any]:
        condition = None if query.filter is None else wanted(query.filter, self._limits.filter_terms)
        return self._k(query.k), query.offset, condition

    def _k(self, k: int) -> int:
        if k > self._limits.k:
            raise QueryError(f"k: at most {self._limits.k} items are given at once. Received: {k}")
        return k


def _place(served: Served, item_id: str) -> int:
    place = served.snapshot.place_of(item_id)
    if place is None:
        raise NotFoundError("the catalogue of this version does not have the item")
    return place
