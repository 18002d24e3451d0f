"""Names the folders of a pipeline on this machine that both the pipeline and the service use."""

from pathlib import Path

from configs.pipeline import PipelineConfig


def home(config: PipelineConfig) -> Path:
    """The folder that holds everything that a local pipeline and its service write."""
    return Path(config.output_dir) / config.name


def serving_dir(config: PipelineConfig) -> str:
    """The folder of pushed versions that the service follows, local or remote."""
    return config.service.serving_dir or str(home(config) / "serving")


def events_dir(config: PipelineConfig) -> Path:
    """The folder of exported events, which the next run reads as a part of the log."""
    return home(config) / "events"


def database_file(config: PipelineConfig) -> Path:
    """The SQLite file of the service, if the config names no other database."""
    return home(config) / "service" / "perennial.db"


def service_cache_dir(config: PipelineConfig) -> Path:
    """The folder of what the service makes from versions."""
    return Path(config.service.cache_dir) if config.service.cache_dir else home(config) / "service" / "cache"
