"""Similar items, graphs and reasons, against the oracle's loops."""

from pathlib import Path

import numpy as np
import pytest

from common.errors import QueryError
from service.ranking.filter_text import parse_filter
from service.ranking.neighbours import Node, graph, nearest, similar
from service.ranking.query import Query
from service.ranking.ranker import Ranker
from service.snapshot.neighbours import Neighbours
from service.snapshot.snapshot import Snapshot
from tests.service.ranking.oracle import Catalogue, assert_is, make_catalogue
from tests.service.snapshots import Item, make_snapshot, write_version


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return make_catalogue(tmp_path_factory.mktemp("catalogue"), 80)


def unembedded(catalogue: Catalogue) -> int:
    return next(place for place, vector in enumerate(catalogue.vectors) if not any(vector))


@pytest.mark.parametrize("k", [1, 10, 100])
def test_similar_items_are_the_nearest_without_the_item(catalogue: Catalogue, k: int) -> None:
    places = [0, 26, 40, unembedded(catalogue), 0]  # 26 and 40 have one embedding
    found = similar(Ranker(catalogue.snapshot), places, Query(k=k))
    for place, ranking in zip(places, found, strict=True):
        vector = catalogue.vectors[place]
        expected = catalogue.ranking(catalogue.scores(vector), left_out=[place])[:k] if any(vector) else []
        assert_is(ranking, expected)


def test_similar_items_obey_a_filter(catalogue: Catalogue) -> None:
    [ranking] = similar(Ranker(catalogue.snapshot), [5], Query(k=100, filter=parse_filter("genres:drama", 5)))
    scores = catalogue.scores(catalogue.vectors[5])
    may_come = {place for place, item in enumerate(catalogue.items) if "drama" in item.values("genres")}
    assert set(ranking.places.tolist()) == may_come - {5}
    assert_is(ranking, [pair for pair in catalogue.ranking(scores, left_out=[5]) if pair[0] in may_come])


def reached(catalogue: Catalogue, place: int, depth: int, breadth: int) -> tuple[dict[int, int], set[frozenset[int]]]:
    """Nodes with depths and pairs of a graph without a limit."""
    depths, pairs, frontier = {place: 0}, set(), [place]
    for step in range(1, depth + 1):
        following = []
        for source in frontier:
            ranked = catalogue.ranking(catalogue.scores(catalogue.vectors[source]), left_out=[source])
            near = [target for target, _ in ranked if any(catalogue.vectors[target])][:breadth]
            for target in near:
                if target not in depths:
                    depths[target] = step
                    following.append(target)
                pairs.add(frozenset((source, target)))
        frontier = following
    return depths, pairs


@pytest.mark.parametrize(("depth", "breadth"), [(1, 1), (1, 7), (2, 3), (3, 4), (50, 1)])
def test_graph_holds_the_nearest_of_the_nearest_once(catalogue: Catalogue, depth: int, breadth: int) -> None:
    found = graph(Ranker(catalogue.snapshot), 26, depth, breadth, 300)
    depths, pairs = reached(catalogue, 26, depth, breadth)
    assert {node.place: node.depth for node in found.nodes} == depths
    assert len(found.nodes) == len(depths)
    assert {frozenset((edge.source, edge.target)) for edge in found.edges} == pairs
    assert len(found.edges) == len(pairs)
    for edge in found.edges:
        assert edge.cosine == pytest.approx(catalogue.likeness[edge.source][edge.target], abs=1e-6)


def test_graph_stops_at_the_largest_number_of_nodes(catalogue: Catalogue) -> None:
    found = graph(Ranker(catalogue.snapshot), 26, 2, 3, 9)
    assert len(found.nodes) == 9
    places = {node.place for node in found.nodes}
    assert all({edge.source, edge.target} <= places for edge in found.edges)


def test_graph_of_an_item_without_embedding_is_the_item(catalogue: Catalogue) -> None:
    place = unembedded(catalogue)
    found = graph(Ranker(catalogue.snapshot), place, 3, 3, 300)
    assert (found.nodes, found.edges) == ((Node(place, 0),), ())


@pytest.mark.parametrize(("depth", "breadth"), [(2, 18), (3, 7), (1, 301), (301, 1), (10**9, 10**9)])
def test_graph_beyond_the_limit_is_refused(catalogue: Catalogue, depth: int, breadth: int) -> None:
    with pytest.raises(QueryError, match="must not be above 300"):
        graph(Ranker(catalogue.snapshot), 0, depth, breadth, 300)


