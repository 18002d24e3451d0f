"""CatalogueGen's executor: reads the catalogue as one Beam element, adds missing items, and writes all or nothing."""

import json
import logging
import os
import time
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from common.errors import DataError
from configs.catalogue import CatalogueSettings
from configs.content_features import CategoryFeature, Feature
from configs.ids import Ids
from documents.catalogue import CatalogueReport
from pipeline.components.catalogue_gen import reading
from pipeline.components.catalogue_gen.reading import Items
from pipeline.ground import records
from pipeline.ground.layout import ITEMS_FILE, QUARANTINE_FILE
from pipeline.ground.output import all_or_nothing, write_bytes
from pipeline.reading import bad_rows, files, report, settings, spellings
from pipeline.reading.driver import require_match
from pipeline.reading.files import InputFile
from pipeline.reading.pace import rate
from pipeline.reading.report import ReadingReport
from transforms import features

_FAULT_FILE = "fault.txt"
"""The file in which the Beam worker tells the executor why the catalogue cannot be used."""

CATALOGUE_KEY = "catalogue"
"""The key of the catalogue's config in `custom_config`."""

IDS_KEY = "ids"
"""The key of the ids' config in `custom_config`."""

INTERACTIONS_KEY = "interactions"
"""The input channel of InteractionGen's Examples."""

SPLIT = "train"
"""The catalogue's only split. Transform analyses the split of this name."""

_SAMPLED_IDS = 3
"""Ids of the log and of the catalogue that the error about different ids shows."""


@dataclass(frozen=True)
class CatalogueIngest:
    """The one Beam element: what a worker needs to read and write the catalogue."""

    catalogue: CatalogueSettings | None
    ids: Ids
    inputs: list[InputFile]
    interactions_uri: str
    uri: str


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, checks and completes the catalogue."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Decides whether the catalogue can be used, and writes it with the missing items of the log as Examples.

        Args:
            input_dict: `interactions`: InteractionGen's Examples.
            output_dict: `examples`: the artifact, with the split `train`, `catalogue.json` and `quarantine.jsonl`.
            exec_properties: As for TFX's file-based ExampleGen; the catalogue's config is in `custom_config`.

        Raises:
            DataError: The catalogue cannot be used; the artifact's folder is left empty.
            OutputError: The artifact's folder cannot be written.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        started = time.monotonic()
        values = settings.unpack(exec_properties)
        ids = Ids.model_validate(values[IDS_KEY])
        described = values[CATALOGUE_KEY]
        catalogue = None if described is None else CatalogueSettings.model_validate(described)
        inputs = []
        if catalogue is not None:
            base, patterns = settings.input_globs(exec_properties)
            for pattern in patterns.values():
                require_match(os.path.join(base, pattern))
            inputs = files.list_files(base, patterns)
        interactions = artifact_utils.get_single_instance(input_dict[INTERACTIONS_KEY])
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        job = CatalogueIngest(catalogue, ids, inputs, interactions.uri, examples.uri)
        with all_or_nothing(examples.uri):
            with self._make_beam_pipeline() as pipeline:
                _ = pipeline | "CatalogueIngest" >> beam.Create([job]) | "Write" >> beam.Map(write_catalogue)
            fault_file = os.path.join(examples.uri, _FAULT_FILE)
            if fileio.exists(fault_file):
                with fileio.open(fault_file, "rb") as f:
                    raise DataError(f.read().decode())
            found = CatalogueReport.read(examples.uri)
        examples.split_names = artifact_utils.encode_split_names([SPLIT])
        examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
        examples_utils.set_file_format(examples, "tfrecords_gzip")
        for name in ("items", "added_items", "bad_rows"):
            examples.set_int_custom_property(name, getattr(found, name))
        logging.getLogger("perennial.catalogue_gen").info(
            "%s; %d bad; %d items, %d of them from the log only",
            rate(found.rows, time.monotonic() - started),
            found.bad_rows,
            found.items,
            found.added_items,
        )


def write_catalogue(job: CatalogueIngest) -> None:
    """Writes Examples, quarantine and report. A DataError becomes a file with its message, because Beam wraps errors.

    Args:
        job: The catalogue.
    """
    with fileio.open(os.path.join(job.interactions_uri, ITEMS_FILE), "rb") as f:
        interacted = pq.read_table(pa.BufferReader(f.read())).column(features.ITEM_ID).combine_chunks()
    try:
        table, found, quarantine = make_catalogue(job.inputs, job.catalogue, interacted, job.ids)
    except DataError as e:
        write_bytes(os.path.join(job.uri, _FAULT_FILE), str(e).encode(), job.uri)
        return
    path = os.path.join(job.uri, f"Split-{SPLIT}", "data_tfrecord-00000-of-00001.gz")
    records.write_records(path, encode(table), job.uri)
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in quarantine)
    write_bytes(os.path.join(job.uri, QUARANTINE_FILE), lines.encode(), job.uri)
    found.write(job.uri)


