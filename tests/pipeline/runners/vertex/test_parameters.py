import json
import re
from pathlib import Path
from typing import Any

import pytest

from common.errors import JobError
from pipeline.job.compiled import CompiledJob, parse_job, read_job
from pipeline.job.parameters import parameter_values
from pipeline.runners.vertex.request import pipeline_job
from tests.pipeline.runners.vertex.conftest import WriteConfig
from tests.pipeline.runners.vertex.test_submit import sent_job, submit
from tests.vertex_api.cloud import Cloud


@pytest.fixture
def job(job_with_parameters: Path) -> CompiledJob:
    return read_job(job_with_parameters)


def test_submit_parameters_arrive_with_their_types(
    cloud: Cloud, write_config: WriteConfig, job_with_parameters: Path
) -> None:
    given = ["epochs=3", "rate=0.5", "warm=true", "name=a=b", "towers=[64, 32]", 'extra={"k": 1}']

    assert submit(write_config(), job_with_parameters, *(f"--parameter={text}" for text in given)) == 0

    assert sent_job(cloud)["runtimeConfig"]["parameterValues"] == {
        "epochs": 3,
        "rate": 0.5,
        "warm": True,
        "name": "a=b",
        "towers": [64, 32],
        "extra": {"k": 1},
    }


def test_submit_unknown_parameter_is_refused_before_anything_is_sent(
    cloud: Cloud, write_config: WriteConfig, job_with_parameters: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert submit(write_config(), job_with_parameters, "--parameter", "epoch=3") == 1

    said = capsys.readouterr().err
    assert "no runtime parameter 'epoch'" in said and "epochs (a whole number)" in said
    assert cloud.api.requests == []


def test_parameter_values_missing_one_is_named(job: CompiledJob) -> None:
    with pytest.raises(JobError, match=r"no value for the runtime parameter\(s\) epochs\. "):
        parameter_values(job, ["rate=0.5"])


@pytest.mark.parametrize(
    "text", ["epochs=three", "epochs=3.5", "epochs=true", "rate=fast", "warm=1", "warm=yes", "towers={}", "extra=[]"]
)
def test_parameter_values_of_another_type_is_refused(job: CompiledJob, text: str) -> None:
    name, _, value = text.partition("=")

    with pytest.raises(JobError, match=f"'{name}' must be .*Received: {re.escape(repr(value))}"):
        parameter_values(job, [text])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("rate=1e999", "a number that JSON can hold (1e999 is too large)"),
        ("rate=-1e999", "a number that JSON can hold (-1e999 is too large)"),
        ("rate=NaN", "a number that JSON can hold (it has no NaN)"),
        ("epochs=9007199254740993", "a whole number that JSON can hold (9007199254740993 is beyond 2**53)"),
        ("towers=[1e999]", "a JSON list that JSON can hold (1e999 is too large)"),
        ('extra={"k": 9007199254740993}', "a JSON object that JSON can hold (9007199254740993 is beyond 2**53)"),
    ],
)
def test_parameter_values_number_that_would_arrive_as_another_is_refused(job: CompiledJob, text: str, why: str) -> None:
    with pytest.raises(JobError, match=re.escape(f"must be {why}. Received: ")):
        parameter_values(job, ["epochs=3", text])


@pytest.mark.parametrize("text", ["towers=" + "[" * 100_000, "epochs=" + "9" * 5000])
def test_parameter_values_long_text_is_refused_and_cut(job: CompiledJob, text: str) -> None:
    with pytest.raises(JobError, match=r"characters\)") as refused:
        parameter_values(job, [text])

    assert len(str(refused.value)) < 1000


def test_parameter_values_without_equals_sign_is_refused(job: CompiledJob) -> None:
    with pytest.raises(JobError, match="not NAME=VALUE"):
        parameter_values(job, ["epochs"])


def test_parameter_values_of_older_schema_are_those_of_the_job() -> None:
    document = {
        "pipelineSpec": {
            "pipelineInfo": {"name": "old"},
            "schemaVersion": "2.0.0",
            "root": {"inputDefinitions": {"parameters": {"a": {"type": "INT"}}}, "dag": {"tasks": {"one": {}}}},
        },
        "runtimeConfig": {"parameters": {"a": {"intValue": "7"}}},
    }

    assert parameter_values(parse_job(document, "old.json"), []) == {"a": 7}


def test_pipeline_job_of_older_schema_has_typed_parameters(write_config: WriteConfig) -> None:
    from configs.load import load_config

    vertex = load_config(write_config()).vertex
    assert vertex is not None
    declared = {name: {"type": kind} for name, kind in {"a": "INT", "b": "DOUBLE", "c": "STRING"}.items()}
    old = parse_job(
        {
            "pipelineInfo": {"name": "old"},
            "schemaVersion": "2.0.0",
            "root": {"inputDefinitions": {"parameters": declared}, "dag": {"tasks": {"one": {}}}},
        },
        "old.json",
    )
    values: dict[str, Any] = parameter_values(old, ["a=1", "b=2.5", "c=3"])

    described = pipeline_job(old, vertex, values, {}, cache=True)

    assert json.loads(json.dumps(described["runtimeConfig"]["parameters"])) == {
        "a": {"intValue": "1"},
        "b": {"doubleValue": 2.5},
        "c": {"stringValue": "3"},
    }
