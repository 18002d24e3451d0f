"""`embed_items`, `embed_item_indices` and `embed_users`."""

from typing import Any

import numpy as np

from serving_signatures import embed_item_indices, embed_items, embed_users
from tests.serving_signatures.conformance import EMPTY, KNOWN, UNKNOWN, SignatureConformance
from tests.serving_signatures.conftest import Served
from tests.serving_signatures.oracle import DIM
from tests.serving_signatures.test_recommend import HISTORIES, USERS, WEIGHTS, encode

ITEMS = {KNOWN: ["i3", "bare", "ü\t€"], UNKNOWN: ["I3", "i3 ", "i99"], EMPTY: ["", "", ""]}


class TestEmbedItems(SignatureConformance):
    signature = embed_items.SIGNATURE
    takes = {"item_id": ("string", 1)}
    gives = {"embedding": ("float32", 2), "known": ("bool", 1)}

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        return {"item_id": ITEMS[kind][:n]}

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        items = served.oracle.items
        vectors = [items.get(item, np.zeros(DIM)) for item in encode(inputs["item_id"])]
        return {
            "embedding": np.array(vectors).reshape(-1, DIM),
            "known": [item in items for item in encode(inputs["item_id"])],
        }


class TestEmbedItemIndices(SignatureConformance):
    signature = embed_item_indices.SIGNATURE
    takes = {"index": ("int64", 1)}
    gives = {"embedding": ("float32", 2), "item_id": ("string", 1)}

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        return {"index": {KNOWN: [0, 26, 5], UNKNOWN: [27, -1, 2**62], EMPTY: [-(2**62), 27, 28]}[kind][:n]}

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        order = served.oracle.order
        ids = [order[index] if 0 <= index < len(order) else b"" for index in inputs["index"]]
        vectors = [served.oracle.items.get(item, np.zeros(DIM)) for item in ids]
        return {"embedding": np.array(vectors).reshape(-1, DIM), "item_id": ids}

    def test_all_places_equal_embed_items(self, served: Served) -> None:
        result = self.ask(served, index=range(len(served.oracle.order)))
        by_id = TestEmbedItems().ask(served, item_id=served.oracle.order)
        assert result["item_id"].tolist() == served.oracle.order
        np.testing.assert_array_equal(result["embedding"], by_id["embedding"])


class TestEmbedUsers(SignatureConformance):
    signature = embed_users.SIGNATURE
    takes = {"user_id": ("string", 1), "history": ("string", 2), "history_weight": ("float32", 2)}
    gives = {"embedding": ("float32", 2), "known_user": ("bool", 1)}

    def rows(self, kind: str, n: int) -> dict[str, Any]:
        return {
            "user_id": USERS[kind][:n],
            "history": np.array(HISTORIES[kind], object)[:n],
            "history_weight": np.array(WEIGHTS)[:n],
        }

    def expected(self, served: Served, inputs: dict[str, Any]) -> dict[str, Any]:
        rows = zip(encode(inputs["user_id"]), inputs["history"], inputs["history_weight"], strict=True)
        vectors = [served.oracle.user(user, encode(history), weight) for user, history, weight in rows]
        return {
            "embedding": np.array(vectors).reshape(-1, DIM),
            "known_user": [user in served.oracle.users for user in encode(inputs["user_id"])],
        }

    def test_nothing_known_gives_zeros(self, served: Served) -> None:
        np.testing.assert_array_equal(self.ask(served, **self.rows(UNKNOWN, 3))["embedding"], np.zeros((3, DIM)))
