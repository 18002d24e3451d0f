"""The `tfx` CLI on Vertex, as an ML engineer types it: the real client submits, to the loopback."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import json_format

from configs.load import DEFAULT_CONFIG
from tests import forked
from tests.vertex_api import cloud as vertex_cloud
from tests.vertex_api.cloud import Cloud
from tests.vertex_api.resources import PARENT, PROJECT, REGION

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).resolve().parent.parent
RUNNER = f"--pipeline_path={ROOT / 'kubeflow_v2_runner.py'}"
CREATE_RUN = ("run", "create", "--engine=vertex", "--pipeline_name=movielens-100k")
WHERE = (f"--project={PROJECT}", f"--region={REGION}")

POINT_THE_CLIENT_HERE = """
import sys
if any(argument.endswith("/tfx") for argument in sys.orig_argv):
    from google.cloud import aiplatform
    aiplatform.init(api_endpoint={url!r}, api_transport="rest")
    from google.cloud.resourcemanager_v3.services.projects import client
    client.ProjectsClient._DEFAULT_ENDPOINT_TEMPLATE = {url!r}
    client.ProjectsClientMeta._transport_registry.move_to_end("rest", last=False)
"""
"""What a process does first: the `tfx` CLI has no options for the addresses of the APIs."""


class Terminal:
    """A home folder, a config, and the `tfx` command."""

    def __init__(self, folder: Path, cloud: Cloud) -> None:
        self.folder, self.cloud = folder, cloud
        self.config = folder / "config.yaml"
        (folder / "site").mkdir()
        (folder / "site" / "sitecustomize.py").write_text(POINT_THE_CLIENT_HERE.format(url=cloud.api.url))
        self.write_config()

    def write_config(self, **vertex: Any) -> None:
        values = yaml.safe_load(DEFAULT_CONFIG.read_text())
        values["vertex"] |= vertex
        values["schema_dir"] = str(DEFAULT_CONFIG.parent / "schemas")
        self.config.write_text(yaml.safe_dump(values))

    def tfx(self, *arguments: str, programs: Path | None = None) -> "subprocess.CompletedProcess[str]":
        """Runs the command of a folder of programs, in the home folder; by default in a fork."""
        environment = {
            **os.environ,
            **self.cloud.environment,
            "HOME": str(self.folder),
            "PATH": f"{programs or forked.programs()}{os.pathsep}{os.environ['PATH']}",
            "PERENNIAL_CONFIG": str(self.config),
            "PYTHONPATH": str(self.folder / "site"),
            "COLUMNS": "200",
        }
        return subprocess.run(["tfx", *arguments], cwd=self.folder, env=environment, text=True, capture_output=True)

    @property
    def job(self) -> dict[str, Any]:
        """What the CLI keeps of the pipeline."""
        (file,) = self.folder.glob("**/movielens-100k/pipeline.json")
        return json.loads(file.read_text())


@pytest.fixture(scope="module")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal in which the pipeline has been created."""
    folder = tmp_path_factory.mktemp("home")
    with vertex_cloud.cloud(folder) as cloud:
        terminal = Terminal(folder, cloud)
        created = terminal.tfx("pipeline", "create", "--engine=vertex", RUNNER, programs=Path(sys.executable).parent)
        assert created.returncode == 0, created.stdout + created.stderr
        assert 'Pipeline "movielens-100k" created successfully.' in created.stdout
        yield terminal


def test_run_create_sends_compiled_job(terminal: Terminal) -> None:
    done = terminal.tfx(*CREATE_RUN, *WHERE, "--runtime_parameter=log_dir=gs://example-bucket/other")

    assert done.returncode == 0, done.stdout + done.stderr
    (request,) = terminal.cloud.api.received("CreatePipelineJob")
    sent = json_format.MessageToDict(type(request).pb(request))["pipelineJob"]
    assert request.parent == PARENT
    assert terminal.cloud.api.received("storage.buckets.get") and terminal.cloud.api.received("GetProject")
    assert not terminal.cloud.api.strays
    assert sent["displayName"] == "movielens-100k"
    assert sent["pipelineSpec"] == terminal.job["pipelineSpec"]
    assert sent["runtimeConfig"] == terminal.job["runtimeConfig"] | {
        "parameterValues": {"log_dir": "gs://example-bucket/other"}
    }
    assert "failurePolicy" in sent["runtimeConfig"]
    (job,) = terminal.cloud.pipelines.jobs
    assert job.rpartition("/")[2] in done.stdout
    assert f"https://console.cloud.google.com/vertex-ai/locations/{REGION}/pipelines/runs/" in done.stdout


def test_pipeline_update_takes_changed_config(terminal: Terminal) -> None:
    terminal.write_config(failure_policy="fast", resources={"cpu": 2})

    done = terminal.tfx("pipeline", "update", "--engine=vertex", RUNNER)

    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Pipeline "movielens-100k" updated successfully.' in done.stdout
    executors = terminal.job["pipelineSpec"]["deploymentSpec"]["executors"].values()
    assert {one["container"]["resources"]["cpuLimit"] for one in executors if "container" in one} == {2.0}
    assert terminal.job["runtimeConfig"]["failurePolicy"] == "PIPELINE_FAILURE_POLICY_FAIL_FAST"


def test_pipeline_compile_writes_into_current_folder(terminal: Terminal) -> None:
    done = terminal.tfx("pipeline", "compile", "--engine=vertex", RUNNER)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "Pipeline movielens-100k compiled successfully." in done.stdout
    compiled = json.loads((terminal.folder / "pipeline.json").read_text())
    assert compiled["pipelineSpec"]["pipelineInfo"]["name"] == "movielens-100k"


def test_pipeline_update_bad_config_is_reported_without_traceback(terminal: Terminal) -> None:
    before = terminal.config.read_text()
    terminal.write_config(region="nowhere")
    try:
        done = terminal.tfx("pipeline", "update", "--engine=vertex", RUNNER)
    finally:
        terminal.config.write_text(before)

    assert done.returncode == 1
    assert "ConfigError" in done.stderr and "vertex.region" in done.stderr
    assert "Traceback" not in done.stderr
