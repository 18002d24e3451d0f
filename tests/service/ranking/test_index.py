"""Rankings that an index begins, against exact ones."""

import dataclasses

import numpy as np
import pytest

from service.index.lists import Lists
from service.index.recall import DEPTH
from service.ranking.filter_text import parse_filter
from service.ranking.index import Index
from service.ranking.neighbours import similar
from service.ranking.query import MaxPer, Query, parse_boost
from service.ranking.ranker import Ranker, Ranking
from service.ranking.search import open_search
from service.snapshot.snapshot import Snapshot
from tests.service.indexed import exact_ranking, indexed_snapshot, items_with_gaps, random_items

EMBEDDING = items_with_gaps()
N = len(EMBEDDING)
QUERIES = random_items(30, seed=8)
SIDE = random_items(1, seed=3)[0]
"""Items on this side are on the shelf `near`."""

LEFT_OUT = np.arange(1, N, 37)


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    shelves = ["near" if cosine > 0 else "far" for cosine in EMBEDDING @ SIDE]
    shelves[5::20] = ["few"] * len(shelves[5::20])
    return indexed_snapshot(tmp_path_factory.mktemp("snapshot"), EMBEDDING, shelves)


@pytest.fixture(scope="module")
def ranker(snapshot: Snapshot) -> Ranker:
    search = open_search(snapshot)
    assert search.index is not None, search
    return Ranker(snapshot, search.index)


def rank(ranker: Ranker, query: Query, vectors: np.ndarray = QUERIES) -> list[Ranking]:
    return ranker.rank(vectors, [ranker.plan(query)] * len(vectors))


def hits(found: list[Ranking], expected: list[Ranking]) -> float:
    """Share of the expected places that were found."""
    pairs = list(zip(found, expected, strict=True))
    both = sum(len(np.intersect1d(one.places, other.places)) for one, other in pairs)
    return both / sum(len(other.places) for other in expected)


def test_index_finds_most_of_the_exact_ranking_and_not_all_of_it(ranker: Ranker) -> None:
    query = Query(k=50, left_out=LEFT_OUT)
    found = rank(ranker, query)
    exact = [exact_ranking(EMBEDDING, vector, LEFT_OUT.tolist()) for vector in QUERIES]
    shares = [len(set(one.places.tolist()) & set(other[:50])) / 50 for one, other in zip(found, exact, strict=True)]
    assert 0.95 < np.mean(shares) < 1  # or the tests below would show nothing
    for ranking, other, vector in zip(found, exact, QUERIES, strict=True):
        # What was found is in the exact order, with exact scores.
        assert ranking.places.tolist() == sorted(ranking.places.tolist(), key=other.index)
        np.testing.assert_allclose(ranking.scores, EMBEDDING[ranking.places].astype(np.float64) @ vector, atol=1e-6)
        assert len(ranking.places) == 50
        assert ranking.has_more


QUERIES_OF_PAGES = {
    "nothing": Query(k=1),
    "left out": Query(k=1, left_out=LEFT_OUT),
    "filter": Query(k=1, filter=parse_filter("shelf:none(few)", 9)),
    "max_per": Query(k=1, max_per=MaxPer("shelf", 90)),
    "diversity": Query(k=1, diversity=0.3),
    "diversity and max_per": Query(k=1, diversity=0.3, max_per=MaxPer("shelf", 90), left_out=LEFT_OUT),
}


@pytest.mark.parametrize("query", QUERIES_OF_PAGES.values(), ids=QUERIES_OF_PAGES.keys())
@pytest.mark.parametrize("k", [7, 40, DEPTH, 300])
def test_pages_across_the_end_of_the_beginning_are_parts_of_one_ranking(ranker: Ranker, query: Query, k: int) -> None:
    wholes = rank(ranker, dataclasses.replace(query, k=260), QUERIES[:4])
    for vector, whole in zip(QUERIES[:4], wholes, strict=True):
        places: list[int] = []
        scores: list[float] = []
        while len(places) < 260:
            asked = dataclasses.replace(query, k=k, offset=len(places))
            [page] = rank(ranker, asked, vector[np.newaxis])
            places += page.places.tolist()
            scores += page.scores.tolist()
            if not page.has_more:
                break
        assert places[:260] == whole.places.tolist()
        assert scores[:260] == whole.scores.tolist()
        assert len(set(places)) == len(places)
        assert query.diversity or scores == sorted(scores, reverse=True)


def test_whole_ranking_lacks_only_what_the_index_has_missed(ranker: Ranker) -> None:
    for vector, ranking in zip(QUERIES, rank(ranker, Query(k=10_000)), strict=True):
        exact = exact_ranking(EMBEDDING, vector)
        places = ranking.places.tolist()
        embedded = [place for place in places if EMBEDDING[place].any()]
        found = set(embedded)
        assert embedded == [place for place in exact if place in found]
        missed = set(exact) - set(places)
        last = exact.index(places[DEPTH - 1])
        assert missed <= set(exact[:last])
        assert len(missed) == last + 1 - DEPTH
        # Items without an embedding come last, in the order of their places.
        assert places[len(embedded) :] == list(range(0, N, 10))


