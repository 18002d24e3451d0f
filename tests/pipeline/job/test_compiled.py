"""Reading compiled jobs, also files that are none: what comes from outside is bounded and told in our own words."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.errors import JobError
from configs.load import DEFAULT_CONFIG, load_config
from pipeline.job import compiled as reading
from pipeline.job.compiled import read_job
from pipeline.job.lint import job_findings
from pipeline.job.rehearsal.graph import Graph
from pipeline.runners.vertex.context import job_context
from pipeline.runners.vertex.labels import labels
from pipeline.runners.vertex.request import pipeline_job
from tests.pipeline.job.tiny import document, sh


@pytest.fixture
def spec() -> Any:
    return document({"a": sh("true")})


def read(tmp_path: Path, text: str, name: str = "job.json") -> reading.CompiledJob:
    (tmp_path / name).write_text(text)
    return read_job(tmp_path / name)


def test_read_job_json_and_yaml_are_the_same_job(tmp_path: Path, spec: Any) -> None:
    vertex = read(tmp_path, json.dumps(spec))
    kubeflow = read(tmp_path, yaml.safe_dump(spec["pipelineSpec"]), "job.yaml")
    assert vertex.spec == kubeflow.spec and vertex.deployment == kubeflow.deployment
    assert (vertex.is_yaml, kubeflow.is_yaml) == (False, True)
    assert (vertex.pipeline_root, kubeflow.pipeline_root) == ("gs://bucket/root", "")


def test_read_job_yaml_with_kfps_second_document_is_read(tmp_path: Path, spec: Any) -> None:
    text = yaml.safe_dump_all([spec["pipelineSpec"], {"platforms": {"kubernetes": {}}}])
    assert read(tmp_path, text, "job.yaml").name == "tiny"


def test_read_job_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"none\.json: cannot be read \(No such file or directory\)\. Compile it"):
        read_job(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read as JSON"),
        ("{", "cannot be read as JSON"),
        ("[" * 100_000, "cannot be read as JSON"),
        ("[]", "has neither pipelineSpec"),
        ('{"pipelineInfo": "x"}', "is not a compiled job: "),
        ('{"pipelineSpec": 3}', "is not a compiled job: "),
        ('{"pipelineSpec": {"root": {"dag": {"tasks": []}}}}', "is not a compiled job: "),
        ('{"pipelineSpec": {}}', "it has no tasks"),
        ('{"pipelineSpec": null, "pipelineInfo": null}', "has neither pipelineSpec"),
        ('{"pipelineSpec": {"root": {"dag": {"tasks": null}}}}', "it has no tasks"),
        ('{"pipelineSpec": {"root": {"dag": {"tasks": {"a": null}}}}}', "is not a compiled job: "),
        ('{"pipelineSpec": {"root": {"dag": {"tasks": {"a": {}}}}}, "labels": ["x"]}', "its labels are not a mapping"),
        ('{"pipelineSpec": {"root": {"dag": {"tasks": {"a": {}}}}}, "runtimeConfig": 3}', "is not a compiled job: "),
    ],
)
def test_read_job_what_is_none_is_reported(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(JobError, match=rf"job\.json: .*{message}"):
        read(tmp_path, text)


def test_read_job_yaml_with_aliases_is_refused_before_they_are_followed(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]", *(f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}]" for n in range(1, 60))]
    with pytest.raises(JobError, match=r"cannot be read as YAML: it holds an alias"):
        read(tmp_path, "\n".join(lines), "job.yaml")


def test_read_job_nested_beyond_reason_is_refused(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="cannot be read as YAML"):
        read(tmp_path, "[" * 600, "job.yaml")


def test_read_job_too_large_is_refused_unread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "MAX_BYTES", 10)
    with pytest.raises(JobError, match="has 11 bytes, but a compiled job has at most 10"):
        read(tmp_path, "x" * 11)


def test_job_component_or_executor_that_is_missing_is_named(tmp_path: Path, spec: Any) -> None:
    spec["pipelineSpec"]["deploymentSpec"]["executors"] = {}
    job = read(tmp_path, json.dumps(spec))
    task = job.spec.root.dag.tasks["a"]
    with pytest.raises(JobError, match="task 'a' names the executor 'a_executor', which does not exist"):
        job.executor(task)
    task.component_ref.name = "b"
    with pytest.raises(JobError, match="task 'a' names the component 'b', which does not exist"):
        job.component(task)


def test_job_parameters_are_its_defaults_and_its_own_values(tmp_path: Path, spec: Any) -> None:
    spec["pipelineSpec"]["root"]["inputDefinitions"] = {
        "parameters": {
            "given": {"parameterType": "STRING", "defaultValue": "default"},
            "left": {"parameterType": "STRING", "defaultValue": "default"},
            "without": {"parameterType": "STRING"},
        }
    }
    spec["runtimeConfig"]["parameterValues"] = {"given": "own"}
    assert read(tmp_path, json.dumps(spec)).parameters == {"given": "own", "left": "default", "without": None}


def test_read_job_fields_that_are_null_are_as_if_they_were_absent(tmp_path: Path, spec: Any) -> None:
    with_nulls = copy.deepcopy(spec)
    with_nulls |= dict.fromkeys(("pipelineInfo", "labels", "serviceAccount", "encryptionSpec"))
    with_nulls["runtimeConfig"] |= dict.fromkeys(("failurePolicy", "parameterValues", "defaultRuntime"))
    with_nulls["pipelineSpec"] |= dict.fromkeys(("defaultPipelineRoot", "sdkVersion", "fieldOfALaterVersion"))
    with_nulls["pipelineSpec"]["root"] |= dict.fromkeys(("inputDefinitions", "output_definitions"))
    with_nulls["pipelineSpec"]["root"]["dag"]["tasks"]["a"] |= dict.fromkeys(("inputs", "triggerPolicy", "retryPolicy"))
    with_nulls["pipelineSpec"]["components"]["a"] |= dict.fromkeys(("inputDefinitions", "dag"))
    with_nulls["pipelineSpec"]["deploymentSpec"]["executors"]["a_executor"]["container"] |= {
        "args": None,
        "env": [{"name": "HOME", "value": None}],
        "resources": {"accelerator": None},
    }
    for key in ("inputs", "triggerPolicy"):
        del spec["pipelineSpec"]["root"]["dag"]["tasks"]["a"][key]
    del spec["pipelineSpec"]["components"]["a"]["inputDefinitions"]
    container = spec["pipelineSpec"]["deploymentSpec"]["executors"]["a_executor"]["container"]
    del container["args"]
    container |= {"env": [{"name": "HOME"}], "resources": {}}

    job = read(tmp_path, json.dumps(with_nulls))

    assert job == read(tmp_path, json.dumps(spec))
    assert job.document == spec


@pytest.mark.parametrize("runtime", [None, {"gcsOutputDirectory": None}])
def test_read_job_runtime_config_that_is_null_says_nothing(tmp_path: Path, spec: Any, runtime: Any) -> None:
    spec["runtimeConfig"] = runtime
    job = read(tmp_path, json.dumps(spec))
    assert (job.fails_fast, job.pipeline_root, job.parameters) == (False, "", {})


def test_read_job_null_is_a_default_but_no_value_of_a_parameter_or_a_label(tmp_path: Path, spec: Any) -> None:
    declared = {"parameterType": "STRING"}
    spec["pipelineSpec"]["root"]["inputDefinitions"] = {
        "parameters": {
            "given": {**declared, "defaultValue": "default"},
            "null": {**declared, "defaultValue": None},
        }
    }
    spec["runtimeConfig"]["parameterValues"] = {"given": None}
    spec["labels"] = {"team": None}
    job = read(tmp_path, json.dumps(spec))
    assert job.parameters == {"given": "default", "null": None}
    assert job.spec.root.input_definitions.parameters["null"].HasField("default_value")
    assert (job.document["labels"], job.document["runtimeConfig"]["parameterValues"]) == ({}, {})


def test_commands_job_with_nulls_is_looked_at_and_described_as_without(tmp_path: Path, spec: Any) -> None:
    spec |= {"labels": None, "displayName": None}
    spec["runtimeConfig"]["failurePolicy"] = None
    spec["pipelineSpec"] |= {"defaultPipelineRoot": None}
    spec["pipelineSpec"]["components"]["inner"] = {"dag": None, "executorLabel": "a_executor"}
    spec["pipelineSpec"]["deploymentSpec"]["executors"]["a_executor"]["container"]["resources"] = None
    job = read(tmp_path, json.dumps(spec))
    config = load_config(DEFAULT_CONFIG)
    assert config.vertex is not None

    assert "no-resources" in {finding.rule for finding in job_findings(job, job_context(config))}
    assert Graph(job).ready() == ["a"]
    described = pipeline_job(job, config.vertex, {}, labels(config, job), cache=False)
    assert described["displayName"] == "tiny"
    assert described["pipelineSpec"]["root"]["dag"]["tasks"]["a"]["cachingOptions"] == {"enableCache": False}
