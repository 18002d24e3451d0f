"""Checks what tasks run in: the image, the machine, the account."""

import re
from collections.abc import Iterator
from typing import Any

from pipeline.job.lint.custom_config import images_of_jobs
from pipeline.job.lint.finding import Finding
from pipeline.job.lint.places import flags_of_remote_beam
from pipeline.job.lint.subject import Subject, Task

_DIGEST = re.compile(r".+@sha256:[0-9a-f]{64}")

_BEAM_IMAGE = "--sdk_container_image="

NEED_CONTEXT = ("tfx-line", "no-service-account", "dataflow-worker-user")
"""Rules that need a `JobContext`."""


def images(subject: Subject) -> Iterator[Finding]:
    """Finds images whose tag can move.

    Args:
        subject: The job.
    """
    for task in subject.tasks:
        named = [("image", task.executor.container.image)]
        named += [
            ("Beam flag --sdk_container_image", flag.partition("=")[2])
            for flag in flags_of_remote_beam(task)
            if flag.startswith(_BEAM_IMAGE)
        ]
        named += [("custom_config, image", image) for image in images_of_jobs(task.constants)]
        for where, image in named:
            if not image or _DIGEST.fullmatch(image) or not task.spec.caching_options.enable_cache:
                continue
            yield Finding(
                "moving-image-tag",
                "warning",
                task.id,
                f"{where} {image}",
                "The tag can move to another build, but the cache key is this text, so the cache still returns "
                "results of the old build. Two tasks of one run may also use different builds.",
                "Name the image by its digest: <image>@sha256:<64 hexadecimal digits>.",
            )


def tfx_line(subject: Subject) -> Iterator[Finding]:
    """Compares the TFX version that compiled the job with the image's version.

    Args:
        subject: The job.
    """
    line = ".".join(subject.job.tfx_version.split(".")[:2])
    context = subject.context
    if context and context.image_tfx and line and line != context.image_tfx:
        yield Finding(
            "tfx-line",
            "warning",
            None,
            "pipelineSpec.sdkVersion",
            f"TFX {subject.job.tfx_version} compiled the job, but vertex.image_tfx says that the image holds "
            f"{context.image_tfx}: executors, their arguments and artifact types may differ.",
            "Compile with the TFX line of the image, or inside the image.",
        )


def resources(subject: Subject) -> Iterator[Finding]:
    """Finds containers without limits of CPU and memory.

    Args:
        subject: The job.
    """
    if subject.is_yaml:
        return  # on Kubernetes, a pod without limits takes what its node has
    for task in subject.tasks:
        if task.executor.HasField("container") and not _has_limits(subject, task):
            yield Finding(
                "no-resources",
                "warning",
                task.id,
                "container",
                "It requests neither CPU nor memory, so it runs on Vertex's default machine (e2-standard-4, 16 GB), "
                "even if it needs more.",
                "Set vertex.resources in the config, or vertex.task_resources for this task only.",
            )


def service_account(subject: Subject) -> Iterator[Finding]:
    """Checks that the submission or the job names the account that tasks run as.

    Args:
        subject: The job.
    """
    named = subject.job.document.get("serviceAccount")
    if subject.context and not subject.context.has_service_account and not named:
        yield Finding(
            "no-service-account",
            "warning",
            None,
            "vertex.service_account",
            "Tasks run as Compute Engine's default service account, which may edit the whole project, or may not "
            "exist.",
            "Name a service account that may read the data and write to the buckets, and nothing else.",
        )


def dataflow_workers(subject: Subject) -> Iterator[Finding]:
    """Checks whether Dataflow's workers would run in the image of the tasks.

    Args:
        subject: The job.
    """
    if subject.context and subject.context.workers_share_task_image:
        yield Finding(
            "dataflow-worker-user",
            "warning",
            None,
            "vertex.dataflow",
            "The workers run in vertex.image as the user of the image, which is not root in our image. Beam's start "
            "program writes to folders that Dataflow mounts as root, so the workers are expected not to start.",
            "Build the image with --target dataflow (the same image with root as its user), and name it in "
            "vertex.dataflow.image or with --dataflow-image; images/README.md says how.",
        )


def _has_limits(subject: Subject, task: Task) -> bool:
    # Read from the document: later versions of the proto have more fields for limits, which our version would not read.
    limits: Any = subject.job.document["pipelineSpec"]
    for key in ("deploymentSpec", "executors", task.label, "container", "resources"):
        limits = limits.get(key, {})
    return any(re.search("cpu|memory", key, re.IGNORECASE) for key in limits)
