"""ServedModel's executor: reads where the live version came from."""

import logging
from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from pipeline.ground.presence import mark_absent
from pipeline.store.runs.metadata import MODEL_DIGEST
from pipeline.store.versions.files import reading
from pipeline.store.versions.folder import Version, versions
from pipeline.store.versions.withdrawn import withdrawn

SERVING_DIR_KEY = "serving_dir"
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
        found = _newest_in_service(exec_properties[SERVING_DIR_KEY])
        if found is None:
            mark_absent(model)
            return
        _LOGGER.info("the model that is served, as version %d, was made in %s", found.number, found.artifact)
        model.set_string_custom_property(MODEL_DIGEST, found.digest)
        model.set_int_custom_property(VERSION, found.number)
        model.uri = found.artifact


def _newest_in_service(serving_dir: str) -> Version | None:
    """The version whose model a run compares with; None if there is none, or its artifact is not there.

    That is the live one, but while a rollback is at work, which first writes down what is to go.
    """
    with reading(serving_dir):
        out = withdrawn(serving_dir)
        found = next((version for version in reversed(versions(serving_dir)) if version.digest not in out), None)
        if found is None:
            _LOGGER.info("%s: nothing is served yet that a run could compare with or start from", serving_dir)
            return None
        if found.has_artifact:
            return found
        why = "is gone" if found.artifact else "is written down nowhere, as no run of this pipeline has pushed it"
        _LOGGER.warning(
            "%s: the artifact of version %d %s; this run compares with no model and starts from none, as a first run",
            *(serving_dir, found.number, why),
        )
        return None
