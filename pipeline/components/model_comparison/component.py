"""ModelComparison has a channel for each candidate: the backend of KubeflowV2 cannot join channels."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from tfx.types.channel import BaseChannel

from configs.compare import Compare
from pipeline.components.model_comparison.executor import Executor, channel_names
from pipeline.ground.node import Node


class TrainedCandidate(NamedTuple):
    """The channels of a candidate."""

    model: BaseChannel
    model_run: BaseChannel
    infra_blessing: BaseChannel


class ModelComparison(Node):
    """Chooses a candidate by targets that no candidate was trained on, and measures all of them on the eval split.

    Component `outputs` contains:
     - `model`: Channel of type `standard_artifacts.Model`: a copy of the winner.
     - `model_run`: Channel of type `standard_artifacts.ModelRun`: a copy of the winner's.
     - `infra_blessing`: Channel of type `standard_artifacts.InfraBlessing`: a copy of the winner's.
     - `comparison`: Channel of type `standard_artifacts.ModelEvaluation`, with `comparison.json`.
    """

    EXECUTOR = Executor

    def __init__(self, *, candidates: Mapping[str, TrainedCandidate], compare: Compare, **arguments: Any) -> None:
        """Declares the comparison.

        Args:
            candidates: The channels of each of `compare.candidates`, by name.
            compare: Which models are compared.
            **arguments: The other channels and parameters of `executor.Inputs` and `executor.Parameters`.
        """
        channels = {
            channel: getattr(candidates[name], field)
            for number, name in enumerate(compare.candidates)
            for field, channel in channel_names(number).items()
        }
        super().__init__(compare=compare, **channels, **arguments)
