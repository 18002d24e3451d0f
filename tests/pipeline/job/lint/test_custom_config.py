"""Channels, RuntimeParameters and paths in `custom_config`, in pipelines of the old kind."""

from typing import Any

import pytest
from tfx.components import StatisticsGen
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.pipeline import Pipeline

from pipeline.job.lint import CHANNEL_IN_CUSTOM_CONFIG, explain, pipeline_findings
from tests.pipeline.job.lint.planted import example_gen, found, job_of, pipeline_of, places, trainer

CHANNEL, PARAMETER, PATH = "channel-in-custom-config", "runtime-parameter-in-custom-config", "path-in-custom-config"


def _with(custom_config: dict[str, Any]) -> Pipeline:
    examples = example_gen()
    return pipeline_of(examples, trainer(examples, custom_config=custom_config))


@pytest.mark.parametrize("spec_2_1", [True, False])
def test_job_findings_channel_in_custom_config_is_an_error_that_names_what_it_was_to_be(spec_2_1: bool) -> None:
    examples = example_gen()
    pipeline = pipeline_of(examples, trainer(examples, custom_config={"catalogue": examples.outputs["examples"]}))
    (finding,) = found(job_of(pipeline, spec_2_1=spec_2_1), CHANNEL)
    assert (finding.severity, finding.task) == ("error", "Trainer")
    assert finding.where == "parameter custom_config, field catalogue"
    assert finding.why == f"It is CsvExampleGen's output examples. {CHANNEL_IN_CUSTOM_CONFIG}"


def test_job_findings_channel_deep_inside_is_found_at_its_place() -> None:
    examples = example_gen()
    config = {"towers": [{"query": 1}, {"candidates": examples.outputs["examples"]}]}
    pipeline = pipeline_of(examples, trainer(examples, custom_config=config))
    assert places(found(job_of(pipeline), CHANNEL)) == [
        ("Trainer", "parameter custom_config, field towers.1.candidates")
    ]


def test_pipeline_findings_channel_is_found_before_compilation_in_the_same_words() -> None:
    examples = example_gen()
    pipeline = pipeline_of(examples, trainer(examples, custom_config={"catalogue": examples.outputs["examples"]}))
    before = found(pipeline, CHANNEL)
    assert before == found(job_of(pipeline), CHANNEL) != []


def test_pipeline_findings_live_channel_in_a_property_is_found_where_the_compiler_has_only_a_type_error() -> None:
    examples = example_gen()
    statistics = StatisticsGen(examples=examples.outputs["examples"])
    statistics.spec.exec_properties["settings"] = {"catalogue": examples.outputs["examples"]}
    pipeline = pipeline_of(examples, statistics)
    assert places(found(pipeline, CHANNEL)) == [("StatisticsGen", "parameter settings, field catalogue")]
    with pytest.raises(TypeError, match="not JSON serializable"):
        job_of(pipeline)


def test_job_findings_runtime_parameter_inside_custom_config_is_an_error() -> None:
    epochs = RuntimeParameter(name="steps", ptype=str, default="3")
    (finding,) = found(job_of(_with({"steps": epochs})), PARAMETER)
    assert (finding.severity, finding.where) == ("error", "parameter custom_config, field steps")


@pytest.mark.parametrize(
    ("path", "severity"),
    [
        ("gs://bucket/items.csv", "warning"),
        ("gs://bucket/my items.csv", "warning"),
        ("bigquery://project/items", "warning"),
        ("data/items.csv", "warning"),
        ("file:///srv/items.csv", "error"),
        ("file:/srv/items.csv", "error"),
        ("/srv/items.csv", "error"),
        ("/srv/my items.csv", "error"),
        ("~/items.csv", "error"),
        ("./items.csv", "error"),
        ("../data/items.csv", "error"),
        (r"C:\items.csv", "error"),
    ],
)
def test_job_findings_path_in_custom_config_is_a_warning_and_an_error_if_it_is_of_this_machine(
    path: str, severity: str
) -> None:
    (finding,) = found(job_of(_with({"items": {"path": path}})), PATH)
    assert (finding.severity, finding.task) == (severity, "Trainer")
    assert finding.where == "parameter custom_config, field items.path"
    assert finding.why.startswith(f"{path} is read outside TFX")


@pytest.mark.parametrize(
    "text", ["/", " / ", "//", "|", r"\((\d{4})\)", "a/b", "https", "", "trainer.run_fn", "https://a/b"]
)
def test_job_findings_texts_that_are_no_path_are_left_alone(text: str) -> None:
    assert found(job_of(_with({"separator": text})), PATH) == []


def test_job_findings_absolute_text_that_may_be_no_path_is_a_warning_only() -> None:
    (finding,) = found(job_of(_with({"route": "/health"})), PATH)
    assert finding.severity == "warning"


@pytest.mark.parametrize("text", ["[" * 200_000, "[" * 900 + "]" * 900])
def test_job_findings_text_of_many_lists_is_passed_over(text: str) -> None:
    assert found(job_of(_with({"text": text})), PATH) == []


def test_job_findings_bucket_of_a_custom_jobs_own_description_is_left_alone() -> None:
    machine = {"ai_platform_training_args": {"base_output_directory": {"output_uri_prefix": "gs://bucket/jobs"}}}
    assert found(job_of(_with(machine)), PATH) == []
    assert places(found(job_of(_with({"other": machine})), PATH))  # only where TFX's executor looks for it


def test_explain_gives_the_findings_of_the_task_alone() -> None:
    examples = example_gen("/srv/log")
    pipeline = pipeline_of(examples, trainer(examples, custom_config={"catalogue": examples.outputs["examples"]}))
    job = job_of(pipeline)
    assert [finding.rule for finding in explain(job, "Trainer")] == [CHANNEL, "no-resources"]
    assert [finding.rule for finding in explain(job, "CsvExampleGen")] == ["local-path", "no-resources"]
    assert explain(job, "Nobody") == []


def test_pipeline_findings_sound_pipeline_has_none() -> None:
    assert pipeline_findings(_with({"epochs": 3, "features": {"genres": {"separator": "|"}}})) == []
