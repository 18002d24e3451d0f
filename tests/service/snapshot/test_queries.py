"""Which users measure an index, and what the model is asked of them."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from service.backends.question import Question
from service.snapshot import queries as module
from service.snapshot.queries import ask_users, find_users
from tests.service.in_process import InProcess
from tests.service.snapshots import Item, write_version

USERS = {f"u{n}": [("i1", 0.5, 1), (f"i{n % 5}", 2.0, 2)] for n in range(100)} | {"nothing": []}


@pytest.mark.parametrize("at_once", [7, 8192])
def test_users_are_chosen_evenly_from_the_histories(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int
) -> None:
    monkeypatch.setattr(module, "_USERS_AT_ONCE", at_once)
    version = write_version(tmp_path / "version", [Item("i1")], {}, USERS)
    found = find_users(version, 11)
    names = list(USERS)[::10]
    assert [user.user_id for user in found] == names
    assert [user.history for user in found] == [tuple(item for item, _, _ in USERS[name]) for name in names]
    assert [user.weights for user in found] == [tuple(weight for _, weight, _ in USERS[name]) for name in names]


def test_users_fewer_than_wanted_are_all_taken(tmp_path: Path) -> None:
    version = write_version(tmp_path / "version", [Item("i1")], {}, USERS)
    assert [user.user_id for user in find_users(version, 1000)] == list(USERS)


def test_version_with_neither_histories_nor_requests_has_no_users(tmp_path: Path) -> None:
    version = write_version(tmp_path / "version", [Item("i1")], {})
    assert find_users(version, 10) == []


@pytest.mark.e2e
def test_version_without_histories_has_the_users_of_the_stored_requests(model_folder: str) -> None:
    found = find_users(model_folder, 100)
    assert found
    assert all("" not in user.history for user in found)
    assert all(len(user.history) == len(user.weights) for user in found)
    assert find_users(model_folder, 2) == found[:2]


@pytest.mark.e2e
def test_model_is_asked_as_a_service_asks_and_nobody_is_dropped(
    model: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    users = [
        Question("u0-1", ("i1", "i2", "gone"), (0.5, 2.0, 1.0)),
        Question(),
        Question("who", ("i3",), (6.0,)),
        Question("u1-3"),
    ]
    item_ids = [item.decode() for item in model.ask("catalogue", offset=[0], limit=[1000])["item_id"]]
    for at_once in (1, 3, 32):
        monkeypatch.setattr(module, "_ASKED_AT_ONCE", at_once)
        vectors, left_out = asyncio.run(ask_users(model, users, item_ids, 10.0))
        for row, (user, history, weights) in enumerate(
            [("u0-1", ["i1", "i2"], [0.5, 2.0]), ("who", ["i3"], [6.0]), ("u1-3", [""], [1.0])]
        ):
            expected = model.ask("embed_users", user_id=[user], history=[history], history_weight=[weights])
            np.testing.assert_allclose(vectors[row], expected["embedding"][0], atol=1e-6)
        assert len(vectors) == 3
        places = [item_ids.index(item_id) for item_id in ("i1", "i2", "i3")]
        assert left_out.tolist() == [[places[0], places[1], -1], [places[2], -1, -1], [-1, -1, -1]]
