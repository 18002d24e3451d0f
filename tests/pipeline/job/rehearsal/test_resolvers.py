"""Importers and resolvers: artifacts that no task of this rehearsal makes."""

import json
from pathlib import Path
from typing import Any

import pytest

from pipeline.job.compiled import parse_job
from tests.pipeline.job.rehearsal.test_scheduler import OUT, run, states
from tests.pipeline.job.tiny import job, sh

ECHO = "echo got: {{$.inputs.artifacts['x'].uri}}"
BLESSED = 'schema_title="tfx.ModelBlessing" AND state=LIVE AND metadata.blessed.number_value=1'
NAMED = (
    'schema_title="tfx.Model" AND state=LIVE AND '
    "name=\"{{$.inputs.artifacts['input'].metadata['current_model_id']}}\""
)


def resolver(query: str, **more: Any) -> dict[str, Any]:
    task = sh("", outputs=("x",), **more)
    return {**task, "executor": {"resolver": {"outputArtifactQueries": {"x": {"filter": query}}}}}


def importer(uri: Any, **more: Any) -> dict[str, Any]:
    schema = {"instanceSchema": "title: tfx.Examples\ntype: object\n"}
    task = sh("", outputs=("x",), **more)
    return {**task, "executor": {"importer": {"artifactUri": uri, "typeSchema": schema}}}


def judge(blessed: int) -> dict[str, Any]:
    metadata = {"blessed": blessed, "current_model_id": "{{$.inputs.artifacts['x'].name}}"}
    output = json.dumps({"artifacts": {"out": {"artifacts": [{"uri": OUT, "metadata": metadata}]}}})
    return sh(
        f"printf '%s' '{output}' > $(dirname {OUT})/executor_output.json",
        inputs={"x": ("train", "out")},
        outputs=("out",),
        title="tfx.ModelBlessing",
    )


def pipeline(blessed: int) -> dict[str, Any]:
    # The order is that of a run: the resolver looks before this run's own model is there.
    return {
        "blessing": resolver(BLESSED),
        "model": resolver(NAMED, inputs={"input": ("blessing", "x")}),
        "train": sh(f"mkdir -p {OUT}", inputs={"base": ("model", "x")}, outputs=("out",)),
        "judge": judge(blessed),
    }


def test_resolver_latest_blessed_model_is_the_newest_that_was_blessed(tmp_path: Path) -> None:
    first = run(tmp_path, job(pipeline(1)))
    assert states(first) == dict.fromkeys(("blessing", "model", "train", "judge"), "succeeded")
    assert first.records["model"].artifacts == {"x": []}  # none has been blessed yet
    second = run(tmp_path, job(pipeline(0)))
    assert second.records["model"].artifacts["x"] == first.records["train"].artifacts["out"]
    third = run(tmp_path, job(pipeline(1)))
    assert third.records["model"].artifacts["x"] == first.records["train"].artifacts["out"]  # not the refused one
    fourth = run(tmp_path, job(pipeline(1)))
    assert fourth.records["model"].artifacts["x"] == third.records["train"].artifacts["out"]


def test_resolver_latest_artifact_of_a_type_is_the_newest(tmp_path: Path) -> None:
    run(tmp_path, job(pipeline(1)))
    second = run(tmp_path, job(pipeline(1)))
    found = run(tmp_path, job({"find": resolver('schema_title="tfx.Model" AND state=LIVE')}))
    assert found.records["find"].artifacts["x"] == second.records["train"].artifacts["out"]


def test_resolver_found_artifact_does_not_become_the_newest_by_being_found(tmp_path: Path) -> None:
    run(tmp_path, job(pipeline(1)))
    second = run(tmp_path, job(pipeline(0)))
    run(tmp_path, job({name: pipeline(0)[name] for name in ("blessing", "model")}))
    found = run(tmp_path, job({"find": resolver('schema_title="tfx.Model" AND state=LIVE')}))
    assert found.records["find"].artifacts["x"] == second.records["train"].artifacts["out"]


def test_resolver_looks_at_its_own_pipeline_alone(tmp_path: Path) -> None:
    run(tmp_path, job(pipeline(1)))
    document = job({"find": resolver('schema_title="tfx.Model" AND state=LIVE')}).document
    document["pipelineSpec"]["pipelineInfo"]["name"] = "another"
    assert run(tmp_path, parse_job(document, "another.json")).records["find"].artifacts["x"] == []


def test_resolver_newest_two(tmp_path: Path) -> None:
    models = [run(tmp_path, job(pipeline(1))).records["train"].artifacts["out"][0] for _ in range(3)]
    find = resolver('schema_title="tfx.Model" AND state=LIVE')
    find["executor"]["resolver"]["outputArtifactQueries"]["x"]["limit"] = 2
    found = run(tmp_path, job({"find": find})).records["find"].artifacts["x"]
    assert found == [models[2], models[1]]


@pytest.mark.parametrize("term", ['create_time>"2026"', "metadata.blessed.number_value=yes"])
def test_resolver_filter_beyond_what_is_read_fails_its_task_and_says_which(tmp_path: Path, term: str) -> None:
    outcome = run(tmp_path, job({"find": resolver(f"state=LIVE AND {term}"), "other": sh("true")}))
    assert states(outcome) == {"find": "failed", "other": "succeeded"}
    assert f"cannot read {term!r} in it. It reads schema_title" in outcome.records["find"].reason


def test_importer_gives_the_artifact_of_its_uri_and_knows_it_again(tmp_path: Path) -> None:
    tasks = {"get": importer({"constant": "gs://data/log"}), "use": sh(ECHO, inputs={"x": ("get", "x")})}
    outcome = run(tmp_path, job(tasks))
    log = (outcome.folder / "tasks" / "use" / "log.txt").read_text()
    assert f"got: {tmp_path}/buckets/data/log" in log
    again = run(tmp_path, job(tasks))
    assert again.records["get"].artifacts["x"] == outcome.records["get"].artifacts["x"]


def test_importer_uri_may_be_a_runtime_parameter(tmp_path: Path) -> None:
    get = importer(
        {"runtimeParameter": "artifact_uri"}, parameters={"artifact_uri": {"componentInputParameter": "where"}}
    )
    root = {"inputDefinitions": {"parameters": {"where": {"parameterType": "STRING", "defaultValue": "gs://a/b"}}}}
    compiled = job({"get": get}, root=root)
    assert run(tmp_path, compiled).records["get"].artifacts["x"][0].uri == "gs://a/b"
    given = run(tmp_path, compiled, parameters=["where=gs://c/d"])
    assert given.records["get"].artifacts["x"][0].uri == "gs://c/d"
