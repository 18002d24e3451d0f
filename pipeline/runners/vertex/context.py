"""Gives lint what the config says about a job's submission and the job itself does not contain."""

from configs.pipeline import PipelineConfig
from pipeline.job.lint import JobContext


def job_context(config: PipelineConfig | None) -> JobContext | None:
    """Makes lint's context from the `vertex` section.

    Args:
        config: The config that the job was compiled from. None: it is not known.

    Returns:
        The context; None without a config or without that section.
    """
    vertex = config.vertex if config else None
    if vertex is None:
        return None
    dataflow = vertex.dataflow
    return JobContext(
        image_tfx=vertex.image_tfx,
        has_service_account=bool(vertex.service_account),
        workers_share_task_image=dataflow is not None and dataflow.image is None and dataflow.setup_file is None,
    )
