import numpy as np
import pytest

from configs.models.item_item import ItemItem
from tests.trainer.models.item_item.dense import table_of
from tests.trainer.worlds import interactions_of, random_histories
from trainer.models.item_item import directed
from trainer.models.item_item.directed import directed_neighbours


def _expected(log, items, window, popularity, exponent, decay, weighs):
    counts = np.zeros((items, items))
    for user in range(log.users):
        history = log.item[log.offset[user] : log.offset[user + 1]].tolist()
        weight = log.weight[log.offset[user] : log.offset[user + 1]]
        for at, a in enumerate(history):
            for then in range(at + 1, min(at + window + 1, len(history))):
                if a >= 0 and history[then] >= 0 and history[then] != a:
                    counts[a, history[then]] += decay ** (then - at - 1) * (weight[then] if weighs else 1)
    return counts / np.outer(popularity, popularity) ** exponent


def _found(log, items, window, popularity=None, exponent=0.0, decay=1.0, weighs=False):
    popularity = np.ones(items) if popularity is None else popularity
    settings = ItemItem(window=window, popularity_exponent=exponent, gap_decay=decay, use_event_weights=weighs)
    return directed_neighbours(log, items, items, popularity.astype(np.float32), settings)


@pytest.mark.parametrize("window", [1, 3, 10, 100])
@pytest.mark.parametrize("pairs", [20, 1 << 20])
@pytest.mark.parametrize(("decay", "weighs"), [(1, False), (0.8, True)])
def test_counts_of_a_random_log_are_those_of_loops(window, pairs, decay, weighs, monkeypatch):
    monkeypatch.setattr(directed, "_PAIRS_A_BLOCK", pairs)
    log = random_histories(50, 9, seed=window)
    popularity = np.random.default_rng(1).uniform(0.01, 0.5, 11).astype(np.float32)
    found = table_of(_found(log, 11, window, popularity, 0.3, decay, weighs), 11)
    np.testing.assert_allclose(
        found, _expected(log, 11, window, popularity.astype(float), 0.3, decay, weighs), rtol=1e-6
    )


def test_counts_of_repeats_count_each_and_an_item_never_follows_itself():
    # 0 → 1 (places 0-1, 0-3, 2-3) and 1 → 0 (1-2), within a window of three.
    np.testing.assert_array_equal(table_of(_found(interactions_of([[0, 1, 0, 1]]), 2, 3), 2), [[0, 3], [1, 0]])


def test_counts_stop_at_the_window_and_at_the_end_of_the_user():
    found = table_of(_found(interactions_of([[0, 1, 2], [3]]), 4, 1), 4)
    np.testing.assert_array_equal(found, [[0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]])


def test_counts_weigh_what_comes_after_if_events_weigh():
    log = interactions_of([[0, 1]], weights=[[0.5, 6.0]])
    found = [table_of(_found(log, 2, 5, weighs=weighs), 2)[0, 1] for weighs in (False, True)]
    assert found == [1, 6]


def test_exponent_divides_by_the_popularity_of_both():
    log = interactions_of([[0, 1], [0, 1], [0, 2]])
    found = table_of(_found(log, 3, 1, np.array([0.5, 0.25, 0.125]), 0.5), 3)
    np.testing.assert_allclose(found[0], [0, 2 / np.sqrt(0.125), 1 / np.sqrt(0.0625)], rtol=1e-6)
