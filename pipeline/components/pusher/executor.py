"""Pusher's executor: TFX's, with another way of pushing."""

import logging
from typing import Any

from tfx import types
from tfx.components.pusher import executor as pusher_executor
from tfx.components.util import model_utils
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import proto_utils

from configs.push import Push
from pipeline.ground.json_report import write_json_report
from pipeline.store.runs.metadata import MODEL_DIGEST, WITHDRAWN
from pipeline.store.versions.push import push

MODEL_KEY = standard_component_specs.MODEL_KEY
MODEL_BLESSING_KEY = standard_component_specs.MODEL_BLESSING_KEY
INFRA_BLESSING_KEY = standard_component_specs.INFRA_BLESSING_KEY
SETTINGS_KEY = "settings"
CODE_DIGEST_KEY = "code_digest"
REPORT_FILE = "push.json"


class Executor(pusher_executor.Executor):
    """Pushes a model that both checks blessed; marks the outcome as TFX's Pusher does."""

    def CheckBlessing(self, input_dict: dict[str, list[types.Artifact]]) -> bool:
        """Whether both blessings are there and say yes; TFX's takes one that is missing for a yes."""
        return _why_not(input_dict) is None

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes.

        Args:
            input_dict: `model`, `model_blessing` and `infra_blessing`.
            output_dict: `pushed_model`.
            exec_properties: `push_destination` as JSON, and `settings`, the config section as JSON.

        Raises:
            OutputError: The serving folder cannot be written; what was live still is.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        pushed = artifact_utils.get_single_instance(output_dict[standard_component_specs.PUSHED_MODEL_KEY])
        logger = logging.getLogger("perennial.pusher")
        if not self.CheckBlessing(input_dict):
            reason = _why_not(input_dict)
            logger.warning("not pushed: %s", reason)
            self._MarkNotPushed(pushed)
            write_json_report(pushed.uri, REPORT_FILE, {"pushed": False, "reason": reason})
            return
        settings = Push.model_validate_json(exec_properties[SETTINGS_KEY])
        destination = pusher_pb2.PushDestination()
        proto_utils.json_to_proto(exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination)
        serving_dir = destination.filesystem.base_directory
        came = push(self.GetModelPath(input_dict), serving_dir, settings.keep_versions)
        pushed.set_string_custom_property(MODEL_DIGEST, came.digest)
        if came.version is None:
            logger.warning("not pushed: %s", came.reason)
            self._MarkNotPushed(pushed)
        else:
            version = str(came.version)
            logger.info(f"pushed version {version}" if came.is_new else f"version {version} is live already, unchanged")
            self._MarkPushed(pushed, pushed_destination=came.path, pushed_version=version)
        write_json_report(
            pushed.uri,
            REPORT_FILE,
            {
                "pushed": came.version is not None,
                "reason": came.reason,
                "version": came.version,
                "is_new": came.is_new,
                "destination": came.path,
                "model_digest": came.digest,
                "deleted_versions": list(came.deleted),
            },
        )


def _why_not(input_dict: dict[str, list[types.Artifact]]) -> str | None:
    """Why the model must not be pushed; None if both checks blessed it."""
    evaluated, checked = input_dict.get(MODEL_BLESSING_KEY), input_dict.get(INFRA_BLESSING_KEY)
    if evaluated and artifact_utils.get_single_instance(evaluated).get_int_custom_property(WITHDRAWN):
        return "a rollback withdrew its blessing"
    if not evaluated or not model_utils.is_model_blessed(artifact_utils.get_single_instance(evaluated)):
        return "not blessed by evaluation"
    if not checked or not model_utils.is_infra_validated(artifact_utils.get_single_instance(checked)):
        return "not blessed by ServingCheck"
    return None
