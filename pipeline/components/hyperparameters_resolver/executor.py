"""HyperParametersResolver's executor: reads the note that Tuner leaves in its folder."""

import logging
from dataclasses import dataclass

from tfx.dsl.io import fileio
from tfx.types import standard_artifacts

from documents.tuning import NewestTuning
from pipeline.ground.node import NodeExecutor
from pipeline.ground.presence import mark_absent
from pipeline.ground.tuned import SEARCHED

_LOGGER = logging.getLogger("perennial.tuner")


@dataclass(frozen=True)
class Inputs:
    """No inputs."""


@dataclass(frozen=True)
class Outputs:
    """What the newest search has found."""

    hyperparameters: standard_artifacts.HyperParameters


@dataclass(frozen=True)
class Parameters:
    """Tuner's folder."""

    work_dir: str


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Outputs the newest hyperparameters, or an artifact that is marked as absent."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Points the output at the artifact that the note names.

        Args:
            inputs: None.
            outputs: The hyperparameters; their URI becomes the URI of the artifact that was found.
            parameters: Tuner's folder.

        Raises:
            OutputError: The note is damaged.
        """
        found = NewestTuning.find(parameters.work_dir)
        if found is None or not fileio.exists(found.uri):
            why = "there has been no search yet" if found is None else f"the last search's result, {found.uri}, is gone"
            _LOGGER.info("%s; this run trains with the settings of the config", why)
            mark_absent(outputs.hyperparameters)
            return
        outputs.hyperparameters.set_int_custom_property(SEARCHED, found.searched)
        outputs.hyperparameters.uri = found.uri
