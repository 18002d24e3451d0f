"""Pusher's executor: TFX's executor with another push."""

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
    """The exported model, and the blessings of evaluation and ServingCheck. TFX's Pusher requires neither blessing."""

    model: standard_artifacts.Model
    model_blessing: standard_artifacts.ModelBlessing
    infra_blessing: standard_artifacts.InfraBlessing


@dataclass(frozen=True)
class Outputs:
    """The record of the push."""

    pushed_model: standard_artifacts.PushedModel


@dataclass(frozen=True)
class Parameters:
    """Where to push, and how many versions to keep there."""

    push_destination: pusher_pb2.PushDestination
    """The serving folder, as `filesystem`."""

    settings: PushSettings


class Executor(NodeExecutor[Inputs, Outputs, Parameters], pusher_executor.Executor):
    """Pushes a model that both checks blessed; marks its output artifact as TFX's Pusher does."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Makes the model the live version if both checks blessed it, and records in either case what was done.

        Args:
            inputs: The model and both blessings.
            outputs: Where the record is written.
            parameters: The serving folder, and how many versions are kept in it.

        Raises:
            OutputError: The serving folder cannot be written; the live version has not changed.
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
        result = push(model, serving_dir, parameters.settings.keep_versions)
        pushed.set_string_custom_property(MODEL_DIGEST, result.digest)
        if result.version is None:
            logger.warning("not pushed: %s", result.reason)
            self._MarkNotPushed(pushed)
        else:
            version = str(result.version)
            done = (
                f"pushed version {version}"
                if result.is_new
                else f"version {version} is already live and has not changed"
            )
            logger.info(done)
            self._MarkPushed(pushed, pushed_destination=result.path, pushed_version=version)
        PushReport(
            pushed=result.version is not None,
            reason=result.reason,
            version=result.version,
            is_new=result.is_new,
            destination=result.path,
            model_digest=result.digest,
            deleted_versions=result.deleted,
        ).write(pushed.uri)


def _why_not(inputs: Inputs) -> str | None:
    """Explains why the model must not be pushed; None if both checks blessed it."""
    if inputs.model_blessing.get_int_custom_property(WITHDRAWN):
        return "a rollback withdrew its blessing"
    if not model_utils.is_model_blessed(inputs.model_blessing):
        return "not blessed by evaluation"
    if not model_utils.is_infra_validated(inputs.infra_blessing):
        return "not blessed by ServingCheck"
    return None
