"""The options `--image` and `--dataflow-image` of commands that make or read a job: images of the build just pushed."""

import logging
import re
from typing import TYPE_CHECKING

from common.errors import ConfigError, JobError
from pipeline.cloud.dataflow import RUNNER

if TYPE_CHECKING:  # the command line has the names of the options at once; configs take a third of a second to import
    from configs.pipeline import PipelineConfig
    from configs.vertex.machines import Dataflow
    from pipeline.job.compiled import CompiledJob

_logger = logging.getLogger("perennial.vertex")

IMAGE, DATAFLOW_IMAGE = "--image", "--dataflow-image"
"""The options, as the command line has them."""

_BY_DIGEST = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}")

_RUNNER_FLAG, _WORKERS_FLAG = f"--runner={RUNNER}", "--sdk_container_image="
"""As `pipeline.cloud.dataflow` writes them."""


def with_images(config: "PipelineConfig", image: str | None, dataflow_image: str | None) -> "PipelineConfig":
    """The config with other images; a warning goes to the log for each that stays, as it may be of another build.

    Args:
        config: The pipeline.
        image: What `--image` says. None: the config's own.
        dataflow_image: What `--dataflow-image` says. None: the config's own.

    Raises:
        ConfigError: An image is not named by a digest, the config has no `vertex` section, or, with a `dataflow_image`,
            its workers are made from no image.
    """
    given = {option: name for option, name in ((IMAGE, image), (DATAFLOW_IMAGE, dataflow_image)) if name is not None}
    if not given:
        return config
    for option, name in given.items():
        _check_digest(option, name)
    vertex = config.vertex
    if vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: {' and '.join(given)} given, in place of what the config names, but it has no "
            "'vertex' section. Add vertex: with project, region, pipeline_root, data_dir, serving_dir and image."
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
            _logger.warning("vertex.%s stays %s: see that it is of the same build, or %s.", field, part.image, way_out)
    return config.model_copy(update={"vertex": vertex})


def check_images(job: "CompiledJob", image: str | None, dataflow_image: str | None) -> None:
    """Looks whether a job that is compiled already runs in the images: what is in it is not changed any more.

    Args:
        job: The job.
        image: What `--image` says. None: nothing, any image is right.
        dataflow_image: What `--dataflow-image` says. None: likewise.

    Raises:
        JobError: A task, or Dataflow's workers for it, run in another one, or no task has such workers.
    """
    containers = [one.container for one in job.deployment.executors.values() if one.HasField("container")]
    # Beam that runs in its task has the flag, too, with "none".
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
            f"move, and caching would answer from another build. Received: {image!r}. After a push, "
            "docker inspect --format '{{index .RepoDigests 0}}' TAG says it."
        )


def _with_workers_image(pipeline: str, dataflow: "Dataflow | None", image: str) -> "Dataflow":
    # A copy is not validated again: that image and setup_file exclude each other is looked at here.
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
        f"pipeline {pipeline}: {DATAFLOW_IMAGE} stands in for vertex.dataflow.image, but {wrong}, or leave "
        f"{DATAFLOW_IMAGE} out. Received: {image!r}."
    )
