"""Where a pipeline reads and writes. This is all that differs between this machine and Vertex."""

from dataclasses import dataclass
from typing import Any

from configs.vertex.target import Target

INTERACTIONS_SCHEMA = "interactions.pbtxt"
CATALOGUE_SCHEMA = "catalogue.pbtxt"


@dataclass(frozen=True)
class CuratedSchema:
    """A schema file that people keep."""

    path: str
    """Where the run finds it, local or `gs://`."""

    digest: str
    """SHA-256 of its content, 64 hexadecimal digits, so that an edit is not answered from the cache."""


@dataclass(frozen=True)
class Places:
    """Resolved places of one pipeline; paths are local or `gs://`."""

    pipeline_root: str
    """Artifacts."""

    serving_dir: str
    """Pushed models, one folder a version."""

    log_paths: str | dict[str, str]
    """Globs of the log's files, one or one per split."""

    catalogue_path: str | None
    """Glob of the catalogue's files."""

    interactions_schema: CuratedSchema | None
    """The curated schema of interaction Examples; None to infer it."""

    catalogue_schema: CuratedSchema | None
    """The curated schema of catalogue Examples; None to infer it."""

    metadata_path: str | None = None
    """The local metadata store's SQLite file. None: the backend keeps its own, and the last blessed model is found by
    what is served."""

    image: str | None = None
    """The container image of every task on Vertex; on this machine there is none."""

    beam_pipeline_args: tuple[str, ...] | None = None
    """Flags for every Beam component. None: the config's, which run it where its task is."""

    registry: Target | None = None
    """The Model Registry to which pushed models go besides, on Vertex alone. None: to none."""

    training_job: dict[str, Any] | None = None
    """The Vertex CustomJob that the trainer starts, see `pipeline.cloud.training`. None: it trains where it runs."""
