"""CatalogueGen's executor: reads the catalogue as one Beam element, adds missing items, and writes all or nothing."""

import json
import logging
import os
import time
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from common.errors import DataError
from configs.catalogue import CatalogueSettings
from configs.ids import Ids
from documents.catalogue import CatalogueReport
from pipeline.components.catalogue_gen.catalogue import make_catalogue
from pipeline.ground import records
from pipeline.ground.layout import ITEMS_FILE, QUARANTINE_FILE
from pipeline.ground.output import all_or_nothing, write_bytes
from pipeline.reading import files, settings
from pipeline.reading.files import InputFile, require_match
from pipeline.reading.pace import rate

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
        interacted = pq.read_table(pa.BufferReader(f.read()))
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
