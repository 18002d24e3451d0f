"""Images, limits, TFX lines and service accounts."""

from pathlib import Path
from typing import Any

import pytest
from kfp import compiler, dsl
from tfx import version

from configs.pipeline import PipelineConfig
from pipeline.job.compiled import CompiledJob, parse_job, read_job
from pipeline.job.lint import Finding, job_findings
from pipeline.runners.vertex.context import job_context
from tests.pipeline.job.lint.planted import IMAGE, example_gen, found, job_of, pipeline_of, places
from tests.pipeline.vertex_settings import config_with, job_with


def _with_config(job: CompiledJob, config: PipelineConfig, rule: str) -> list[Finding]:
    return [finding for finding in job_findings(job, job_context(config)) if finding.rule == rule]


@pytest.mark.parametrize("image", ["repository/image:latest", "repository/image", f"{IMAGE[:-1]}", f"{IMAGE}0"])
def test_image_without_digest_is_a_warning_where_the_cache_is_on(image: str) -> None:
    (finding,) = found(job_of(pipeline_of(example_gen(), enable_cache=True), image=image), "moving-image-tag")
    assert (finding.severity, finding.task, finding.where) == ("warning", "CsvExampleGen", f"image {image}")


def test_image_with_digest_or_without_cache_is_none() -> None:
    assert found(job_of(pipeline_of(example_gen(), enable_cache=True)), "moving-image-tag") == []
    assert found(job_of(pipeline_of(example_gen()), image="repository/image:latest"), "moving-image-tag") == []


def test_container_without_limits_is_a_warning_on_vertex_alone() -> None:
    pipeline = pipeline_of(example_gen())
    assert places(found(job_of(pipeline), "no-resources")) == [("CsvExampleGen", "container")]
    assert found(job_of(pipeline_of(example_gen()), file="job.yaml"), "no-resources") == []


def test_container_with_limits_of_a_later_kfp_is_none(tmp_path: Path) -> None:
    # Any kfp writes what it knows; later ones write further fields, which the proto of an earlier one does not read.
    @dsl.container_component
    def said() -> dsl.ContainerSpec:
        return dsl.ContainerSpec(image=IMAGE, command=["echo"], args=["said"])

    @dsl.pipeline(name="limits")
    def limits() -> None:
        said().set_cpu_limit("1")

    compiler.Compiler().compile(limits, str(tmp_path / "job.json"))
    job = read_job(tmp_path / "job.json")
    assert found(job, "no-resources") == []
    container = job.document["pipelineSpec"]["deploymentSpec"]["executors"]["exec-said"]["container"]
    container["resources"] = {"resourceCpuLimit": "1"}
    assert found(parse_job(job.document, "job.json"), "no-resources") == []
    del container["resources"]
    assert places(found(parse_job(job.document, "job.json"), "no-resources")) == [("said", "container")]


@pytest.mark.parametrize(("line", "faults"), [("0.1", 1), (None, 0), (".".join(version.__version__.split(".")[:2]), 0)])
def test_tfx_line_of_the_image_is_held_against_the_compilers(line: str | None, faults: int) -> None:
    config = config_with(image_tfx=line)
    findings = _with_config(parse_job(job_with(image_tfx=line), "job.json"), config, "tfx-line")
    assert len(findings) == faults
    assert all(version.__version__ in finding.why and "0.1" in finding.why for finding in findings)


@pytest.mark.parametrize(
    ("account", "in_job", "faults"),
    [(None, None, 1), ("robot@shop.iam.gserviceaccount.com", None, 0), (None, "robot@shop.iam.gserviceaccount.com", 0)],
)
def test_service_account_that_no_one_names_is_a_warning(account: Any, in_job: str | None, faults: int) -> None:
    job = job_of(pipeline_of(example_gen()))
    named = parse_job({**job.document, **({"serviceAccount": in_job} if in_job else {})}, "job.json")
    findings = _with_config(named, config_with(service_account=account), "no-service-account")
    assert [finding.severity for finding in findings] == ["warning"] * faults


def test_images_of_the_training_job_and_of_beams_workers_are_looked_at() -> None:
    images = {"custom_job": {"machine_type": "n1-standard-8", "image": "repo/gpu:latest"},
              "dataflow": {"image": "repo/workers:latest"}}  # fmt: skip
    findings = found(parse_job(job_with(**images), "job.json"), "moving-image-tag")
    assert ("Trainer", "custom_config, image repo/gpu:latest") in places(findings)
    assert ("CatalogueGen", "Beam flag --sdk_container_image repo/workers:latest") in places(findings)


@pytest.mark.parametrize(
    ("dataflow", "faults"),
    [({}, 1), (None, 0), ({"image": IMAGE}, 0), ({"setup_file": "/app/setup.py"}, 0)],
    ids=["neither", "none", "image", "setup_file"],
)
def test_dataflow_workers_in_the_image_of_the_tasks_are_a_warning(dataflow: dict[str, Any] | None, faults: int) -> None:
    config = config_with(dataflow=dataflow)
    job = parse_job(job_with(dataflow=dataflow), "job.json")
    findings = _with_config(job, config, "dataflow-worker-user")
    assert [(finding.severity, finding.where) for finding in findings] == [("warning", "vertex.dataflow")] * faults
    assert found(job, "dataflow-worker-user") == []  # which does not say it


def test_resources_that_are_null_are_none() -> None:
    document = job_of(pipeline_of(example_gen())).document
    for executor in document["pipelineSpec"]["deploymentSpec"]["executors"].values():
        executor["container"]["resources"] = None
    assert places(found(parse_job(document, "job.json"), "no-resources")) == [("CsvExampleGen", "container")]
