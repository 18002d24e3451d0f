"""ModelComparison's executor: reads the artifacts of the candidates, and writes the winner and comparison.json."""

import dataclasses
import logging
from dataclasses import dataclass
from typing import Any

from tfx import types
from tfx.types import standard_artifacts
from tfx.utils import path_utils

from common.atomicity import copy_folder
from configs.compare import MAX_CANDIDATES, Compare
from configs.evaluation import Evaluation, Gate
from configs.serving import Serving
from documents.metrics import TrainingMetrics
from documents.serving_check import ServingCheckReport
from documents.training_failure import TrainingFailure
from documents.validation import ValidationReport
from pipeline.components.model_comparison.comparing import Compared, compare
from pipeline.components.model_comparison.tracking.record import record
from pipeline.evaluation.artifacts import contender_of, files_of, serving_failures
from pipeline.evaluation.contest import Contender, Contest
from pipeline.ground import artifacts
from pipeline.ground.infra_blessing import BLESSED_PROPERTY
from pipeline.ground.node import NodeExecutor
from pipeline.ground.output import all_or_nothing
from serving_signatures.export import SAVED_MODEL
from trainer.base_model import origin_of

_OF_A_CANDIDATE = {
    "model": standard_artifacts.Model,
    "model_run": standard_artifacts.ModelRun,
    "infra_blessing": standard_artifacts.InfraBlessing,
}


def channel_names(number: int) -> dict[str, str]:
    """The channels of a candidate, by what they hold.

    Args:
        number: The candidate's number, from 0.
    """
    return {name: f"{name}_{number + 1}" for name in _OF_A_CANDIDATE}


_FIELDS: list[Any] = [
    (channel, kind | None)
    for number in range(MAX_CANDIDATES)
    for channel, kind in zip(channel_names(number).values(), _OF_A_CANDIDATE.values(), strict=True)
]

Inputs: Any = dataclasses.make_dataclass(
    "Inputs",
    [
        ("examples", standard_artifacts.Examples),
        ("data_blessing", artifacts.DataBlessing),
        ("baseline_model", standard_artifacts.Model | None),
        *_FIELDS,
    ],
    frozen=True,
)
"""`examples` are raw interaction Examples with the splits `train` and `eval`; `data_blessing` is not read, but orders
the tasks; `baseline_model` is the last blessed model. Each candidate has its channels, see `channel_names`."""


@dataclass(frozen=True)
class Outputs:
    """The winner, and how all did."""

    model: standard_artifacts.Model
    model_run: standard_artifacts.ModelRun
    infra_blessing: standard_artifacts.InfraBlessing
    comparison: standard_artifacts.ModelEvaluation


@dataclass(frozen=True)
class Parameters:
    """What is compared, how models are measured, and what they must reach."""

    compare: Compare
    settings: Evaluation
    gate: Gate
    weighted: bool
    """Whether the log's values are event weights; then they are the weights of histories, too."""

    serving: Serving
    """How the models are served; what they leave out holds for all contenders."""


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Compares the candidates, copies the winner, and records the comparison in MLflow if the config asks for it."""

    def run(self, inputs: Any, outputs: Outputs, parameters: Parameters) -> None:
        """Chooses, measures, and writes the winner and the comparison.

        Args:
            inputs: The candidates, the data and the last blessed model.
            outputs: Where the winner and the comparison are written.
            parameters: What is compared and how.

        Raises:
            ModelUnavailableError: A model cannot be read or asked, for a reason other than the model itself.
            OutputError: The results cannot be written.
        """
        found = {
            name: [getattr(inputs, channel) for channel in channel_names(number).values()]
            for number, name in enumerate(parameters.compare.candidates)
        }
        compared = {name: _compared(*given) for name, given in found.items()}
        last_blessed = contender_of(inputs.baseline_model) if inputs.baseline_model else None

        def contest(model: Contender) -> Contest:
            return Contest(
                model=model,
                last_blessed=last_blessed,
                serving_failures=None,
                train_files=files_of(inputs.examples, "train"),
                eval_files=files_of(inputs.examples, "eval"),
                settings=parameters.settings,
                # The neighbours of the winner alone are compared with the last blessed model's, by the evaluator.
                limits=parameters.gate.model_copy(update={"min_neighbour_stability": None}),
                weighted=parameters.weighted,
                leave_out=parameters.serving.rule,
            )

        with all_or_nothing(outputs.comparison.uri):
            report = compare(compared, parameters.compare, contest)
            report.write(outputs.comparison.uri)
        model, model_run, infra_blessing = found[report.winner]
        serving = path_utils.serving_model_path("").lstrip("/")
        copy_folder(model.uri, outputs.model.uri, commit_file=f"{serving}/{SAVED_MODEL}")
        copy_folder(model_run.uri, outputs.model_run.uri, commit_file=TrainingMetrics.FILE)
        copy_folder(infra_blessing.uri, outputs.infra_blessing.uri, commit_file=ServingCheckReport.FILE)
        is_blessed = infra_blessing.get_int_custom_property(BLESSED_PROPERTY)
        outputs.infra_blessing.set_int_custom_property(BLESSED_PROPERTY, is_blessed)
        outputs.comparison.set_string_custom_property("winner", report.winner)
        logging.getLogger("perennial.comparison").info("winner: %s. %s", report.winner, report.reason)
        if parameters.compare.mlflow is not None:
            record(report, origin_of(compared[report.winner].contender.folder), parameters.compare.mlflow)


def _compared(model: types.Artifact, model_run: types.Artifact, infra_blessing: types.Artifact) -> Compared:
    failure = TrainingFailure.find(model_run.uri)
    return Compared(
        contender=contender_of(model),
        training=TrainingMetrics.read(model_run.uri) if failure is None else None,
        training_failure=failure.error if failure is not None else None,
        validation=ValidationReport.find(model_run.uri),
        serving_check=ServingCheckReport.read(infra_blessing.uri),
        serving_failures=serving_failures(infra_blessing),
    )
