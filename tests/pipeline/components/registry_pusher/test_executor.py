"""RegistryPusher as a truth table: what is registered, what is not and why; and where the pipeline has it."""

import json
import logging
from functools import partial
from pathlib import Path

import pytest
from tfx.types import channel_utils, standard_artifacts

from common.errors import VertexError
from configs.vertex.target import Target
from pipeline.cloud.registry import endpoint as registry_endpoint
from pipeline.components.registry_pusher.component import RegistryPusher
from tests.pipeline.cloud.registry.worlds import ENDPOINT, MODEL, NAME, World
from tests.pipeline.store.versions.folders import make_service_data
from tests.pipeline.vertex_settings import job_with, tasks_of
from tests.vertex_api import Refuse
from tests.vertex_api.faults import permission_denied

pytestmark = pytest.mark.e2e

IMAGE = "europe-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest"
CHANGING = {"UploadModel", "MergeVersionAliases", "CreateEndpoint", "DeployModel", "UndeployModel", "UpdateEndpoint"}


def changed(world: World, since: int) -> set[str]:
    """Methods that change something and were called since."""
    return CHANGING & {request.rpc for request in world.server.requests[since:]}


def test_do_pushed_model_registered_and_written_down(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    report = world.run("a", world.config({"endpoint": ENDPOINT}))
    assert report == {
        "format_version": 1,
        "registered": True,
        "model": f"{MODEL}@1",
        "version": 1,
        "is_new": True,
        "previous_version": None,
        "traffic": {"1": 100},
        "model_digest": world.digests["a"],
        "serving_path": f"gs://{world.bucket}/serving/1000",
    }
    assert world.versions() == {1: ("a", {"default", "blessed"})}
    model = world.models.get(f"{MODEL}@1")
    assert model.artifact_uri == f"gs://{world.bucket}/serving/1000"
    assert model.labels["run"] == "movielens-100k-20260101000001"
    assert caplog.messages[-1] == f"{MODEL}@1 registered; traffic {{1: 100}}"


def test_do_rerun_of_the_same_model_makes_no_second_version(world: World) -> None:
    config = world.config({"endpoint": ENDPOINT})
    pushed = world.push("a", config)
    first = world.register(config, pushed)
    since = len(world.server.requests)
    again = world.register(config, pushed)
    assert again == {**first, "is_new": False}
    assert changed(world, since) == set()


def test_do_same_model_pushed_again_with_other_service_data_makes_no_second_version(
    world: World, tmp_path: Path
) -> None:
    config = world.config({"endpoint": ENDPOINT})
    first, second = (
        world.register(config, world.push("a", config, make_service_data(tmp_path / titles, titles)))
        for titles in ("A", "B")
    )
    assert second == {**first, "is_new": False, "serving_path": f"gs://{world.bucket}/serving/1001"}
    assert world.versions() == {1: ("a", {"default", "blessed"})}


def test_do_task_that_failed_is_taken_up_by_its_retry(world: World) -> None:
    config = world.config({"endpoint": ENDPOINT})
    world.run("a", config)
    pushed = world.push("b", config)
    world.server.fail("UpdateEndpoint", Refuse(400, "not now"))
    with pytest.raises(VertexError, match=r"cannot move the traffic of .*not now"):
        world.register(config, pushed)
    assert world.register(config, pushed)["version"] == 2
    assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"})}
    assert len(world.server.received("UploadModel")) == 2
    assert len(world.server.received("DeployModel")) == 2


def test_do_account_may_not_upload_is_reported_who_lacks_what(world: World) -> None:
    world.server.fail("UploadModel", permission_denied("aiplatform.models.upload", MODEL))
    with pytest.raises(VertexError, match=r"engineer@example-project\S* lacks aiplatform\.models\.upload"):
        world.run("a", world.config({}))
    assert world.versions() == {}


def test_do_not_pushed_not_registered(world: World, caplog: pytest.LogCaptureFixture) -> None:
    config, reason = world.config({}), "the Pusher did not push it"
    pushed = world.push("a", config)
    pushed.set_int_custom_property("pushed", 0)
    since = len(world.server.requests)
    assert world.register(config, pushed) == {"format_version": 1, "registered": False, "reason": reason}
    assert changed(world, since) == set()
    assert caplog.messages[-1] == f"not registered: {reason}"


def test_do_not_pushed_what_failed_pushes_have_left_on_the_endpoint_goes(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = world.config({"endpoint": ENDPOINT})
    for name in "ab":
        world.run(name, config)
    refused = world.push("a", config)
    refused.set_int_custom_property("pushed", 0)
    [endpoint] = world.endpoints.endpoints.values()
    left = world.endpoints.put_deployed(endpoint.name, "7", MODEL, 1)
    for hours, versions in ((1, ["2", "1"]), (3, ["2"])):  # until then, a push may be about to give it traffic
        monkeypatch.setattr(registry_endpoint, "_now", partial(float, left.create_time.seconds + hours * 3600))
        world.register(config, refused)
        assert [each.model_version_id for each in endpoint.deployed_models] == versions
    assert world.endpoints.answered[-1] == {f"{NAME}@2": 100}


def test_do_not_pushed_endpoint_that_cannot_be_asked_is_no_reason_to_fail(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    config = world.config({"endpoint": ENDPOINT})
    pushed = world.push("a", config)
    pushed.set_int_custom_property("pushed", 0)
    for rpc in ("ListModelVersions", "ListEndpoints"):
        world.server.fail(rpc, permission_denied("aiplatform", MODEL))
        assert world.register(config, pushed)["registered"] is False
        assert "403" in caplog.messages[-1]


def test_do_pushed_model_from_the_cache_that_is_no_longer_live_not_registered(world: World) -> None:
    config = world.config({})
    pushed = world.push("a", config)
    world.register(config, pushed)
    world.run("b", config)
    report = world.register(config, pushed)
    assert report["reason"] == "it is not the live model of the serving folder: version 1001 holds another model"
    assert world.versions()[2] == ("b", {"default", "blessed"})


def test_do_serving_folder_of_this_machine_nothing_asked_of_google_cloud(world: World, tmp_path: Path) -> None:
    # In a rehearsal, gs:// places are folders here.
    from pipeline.components.registry_pusher.executor import Executor
    from pipeline.store.versions.push import push
    from tests.pipeline.store.versions.folders import make_model

    result = push(make_model(tmp_path / "model", "a"), str(tmp_path / "serving"), 5)
    pushed, output = standard_artifacts.PushedModel(), standard_artifacts.PushedModel()
    pushed.set_int_custom_property("pushed", 1)
    pushed.set_string_custom_property("model_digest", result.digest)
    output.uri = str(tmp_path / "output")
    Executor().Do(
        {"pushed_model": [pushed]},
        {"registered_model": [output]},
        {
            "serving_dir": str(tmp_path / "serving"),
            "target": Target.of(world.config({})).model_dump_json(),
            "code_digest": "c",
        },
    )
    report = json.loads((tmp_path / "output" / "registry.json").read_text())
    assert report["reason"] == f"{tmp_path / 'serving'} is a folder of this machine, which Vertex cannot read"
    assert world.server.requests == []


def test_component_settings_are_execution_properties(world: World) -> None:
    pushed_model = channel_utils.as_channel([standard_artifacts.PushedModel()])
    target = Target.of(world.config({"endpoint": ENDPOINT}))
    component = RegistryPusher(pushed_model=pushed_model, serving_dir="gs://bucket/serving", target=target)
    assert set(component.inputs) == {"pushed_model"}
    target = json.loads(component.exec_properties["target"])
    assert (target["project"], target["region"]) == ("example-project", "europe-west4")
    assert target["registry"]["endpoint"]["display_name"] == "recommender"


def test_compiled_job_has_it_after_the_pusher_if_the_config_says_so() -> None:
    tasks = tasks_of(job_with(registry={"serving_image": IMAGE}))
    inputs = tasks["RegistryPusher"]["inputs"]
    assert inputs["artifacts"]["pushed_model"]["taskOutputArtifact"]["producerTask"] == "Pusher"
    serving_dir = inputs["parameters"]["serving_dir"]["runtimeValue"]["constant"]
    assert serving_dir in tasks["Pusher"]["inputs"]["parameters"]["push_destination"]["runtimeValue"]["constant"]
    assert "RegistryPusher" not in tasks_of(job_with())


def test_local_pipeline_never_has_it(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipeline.runners.places import local_places

    monkeypatch.setenv("PERENNIAL_DATA", str(tmp_path))
    (tmp_path / "movielens-100k").mkdir()
    assert local_places(world.config({})).registry is None
