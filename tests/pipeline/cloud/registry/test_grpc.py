"""The client's own transport: the pipeline's task registers, and the command goes back, as with a real project."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from configs.load import load_config
from pipeline.runners.vertex.compile import compile_job
from tests import forked
from tests.pipeline.cloud.registry.worlds import MODEL, NAME, World
from tests.pipeline.commands.vertex.test_versions import write
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.operations import NUMBER
from tests.vertex_api.over_grpc import over_grpc

pytestmark = pytest.mark.e2e


def test_push_by_the_jobs_task_and_rollback_by_the_command_over_grpc(world: World, tmp_path: Path) -> None:
    world.operations.looks = 1  # operations take longer than the reply to what begins them
    with over_grpc(world.server, tmp_path) as (address, trust):
        # gRPC reads once whom it trusts, so each is a process of its own.
        environment = {**os.environ, **trust, "no_proxy": "127.0.0.1,localhost"}
        file = write(world, tmp_path, api_endpoint=address)
        task = Task(file, tmp_path)
        for name in "ab":
            pushed = world.push(name, load_config(file))
            world.server.fail("UploadModel", Cut(after_effect=True))
            world.server.fail("DeployModel", Refuse(503))
            report = task.run(world, pushed, environment)
        assert report["model"] == f"{MODEL}@2"
        assert world.versions() == {1: ("a", {"previous"}), 2: ("b", {"default", "blessed"})}
        assert world.endpoints.answered[-1] == {f"{NAME}@2": 100}

        back = [
            forked.python(),
            "-W",
            "ignore",
            "-m",
            "pipeline.commands.cli",
            "vertex",
            "versions",
            "rollback",
            "--config",
            file,
        ]
        done = subprocess.run(back, text=True, capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
        assert f"{MODEL}@1 is the blessed model." in done.stdout
    assert (world.live(), world.last_blessed()) == ("a", "a")
    assert world.versions() == {1: ("a", {"default", "blessed"}), 2: ("b", set())}
    assert world.endpoints.answered[-1] == {f"{NAME}@1": 100}
    assert not any(request.path for request in world.server.requests if request.rpc != "Token"), "some came over REST"


class Task:
    """RegistryPusher's container, as the compiled job starts it."""

    def __init__(self, file: str, folder: Path) -> None:
        spec = json.loads(compile_job(load_config(file), str(folder)).read_text())["pipelineSpec"]
        self._container = spec["deploymentSpec"]["executors"]["RegistryPusher_executor"]["container"]
        given = spec["root"]["dag"]["tasks"]["RegistryPusher"]["inputs"]["parameters"]
        self._parameters = {name: value["runtimeValue"]["constant"] for name, value in given.items()}
        self._folder = folder
        self._runs = 0

    def run(self, world: World, pushed: Any, environment: dict[str, str]) -> dict[str, Any]:
        """Registers; what it wrote down."""
        self._runs += 1
        root = f"gs://{world.bucket}/root/{NUMBER}/{NAME}-2026010100000{self._runs}"
        custom_properties = {"pushed": 1, "model_digest": pushed.get_string_custom_property("model_digest")}
        output_file = self._folder / f"{self._runs}.json"
        executor_input = {
            "inputs": {
                "artifacts": {"pushed_model": _artifact(f"{root}/Pusher_1/pushed_model", custom_properties)},
                "parameterValues": self._parameters,
            },
            "outputs": {
                "artifacts": {"registered_model": _artifact(f"{root}/RegistryPusher_1/registered_model", {})},
                "outputFile": str(output_file),
            },
        }
        arguments = [json.dumps(executor_input) if a == "{{$}}" else a for a in self._container["args"]]
        command = [forked.python(), *self._container["command"][1:], *arguments]
        done = subprocess.run(command, text=True, capture_output=True, env=environment)
        assert done.returncode == 0, done.stderr
        artifact = json.loads(output_file.read_text())["artifacts"]["registered_model"]["artifacts"][0]
        bucket, _, name = artifact["uri"].removeprefix("gs://").partition("/")
        report: dict[str, Any] = json.loads(world.store.objects[bucket, f"{name}/registry.json"])
        return report


def _artifact(uri: str, metadata: dict[str, Any]) -> dict[str, Any]:
    schema = {"instanceSchema": yaml.safe_dump({"title": "tfx.PushedModel", "type": "object"})}
    return {"artifacts": [{"name": "a", "uri": uri, "type": schema, "metadata": metadata}]}
