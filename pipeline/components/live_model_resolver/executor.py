"""LiveModelResolver's executor: finds the artifact that the live version was pushed from."""

import logging
from dataclasses import dataclass

from tfx.types import standard_artifacts

from pipeline.ground.node import NodeExecutor
from pipeline.ground.presence import mark_absent
from pipeline.store.runs.metadata import MODEL_DIGEST
from pipeline.store.versions.files import reading
from pipeline.store.versions.folder import Version, versions
from pipeline.store.versions.withdrawn import withdrawn

VERSION = "version"
"""Custom property: the number of the live version, for people; the model is identified by `model_digest`."""

_LOGGER = logging.getLogger("perennial.live_model_resolver")


@dataclass(frozen=True)
class Inputs:
    """No inputs."""


@dataclass(frozen=True)
class Outputs:
    """The model that is live."""

    model: standard_artifacts.Model


@dataclass(frozen=True)
class Parameters:
    """The serving folder."""

    serving_dir: str
    """Local or remote."""


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Outputs the live version's model artifact, or one that is marked as absent."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Finds the live version in the serving folder, and points the output at the artifact that it was pushed from.

        Args:
            inputs: None.
            outputs: The model; its URI becomes the URI of the artifact that was found.
            parameters: The serving folder.

        Raises:
            OutputError: The serving folder cannot be read.
        """
        model = outputs.model
        found = _newest_in_service(parameters.serving_dir)
        if found is None:
            mark_absent(model)
            return
        _LOGGER.info("the served model, version %d, was made in %s", found.number, found.artifact)
        model.set_string_custom_property(MODEL_DIGEST, found.digest)
        model.set_int_custom_property(VERSION, found.number)
        model.uri = found.artifact


def _newest_in_service(serving_dir: str) -> Version | None:
    """Finds the version whose model a run compares with; None if there is none, or its artifact is missing.

    This is the live version, except while a rollback is in progress: a rollback first records the models that it
    withdraws.
    """
    with reading(serving_dir):
        withdrawn_models = withdrawn(serving_dir)
        in_service = (version for version in reversed(versions(serving_dir)) if version.digest not in withdrawn_models)
        found = next(in_service, None)
        if found is None:
            _LOGGER.info(
                "%s: no model is served yet, so this run has none to compare with or to start from", serving_dir
            )
            return None
        if found.has_artifact:
            return found
        why = "is gone" if found.artifact else "is unknown, because no run of this pipeline pushed it"
        _LOGGER.warning(
            "%s: the artifact of version %d %s; this run compares with no model and starts from no model, like a "
            "first run",
            *(serving_dir, found.number, why),
        )
        return None
