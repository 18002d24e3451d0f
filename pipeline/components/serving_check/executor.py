"""ServingCheck's executor: copies the model to this machine, has it checked, and records the outcome."""

import logging
import os
import tempfile
from dataclasses import dataclass

from tfx import types
from tfx.dsl.io import fileio
from tfx.types import standard_artifacts
from tfx.utils import io_utils, path_utils

from configs.push import ServingCheckSettings
from documents.serving_check import ServingCheckReport
from pipeline.components.serving_check.process import check, refused
from pipeline.ground.infra_blessing import BLESSED_FILE, BLESSED_PROPERTY, NOT_BLESSED_FILE
from pipeline.ground.node import NodeExecutor
from serving_signatures.export import OF_EMBEDDINGS, SIGNATURES


@dataclass(frozen=True)
class Inputs:
    """The exported model."""

    model: standard_artifacts.Model


@dataclass(frozen=True)
class Outputs:
    """The blessing that InfraValidator would write, for the Pusher."""

    blessing: standard_artifacts.InfraBlessing


@dataclass(frozen=True)
class Parameters:
    """The limits."""

    settings: ServingCheckSettings


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Blesses the model, or does not; a model that fails the check never stops the pipeline."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Decides whether the model may be served, by asking all its signatures in a process without our code.

        Writes the blessing, and `serving_check.json` with what was found.

        Args:
            inputs: The model.
            outputs: Where the blessing is written.
            parameters: The limits.
        """
        settings = parameters.settings
        model = path_utils.serving_model_path(inputs.model.uri)
        names = [signature.name for signature in SIGNATURES if signature.name not in OF_EMBEDDINGS]
        if not fileio.exists(model):
            report = refused("there is no model, because its training failed", settings)
        elif "://" in model:
            # The script can read only files of this machine.
            with tempfile.TemporaryDirectory() as folder:
                local = os.path.join(folder, "model")
                io_utils.copy_dir(model, local)
                report = check(local, names, sorted(OF_EMBEDDINGS), settings)
        else:
            report = check(model, names, sorted(OF_EMBEDDINGS), settings)
        _write(outputs.blessing, report)


def _write(blessing: types.Artifact, report: ServingCheckReport) -> None:
    logger = logging.getLogger("perennial.serving_check")
    if report.blessed:
        slowest = max(figures.latency_ms.p95 for figures in report.signatures.values() if figures.latency_ms)
        logger.info(
            "all %d signatures answer like the trainer's model; loaded in %.1f s, slowest p95 %.1f ms",
            len(report.signatures),
            report.load_seconds,
            slowest,
        )
    for failure in report.failures:
        logger.warning("not blessed: %s", failure)
    report.write(blessing.uri)
    file = BLESSED_FILE if report.blessed else NOT_BLESSED_FILE
    io_utils.write_string_file(os.path.join(blessing.uri, file), "")
    blessing.set_int_custom_property(BLESSED_PROPERTY, int(report.blessed))
