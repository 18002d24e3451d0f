"""Neighbours in a real Redis: what readers see before, during and after a switch."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import redis

from common.errors import OutputError
from service.batch import redis_store
from service.batch.redis_store import RedisStore
from tests.service.redis_server import client, running_redis

pytestmark = pytest.mark.e2e

SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("rank", pa.int32()),
        ("neighbour_id", pa.string()),
        ("title", pa.string()),
        ("score", pa.float32()),
        ("version", pa.int64()),
    ]
)

SECRET = "open sesame"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with running_redis("--requirepass", SECRET) as url:
        yield url


@pytest.fixture
def url(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of the empty server, whose password is in the environment."""
    monkeypatch.setenv(redis_store.PASSWORD, SECRET)
    reader(server).flushall()
    return server


def reader(url: str) -> "redis.Redis":
    return client(f"{url}?password={SECRET.replace(' ', '%20')}")


def table(version: int, items: Iterable[str]) -> pa.Table:
    rows = [(item, n, f"{item}-{n}", f"Title {n}", 1 / n, version) for item in items for n in (1, 2)]
    return pa.table([list(column) for column in zip(*rows, strict=True)], schema=SCHEMA)


def test_switch_shows_the_new_version_and_keeps_the_old_one_for_a_moment(url: str, tmp_path: Path) -> None:
    store, found = RedisStore(url, tmp_path), reader(url)
    store.check()
    store.write(SCHEMA, [table(7, ["ü,1", "b"]), table(7, ["c"])])
    assert found.get("neighbours:current") == "neighbours:7"
    row = found.hget("neighbours:7", "ü,1")
    assert row is not None
    assert json.loads(row) == [
        {"item_id": "ü,1-1", "title": "Title 1", "score": 1.0},
        {"item_id": "ü,1-2", "title": "Title 2", "score": 0.5},
    ]
    assert found.hlen("neighbours:7") == 3
    store.write(SCHEMA, [table(8, ["d"])])
    assert found.get("neighbours:current") == "neighbours:8"
    assert found.hkeys("neighbours:8") == ["d"]
    assert 0 < found.ttl("neighbours:7") <= redis_store.GRACE_SECONDS
    assert found.ttl("neighbours:8") == -1


def test_run_that_fails_half_way_changes_nothing_and_leaves_nothing_for_long(url: str, tmp_path: Path) -> None:
    store, found = RedisStore(url, tmp_path), reader(url)
    store.write(SCHEMA, [table(7, ["a"])])

    def broken() -> Iterator[pa.Table]:
        yield table(8, ["b"])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.write(SCHEMA, broken())
    assert found.get("neighbours:current") == "neighbours:7"
    assert not found.exists("neighbours:8")
    assert found.exists("neighbours:8:unfinished")
    store.write(SCHEMA, [table(9, ["c"])])
    assert 0 < found.ttl("neighbours:8:unfinished") <= redis_store.GRACE_SECONDS
    assert found.smembers("neighbours:written") == {"neighbours:9"}


def test_version_that_comes_back_within_the_moment_stays(url: str, tmp_path: Path) -> None:
    store, found = RedisStore(url, tmp_path), reader(url)
    for version, items in ((7, ["a"]), (8, ["b"]), (7, ["c"])):
        store.write(SCHEMA, [table(version, items)])
    assert found.get("neighbours:current") == "neighbours:7"
    assert found.hkeys("neighbours:7") == ["c"]
    assert found.ttl("neighbours:7") == -1


def test_other_keys_are_left_alone(url: str, tmp_path: Path) -> None:
    found = reader(url)
    found.set("neighbours:mine", "x")
    for version in (7, 8):
        RedisStore(url, tmp_path).write(SCHEMA, [table(version, ["a"])])
    assert found.get("neighbours:mine") == "x"
    assert found.ttl("neighbours:mine") == -1


def test_wrong_password_and_no_server_are_refused_without_the_secret(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(redis_store.PASSWORD, "wrong horse")
    for address in (url, "redis://127.0.0.1:1/0"):
        with pytest.raises(OutputError, match="Redis does not take the neighbours") as caught:
            RedisStore(address, tmp_path).check()
        assert "wrong horse" not in str(caught.value)
