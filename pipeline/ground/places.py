"""Where a pipeline reads and writes. Only this differs between this machine and Vertex."""

from dataclasses import dataclass
from typing import Any

from configs.vertex.target import Target

INTERACTIONS_SCHEMA = "interactions.pbtxt"
CATALOGUE_SCHEMA = "catalogue.pbtxt"


@dataclass(frozen=True)
class CuratedSchema:
    """A schema file that people maintain."""

    path: str
    """Where the run finds it, local or `gs://`."""

    digest: str
    """SHA-256 of its content, 64 hexadecimal digits: it is in the cache key, so that an edited file is read again."""


@dataclass(frozen=True)
class Places:
    """The places of one pipeline; paths are local or `gs://`."""

    pipeline_root: str
    """The folder of artifacts."""

    serving_dir: str
    """The folder of pushed models, with one folder for each version."""

    log_paths: str | dict[str, str]
    """Glob of the log's files, or one glob for each split."""

    catalogue_path: str | None
    """Glob of the catalogue's files."""

    interactions_schema: CuratedSchema | None
    """The curated schema of interaction Examples; None to infer it."""

    catalogue_schema: CuratedSchema | None
    """The curated schema of catalogue Examples; None to infer it."""

    metadata_path: str | None = None
    """The local metadata store's SQLite file. None: the backend has its own store, and the model in service counts as
    the last blessed one."""

    tuning_dir: str | None = None
    """Tuner's folder: the trials of a search that is not finished, and a note that names the newest result. None: a
    search that is interrupted begins again."""

    image: str | None = None
    """The container image of every task on Vertex; None on this machine."""

    beam_pipeline_args: tuple[str, ...] | None = None
    """Flags for every Beam component. None: the config's flags, which run Beam in the task itself."""

    registry: Target | None = None
    """The Model Registry in which pushed models are also registered, on Vertex only. None: they are not registered."""

    training_job: dict[str, Any] | None = None
    """The Vertex CustomJob that the trainer starts, see `pipeline.cloud.training`. None: training runs in the task
    itself."""
