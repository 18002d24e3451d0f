"""What a Vertex CustomJob for training is made of, from the config's `vertex` section. Settings alone, never a path.

A CustomJob has a machine of its own, of a type that is chosen by name; a pipeline's task has what Vertex finds for its
CPU and memory. See `pipeline.components.two_tower_trainer.custom_job` for who starts it.
"""

from typing import Any

from configs.vertex.section import Vertex

PROJECT, REGION, API_ENDPOINT, CUSTOM_JOB = "project", "region", "api_endpoint", "custom_job"
"""Keys of what `training_job` returns."""


def training_job(vertex: Vertex, pipeline_name: str) -> dict[str, Any] | None:
    """Describes the CustomJob.

    Args:
        vertex: The config's section.
        pipeline_name: Of which the job's name is made, and a label.

    Returns:
        JSON values: `project`, `region` and `api_endpoint`, where it is started, and `custom_job`, a CustomJob
        (https://cloud.google.com/vertex-ai/docs/reference/rest/v1/projects.locations.customJobs) that lacks what only
        the task knows: its command, and where it writes. None where training runs in the pipeline's task.
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
