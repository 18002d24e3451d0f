"""The Endpoint during a push: who answers at each moment, and what is left deployed."""

from typing import Any

import pytest

from common.errors import VertexError
from pipeline.cloud.registry import endpoint
from tests.pipeline.cloud.registry.test_push import A, B, C, put
from tests.pipeline.cloud.registry.worlds import ENDPOINT, MODEL, NAME, QUICK, World
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.resources import PARENT

pytestmark = pytest.mark.e2e


def answering(world: World) -> dict[str, int]:
    """Percent by version, now."""
    return {name.removeprefix(f"{NAME}@"): part for name, part in world.endpoints.answered[-1].items()}


def deployed(world: World) -> list[str]:
    """Versions on the one Endpoint."""
    [endpoint] = world.endpoints.endpoints.values()
    return [each.model_version_id for each in endpoint.deployed_models]


def canary(new_traffic: int) -> dict[str, Any]:
    return {"endpoint": {**ENDPOINT, "new_traffic": new_traffic}}


def test_push_first_version_gets_an_endpoint_and_all_traffic(world: World) -> None:
    result = put(world, A, endpoint={**ENDPOINT, "min_replicas": 2, "max_replicas": 3})
    assert dict(result.traffic) == {1: 100}
    assert answering(world) == {"1": 100}
    [request] = world.server.received("DeployModel")
    assert request.deployed_model.model == f"{MODEL}@1"
    assert dict(request.traffic_split) == {}, "no traffic before it is there"
    resources = request.deployed_model.dedicated_resources
    assert resources.machine_spec.machine_type == "n1-standard-2"
    assert (resources.min_replica_count, resources.max_replica_count) == (2, 3)


def test_push_second_version_takes_over_in_one_step_and_the_first_is_undeployed(world: World) -> None:
    put(world, A, endpoint=ENDPOINT)
    put(world, B, endpoint=ENDPOINT)
    steps = [{name[-1]: part for name, part in step.items()} for step in world.endpoints.answered]
    # Deployed, traffic; deployed, traffic, undeployed.
    assert steps == [{}, {"1": 100}, {"1": 100}, {"2": 100}, {"2": 100}]
    assert deployed(world) == ["2"]


def test_push_with_a_split_the_version_before_keeps_the_rest(world: World) -> None:
    put(world, A, **canary(10))
    assert answering(world) == {"1": 100}
    assert dict(put(world, B, **canary(10)).traffic) == {2: 10, 1: 90}
    assert answering(world) == {"1": 90, "2": 10}
    assert deployed(world) == ["1", "2"]


def test_push_after_a_split_the_rest_goes_to_the_version_just_before(world: World) -> None:
    for digest in (A, B, C):
        put(world, digest, **canary(10))
    assert answering(world) == {"2": 90, "3": 10}
    assert deployed(world) == ["2", "3"]


def test_push_without_share_is_deployed_and_gets_no_traffic(world: World) -> None:
    put(world, A, **canary(0))
    assert answering(world) == {"1": 100}, "there is nobody else"
    put(world, B, **canary(0))
    assert answering(world) == {"1": 100}
    assert deployed(world) == ["1", "2"]


def test_push_deploy_fails_old_version_keeps_traffic_and_aliases(world: World) -> None:
    put(world, A, endpoint=ENDPOINT)
    world.operations.fail("DeployModel", 9, "model server never became ready")
    with pytest.raises(VertexError, match=r"cannot deploy version 2 of .*model server never became ready"):
        put(world, B, endpoint=ENDPOINT)
    assert answering(world) == {"1": 100}
    assert world.versions() == {1: ("a", {"default", "blessed"}), 2: ("b", set())}
    result = put(world, B, endpoint=ENDPOINT)
    assert (result.number, result.is_new) == (2, False)
    assert answering(world) == {"2": 100}
    assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"})}


def test_push_machines_run_out_for_a_moment_deploy_is_tried_again(world: World) -> None:
    world.operations.fail("DeployModel", 8, "no machines of this type right now")
    put(world, A, endpoint=ENDPOINT)
    assert answering(world) == {"1": 100}
    assert len(world.server.received("DeployModel")) == 2


def test_push_reply_lost_when_the_endpoint_is_made_there_is_one(world: World) -> None:
    world.server.fail("CreateEndpoint", Cut(after_effect=True))
    put(world, A, endpoint=ENDPOINT)
    assert len(world.endpoints.endpoints) == 1
    assert answering(world) == {"1": 100}


@pytest.mark.parametrize("rpc", ["DeployModel", "UpdateEndpoint", "UndeployModel"])
def test_push_reply_lost_on_the_endpoint_is_done_once(world: World, rpc: str) -> None:
    put(world, A, endpoint=ENDPOINT)
    sent = len(world.server.received(rpc))
    world.server.fail(rpc, Cut(after_effect=True))
    put(world, B, endpoint=ENDPOINT)
    assert answering(world) == {"2": 100}
    assert deployed(world) == ["2"]
    assert len(world.server.received(rpc)) == sent + 1


@pytest.mark.parametrize("rpc", ["CreateEndpoint", "DeployModel"])
def test_push_reply_lost_to_what_takes_long_is_waited_for(world: World, rpc: str) -> None:
    put(world, A)
    world.operations.looks = 20
    world.server.fail(rpc, Cut(after_effect=True))
    assert dict(put(world, A, endpoint=ENDPOINT).traffic) == {1: 100}
    assert len(world.server.received(rpc)) == 1
    assert len(world.endpoints.endpoints) == 1


