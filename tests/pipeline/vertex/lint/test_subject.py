"""All tasks of a job are looked at, those of an inner DAG too."""

from tfx import v1 as tfx

from pipeline.vertex.job import parse_job
from pipeline.vertex.lint.subject import Subject
from tests.pipeline.vertex.lint.planted import IMAGE, component, example_gen, found, pipeline_of, places


def test_tasks_of_a_pipeline_with_an_exit_handler_are_all_there() -> None:
    config = tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(default_image=IMAGE, use_pipeline_spec_2_1=True)
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(config=config)
    runner.set_exit_handler(component())
    job = parse_job(runner.run(pipeline_of(example_gen("/srv/log")), write_out=False), "job.json")
    assert [task.id for task in Subject(job, None).tasks] == ["Own", "tfx-dag", "CsvExampleGen"]
    assert places(found(job, "local-path")) == [("CsvExampleGen", "parameter input_base")]
