"""ServedModel's executor: reads where the live version came from."""

import logging
import posixpath
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from pipeline.components.served_model.presence import mark_absent
from pipeline.versions.folder import SOURCE, versions

SERVING_DIR_KEY = "serving_dir"
CODE_DIGEST_KEY = "code_digest"
MODEL_KEY = "model"

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
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(output_dict[MODEL_KEY])
        found = _artifact_place(exec_properties[SERVING_DIR_KEY])
        if found is None:
            mark_absent(model)
            return
        _LOGGER.info("the model that is served was made in %s", found)
        model.uri = found


def _artifact_place(serving_dir: str) -> str | None:
    """The place of the artifact that the live version was pushed from; None if there is none any more."""
    kept = versions(serving_dir)
    source = kept[-1].record.get(SOURCE) if kept else None
    if not source or not tf.io.gfile.exists(source):
        reason = "nothing has been pushed" if not kept else f"version {kept[-1].number}'s artifact is gone"
        _LOGGER.info("there is no last blessed model in %s: %s", serving_dir, reason)
        return None
    return posixpath.dirname(source)
