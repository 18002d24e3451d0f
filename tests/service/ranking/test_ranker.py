"""Rankings, against the oracle's loops."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from common.errors import QueryError
from service.ranking import ranker as ranker_module
from service.ranking.diversity import WINDOW
from service.ranking.filter_text import parse_filter
from service.ranking.query import Boost, MaxPer, Query, parse_boost
from service.ranking.ranker import Ranker
from tests.service.ranking.oracle import Catalogue, assert_is, make_catalogue, queries
from tests.service.snapshots import Item, make_snapshot

VECTORS = queries(7)


@pytest.fixture(scope="module", params=[60, 600], ids=["60 items", "600 items"])
def catalogue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return make_catalogue(tmp_path_factory.mktemp("catalogue"), request.param)


def rank(catalogue: Catalogue, query: Query, vectors: np.ndarray = VECTORS) -> list[Any]:
    ranker = Ranker(catalogue.snapshot)
    return ranker.rank(vectors, [ranker.plan(query)] * len(vectors))


def check(catalogue: Catalogue, query: Query, **asked: Any) -> None:
    """Compares the rankings of all queries, by vectors and by rows of scores."""
    ranker = Ranker(catalogue.snapshot)
    plans = [ranker.plan(query)] * len(VECTORS)
    rows = np.array([catalogue.scores(vector) for vector in VECTORS.tolist()], np.float32)
    for found in (ranker.rank(VECTORS, plans), ranker.rank_scores(rows, plans)):
        for vector, ranking in zip(VECTORS.tolist(), found, strict=True):
            whole = catalogue.ranking(catalogue.scores(vector), **asked)
            assert_is(ranking, whole[query.offset : query.offset + query.k])
            assert ranking.has_more == (len(whole) > query.offset + query.k)


def test_scores_are_those_of_the_signature(catalogue: Catalogue) -> None:
    found = Ranker(catalogue.snapshot).scores(VECTORS)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, [catalogue.scores(vector) for vector in VECTORS.tolist()], atol=1e-6)


@pytest.mark.parametrize("k", [1, 10, 59, 60, 599, 600, 10_000])
def test_ranking_of_k_is_by_score_then_place(catalogue: Catalogue, k: int) -> None:
    check(catalogue, Query(k=k))


@pytest.mark.parametrize("offset", [0, 1, 57, 60, 5000])
def test_offset_passes_over_the_beginning(catalogue: Catalogue, offset: int) -> None:
    check(catalogue, Query(k=5, offset=offset))


def test_what_is_left_out_does_not_come(catalogue: Catalogue) -> None:
    left_out = [3, 1, 3, 17, -1, 58]
    check(catalogue, Query(k=10_000, left_out=np.array(left_out)), left_out=left_out)


def test_everything_left_out_gives_nothing(catalogue: Catalogue) -> None:
    check(catalogue, Query(k=3, left_out=np.arange(len(catalogue.items))), may_come=lambda item: False)


@pytest.mark.parametrize("left_out", [[], [0, 5, 12, 40]])
@pytest.mark.parametrize(
    ("text", "may_come"),
    [
        ("genres:drama", lambda item: "drama" in item.features["genres"]),
        ("genres:all(drama,horror)", lambda item: {"drama", "horror"} <= {*item.features["genres"]}),
        ("year>1981", lambda item: item.features["year"][0] > 1981),
        ("year=1981", lambda item: item.features["year"][0] == 1981),
        ("genres:nothing", lambda item: False),
        ("genres:none(nothing)", lambda item: True),
    ],
)
def test_filter_gives_the_best_of_those_that_pass(
    catalogue: Catalogue, text: str, may_come: Any, left_out: list[int]
) -> None:
    for k in (3, 10_000):
        query = Query(k=k, filter=parse_filter(text, 10), left_out=np.array(left_out, np.int64))
        check(catalogue, query, may_come=may_come, left_out=left_out)
    assert rank(catalogue, query)[0].passed == sum(map(may_come, catalogue.items))


def test_candidates_are_ranked_among_themselves(catalogue: Catalogue) -> None:
    within = [7, 3, 3, -1, 40, 22]
    among = {f"i{place}" for place in within}
    check(catalogue, Query(k=10, within=np.array(within)), may_come=lambda item: item.item_id in among)
    query = Query(k=10, within=np.array(within), filter=parse_filter("year>2000", 10), left_out=np.array([40]))
    check(
        catalogue,
        query,
        may_come=lambda item: item.item_id in among and item.features["year"][0] > 2000,
        left_out=[40],
    )
    assert rank(catalogue, Query(k=10, within=np.array([-1])))[0].places.tolist() == []


def test_boosts_raise_positive_and_negative_scores_alike(catalogue: Catalogue) -> None:
    boosts = (parse_boost("4*genres:drama", 9), parse_boost("0.5*year<2000", 9), parse_boost("5*genres:horror", 9))

    def factor(item: Item) -> float:
        drama, horror = ("drama" in item.values("genres")), ("horror" in item.values("genres"))
        return min(10.0, 4.0**drama * 5.0**horror * 0.5 ** (item.values("year")[0] < 2000))

    check(catalogue, Query(k=10_000, boosts=boosts), factor=factor)
    check(catalogue, Query(k=5, boosts=boosts), factor=factor)
    drama = Query(k=10_000, boosts=(Boost(2.0, parse_filter("genres:drama", 9)),))
    plain, boosted = rank(catalogue, Query(k=10_000)), rank(catalogue, drama)
    for before, after in zip(plain, boosted, strict=True):
        scores = dict(zip(before.places.tolist(), before.scores.tolist(), strict=True))
        for place, score in zip(after.places.tolist(), after.scores.tolist(), strict=True):
            assert score >= scores[place]


@pytest.mark.parametrize("disliked", [[4], [4, 9, 30, 4, -1]])
def test_disliked_do_not_come_and_what_is_like_them_falls(catalogue: Catalogue, disliked: list[int]) -> None:
    query = Query(k=10_000, disliked=np.array(disliked))
    check_by_vectors(catalogue, query, disliked=[place for place in disliked if place >= 0])
    check_by_vectors(catalogue, dataclasses.replace(query, k=4), disliked=[place for place in disliked if place >= 0])


def check_by_vectors(catalogue: Catalogue, query: Query, **asked: Any) -> None:
    for vector, ranking in zip(VECTORS.tolist(), rank(catalogue, query), strict=True):
        whole = catalogue.ranking(catalogue.scores(vector), at_most=query.offset + query.k, **asked)
        assert_is(ranking, whole[query.offset : query.offset + query.k])


def test_twin_of_a_disliked_item_has_no_score_left(catalogue: Catalogue) -> None:
    n = len(catalogue.items)
    query = Query(k=10_000, disliked=np.array([n // 2]))
    for ranking in rank(catalogue, query, VECTORS[:-1]):
        place = ranking.places.tolist().index(n // 3)
        assert ranking.scores[place] <= 1e-6
        assert n // 2 not in ranking.places


@pytest.mark.parametrize("feature", ["genres", "brand"])
@pytest.mark.parametrize("n", [1, 2, 40])
def test_max_per_goes_down_until_the_list_is_full(catalogue: Catalogue, feature: str, n: int) -> None:
    for k, offset in ((4, 0), (10, 3), (10_000, 0)):
        check(catalogue, Query(k=k, offset=offset, max_per=MaxPer(feature, n)), max_per=(feature, n))


@pytest.mark.parametrize("diversity", [0.2, 0.7, 1.0])
def test_diversity_is_maximal_marginal_relevance(catalogue: Catalogue, diversity: float) -> None:
    for k, offset in ((5, 0), (7, 6), (WINDOW + 5, 0)):
        check_by_vectors(catalogue, Query(k=k, offset=offset, diversity=diversity), diversity=diversity)


def test_all_extras_together_are_those_of_the_oracle(catalogue: Catalogue) -> None:
    query = Query(
        k=9,
        offset=2,
        left_out=np.array([2, 8]),
        filter=parse_filter("year>=1985 and not genres:western", 9),
        boosts=(parse_boost("3*brand:x", 9),),
        disliked=np.array([1, 11]),
        max_per=MaxPer("genres", 3),
        diversity=0.4,
    )
    check_by_vectors(
        catalogue,
        query,
        left_out=[2, 8],
        may_come=lambda item: item.features["year"][0] >= 1985 and "western" not in item.features["genres"],
        factor=lambda item: 3.0 if item.features["brand"] == ["x"] else 1.0,
        disliked=[1, 11],
        max_per=("genres", 3),
        diversity=0.4,
    )


EXTRAS = {
    "nothing": Query(k=1),
    "filter": Query(k=1, filter=parse_filter("genres:drama", 9)),
    "boost": Query(k=1, boosts=(parse_boost("3*genres:drama", 9),)),
    "disliked": Query(k=1, disliked=np.array([4, 5])),
    "max_per": Query(k=1, max_per=MaxPer("genres", 20)),
    "diversity": Query(k=1, diversity=0.5),
    "diversity and max_per": Query(k=1, diversity=0.5, max_per=MaxPer("genres", 20)),
}


@pytest.mark.parametrize("query", EXTRAS.values(), ids=EXTRAS.keys())
def test_pages_are_the_parts_of_one_ranking(catalogue: Catalogue, query: Query) -> None:
    whole = rank(catalogue, dataclasses.replace(query, k=10_000))
    for vector, expected in zip(VECTORS, whole, strict=True):
        places: list[int] = []
        scores: list[float] = []
        while True:
            # Each page alone, with a k of its own: neither the batch nor k may change the order.
            asked = dataclasses.replace(query, k=13 + len(places) // 13 * 7, offset=len(places))
            [page] = rank(catalogue, asked, vector[np.newaxis])
            places += page.places.tolist()
            scores += page.scores.tolist()
            if not page.has_more:
                break
        assert places == expected.places.tolist()
        assert scores == expected.scores.tolist()


def test_ranking_does_not_depend_on_the_batch_to_the_last_bit(tmp_path_factory: pytest.TempPathFactory) -> None:
    catalogue = make_catalogue(tmp_path_factory.mktemp("large"), 3000, dim=64)
    vectors = queries(65, dim=64)
    together = rank(catalogue, Query(k=50), vectors)
    for n in (0, 1, 33, 64):
        [alone] = rank(catalogue, Query(k=50), vectors[n : n + 1])
        assert alone.places.tolist() == together[n].places.tolist()
        assert alone.scores.tobytes() == together[n].scores.tobytes()


def test_items_nearer_to_each_other_than_float32_products_tell_come_in_the_exact_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    vectors = queries(33, dim=64)
    # All around one query: their cosines with it are within some 1e-7 of each other.
    embedding = (vectors[0] + rng.normal(size=(3000, 64)) * 3e-5).astype(np.float32)
    embedding /= np.linalg.norm(embedding, axis=1, keepdims=True)
    snapshot = make_snapshot(tmp_path / "made", [f"i{n}" for n in range(3000)], embedding=embedding)
    exact = [sum(float(a) * float(b) for a, b in zip(vectors[0], row, strict=True)) for row in embedding]
    expected = sorted(range(3000), key=lambda place: (-np.float32(exact[place]), place))[:10]
    ranker = Ranker(snapshot)
    plans = [ranker.plan(Query(k=10))] * 33
    rough = np.lexsort((np.arange(3000), -ranker.scores(vectors)[0]))[:10]
    assert rough.tolist() != expected  # or the test would show nothing
    for batch in (1, 5, 33):
        assert ranker.rank(vectors[:batch], plans[:batch])[0].places.tolist() == expected


def test_ranking_does_not_depend_on_the_size_of_the_parts(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = rank(catalogue, Query(k=20))
    monkeypatch.setattr(ranker_module, "_BYTES_AT_ONCE", 1)
    for one, other in zip(rank(catalogue, Query(k=20)), whole, strict=True):
        assert one.places.tolist() == other.places.tolist()


def test_each_query_of_a_batch_has_its_own_extras(catalogue: Catalogue) -> None:
    ranker = Ranker(catalogue.snapshot)
    asked = [dataclasses.replace(query, k=4) for query in EXTRAS.values()]
    together = ranker.rank(VECTORS, [ranker.plan(query) for query in asked])
    for n, query in enumerate(asked):
        [alone] = rank(catalogue, query, VECTORS[n : n + 1])
        assert alone.places.tolist() == together[n].places.tolist()


def test_empty_batch_has_no_answers(catalogue: Catalogue) -> None:
    assert Ranker(catalogue.snapshot).rank(np.zeros((0, 6), np.float32), []) == []


def test_ranking_changes_neither_the_snapshot_nor_the_models_scores(catalogue: Catalogue) -> None:
    ranker = Ranker(catalogue.snapshot)
    rows = ranker.scores(VECTORS)
    before = rows.copy()
    ranker.rank_scores(rows, [ranker.plan(Query(k=3, left_out=np.array([1])))] * len(rows))
    np.testing.assert_array_equal(rows, before)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query(k=1, filter=parse_filter("colour:red", 9)), "no such feature"),
        (Query(k=1, boosts=(parse_boost("2*colour:red", 9),)), "boost, character 3: the catalogue has no such feature"),
        (Query(k=1, max_per=MaxPer("colour", 1)), "max_per: the catalogue has no such feature"),
        (Query(k=1, max_per=MaxPer("year", 1)), "max_per: expected a feature of kind category or text"),
    ],
)
def test_query_that_does_not_fit_is_refused_before_the_batch(catalogue: Catalogue, query: Query, message: str) -> None:
    with pytest.raises(QueryError, match=message):
        Ranker(catalogue.snapshot).plan(query)


def test_model_without_embeddings_ranks_its_scores_and_has_no_diversity(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    snapshot = make_snapshot(tmp_path_factory.mktemp("scores") / "made", ["a", "b", "c"], popularity=[1, 3, 2])
    ranker = Ranker(snapshot)
    scores = np.array([[0.5, -700.0, 9.0], [0, 0, 0]], np.float32)
    plans = [ranker.plan(Query(k=2, disliked=np.array([0])))] * 2
    assert [ranking.places.tolist() for ranking in ranker.rank_scores(scores, plans)] == [[2, 1], [1, 2]]
    with pytest.raises(QueryError, match="no embeddings"):
        ranker.plan(Query(k=1, diversity=0.1))