def test_push_faults_while_a_deployment_is_waited_for_are_waited_through(world: World) -> None:
    put(world, A)
    world.operations.looks = 12
    world.server.fail("GetOperation", *[Refuse(503)] * (QUICK.attempts + 2))
    assert dict(put(world, A, endpoint=ENDPOINT).traffic) == {1: 100}
    assert len(world.server.received("DeployModel")) == 1


def test_push_split_changed_meanwhile_is_read_again(world: World) -> None:
    put(world, A, endpoint=ENDPOINT)
    world.server.fail("UpdateEndpoint", Refuse(409, "etag does not match"))
    put(world, B, endpoint=ENDPOINT)
    assert answering(world) == {"2": 100}


def test_push_endpoint_renamed_is_reported_before_anything_is_deployed(world: World) -> None:
    put(world, A, endpoint=ENDPOINT)
    [there] = world.endpoints.endpoints.values()
    there.display_name = "renamed"
    with pytest.raises(VertexError, match=r"endpoints/perennial-\w+ was created for .* but its name is now 'renamed'"):
        put(world, B, endpoint=ENDPOINT)
    assert deployed(world) == ["1"]


def test_push_other_machines_for_a_version_that_is_deployed_are_warned_of(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    put(world, A, endpoint=ENDPOINT)
    assert not any("stays on" in message for message in caplog.messages)
    put(world, A, endpoint={**ENDPOINT, "machine_type": "n1-standard-8"})
    assert any(
        "version 1 stays on 1 to 1 replicas of n1-standard-2" in message and "n1-standard-8" in message
        for message in caplog.messages
    )


def test_push_traffic_moved_but_aliases_not_is_taken_up_with_the_same_split(world: World) -> None:
    put(world, A, **canary(10))
    world.server.fail("MergeVersionAliases", Refuse(400))
    with pytest.raises(VertexError, match="set the aliases"):
        put(world, B, **canary(10))
    assert dict(put(world, B, **canary(10)).traffic) == {2: 10, 1: 90}
    assert answering(world) == {"1": 90, "2": 10}


def test_push_version_deployed_twice_one_is_undeployed(world: World) -> None:
    put(world, A, endpoint=ENDPOINT)
    [name] = world.endpoints.endpoints
    world.endpoints.put_deployed(name, "7", MODEL, 1)
    put(world, A, endpoint=ENDPOINT)
    assert deployed(world) == ["1"]
    assert answering(world) == {"1": 100}


def test_push_old_version_cannot_be_undeployed_is_left_for_the_next(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    put(world, A, endpoint=ENDPOINT)
    world.operations.fail("UndeployModel", 9, "not now")
    put(world, B, endpoint=ENDPOINT)
    assert deployed(world) == ["1", "2"]
    assert any("stays deployed without traffic" in message for message in caplog.messages)
    put(world, B, endpoint=ENDPOINT)
    assert deployed(world) == ["2"]


def test_push_endpoint_that_is_there_is_used(world: World) -> None:
    world.endpoints.put(f"{PARENT}/endpoints/5", "recommender")
    world.endpoints.put(f"{PARENT}/endpoints/6", "recommender 2")
    put(world, A, endpoint=ENDPOINT)
    assert world.server.received("CreateEndpoint") == []
    assert len(world.endpoints.endpoints[f"{PARENT}/endpoints/5"].deployed_models) == 1


def test_push_two_endpoints_of_the_name_refused(world: World) -> None:
    for number in (5, 6):
        world.endpoints.put(f"{PARENT}/endpoints/{number}", "recommender")
    with pytest.raises(VertexError, match=r"2 Endpoints have the name 'recommender': .*/5, .*/6. Rename or delete"):
        put(world, A, endpoint=ENDPOINT)


def test_push_endpoint_of_another_model_refused_and_left_alone(world: World) -> None:
    name = f"{PARENT}/endpoints/5"
    theirs = world.endpoints.put(name, "recommender")
    world.endpoints.put_deployed(name, "3", f"{PARENT}/models/fraud", 1)
    world.endpoints.split(name, {"3": 100})
    with pytest.raises(VertexError, match=r"the model fraud has 100 % of the traffic.*vertex\.registry\.endpoint"):
        put(world, A, endpoint=ENDPOINT)
    assert dict(theirs.traffic_split) == {"3": 100}
    assert world.server.received("DeployModel") == []


def test_push_deploy_takes_too_long_is_reported_and_the_next_push_finds_it(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(world, A, endpoint=ENDPOINT)
    put(world, B)
    monkeypatch.setattr(endpoint, "_DEPLOY_SECONDS", -1)
    world.operations.looks = 8
    with pytest.raises(VertexError, match=r"operations/\d+ has not finished after .* minutes and continues"):
        put(world, B, endpoint=ENDPOINT)
    assert answering(world) == {"1": 100}
    world.operations.looks = 0
    for _ in range(8):
        world.operations.tick()
    put(world, B, endpoint=ENDPOINT)
    assert answering(world) == {"2": 100}
    assert len(world.server.received("DeployModel")) == 2
