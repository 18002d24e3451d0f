import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.cloud.aiplatform_v1 import types

from pipeline.commands import cli
from tests.pipeline.runners.vertex.conftest import WriteConfig
from tests.pipeline.runners.vertex.stages import BEGAN, stage, task
from tests.vertex_api import Cut, Refuse
from tests.vertex_api.cloud import Cloud
from tests.vertex_api.pipelines import State
from tests.vertex_api.resources import PARENT

Put = Callable[..., types.PipelineJob]
REPORT = "gs://example-bucket/artifacts/7/report"


@pytest.fixture
def put(cloud: Cloud, job_file: Path) -> Put:
    """Puts a run of our pipeline there."""
    spec = json.loads(job_file.read_text())["pipelineSpec"]

    @functools.cache  # the library converts JSON values one by one, which takes longer than all else that a run needs
    def spec_of(pipeline: str) -> Any:
        return types.PipelineJob.pb(types.PipelineJob(pipeline_spec=spec | {"pipelineInfo": {"name": pipeline}}))

    def put_run(run_id: str, job: types.PipelineJob, pipeline: str = "movielens-100k") -> types.PipelineJob:
        types.PipelineJob.pb(job).pipeline_spec.CopyFrom(spec_of(pipeline).pipeline_spec)
        return cloud.pipelines.put(run_id, job)

    return put_run


@pytest.fixture
def failed(put: Put) -> types.PipelineJob:
    """A run whose gate stopped it, after a task that the cache answered."""
    job = stage(
        "FAILED",
        task("movielens-100k-7", "FAILED", 100),  # the DAG itself
        task("InteractionGen", "SKIPPED", 2),
        task("CatalogueGen", "SUCCEEDED", 61, examples="gs://example-bucket/artifacts/7/examples"),
        task("DataGate", "FAILED", 12.5, error="AnomalyError: the log has 3 bad rows [x]"),
        task("RunReport", "SUCCEEDED", 5, report=REPORT),
        error="The DAG failed because some tasks failed.",
    )
    job.labels = {"git_commit": "0123456789abcdef-dirty", "data_digest": "feedc0de" * 4}
    job.schedule_name = f"{PARENT}/schedules/1"
    return put("movielens-100k-7", job)


def run(config: Path, *arguments: str) -> int:
    return cli.main(["vertex", "runs", *arguments, "--config", str(config)])


