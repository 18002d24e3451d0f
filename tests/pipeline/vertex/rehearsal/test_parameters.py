"""RuntimeParameters and parameters that tasks give each other."""

from pathlib import Path
from typing import Any

import pytest

from configs.errors import JobError
from tests.pipeline.vertex.rehearsal.test_scheduler import run
from tests.pipeline.vertex.tiny import job, sh

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
    assert said(tmp_path, parameters={"epochs": "3"}) == "day=monday epochs=3"
    assert said(tmp_path, parameters={"epochs": 3, "day": "sunday"}) == "day=sunday epochs=3"


def test_runtime_parameter_without_value_is_named(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="the RuntimeParameter epochs has no value and no default"):
        said(tmp_path)


def test_runtime_parameter_that_is_none_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"has no RuntimeParameter epoch; it has day, epochs\."):
        said(tmp_path, parameters={"epoch": "3"})


def test_runtime_parameter_of_another_type_says_which_it_is(tmp_path: Path) -> None:
    with pytest.raises(JobError, match="epochs is a NUMBER_INTEGER; received 'three'"):
        said(tmp_path, parameters={"epochs": "three"})


def test_output_parameter_reaches_the_task_that_asks_for_it(tmp_path: Path) -> None:
    tasks = {
        "count": sh(
            "f={{$.outputs.parameters['n'].output_file}}; mkdir -p $(dirname $f); printf 42 > $f",
            output_parameters=("n",),
        ),
        "use": sh(
            "echo n={{$.inputs.parameters['n']}}",
            parameters={"n": {"taskOutputParameter": {"producerTask": "count", "outputParameterKey": "n"}}},
        ),
    }
    outcome = run(tmp_path, job(tasks))
    assert (outcome.folder / "tasks" / "use" / "log.txt").read_text().endswith("n=42\n")


def test_placeholder_that_names_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(JobError, match=r"\{\{\$\.inputs\.parameters\['n'\]\}\} names nothing"):
        run(tmp_path, job({"a": sh("echo {{$.inputs.parameters['n']}}")}))
