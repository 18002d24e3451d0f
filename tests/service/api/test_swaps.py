"""New versions under traffic, broken versions, and a model process that dies."""

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from documents.provenance import Provenance
from serving_signatures.export import export_model
from tests.once import once
from tests.service.api.conftest import HISTORIES, KINDS, shop_items
from tests.service.served_shop import ServedShop, Service, wait_until
from tests.serving_signatures.oracle import Oracle, exported, make_retriever
from tests.trainer_inputs import TrainerInputs

FIRST = 100


@pytest.fixture(scope="session")
def turned(shop: TrainerInputs) -> Path:
    """Another model of the same shop: its items are each other's, so that it answers otherwise."""

    def make(folder: Path) -> None:
        retriever = make_retriever(shop)[0]
        retriever.embedding.assign(retriever.embedding.numpy()[::-1])
        export_model(retriever, str(folder / "model"), Provenance(pipeline="shop"))

    return once("turned-shop", make) / "model"


@pytest.fixture
def place(shop: TrainerInputs, oracle: Oracle, tmp_path: Path) -> ServedShop:
    place = ServedShop(tmp_path, exported(shop), drain_seconds=0.5)
    place.push(FIRST, shop_items(oracle), KINDS, HISTORIES)
    return place


@pytest.fixture
def running(place: ServedShop) -> Iterator[Service]:
    with place.running() as running:
        running.serves(FIRST)
        yield running


class Traffic:
    """Asks the same question again and again while the block runs."""

    def __init__(self, url: str) -> None:
        self._url, self._ended = url, threading.Event()
        self.answers: list[tuple[int, int | None, tuple[str, ...]]] = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(3)]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=60) as client:
            while not self._ended.is_set():
                answer = client.get("/v1/recommendations", params={"user": "u0-0", "items": "i3", "k": 5})
                body = answer.json()
                items = tuple(item["item_id"] for item in body.get("items", []))
                self.answers.append((answer.status_code, body.get("version"), items))


def test_new_version_takes_over_under_traffic_and_no_answer_fails_or_mixes(
    place: ServedShop, running: Service, oracle: Oracle, turned: Path
) -> None:
    versions = [FIRST + n for n in range(1, 5)]
    with Traffic(running.url) as traffic:
        for n, number in enumerate(versions):
            place.push(number, shop_items(oracle), KINDS, HISTORIES, model=None if n % 2 else turned)
            running.serves(number)
    assert {status for status, _, _ in traffic.answers} == {200}
    lists = {version: {items for _, found, items in traffic.answers if found == version} for version in versions}
    assert all(len(found) == 1 for found in lists.values()), lists
    assert lists[101] == lists[103] != lists[102] == lists[104]


def test_rollback_by_a_new_number_is_followed(
    place: ServedShop, running: Service, oracle: Oracle, turned: Path
) -> None:
    before = running.get("/v1/recommendations", items="i3")["items"]
    place.push(101, shop_items(oracle), KINDS, model=turned)
    running.serves(101)
    assert running.get("/v1/recommendations", items="i3")["items"] != before
    place.push(102, shop_items(oracle), KINDS)
    running.serves(102)
    assert running.get("/v1/recommendations", items="i3")["items"] == before


