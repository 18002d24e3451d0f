"""A rollback on Vertex: folder, registry and Endpoint go back together, and stay."""

from typing import Any

import pytest
import tensorflow as tf

from common.errors import ModelError, VertexError
from configs.pipeline import PipelineConfig
from pipeline.cloud.registry import endpoint
from pipeline.cloud.registry.rollback import VertexRollback, roll_back_on_vertex
from pipeline.store.versions.folder import versions
from pipeline.store.versions.rollback import default_target
from tests.pipeline.cloud.registry.test_push import put
from tests.pipeline.cloud.registry.worlds import ENDPOINT, MODEL, NAME, World
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.faults import permission_denied

pytestmark = pytest.mark.e2e


def back(world: World, config: PipelineConfig, number: int | None = None) -> VertexRollback:
    assert config.vertex is not None
    number = default_target(config.vertex.serving_dir) if number is None else number
    return roll_back_on_vertex(config, number, world.api(config))


def filled(world: World, registry: dict[str, Any] | None = None) -> PipelineConfig:
    """Models a, b and c, each pushed by a run of its own, under 1000 and the two numbers after."""
    config = world.config({"endpoint": ENDPOINT} if registry is None else registry)
    for name in "abc":
        world.run(name, config)
    assert (world.live(), world.last_blessed()) == ("c", "c")
    return config


def answering(world: World) -> dict[str, int]:
    return {name.removeprefix(f"{NAME}@"): part for name, part in world.endpoints.answered[-1].items()}


def test_rollback_everything_goes_back_to_the_model_before(world: World) -> None:
    config = filled(world)
    result = back(world, config)
    assert (result.folder.target, result.folder.live, result.folder.withdrawn) == (
        1001,
        1003,
        {world.digests["c"]: 1002},
    )
    assert result.has_artifact
    assert result.registry is not None
    assert (result.registry.number, result.registry.is_new, result.registry.previous) == (2, False, 1)
    assert (world.live(), world.last_blessed(), answering(world)) == ("b", "b", {"2": 100})
    # The next to go back to is a; c, which was served before b, is out of service.
    assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"}), 3: ("c", set())}
    [endpoint] = world.endpoints.endpoints.values()
    assert [each.model_version_id for each in endpoint.deployed_models] == ["2"]


def test_rollback_twice_goes_two_models_back(world: World) -> None:
    config = filled(world)
    back(world, config)
    back(world, config)
    assert (world.live(), world.last_blessed(), answering(world)) == ("a", "a", {"1": 100})
    assert world.versions() == {1: ("a", {"default", "blessed"}), 2: ("b", set()), 3: ("c", set())}


def test_rollback_beyond_the_oldest_refused_and_nothing_changed(world: World) -> None:
    config = filled(world)
    back(world, config, 1000)
    since = len(world.server.requests)
    with pytest.raises(ModelError, match="no other model that was not withdrawn"):
        back(world, config)
    assert len(world.server.requests) == since
    assert answering(world) == {"1": 100}


def test_rollback_to_the_live_version_changes_nothing(world: World) -> None:
    config = filled(world)
    result = back(world, config, 1002)
    assert (result.folder.live, result.folder.withdrawn) == (1002, {})
    assert (world.live(), world.last_blessed(), answering(world)) == ("c", "c", {"3": 100})
    assert world.versions()[3] == ("c", {"default", "blessed"})


def test_rollback_forward_brings_a_withdrawn_model_back(world: World) -> None:
    config = filled(world)
    back(world, config, 1000)
    back(world, config, 1002)
    assert (world.live(), world.last_blessed(), answering(world)) == ("c", "c", {"3": 100})
    assert world.versions()[3] == ("c", {"default", "blessed"})


def test_rollback_version_that_is_gone_from_the_folder_refused(world: World) -> None:
    config = world.config({"endpoint": ENDPOINT}, keep=2)
    for name in "abc":
        world.run(name, config)
    assert world.numbers() == [1001, 1002]
    since = len(world.server.requests)
    with pytest.raises(ModelError, match=r"holds no version 1000; its versions are 1001, 1002"):
        back(world, config, 1000)
    changing = {"MergeVersionAliases", "DeployModel", "UpdateEndpoint"}
    assert not changing & {request.rpc for request in world.server.requests[since:]}
    assert (world.live(), answering(world)) == ("c", {"3": 100})


def test_rollback_version_that_is_gone_from_the_registry_is_registered_anew(world: World) -> None:
    config = filled(world)
    del world.models.versions[MODEL][2]
    result = back(world, config)
    assert result.registry is not None
    assert (result.registry.number, result.registry.is_new) == (4, True)
    assert world.models.get(f"{MODEL}@4").artifact_uri == f"gs://{world.bucket}/serving/1001"
    assert (world.live(), answering(world)) == ("b", {"4": 100})
    assert world.versions() == {1: ("a", {"previous"}), 3: ("c", set()), 4: ("b", {"default", "blessed"})}


def test_rollback_deploy_fails_what_was_served_still_is_and_it_can_be_run_again(world: World) -> None:
    config = filled(world)
    world.operations.fail("DeployModel", 9, "model server never became ready")
    with pytest.raises(VertexError, match="never became ready"):
        back(world, config)
    assert (world.live(), answering(world)) == ("c", {"3": 100})
    assert world.versions()[3] == ("c", {"default", "blessed"})
    assert back(world, config).folder.target == 1001
    assert (world.live(), world.last_blessed(), answering(world)) == ("b", "b", {"2": 100})


