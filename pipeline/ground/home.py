"""Names the folders of a local pipeline, which are all under `<output_dir>/<name>/`."""

from pathlib import Path

from configs.pipeline import PipelineConfig


def local_home(config: PipelineConfig) -> Path:
    """The folder that holds everything a local pipeline writes."""
    return Path(config.output_dir) / config.name


def local_serving_dir(config: PipelineConfig) -> str:
    """The folder of pushed models, with one folder for each version."""
    return str(local_home(config) / "serving")


def local_metadata_path(config: PipelineConfig) -> str:
    """The SQLite file of a local pipeline's metadata store."""
    return str(local_home(config) / "metadata.db")


def local_rehearsal_dir(config: PipelineConfig) -> Path:
    """The folder of a pipeline's rehearsals."""
    return local_home(config) / "rehearsal"
