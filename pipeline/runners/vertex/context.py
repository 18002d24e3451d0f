"""What a config says of a job's submission that the job itself does not, for lint."""

from configs.pipeline import PipelineConfig
from pipeline.job.lint import JobContext


def job_context(config: PipelineConfig | None) -> JobContext | None:
    """Reads the `vertex` section.

    Args:
        config: The config that the job was compiled from, if it is known.

    Returns:
        None without a config, or without that section.
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
