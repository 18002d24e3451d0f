"""A push to the registry and the Endpoint: once, always with something served, and taken up again after faults."""

from typing import Any

import pytest

from common.errors import VertexError
from configs.vertex.target import Target
from pipeline.cloud.registry import versions
from pipeline.cloud.registry.push import Registration, push
from pipeline.cloud.registry.versions import Pushed
from tests.pipeline.cloud.registry.worlds import ENDPOINT, IMAGE, MODEL, NAME, QUICK, World
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.faults import permission_denied

pytestmark = pytest.mark.e2e

A, B, C = "a" * 64, "b" * 64, "c" * 64


def put(world: World, digest: str, out: tuple[str, ...] = (), **registry: Any) -> Registration:
    """Pushes the model of this digest, whose files nobody looks at here."""
    world.digests.setdefault(digest[0], digest)
    config = world.config(registry)
    return push(world.api(config), Target.of(config), Pushed(digest, f"gs://{world.bucket}/1", "Run 7"), out)


def test_push_first_model_makes_the_model_and_says_what_it_is(world: World) -> None:
    result = put(world, A)
    assert (result.number, result.is_new, result.previous, dict(result.traffic)) == (1, True, None, {})
    assert result.model == f"{MODEL}@1"
    [request] = world.server.received("UploadModel")
    assert (request.model_id, request.parent_model) == (NAME, "")
    assert request.model.artifact_uri == f"gs://{world.bucket}/1"
    assert request.model.container_spec.image_uri == IMAGE
    # A label takes 63 characters of the 64; upper case and spaces are not for labels.
    assert dict(request.model.labels) == {"model_digest": "a" * 63, "pipeline": NAME, "run": "run-7"}
    assert world.versions() == {1: ("a", {"default", "blessed"})}


def test_push_second_model_is_a_version_and_takes_the_alias(world: World) -> None:
    put(world, A)
    assert put(world, B).previous == 1
    assert world.server.received("UploadModel")[1].parent_model == MODEL
    assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"})}
    put(world, C)
    assert world.versions() == {1: ("a", set()), 2: ("b", {"previous"}), 3: ("c", {"default", "blessed"})}


def test_push_aliases_of_the_config(world: World) -> None:
    put(world, A, blessed_alias="live", previous_alias="last")
    put(world, B, blessed_alias="live", previous_alias="last")
    assert world.versions() == {1: ("a", {"last"}), 2: ("b", {"default", "live"})}


def test_push_same_model_again_makes_no_version_and_moves_nothing(world: World) -> None:
    put(world, A, endpoint=ENDPOINT)
    put(world, B, endpoint=ENDPOINT)
    before, asked = world.versions(), len(world.server.requests)
    result = put(world, B, endpoint=ENDPOINT)
    assert (result.number, result.is_new, result.previous) == (2, False, 1)
    assert world.versions() == before
    changing = {
        "UploadModel",
        "MergeVersionAliases",
        "CreateEndpoint",
        "DeployModel",
        "UpdateEndpoint",
        "UndeployModel",
    }
    assert not changing & {request.rpc for request in world.server.requests[asked:]}


def test_push_alias_is_never_nobodys(world: World) -> None:
    put(world, A)
    put(world, B)
    for request in world.server.received("MergeVersionAliases"):
        assert not any(alias.startswith("-") for alias in request.version_aliases)


def test_push_version_of_somebody_else_with_the_labels_of_ours_is_not_taken_for_it(world: World) -> None:
    put(world, A)
    # A version's labels are read with the model's among them, which are those of its first version.
    world.models.get(f"{MODEL}@1").version_description = "uploaded by hand"
    assert put(world, A).number == 2


def test_push_version_of_somebody_else_is_no_obstacle(world: World) -> None:
    put(world, A)
    theirs = world.models.get(f"{MODEL}@1")
    theirs.version_description = ""
    theirs.labels.clear()
    world.digests["?"] = ""
    assert put(world, A).number == 2
    assert {aliases for _, aliases in [(n, frozenset(v[1])) for n, v in world.versions().items()]} == {
        frozenset({"previous"}),
        frozenset({"default", "blessed"}),
    }


