"""Comparisons in a real MLflow server; and nothing that goes wrong there stops a run."""

import logging
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from configs.mlflow import Mlflow
from pipeline.components.model_comparison.tracking.record import record
from pipeline.components.model_comparison.tracking.runs import run_of_candidate, run_of_comparison
from tests.documents.samples import changed
from tests.mlflow_server import free_port, running_mlflow
from tests.pipeline.components.model_comparison.tracking.comparisons import FAULTY, ORIGIN, REPORT, WINNER

pytestmark = pytest.mark.e2e

MANY = {f"setting_{number}": number for number in range(150)}
"""MLflow takes 100 in one request."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running_mlflow(tmp_path_factory.mktemp("mlflow")) as address:
        yield address


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]


def test_comparison_is_one_run_with_one_inside_it_for_each_candidate(
    server: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "perennial.comparison")
    many = changed(WINNER, settings=MANY)
    report = changed(REPORT, candidates=[many.model_dump(), FAULTY.model_dump()])
    record(report, ORIGIN, Mlflow(tracking_uri=server, experiment="one"))
    assert warnings(caplog) == []
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("one")
    assert experiment is not None
    found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert set(found) == {"comparison of shop", "towers", "factors"}
    parent = found["comparison of shop"].info.run_id
    assert f"run {parent}" in caplog.text
    expected = [run_of_comparison(report, ORIGIN), run_of_candidate(many), run_of_candidate(FAULTY)]
    for run in expected:
        its = found[run["name"]]
        assert its.info.status == "FINISHED"
        assert its.data.params == run["params"]
        assert its.data.metrics == run["metrics"]
        assert its.data.tags.items() >= run["tags"].items()
        is_parent = its.info.run_id == parent
        assert its.data.tags.get("mlflow.parentRunId") == (None if is_parent else parent)


def test_second_comparison_is_a_second_run_of_the_same_experiment(server: str) -> None:
    for _ in range(2):
        record(REPORT, ORIGIN, Mlflow(tracking_uri=server, experiment="two"))
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("two")
    assert experiment is not None
    parents = client.search_runs([experiment.experiment_id], "attributes.run_name = 'comparison of shop'")
    assert len(parents) == 2


def test_what_the_server_refuses_is_a_warning_and_a_failed_run(server: str, caplog: pytest.LogCaptureFixture) -> None:
    unnameable = {"a\nb": REPORT.baselines["popularity"].model_dump()}
    record(changed(REPORT, baselines=unnameable), ORIGIN, Mlflow(tracking_uri=server, experiment="refused"))
    (warning,) = warnings(caplog)
    assert (
        f"the comparison was not recorded in MLflow at {server}, experiment 'refused': RestException: INVALID_P"
        in warning
    )
    client = MlflowClient(server)
    experiment = client.get_experiment_by_name("refused")
    assert experiment is not None
    assert [run.info.status for run in client.search_runs([experiment.experiment_id])] == ["FAILED"]


def test_dead_server_is_a_warning_in_bounded_time_and_no_password_is_shown(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "alice")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "hidden-1")
    caplog.set_level(logging.DEBUG)
    port = free_port()
    # The config refuses this URI; so this one comes from elsewhere.
    uri = f"http://bob:hidden-2@127.0.0.1:{port}"
    record(REPORT, ORIGIN, Mlflow.model_construct(tracking_uri=uri, experiment="none"))
    (warning,) = warnings(caplog)
    assert f"MLflow at http://***@127.0.0.1:{port}, experiment 'none': MlflowException: " in warning
    assert "Connection refused" in warning
    assert warning.endswith("The run goes on; comparison.json has the same figures.")
    assert "hidden" not in caplog.text


def test_server_that_never_answers_is_left_after_the_timeout(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "600")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        uri = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        record(REPORT, ORIGIN, Mlflow(tracking_uri=uri, experiment="silent"), timeout_seconds=3)
    assert time.monotonic() - started < 60
    (warning,) = warnings(caplog)
    assert "experiment 'silent': it took longer than 3 s and was stopped." in warning


def test_without_the_extra_the_warning_says_what_to_install(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", tmp_path / "bare"], check=True)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "bare" / "bin" / "python"))
    record(REPORT, ORIGIN, Mlflow(tracking_uri="http://127.0.0.1:1", experiment="none"))
    (warning,) = warnings(caplog)
    assert "MLflow is not installed; install Perennial with the extra mlflow. The run goes on" in warning