def test_nearest_is_the_querys_item_with_the_largest_cosine(catalogue: Catalogue) -> None:
    empty = unembedded(catalogue)
    asked = [40, -1, 3, empty, 26, 17, 3]
    answered = [1, empty, 3, 40, 59]
    places, cosines = nearest(catalogue.snapshot, np.array(asked), np.array(answered))
    embedded = [place for place in asked if place >= 0 and any(catalogue.vectors[place])]
    for answer, place, cosine in zip(answered, places.tolist(), cosines.tolist(), strict=True):
        if not any(catalogue.vectors[answer]):
            assert (place, cosine) == (-1, 0)
        else:
            each = [round(catalogue.likeness[other][answer], 6) for other in embedded]
            assert place == embedded[each.index(max(each))]
            assert cosine == pytest.approx(max(each), abs=1e-5)


@pytest.mark.parametrize("asked", [[], [-1], None])
def test_nearest_of_nothing_is_nothing(catalogue: Catalogue, asked: list[int] | None) -> None:
    places = np.array([unembedded(catalogue)] if asked is None else asked, np.int64)
    found = nearest(catalogue.snapshot, places, np.array([1, 2]))
    assert (found[0].tolist(), found[1].tolist()) == ([-1, -1], [0, 0])


@pytest.fixture
def tabled(tmp_path: Path) -> Snapshot:
    """A model without embeddings, whose items i0, i1, i2 … have the genre g0 or g1 by turns."""
    items = [Item(f"i{n}", f"Title {n}", features={"genre": [f"g{n % 2}"]}) for n in range(6)]
    version = write_version(tmp_path / "version", items, {"genre": "category"})
    snapshot = make_snapshot(tmp_path / "made", [item.item_id for item in items], version=version)
    places = [[1, 2, 3], [2, 4, -1], [3, 0, 5], [-1] * 3, [5, -1, -1], [0, -1, -1]]
    weights = [[0.9, 0.5, 0.1], [3.0, 1.0, 0], [0.7, 0.6, 0.5], [0] * 3, [2.0, 0, 0], [0.3, 0, 0]]
    snapshot.neighbours = Neighbours(np.array(places, np.int32), np.array(weights, np.float32))
    return snapshot


@pytest.mark.parametrize(
    ("place", "asked", "found", "has_more"),
    [
        (0, Query(k=2), [1, 2], True),
        (0, Query(k=2, offset=1), [2, 3], False),
        (0, Query(k=9), [1, 2, 3], False),
        (3, Query(k=9), [], False),
        (0, Query(k=9, filter=parse_filter("genre:g1", 9)), [1, 3], False),
        (2, Query(k=1, filter=parse_filter("genre:g1", 9)), [3], True),
        (0, Query(k=9, left_out=np.array([2, -1])), [1, 3], False),
    ],
)
def test_similar_of_a_table_is_its_row(
    tabled: Snapshot, place: int, asked: Query, found: list[int], has_more: bool
) -> None:
    [ranking] = similar(Ranker(tabled), [place], asked)
    assert (ranking.places.tolist(), ranking.has_more) == (found, has_more)
    assert tabled.neighbours is not None
    row = dict(zip(tabled.neighbours.places[place].tolist(), tabled.neighbours.weights[place].tolist(), strict=True))
    assert ranking.scores.tolist() == [row[one] for one in found]


def test_graph_and_reasons_of_a_table(tabled: Snapshot) -> None:
    found = graph(Ranker(tabled), 0, 2, 2, 9)
    assert {(edge.source, edge.target) for edge in found.edges} == {(0, 1), (0, 2), (1, 2), (1, 4), (2, 3)}
    assert {node.place: node.depth for node in found.nodes} == {0: 0, 1: 1, 2: 1, 3: 2, 4: 2}
    places, weights = nearest(tabled, np.array([0, 1, -1]), np.array([2, 3, 5]))
    assert places.tolist() == [1, 0, -1]
    np.testing.assert_allclose(weights, [3.0, 0.1, 0.0])


def test_model_without_embeddings_and_without_a_table_has_no_neighbours(tmp_path: Path) -> None:
    snapshot = make_snapshot(tmp_path / "made", ["a", "b"])
    assert similar(Ranker(snapshot), [1], Query(k=3))[0].places.tolist() == []
    assert graph(Ranker(snapshot), 1, 2, 2, 9).edges == ()
    assert nearest(snapshot, np.array([0]), np.array([1]))[0].tolist() == [-1]


def test_edges_name_the_item_whose_neighbour_it_is(tmp_path: Path) -> None:
    embedding = np.array([[1, 0], [0.8, 0.6], [0.6, 0.8], [0, 0]], np.float32)
    ranker = Ranker(make_snapshot(tmp_path / "made", ["a", "b", "c", "d"], embedding=embedding))
    found = graph(ranker, 0, 2, 1, 9)
    assert found.nodes == (Node(0, 0), Node(1, 1), Node(2, 2))
    assert [(edge.source, edge.target) for edge in found.edges] == [(0, 1), (1, 2)]
    assert [edge.cosine for edge in found.edges] == pytest.approx([0.8, 0.96])
