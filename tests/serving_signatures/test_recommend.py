"""`recommend` and `serving_default`, which answers for Examples what `recommend` answers for ids."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from configs.leave_out import FromWeight, LeaveOut
from serving_signatures import recommend, serving_default
from tests.serving_signatures.conformance import EMPTY, KNOWN, UNKNOWN, RankingConformance, SignatureConformance
from tests.serving_signatures.conftest import Served
from tests.serving_signatures.oracle import DEFAULT_K, make_retriever
from tests.trainer_inputs import TrainerInputs, example
from transforms import features

USERS = {KNOWN: ["u0-1", "ü 1", "u2-11"], UNKNOWN: ["who", "u0-1 ", "U0-1"], EMPTY: ["", "", ""]}
HISTORIES = {
    KNOWN: [["i3", "ü\t€", "i3"], ["", "new", "i12"], ["bare", "", "i20"]],
    UNKNOWN: [["I3", "i3 ", "i"], ["x", "y", "z"], ["i99", "", "ü"]],
    EMPTY: [[""] * 3] * 3,
}
WEIGHTS = [[1.0, 6.0, 0.5], [1.0, 1.0, 2.0], [1.0, 0.0, 1.0]]


def encode(words: Sequence[str]) -> list[bytes]:
    return [word.encode() for word in words]


class TestRecommend(RankingConformance):
    signature = recommend.SIGNATURE
    takes = {
        "user_id": ("string", 1),
        "history": ("string", 2),
        "history_weight": ("float32", 2),
        "exclude": ("string", 2),
        "k": ("int32", 1),
    }
    gives = {"item_id": ("string", 2), "score": ("float32", 2), "known_user": ("bool", 1)}

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        return {
            "user_id": USERS[kind][:n],
            "history": np.array(HISTORIES[kind], object)[:n],
            "history_weight": np.array(WEIGHTS)[:n],
            "exclude": np.array([["i7", ""], ["", ""], ["nowhere", "i8"]], object)[:n],
            "k": [5, 3, 4][:n],
        }

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        items, scores = [], []
        width = min(max(inputs["k"], default=0), len(served.oracle.order))
        for n, user in enumerate(inputs["user_id"]):
            history = encode(inputs["history"][n])
            query = served.oracle.user(user.encode(), history, inputs["history_weight"][n])
            ranked = served.oracle.ranking(query, history + encode(inputs["exclude"][n]), inputs["k"][n], width)
            items.append(ranked[0])
            scores.append(ranked[1])
        return {
            "item_id": np.array(items, object).reshape(len(items), width),
            "score": np.array(scores, np.float32).reshape(len(items), width),
            "known_user": [user.encode() in served.oracle.users for user in inputs["user_id"]],
        }

    def test_unknown_user_with_history_is_served_from_it(self, served: Served) -> None:
        inputs = {**self.rows(KNOWN, 3), "user_id": USERS[UNKNOWN]}
        result = self.check(served, inputs)
        assert not result["known_user"].any()

    def test_known_user_without_history_is_served_from_the_id(self, served: Served) -> None:
        nothing = {"history": np.zeros((3, 0), object), "history_weight": np.zeros((3, 0))}
        result = self.check(served, {**self.rows(KNOWN, 3), **nothing})
        assert result["known_user"].all()

    def test_unknown_user_without_history_gets_the_popular(self, served: Served) -> None:
        result = self.check(served, {**self.rows(EMPTY, 1), "k": [3]})
        popular = sorted(served.oracle.popularity.items(), key=lambda pair: -pair[1])
        assert result["score"][0].tolist() == [count for item, count in popular if item != b"i7"][:3]

    def test_exclusions_wider_than_k_still_fill_k(self, served: Served) -> None:
        exclude = np.array([[f"i{n}" for n in range(20)]] * 3, object)
        result = self.check(served, {**self.rows(KNOWN, 3), "exclude": exclude, "k": [2] * 3})
        assert not set(result["item_id"].ravel()) & set(encode(exclude[0]))

    def test_everything_excluded_is_padded(self, served: Served) -> None:
        exclude = np.array([[item.decode() for item in served.oracle.order]], object)
        result = self.check(served, {**self.rows(KNOWN, 1), "exclude": exclude, "k": [3]})
        assert result["item_id"].tolist() == [[b""] * 3]
        assert (result["score"] == np.finfo(np.float32).min).all()

    def test_history_that_weighs_nothing_is_passed_over_but_left_out(self, served: Served) -> None:
        inputs = {**self.rows(KNOWN, 1), "history_weight": [[0.0, -1.0, 1.0]], "history": [["i3", "i4", "i5"]]}
        result = self.check(served, {**inputs, "k": [1000]})
        assert not set(result["item_id"][0]) & {b"i3", b"i4", b"i5"}

    @pytest.mark.parametrize("weight", [np.inf, -np.inf, np.nan, -1.0, 0.0])
    def test_history_weight_that_is_no_weight_is_not_counted(self, served: Served, weight: float) -> None:
        inputs = {**self.rows(KNOWN, 1), "history_weight": [[weight, 2.0, 1.0]], "history": [["i3", "i4", "i5"]]}
        result = self.check(served, {**inputs, "k": [1000]})
        without = self.ask(served, **{**inputs, "history_weight": [[0.0, 2.0, 1.0]], "k": [1000]})
        np.testing.assert_array_equal(result["score"], without["score"])
        alone = self.check(served, {**inputs, "history_weight": [[weight] * 3], "user_id": ["who"]})
        assert np.isin(alone["score"], list(served.oracle.popularity.values())).all()

    def test_history_weights_near_the_largest_float_are_counted(self, served: Served) -> None:
        inputs = {**self.rows(KNOWN, 1), "history_weight": [[3e38, 3e38, 1.5e38]], "history": [["i3", "i4", "i5"]]}
        result = self.check(served, inputs)
        plain = self.ask(served, **{**inputs, "history_weight": [[2.0, 2.0, 1.0]]})
        np.testing.assert_allclose(result["score"], plain["score"], rtol=1e-5)

    @pytest.mark.parametrize(
        ("rule", "left_out"),
        [
            ("everything", [0, 1, 2, 3]),
            ("nothing", []),
            (FromWeight(from_weight=2), [1, 2]),
            (FromWeight(from_weight=6), [1]),
        ],
    )
    def test_rule_decides_what_of_the_history_is_left_out_and_exclude_always_is(
        self, shop: TrainerInputs, rule: LeaveOut, left_out: list[int]
    ) -> None:
        retriever, oracle = make_retriever(shop, leave_out=rule)
        history, weight = ["i3", "i4", "i5", "i6"], [0.5, 6.0, 2.0, 1.9999999]
        answer = self.signature.concrete_function(retriever)(
            user_id=tf.constant(["u0-1"]),
            history=tf.constant([history]),
            history_weight=tf.constant([weight]),
            exclude=tf.constant([["i7", "i3"]]),
            k=tf.constant([1000]),
        )
        missing = {*oracle.order} - {*answer["item_id"].numpy()[0]}
        assert missing == {b"i7", b"i3", *(history[n].encode() for n in left_out)}
        query = oracle.user(b"u0-1", encode(history), weight)
        ranked, _ = oracle.ranking(query, [*missing], 1000)
        assert answer["item_id"].numpy()[0].tolist() == ranked

    @pytest.mark.parametrize("weight", [np.inf, np.nan])
    def test_nothing_left_out_also_if_the_weight_is_no_number(self, shop: TrainerInputs, weight: float) -> None:
        retriever, _ = make_retriever(shop, leave_out="nothing")
        answer = self.signature.concrete_function(retriever)(
            user_id=tf.constant(["u0-1"]),
            history=tf.constant([["i3"]]),
            history_weight=tf.constant([[weight]]),
            exclude=tf.zeros([1, 0], tf.string),
            k=tf.constant([1000]),
        )
        assert b"i3" in answer["item_id"].numpy()[0]

    def test_weights_of_another_shape_are_refused(self, served: Served) -> None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="one weight for each of history"):
            self.ask(served, **{**self.rows(KNOWN, 3), "history_weight": np.ones((3, 2))})


def raw_example(user: str, history: Sequence[str], weight: Sequence[float]) -> bytes:
    return example({features.USER_ID: [user], features.ITEM_ID: list(history), features.VALUE: list(weight)})


class TestServingDefault(SignatureConformance):
    signature = serving_default.SIGNATURE
    takes = {"examples": ("string", 1)}
    gives = {"item_id": ("string", 2), "score": ("float32", 2)}

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        return {"examples": [raw_example(*row) for row in zip(USERS[kind], HISTORIES[kind], WEIGHTS, strict=True)][:n]}

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        items, scores = [], []
        for serialized in inputs["examples"]:
            feature = tf.train.Example.FromString(serialized).features.feature
            [user] = feature[features.USER_ID].bytes_list.value or [b""]
            history = list(feature[features.ITEM_ID].bytes_list.value)
            query = served.oracle.user(user, history, feature[features.VALUE].float_list.value)
            ranked = served.oracle.ranking(query, history, DEFAULT_K)
            items.append(ranked[0])
            scores.append(ranked[1])
        shape = (len(items), DEFAULT_K if items else 0)
        return {
            "item_id": np.array(items, object).reshape(shape),
            "score": np.array(scores, np.float32).reshape(shape),
        }

    def test_examples_with_more_less_and_other_features_are_answered(self, served: Served) -> None:
        full = {features.USER_ID: ["u0-1"], features.ITEM_ID: ["i3", "i4"], features.VALUE: [1.0, 6.0]}
        extra = {features.TIMESTAMP: [1, 2], features.TARGET_ITEM_ID: ["i5"], "colour": ["red"], "n": [1.0]}
        examples = [
            example({**full, **extra}),
            example({features.USER_ID: ["u0-1"]}),
            example({features.ITEM_ID: ["i3"], features.VALUE: [1.0]}),
            example({}),
        ]
        result = self.check(served, {"examples": examples})
        assert result["item_id"].shape == (4, DEFAULT_K)

    def test_example_lacks_values_is_refused(self, served: Served) -> None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="one value for each item_id"):
            self.ask(served, examples=[example({features.ITEM_ID: ["i3"]})])

    def test_examples_that_lack_each_others_values_are_refused(self, served: Served) -> None:
        with pytest.raises(tf.errors.InvalidArgumentError, match="one value for each item_id"):
            self.ask(served, examples=[raw_example("", ["i3", "i4"], [1.0]), raw_example("", ["i5"], [6.0, 2.0])])

    def test_no_example_at_all_is_refused(self, served: Served) -> None:
        with pytest.raises(tf.errors.InvalidArgumentError):
            self.ask(served, examples=[b"not an example"])

    def test_rule_compares_the_examples_values(self, shop: TrainerInputs) -> None:
        retriever, oracle = make_retriever(shop, default_k=1000, leave_out=FromWeight(from_weight=6))
        example_of = raw_example("u0-1", ["i3", "i4"], [0.5, 6.0])
        result = self.signature.concrete_function(retriever)(examples=tf.constant([example_of]))
        assert {*oracle.order} - {*result["item_id"].numpy()[0]} == {b"i4"}

    def test_k_above_the_catalogue_is_cut(self, shop: TrainerInputs) -> None:
        retriever, oracle = make_retriever(shop, default_k=1000)
        result = self.signature.concrete_function(retriever)(examples=tf.constant([example({})]))
        assert result["item_id"].shape == (1, len(oracle.order))
