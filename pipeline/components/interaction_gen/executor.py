"""InteractionGen's executor: runs the Beam pipeline, checks its outcome, and leaves the whole artifact or nothing."""

import logging
import os
import time
from typing import Any

from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.dsl.io import fileio
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from configs.ids import Ids
from configs.log import LogSettings
from configs.serving import Serving
from documents.cleaning import EVAL, TRAIN, CleaningReport
from documents.event_statistics import EventStatistics
from pipeline.components.interaction_gen import interactions, outliers, stages
from pipeline.components.interaction_gen.outcome import IngestOutcome, judge
from pipeline.ground.output import all_or_nothing
from pipeline.reading import event_files, files, settings
from pipeline.reading.files import require_match
from pipeline.reading.pace import rate

LOG_KEY = "log"
"""The key of the log's config in `custom_config`."""

IDS_KEY = "ids"
"""The key of the ids' config in `custom_config`."""

SERVING_KEY = "serving"
"""The key of what is left out, in `custom_config`: `serving` of the config, with `leave_out` alone."""


MAX_HISTORY_KEY = "max_history"
"""The key of `service.max_history` in `custom_config`."""


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, cleans, groups and splits the log."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Decides whether the log can be used, and writes its cleaned interactions as Examples.

        Args:
            input_dict: Empty.
            output_dict: `examples`: the artifact, with splits `train` and `eval`, `cleaning.json`, the files of
                `ground.layout`, and `events.json` if an export wrote one.
            exec_properties: As for TFX's file-based ExampleGen; the log's config is in `custom_config`.

        Raises:
            DataError: The log cannot be used; the artifact's folder is left empty.
            OutputError: The artifact's folder cannot be written.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        started = time.monotonic()
        values = settings.unpack(exec_properties)
        log, ids = LogSettings.model_validate(values[LOG_KEY]), Ids.model_validate(values[IDS_KEY])
        base, patterns = settings.input_globs(exec_properties)
        for split, pattern in patterns.items():
            if split not in event_files.OPTIONAL:
                require_match(os.path.join(base, pattern))
        found = event_files.sort_inputs(files.list_files(base, patterns))
        inputs = found.rows
        examples = artifact_utils.get_single_instance(output_dict[standard_component_specs.EXAMPLES_KEY])
        job = stages.InteractionIngest(
            log=log,
            ids=ids,
            leave_out=Serving.model_validate(values[SERVING_KEY]).rule,
            shards=log.num_shards or interactions.shards_of(inputs),
            now_seconds=time.time(),
            uri=examples.uri,
            max_history=values[MAX_HISTORY_KEY],
            forgotten=found.forgotten,
        )
        size = sum(file.bytes for file in inputs)
        logger = logging.getLogger(stages.LOGGER)
        logger.info("reading %d file(s), %.1f MiB, in %d shard(s) of users", len(inputs), size / (1 << 20), job.shards)
        with all_or_nothing(examples.uri):
            with self._make_beam_pipeline() as pipeline:
                stages.build(pipeline, inputs, job)
            report = judge(IngestOutcome.read(examples.uri), log, found.events_export)
            report.write(examples.uri)
            if found.statistics is not None:
                EventStatistics.read(found.statistics).write(examples.uri)
            fileio.remove(os.path.join(examples.uri, IngestOutcome.FILE))
        for outlier in report.outliers:
            logger.warning("%s", outliers.warning(outlier))
        if report.forgotten_rows:
            logger.info("%d row(s) of forgotten users were dropped", report.forgotten_rows)
        _describe(examples, report)
        train, held_out = report.splits[TRAIN], report.splits[EVAL]
        logger.info(
            "%s; %d bad; %s users and %s items for training, %s users for evaluation",
            rate(report.rows, time.monotonic() - started),
            report.bad_rows,
            f"{train.users:,}",
            f"{train.items:,}",
            f"{held_out.users:,}",
        )


def _describe(examples: types.Artifact, report: CleaningReport) -> None:
    examples.split_names = artifact_utils.encode_split_names([TRAIN, EVAL])
    examples_utils.set_payload_format(examples, example_gen_pb2.FORMAT_TF_EXAMPLE)
    examples_utils.set_file_format(examples, "tfrecords_gzip")
    examples.set_int_custom_property("rows", report.rows)
    examples.set_int_custom_property("bad_rows", report.bad_rows)
    for split, numbers in report.splits.items():
        for name, number in numbers:
            examples.set_int_custom_property(f"{split}_{name}", number)
