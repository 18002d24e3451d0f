"""Compiles a pipeline into the job that Vertex AI Pipelines runs. No credentials, no network."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from configs.errors import ConfigError
from configs.pipeline import PipelineConfig
from configs.vertex.machines import Resources
from configs.vertex.section import Vertex
from pipeline.places import vertex_places
from pipeline.vertex.api.request import FAILURE_POLICIES
from pipeline.vertex.files import write_text
from pipeline.vertex.job import is_yaml, parse_job
from pipeline.vertex.lint import job_findings, pipeline_findings
from pipeline.vertex.lint.compiling import refuse

# isort: split
# After our own rooms, which set Keras 2 before TensorFlow is imported.
from tfx import v1 as tfx
from tfx.orchestration import data_types

from pipeline.components.served_model.component import ServedModel
from pipeline.pipeline import create_pipeline

JOB_FILE = "pipeline.json"

_KUBERNETES_GPU = "nvidia.com/gpu"

_SYSTEM_SCHEMA_VERSION = "0.0.1"
"""Of all of Vertex's system schemas, as KFP names them."""


def compile_job(
    config: PipelineConfig,
    output_dir: str | None = None,
    output_filename: str = JOB_FILE,
    labels: Mapping[str, str] | None = None,
) -> Path:
    """Writes the job: JSON for Vertex, or YAML for the open-source backend of Kubeflow Pipelines.

    Args:
        config: The pipeline, with its `vertex` section.
        output_dir: Where to write. None: the current folder, or where the `tfx` CLI wants it.
        output_filename: The file's name; its ending decides, `.json` or `.yaml`.
        labels: For the job, besides TFX's own, such as `pipeline.vertex.api.labels.made_of`; YAML has no place for any.

    Returns:
        The file.

    Raises:
        ConfigError: The config says nothing of Vertex, or names a path that Vertex cannot read or a task that the
            pipeline does not have.
        JobError: Lint found something that would fail on Vertex.
    """
    vertex, pipeline = vertex_pipeline(config)
    refuse(pipeline_findings(pipeline))
    runner = VertexDagRunner(
        vertex,
        output_dir,
        output_filename,
        check=lambda job: refuse(job_findings(parse_job(job, output_filename), config)),
        labels=labels,
    )
    runner.run(pipeline)
    return runner.job_file


def vertex_pipeline(config: PipelineConfig) -> tuple[Vertex, tfx.dsl.Pipeline]:
    """What is compiled: the config's section, and the pipeline in its buckets.

    Args:
        config: The pipeline, with its `vertex` section.

    Raises:
        ConfigError: The config says nothing of Vertex, or names a path that Vertex cannot read.
    """
    places = vertex_places(config)
    assert config.vertex is not None  # else there were no places
    return config.vertex, create_pipeline(config, places)