@pytest.mark.parametrize("rpc", ["UpdateEndpoint", "MergeVersionAliases"])
def test_rollback_interrupted_anywhere_goes_to_the_same_model_when_run_again(world: World, rpc: str) -> None:
    config = filled(world)
    world.server.fail(rpc, Refuse(400, "not now"))
    with pytest.raises(VertexError, match="not now"):
        back(world, config)
    assert (world.live(), world.last_blessed()) == ("c", "b")  # a run that starts meanwhile does not start from c
    back(world, config)
    assert (world.live(), world.last_blessed(), answering(world)) == ("b", "b", {"2": 100})
    assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"}), 3: ("c", set())}


def test_rollback_reply_lost_is_done_once(world: World) -> None:
    config = filled(world)
    for rpc in ("DeployModel", "UpdateEndpoint", "MergeVersionAliases", "UndeployModel"):
        world.server.fail(rpc, Cut(after_effect=True))
    back(world, config)
    assert (world.live(), world.last_blessed(), answering(world)) == ("b", "b", {"2": 100})
    assert len(world.versions()) == 3


def test_rollback_no_permission_is_reported_before_anything_is_written(world: World) -> None:
    config = filled(world)
    world.server.fail("ListModelVersions", permission_denied("aiplatform.models.list", MODEL))
    written = len(world.store.log)
    with pytest.raises(VertexError, match=r"403.*lacks aiplatform\.models\.list"):
        back(world, config)
    assert world.store.log[written:] == []


def test_rollback_takes_the_split_with_it(world: World) -> None:
    config = filled(world, {"endpoint": {**ENDPOINT, "new_traffic": 10}})
    assert answering(world) == {"2": 90, "3": 10}
    back(world, config)
    assert answering(world) == {"2": 100}


def test_rollback_without_registry_the_folder_goes_back_and_google_cloud_is_not_asked(world: World) -> None:
    config = world.config(None)
    for name in "ab":
        world.push(name, config)
    result = back(world, config)
    assert (result.registry, result.has_artifact) == (None, True)
    assert (world.live(), world.last_blessed()) == ("a", "a")
    assert world.server.requests == []


def test_run_after_a_rollback_without_registry_the_withdrawn_model_stays_out(world: World) -> None:
    config = world.config(None)
    for name in "ab":
        world.push(name, config)
    back(world, config)
    # The next run trains b anew, and evaluation blesses it.
    assert world.push("b", config).get_int_custom_property("pushed") == 0
    assert (world.live(), world.last_blessed()) == ("a", "a")


def test_rollback_model_whose_artifact_is_gone_is_reported(world: World) -> None:
    config = filled(world)
    tf.io.gfile.rmtree(versions(f"gs://{world.bucket}/serving")[1].artifact)  # what else deletes, TensorFlow sees late
    result = back(world, config)
    assert (world.live(), result.has_artifact, world.last_blessed()) == ("b", False, None)


def test_run_after_a_rollback_withdrawn_model_is_neither_registered_nor_compared_with(world: World) -> None:
    config = filled(world)
    back(world, config)
    # The next run trains c anew, and evaluation blesses it.
    report = world.run("c", config)
    assert report["registered"] is False
    assert "a rollback withdrew this model" in report["reason"]
    assert (world.live(), world.last_blessed(), answering(world)) == ("b", "b", {"2": 100})
    assert world.versions()[2] == ("b", {"default", "blessed"})


def test_run_from_the_cache_after_a_rollback_changes_nothing(world: World) -> None:
    config = world.config({"endpoint": ENDPOINT})
    world.run("a", config)
    pushed = world.push("b", config)
    world.register(config, pushed)
    back(world, config)
    # The Pusher's word still says `pushed`; the serving folder says `withdrawn`.
    report = world.register(config, pushed)
    assert "a rollback withdrew this model" in report["reason"]
    assert (world.live(), answering(world)) == ("a", {"1": 100})


def test_run_after_a_rollback_another_model_takes_over_from_the_one_gone_back_to(world: World) -> None:
    config = filled(world)
    back(world, config)
    world.run("d", config)
    assert (world.live(), world.last_blessed(), answering(world)) == ("d", "d", {"4": 100})
    assert world.versions() == {
        1: ("a", set()),
        2: ("b", {"previous"}),
        3: ("c", set()),
        4: ("d", {"default", "blessed"}),
    }


def test_rollback_while_a_push_is_at_work_is_not_undone_by_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    config = world.config({"endpoint": ENDPOINT})
    for name in "ab":
        world.run(name, config)
    pushed = world.push("c", config)
    deploy = endpoint.deploy
    rolled_back: list[bool] = []

    def deploy_slowly(*asked: Any) -> str:
        if not rolled_back:
            rolled_back.append(True)
            back(world, config)
        return deploy(*asked)

    monkeypatch.setattr(endpoint, "deploy", deploy_slowly)
    report = world.register(config, pushed)
    assert report["registered"] is False
    assert "a rollback withdrew this model" in report["reason"]
    assert (world.live(), answering(world)) == ("b", {"2": 100})
    assert world.versions()[2] == ("b", {"default", "blessed"})


def test_rollback_previous_is_a_model_that_was_served(world: World) -> None:
    put(world, "f" * 64)
    world.models.get(f"{MODEL}@1").version_description = "uploaded by hand"
    config = world.config({})
    for name in "ab":
        world.run(name, config)
    result = back(world, config)
    assert result.registry is not None
    assert (result.registry.number, result.registry.previous) == (2, None)
