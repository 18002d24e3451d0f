"""Pusher's executor: TFX's, with another way of pushing."""

import logging
from dataclasses import dataclass

from tfx.components.pusher import executor as pusher_executor
from tfx.components.util import model_utils
from tfx.proto import pusher_pb2
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from configs.push import PushSettings
from documents.push_report import PushReport
from pipeline.ground.node import NodeExecutor
from pipeline.store.runs.metadata import MODEL_DIGEST, WITHDRAWN
from pipeline.store.versions.push import push


@dataclass(frozen=True)
class Inputs:
    """The exported model, and what evaluation and ServingCheck decided. TFX's Pusher needs neither blessing."""

    model: standard_artifacts.Model
    model_blessing: standard_artifacts.ModelBlessing
    infra_blessing: standard_artifacts.InfraBlessing


@dataclass(frozen=True)
class Outputs:
    """The record of the push."""

    pushed_model: standard_artifacts.PushedModel


@dataclass(frozen=True)
class Parameters:
    """Where to push, and what is kept there."""

    push_destination: pusher_pb2.PushDestination
    """The serving folder, as `filesystem`."""

    settings: PushSettings


class Executor(NodeExecutor[Inputs, Outputs, Parameters], pusher_executor.Executor):
    """Pushes a model that both checks blessed; marks the outcome as TFX's Pusher does."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Makes the model the live version if both checks blessed it, and writes down what was done either way.

        Args:
            inputs: The model and both blessings.
            outputs: Where the record goes.
            parameters: The serving folder, and how many versions stay in it.

        Raises:
            OutputError: The serving folder cannot be written; what was live still is.
        """
        pushed = outputs.pushed_model
        logger = logging.getLogger("perennial.pusher")
        reason = _why_not(inputs)
        if reason is not None:
            logger.warning("not pushed: %s", reason)
            self._MarkNotPushed(pushed)
            PushReport(pushed=False, reason=reason).write(pushed.uri)
            return
        model = path_utils.serving_model_path(inputs.model.uri, path_utils.is_old_model_artifact(inputs.model))
        serving_dir = parameters.push_destination.filesystem.base_directory
        came = push(model, serving_dir, parameters.settings.keep_versions)
        pushed.set_string_custom_property(MODEL_DIGEST, came.digest)
        if came.version is None:
            logger.warning("not pushed: %s", came.reason)
            self._MarkNotPushed(pushed)
        else:
            version = str(came.version)
            logger.info(f"pushed version {version}" if came.is_new else f"version {version} is live already, unchanged")
            self._MarkPushed(pushed, pushed_destination=came.path, pushed_version=version)
        PushReport(
            pushed=came.version is not None,
            reason=came.reason,
            version=came.version,
            is_new=came.is_new,
            destination=came.path,
            model_digest=came.digest,
            deleted_versions=came.deleted,
        ).write(pushed.uri)


def _why_not(inputs: Inputs) -> str | None:
    """Why the model must not be pushed; None if both checks blessed it."""
    if inputs.model_blessing.get_int_custom_property(WITHDRAWN):
        return "a rollback withdrew its blessing"
    if not model_utils.is_model_blessed(inputs.model_blessing):
        return "not blessed by evaluation"
    if not model_utils.is_infra_validated(inputs.infra_blessing):
        return "not blessed by ServingCheck"
    return None
