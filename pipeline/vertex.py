"""Compiles a pipeline into the job that Vertex AI Pipelines runs. No credentials, no network."""

from configs.pipeline import PipelineConfig
from pipeline.places import vertex_places

# isort: split
# After our own rooms, which set Keras 2 before TensorFlow is imported.
from tfx import v1 as tfx

from pipeline.pipeline import create_pipeline


def compile_job(config: PipelineConfig, output_dir: str | None = None, output_filename: str = "pipeline.json") -> None:
    """Writes the job as JSON.

    Args:
        config: The pipeline, with its `vertex` section.
        output_dir: Where to write. None: the current folder, or where the `tfx` CLI wants it.
        output_filename: The file's name.

    Raises:
        ConfigError: The config says nothing of Vertex, or names a path that Vertex cannot read.
    """
    places = vertex_places(config)
    runner = tfx.orchestration.experimental.KubeflowV2DagRunner(
        config=tfx.orchestration.experimental.KubeflowV2DagRunnerConfig(default_image=places.image),
        output_dir=output_dir,
        output_filename=output_filename,
    )
    runner.run(create_pipeline(config, places))