def make_catalogue(
    inputs: list[InputFile], catalogue: CatalogueSettings | None, interacted: Any, ids: Ids
) -> tuple[Any, CatalogueReport, list[dict[str, Any]]]:
    """Reads the catalogue, checks it, and adds the items of the log that it lacks.

    Args:
        inputs: The catalogue's files.
        catalogue: The config; None for a log without a catalogue.
        interacted: pyarrow string array of the items of the training split.
        ids: How ids are read.

    Returns:
        pyarrow.Table of the items in the order of the files, then the added items, sorted by id; the report; the
        quarantine.

    Raises:
        DataError: Too many bad rows, too few shared ids, or an id that is written in several ways.
    """
    if catalogue is None:
        items = Items(reading.ids_alone(interacted[:0], None), ReadingReport(), {}, 0)  # all are added from the log
    else:
        items = reading.read_catalogue(inputs, catalogue, ids)
    known = pc.is_in(interacted, value_set=items.table.column(features.ITEM_ID).combine_chunks())
    unknown = interacted.filter(pc.invert(known))
    if catalogue is not None:
        _require_usable(items, catalogue, interacted, unknown)
    added = unknown.take(pc.sort_indices(unknown))
    table = pa.concat_tables([items.table, reading.ids_alone(added, catalogue).cast(items.table.schema)])
    found = CatalogueReport(
        **dict(report.counts(items.report)),
        items=table.num_rows,
        untitled_items=items.untitled,
        interacted_items=len(interacted),
        added_items=len(added),
        unreadable={name: found.count for name, found in items.unreadable.items() if found.count},
        filled={name: _filled(table.column(name)) for name in (catalogue.features if catalogue else ())},
    )
    return table, found, report.quarantine_json(items.report)


def _require_usable(items: Items, catalogue: CatalogueSettings, interacted: Any, unknown: Any) -> None:
    """Refuses a catalogue with too many bad rows, or with too few of the log's items; it lacks those in `unknown`."""
    fault = report.fault(items.report, catalogue.max_bad_fraction, "catalogue.max_bad_fraction")
    if fault is not None:
        raise DataError(fault)
    _require_each_feature(items, catalogue)
    _require_one_spelling(items.table.column(features.ITEM_ID).combine_chunks(), unknown)
    shared = len(interacted) - len(unknown)
    if shared < catalogue.min_shared_fraction * len(interacted):
        in_catalogue = items.table.column(features.ITEM_ID).slice(0, _SAMPLED_IDS).to_pylist()
        in_log = unknown.slice(0, _SAMPLED_IDS).to_pylist()
        raise DataError(
            f"the catalogue has {shared} of the {len(interacted)} interacted items, less than "
            f"catalogue.min_shared_fraction {catalogue.min_shared_fraction:.0%}: the log and the catalogue use "
            f"different ids. The log has items such as [{bad_rows.listed(in_log)}]; the catalogue has "
            f"[{bad_rows.listed(in_catalogue)}] in column {catalogue.item_id!r}. Correct catalogue.item_id or "
            "log.columns.item_id."
        )


def _require_each_feature(items: Items, catalogue: CatalogueSettings) -> None:
    """Refuses a catalogue in which no item has a feature that the config names; warns of numbers that are none."""
    for name, feature in catalogue.features.items():
        others = items.unreadable[name]
        why = (
            f"{others.count} cell(s) of its column hold something else than a number, such as {others.example} "
            f"in {others.path}"
            if others.count
            else "its column is empty"
        )
        style = "set format.decimal, thousands or number_signs as the numbers are written, " if others.count else ""
        if items.table.num_rows and not _filled(items.table.column(name)):
            raise DataError(
                f"catalogue.features.{name}: no item has a value: {why}. Correct the column in the config "
                f"({_column_of(feature)}) or in the files, {style}or leave the feature out."
            )
        if others.count:
            logging.getLogger("perennial.catalogue_gen").warning("%s: %s; these items have no %s", name, why, name)


def _column_of(feature: Feature) -> str:
    if isinstance(feature, CategoryFeature) and feature.flags is not None:
        return f"flags {', '.join(repr(column) for column in feature.flags.values())}"
    return f"column {feature.column!r}"


def _require_one_spelling(in_catalogue: Any, unknown: Any) -> None:
    """Refuses ids that are written in several ways in the catalogue, or in another way than in the log."""
    both = pa.concat_arrays([in_catalogue, unknown])
    found = spellings.find(both, np.ones(len(both), np.int64))
    if not found.count:
        return
    in_log = set(unknown.to_pylist())
    shown = "; ".join(
        " and ".join(f"{bad_rows.cell(text)} in the {'log' if text in in_log else 'catalogue'}" for text, _ in example)
        for example in found.examples
    )
    raise DataError(f"item_id: {found.count} id(s) are written in several ways, such as {shown}. {spellings.ADVICE}")


def encode(table: Any) -> list[bytes]:
    """Encodes a table of items as serialized tf.Examples, in the same order."""
    columns = {}
    for name in table.column_names:
        column = table.column(name).combine_chunks()
        if isinstance(column, pa.ChunkedArray):
            column = pa.concat_arrays(column.chunks)
        if not pa.types.is_list(column.type):
            column = pa.ListArray.from_arrays(pa.array(range(len(column) + 1), pa.int32()), column)
        columns[name] = column.cast(pa.list_(pa.binary())) if column.type.value_type == pa.string() else column
    return records.encode(columns)


def _filled(lists: Any) -> int:
    """Counts the lists that are not empty."""
    return int(np.count_nonzero(np.asarray(pc.list_value_length(lists))))
