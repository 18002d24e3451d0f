from pathlib import Path
from typing import Any

import pytest

from configs.load import load_config
from pipeline.vertex.api.client import Api
from pipeline.vertex.api.times import task_times
from pipeline.vertex.job import read_job
from pipeline.vertex.rehearsal.records import FAILED, SUCCEEDED, Record, Records
from tests.pipeline.vertex.api.conftest import QUICK, WriteConfig
from tests.pipeline.vertex.api.stages import stage, task
from tests.pipeline.vertex.api.test_runs import Put, put
from tests.pipeline.vertex.api.test_submit import submit
from tests.vertex_api.cloud import Cloud

__all__ = ["put"]

PRICES: dict[str, Any] = {"currency": "EUR", "cpu_hour": 0.05, "gb_hour": 0.01}


@pytest.fixture
def tasks(job_file: Path) -> list[str]:
    """The tasks of our job that have a container."""
    job = read_job(job_file)
    spec = job.spec.root.dag.tasks
    return [name for name, one in spec.items() if job.executor(one).HasField("container")]


def times(config: Path, tasks: list[str]) -> Any:
    loaded = load_config(config)
    assert loaded.vertex is not None
    return task_times(Api(loaded.vertex, QUICK), loaded, tasks)


def test_task_times_newest_run_that_ran_the_task_tells(write_config: WriteConfig, put: Put) -> None:
    put("movielens-100k-1", stage("SUCCEEDED", task("DataGate", "SUCCEEDED", 10), task("Pusher", "SUCCEEDED", 20)))
    put("movielens-100k-2", stage("SUCCEEDED", task("DataGate", "SKIPPED", 1), task("Pusher", "SUCCEEDED", 30)))
    put("movielens-100k-3", stage("FAILED", task("DataGate", "FAILED", 99), task("Pusher", "SUCCEEDED", 99)))

    found = times(write_config(), ["DataGate", "Pusher", "RunReport"])

    assert found.seconds == {"DataGate": 10, "Pusher": 30}
    assert found.sources == ("run movielens-100k-2", "run movielens-100k-1")


def test_task_times_rehearsal_tells_what_no_run_does(write_config: WriteConfig, put: Put, tmp_path: Path) -> None:
    put("movielens-100k-1", stage("SUCCEEDED", task("DataGate", "SUCCEEDED", 10)))
    records = Records(tmp_path / "runs" / "movielens-100k" / "rehearsal" / "runs")
    records.add(Record(run="1", task="Pusher", state=SUCCEEDED, started=100, ended=140))
    records.add(Record(run="2", task="Pusher", state=SUCCEEDED, started=200, ended=207))
    records.add(Record(run="3", task="Pusher", state=FAILED, started=300, ended=399))
    records.add(Record(run="3", task="DataGate", state=SUCCEEDED, started=300, ended=301))

    found = times(write_config(), ["DataGate", "Pusher"])

    assert found.seconds == {"DataGate": 10, "Pusher": 7}
    assert "rehearsal" in found.sources[-1]


def test_submit_estimate_with_times_and_prices_is_told(
    write_config: WriteConfig, put: Put, tasks: list[str], job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("movielens-100k-1", stage("SUCCEEDED", *(task(name, "SUCCEEDED", 900) for name in tasks)))

    assert submit(write_config(cost={"prices": PRICES, "ceiling": 2}), job_file) == 0

    # By hand: a quarter of an hour each, of 4 CPUs and 16 GB.
    total = len(tasks) * 0.25 * (4 * 0.05 + 16 * 0.01)
    said = capsys.readouterr().err
    assert f"The run costs {total:,.2f} EUR, if the cache answers no task." in said
    assert f"{len(tasks) * 0.25 * 4:,.2f}" in said and "run movielens-100k-1" in said


def test_submit_above_ceiling_starts_nothing(
    cloud: Cloud,
    write_config: WriteConfig,
    put: Put,
    tasks: list[str],
    job_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("movielens-100k-1", stage("SUCCEEDED", *(task(name, "SUCCEEDED", 900) for name in tasks)))
    config = write_config(cost={"prices": PRICES, "ceiling": 1})

    assert submit(config, job_file) == 1

    assert "more than vertex.cost.ceiling, which is 1.00 EUR" in capsys.readouterr().err
    assert cloud.api.received("CreatePipelineJob") == []
    assert submit(config, job_file, "--without-estimate") == 0
    assert len(cloud.api.received("CreatePipelineJob")) == 1


def test_submit_ceiling_without_times_says_to_rehearse(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(write_config(cost={"prices": PRICES, "ceiling": 1}), job_file) == 1

    assert "perennial vertex rehearse" in capsys.readouterr().err
    assert cloud.api.received("CreatePipelineJob") == []


def test_submit_dry_run_above_ceiling_is_refused_by_rehearsal_times(
    write_config: WriteConfig,
    tasks: list[str],
    job_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = Records(tmp_path / "runs" / "movielens-100k" / "rehearsal" / "runs")
    for name in tasks:
        records.add(Record(run="1", task=name, state=SUCCEEDED, started=0, ended=900))

    assert submit(write_config(cost={"prices": PRICES, "ceiling": 1}), job_file, "--dry-run") == 1

    assert "more than vertex.cost.ceiling" in capsys.readouterr().err
