"""RegistryPusher's executor: sees whether there is something to register, and has it done."""

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

# TFX keeps these names to itself, and has no others for what its Pusher writes down.
PUSHED = pusher_executor._PUSHED_KEY
DESTINATION = pusher_executor._PUSHED_DESTINATION_KEY


@dataclass(frozen=True)
class Inputs:
    """What the Pusher pushed, or did not."""

    pushed_model: standard_artifacts.PushedModel


@dataclass(frozen=True)
class Outputs:
    """The record of the registration."""

    registered_model: standard_artifacts.PushedModel


@dataclass(frozen=True)
class Parameters:
    """What is live, and where it is registered."""

    serving_dir: str
    target: Target
    """The model in the registry, and the Endpoint."""


class Executor(NodeExecutor[Inputs, Outputs, Parameters], pusher_executor.Executor):
    """Registers what is live in the serving folder; marks the outcome as TFX's Pusher does."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Registers the pushed model if it is what is live, and writes down what was done or why nothing was.

        Args:
            inputs: The Pusher's record.
            outputs: Where the record goes.
            parameters: The serving folder, the registry and the Endpoint.

        Raises:
            OutputError: The serving folder cannot be read.
            VertexError: Google Cloud refused, or could not be reached; what was served still is.
        """
        # Here, since google.cloud.aiplatform_v1 takes 3 seconds to import: the pipeline needs this class on every
        # machine, and Google Cloud in this task alone.
        from pipeline.cloud.registry.api import RegistryApi
        from pipeline.cloud.registry.push import Overtaken, push, tidy
        from pipeline.cloud.registry.versions import Pushed

        target, serving_dir = parameters.target, parameters.serving_dir
        pushed, output = inputs.pushed_model, outputs.registered_model
        logger = logging.getLogger("perennial.registry")
        digest = pushed.get_string_custom_property(MODEL_DIGEST)
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
        RegistryReport(
            registered=True,
            model=came.model,
            version=came.number,
            is_new=came.is_new,
            previous_version=came.previous,
            traffic={str(version): percent for version, percent in came.traffic.items()},
            model_digest=digest,
            serving_path=standing[-1].path,
        ).write(output.uri)

    def _leave(self, output: types.Artifact, reason: str) -> None:
        """Registers nothing, and says why."""
        logging.getLogger("perennial.registry").warning("not registered: %s", reason)
        self._MarkNotPushed(output)
        RegistryReport(registered=False, reason=reason).write(output.uri)


def _why_not(
    serving_dir: str,
    pushed: types.Artifact,
    digest: str,
    standing: list[Version],
    out: Collection[str],
) -> str | None:
    """Why the model must not be registered; None if it is what is live.

    The Pusher's word may be an older run's, from the cache: what counts is what the serving folder says now.
    """
    if digest in out:
        return (
            "a rollback withdrew this model; `perennial vertex versions rollback VERSION` brings a version back on "
            "purpose"
        )
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