def _weights(folder: Path) -> None:
    (file,) = folder.glob("variables/variables.data-*")
    content = bytearray(file.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = np.random.default_rng(0).bytes(400)
    file.write_bytes(content)


def _no_requests(folder: Path) -> None:
    (folder / "assets.extra" / "serving_requests.json").unlink()


def _half_a_model(folder: Path) -> None:
    shutil.rmtree(folder / "variables")


def _torn_items(folder: Path) -> None:
    file = folder / "assets.extra" / "service" / "items.parquet"
    file.write_bytes(file.read_bytes()[:100])


@pytest.mark.parametrize("damage", [_weights, _no_requests, _half_a_model, _torn_items])
def test_damaged_version_is_refused_and_named_and_the_old_one_stays(
    place: ServedShop, running: Service, oracle: Oracle, damage: Callable[[Path], None]
) -> None:
    unseen = place.push(101, shop_items(oracle), KINDS).rename(place.home / "hidden")
    damage(unseen)
    unseen.rename(place.serving / "101")
    wait_until(lambda: bool(running.model()["refused"]), lambda: running.output)
    (refusal,) = running.model()["refused"]
    assert refusal["version"] == 101
    assert len(refusal["reason"]) > 20
    assert running.model()["live"]["version"] == FIRST
    assert "perennial_refused_versions 1.0" in running.client.get("/metrics").text
    assert running.get("/v1/recommendations", items="i3")["version"] == FIRST
    place.push(102, shop_items(oracle), KINDS)
    running.serves(102)


def test_model_process_killed_is_a_503_and_comes_back(running: Service) -> None:
    os.kill(running.model_pid(), signal.SIGKILL)
    seen: list[int] = []

    def recovered() -> bool:
        answer = running.client.get("/v1/recommendations", params={"items": "i3"})
        seen.append(answer.status_code)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["error"]["code"] == "model_unavailable"
        return answer.status_code == 200 and 503 in seen

    wait_until(recovered, lambda: running.output)
    assert set(seen) <= {200, 503}
    # What needs no model goes on all the time.
    assert running.get("/v1/items/i3")["version"] == FIRST


def test_ready_only_once_a_version_is_in_service(shop: TrainerInputs, oracle: Oracle, tmp_path: Path) -> None:
    place = ServedShop(tmp_path, exported(shop))
    with place.running() as running:
        answer = running.client.get("/readyz")
        assert answer.status_code == 503
        assert running.client.get("/healthz").status_code == 200
        error = running.client.get("/v1/recommendations?items=i3")
        assert (error.status_code, error.json()["error"]["code"]) == (503, "not_ready")
        place.push(FIRST, shop_items(oracle), KINDS)
        running.serves(FIRST)
        assert running.client.get("/readyz").status_code == 200


def test_version_without_service_data_is_served_with_the_models_titles(shop: TrainerInputs, tmp_path: Path) -> None:
    place = ServedShop(tmp_path, exported(shop))
    place.push(FIRST)
    with place.running() as running:
        running.serves(FIRST)
        (item,) = running.get("/v1/recommendations", items="i3", k=1)["items"]
        assert item["title"] == f"Title of {item['item_id']}"
        assert "no times" in running.get("/v1/items/latest", 400)["error"]["message"]


def test_snapshots_of_versions_that_are_gone_are_deleted(place: ServedShop, running: Service, oracle: Oracle) -> None:
    for number in (101, 102):
        place.push(number, shop_items(oracle), KINDS)
        running.serves(number)
    snapshots = place.home / "service" / "cache" / "snapshots"
    wait_until(lambda: [one.name for one in snapshots.iterdir()] == ["102"], lambda: str(list(snapshots.iterdir())))


def test_config_of_a_canary_is_followed(shop: TrainerInputs, oracle: Oracle, turned: Path, tmp_path: Path) -> None:
    place = ServedShop(tmp_path, exported(shop), canary={"version": 101, "percent": 40})
    place.push(FIRST, shop_items(oracle), KINDS)
    place.push(101, shop_items(oracle), KINDS, model=turned)
    with place.running() as running:
        running.serves(FIRST)
        wait_until(lambda: running.model()["canary"] is not None, lambda: running.output)
        assert running.model()["canary_percent"] == 40
        versions = [running.get("/v1/recommendations", user=f"u{n}", k=1)["version"] for n in range(60)]
        assert set(versions) == {FIRST, 101}
        assert running.get("/v1/recommendations", user="u7", k=1)["version"] == versions[7]
        assert 'version="101"' in running.client.get("/metrics").text
