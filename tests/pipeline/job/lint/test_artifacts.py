"""Artifact types that a task cannot find again."""

import sys
import types

import pytest
from tfx.types import artifact, standard_artifacts

from common.errors import JobError
from pipeline.job.compiled import parse_job
from pipeline.job.lint import job_findings
from tests.pipeline.job.lint.planted import (
    Artefact,
    component,
    counter,
    example_gen,
    found,
    job_of,
    pipeline_of,
    places,
)
from tests.pipeline.vertex_settings import job_with

NAME, IMPORT = "artifact-type-name", "artifact-type-not-importable"


def _type(name: str) -> type:
    return type("Kind", (artifact.Artifact,), {"TYPE_NAME": name})


def test_type_without_module_is_an_error_where_the_compiler_has_only_a_value_error() -> None:
    pipeline = pipeline_of(component(outputs={"made": Artefact}))
    (finding,) = found(pipeline, NAME)
    assert (finding.severity, finding.task, finding.where) == ("error", "Own", "output made")
    with pytest.raises(ValueError, match="Invalid custom artifact type name"):
        job_of(pipeline)


def test_type_that_is_not_where_its_name_says_is_an_error_before_and_after_compilation() -> None:
    pipeline = pipeline_of(component(outputs={"made": _type("nowhere.Kind")}))
    assert places(found(pipeline, IMPORT)) == [("Own", "output made")]
    (finding,) = found(job_of(pipeline), IMPORT)
    assert "there is no module nowhere" in finding.why


def test_type_whose_name_has_another_class_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("kinds")
    monkeypatch.setitem(sys.modules, "kinds", module)
    monkeypatch.setattr(module, "Kind", Artefact, raising=False)
    (finding,) = found(pipeline_of(component(outputs={"made": _type("kinds.Kind")})), IMPORT)
    assert "another class" in finding.why


def test_type_called_as_one_of_tfxs_is_not_taken_for_it() -> None:
    model = type("Model", (artifact.Artifact,), {"TYPE_NAME": "nowhere.Model"})
    assert places(found(pipeline_of(component(outputs={"made": model})), IMPORT)) == [("Own", "output made")]


def test_type_of_ours_that_the_package_does_not_give_is_an_error() -> None:
    pipeline = pipeline_of(component(outputs={"made": _type("pipeline.Forgotten")}))
    assert places(found(pipeline, IMPORT)) == [("Own", "output made")]


def test_standard_types_are_found_before_and_after_compilation() -> None:
    examples = example_gen()
    own = component(
        inputs={"examples": standard_artifacts.Examples},
        outputs={"model": standard_artifacts.Model, "count": standard_artifacts.Integer},
        examples=examples.outputs["examples"],
    )
    pipeline = pipeline_of(examples, own, counter())
    assert found(pipeline, NAME, IMPORT) == []
    assert found(job_of(pipeline), NAME, IMPORT) == []


def test_registered_type_is_found_only_where_what_registers_it_is_imported_before() -> None:
    job = job_with()
    assert found(parse_job(job, "job.json"), IMPORT) == []
    component = job["pipelineSpec"]["components"]["RunReport"]
    inputs = component["inputDefinitions"]["artifacts"]
    inputs["page"] = component["outputDefinitions"]["artifacts"]["report"]  # inputs are parsed in no known order
    assert places(found(parse_job(job, "job.json"), IMPORT)) == [("RunReport", "input page")]
    del inputs["page"], inputs["data_blessing"]  # whose import is what makes system.HTML known
    assert places(found(parse_job(job, "job.json"), IMPORT)) == [("RunReport", "output report")]


def test_job_of_another_compiler_title_outside_the_pattern_is_an_error() -> None:
    job = job_with()
    outputs = job["pipelineSpec"]["components"]["DataGate"]["outputDefinitions"]["artifacts"]
    outputs["blessing"]["artifactType"] = {"schemaTitle": "pipeline.ground.artifacts.DataBlessing"}
    assert places(found(parse_job(job, "job.json"), NAME)) == [("DataGate", "output blessing")]


@pytest.mark.parametrize(
    "schema", ["title: [", "title: 2020-99-99", "title: !!bool x", "[" * 600, "a: &a [x]\ntitle: *a"]
)
def test_job_whose_type_has_no_schema_that_can_be_read_is_none(schema: str) -> None:
    job = job_with()
    outputs = job["pipelineSpec"]["components"]["DataGate"]["outputDefinitions"]["artifacts"]
    outputs["blessing"]["artifactType"] = {"instanceSchema": schema}
    with pytest.raises(JobError, match="task DataGate, output blessing: the type's schema is not YAML"):
        job_findings(parse_job(job, "job.json"))
