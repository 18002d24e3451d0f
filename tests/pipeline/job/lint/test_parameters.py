"""RuntimeParameters that no one gives a value."""

from typing import Any

from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline

from configs.load import DEFAULT_CONFIG, load_config
from pipeline.job.compiled import parse_job
from pipeline.runners.vertex.compile import VertexDagRunner
from tests.pipeline.job.lint.planted import example_gen, found, job_of, pipeline_of, places

RULE = "runtime-parameter-without-value"


def _pipeline(default: str | None = None) -> Pipeline:
    parameter: Any = RuntimeParameter(name="input", ptype=str, default=default)
    return pipeline_of(example_gen(parameter))


def test_parameter_without_default_is_a_warning_before_and_after_compilation() -> None:
    pipeline = _pipeline()
    assert places(found(pipeline, RULE)) == [("CsvExampleGen", "runtime parameter input, parameter input_base")]
    (finding,) = found(job_of(pipeline), RULE)
    assert (finding.severity, finding.task) == ("warning", "CsvExampleGen")
    assert finding.where == "runtime parameter input"


def test_parameter_whose_default_tfx_drops_is_a_warning_in_its_job_and_none_in_ours() -> None:
    pipeline = _pipeline(default="gs://bucket/log")
    assert found(pipeline, RULE) == []
    assert len(found(job_of(pipeline), RULE)) == 1
    vertex = load_config(DEFAULT_CONFIG).vertex
    assert vertex is not None
    ours = VertexDagRunner(vertex).run(_pipeline(default="gs://bucket/log"), write_out=False)
    assert found(parse_job(ours, "job.json"), RULE) == []


def test_parameter_with_a_value_is_none_in_either_version_of_the_spec() -> None:
    for spec_2_1 in (True, False):
        job = job_of(_pipeline(), values={"input": "gs://bucket/log"}, spec_2_1=spec_2_1)
        assert found(job, RULE) == []