def test_runs_json_lists_this_pipelines_newest_first(
    write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(3):
        put(f"movielens-100k-{number}", stage("SUCCEEDED"))
    put("books-1", stage("SUCCEEDED"), pipeline="books")

    assert run(write_config(), "list", "--limit", "2", "--json") == 0

    listed = json.loads(capsys.readouterr().out)
    assert [one["id"] for one in listed] == ["movielens-100k-2", "movielens-100k-1"]
    assert listed[0]["state"] == "succeeded"


def test_runs_and_tasks_in_a_state_newer_than_the_library_are_shown(
    write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    job = put("movielens-100k-1", stage("RUNNING", task("InteractionGen", "RUNNING", 1)))
    job.state = 99
    job.job_detail.task_details[0].state = 98

    assert run(write_config(), "list") == 0
    assert "99" in capsys.readouterr().out
    assert run(write_config(), "show", "latest") == 0
    shown = capsys.readouterr().out
    assert "movielens-100k-1 99" in shown
    assert any("InteractionGen" in line and "98" in line for line in shown.splitlines())


def test_runs_specs_are_not_fetched(cloud: Cloud, write_config: WriteConfig, put: Put) -> None:
    put("movielens-100k-1", stage("SUCCEEDED"))

    run(write_config(), "list")

    (asked,) = cloud.api.received("ListPipelineJobs")
    assert "name" in asked.read_mask.paths and "pipeline_spec" not in asked.read_mask.paths


def test_runs_table_tells_state_commit_and_who_started_it(
    write_config: WriteConfig, failed: types.PipelineJob, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_config(), "list") == 0

    said = capsys.readouterr().out
    for word in ("movielens-100k-7", "failed", "0123456789+", "feedc0defe", "schedule"):
        assert word in said


def test_runs_more_than_a_page_are_all_listed(
    cloud: Cloud, write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(120):
        put(f"movielens-100k-{number}", stage("SUCCEEDED"))

    run(write_config(), "list", "--limit", "110", "--json")

    assert len(json.loads(capsys.readouterr().out)) == 110
    assert len(cloud.api.received("ListPipelineJobs")) == 2


@pytest.mark.parametrize("reference", ["movielens-100k-7", f"{PARENT}/pipelineJobs/movielens-100k-7", "latest"])
def test_show_json_tells_each_task(
    reference: str, write_config: WriteConfig, failed: types.PipelineJob, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_config(), "show", reference, "--json") == 0

    shown = json.loads(capsys.readouterr().out)
    tasks: dict[str, Any] = {one["id"]: one for one in shown["tasks"]}
    assert set(tasks) == {"InteractionGen", "CatalogueGen", "DataGate", "RunReport"}
    assert (tasks["InteractionGen"]["state"], tasks["InteractionGen"]["seconds"]) == ("cached", None)
    assert tasks["CatalogueGen"]["seconds"] == 61
    assert tasks["CatalogueGen"]["started"] == BEGAN.isoformat()
    assert tasks["DataGate"]["error"] == "AnomalyError: the log has 3 bad rows [x]"
    assert tasks["RunReport"]["outputs"] == {"report": [REPORT]}
    assert shown["error"] == "The DAG failed because some tasks failed."
    assert shown["link"].endswith("/movielens-100k-7?project=example-project")


def test_show_failed_run_tells_error_and_where_outputs_are(
    write_config: WriteConfig, failed: types.PipelineJob, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_config(), "show", "latest") == 0

    said = capsys.readouterr().out
    assert "DataGate: AnomalyError: the log has 3 bad rows [x]" in said
    assert f"RunReport.report: {REPORT}" in said
    assert "git_commit: 0123456789abcdef-dirty" in said


@pytest.mark.parametrize("top", [(-7, 0), (0, 0)], ids=["below the run's own task", "at the root"])
def test_show_tasks_of_inner_dags_are_shown_as_such(
    top: tuple[int, int], write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    tasks = [
        task("movielens-100k-7", "SUCCEEDED", 9, ids=top),
        task("condition-1", "SUCCEEDED", 9, ids=(1, top[0])),
        task("condition-2", "SUCCEEDED", 9, ids=(2, top[0])),
        task("Deep", "SUCCEEDED", 3, ids=(3, 1)),
        task("Deep", "SUCCEEDED", 4, ids=(4, 2)),
    ]
    job = put("movielens-100k-7", stage("SUCCEEDED", *tasks))
    inner = {"componentRef": {"name": "inner"}}
    job.pipeline_spec = {
        "root": {"dag": {"tasks": {"condition-1": inner, "condition-2": inner}}},
        "components": {"inner": {"dag": {"tasks": {"Deep": {}}}}},
    }

    assert run(write_config(), "show", "movielens-100k-7", "--json") == 0

    shown = {one["id"]: one["seconds"] for one in json.loads(capsys.readouterr().out)["tasks"]}
    assert shown == {"condition-1": 9, "condition-2": 9, "condition-1/Deep": 3, "condition-2/Deep": 4}


def test_show_task_that_is_said_to_be_inside_itself_ends(
    write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    put("movielens-100k-7", stage("SUCCEEDED", task("Pusher", "SUCCEEDED", 9, ids=(1, 1))))

    assert run(write_config(), "show", "movielens-100k-7", "--json") == 0


@pytest.mark.parametrize("reference", ["movielens-100k-8", "Not An Id"])
def test_show_unknown_run_says_how_to_list_them(
    reference: str, write_config: WriteConfig, failed: types.PipelineJob, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_config(), "show", reference) == 1

    assert f"{reference!r}" in capsys.readouterr().err


def test_show_latest_without_runs_says_how_to_start_one(
    cloud: Cloud, write_config: WriteConfig, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_config(), "show", "latest") == 1

    assert "perennial vertex submit" in capsys.readouterr().err


@pytest.mark.parametrize("fault", [Refuse(429), Refuse(502), Cut()])
def test_show_passing_fault_is_tried_again(
    fault: Any,
    cloud: Cloud,
    write_config: WriteConfig,
    failed: types.PipelineJob,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cloud.api.fail("GetPipelineJob", fault)

    assert run(write_config(), "show", "movielens-100k-7", "--json") == 0

    assert json.loads(capsys.readouterr().out)["state"] == "failed"


def test_cancel_running_run_is_asked_to_stop(
    write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    job = put("movielens-100k-8", stage("RUNNING"))

    assert run(write_config(), "cancel", "latest") == 0

    assert job.state == State.PIPELINE_STATE_CANCELLING
    assert "movielens-100k-8 is being cancelled" in capsys.readouterr().out


def test_cancel_reply_lost_after_effect_is_no_error(cloud: Cloud, write_config: WriteConfig, put: Put) -> None:
    job = put("movielens-100k-8", stage("RUNNING"))
    cloud.api.fail("CancelPipelineJob", Refuse(503, after_effect=True))

    assert run(write_config(), "cancel", "latest") == 0

    assert job.state == State.PIPELINE_STATE_CANCELLING
    assert len(cloud.api.received("CancelPipelineJob")) == 2


def test_cancel_run_that_ends_meanwhile_says_how_it_ended(
    cloud: Cloud, write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    put("movielens-100k-8", stage("RUNNING"))
    cloud.pipelines.plan(stage("RUNNING"), stage("CANCELLED"))
    cloud.api.fail("CancelPipelineJob", Refuse(400, "is in a terminal state"))

    assert run(write_config(), "cancel", "latest") == 0

    assert "movielens-100k-8 has already ended: cancelled." in capsys.readouterr().out


def test_cancel_refused_while_it_runs_is_an_error(
    cloud: Cloud, write_config: WriteConfig, put: Put, capsys: pytest.CaptureFixture[str]
) -> None:
    put("movielens-100k-8", stage("RUNNING"))
    cloud.api.fail("CancelPipelineJob", Refuse(400, "not that one"))

    assert run(write_config(), "cancel", "latest") == 1

    assert "not that one" in capsys.readouterr().err


def test_cancel_ended_run_says_how_it_ended(
    cloud: Cloud, write_config: WriteConfig, failed: types.PipelineJob, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(write_config(), "cancel", "latest") == 0

    assert "has already ended: failed" in capsys.readouterr().out
    assert cloud.api.received("CancelPipelineJob") == []


def test_runs_config_without_vertex_says_what_to_add(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "shop.yaml"
    config.write_text("name: shop\nlog: {path: log.csv}\n")

    assert run(config, "list") == 1

    assert "has no 'vertex' section" in capsys.readouterr().err
