"""Writes what a service needs beside a model; see `documents.service_data`."""

import os
import posixpath
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import tensorflow as tf
from tfx.dsl.io import fileio

from common.errors import OutputError
from configs.service.pushed_data import PushedData
from documents.cleaning import CleaningReport
from documents.evaluation import EvaluationReport
from documents.service_data import FOLDER, HISTORIES_FILE, ITEMS_FILE, Histories, ServiceData
from pipeline.components.pusher.items import Met, item_schema, read_items
from pipeline.ground.layout import HISTORIES_FILES, ITEM_TIMES_FILE
from pipeline.ground.layout import ITEMS_FILE as COUNTS_FILE
from pipeline.ground.local_copy import local_copy
from pipeline.ground.parquet import read_tables, write_tables


@dataclass(frozen=True)
class Sources:
    """Where the data comes from; folders and files are local or remote."""

    interactions: str
    """Folder of InteractionGen's Examples."""

    catalogue_files: tuple[str, ...]
    """Gzipped TFRecords of CatalogueGen's Examples, in their order."""

    evaluation: EvaluationReport


def write_service_data(folder: str, sources: Sources, settings: PushedData) -> ServiceData:
    """Writes the document and the Parquet files into a local folder, under the paths that they have in a version.

    Args:
        folder: The folder.
        sources: Where the data comes from.
        settings: What there is.

    Returns:
        The document.

    Raises:
        OutputError: A file of the sources cannot be read, or one of the data's cannot be written.
    """
    try:
        os.makedirs(os.path.join(folder, FOLDER))
        items = write_tables(
            os.path.join(folder, ITEMS_FILE), item_schema(settings.features), _items(sources, settings)
        )
        histories = _histories(os.path.join(folder, HISTORIES_FILE), sources, settings)
    except (OSError, tf.errors.OpError, pa.ArrowInvalid) as e:
        raise OutputError(
            f"the service's data cannot be made of {sources.interactions} in {folder}: {e}. Free disk space; if an "
            "artifact is damaged, delete its folder. Then run again."
        ) from e
    document = ServiceData(
        items=items,
        features=settings.features,
        is_timed=settings.is_timed,
        histories=histories,
        events_export=CleaningReport.read(sources.interactions).events_export,
        metrics={name: contender.metrics for name, contender in sources.evaluation.contenders.items()},
        decision=sources.evaluation.decision,
    )
    document.write(folder)
    return document


def _items(sources: Sources, settings: PushedData) -> Iterator[Any]:
    counts = _read(posixpath.join(sources.interactions, COUNTS_FILE))
    times = _read(posixpath.join(sources.interactions, ITEM_TIMES_FILE)) if settings.is_timed else None
    return read_items(sources.catalogue_files, settings.features, Met(counts, times))


def _histories(path: str, sources: Sources, settings: PushedData) -> Histories | None:
    if not settings.max_history:
        return None
    pattern = posixpath.join(sources.interactions, HISTORIES_FILES)
    files = sorted(fileio.glob(pattern))
    if not files:
        raise FileNotFoundError(f"there is no {pattern}")
    with local_copy(files[0]) as first:
        schema = pq.read_schema(first)
    return Histories(users=write_tables(path, schema, _tables(files)), max_items=settings.max_history)


def _tables(files: Iterable[str]) -> Iterator[Any]:
    for file in files:
        with local_copy(file) as path:
            yield from read_tables(path)


def _read(path: str) -> Any:
    with local_copy(path) as local:
        return pq.read_table(local)
