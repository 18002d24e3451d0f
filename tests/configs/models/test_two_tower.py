import pytest
from pydantic import ValidationError

from configs.models.two_tower import TwoTower


def test_history_limit_is_longer_for_attention_unless_set():
    assert TwoTower(query="attention").history_limit > TwoTower().history_limit
    assert {TwoTower(max_history=7, query=query).history_limit for query in ("pool", "attention")} == {7}


def test_step_size_is_smaller_for_attention_unless_set():
    assert TwoTower(query="attention").step_size < TwoTower().step_size
    assert {TwoTower(learning_rate=0.1, query=query).step_size for query in ("pool", "attention")} == {0.1}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_negatives": False}, "without negatives, nothing is learned"),
        ({"query": "attention", "ordered_history": False}, "query: attention needs ordered_history, which is false"),
        ({"embedding_dim": 64, "heads": 3}, "heads must divide embedding_dim, 64; received 3"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        TwoTower(**settings)
