"""What the arguments of a command name: the config, and the job that it runs."""

import argparse
import tempfile
from typing import TYPE_CHECKING

from common.errors import ConfigError, JobError
from configs.load import load_config
from configs.pipeline import PipelineConfig
from configs.vertex.section import Vertex
from pipeline.runners.vertex.image_option import check_images, with_images

if TYPE_CHECKING:
    from pipeline.job.compiled import Job


def load(arguments: argparse.Namespace) -> tuple[PipelineConfig, Vertex]:
    """The config that is named, with the images of the options, and its `vertex` section.

    Raises:
        ConfigError: It does not fit, or has no such section.
    """
    # Commands that make no job have no such options.
    images = getattr(arguments, "image", None), getattr(arguments, "dataflow_image", None)
    config = with_images(load_config(arguments.config), *images)
    if config.vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no 'vertex' section. Add vertex: with project, region, "
            "pipeline_root, data_dir, serving_dir and image."
        )
    return config, config.vertex


def compiled_job(arguments: argparse.Namespace, config: PipelineConfig) -> "Job":
    """The compiled job: the file that is named, or the config's own; lint looks at either.

    Raises:
        JobError: The file is no compiled job, or is of another pipeline or image, or would fail where it is to run.
    """
    from pipeline.job.compiled import read_job
    from pipeline.job.lint import job_findings
    from pipeline.job.lint.compiling import refuse
    from pipeline.job.lint.parameters import RUNTIME_PARAMETER_WITHOUT_VALUE
    from pipeline.runners.vertex.context import job_context

    if arguments.job is not None:
        job = read_job(arguments.job)
        # What --parameter gives is looked at later, with its types.
        refuse(
            [fault for fault in job_findings(job, job_context(config)) if fault.rule != RUNTIME_PARAMETER_WITHOUT_VALUE]
        )
        _is_of(job, config)
        check_images(job, arguments.image, arguments.dataflow_image)
        return job
    from pipeline.runners.vertex.compile import compile_job
    from pipeline.runners.vertex.labels import made_of

    with tempfile.TemporaryDirectory() as folder:
        return read_job(compile_job(config, folder, labels=made_of(config)))


def _is_of(job: "Job", config: PipelineConfig) -> None:
    """Of another pipeline it would run under this one's labels, and be listed, scheduled and cancelled for it."""
    if job.name != config.name:
        raise JobError(
            f"{job.path}: is of the pipeline {job.name!r}, but the config is that of {config.name!r}. Give the config "
            "that the job was compiled from."
        )
