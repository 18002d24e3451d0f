"""A shop with so many items that the service makes an index of them: the real model, process and calls."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from documents.provenance import Provenance
from serving_signatures.export import export_model
from tests.once import once
from tests.service.served_shop import ServedShop, Service
from tests.service.snapshots import Item
from tests.serving_signatures.oracle import Oracle, make_retriever
from tests.trainer_inputs import TrainerInputs, make_inputs

pytestmark = pytest.mark.e2e

VERSION, ITEMS, RECALL = 7, 4000, 0.9
USERS = {f"u{n}": [f"i{item}" for item in range(n, ITEMS, 800)] for n in range(60)}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> TrainerInputs:
    items: dict[str, dict[str, Any]] = {item: {} for item in (*(f"i{n}" for n in range(ITEMS)), "bare", "new")}
    targets = {"u0": ["i1"]}
    return make_inputs(tmp_path_factory.mktemp("large"), USERS, targets, items)


@pytest.fixture(scope="module")
def oracle(inputs: TrainerInputs) -> Oracle:
    return make_retriever(inputs)[1]


@pytest.fixture(scope="module")
def large(inputs: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> ServedShop:
    """The shop with one version."""

    def export(folder: Path) -> None:
        export_model(make_retriever(inputs)[0], str(folder / "model"), Provenance(pipeline="shop"))

    model = once("exported-large-shop", export) / "model"
    shop = ServedShop(tmp_path_factory.mktemp("served"), model, index={"exact_items": 1000, "recall": RECALL})
    histories = {user: [(item, 1.0, 10) for item in items] for user, items in USERS.items()}
    shop.push(VERSION, [Item(item.decode(), features={"genre": ["g"]}) for item in oracle.order], GENRE, histories)
    return shop


GENRE = {"genre": "category"}


@pytest.fixture(scope="module")
def service(large: ServedShop) -> Iterator[Service]:
    with large.running() as running:
        running.serves(VERSION)
        yield running


def exact(oracle: Oracle, user: str, k: int) -> list[str]:
    """What the model recommends the user, by loops."""
    history = [item.encode() for item in USERS[user]]
    vector = oracle.user(user.encode(), history, [1.0] * len(history))
    return [item.decode() for item in oracle.ranking(vector, history, k)[0]]


def test_index_is_used_and_tells_what_it_finds(service: Service, oracle: Oracle) -> None:
    search = service.model()["live"]["search"]
    assert (search["kind"], search["lists"], search["reason"]) == ("index", 63, "")
    assert {*search["recall"]} == {"items", "users"}
    assert min(search["recall"].values()) >= RECALL - 0.02
    assert search["compared"] < ITEMS / 2
    metrics = service.client.get("/metrics").text
    for kind, share in search["recall"].items():
        [line] = [
            line
            for line in metrics.splitlines()
            if line.startswith(f'perennial_index_recall{{queries="{kind}",version="{VERSION}"}}')
        ]
        assert float(line.split()[1]) == pytest.approx(share, abs=1e-4)
    assert f'perennial_compared_items{{version="{VERSION}"}} {float(search["compared"])}' in metrics

    found = []
    for user in USERS:
        items = service.get("/v1/recommendations", user=user, k=10)["items"]
        scores = [item["score"] for item in items]
        assert len(items) == 10
        assert scores == sorted(scores, reverse=True)
        found.append(len({item["item_id"] for item in items} & set(exact(oracle, user, 10))) / 10)
    assert np.mean(found) > RECALL


def test_pages_hold_no_item_twice_and_go_on_after_what_the_index_finds(service: Service) -> None:
    seen: list[str] = []
    scores: list[float] = []
    cursor: dict[str, str] = {}
    while len(seen) < 240:
        answer = service.get("/v1/recommendations", user="u5", k=30, **cursor)
        seen += [item["item_id"] for item in answer["items"]]
        scores += [item["score"] for item in answer["items"]]
        cursor = {"cursor": answer["next"]}
    assert len(seen) == len(set(seen)) == 240
    assert scores == sorted(scores, reverse=True)
    assert not {*seen} & {*USERS["u5"]}


def replace(path: Path, array: np.ndarray) -> None:
    """Replaces a file; who has mapped the one before keeps it."""
    np.save(path.with_suffix(".new.npy"), array)
    path.with_suffix(".new.npy").replace(path)


def test_index_with_a_fault_is_named_and_the_answers_are_exact(
    large: ServedShop, service: Service, oracle: Oracle
) -> None:
    [places] = large.folder.rglob("index/places.npy")
    right = np.load(places)
    replace(places, np.random.default_rng(0).permutation(right))
    try:
        # Beside the service whose snapshot this is: it made the index before, and does not make it again.
        with large.running() as running:
            running.serves(VERSION)
            search = running.model()["live"]["search"]
            assert (search["kind"], search["recall"], search["compared"]) == ("exact", {}, ITEMS + 2)
            assert search["reason"].startswith(f"the index was made for a recall of {RECALL} and has 0.")
            running.until(rf"version {VERSION} is searched exactly, which is slower: the index was made for")
            metrics = running.client.get("/metrics").text
            assert f'perennial_index_recall{{queries="all",version="{VERSION}"}} 1.0' in metrics
            for user in list(USERS)[:10]:
                items = running.get("/v1/recommendations", user=user, k=10)["items"]
                assert [item["item_id"] for item in items] == exact(oracle, user, 10)
    finally:
        replace(places, right)
