"""The serving folder on TensorFlow's own `gs://`: what a server that watches the bucket may see at each moment."""

import pytest
import tensorflow as tf

from common.errors import OutputError
from documents.withdrawn import WithdrawnModel
from pipeline.store.versions.folder import names, versions
from pipeline.store.versions.push import push
from pipeline.store.versions.withdrawn import withdrawn, write_withdrawn
from tests.pipeline.cloud.registry.worlds import World


def model(world: World, name: str) -> str:
    return f"{world.train(name)}/Format-Serving"


def test_push_graph_is_written_last_and_deleted_first(world: World) -> None:
    serving = f"gs://{world.bucket}/serving"
    for name in "ab":
        began = len(world.store.log)
        result = push(model(world, name), serving, keep_versions=1)
        assert result.path == f"{serving}/{result.version}"
    done = [line.split(" ", 1) for line in world.store.log[began:]]
    written = [name for verb, name in done if verb == "write" and name.startswith("serving/1001/")]
    deleted = [name for verb, name in done if verb == "delete"]
    assert written[-1] == "serving/1001/saved_model.pb"
    assert deleted[0] == "serving/1000/saved_model.pb"
    assert done.index(["write", written[-1]]) < done.index(["delete", deleted[0]]), "there is always a version"
    assert world.numbers() == [1001]
    assert not any(name.startswith("serving/1000/") for name in world.store.names(world.bucket))


def test_push_number_claimed_by_another_push_is_left_to_it(world: World) -> None:
    world.store.put(world.bucket, "serving/.claims/1000/another", b"another machine")
    assert push(model(world, "a"), f"gs://{world.bucket}/serving", 5).version == 1001


def test_push_twice_is_one_version(world: World) -> None:
    serving = f"gs://{world.bucket}/serving"
    source = model(world, "a")
    assert push(source, serving, 5).is_new
    assert not push(source, serving, 5).is_new
    assert world.numbers() == [1000]


def test_withdrawn_models_are_read_back(world: World) -> None:
    serving = f"gs://{world.bucket}/serving"
    assert withdrawn(serving) == {}
    result = push(model(world, "a"), serving, 5)
    write_withdrawn(serving, {result.digest: WithdrawnModel(version=1000, at="2026-01-01T00:00:00+00:00")})
    assert list(withdrawn(serving)) == [result.digest]
    assert "until a rollback withdrew it" in push(model(world, "a"), serving, 5).reason


def test_folder_that_may_not_be_read_is_not_taken_for_an_empty_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = 403, {"Content-Type": "application/json"}, b'{"error": {"code": 403, "message": "no access"}}'
    monkeypatch.setattr(world.store, "answer", lambda *asked: refused)
    with pytest.raises(tf.errors.OpError):
        names(f"gs://{world.bucket}/serving")


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 1}'])
def test_withdrawn_models_damaged_file_is_named(world: World, text: str) -> None:
    world.store.put(world.bucket, "serving/.withdrawn.json", text.encode())
    with pytest.raises(OutputError, match=r"serving/\.withdrawn\.json is damaged"):
        withdrawn(f"gs://{world.bucket}/serving")


def test_versions_damaged_record_is_named(world: World) -> None:
    world.store.put(world.bucket, "serving/1000/saved_model.pb", b"graph")
    world.store.put(world.bucket, "serving/1000/assets.extra/push.json", b"{")
    with pytest.raises(OutputError, match=r"push\.json is damaged"):
        versions(f"gs://{world.bucket}/serving")
