"""Resolves the places of a pipeline: on this machine, or in the buckets of the config's `vertex` section."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from common.errors import ConfigError
from configs.pipeline import PipelineConfig
from configs.vertex.target import Target
from pipeline import datasets
from pipeline.cloud.dataflow import dataflow_args
from pipeline.cloud.training import training_job
from pipeline.ground.home import local_events_dir, local_home, local_metadata_path, local_serving_dir
from pipeline.ground.places import CATALOGUE_SCHEMA, INTERACTIONS_SCHEMA, CuratedSchema, Places
from pipeline.reading.event_files import with_events


def local_places(config: PipelineConfig) -> Places:
    """Returns the places on this machine, all under `<output_dir>/<name>/`.

    Raises:
        DataSetError: A `dataset://` data set has not been fetched.
    """
    home = local_home(config)
    return Places(
        pipeline_root=str(home / "artifacts"),
        serving_dir=local_serving_dir(config),
        metadata_path=local_metadata_path(config),
        tuning_dir=str(home / "tuning"),
        log_paths=_log_paths(config, datasets.resolve, str(local_events_dir(config))),
        catalogue_path=datasets.resolve(config.catalogue.path) if config.catalogue else None,
        interactions_schema=_curated(config, INTERACTIONS_SCHEMA),
        catalogue_schema=_curated(config, CATALOGUE_SCHEMA),
    )


def vertex_places(config: PipelineConfig) -> Places:
    """Returns the places in the buckets of the config's `vertex` section.

    Raises:
        ConfigError: There is no such section, or the job would contain a path of this machine.
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
        tuning_dir=f"{vertex.pipeline_root.rstrip('/')}/tuning/{config.name}",
        image=vertex.image,
        beam_pipeline_args=dataflow_args(vertex, config.name),
        registry=Target.of(config) if vertex.registry is not None else None,
        training_job=training_job(vertex, config.name),
        log_paths=_log_paths(config, in_bucket, vertex.events_dir),
        catalogue_path=in_bucket(config.catalogue.path) if config.catalogue else None,
        interactions_schema=schema(INTERACTIONS_SCHEMA),
        catalogue_schema=schema(CATALOGUE_SCHEMA),
    )


def _log_paths(config: PipelineConfig, resolve: Callable[[str], str], events_dir: str | None) -> str | dict[str, str]:
    """Resolves the patterns of the log, with those of exported events if these are a part of it."""
    paths = _each(config.log.path, resolve)
    if not config.log.events:
        return paths
    if events_dir is None:
        raise ConfigError(
            f"pipeline {config.name}: log.events is true, and vertex.events_dir does not name the bucket folder that "
            "exported events are copied to."
        )
    buckets = {path.split("/")[2] for path in [events_dir, *_values(paths)] if path.startswith("gs://")}
    if len(buckets) > 1:
        raise ConfigError(
            f"pipeline {config.name}: the log's files and vertex.events_dir must be in one bucket, because one "
            f"ExampleGen reads both from one folder. Received: {', '.join(sorted(buckets))}."
        )
    return with_events(paths, events_dir.rstrip("/"))


def _values(paths: str | Mapping[str, str]) -> list[str]:
    return [paths] if isinstance(paths, str) else list(paths.values())


def _each(path: str | Mapping[Any, str], resolve: Callable[[str], str]) -> str | dict[str, str]:
    return resolve(path) if isinstance(path, str) else {split: resolve(glob) for split, glob in path.items()}


def _curated(config: PipelineConfig, file: str) -> CuratedSchema | None:
    path = Path(config.schema_dir, config.name, file)
    return CuratedSchema(str(path), hashlib.sha256(path.read_bytes()).hexdigest()) if path.exists() else None
