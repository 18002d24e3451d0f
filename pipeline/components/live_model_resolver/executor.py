"""LiveModelResolver's executor: reads which artifact the live version was pushed from."""

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
"""Custom property: the number under which the model is live, for people; `model_digest` says which it is."""

_LOGGER = logging.getLogger("perennial.live_model_resolver")


@dataclass(frozen=True)
class Inputs:
    """Nothing."""


@dataclass(frozen=True)
class Outputs:
    """The model that is live."""

    model: standard_artifacts.Model


@dataclass(frozen=True)
class Parameters:
    """Where models are served from."""

    serving_dir: str
    """Local or remote."""


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Gives out the live version's model artifact, or one that stands for none."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Finds the live version in the serving folder, and points the output at the artifact that it was pushed from.

        Args:
            inputs: Nothing.
            outputs: The model, whose URI becomes that of the artifact found.
            parameters: The serving folder.

        Raises:
            OutputError: The serving folder cannot be read.
        """
        model = outputs.model
        found = _newest_in_service(parameters.serving_dir)
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
