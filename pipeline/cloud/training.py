"""Describes a Vertex CustomJob for training, from the config's `vertex` section: only settings, never a path.

A CustomJob has a machine of its own, of a type that is chosen by name; for a pipeline's task, Vertex chooses a machine
by CPU and memory. `pipeline.components.trainer.custom_job` starts the job.
"""

from typing import Any

from configs.vertex.section import Vertex

PROJECT, REGION, API_ENDPOINT, CUSTOM_JOB = "project", "region", "api_endpoint", "custom_job"
"""Keys of the mapping that `training_job` returns."""


def training_job(vertex: Vertex, pipeline_name: str) -> dict[str, Any] | None:
    """Describes the CustomJob.

    Args:
        vertex: The config's section.
        pipeline_name: The pipeline's name, used in the job's name and in a label.

    Returns:
        JSON values: `project`, `region` and `api_endpoint`, where it is started, and `custom_job`, a CustomJob
        (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs). The CustomJob lacks
        its command and its output path, which only the task knows. None if training runs in the pipeline's task.
    """
    pool = vertex.custom_job
    if pool is None:
        return None
    machine: dict[str, Any] = {"machine_type": pool.machine_type}
    if pool.accelerator is not None:
        machine |= {"accelerator_type": pool.accelerator.type, "accelerator_count": pool.accelerator.count}
    chosen = {
        "service_account": vertex.service_account,
        "network": vertex.network,
        "tensorboard": vertex.tensorboard,
    }
    return {
        PROJECT: vertex.project,
        REGION: vertex.region,
        API_ENDPOINT: vertex.api_endpoint,
        CUSTOM_JOB: {
            "display_name": f"{pipeline_name}-training",
            "labels": {"pipeline": pipeline_name, **vertex.labels},
            "job_spec": {
                "worker_pool_specs": [
                    {
                        "machine_spec": machine,
                        "replica_count": 1,
                        "disk_spec": {"boot_disk_size_gb": pool.boot_disk_gb},
                        "container_spec": {"image_uri": pool.image or vertex.image},
                    }
                ],
                "scheduling": {"timeout": {"seconds": pool.timeout_seconds}},
                **{name: value for name, value in chosen.items() if value is not None},
            },
        },
    }
