"""RunReport on both runners: its artifact is the page itself, of a type that Vertex opens."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ml_metadata.proto import metadata_store_pb2
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration import metadata
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import sqlite_metadata_connection_config
from tfx.orchestration.pipeline import Pipeline
from tfx.types import standard_artifacts

from pipeline.components.run_report.component import RunReport
from pipeline.ground import artifacts
from tests import forked
from tests.pipeline.report import worlds


def _artifacts(folder: Path) -> dict[str, Path]:
    """Folders of what the component cannot do without."""
    paths = {name: folder / name for name in ("data_blessing", "evaluation", "blessing")}
    worlds.DATA_GATE.write(paths["data_blessing"])
    worlds.evaluation(first=True).write(paths["evaluation"])
    paths["blessing"].mkdir()
    (paths["blessing"] / "BLESSED").touch()
    return paths


def _pipeline(folder: Path, uris: dict[str, str], metadata_path: Path | None) -> Any:
    types = {
        "data_blessing": artifacts.DataBlessing,
        "evaluation": standard_artifacts.ModelEvaluation,
        "blessing": standard_artifacts.ModelBlessing,
    }
    importers = {
        name: Importer(source_uri=uris[name], artifact_type=type_).with_id(f"Import_{name}")
        for name, type_ in types.items()
    }
    report = RunReport(
        **{name: importer.outputs["result"] for name, importer in importers.items()},
        pipeline_name="shop",
    )
    config = sqlite_metadata_connection_config(str(metadata_path)) if metadata_path else None
    return Pipeline(
        pipeline_name="shop",
        pipeline_root=str(folder / "root") if metadata_path else "gs://bucket/root",
        components=[*importers.values(), report],
        metadata_connection_config=config,
        enable_cache=True,
    )


@pytest.mark.e2e
def test_local_run_twice_page_is_the_artifact_and_then_cached(tmp_path: Path) -> None:
    uris = {name: str(path) for name, path in _artifacts(tmp_path).items()}
    for _ in range(2):
        LocalDagRunner().run(_pipeline(tmp_path, uris, tmp_path / "metadata.db"))
    connection = sqlite_metadata_connection_config(str(tmp_path / "metadata.db"))
    with metadata.Metadata(connection) as store:
        (page,) = store.store.get_artifacts_by_type("system.HTML")
        executions = store.store.get_executions_by_type(f"{RunReport.__module__}.RunReport")
    assert page.state == metadata_store_pb2.Artifact.LIVE
    assert Path(page.uri).name == "report.html"
    assert "Blessed, not pushed" in Path(page.uri).read_text()
    states = [execution.last_known_state for execution in executions]
    assert states == [metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED]


@pytest.mark.e2e
def test_compiled_task_in_a_process_of_its_own_writes_the_page_and_names_it(tmp_path: Path) -> None:
    runner = KubeflowV2DagRunner(
        config=KubeflowV2DagRunnerConfig(default_image="example/perennial:1"),
        output_dir=str(tmp_path),
        output_filename="job.json",
    )
    paths = _artifacts(tmp_path)
    runner.run(_pipeline(tmp_path, {name: f"gs://bucket/{name}" for name in paths}, None))
    spec = json.loads((tmp_path / "job.json").read_text())["pipelineSpec"]
    component = spec["components"]["RunReport"]
    schema = yaml.safe_load(component["outputDefinitions"]["artifacts"]["report"]["artifactType"]["instanceSchema"])
    assert schema["title"] == "system.HTML"

    container = spec["deploymentSpec"]["executors"][component["executorLabel"]]["container"]
    inputs = component["inputDefinitions"]["artifacts"]
    made = {
        name: {"artifacts": [{"name": name, "uri": str(paths[name]), "type": inputs[name]["artifactType"]}]}
        for name in inputs
    }
    report = {"name": "report", "uri": str(tmp_path / "report"), "type": {"instanceSchema": yaml.safe_dump(schema)}}
    output_file = tmp_path / "task" / "executor_output.json"
    executor_input = {
        "inputs": {"artifacts": made, "parameters": {"pipeline_name": {"stringValue": "shop"}}},
        "outputs": {"artifacts": {"report": {"artifacts": [report]}}, "outputFile": str(output_file)},
    }
    arguments = [json.dumps(executor_input) if a == "{{$}}" else a for a in container["args"]]
    done = subprocess.run([forked.python(), *container["command"][1:], *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (written,) = json.loads(output_file.read_text())["artifacts"]["report"]["artifacts"]
    assert written["uri"] == str(tmp_path / "report" / "report.html")
    assert Path(written["uri"]).read_text().startswith("<!DOCTYPE html>")
