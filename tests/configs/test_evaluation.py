"""What the evaluation and gate sections refuse, and what they name."""

import pytest
from pydantic import ValidationError

from common.errors import ConfigError
from configs.evaluation import Evaluation, Gate


def test_evaluation_metrics_and_slices_are_named_in_order() -> None:
    settings = Evaluation(top_k=(5, 10), activity_from=(1, 2, 10))
    assert settings.metrics == (
        "recall@5", "recall@10", "ndcg@5", "ndcg@10", "hit_rate@5", "hit_rate@10", "mrr",
        "coverage@10", "gini@10", "mean_popularity@10", "novelty@10",
    )  # fmt: skip
    assert settings.slices["user_activity"] == ("0", "1", "2-9", "10+")
    assert Evaluation().slices["user_activity"] == ("0", "1-4", "5-19", "20-99", "100+")


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"top_k": ()}, "include 10"),
        ({"top_k": (1, 5)}, "include 10"),
        ({"top_k": (0, 10)}, "positive"),
        ({"activity_from": ()}, "increasing"),
        ({"activity_from": (2, 5)}, "that begin with 1"),
        ({"activity_from": (1, 5, 5)}, "increasing"),
        ({"head_share": 0.7, "torso_share": 0.3}, "nothing for the tail"),
        ({"resamples": 10}, "100"),
    ],
)
def test_evaluation_that_cannot_be_is_refused(wrong: dict[str, object], says: str) -> None:
    with pytest.raises(ValidationError, match=says):
        Evaluation.model_validate(wrong)


@pytest.mark.parametrize("value", [0.0, -0.1])
def test_gate_floor_that_zeros_would_pass_is_refused(value: float) -> None:
    with pytest.raises(ValidationError, match="above zero"):
        Gate(floor={"ndcg@10": value})


@pytest.mark.parametrize(
    "gate",
    [
        Gate(floor={"hit_rate@7": 0.1}),
        Gate(better_than_popularity="ndgc@10"),
        Gate(last_blessed_metric="recall@1000"),
        Gate(last_blessed_metric="gini@10"),
        Gate(floor={"mean_popularity@10": 0.1}),
        Gate(required_slices=("user/stranger",)),
    ],
)
def test_gate_that_asks_for_what_is_not_measured_is_refused_by_name(gate: Gate) -> None:
    metric = "hit_rate@7|ndgc@10|recall@1000|gini@10|mean_popularity@10"
    wrong = rf"'({metric})' is not a metric|there is no slice 'user/stranger"
    with pytest.raises(ConfigError, match=rf"gate.*({wrong})"):
        gate.require_measured(Evaluation())
