"""Jobs on Dataflow against an API on the loopback; Beam's runner and its client are the real ones."""

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apache_beam as beam
import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.runner import PipelineState

from pipeline.cloud.dataflow import dataflow_args
from tests import forked
from tests.pipeline.vertex_settings import config_with
from tests.vertex_api import Refuse, VertexApi
from tests.vertex_api.credentials import Tokens
from tests.vertex_api.dataflow import CANCELLED, DONE, DataflowJobs, state_of

ROOT = Path(__file__).parents[3]

JOB = "2026-01-01_00_00_00-0"
CANCEL = ("example-project", "europe-west1", JOB, CANCELLED)
BY_HAND = f"gcloud dataflow jobs cancel {JOB} --project=example-project --region=europe-west1"

FAILED = "could not be cancelled, so it may still run"

_BEAM = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # also where the one who runs the tests ignores it
import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
with beam.Pipeline(options=PipelineOptions(sys.argv[1:])) as pipeline:
    pipeline | beam.Create([1])
print("went on")
"""

_TFX = """
import sys
import apache_beam as beam
from tfx.dsl.components.base.base_beam_executor import BaseBeamExecutor
class Executor(BaseBeamExecutor):
    def Do(self, *_):
        with self._make_beam_pipeline() as pipeline:
            pipeline | beam.Create([1])
