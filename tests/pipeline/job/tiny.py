"""Makes compiled jobs of shell commands by hand, to test without TFX how the rehearsal executes tasks."""

import json
from pathlib import Path
from typing import Any

from pipeline.job.compiled import CompiledJob, parse_job

ROOT = "gs://bucket/root"
IMAGE = "registry.example/image@sha256:0"


def sh(
    script: str,
    *,
    inputs: dict[str, tuple[str, str]] | None = None,
    outputs: tuple[str, ...] = (),
    after: tuple[str, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    """Makes a container task that runs a shell script.

    Args:
        script: The script, which may hold placeholders.
        inputs: For each input the task and the output that it comes from.
        outputs: Output artifacts, of the type `tfx.Model`.
        after: Tasks that must end first, in addition to those that inputs come from.
        **more: `parameters` (name to TaskInputsSpec parameter), `declared` (name to ParameterSpec), `cache`, `retries`,
            `condition`, `strategy`, `driver` (a script), `title`, `output_parameters` (name to type).
    """
    return {"script": script, "inputs": inputs or {}, "outputs": outputs, "after": after, **more}


def job(tasks: dict[str, dict[str, Any]], **more: Any) -> CompiledJob:
    """Makes a compiled job of such tasks, or of tasks with an `executor` of their own.

    Args:
        tasks: The tasks, by name.
        **more: `root` (fields of the root component), and further `components` and `executors`.
    """
    return parse_job(document(tasks, **more), "tiny.json")


def document(tasks: dict[str, dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The PipelineJob of `job`."""
    components: dict[str, Any] = {name: _component(name, task) for name, task in tasks.items()}
    executors: dict[str, Any] = {f"{name}_executor": _executor(task) for name, task in tasks.items()}
    components.update(more.get("components", {}))
    executors.update(more.get("executors", {}))
    dag = {"tasks": {name: _task(name, task) for name, task in tasks.items()} | more.get("dags", {})}
    return {
        "displayName": "tiny",
        "runtimeConfig": {"gcsOutputDirectory": ROOT, **more.get("runtime", {})},
        "pipelineSpec": {
            "pipelineInfo": {"name": "tiny"},
            "schemaVersion": "2.1.0",
            "components": components,
            "deploymentSpec": {"executors": executors},
            "root": {"dag": dag, **more.get("root", {})},
        },
    }


def write(path: Path, compiled: CompiledJob) -> Path:
    """Writes a job like a compiler."""
    path.write_text(json.dumps(compiled.document))
    return path


def _component(name: str, task: dict[str, Any]) -> dict[str, Any]:
    artifact = {"artifactType": {"instanceSchema": f"title: {task.get('title', 'tfx.Model')}\ntype: object\n"}}
    component: dict[str, Any] = {
        "executorLabel": f"{name}_executor",
        "inputDefinitions": {
            "artifacts": dict.fromkeys(task["inputs"], artifact),
            "parameters": {key: {"parameterType": "STRING"} for key in task.get("parameters", {})}
            | task.get("declared", {}),
        },
        "outputDefinitions": {
            "artifacts": dict.fromkeys(task["outputs"], artifact),
            "parameters": {key: {"parameterType": kind} for key, kind in task.get("output_parameters", {}).items()},
        },
    }
    return component


def _task(name: str, task: dict[str, Any]) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "taskInfo": {"name": name},
        "componentRef": {"name": name},
        "cachingOptions": {"enableCache": task.get("cache", False)},
        "dependentTasks": list(task["after"]),
        "inputs": {
            "artifacts": {
                key: {"taskOutputArtifact": {"producerTask": producer, "outputArtifactKey": output}}
                for key, (producer, output) in task["inputs"].items()
            },
            "parameters": task.get("parameters", {}),
        },
        "triggerPolicy": {},
    }
    if task.get("retries"):
        spec["retryPolicy"] = {
            "maxRetryCount": task["retries"],
            "backoffDuration": "10s",
            "backoffFactor": 2.0,
            "backoffMaxDuration": "15s",
        }
    if task.get("condition"):
        spec["triggerPolicy"]["condition"] = task["condition"]
    if task.get("strategy"):
        spec["triggerPolicy"]["strategy"] = task["strategy"]
    return spec


def _executor(task: dict[str, Any]) -> dict[str, Any]:
    if "executor" in task:
        own: dict[str, Any] = task["executor"]
        return own
    container: dict[str, Any] = {"image": IMAGE, "command": ["sh", "-ec", task["script"]], "args": []}
    if task.get("driver"):
        container["lifecycle"] = {"preCacheCheck": {"command": ["sh", "-ec", task["driver"]]}}
    return {"container": container}
