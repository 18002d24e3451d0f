"""ServedModel's executor: reads where the live version came from."""

import logging
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from pipeline.components.served_model.presence import mark_absent
from pipeline.runs.metadata import MODEL_DIGEST
from pipeline.versions.files import reading
from pipeline.versions.folder import live_artifact, versions

SERVING_DIR_KEY = "serving_dir"
CODE_DIGEST_KEY = "code_digest"
MODEL_KEY = "model"

VERSION = "version"
"""Custom property: the number under which the model is live, for people; `model_digest` says which it is."""

_LOGGER = logging.getLogger("perennial.served_model")


class Executor(base_executor.BaseExecutor):
    """Gives out the live version's model artifact, or one that stands for none."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Looks.

        Args:
            input_dict: Nothing.
            output_dict: `model`, whose place becomes that of the artifact found.
            exec_properties: `serving_dir`.

        Raises:
            OutputError: The serving folder cannot be read.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(output_dict[MODEL_KEY])
        serving_dir = exec_properties[SERVING_DIR_KEY]
        with reading(serving_dir):
            kept, found = versions(serving_dir), live_artifact(serving_dir)
        if found is None:
            if kept:
                _LOGGER.warning(
                    "%s: the artifact that its live version %d was pushed from is gone, so this run compares with no "
                    "model and starts from none, as a first run does",
                    *(serving_dir, kept[-1].number),
                )
            mark_absent(model)
            return
        _LOGGER.info("the model that is served, as version %d, was made in %s", kept[-1].number, found)
        model.set_string_custom_property(MODEL_DIGEST, kept[-1].digest)
        model.set_int_custom_property(VERSION, kept[-1].number)
        model.uri = found
