"""Pusher's executor: TFX's executor with another push, and with the service's data beside the model."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tfx.components.pusher import executor as pusher_executor
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils, path_utils

from common.atomicity import is_local
from configs.push import PushSettings
from configs.service.pushed_data import PushedData
from documents.evaluation import EvaluationReport
from documents.push_report import PushReport
from pipeline.components.pusher.service_data import Sources, write_service_data
from pipeline.ground.node import NodeExecutor
from pipeline.store.runs.metadata import MODEL_DIGEST, WITHDRAWN
from pipeline.store.versions.push import push


@dataclass(frozen=True)
class Inputs:
    """The exported model, its blessings by evaluation and ServingCheck, and what the service needs beside it.

    TFX's Pusher requires neither blessing.
    """

    model: standard_artifacts.Model
    model_blessing: standard_artifacts.ModelBlessing
    infra_blessing: standard_artifacts.InfraBlessing
    interactions: standard_artifacts.Examples
    """InteractionGen's Examples, for the histories and what the log says about items."""

    catalogue: standard_artifacts.Examples
    """CatalogueGen's Examples, for titles and content features as they were read."""

    evaluation: standard_artifacts.ModelEvaluation
    """What the gate measured and decided."""


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
    service_data: PushedData


class Executor(NodeExecutor[Inputs, Outputs, Parameters], pusher_executor.Executor):
    """Pushes a model that both checks blessed; marks its output artifact as TFX's Pusher does."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Makes the model the live version if both checks blessed it, and records in either case what was done.

        Args:
            inputs: The model, both blessings, and what the service needs.
            outputs: Where the record is written.
            parameters: The serving folder, and how many versions are kept in it.

        Raises:
            OutputError: The serving folder, or the output's, cannot be written; the live version has not changed.
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
        with _work_dir(pushed.uri) as service_data:
            write_service_data(service_data, _sources(inputs), parameters.service_data)
            result = push(model, serving_dir, parameters.settings.keep_versions, service_data)
        pushed.set_string_custom_property(MODEL_DIGEST, result.digest)
        if result.version is None:
            logger.warning("not pushed: %s", result.reason)
            self._MarkNotPushed(pushed)
        else:
            version = str(result.version)
            logger.info(f"pushed version {version}" if result.is_new else f"version {version} is already live")
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


@contextmanager
def _work_dir(uri: str) -> Iterator[str]:
    """Makes a temporary folder, in the artifact's own if that is local: there the next run removes what a kill left."""
    if is_local(uri):
        os.makedirs(uri, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=uri if is_local(uri) else None) as folder:
        yield folder


def _sources(inputs: Inputs) -> Sources:
    patterns = [
        io_utils.all_files_pattern(uri)
        for split in artifact_utils.decode_split_names(inputs.catalogue.split_names)
        for uri in artifact_utils.get_split_uris([inputs.catalogue], split)
    ]
    return Sources(
        interactions=inputs.interactions.uri,
        catalogue_files=tuple(file for pattern in patterns for file in sorted(fileio.glob(pattern))),
        evaluation=EvaluationReport.read(inputs.evaluation.uri),
    )


def _why_not(inputs: Inputs) -> str | None:
    """Explains why the model must not be pushed; None if both checks blessed it."""
    if inputs.model_blessing.get_int_custom_property(WITHDRAWN):
        return "a rollback withdrew its blessing"
    if not model_utils.is_model_blessed(inputs.model_blessing):
        return "not blessed by evaluation"
    if not model_utils.is_infra_validated(inputs.infra_blessing):
        return "not blessed by ServingCheck"
    return None
