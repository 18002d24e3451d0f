"""Applies and checks the options `--image` and `--dataflow-image`, which name the images of a new build."""

import logging
import re
from typing import TYPE_CHECKING

from common.errors import ConfigError, JobError
from pipeline.cloud.dataflow import RUNNER

if TYPE_CHECKING:  # the command line needs only the options' names; configs take a third of a second to import
    from configs.pipeline import PipelineConfig
    from configs.vertex.machines import Dataflow
    from pipeline.job.compiled import CompiledJob

_logger = logging.getLogger("perennial.vertex")

IMAGE, DATAFLOW_IMAGE = "--image", "--dataflow-image"
"""The names of the options on the command line."""

_BY_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")

_RUNNER_FLAG, _WORKERS_FLAG = f"--runner={RUNNER}", "--sdk_container_image="
"""Flags in the form in which `pipeline.cloud.dataflow` writes them."""


def with_images(config: "PipelineConfig", image: str | None, dataflow_image: str | None) -> "PipelineConfig":
    """Replaces images in a config. Logs a warning for each image that stays, since it may be from another build.

    Args:
        config: The pipeline.
        image: The value of `--image`. None: the config's own image.
        dataflow_image: The value of `--dataflow-image`. None: the config's own image.

    Returns:
        The config with these images.

    Raises:
        ConfigError: An image is not named by its digest, the config has no `vertex` section, or there is a
            `dataflow_image` but the config's workers do not use an image.
    """
    given = {option: name for option, name in ((IMAGE, image), (DATAFLOW_IMAGE, dataflow_image)) if name is not None}
    if not given:
        return config
    for option, name in given.items():
        _check_digest(option, name)
    vertex = config.vertex
    if vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: {' and '.join(given)} cannot override an image: the config has no 'vertex' "
            "section. Add vertex: with project, region, pipeline_root, data_dir, serving_dir and image."
        )
    if image is not None:
        vertex = vertex.model_copy(update={"image": image})
    if dataflow_image is not None:
        dataflow = _with_workers_image(config.name, vertex.dataflow, dataflow_image)
        vertex = vertex.model_copy(update={"dataflow": dataflow})
    for field, part, way_out in (
        ("image", vertex, f"give {IMAGE}"),
        ("custom_job.image", vertex.custom_job, "leave it out"),
        ("dataflow.image", vertex.dataflow, f"give {DATAFLOW_IMAGE}"),
    ):
        if part is not None and part.image not in (None, *given.values()):
            _logger.warning(
                "vertex.%s stays %s: make sure that it is from the same build, or %s.", field, part.image, way_out
            )
    return config.model_copy(update={"vertex": vertex})


def check_images(job: "CompiledJob", image: str | None, dataflow_image: str | None) -> None:
    """Checks that a compiled job uses these images; a compiled job is not changed.

    Args:
        job: The job.
        image: The value of `--image`. None: any image is accepted.
        dataflow_image: The value of `--dataflow-image`. None: any image is accepted.

    Raises:
        JobError: A task, or its Dataflow workers, use another image, or no task has Dataflow workers.
    """
    containers = [one.container for one in job.deployment.executors.values() if one.HasField("container")]
    # Ignore tasks whose Beam does not run on Dataflow: they have the flag for the workers' image too, with "none".
    flags = [flag for container in containers if _RUNNER_FLAG in container.args for flag in container.args]
    workers = {flag.removeprefix(_WORKERS_FLAG) for flag in flags if flag.startswith(_WORKERS_FLAG)}
    for option, wanted, found in (
        (IMAGE, image, {container.image for container in containers}),
        (DATAFLOW_IMAGE, dataflow_image, workers),
    ):
        if wanted is not None and found != {wanted}:
            others = ", ".join(sorted(found - {wanted})) or "no such image"
            raise JobError(
                f"{job.path}: was compiled for {others}, not for {option} {wanted}. Compile it with the same {option}, "
                f"or leave {option} out."
            )


def _check_digest(option: str, image: str) -> None:
    if not _BY_DIGEST.fullmatch(image):
        raise ConfigError(
            f"{option} must name the image by its digest, REPOSITORY@sha256: and 64 hexadecimal digits: a tag can "
            f"move, and the cache would return results of another build. Received: {image!r}. After a push, docker "
            "inspect --format '{{index .RepoDigests 0}}' TAG prints it."
        )


def _with_workers_image(pipeline: str, dataflow: "Dataflow | None", image: str) -> "Dataflow":
    # pydantic does not validate a copy again, so check here that image and setup_file are not both set.
    if dataflow is None:
        wrong = "the config has no 'dataflow' section in 'vertex', so Beam runs in the tasks. Add vertex.dataflow"
    elif dataflow.setup_file is not None:
        wrong = (
            f"workers are made from vertex.dataflow.setup_file, {dataflow.setup_file!r}, which excludes an image. Take "
            "setup_file out of the config"
        )
    else:
        return dataflow.model_copy(update={"image": image})
    raise ConfigError(
        f"pipeline {pipeline}: {DATAFLOW_IMAGE} overrides vertex.dataflow.image, but {wrong}, or leave "
        f"{DATAFLOW_IMAGE} out. Received: {image!r}."
    )
