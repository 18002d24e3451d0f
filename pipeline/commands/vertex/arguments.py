"""Defines what the commands of `perennial vertex` share: options, and how they read the config and the job."""

import argparse
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from common.errors import ConfigError, JobError
from pipeline.commands import chosen_config
from pipeline.commands.arguments import add_config, add_no_cache, add_parameters, add_purpose
from pipeline.runners.vertex.image_option import DATAFLOW_IMAGE, IMAGE, check_images, with_images

if TYPE_CHECKING:
    from configs.pipeline import PipelineConfig
    from configs.vertex.section import Vertex
    from pipeline.job.compiled import CompiledJob


def add_images(parser: argparse.ArgumentParser) -> None:
    """Adds `--image` and `--dataflow-image`."""
    parser.add_argument(
        IMAGE, metavar="IMAGE", help="image for the tasks, REPOSITORY@sha256:DIGEST; overrides vertex.image"
    )
    parser.add_argument(
        DATAFLOW_IMAGE,
        metavar="IMAGE",
        help="image for Dataflow workers, REPOSITORY@sha256:DIGEST; overrides vertex.dataflow.image",
    )


def add_job(parser: argparse.ArgumentParser) -> None:
    """Adds `--job`."""
    parser.add_argument(
        "--job",
        type=Path,
        metavar="FILE",
        help="use this compiled job, .json or .yaml (default: compile the config's pipeline)",
    )


def add_request(parser: argparse.ArgumentParser) -> None:
    """Adds the options of commands that send a job to Vertex."""
    add_config(parser)
    add_purpose(parser)
    add_images(parser)
    add_job(parser)
    add_parameters(parser)
    add_no_cache(parser)
    parser.add_argument(
        "--without-estimate",
        action="store_true",
        help="do not estimate the cost of a run, and do not compare it with vertex.cost.ceiling",
    )
    parser.add_argument("--dry-run", action="store_true", help="print the request as JSON and send nothing")


def add_run(parser: argparse.ArgumentParser) -> None:
    """Adds the argument for a run."""
    parser.add_argument("run", metavar="RUN", help="the run: its id, its resource name, or 'latest'")


def load(arguments: argparse.Namespace) -> "tuple[PipelineConfig, Vertex]":
    """Reads the config, with the images of the options, and its `vertex` section.

    Raises:
        ConfigError: The config is not valid, or has no such section.
    """
    # Commands that make no job do not have these options.
    images = getattr(arguments, "image", None), getattr(arguments, "dataflow_image", None)
    config = with_images(chosen_config.load(arguments), *images)
    if config.vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no 'vertex' section. Add vertex: with project, region, "
            "pipeline_root, data_dir, serving_dir and image."
        )
    return config, config.vertex


def compiled_job(arguments: argparse.Namespace, config: "PipelineConfig") -> "CompiledJob":
    """Reads the job file of `--job`, or compiles the config's pipeline; lint checks the job in both cases.

    Raises:
        JobError: The file is not a compiled job, or is for another pipeline or image, or lint found an error.
    """
    from pipeline.job.compiled import read_job
    from pipeline.job.lint import job_findings
    from pipeline.job.lint.compiling import refuse
    from pipeline.job.lint.parameters import RUNTIME_PARAMETER_WITHOUT_VALUE
    from pipeline.runners.vertex.context import job_context

    if arguments.job is not None:
        job = read_job(arguments.job)
        # The values of --parameter are checked later, with their types.
        refuse(
            [fault for fault in job_findings(job, job_context(config)) if fault.rule != RUNTIME_PARAMETER_WITHOUT_VALUE]
        )
        _require_same_pipeline(job, config)
        require_purpose(job, arguments)
        check_images(job, arguments.image, arguments.dataflow_image)
        return job
    from pipeline.runners.vertex.compile import compile_job
    from pipeline.runners.vertex.labels import made_of

    with tempfile.TemporaryDirectory() as folder:
        return read_job(compile_job(config, folder, labels=made_of(config), search=arguments.tune))


def require_purpose(job: "CompiledJob", arguments: argparse.Namespace) -> None:
    """Refuses `--compare` or `--tune` beside a job file that does something else; the file cannot be changed by them.

    Raises:
        JobError: The job does not do it.
    """
    tasks = set(job.spec.root.dag.tasks)
    for option, does in (
        ("compare", "ModelComparison" in tasks),
        ("tune", "Tuner" in tasks and "Trainer" not in tasks),
    ):
        if getattr(arguments, option) and not does:
            raise JobError(
                f"{job.path}: was not compiled with --{option}. Compile it with `perennial vertex compile --{option}`, "
                f"or leave --{option} out."
            )


def _require_same_pipeline(job: "CompiledJob", config: "PipelineConfig") -> None:
    """Refuses a job of another pipeline: it would run with this pipeline's labels, and be listed as this pipeline."""
    if job.name != config.name:
        raise JobError(
            f"{job.path}: is a job of the pipeline {job.name!r}, but the config is for {config.name!r}. Name the "
            "config that the job was compiled from."
        )
