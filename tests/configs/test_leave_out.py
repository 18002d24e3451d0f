"""What `serving.leave_out` may say, what follows from the log, and the function that every part asks."""

from pathlib import Path
from typing import Any

import common  # noqa: F401, sets Keras 2 before TensorFlow is imported

# isort: split
import numpy as np
import pytest
import tensorflow as tf
import yaml

from common.errors import ConfigError
from configs.leave_out import FromWeight, LeaveOut, is_left_out, plain
from configs.load import load_config
from configs.serving import Serving

SHOP = {"columns": {"value": "event"}, "event_weights": {"view": 0.5, "basket": 2, "purchase": 6}}


def rule_of(folder: Path, leave_out: Any = None, **log: Any) -> LeaveOut:
    values: dict[str, Any] = {"name": "shop", "log": {"path": "log.csv", **log}}
    if leave_out is not None:
        values["serving"] = {"leave_out": leave_out}
    file = folder / "shop.yaml"
    file.write_text(yaml.safe_dump(values))
    return load_config(file).serving.rule


def test_default_is_everything_without_event_types_and_what_weighs_most_with_them(tmp_path: Path) -> None:
    assert rule_of(tmp_path) == "everything"
    assert rule_of(tmp_path, columns={"value": "stars"}) == "everything"
    assert rule_of(tmp_path, **SHOP) == FromWeight(from_weight=6)
    assert Serving().rule == "everything"


def test_default_is_everything_if_the_held_out_interactions_are_drawn_at_random(tmp_path: Path) -> None:
    at_random = {"split": {"method": "random"}}
    assert rule_of(tmp_path, **SHOP, **at_random) == "everything"
    assert rule_of(tmp_path, {"from_weight": 6}, **SHOP, **at_random) == FromWeight(from_weight=6)
    timed = {**SHOP, "columns": {"value": "event", "timestamp": "time"}}
    for method in ("leave_last", "time"):
        assert rule_of(tmp_path, **timed, split={"method": method}) == FromWeight(from_weight=6)


@pytest.mark.parametrize("written", ["everything", "nothing", {"from_weight": 2}, {"from_weight": 0.5}])
def test_written_rule_is_taken_and_survives_json(tmp_path: Path, written: Any) -> None:
    rule = rule_of(tmp_path, written, **SHOP)
    assert plain(rule) == written
    assert Serving.model_validate_json(Serving(leave_out=rule).model_dump_json()).rule == rule


@pytest.mark.parametrize(
    ("written", "log", "said"),
    [
        ({"from_weight": 6.5}, SHOP, "no event of log.event_weights weighs 6.5; the heaviest weighs 6"),
        ({"from_weight": 1}, {}, "needs log.event_weights"),
        ({"from_weight": 1}, {"columns": {"value": "stars"}}, "needs log.event_weights"),
        ({"from_weight": 0}, SHOP, "greater than 0"),
        ({"from_weight": "purchase"}, SHOP, "'purchase'"),
        ({"from": 6}, SHOP, "from"),
        ("bought", SHOP, "'bought'"),
        (6, SHOP, "6"),
    ],
)
def test_rule_that_cannot_be_meant_is_refused(tmp_path: Path, written: Any, log: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        rule_of(tmp_path, written, **log)
    assert "leave_out" in str(caught.value)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("everything", [True] * 7),
        ("nothing", [False] * 7),
        (FromWeight(from_weight=0.1), [False, False, True, True, True, False, True]),
        (FromWeight(from_weight=2), [False, False, False, True, True, False, True]),
    ],
)
def test_is_left_out_arrays_and_tensors_agree(rule: LeaveOut, wanted: list[bool]) -> None:
    weight = np.array([0.0, -1.0, 0.1, 2.0, 6.0, np.nan, np.inf], np.float32)
    assert np.asarray(is_left_out(weight, rule)).tolist() == wanted
    assert is_left_out(tf.constant(weight), rule).numpy().tolist() == wanted
    in_graph = tf.function(lambda w: is_left_out(w, rule), input_signature=[tf.TensorSpec([None], tf.float32)])
    assert in_graph(weight).numpy().tolist() == wanted
