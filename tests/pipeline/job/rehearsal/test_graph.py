"""What a job must be for its tasks to have an order, and to stay in the rehearsal's folders."""

from pathlib import Path
from typing import Any

import pytest

from common.errors import JobError
from pipeline.job.compiled import parse_job
from pipeline.job.rehearsal.graph import Graph
from tests.pipeline.job.rehearsal.test_scheduler import run
from tests.pipeline.job.tiny import document, job, sh


def test_graph_task_that_needs_one_that_is_not_there_is_named() -> None:
    with pytest.raises(JobError, match="task 'a' needs 'b', which does not exist; the tasks are a"):
        Graph(job({"a": sh("", inputs={"x": ("b", "out")})}))


def test_graph_tasks_that_wait_for_each_other_are_named() -> None:
    with pytest.raises(JobError, match=r"wait for each other: .*a.*b"):
        Graph(job({"a": sh("", after=("b",)), "b": sh("", after=("a",))}))


def test_graph_loop_is_refused() -> None:
    compiled = job({"a": sh("")})
    compiled.spec.root.dag.tasks["a"].parameter_iterator.item_input = "i"
    with pytest.raises(JobError, match="'a' is a loop"):
        Graph(compiled)


def test_graph_dag_inside_itself_is_refused() -> None:
    values = document({"a": sh("")})
    tasks = values["pipelineSpec"]["root"]["dag"]["tasks"]
    tasks["a"]["componentRef"]["name"] = "again"
    values["pipelineSpec"]["components"]["again"] = {"dag": {"tasks": {"a": tasks["a"]}}}
    with pytest.raises(JobError, match=r"'a/a' is inside itself"):
        Graph(parse_job(values, "tiny.json"))


@pytest.mark.parametrize("name", ["../../out", "/tmp/out", "a/b", "..", "", "x" * 300, "[/bold]"])
@pytest.mark.parametrize("where", ["task", "output", "output parameter", "pipeline"])
def test_rehearse_name_that_would_lead_elsewhere_is_refused_and_nothing_is_written(
    tmp_path: Path, name: str, where: str
) -> None:
    task: dict[str, Any] = sh("true")
    if where == "output":
        task["outputs"] = (name,)
    elif where == "output parameter":
        task["output_parameters"] = {name: "STRING"}
    values = document({name if where == "task" else "a": task})
    if where == "pipeline":
        values["pipelineSpec"]["pipelineInfo"]["name"] = name
    home = tmp_path / "one" / "two" / "home"
    home.mkdir(parents=True)
    with pytest.raises(JobError, match=r"names must match|its name is"):
        run(home, parse_job(values, "tiny.json"))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["home", "one", "shown.txt", "two"]


@pytest.mark.parametrize("policy", [{"maxRetryCount": -3}, {"maxRetryCount": 1, "backoffDuration": "30000000000s"}])
def test_graph_retry_policy_that_makes_no_sense_is_refused(policy: dict[str, Any]) -> None:
    values = document({"a": sh("")})
    values["pipelineSpec"]["root"]["dag"]["tasks"]["a"]["retryPolicy"] = policy
    with pytest.raises(JobError, match="'a' has an invalid retry policy"):
        Graph(parse_job(values, "tiny.json"))


@pytest.mark.parametrize("root", ["/tmp/root", "relative", "gs://../../root", "s3://bucket", "gs://bucket/../.."])
def test_rehearse_root_that_is_no_bucket_is_refused(tmp_path: Path, root: str) -> None:
    compiled = job({"a": sh("true")}, runtime={"gcsOutputDirectory": root})
    with pytest.raises(JobError, match=r"is not a folder of a bucket; it is the job's root"):
        run(tmp_path, compiled)


def test_rehearse_job_without_a_root_has_a_bucket_of_its_own(tmp_path: Path) -> None:
    compiled = job(
        {"a": sh("mkdir -p {{$.outputs.artifacts['out'].uri}}", outputs=("out",))}, runtime={"gcsOutputDirectory": ""}
    )
    assert run(tmp_path, compiled).records["a"].artifacts["out"][0].uri.startswith("gs://pipeline-root/")