Executor(BaseBeamExecutor.Context(beam_pipeline_args=sys.argv[1:], unique_id="1", tmp_dir="unused")).Do({}, {}, {})
print("went on")
"""

Task = subprocess.Popen[str]


@pytest.fixture
def dataflow() -> DataflowJobs:
    return DataflowJobs()


@pytest.fixture
def api(dataflow: DataflowJobs) -> Iterator[VertexApi]:
    with VertexApi([dataflow]) as server:
        yield server
        assert server.strays == []


def args_of(api: VertexApi, folder: Path) -> list[str]:
    """Our flags, but for where the API is and where files are staged."""
    config = config_with(dataflow={"region": "europe-west1"})
    assert config.vertex is not None
    args = dataflow_args(config.vertex, config.name)
    assert args is not None
    # Only an endpoint of this name is one that Beam asks without TLS, and lets stage in a folder.
    here = [f"--dataflow_endpoint={api.url.replace('127.0.0.1', 'localhost')}"]
    return [*args, *here, *(f"--{name}_location={folder}" for name in ("temp", "staging"))]


@pytest.fixture
def start(api: VertexApi, tmp_path: Path) -> Iterator[Callable[[str], Task]]:
    """Starts a task, with credentials without which the API answers nothing."""
    tokens, started = Tokens(), []
    api.add(tokens)
    tokens.guard(api)
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    environment["GOOGLE_APPLICATION_CREDENTIALS"] = str(tokens.key_file(tmp_path / "key.json", api.url))
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    def start_(script: str) -> Task:
        command = [forked.python(), "-c", script, *args_of(api, tmp_path)]
        started.append(subprocess.Popen(command, cwd=ROOT, env=environment, **streams))
        return started[-1]

    yield start_
    for task in started:
        with task:
            task.kill()


def ended(task: Task) -> tuple[int, str, str]:
    """Status, output and log of a task."""
    out, log = task.communicate(timeout=120)
    return task.returncode, out, log


def stopped(
    dataflow: DataflowJobs,
    start: Callable[[str], Task],
    number: signal.Signals = signal.SIGTERM,
    when: str = "on_get",
) -> tuple[int, str, str]:
    """How a task ends that gets a signal while its job is created, or asked for."""
    started: queue.Queue[Task] = queue.Queue()

    def stop() -> None:
        setattr(dataflow, when, lambda: None)
        started.get(timeout=60).send_signal(number)

    setattr(dataflow, when, stop)
    task = start(_BEAM)
    started.put(task)
    return ended(task)


def changes(api: VertexApi) -> list[tuple[str, str, str, str]]:
    """Project, region, job and new state of what the API was asked to change."""
    return [
        (asked["projectId"], asked["location"], asked["jobId"], state_of(asked["job"]))
        for asked in api.received("UpdateJob")
    ]


@pytest.mark.e2e
def test_job_that_ends_is_waited_for_and_not_cancelled(
    api: VertexApi, dataflow: DataflowJobs, start: Callable[[str], Task]
) -> None:
    dataflow.on_create = lambda: dataflow.jobs[JOB].update(currentState=DONE)
    status, out, log = ended(start(_TFX))
    assert (status, out) == (0, "went on\n"), log
    assert len(api.received("CreateJob")) == 1
    assert len(api.received("GetJob")) >= 1
    assert changes(api) == []


@pytest.mark.e2e
@pytest.mark.parametrize("when", ["on_get", "on_create"])
@pytest.mark.parametrize(("number", "expected"), [(signal.SIGTERM, 143), (signal.SIGINT, -signal.SIGINT)])
def test_task_that_is_ended_cancels_its_job(
    api: VertexApi,
    dataflow: DataflowJobs,
    start: Callable[[str], Task],
    when: str,
    number: signal.Signals,
    expected: int,
) -> None:
    status, out, log = stopped(dataflow, start, number, when)
    assert (status, out) == (expected, ""), log
    assert changes(api) == [CANCEL]
    assert BY_HAND in log
    assert FAILED not in log


@pytest.mark.fault
def test_job_that_is_too_young_is_cancelled_as_soon_as_dataflow_lets_it_be(
    api: VertexApi, dataflow: DataflowJobs, start: Callable[[str], Task]
) -> None:
    early = "Job is not yet ready for canceling. Please retry in a few minutes."
    api.fail("UpdateJob", *[Refuse(400, f"Operation cancel not allowed for job {JOB}. {early}")] * 2)
    status, _, log = stopped(dataflow, start)
    assert status == 143, log
    assert changes(api) == [CANCEL] * 3
    assert dataflow.jobs[JOB]["currentState"] == CANCELLED
    assert FAILED not in log


@pytest.mark.fault
def test_job_that_has_ended_in_the_meantime_is_no_error(
    api: VertexApi, dataflow: DataflowJobs, start: Callable[[str], Task]
) -> None:
    over = Refuse(400, f"Operation cancel not allowed for job {JOB}. Job has terminated in state SUCCESS.")
    api.fail("UpdateJob", over)
    status, _, log = stopped(dataflow, start)
    assert status == 143, log
    assert changes(api) == [CANCEL]
    assert FAILED not in log


@pytest.mark.fault
def test_job_that_cannot_be_cancelled_is_reported_with_how_to_and_the_task_still_ends_as_stopped(
    api: VertexApi, dataflow: DataflowJobs, start: Callable[[str], Task]
) -> None:
    api.fail("UpdateJob", Refuse(403, "may not dataflow.jobs.cancel"), forever=True)
    status, _, log = stopped(dataflow, start)
    assert status == 143, log
    (failure,) = (line for line in log.splitlines() if FAILED in line)
    assert "403" in failure
    assert log.count(BY_HAND) == 2
    assert "may not dataflow.jobs.cancel" in log


@pytest.mark.fault
def test_job_that_is_lost_sight_of_is_cancelled(
    api: VertexApi, dataflow: DataflowJobs, start: Callable[[str], Task]
) -> None:
    # Beam's thread dies of it, and its runner says that the job did not end.
    api.fail("GetJob", Refuse(403, "no more"), forever=True)
    status, _, log = ended(start(_BEAM))
    assert status == 1
    assert "Job did not reach to a terminal state" in log
    assert changes(api) == [CANCEL]


@pytest.mark.fault
def test_job_that_someone_else_has_cancelled_is_reported_and_left_alone(
    api: VertexApi, dataflow: DataflowJobs, start: Callable[[str], Task]
) -> None:
    dataflow.on_create = lambda: dataflow.jobs[JOB].update(currentState=CANCELLED)
    status, _, log = ended(start(_BEAM))
    assert status == 1
    assert "DataflowRuntimeException: Dataflow pipeline failed. State: CANCELLED" in log
    assert changes(api) == []


def test_run_outside_the_main_thread_is_that_of_beam(api: VertexApi, tmp_path: Path) -> None:
    options = PipelineOptions([*args_of(api, tmp_path), "--no_auth"])
    before, results = signal.getsignal(signal.SIGTERM), []

    def run() -> None:
        pipeline = beam.Pipeline(options=options)
        _ = pipeline | beam.Create([1])
        results.append(pipeline.run())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(60)  # and does not wait for the job
    assert [(result.job_id(), result.state) for result in results] == [(JOB, PipelineState.RUNNING)]
    assert signal.getsignal(signal.SIGTERM) is before
    assert changes(api) == []
