import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests import forked
from tests.pipeline.runners.vertex.conftest import WriteConfig
from tests.pipeline.runners.vertex.stages import stage, task
from tests.pipeline.runners.vertex.test_submit import submit
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.cloud import Cloud


def test_submit_wait_succeeding_run_tells_each_task_once(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.pipelines.plan(
        stage("RUNNING", task("InteractionGen", "SKIPPED", 1), task("DataGate", "RUNNING")),
        stage("SUCCEEDED", task("InteractionGen", "SKIPPED", 1), task("DataGate", "SUCCEEDED", 75)),
    )
    cloud.api.fail("GetPipelineJob", Refuse(503), Cut(after_effect=False))

    assert submit(write_config(), job_file, "--without-estimate", "--wait") == 0

    said = capsys.readouterr().out
    assert said.count("InteractionGen cached\n") == 1
    assert said.count("DataGate running\n") == 1
    assert said.count("DataGate succeeded in 75 s\n") == 1
    assert said.rstrip().endswith("succeeded")


def test_submit_wait_failing_run_ends_with_its_errors(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.pipelines.plan(
        stage("FAILED", task("DataGate", "FAILED", 12, error="AnomalyError: [x] is new"), error="The DAG failed.")
    )

    assert submit(write_config(), job_file, "--without-estimate", "--wait") == 1

    run_id = next(iter(cloud.pipelines.jobs)).rpartition("/")[2]
    said = capsys.readouterr().err
    assert f"VertexError: the run {run_id} failed: The DAG failed." in said
    assert "DataGate: AnomalyError: [x] is new" in said
    assert f"perennial vertex runs show {run_id}" in said


def test_submit_wait_cancelled_run_ends_with_status_1(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cloud.pipelines.plan(stage("CANCELLED"))

    assert submit(write_config(), job_file, "--without-estimate", "--wait") == 1

    assert "was cancelled" in capsys.readouterr().err


@pytest.mark.parametrize(("fault", "goes_on"), [(Refuse(503), True), (Refuse(404), False), (Refuse(403), False)])
def test_submit_wait_no_further_look_says_that_the_run_goes_on_where_that_is_known(
    fault: Refuse,
    goes_on: bool,
    cloud: Cloud,
    write_config: WriteConfig,
    job_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud.api.fail("GetPipelineJob", fault, forever=True)

    assert submit(write_config(), job_file, "--without-estimate", "--wait") == 1

    assert ("continues" in capsys.readouterr().err) == goes_on


@pytest.mark.e2e
def test_submit_wait_interrupted_leaves_the_run_going(cloud: Cloud, write_config: WriteConfig, job_file: Path) -> None:
    cloud.pipelines.plan(stage("RUNNING", task("DataGate", "RUNNING")))
    arguments = ["vertex", "submit", "--config", str(write_config()), "--job", str(job_file)]
    waiting = subprocess.Popen(
        [forked.python(), "-W", "ignore", "-m", "pipeline.commands.cli", *arguments, "--without-estimate", "--wait"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        # Whoever runs the tests may ignore it, as a shell lets what it starts in the background do.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    assert waiting.stdout is not None
    while "DataGate running" not in waiting.stdout.readline():
        assert waiting.poll() is None

    waiting.send_signal(signal.SIGINT)
    _, errors = waiting.communicate(timeout=60)

    run_id = next(iter(cloud.pipelines.jobs)).rpartition("/")[2]
    assert waiting.returncode == 130
    assert f"perennial vertex runs show {run_id}" in errors and f"perennial vertex runs cancel {run_id}" in errors
    assert "Traceback" not in errors
    assert cloud.api.received("CancelPipelineJob") == []
