"""Compiles a pipeline into the job that Vertex AI Pipelines runs. No credentials, no network."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import yaml

from common.atomicity import write_text
from configs.pipeline import PipelineConfig
from configs.vertex.section import Vertex
from pipeline.job.compiled import is_yaml, parse_job
from pipeline.job.lint import job_findings, pipeline_findings
from pipeline.job.lint.compiling import refuse
from pipeline.runners.places import vertex_places
from pipeline.runners.vertex.context import job_context
from pipeline.runners.vertex.request import FAILURE_POLICIES
from pipeline.runners.vertex.spec import complete, fit_open_source

# isort: split
# After our own packages, which set Keras 2 before TensorFlow is imported.
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline

from pipeline.pipeline import create_pipeline

JOB_FILE = "pipeline.json"


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
        labels: For the job, besides TFX's own, such as `labels.made_of`; YAML has no place for any.

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
        check=lambda job: refuse(job_findings(parse_job(job, output_filename), job_context(config))),
        labels=labels,
    )
    runner.run(pipeline)
    return runner.job_file


def vertex_pipeline(config: PipelineConfig) -> tuple[Vertex, Pipeline]:
    """What is compiled: the config's section, and the pipeline in its buckets.

    Args:
        config: The pipeline, with its `vertex` section.

    Raises:
        ConfigError: The config says nothing of Vertex, or names a path that Vertex cannot read.
    """
    places = vertex_places(config)
    assert config.vertex is not None  # else there were no places
    return config.vertex, create_pipeline(config, places)


class VertexDagRunner(KubeflowV2DagRunner):
    """TFX's compiler, with what it leaves out; see `pipeline.runners.vertex.spec`."""

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
            config=KubeflowV2DagRunnerConfig(
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
        pipeline: Pipeline,
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
        complete(spec, pipeline, self._vertex)
        # Besides the spec and the root, this is all that `tfx run create` takes from the job and sends.
        job["runtimeConfig"]["failurePolicy"] = FAILURE_POLICIES[self._vertex.failure_policy]
        if is_yaml(self._output_filename):
            spec["defaultPipelineRoot"] = pipeline.pipeline_info.pipeline_root
            fit_open_source(spec)
        if self._check is not None:
            self._check(job)
        if write_out:
            _write(self.job_file, job)
        return job


def _write(file: Path, job: dict[str, Any]) -> None:
    if is_yaml(file.name):
        text = yaml.safe_dump(job["pipelineSpec"], sort_keys=True, allow_unicode=True)
    else:
        text = json.dumps(job, sort_keys=True)
    write_text(file, text)
