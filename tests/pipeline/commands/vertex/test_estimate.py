import json
from pathlib import Path
from typing import Any

import pytest

from configs.load import load_config
from pipeline.cloud.client import Api
from pipeline.commands import cli
from pipeline.job.compiled import read_job
from pipeline.job.rehearsal.records import FAILED, RUNS_DIR, SUCCEEDED, Record, Records
from pipeline.runners.vertex.times import task_times
from tests.pipeline.runners.vertex.conftest import QUICK, WriteConfig
from tests.pipeline.runners.vertex.stages import stage, task
from tests.pipeline.runners.vertex.test_runs import Put, put
from tests.pipeline.runners.vertex.test_submit import submit
from tests.vertex_api.cloud import Cloud

__all__ = ["put"]

PRICES: dict[str, Any] = {"currency": "EUR", "cpu_hour": 0.05, "gb_hour": 0.01}


@pytest.fixture
def tasks(job_file: Path) -> list[str]:
    """The tasks of our job that have a container."""
    job = read_job(job_file)
    spec = job.spec.root.dag.tasks
    return [name for name, one in spec.items() if job.executor(one).HasField("container")]


def rehearsed(folder: Path, run: str, task: str, state: str, started: float, ended: float) -> None:
    """Leaves what a rehearsal leaves of a task."""
    records = Records(folder / "runs" / "movielens-100k" / "rehearsal" / RUNS_DIR, "movielens-100k")
    records.add(Record("movielens-100k", run, task, state, started=started, ended=ended))


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
    rehearsed(tmp_path, "1", "Pusher", SUCCEEDED, 100, 140)
    rehearsed(tmp_path, "2", "Pusher", SUCCEEDED, 200, 207)
    rehearsed(tmp_path, "3", "Pusher", FAILED, 300, 399)
    rehearsed(tmp_path, "3", "DataGate", SUCCEEDED, 300, 301)

    found = times(write_config(), ["DataGate", "Pusher"])

    assert found.seconds == {"DataGate": 10, "Pusher": 7}
    assert "rehearsal" in found.sources[-1]


def test_task_times_tasks_of_inner_dags_are_matched_by_their_paths(
    write_config: WriteConfig, put: Put, tmp_path: Path
) -> None:
    tasks = [
        task("condition-1", "SUCCEEDED", 9, ids=(1, 0)),
        task("condition-2", "SUCCEEDED", 9, ids=(2, 0)),
        task("Deep", "SUCCEEDED", 10, ids=(3, 1)),
        task("Deep", "SKIPPED", 1, ids=(4, 2)),
    ]
    inner = {"componentRef": {"name": "inner"}}
    put("movielens-100k-1", stage("SUCCEEDED", *tasks)).pipeline_spec = {
        "pipelineInfo": {"name": "movielens-100k"},
        "root": {"dag": {"tasks": {"condition-1": inner, "condition-2": inner}}},
        "components": {"inner": {"dag": {"tasks": {"Deep": {}}}}},
    }
    rehearsed(tmp_path, "1", "condition-2/Deep", SUCCEEDED, 0, 7)

    found = times(write_config(), ["condition-1/Deep", "condition-2/Deep"])

    assert found.seconds == {"condition-1/Deep": 10, "condition-2/Deep": 7}


def test_submit_estimate_with_times_and_prices_is_reported(
    write_config: WriteConfig, put: Put, tasks: list[str], job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    put("movielens-100k-1", stage("SUCCEEDED", *(task(name, "SUCCEEDED", 900) for name in tasks)))

    assert submit(write_config(cost={"prices": PRICES, "ceiling": 2}), job_file) == 0

    # By hand: a quarter of an hour each, of 4 CPUs and 16 GB.
    total = len(tasks) * 0.25 * (4 * 0.05 + 16 * 0.01)
    said = capsys.readouterr().err
    assert f"The run costs {total:,.2f} EUR, if no cached result is reused." in said
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


def test_submit_dry_run_without_times_prints_and_says_that_the_ceiling_waits(
    cloud: Cloud, write_config: WriteConfig, job_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(write_config(cost={"prices": PRICES, "ceiling": 1}), job_file, "--dry-run") == 0

    out, err = capsys.readouterr()
    assert json.loads(out)["pipelineJobId"].startswith("movielens-100k-")
    assert "ceiling" in err
    assert cloud.api.requests == []


def test_schedule_above_ceiling_is_not_made(
    cloud: Cloud,
    write_config: WriteConfig,
    put: Put,
    tasks: list[str],
    job_file: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    put("movielens-100k-1", stage("SUCCEEDED", *(task(name, "SUCCEEDED", 900) for name in tasks)))
    config = write_config(cost={"prices": PRICES, "ceiling": 1}, schedule={"cron": "0 3 * * *"})

    assert cli.main(["vertex", "schedules", "put", "--config", str(config), "--job", str(job_file)]) == 1

    assert "more than vertex.cost.ceiling" in capsys.readouterr().err
    assert cloud.schedules.schedules == {}


def test_submit_dry_run_above_ceiling_is_refused_by_rehearsal_times(
    write_config: WriteConfig,
    tasks: list[str],
    job_file: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in tasks:
        rehearsed(tmp_path, "1", name, SUCCEEDED, 0, 900)

    assert submit(write_config(cost={"prices": PRICES, "ceiling": 1}), job_file, "--dry-run") == 1

    assert "more than vertex.cost.ceiling" in capsys.readouterr().err
