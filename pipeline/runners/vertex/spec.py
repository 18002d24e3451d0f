"""Completes and corrects the Vertex job that TFX's compiler makes.

It changes the spec as JSON values: https://github.com/kubeflow/pipelines/blob/master/api/v2alpha1/pipeline_spec.proto.
"""

from typing import Any

from tfx.dsl.components.base import executor_spec
from tfx.orchestration import data_types
from tfx.orchestration.pipeline import Pipeline

from configs.vertex.machines import Resources
from configs.vertex.section import Vertex
from pipeline.components.hyperparameters_resolver.component import HyperParametersResolver
from pipeline.components.live_model_resolver.component import LiveModelResolver
from pipeline.job.compiled import title_of_schema

_KUBERNETES_GPU = "nvidia.com/gpu"

_SYSTEM_SCHEMA_VERSION = "0.0.1"
"""The version of all of Vertex's system schemas, as in KFP."""


def complete(spec: dict[str, Any], pipeline: Pipeline, vertex: Vertex) -> None:
    """Adds resources, retries and defaults of RuntimeParameters, and corrects flags, caching and artifact types.

    Args:
        spec: The spec that TFX has compiled; it is changed in place.
        pipeline: The pipeline that it was compiled from.
        vertex: The config's section.
    """
    _leave_beam_to_beam(spec, pipeline)
    _put_resources(spec, vertex)
    _put_retries(spec, vertex)
    _put_defaults(spec, pipeline)
    _leave_uncached(spec, pipeline)
    _name_system_types(spec)


def _containers(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the containers of the tasks that have one, by task id."""
    executors = {
        task_id: spec["deploymentSpec"]["executors"][spec["components"][task["componentRef"]["name"]]["executorLabel"]]
        for task_id, task in spec["root"]["dag"]["tasks"].items()
    }
    return {task_id: executor["container"] for task_id, executor in executors.items() if "container" in executor}


def _leave_beam_to_beam(spec: dict[str, Any], pipeline: Pipeline) -> None:
    """Removes Beam's flags from tasks that do not use Beam; TFX adds them to every task."""
    flags, containers = list(pipeline.beam_pipeline_args or []), _containers(spec)
    for component in pipeline.components:
        arguments = containers.get(component.id, {}).get("args", [])
        is_beam = isinstance(component.executor_spec, executor_spec.BeamExecutorSpec)
        if flags and not is_beam and arguments[-len(flags) :] == flags:
            del arguments[-len(flags) :]


def _put_resources(spec: dict[str, Any], vertex: Vertex) -> None:
    containers = _containers(spec)
    # The tasks of a comparison's candidates are named after those of a run that trains one model.
    kind_of = {task_id: task_id.partition("-")[0] for task_id in containers}
    for task_id, container in containers.items():
        of_kind = vertex.task_resources.get(kind_of[task_id], vertex.resources)
        container["resources"] = _resources(vertex.task_resources.get(task_id, of_kind))


def _resources(resources: Resources) -> dict[str, Any]:
    spec: dict[str, Any] = {"cpuLimit": resources.cpu, "memoryLimit": resources.memory_gb}
    if resources.accelerator is not None:
        # A proto's int64 is a string in JSON.
        spec["accelerator"] = {"type": resources.accelerator.type, "count": str(resources.accelerator.count)}
    return spec


def _put_retries(spec: dict[str, Any], vertex: Vertex) -> None:
    retries = vertex.retries
    if retries.max_count == 0:
        return
    for task in spec["root"]["dag"]["tasks"].values():
        task["retryPolicy"] = {
            "maxRetryCount": retries.max_count,
            "backoffDuration": f"{retries.backoff_seconds:g}s",
            "backoffFactor": retries.backoff_factor,
            "backoffMaxDuration": f"{retries.backoff_max_seconds:g}s",
        }


def _put_defaults(spec: dict[str, Any], pipeline: Pipeline) -> None:
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    for component in pipeline.components:
        for value in component.exec_properties.values():
            if isinstance(value, data_types.RuntimeParameter) and value.default is not None:
                declared[value.name]["defaultValue"] = value.default


def _name_system_types(spec: dict[str, Any]) -> None:
    """Names the artifact types that Vertex knows and shows, as KFP does; TFX writes a schema that has only a title.

    See https://cloud.google.com/vertex-ai/docs/ml-metadata/system-schemas. TFX's entry point reads both forms.
    """
    for component in spec["components"].values():
        for definitions in component.get("inputDefinitions", {}), component.get("outputDefinitions", {}):
            for artifact in definitions.get("artifacts", {}).values():
                title = title_of_schema(artifact["artifactType"]["instanceSchema"], "TFX's compiler")
                if title is not None and title.startswith("system."):
                    artifact["artifactType"] = {"schemaTitle": title, "schemaVersion": _SYSTEM_SCHEMA_VERSION}


def _leave_uncached(spec: dict[str, Any], pipeline: Pipeline) -> None:
    """Turns caching off for what finds something: the served model can change while its inputs stay the same."""
    for component in pipeline.components:
        if isinstance(component, LiveModelResolver | HyperParametersResolver):
            spec["root"]["dag"]["tasks"][component.id]["cachingOptions"] = {}


def fit_open_source(spec: dict[str, Any]) -> None:
    """Removes features that the open-source backend silently ignores, which would give wrong results.

    It does not run preCacheCheck, by which TFX adds the fingerprint of the input files to the cache's key; so caching
    is turned off for tasks that have one. GPUs get Kubernetes' names.
    """
    for task_id, container in _containers(spec).items():
        if container.pop("lifecycle", None):
            spec["root"]["dag"]["tasks"][task_id]["cachingOptions"] = {}
        if "accelerator" in container.get("resources", {}):
            container["resources"]["accelerator"]["type"] = _KUBERNETES_GPU
