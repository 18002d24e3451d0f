"""Rollbacks, broken versions, a canary, and a model process that dies. Swaps under load are in test_many_swaps."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.service.served_shop import ServedShop, Service, wait_until
from tests.service.small_shop import HISTORIES, KINDS, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

FIRST = 100


class Place:
    """A shop that is served, to which each test pushes versions of its own."""

    def __init__(self, shop: ServedShop, service: Service, oracle: Oracle) -> None:
        self.shop, self.service, self._oracle = shop, service, oracle
        self._number = FIRST

    def push(self, model: Path | None = None, damage: Callable[[Path], None] | None = None) -> int:
        """Pushes the next version; a damaged one appears damaged."""
        self._number += 1
        folder = self.shop.push(self._number, shop_items(self._oracle), KINDS, HISTORIES, model=model, damage=damage)
        return int(folder.name)

    def serve(self, model: Path | None = None) -> int:
        """Pushes the next version, and waits until it is live."""
        number = self.push(model)
        self.service.serves(number)
        return number


@pytest.fixture(scope="module")
def place(shop: TrainerInputs, oracle: Oracle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    served = ServedShop(tmp_path_factory.mktemp("swaps"), exported(shop), drain_seconds=0.5)
    served.push(FIRST, shop_items(oracle), KINDS, HISTORIES)
    with served.running() as running:
        running.serves(FIRST)
        yield Place(served, running, oracle)


def test_rollback_by_a_new_number_is_followed_and_snapshots_of_versions_that_are_gone_are_deleted(
    place: Place, turned: Path
) -> None:
    place.serve()
    before = place.service.get("/v1/recommendations", items="i3")["items"]
    place.serve(turned)
    assert place.service.get("/v1/recommendations", items="i3")["items"] != before
    last = place.serve()
    assert place.service.get("/v1/recommendations", items="i3")["items"] == before
    snapshots = place.shop.home / "service" / "cache" / "snapshots"
    wait_until(lambda: [one.name for one in snapshots.iterdir()] == [str(last)], lambda: str(list(snapshots.iterdir())))


def _no_requests(folder: Path) -> None:
    (folder / "assets.extra" / "serving_requests.json").unlink()


def _half_a_model(folder: Path) -> None:
    shutil.rmtree(folder / "variables")


def _torn_items(folder: Path) -> None:
    file = folder / "assets.extra" / "service" / "items.parquet"
    file.write_bytes(file.read_bytes()[:100])


def test_damaged_versions_are_refused_and_named_and_the_old_one_stays(place: Place, turned: Path) -> None:
    def other_weights(folder: Path) -> None:
        shutil.rmtree(folder / "variables")
        shutil.copytree(turned / "variables", folder / "variables")

    live = place.serve()
    service = place.service
    damaged = {}
    for damage in (other_weights, _no_requests, _half_a_model, _torn_items):
        number = damaged[damage] = place.push(damage=damage)
        wait_until(lambda number=number: number in _refused(service), lambda: service.output)  # type: ignore[misc]
        assert service.get("/v1/recommendations", items="i3")["version"] == live
    reasons = _refused(service)
    for damage, words in (
        (other_weights, "does not answer as it was trained"),
        (_no_requests, "serving_requests.json"),
        (_half_a_model, "the model process"),
        (_torn_items, "the snapshot"),
    ):
        assert words in reasons[damaged[damage]]
    assert "perennial_refused_versions 4.0" in service.client.get("/metrics").text
    place.serve()


def _refused(service: Service) -> dict[int, str]:
    return {one["version"]: one["reason"] for one in service.model()["refused"]}


def test_model_process_killed_is_a_503_and_comes_back(place: Place) -> None:
    live = place.serve()
    service = place.service
    wait_until(lambda: service.model()["previous"] is None, lambda: service.output)
    os.kill(service.model_pid(), signal.SIGKILL)
    seen: list[int] = []

    def recovered() -> bool:
        answer = service.client.get("/v1/recommendations", params={"items": "i3"})
        seen.append(answer.status_code)
        if answer.status_code == 503:
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.json()["error"]["code"] == "model_unavailable"
            # What needs no model goes on.
            assert service.get("/v1/items/i3")["version"] == live
        return answer.status_code == 200 and 503 in seen

    wait_until(recovered, lambda: service.output)
    assert set(seen) <= {200, 503}


def test_ready_only_once_a_version_is_in_service(shop: TrainerInputs, oracle: Oracle, tmp_path: Path) -> None:
    place = ServedShop(tmp_path, exported(shop))
    with place.running(forked.python()) as running:
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
    with place.running(forked.python()) as running:
        running.serves(FIRST)
        (item,) = running.get("/v1/recommendations", items="i3", k=1)["items"]
        assert item["title"] == f"Title of {item['item_id']}"
        assert "no times" in running.get("/v1/items/latest", 400)["error"]["message"]


def test_config_of_a_canary_is_followed(shop: TrainerInputs, oracle: Oracle, turned: Path, tmp_path: Path) -> None:
    place = ServedShop(tmp_path, exported(shop), canary={"version": 101, "percent": 40})
    place.push(FIRST, shop_items(oracle), KINDS)
    place.push(101, shop_items(oracle), KINDS, model=turned)
    with place.running(forked.python()) as running:
        running.serves(FIRST)
        wait_until(lambda: running.model()["canary"] is not None, lambda: running.output)
        assert running.model()["canary_percent"] == 40
        versions = [running.get("/v1/recommendations", user=f"u{n}", k=1)["version"] for n in range(60)]
        assert set(versions) == {FIRST, 101}
        assert running.get("/v1/recommendations", user="u7", k=1)["version"] == versions[7]
        assert 'version="101"' in running.client.get("/metrics").text
