"""ServingCheck's executor: brings the model to this machine, has it checked, writes down the outcome."""

import logging
import os
import tempfile
from typing import Any

from tfx import types
from tfx.components.infra_validator import executor as infra_validator
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from configs.push import ServingCheck
from pipeline.components.serving_check.process import check
from pipeline.ground.json_report import write_json_report
from serving_signatures.export import SIGNATURES

MODEL_KEY = "model"
BLESSING_KEY = "blessing"
SETTINGS_KEY = "settings"
CODE_DIGEST_KEY = "code_digest"
REPORT_FILE = "serving_check.json"

# TFX keeps these names to itself, and has no others for what Pushers and people look at.
BLESSED_PROPERTY = infra_validator._BLESSED_KEY
BLESSED_FILE = infra_validator._BLESSED_FILENAME
NOT_BLESSED_FILE = infra_validator._NOT_BLESSED_FILENAME


class Executor(base_executor.BaseExecutor):
    """Blesses, or does not; a model that fails never stops the pipeline."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Checks.

        Args:
            input_dict: `model`.
            output_dict: `blessing`.
            exec_properties: `settings`, the config section as JSON.
        """
        settings = ServingCheck.model_validate_json(exec_properties[SETTINGS_KEY])
        model = path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict[MODEL_KEY]))
        names = [signature.name for signature in SIGNATURES]
        if "://" in model:
            # The script knows this machine's files alone.
            with tempfile.TemporaryDirectory() as folder:
                local = os.path.join(folder, "model")
                io_utils.copy_dir(model, local)
                report = check(local, names, settings)
        else:
            report = check(model, names, settings)
        _write(artifact_utils.get_single_instance(output_dict[BLESSING_KEY]), report)


def _write(blessing: types.Artifact, report: dict[str, Any]) -> None:
    logger = logging.getLogger("perennial.serving_check")
    if report["blessed"]:
        slowest = max(figures["latency_ms"]["p95"] for figures in report["signatures"].values())
        logger.info(
            "all %d signatures answer as the trainer's model; loaded in %.1f s, slowest p95 %.1f ms",
            len(report["signatures"]),
            report["load_seconds"],
            slowest,
        )
    for failure in report["failures"]:
        logger.warning("not blessed: %s", failure)
    write_json_report(blessing.uri, REPORT_FILE, report)
    word = BLESSED_FILE if report["blessed"] else NOT_BLESSED_FILE
    io_utils.write_string_file(os.path.join(blessing.uri, word), "")
    blessing.set_int_custom_property(BLESSED_PROPERTY, int(report["blessed"]))
