"""Compiles a pipeline into the job that Vertex AI Pipelines runs. No credentials, no network."""

import json
import logging
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import yaml
from tfx.orchestration.kubeflow.v2.kubeflow_v2_dag_runner import KubeflowV2DagRunner, KubeflowV2DagRunnerConfig
from tfx.orchestration.pipeline import Pipeline

from common.atomicity import write_text
from common.errors import ConfigError
from configs.pipeline import PipelineConfig
from configs.vertex.section import Vertex
from pipeline.ground.places import Places
from pipeline.job import JOB_FILE
from pipeline.job.compiled import is_yaml, parse_job
from pipeline.job.lint import job_findings, pipeline_findings
from pipeline.job.lint.compiling import refuse
from pipeline.pipeline import create_pipeline
from pipeline.runners.places import vertex_places
from pipeline.runners.vertex.context import job_context
from pipeline.runners.vertex.request import FAILURE_POLICIES
from pipeline.runners.vertex.spec import complete, fit_open_source


def compile_job(
    config: PipelineConfig,
    output_dir: str | None = None,
    output_filename: str = JOB_FILE,
    labels: Mapping[str, str] | None = None,
    *,
    search: bool = False,
) -> Path:
    """Writes the job: JSON for Vertex, or YAML for the open-source backend of Kubeflow Pipelines.

    Args:
        config: The pipeline, with its `vertex` section.
        output_dir: Where to write. None: the current folder, or where the `tfx` CLI wants it.
        output_filename: The file's name; its ending decides, `.json` or `.yaml`.
        labels: Labels of the job, besides TFX's own, such as those of `labels.made_of`; a YAML job has no labels.
        search: Whether the job is a search of the settings, see `create_pipeline`.

    Returns:
        The file.

    Raises:
        ConfigError: The config has no `vertex` section, or names a path that Vertex cannot read, or a task that the
            pipeline does not have.
        JobError: Lint found something that would fail on Vertex.
    """
    vertex, pipeline = vertex_pipeline(config, search=search)
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


def vertex_pipeline(config: PipelineConfig, *, search: bool = False) -> tuple[Vertex, Pipeline]:
    """Builds the pipeline with its places in the buckets of the config's `vertex` section.

    Args:
        config: The pipeline, with its `vertex` section.
        search: Whether it is a search of the settings, see `create_pipeline`.

    Returns:
        The section and the pipeline.

    Raises:
        ConfigError: The config has no `vertex` section, names a path that Vertex cannot read, or gives resources to a
            task that no job of this pipeline has.
    """
    for warning in config.warnings:
        logging.getLogger("perennial.vertex").warning("%s", warning)
    places = vertex_places(config)
    assert config.vertex is not None  # else `vertex_places` has raised an error
    _require_tasks(config, places, config.vertex.task_resources)
    return config.vertex, create_pipeline(config, places, search=search)


def _require_tasks(config: PipelineConfig, places: Places, named: Collection[str]) -> None:
    """Refuses resources of a task that there is in no job: neither in a run, a comparison nor a search."""
    if not named:
        return
    pipelines = (
        create_pipeline(config, places),
        create_pipeline(config.compared(), places),
        create_pipeline(config.searched(), places, search=True),
    )
    tasks = {node.id for pipeline in pipelines for node in pipeline.components}
    # The tasks of a comparison's candidates are named after those of a run that trains one model.
    if unknown := sorted(set(named) - tasks - {task.partition("-")[0] for task in tasks}):
        raise ConfigError(
            f"vertex.task_resources: the pipeline has no task {', '.join(unknown)}. The tasks of its runs, comparisons "
            f"and searches are {', '.join(sorted(tasks))}."
        )


class VertexDagRunner(KubeflowV2DagRunner):
    """TFX's compiler, with the changes of `pipeline.runners.vertex.spec` to the job."""

    def __init__(
        self,
        vertex: Vertex,
        output_dir: str | None = None,
        output_filename: str = JOB_FILE,
        check: Callable[[dict[str, Any]], None] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Takes the settings of the job.

        Args:
            vertex: The config's section.
            output_dir: Where to write. None: the current folder.
            output_filename: The file's name.
            check: Called with each job before it is written; it raises an error if the job is wrong.
            labels: Labels of the job, besides TFX's own.
        """
        super().__init__(
            config=KubeflowV2DagRunnerConfig(
                default_image=vertex.image,
                # With 2.0, the properties that a driver sets do not reach its executor.
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
        """The job's file; the `tfx` CLI changes its path just before the job is written."""
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
        # Apart from the spec and the root, `tfx run create` sends nothing but this policy.
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
