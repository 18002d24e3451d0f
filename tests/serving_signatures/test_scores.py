"""`scores`."""

from typing import Any

import numpy as np

from serving_signatures import scores
from tests.serving_signatures.conformance import KNOWN, UNKNOWN, SignatureConformance
from tests.serving_signatures.conftest import Served
from tests.serving_signatures.test_embeddings import TestEmbedUsers
from tests.serving_signatures.test_recommend import TestRecommend, encode


class TestScores(SignatureConformance):
    signature = scores.SIGNATURE
    takes = TestEmbedUsers.takes
    gives = {"score": ("float32", 2)}

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        return TestEmbedUsers().rows(kind, n)

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        oracle = served.oracle
        rows = zip(encode(inputs["user_id"]), inputs["history"], inputs["history_weight"], strict=True)
        queries = [oracle.user(user, encode(history), weight) for user, history, weight in rows]
        scored = [[oracle.score(query, item) for item in oracle.order] for query in queries]
        return {"score": np.array(scored, np.float32).reshape(len(queries), len(oracle.order))}

    def test_history_is_not_left_out_and_the_item_without_embedding_has_the_lowest_cosine(self, served: Served) -> None:
        result = self.ask(served, **self.rows(KNOWN, 3))["score"]
        assert np.isfinite(result).all()
        bare, met = served.oracle.order.index(b"bare"), served.oracle.order.index(b"i3")
        assert (result[:, bare] == -1).all()
        assert abs(result[0, met]) <= 1

    def test_nobody_known_gets_the_popularity(self, served: Served) -> None:
        popularity = [served.oracle.popularity[item] for item in served.oracle.order]
        assert self.ask(served, **self.rows(UNKNOWN, 1))["score"].tolist() == [popularity]

    def test_recommend_ranks_these_scores(self, served: Served) -> None:
        asked = {**TestRecommend().rows(KNOWN, 3), "k": [1000] * 3}
        ranked = TestRecommend().ask(served, **asked)
        scored = self.ask(served, **self.rows(KNOWN, 3))["score"]
        place = {item: n for n, item in enumerate(served.oracle.order)}
        for row in range(3):
            real = [item for item in ranked["item_id"][row] if item]
            left_out = {*encode(asked["history"][row]), *encode(asked["exclude"][row])}
            assert set(real) == set(place) - left_out
            own = [scored[row, place[item]] for item in real]
            np.testing.assert_array_equal(ranked["score"][row, : len(real)], own)
