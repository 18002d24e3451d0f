"""All tasks of a job are looked at, those of an inner DAG too."""

import pytest
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig

from common.errors import JobError
from pipeline.job.compiled import parse_job
from pipeline.job.lint import job_findings
from pipeline.job.lint.subject import Subject
from tests.pipeline.job.lint.planted import IMAGE, component, example_gen, found, job_of, pipeline_of, places


def test_tasks_of_a_pipeline_with_an_exit_handler_are_all_there() -> None:
    config = KubeflowV2DagRunnerConfig(default_image=IMAGE, use_pipeline_spec_2_1=True)
    runner = KubeflowV2DagRunner(config=config)
    runner.set_exit_handler(component())
    job = parse_job(runner.run(pipeline_of(example_gen("/srv/log")), write_out=False), "job.json")
    assert [task.id for task in Subject(job, None).tasks] == ["Own", "tfx-dag", "tfx-dag/CsvExampleGen"]
    assert places(found(job, "local-path")) == [("tfx-dag/CsvExampleGen", "parameter input_base")]


def test_dag_that_is_in_itself_is_a_job_error() -> None:
    document = job_of(pipeline_of(example_gen())).document
    components = document["pipelineSpec"]["components"]
    (name,) = components
    del components[name]["executorLabel"]
    components[name]["dag"] = {"tasks": {"again": {"componentRef": {"name": name}}}}
    with pytest.raises(JobError, match=r"/again' names the component .* contains the task itself"):
        job_findings(parse_job(document, "job.json"))