def test_items_with_one_embedding_come_in_the_order_of_their_places(ranker: Ranker) -> None:
    twins = list(range(1001, 1301, 10))
    [ranking] = rank(ranker, Query(k=12), EMBEDDING[1001:1002])
    assert ranking.places.tolist() == twins[:12]
    [neighbours] = similar(ranker, [1051], Query(k=35))
    assert neighbours.places.tolist()[:29] == [place for place in twins if place != 1051]


def test_ranking_does_not_depend_on_the_batch(ranker: Ranker) -> None:
    together = rank(ranker, Query(k=120))
    for vector, expected in zip(QUERIES, together, strict=True):
        [alone] = rank(ranker, Query(k=120), vector[np.newaxis])
        assert alone.places.tolist() == expected.places.tolist()
        assert alone.scores.tobytes() == expected.scores.tobytes()


EXACT = {
    "boost": Query(k=20, boosts=(parse_boost("3*shelf:few", 9),)),
    "dislikes": Query(k=20, disliked=np.array([4, 11])),
    "diversity": Query(k=20, diversity=0.3),
    "candidates": Query(k=20, within=np.arange(0, N, 3)),
    "filter that few pass": Query(k=20, filter=parse_filter("shelf:few", 9)),
    "filter that less than half pass": Query(k=20, filter=parse_filter("shelf:near", 9)),
    "nearly all left out": Query(k=20, left_out=np.arange(N - 250)),
}


@pytest.mark.parametrize("query", EXACT.values(), ids=EXACT.keys())
def test_other_queries_are_exact(ranker: Ranker, snapshot: Snapshot, query: Query) -> None:
    for one, other in zip(rank(ranker, query), rank(Ranker(snapshot), query), strict=True):
        assert one.places.tolist() == other.places.tolist()
        assert one.scores.tolist() == other.scores.tolist()
        assert (one.has_more, one.passed) == (other.has_more, other.passed)


def test_filter_that_most_items_pass_is_searched_by_the_index(ranker: Ranker, snapshot: Snapshot) -> None:
    query = Query(k=50, filter=parse_filter("shelf:none(few)", 9))
    found, exact = rank(ranker, query), rank(Ranker(snapshot), query)
    assert 0.95 < hits(found, exact) < 1
    few = set(range(5, N, 20))
    assert not any(few & set(ranking.places.tolist()) for ranking in found)
    assert {ranking.passed for ranking in found} == {N - len(few)}


@pytest.fixture(scope="module")
def halved(tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """Six in ten items, those that are unlike `SIDE`, are on the shelf `far`."""
    cosines = EMBEDDING @ SIDE
    shelves = ["far" if cosine < np.quantile(cosines, 0.6) else "near" for cosine in cosines]
    return indexed_snapshot(tmp_path_factory.mktemp("halved"), EMBEDDING, shelves)


def test_filter_against_the_query_is_exact(halved: Snapshot) -> None:
    index = open_search(halved).index
    assert index is not None
    query = Query(k=50, filter=parse_filter("shelf:far", 9))
    [found] = rank(Ranker(halved, index), query, SIDE[np.newaxis])
    [exact] = rank(Ranker(halved), query, SIDE[np.newaxis])
    assert found.places.tolist() == exact.places.tolist()
    # By the same query without the filter, the index is asked, and would have found next to nothing of these.
    refused = ~Ranker(halved).masks.of(parse_filter("shelf:far", 9)).allowed
    assert index.beginning(SIDE, np.zeros(0, np.int64)) is not None
    assert index.beginning(SIDE, np.zeros(0, np.int64), refused) is None


def test_nobody_gets_popularity(ranker: Ranker) -> None:
    [ranking] = rank(ranker, Query(k=3), np.zeros((1, 16), np.float32))
    assert ranking.places.tolist() == [N - 1, N - 2, N - 3]


def test_beginning_too_few_in_the_nearest_lists_none(snapshot: Snapshot) -> None:
    lists = Lists(snapshot.folder / "index")
    index = Index(snapshot, lists, 1)
    short = [vector for vector in QUERIES if lists.compared(vector, 1) < DEPTH]
    assert short
    assert [index.beginning(vector, np.zeros(0, np.int64)) for vector in short] == [None] * len(short)
    for vector in short:
        [ranking] = rank(Ranker(snapshot, index), Query(k=20), vector[np.newaxis])
        assert ranking.places.tolist() == exact_ranking(EMBEDDING, vector)[:20]
