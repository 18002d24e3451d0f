"""RuntimeParameters and parameters that tasks give each other."""

import json
from pathlib import Path
from typing import Any

import pytest

from common.errors import JobError
from pipeline.job.compiled import parse_job
from tests.pipeline.job.rehearsal.test_scheduler import run
from tests.pipeline.job.tiny import job, sh

ROOT = {
    "inputDefinitions": {
        "parameters": {
            "day": {"parameterType": "STRING", "defaultValue": "monday"},
            "epochs": {"parameterType": "NUMBER_INTEGER"},
        }
    }
}
SAY = sh(
    "echo day={{$.inputs.parameters['day']}} epochs={{$.inputs.parameters['epochs']}}",
    parameters={key: {"componentInputParameter": key} for key in ("day", "epochs")},
    declared={"epochs": {"parameterType": "NUMBER_INTEGER"}},
)


def said(home: Path, **more: Any) -> str:
    outcome = run(home, job({"say": SAY}, root=ROOT), **more)
    return (outcome.folder / "tasks" / "say" / "log.txt").read_text().splitlines()[-1]


def test_runtime_parameter_has_the_given_value_or_its_default(tmp_path: Path) -> None:
    assert said(tmp_path, parameters=["epochs=3"]) == "day=monday epochs=3"
    assert said(tmp_path, parameters=["epochs=3", "day=sunday"]) == "day=sunday epochs=3"


def test_runtime_parameter_without_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"no value for the runtime parameter\(s\) epochs"):
        said(tmp_path)


def test_numbers_of_the_job_are_what_they_are_declared(tmp_path: Path) -> None:
    # JSON and protobuf's Struct know one kind of number.
    task = sh(
        "echo {{$.inputs.parameters['whole']}} {{$.inputs.parameters['real']}} {{$.inputs.parameters['default']}}",
        parameters={key: {"runtimeValue": {"constant": 3}} for key in ("whole", "real")},
        declared={
            "whole": {"parameterType": "NUMBER_INTEGER"},
            "real": {"parameterType": "NUMBER_DOUBLE"},
            "default": {"parameterType": "NUMBER_INTEGER", "defaultValue": 4},
        },
    )
    outcome = run(tmp_path, job({"say": task}))
    assert (outcome.folder / "tasks" / "say" / "log.txt").read_text().endswith("3 3.0 4\n")


def test_job_of_schema_2_0_has_parameters_of_its_own_shape(tmp_path: Path) -> None:
    task = sh(
        "cat <<'END'\n{{$}}\nEND",
        parameters={"n": {"runtimeValue": {"constantValue": {"intValue": "3"}}}},
        declared={"n": {"type": "INT"}},
        condition="inputs.parameters['n'].int_value == 3.0",
    )
    document = job({"say": task}).document
    document["pipelineSpec"]["schemaVersion"] = "2.0.0"
    outcome = run(tmp_path, parse_job(document, "old.json"))
    given = json.loads((outcome.folder / "tasks" / "say" / "log.txt").read_text().splitlines()[-1])
    assert given["inputs"]["parameters"] == {"n": {"intValue": 3}}
    assert "parameterValues" not in given["inputs"]


def test_output_parameter_reaches_the_task_that_asks_for_it(tmp_path: Path) -> None:
    tasks = {
        "count": sh(
            "f={{$.outputs.parameters['n'].output_file}}; mkdir -p $(dirname $f); printf 42 > $f",
            output_parameters={"n": "NUMBER_INTEGER"},
        ),
        "use": sh(
            "echo n={{$.inputs.parameters['n']}}",
            parameters={"n": {"taskOutputParameter": {"producerTask": "count", "outputParameterKey": "n"}}},
            declared={"n": {"parameterType": "NUMBER_INTEGER"}},
            condition="inputs.parameter_values['n'] > 41.0",
        ),
    }
    outcome = run(tmp_path, job(tasks))
    assert (outcome.folder / "tasks" / "use" / "log.txt").read_text().endswith("n=42\n")


def test_output_parameter_of_another_type_fails_its_task(tmp_path: Path) -> None:
    script = "f={{$.outputs.parameters['n'].output_file}}; mkdir -p $(dirname $f); printf many > $f"
    outcome = run(tmp_path, job({"count": sh(script, output_parameters={"n": "NUMBER_INTEGER"})}))
    assert "its output parameter 'n' is not a whole number" in outcome.records["count"].reason


def test_placeholder_in_a_constant_is_of_the_tasks_own_inputs(tmp_path: Path) -> None:
    task = sh(
        "echo {{$.inputs.parameters['path']}}",
        parameters={
            "day": {"runtimeValue": {"constant": "monday"}},
            "path": {"runtimeValue": {"constant": "log/{{$.inputs.parameters['day']}}/{{$.pipeline_task_name}}"}},
        },
    )
    outcome = run(tmp_path, job({"say": task}))
    assert (outcome.folder / "tasks" / "say" / "log.txt").read_text().endswith("log/monday/say\n")


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("{{$.inputs.parameters['n']}}", "{{$.inputs.parameters['n']}} names nothing"),
        ("{{$.inputs.artifacts['x'].value}}", "names nothing that this task has, or the rehearsal does not support it"),
        ('{"IfPresent": {"InputName": "n"}}', "IfPresent or Concat, which the rehearsal does not support"),
    ],
)
def test_placeholder_that_names_nothing_fails_its_task_alone(tmp_path: Path, argument: str, reason: str) -> None:
    container = {"image": "i", "command": ["echo"], "args": [argument]}
    tasks = {"a": {**sh(""), "executor": {"container": container}}, "b": sh("true")}
    outcome = run(tmp_path, job(tasks))
    assert reason in outcome.records["a"].reason
    assert outcome.records["b"].state == "succeeded"
