"""RegistryPusher's executor: checks whether there is a model to register, and registers it."""

import logging
import posixpath
from collections.abc import Collection
from dataclasses import dataclass

from tfx import types
from tfx.components.pusher import executor as pusher_executor
from tfx.types import standard_artifacts

from common.atomicity import is_local
from configs.vertex.target import Target
from documents.registry import RegistryReport
from pipeline.ground.node import NodeExecutor
from pipeline.store.runs.metadata import MODEL_DIGEST
from pipeline.store.versions.files import reading
from pipeline.store.versions.folder import Version, versions
from pipeline.store.versions.withdrawn import withdrawn

# These names are private in TFX, which has no public ones for the properties that its Pusher sets.
PUSHED = pusher_executor._PUSHED_KEY
DESTINATION = pusher_executor._PUSHED_DESTINATION_KEY


@dataclass(frozen=True)
class Inputs:
    """The Pusher's record, whether it pushed a model or not."""

    pushed_model: standard_artifacts.PushedModel


@dataclass(frozen=True)
class Outputs:
    """The record of the registration."""

    registered_model: standard_artifacts.PushedModel


@dataclass(frozen=True)
class Parameters:
    """The serving folder, and where to register its live model."""

    serving_dir: str
    target: Target
    """The model in the registry, and the Endpoint."""


class Executor(NodeExecutor[Inputs, Outputs, Parameters], pusher_executor.Executor):
    """Registers the live model of the serving folder; marks its output artifact as TFX's Pusher does."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Registers the pushed model if it is the live one, and records what was done, or why nothing was done.

        Args:
            inputs: The Pusher's record.
            outputs: Where the record is written.
            parameters: The serving folder, the registry and the Endpoint.

        Raises:
            OutputError: The serving folder cannot be read.
            VertexError: Google Cloud refused, or could not be reached; the served model has not changed.
        """
        # Imported here because google.cloud.aiplatform_v1 takes 3 seconds to import: every machine imports this class,
        # but only this task needs Google Cloud.
        from pipeline.cloud.registry.api import RegistryApi
        from pipeline.cloud.registry.push import Overtaken, push, tidy
        from pipeline.cloud.registry.versions import Pushed

        target, serving_dir = parameters.target, parameters.serving_dir
        pushed, output = inputs.pushed_model, outputs.registered_model
        logger = logging.getLogger("perennial.registry")
        digest = pushed.get_string_custom_property(MODEL_DIGEST)
        with reading(serving_dir):
            kept_versions, withdrawn_models = versions(serving_dir), withdrawn(serving_dir)
        api = RegistryApi.of(target)
        if reason := _why_not(serving_dir, pushed, digest, kept_versions, withdrawn_models):
            self._record_not_registered(output, reason)
            if not is_local(serving_dir):
                tidy(api, target)
            return

        def why_not() -> str | None:
            with reading(serving_dir):
                return _why_not(serving_dir, pushed, digest, versions(serving_dir), withdrawn(serving_dir))

        try:
            live = Pushed(digest, kept_versions[-1].path, _run(output))
            result = push(api, target, live, withdrawn_models, why_not)
        except Overtaken as e:
            self._record_not_registered(output, str(e))
            return
        done = "registered" if result.is_new else "was already registered"
        logger.info("%s %s; traffic %s", result.model, done, dict(result.traffic))
        output.set_string_custom_property(MODEL_DIGEST, digest)
        self._MarkPushed(output, pushed_destination=result.model, pushed_version=str(result.number))
        RegistryReport(
            registered=True,
            model=result.model,
            version=result.number,
            is_new=result.is_new,
            previous_version=result.previous,
            traffic={str(version): percent for version, percent in result.traffic.items()},
            model_digest=digest,
            serving_path=kept_versions[-1].path,
        ).write(output.uri)

    def _record_not_registered(self, output: types.Artifact, reason: str) -> None:
        """Records that nothing was registered, and why."""
        logging.getLogger("perennial.registry").warning("not registered: %s", reason)
        self._MarkNotPushed(output)
        RegistryReport(registered=False, reason=reason).write(output.uri)


def _why_not(
    serving_dir: str,
    pushed: types.Artifact,
    digest: str,
    kept_versions: list[Version],
    withdrawn_models: Collection[str],
) -> str | None:
    """Explains why the model must not be registered; None if it is the live one.

    The Pusher's record may come from the cache, so from an older run: the present state of the serving folder decides.
    """
    if digest in withdrawn_models:
        return (
            "a rollback withdrew this model; `perennial vertex versions rollback VERSION` brings a version back on "
            "purpose"
        )
    if pushed.get_int_custom_property(PUSHED) != 1 or not digest:
        return "the Pusher did not push it"
    if not kept_versions or kept_versions[-1].digest != digest:
        live = (
            f"version {kept_versions[-1].number} holds another model" if kept_versions else "the folder has no version"
        )
        return f"it is not the live model of the serving folder: {live}"
    if is_local(serving_dir):  # in a rehearsal
        return f"{serving_dir} is a folder of this machine, which Vertex cannot read"
    return None


def _run(output: types.Artifact) -> str:
    """Returns the run's id: Vertex puts outputs into `<root>/<project number>/<run>/<task>/<output>`."""
    return posixpath.basename(posixpath.dirname(posixpath.dirname(output.uri.rstrip("/"))))