class VertexDagRunner(tfx.orchestration.experimental.KubeflowV2DagRunner):
    """TFX's compiler, with what it leaves out: resources of ExampleGens, retries, defaults of RuntimeParameters."""

    def __init__(
        self,
        vertex: Vertex,
        output_dir: str | None = None,
        output_filename: str = JOB_FILE,
        check: Callable[[dict[str, Any]], None] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Declares what is compiled for.

        Args:
            vertex: The config's section.
            output_dir: Where to write. None: the current folder.
            output_filename: The file's name.
            check: Gets each job before it is written, and raises what is wrong with it.
            labels: Of the job, besides TFX's own.
        """
        super().__init__(
            config=tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(
                default_image=vertex.image,
                # With 2.0, what a driver finds out about the files does not reach its executor.
                use_pipeline_spec_2_1=True,
            ),
            output_dir=output_dir,
            output_filename=output_filename,
        )
        self._vertex = vertex
        self._check = check
        self._labels = labels or {}

    @property
    def job_file(self) -> Path:
        """Where the job is: the `tfx` CLI changes the place just before it is written."""
        return Path(self._output_dir, self._output_filename)

    def run(
        self,
        pipeline: tfx.dsl.Pipeline,
        parameter_values: dict[str, Any] | None = None,
        write_out: bool | None = True,
    ) -> dict[str, Any]:
        """Compiles a pipeline.

        Args:
            pipeline: The pipeline.
            parameter_values: Values of RuntimeParameters, by name.
            write_out: Whether to write the file.

        Returns:
            The job: a PipelineJob as JSON values.
        """
        job: dict[str, Any] = super().run(pipeline=pipeline, parameter_values=parameter_values, write_out=False)
        spec = job["pipelineSpec"]
        job["labels"] = {**job.get("labels", {}), **self._labels}
        _put_resources(spec, self._vertex)
        _put_retries(spec, self._vertex)
        _put_defaults(spec, pipeline)
        _leave_uncached(spec, pipeline)
        _name_system_types(spec)
        # Besides the spec and the root, this is all that `tfx run create` takes from the job and sends.
        job["runtimeConfig"]["failurePolicy"] = FAILURE_POLICIES[self._vertex.failure_policy]
        if is_yaml(self._output_filename):
            spec["defaultPipelineRoot"] = pipeline.pipeline_info.pipeline_root
            _fit_open_source(spec)
        if self._check is not None:
            self._check(job)
        if write_out:
            _write(self.job_file, job)
        return job


def _put_resources(spec: dict[str, Any], vertex: Vertex) -> None:
    containers = {}
    for task_id, task in spec["root"]["dag"]["tasks"].items():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        container = spec["deploymentSpec"]["executors"][label].get("container")
        if container is not None:
            containers[task_id] = container
    if unknown := sorted(vertex.task_resources.keys() - containers.keys()):
        raise ConfigError(
            f"vertex.task_resources: the pipeline has no task {', '.join(unknown)}. Those that run in a container are "
            f"{', '.join(sorted(containers))}."
        )
    for task_id, container in containers.items():
        container["resources"] = _resources(vertex.task_resources.get(task_id, vertex.resources))


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


def _put_defaults(spec: dict[str, Any], pipeline: tfx.dsl.Pipeline) -> None:
    declared = spec["root"].get("inputDefinitions", {}).get("parameters", {})
    for component in pipeline.components:
        for value in component.exec_properties.values():
            if isinstance(value, data_types.RuntimeParameter) and value.default is not None:
                declared[value.name]["defaultValue"] = value.default


def _name_system_types(spec: dict[str, Any]) -> None:
    """Names the types that Vertex knows and shows, as KFP does; TFX writes their text, with a title and nothing else.

    See https://cloud.google.com/vertex-ai/docs/ml-metadata/system-schemas. TFX's entry point reads both forms.
    """
    for component in spec["components"].values():
        for definitions in component.get("inputDefinitions", {}), component.get("outputDefinitions", {}):
            for artifact in definitions.get("artifacts", {}).values():
                title = yaml.safe_load(artifact["artifactType"]["instanceSchema"])["title"]
                if title.startswith("system."):
                    artifact["artifactType"] = {"schemaTitle": title, "schemaVersion": _SYSTEM_SCHEMA_VERSION}


def _leave_uncached(spec: dict[str, Any], pipeline: tfx.dsl.Pipeline) -> None:
    """What is served changes without any input of ServedModel."""
    for component in pipeline.components:
        if isinstance(component, ServedModel):
            spec["root"]["dag"]["tasks"][component.id]["cachingOptions"] = {}


def _fit_open_source(spec: dict[str, Any]) -> None:
    """Takes out what the open-source backend would pass over in silence, with wrong results.

    It runs no preCacheCheck, by which TFX puts the fingerprint of the input files into the cache's key. GPUs have
    Kubernetes' names there.
    """
    for task in spec["root"]["dag"]["tasks"].values():
        label = spec["components"][task["componentRef"]["name"]]["executorLabel"]
        container = spec["deploymentSpec"]["executors"][label].get("container", {})
        if container.pop("lifecycle", None):
            task["cachingOptions"] = {}
        if "accelerator" in container.get("resources", {}):
            container["resources"]["accelerator"]["type"] = _KUBERNETES_GPU


def _write(file: Path, job: dict[str, Any]) -> None:
    if is_yaml(file.name):
        text = yaml.safe_dump(job["pipelineSpec"], sort_keys=True, allow_unicode=True)
    else:
        text = json.dumps(job, sort_keys=True)
    write_text(file, text)
