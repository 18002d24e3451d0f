"""The most popular and the latest items."""

from pathlib import Path

import pytest

from common.errors import QueryError
from service.ranking.filter_text import parse_filter
from service.ranking.lists import latest, popular
from service.ranking.ranker import Ranker
from tests.service.ranking.oracle import Catalogue, make_catalogue
from tests.service.snapshots import make_snapshot


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return make_catalogue(tmp_path_factory.mktemp("catalogue"), 80)


@pytest.mark.parametrize(("k", "offset"), [(1, 0), (10, 0), (10, 70), (10, 75), (100, 0), (5, 200)])
@pytest.mark.parametrize("text", [None, "genres:drama"])
def test_popular_items_come_by_popularity_then_place(
    catalogue: Catalogue, k: int, offset: int, text: str | None
) -> None:
    wanted = None if text is None else parse_filter(text, 5)
    found = popular(Ranker(catalogue.snapshot), k, offset, wanted)
    passing = [place for place, item in enumerate(catalogue.items) if not text or "drama" in item.values("genres")]
    ordered = sorted(passing, key=lambda place: (-catalogue.popularity[place], place))
    assert found.places.tolist() == ordered[offset : offset + k]
    assert found.scores.tolist() == [catalogue.popularity[place] for place in found.places]
    assert (found.passed, found.has_more) == (len(passing), len(passing) > offset + k)


@pytest.mark.parametrize(("k", "offset"), [(1, 0), (10, 5), (100, 0)])
@pytest.mark.parametrize("text", [None, "genres:drama"])
def test_latest_items_come_by_first_time_then_place(
    catalogue: Catalogue, k: int, offset: int, text: str | None
) -> None:
    wanted = None if text is None else parse_filter(text, 5)
    found = latest(Ranker(catalogue.snapshot), k, offset, wanted)
    timed = [
        (-item.first_time, place)
        for place, item in enumerate(catalogue.items)
        if item.first_time is not None and (not text or "drama" in item.values("genres"))
    ]
    assert found.places.tolist() == [place for _, place in sorted(timed)][offset : offset + k]
    assert found.passed == len(timed) < len(catalogue.items)


def test_latest_of_a_log_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="no times"):
        latest(Ranker(make_snapshot(tmp_path / "made", ["a"])), 1)
