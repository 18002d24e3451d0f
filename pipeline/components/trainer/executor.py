"""Trainer's executor: TFX's generic executor, which also passes the catalogue's artifacts to `run_fn`."""

import json
import logging
import os
from dataclasses import dataclass
from typing import Any

import attr
from tfx import types
from tfx.components.trainer import executor as trainer_executor
from tfx.dsl.io import fileio
from tfx.proto import trainer_pb2
from tfx.types import artifact_utils, standard_artifacts, standard_component_specs

from common.atomicity import copy_folder
from common.errors import CandidateError, TrainingError
from documents.data_gate import DataGateReport
from documents.retraining import RetrainingReport
from documents.training_failure import TrainingFailure
from documents.warm_start import WarmStartReport
from pipeline.ground.artifacts import RetrainingDecision
from pipeline.ground.layout import DATA_FOLDER, LEARNED_FOLDER, learned_folder
from pipeline.ground.node import Declared
from pipeline.ground.presence import present
from pipeline.ground.training_inputs import TrainingInputs, file_patterns
from trainer.fn_args import FnArgs
from trainer.order import order_warning
from trainer.settings import TrainerSettings

_LOGGER = logging.getLogger("perennial.trainer")


@dataclass(frozen=True)
class Inputs(TrainingInputs):
    """The inputs of TFX's Trainer, the catalogue's channels, and DataGate's blessing."""

    base_model: standard_artifacts.Model | None
    """The model to start from, or to reuse if nothing has changed."""

    decision: RetrainingDecision | None
    """Whether training is due. None: it is."""


@dataclass(frozen=True)
class Outputs:
    """The outputs of TFX's Trainer."""

    model: standard_artifacts.Model
    model_run: standard_artifacts.ModelRun


@dataclass(frozen=True)
class Parameters:
    """The parameters of TFX's Trainer."""

    train_args: trainer_pb2.TrainArgs
    eval_args: trainer_pb2.EvalArgs
    run_fn: str
    custom_config: str


class Executor(Declared[Inputs, Outputs, Parameters], trainer_executor.GenericExecutor):
    """Calls `run_fn` with `FnArgs`, and copies DataGate's blessing beside the model."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Trains with `run_fn`, and copies the blessing of the data beside the model, for the DataGate of a later run.

        A candidate that cannot be trained leaves `training_failure.json` in place of metrics, and no model. So the
        comparison goes on without it, on this machine and on Vertex, and the failure is cached as a model would be.

        Args:
            input_dict: As for TFX's Trainer, including `base_model` and `hyperparameters`, which may be empty; also
                `candidates`, `candidates_transform_graph` and `data_blessing`, and `decision`, which may be empty.
            output_dict: `model` and `model_run`.
            exec_properties: As for TFX's Trainer.

        Raises:
            TrainingError: `run_fn` raised it, other than for a candidate that cannot be trained.
        """
        settings = TrainerSettings.unpack(json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY]))
        try:
            super().Do(present(input_dict), output_dict, exec_properties)
        except CandidateError as e:
            _LOGGER.error("candidate %s cannot be trained: %s", settings.candidate, e)
            folder = artifact_utils.get_single_uri(output_dict[standard_component_specs.MODEL_RUN_KEY])
            TrainingFailure(error=str(e)).write(folder)
            return
        except Exception:  # whatever it is goes on; only here is it known which candidate it is of
            if settings.is_compared:
                _LOGGER.error(
                    "the training of candidate %s broke off, and with it the comparison. Run it again: what was "
                    "trained comes from the cache. To compare the others alone, take %s out of compare.candidates",
                    *(settings.candidate, settings.candidate),
                )
            raise
        blessing = artifact_utils.get_single_uri(input_dict["data_blessing"])
        model = artifact_utils.get_single_uri(output_dict[standard_component_specs.MODEL_KEY])
        copy_folder(blessing, os.path.join(model, DATA_FOLDER), commit_file=DataGateReport.FILE)
        start = WarmStartReport.find(artifact_utils.get_single_uri(output_dict[standard_component_specs.MODEL_RUN_KEY]))
        if start is not None and start.base_model is not None and not start.is_trained:
            learned = learned_folder(start.base_model)
            if fileio.exists(learned):
                copy_folder(learned, os.path.join(model, LEARNED_FOLDER), commit_file=DataGateReport.FILE)

    def _GetFnArgs(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> FnArgs:
        common = super()._GetFnArgs(input_dict, output_dict, exec_properties)
        data = DataGateReport.read(artifact_utils.get_single_uri(input_dict["data_blessing"]), TrainingError)
        warning = order_warning(TrainerSettings.unpack(common.custom_config).trainer, data.counts.held_out_early)
        if warning is not None:
            _LOGGER.warning("%s", warning)
        return FnArgs(
            **attr.asdict(common, recurse=False),
            candidates_files=file_patterns(artifact_utils.get_single_instance(input_dict["candidates"])),
            candidates_transform_graph_path=artifact_utils.get_single_uri(input_dict["candidates_transform_graph"]),
            is_due=_is_due(input_dict.get("decision") or []),
        )


def _is_due(decision: list[types.Artifact]) -> bool:
    return not decision or RetrainingReport.read(artifact_utils.get_single_uri(decision), TrainingError).is_due
