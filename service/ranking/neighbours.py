"""Compares items with items: the most similar, graphs of them, and which of a query's items an answer is nearest to."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from common.errors import QueryError
from service.ranking import scoring
from service.ranking.plan import Plan
from service.ranking.query import Query
from service.ranking.ranker import Ranker, Ranking
from service.ranking.scoring import Scores
from service.snapshot.features import Places
from service.snapshot.neighbours import Neighbours
from service.snapshot.snapshot import Snapshot


@dataclasses.dataclass(frozen=True)
class Node:
    """An item of a graph.

    Attributes:
        place: Its place in the catalogue.
        depth: Steps from the item that the graph begins with.
    """

    place: int
    depth: int


@dataclasses.dataclass(frozen=True)
class Edge:
    """Two items of which one is among the other's nearest.

    Attributes:
        source: Place of the item whose neighbour the other one is.
        target: The other's place.
        cosine: Of their embeddings; without embeddings, the model's weight.
    """

    source: int
    target: int
    cosine: float


@dataclasses.dataclass(frozen=True)
class Graph:
    """Items around an item. No item and no pair comes twice."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]


def similar(ranker: Ranker, places: Sequence[int], query: Query) -> list[Ranking]:
    """The nearest items of items by cosine, without the item itself, as the signature `similar_items` gives them.

    Args:
        ranker: Ranks on a snapshot.
        places: Of items.
        query: What is asked of each ranking.

    Returns:
        One ranking for each place; an empty one for an item of which the model knows nothing. Without embeddings it is
        what the model itself calls similar, and ends with the last of those.

    Raises:
        QueryError: As `Ranker.plan`.
    """
    snapshot = ranker.snapshot
    plans = [
        ranker.plan(dataclasses.replace(query, left_out=np.append(query.left_out, np.int64(place)))) for place in places
    ]
    nothing = Ranking(np.zeros(0, np.int64), np.zeros(0, np.float32), 0, False)
    if snapshot.embedding is None:
        if snapshot.neighbours is None:
            return [nothing] * len(places)
        return [_listed(snapshot.neighbours, place, planned) for place, planned in zip(places, plans, strict=True)]
    vectors = snapshot.embedding[np.asarray(places, np.int64)]
    known = [n for n in range(len(places)) if vectors[n].any()]
    rankings = dict(zip(known, ranker.rank(vectors[known], [plans[n] for n in known]), strict=True))
    return [rankings.get(n, nothing) for n in range(len(places))]


def _listed(table: Neighbours, place: int, planned: Plan) -> Ranking:
    """What of an item's neighbours in the table may come."""
    places, weights = table.places[place].astype(np.int64), table.weights[place]
    may_come = (places >= 0) & ~np.isin(places, planned.left_out)
    if planned.refused is not None:
        may_come &= ~planned.refused[places]
    if planned.pool is not None:
        may_come &= np.isin(places, planned.pool)
    places, weights = places[may_come], weights[may_come]
    page = slice(planned.query.offset, planned.query.offset + planned.query.k)
    return Ranking(places[page], weights[page], planned.passed, len(places) > page.stop)


def graph(ranker: Ranker, place: int, depth: int, breadth: int, max_nodes: int) -> Graph:
    """Items around an item: its nearest, their nearest, and so on.

    Args:
        ranker: Ranks on a snapshot.
        place: Of the item to begin with.
        depth: Number of steps, at least 1.
        breadth: Number of nearest items of each item, at least 1.
        max_nodes: Largest number of nodes. Once it is reached, no node is added; edges between nodes are.

    Returns:
        The graph, breadth first.

    Raises:
        QueryError: `breadth` to the power of `depth` is above `max_nodes`.
    """
    # Each factor is checked by itself first: the power of large numbers would take long.
    if max(depth, breadth) > max_nodes or breadth**depth > max_nodes:
        raise QueryError(
            f"graph: breadth to the power of depth must not be above {max_nodes}. Received: breadth {breadth}, depth "
            f"{depth}"
        )
    depths, edges = {place: 0}, dict[frozenset[int], Edge]()
    frontier = [place]
    for step in range(1, depth + 1):
        reached: list[int] = []
        for source, ranking in zip(frontier, similar(ranker, frontier, Query(k=breadth)), strict=True):
            is_near = ~scoring.is_unembedded(ranker.snapshot, ranking.places)
            for target, cosine in zip(ranking.places[is_near].tolist(), ranking.scores[is_near].tolist(), strict=True):
                if target not in depths and len(depths) < max_nodes:
                    depths[target] = step
                    reached.append(target)
                if target in depths:
                    edges.setdefault(frozenset((source, target)), Edge(source, target, cosine))
        frontier = reached
        if not frontier:
            break
    return Graph(tuple(Node(*pair) for pair in depths.items()), tuple(edges.values()))


def nearest(snapshot: Snapshot, asked: Places, answered: Places) -> tuple[Places, Scores]:
    """For each item of an answer, which of the query's items it is nearest to.

    Args:
        snapshot: The items.
        asked: Places of the query's items, `[q]`; below 0 is nothing.
        answered: Places of the answer, `[n]`.

    Returns:
        Places int64 `[n]` among those asked, the first of several that are equally near, and cosines float32 `[n]`, or
        without embeddings the model's own weights. -1 and 0 if there is nothing to compare: the item, or all that were
        asked, have no embedding, or it is a neighbour of none of them.
    """
    asked = asked[asked >= 0]
    if snapshot.neighbours is not None:
        return snapshot.neighbours.nearest(asked, answered)
    if snapshot.embedding is not None:
        asked = asked[~scoring.is_unembedded(snapshot, asked)]
    if snapshot.embedding is None or not len(asked) or not len(answered):
        return np.full(len(answered), -1, np.int64), np.zeros(len(answered), np.float32)
    # In float64, so that items with one embedding are equally near to the last bit.
    exact = snapshot.embedding[answered].astype(np.float64) @ snapshot.embedding[asked].astype(np.float64).T
    cosines = exact.astype(np.float32)
    places, best = asked[cosines.argmax(axis=1)], cosines.max(axis=1)
    unknown = scoring.is_unembedded(snapshot, answered)
    places[unknown], best[unknown] = -1, 0
    return places, best
