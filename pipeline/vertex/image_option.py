"""The option `--image` of commands that make or read a job: the image by the digest that a build has just pushed."""

import argparse
import logging
import re
from typing import TYPE_CHECKING

from configs.errors import ConfigError, JobError
from configs.pipeline import PipelineConfig

if TYPE_CHECKING:
    from pipeline.vertex.job import Job

_logger = logging.getLogger("perennial.vertex")

_BY_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")


def add_image(parser: argparse.ArgumentParser) -> None:
    """Gives a parser `--image`.

    Args:
        parser: Of a command with a config.
    """
    parser.add_argument(
        "--image", help="the container image in place of the config's vertex.image, as REPOSITORY@sha256:DIGEST"
    )


def with_image(config: PipelineConfig, image: str | None) -> PipelineConfig:
    """The config with another image; a warning goes to the log where a machine keeps one of its own.

    Args:
        config: The pipeline.
        image: What `--image` says. None: the config's own.

    Raises:
        ConfigError: The image is not named by a digest, or the config has no `vertex` section.
    """
    if image is None:
        return config
    if not _BY_DIGEST.fullmatch(image):
        raise ConfigError(
            "--image must name the image by its digest, REPOSITORY@sha256: and 64 hexadecimal digits: a tag can move, "
            f"and caching would answer from another build. Received: {image!r}. After a push, "
            "docker inspect --format '{{index .RepoDigests 0}}' TAG says it."
        )
    if config.vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: --image stands in for vertex.image, but the config has no 'vertex' section. "
            "Add vertex: with project, region, pipeline_root, data_dir, serving_dir and image."
        )
    for name, part in (("custom_job", config.vertex.custom_job), ("dataflow", config.vertex.dataflow)):
        if part is not None and part.image not in (None, image):
            _logger.warning(
                "--image leaves vertex.%s.image as it is, %s: see that it is of the same build, or leave it out.",
                name,
                part.image,
            )
    return config.model_copy(update={"vertex": config.vertex.model_copy(update={"image": image})})


def check_image(job: "Job", image: str | None) -> None:
    """Looks whether a job that is compiled already runs in the image: what is in it is not changed any more.

    Args:
        job: The job.
        image: What `--image` says. None: nothing, any image is right.

    Raises:
        JobError: A task runs in another one.
    """
    if image is None:
        return
    others = {one.container.image for one in job.deployment.executors.values() if one.HasField("container")} - {image}
    if others:
        raise JobError(
            f"{job.path}: was compiled for {', '.join(sorted(others))}, not for --image {image}. Compile it with the "
            "same --image, or leave --image out."
        )
