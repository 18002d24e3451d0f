"""The client's own transport: what an `api_endpoint` without `http://` and every real project use."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests import forked
from tests.pipeline.runners.vertex.conftest import WriteConfig
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.cloud import Cloud
from tests.vertex_api.credentials import EMAIL
from tests.vertex_api.faults import api_disabled
from tests.vertex_api.over_grpc import over_grpc

pytestmark = pytest.mark.e2e

Vertex = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def vertex(cloud: Cloud, write_config: WriteConfig, tmp_path: Path) -> Iterator[Vertex]:
    """Runs `perennial vertex` in a process of its own, as gRPC reads once whom it trusts."""
    with over_grpc(cloud.api, tmp_path) as (address, environment):
        config = write_config(api_endpoint=address)

        def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
            whole = [
                forked.python(),
                "-W",
                "ignore",
                "-m",
                "pipeline.commands.cli",
                "vertex",
                *arguments,
                "--config",
                str(config),
            ]
            return subprocess.run(whole, text=True, capture_output=True, env={**os.environ, **environment})

        yield run


def test_submit_over_grpc_creates_one_run_through_faults(cloud: Cloud, vertex: Vertex, job_file: Path) -> None:
    cloud.api.fail("CreatePipelineJob", Refuse(503), Refuse(429), Cut())

    done = vertex("submit", "--job", str(job_file))

    assert done.returncode == 0, done.stderr
    (name,) = cloud.pipelines.jobs
    assert name.rpartition("/")[2] in done.stdout
    assert len(cloud.api.received("CreatePipelineJob")) == 4
    spec = cloud.pipelines.jobs[name].pipeline_spec
    assert set(spec["root"]["dag"]["tasks"]) == set(
        json.loads(job_file.read_text())["pipelineSpec"]["root"]["dag"]["tasks"]
    )


def test_runs_over_grpc_api_not_enabled_says_how_to_enable_it(cloud: Cloud, vertex: Vertex) -> None:
    cloud.api.fail("ListPipelineJobs", api_disabled("example-project"))

    done = vertex("runs", "list")

    assert done.returncode == 1
    assert "gcloud services enable aiplatform.googleapis.com --project=example-project" in done.stderr


def test_runs_over_grpc_credentials_refused_says_how_to_sign_in(cloud: Cloud, vertex: Vertex) -> None:
    cloud.api.fail("ListPipelineJobs", Refuse(401), forever=True)

    done = vertex("runs", "list")

    assert done.returncode == 1
    assert "gcloud auth application-default login" in done.stderr and EMAIL in done.stderr
