"""Where a pipeline reads and writes: on this machine, or on Vertex. The only thing the two runners differ in."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from configs.errors import ConfigError
from configs.pipeline import PipelineConfig
from pipeline import datasets
from pipeline.vertex.dataflow import dataflow_args
from pipeline.vertex.registry.target import Target
from pipeline.vertex.training import training_job

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
    """The Vertex CustomJob that the trainer starts, see `pipeline.vertex.training`. None: it trains where it runs."""


def local_home(config: PipelineConfig) -> Path:
    """The folder of everything a local pipeline writes."""
    return Path(config.output_dir) / config.name


def local_serving_dir(config: PipelineConfig) -> str:
    """The folder of pushed models, one folder a version."""
    return str(local_home(config) / "serving")


def local_metadata_path(config: PipelineConfig) -> str:
    """The SQLite file of a local pipeline's metadata store."""
    return str(local_home(config) / "metadata.db")


def local_places(config: PipelineConfig) -> Places:
    """Places on this machine, all under `<output_dir>/<name>/`.

    Raises:
        DataSetError: A `dataset://` data set has not been fetched.
    """
    home = local_home(config)
    return Places(
        pipeline_root=str(home / "artifacts"),
        serving_dir=local_serving_dir(config),
        metadata_path=local_metadata_path(config),
        log_paths=_each(config.log.path, datasets.resolve),
        catalogue_path=datasets.resolve(config.catalogue.path) if config.catalogue else None,
        interactions_schema=_curated(config, INTERACTIONS_SCHEMA),
        catalogue_schema=_curated(config, CATALOGUE_SCHEMA),
    )


def vertex_places(config: PipelineConfig) -> Places:
    """Places in the buckets of the config's `vertex` section.

    Raises:
        ConfigError: There is no such section, or a path of this machine would end in the job.
    """
    vertex = config.vertex
    if vertex is None:
        raise ConfigError(
            f"pipeline {config.name}: the config has no 'vertex' section, so there is no bucket to run in. Add "
            "vertex: with pipeline_root, data_dir, serving_dir and image."
        )
    data_dir = vertex.data_dir.rstrip("/")

    def in_bucket(path: str) -> str:
        if path.startswith(datasets.SCHEME):
            return f"{data_dir}/{path.removeprefix(datasets.SCHEME)}"
        if not path.startswith("gs://"):
            raise ConfigError(
                f"pipeline {config.name}: {path} is a path of this machine, which Vertex cannot read. "
                f"Give a gs:// path, or a {datasets.SCHEME} path under vertex.data_dir."
            )
        return path

    def schema(file: str) -> CuratedSchema | None:
        local = _curated(config, file)
        if local is None:
            return None
        if vertex.schema_dir is None:
            raise ConfigError(
                f"pipeline {config.name}: a curated {file} is in use; copy {config.schema_dir} to a "
                "bucket and name that folder in vertex.schema_dir."
            )
        return CuratedSchema(f"{vertex.schema_dir.rstrip('/')}/{config.name}/{file}", local.digest)

    return Places(
        pipeline_root=vertex.pipeline_root,
        serving_dir=vertex.serving_dir,
        image=vertex.image,
        beam_pipeline_args=dataflow_args(vertex, config.name),
        registry=Target.of(config) if vertex.registry is not None else None,
        training_job=training_job(vertex, config.name),
        log_paths=_each(config.log.path, in_bucket),
        catalogue_path=in_bucket(config.catalogue.path) if config.catalogue else None,
        interactions_schema=schema(INTERACTIONS_SCHEMA),
        catalogue_schema=schema(CATALOGUE_SCHEMA),
    )


def _each(path: str | Mapping[Any, str], resolve: Callable[[str], str]) -> str | dict[str, str]:
    return resolve(path) if isinstance(path, str) else {split: resolve(glob) for split, glob in path.items()}


def _curated(config: PipelineConfig, file: str) -> CuratedSchema | None:
    path = Path(config.schema_dir, config.name, file)
    return CuratedSchema(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) if path.exists() else None
