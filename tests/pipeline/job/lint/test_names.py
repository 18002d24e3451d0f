"""Names of pipelines and jobs, and labels."""

import pytest

from pipeline.job.compiled import CompiledJob, parse_job
from tests.pipeline.job.lint.planted import example_gen, found, job_of, pipeline_of


def _job(**changes: object) -> CompiledJob:
    document = job_of(pipeline_of(example_gen())).document
    return parse_job({**document, **changes}, "job.json")


def _named(name: str) -> CompiledJob:
    document = job_of(pipeline_of(example_gen())).document
    document["pipelineSpec"]["pipelineInfo"]["name"] = name
    return parse_job(document, "job.json")


# The compiler takes the last of them, but no job's id begins with a digit.
@pytest.mark.parametrize("name", ["Shop", "my_shop", "-shop", "", "1-shop"])
def test_pipeline_name_that_is_not_taken_is_an_error_before_compilation(name: str) -> None:
    (finding,) = found(pipeline_of(example_gen(), name=name), "pipeline-name")
    assert (finding.severity, finding.task) == ("error", None)
    assert repr(name) in finding.why


# TFX takes 63 characters at most; other compilers take more.
@pytest.mark.parametrize(
    ("name", "severities"),
    [
        ("a" * 63, []),
        ("a" * 64, ["warning"]),
        ("a" * 113, ["warning"]),
        ("a" * 114, ["error"]),
        ("a" * 129, ["error"]),
        ("9-lives", ["error"]),
        ("My pipeline", ["error"]),
    ],
)
def test_pipeline_name_of_a_job_is_an_error_or_a_warning_by_its_length(name: str, severities: list[str]) -> None:
    assert [finding.severity for finding in found(_named(name), "pipeline-name")] == severities


@pytest.mark.parametrize("name", ["a", "shop", "shop-2", "a" * 63])
def test_pipeline_name_that_is_taken_is_none(name: str) -> None:
    pipeline = pipeline_of(example_gen(), name=name)
    assert found(pipeline, "pipeline-name") == found(job_of(pipeline), "pipeline-name") == []


@pytest.mark.parametrize(("length", "faults"), [(128, 0), (129, 1)])
def test_display_name_longer_than_vertex_takes_is_an_error(length: int, faults: int) -> None:
    assert len(found(_job(displayName="n" * length), "display-name")) == faults


@pytest.mark.parametrize(
    ("labels", "faults"),
    [
        ({"team": "shop", "tfx_version": "1-16-0", "größe": "mittel", "empty": ""}, 0),
        ({"Team": "shop"}, 1),
        ({"team": "Shop"}, 1),
        ({"1st": "shop"}, 1),
        ({"team": "shop.de"}, 1),
        ({"t" * 64: "shop"}, 1),
        ({"team": "s" * 64}, 1),
        ({f"label-{i}": "" for i in range(64)}, 0),
        ({f"label-{i}": "" for i in range(65)}, 1),
    ],
)
def test_labels_that_google_cloud_does_not_take_are_errors(labels: dict[str, str], faults: int) -> None:
    findings = found(_job(labels=labels), "label")
    assert len(findings) == faults
    assert all(finding.severity == "error" for finding in findings)
