"""RegistryPusher's executor: sees whether there is something to register, and has it done."""

import logging
import posixpath
from typing import Any

from tfx import types
from tfx.components.pusher import executor as pusher_executor
from tfx.types import artifact_utils

from configs.vertex.target import Target
from pipeline.cloud.registry.api import RegistryApi
from pipeline.cloud.registry.push import Overtaken, push, tidy
from pipeline.cloud.registry.versions import Pushed
from pipeline.ground.json_report import write_json_report
from pipeline.store.runs.metadata import MODEL_DIGEST
from pipeline.store.versions.files import reading
from pipeline.store.versions.folder import Version, is_local, versions
from pipeline.store.versions.withdrawn import withdrawn

PUSHED_MODEL_KEY = "pushed_model"
REGISTERED_MODEL_KEY = "registered_model"
TARGET_KEY = "target"
SERVING_DIR_KEY = "serving_dir"
CODE_DIGEST_KEY = "code_digest"
REPORT_FILE = "registry.json"

# TFX keeps these names to itself, and has no others for what its Pusher writes down.
PUSHED = pusher_executor._PUSHED_KEY
DESTINATION = pusher_executor._PUSHED_DESTINATION_KEY


class Executor(pusher_executor.Executor):
    """Registers what is live in the serving folder; marks the outcome as TFX's Pusher does."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Registers.

        Args:
            input_dict: `pushed_model`.
            output_dict: `registered_model`.
            exec_properties: `serving_dir`, and `target` as JSON.

        Raises:
            OutputError: The serving folder cannot be read.
            VertexError: Google Cloud refused, or could not be reached; what was served still is.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        target = Target.model_validate_json(exec_properties[TARGET_KEY])
        pushed = artifact_utils.get_single_instance(input_dict[PUSHED_MODEL_KEY])
        output = artifact_utils.get_single_instance(output_dict[REGISTERED_MODEL_KEY])
        logger = logging.getLogger("perennial.registry")
        digest, serving_dir = pushed.get_string_custom_property(MODEL_DIGEST), exec_properties[SERVING_DIR_KEY]
        with reading(serving_dir):
            standing, out = versions(serving_dir), withdrawn(serving_dir)
        api = RegistryApi.of(target)
        if reason := _why_not(serving_dir, pushed, digest, standing, out):
            self._leave(output, reason)
            if not is_local(serving_dir):
                tidy(api, target)
            return

        def why_not() -> str | None:
            with reading(serving_dir):
                return _why_not(serving_dir, pushed, digest, versions(serving_dir), withdrawn(serving_dir))

        try:
            came = push(api, target, Pushed(digest, standing[-1].path, _run(output)), out, why_not)
        except Overtaken as e:
            self._leave(output, str(e))
            return
        logger.info("%s %s; traffic %s", came.model, "registered" if came.is_new else "was there", dict(came.traffic))
        output.set_string_custom_property(MODEL_DIGEST, digest)
        self._MarkPushed(output, pushed_destination=came.model, pushed_version=str(came.number))
        write_json_report(
            output.uri,
            REPORT_FILE,
            {
                "registered": True,
                "model": came.model,
                "version": came.number,
                "is_new": came.is_new,
                "previous_version": came.previous,
                "traffic": {str(version): percent for version, percent in came.traffic.items()},
                "model_digest": digest,
                "serving_path": standing[-1].path,
            },
        )

    def _leave(self, output: types.Artifact, reason: str) -> None:
        """Registers nothing, and says why."""
        logging.getLogger("perennial.registry").warning("not registered: %s", reason)
        self._MarkNotPushed(output)
        write_json_report(output.uri, REPORT_FILE, {"registered": False, "reason": reason})


def _why_not(
    serving_dir: str,
    pushed: types.Artifact,
    digest: str,
    standing: list[Version],
    out: dict[str, Any],
) -> str | None:
    """Why the model must not be registered; None if it is what is live.

    The Pusher's word may be an older run's, from the cache: what counts is what the serving folder says now.
    """
    if digest in out:
        return "a rollback withdrew this model; `perennial vertex rollback VERSION` brings a version back on purpose"
    if pushed.get_int_custom_property(PUSHED) != 1 or not digest:
        return "the Pusher did not push it"
    if not standing or standing[-1].digest != digest:
        live = f"version {standing[-1].number} holds another model" if standing else "nothing is there"
        return f"it is not what is live in the serving folder: {live}"
    if is_local(serving_dir):  # in a rehearsal
        return f"{serving_dir} is a folder of this machine, which Vertex cannot read"
    return None


def _run(output: types.Artifact) -> str:
    """The run's id: Vertex puts outputs into `<root>/<project number>/<run>/<task>/<output>`."""
    return posixpath.basename(posixpath.dirname(posixpath.dirname(output.uri.rstrip("/"))))