def test_push_reply_to_the_upload_lost_no_second_version(world: World) -> None:
    put(world, A)
    world.server.fail("UploadModel", Cut(after_effect=True))
    result = put(world, B)
    assert (result.number, result.is_new) == (2, True)
    assert len(world.server.received("UploadModel")) == 2
    assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"})}


def test_push_reply_to_a_slow_upload_lost_waits_for_its_version(world: World) -> None:
    put(world, A)
    world.operations.looks = 3
    world.server.fail("UploadModel", Cut(after_effect=True))
    assert put(world, B).number == 2
    assert len(world.server.received("UploadModel")) == 2
    assert set(world.versions()) == {1, 2}


def test_push_reply_to_an_upload_lost_that_takes_longer_than_all_looks_is_one_version(world: World) -> None:
    put(world, A)
    world.operations.looks = 40
    world.server.fail("UploadModel", Cut(after_effect=True))
    assert put(world, B).number == 2
    assert len(world.server.received("UploadModel")) == 2


def test_push_first_upload_whose_reply_is_lost_takes_long_is_one_version(world: World) -> None:
    world.operations.looks = 40
    world.server.fail("UploadModel", Cut(after_effect=True))
    assert put(world, A).number == 1
    assert len(world.server.received("UploadModel")) == 1


def test_push_faults_while_a_slow_upload_is_waited_for_send_no_second_one(world: World) -> None:
    put(world, A)
    world.operations.looks = 12
    # More of them than the attempts that a call gets.
    world.server.fail("GetOperation", *[Refuse(503)] * (QUICK.attempts + 2))
    assert put(world, B).number == 2
    assert len(world.server.received("UploadModel")) == 2


def test_push_upload_of_a_process_that_was_killed_is_waited_for(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put(world, A)
    world.operations.looks = 20
    with monkeypatch.context() as impatient:
        impatient.setattr(versions, "_UPLOAD_SECONDS", -1)
        with pytest.raises(VertexError, match=r"operations/\d+ has not finished after"):
            put(world, B)
    assert put(world, B).number == 2
    assert len(world.server.received("UploadModel")) == 2


def test_push_first_upload_lost_on_its_way_is_sent_again(world: World) -> None:
    world.server.fail("UploadModel", Cut(after_effect=False))
    assert put(world, A).number == 1
    assert len(world.server.received("UploadModel")) == 2


def test_push_interrupted_between_aliases_is_taken_up_again(world: World) -> None:
    put(world, A)
    # The first of a push's two merges takes effect and is asked for again, since its reply is lost; then none is taken.
    world.server.fail("MergeVersionAliases", Cut(after_effect=True), Refuse(400))
    with pytest.raises(VertexError, match="set the aliases previous"):
        put(world, B)
    assert world.versions() == {1: ("a", {"default", "blessed", "previous"}), 2: ("b", set())}
    put(world, B)
    assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"})}


def test_push_no_permission_is_reported_and_changes_nothing(world: World) -> None:
    put(world, A)
    world.server.fail("UploadModel", permission_denied("aiplatform.models.upload", MODEL))
    with pytest.raises(VertexError, match=r"cannot register gs://.*403.*aiplatform\.models\.upload.*roles/aiplatform"):
        put(world, B)
    assert world.versions() == {1: ("a", {"default", "blessed"})}


def test_push_busy_service_is_asked_again(world: World) -> None:
    world.server.fail("ListModelVersions", Refuse(429), Refuse(503))
    assert put(world, A).number == 1


def test_push_withdrawn_version_is_not_left_as_the_one_before(world: World) -> None:
    put(world, A, endpoint={**ENDPOINT, "new_traffic": 10})
    result = put(world, B, (A,), endpoint={**ENDPOINT, "new_traffic": 10})
    assert (result.previous, dict(result.traffic)) == (None, {2: 100})
    assert world.versions() == {1: ("a", set()), 2: ("b", {"default", "blessed"})}


def test_push_account_may_not_list_operations_is_no_obstacle(world: World) -> None:
    world.server.fail("ListOperations", permission_denied("aiplatform.operations.list", MODEL), forever=True)
    assert dict(put(world, A, endpoint=ENDPOINT).traffic) == {1: 100}
