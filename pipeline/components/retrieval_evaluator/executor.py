"""RetrievalEvaluator's executor: reads the artifacts; writes evaluation.json, the blessing and the metrics."""

import logging
import os
from dataclasses import dataclass

from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as evaluator_executor
from tfx.dsl.components.base import base_executor
from tfx.types import standard_artifacts

from configs.evaluation import LIST_K, Evaluation, Gate
from configs.serving import Serving
from documents.evaluation import MODEL, EvaluationReport, Measurement
from pipeline.components.retrieval_evaluator.ui_metrics import key_of, ui_metrics
from pipeline.evaluation.artifacts import contender_of, files_of, serving_failures
from pipeline.evaluation.assessment import Stopwatch, assess
from pipeline.evaluation.contest import Contender, Contest
from pipeline.ground import artifacts
from pipeline.ground.node import NodeExecutor
from pipeline.ground.output import all_or_nothing, write_bytes

LOGGER = "perennial.evaluator"

_HEADLINES = (f"hit_rate@{LIST_K}", f"ndcg@{LIST_K}", f"coverage@{LIST_K}")


@dataclass(frozen=True)
class Inputs:
    """The model to bless, the data that it is measured on, and the model that it is compared with."""

    examples: standard_artifacts.Examples
    """Raw interaction Examples with the splits `train` and `eval`."""

    model: standard_artifacts.Model
    infra_blessing: standard_artifacts.InfraBlessing
    """ServingCheck's blessing: a model that cannot be served is not blessed."""

    data_blessing: artifacts.DataBlessing
    """Not read, but not optional: because of its type, Vertex finds the type of the metrics, see `ground.artifacts`."""

    baseline_model: standard_artifacts.Model | None
    """The last blessed model."""


@dataclass(frozen=True)
class Outputs:
    """The measurements, the decision, and the metrics that user interfaces show."""

    evaluation: standard_artifacts.ModelEvaluation
    blessing: standard_artifacts.ModelBlessing
    metrics: artifacts.EvaluationMetrics


@dataclass(frozen=True)
class Parameters:
    """How the model is measured, and what it must reach."""

    settings: Evaluation
    gate: Gate
    weighted: bool
    """Whether the log's values are event weights; then they are the weights of histories, too."""

    serving: Serving
    """How the model is served; what it leaves out holds for all contenders."""


class Executor(NodeExecutor[Inputs, Outputs, Parameters], evaluator_executor.Executor):
    """Measures a model and blesses it, or does not.

    It is a subclass of TFX's executor only because KubeflowV2 rewrites the blessings of that executor alone for its
    resolvers. It needs no Beam: it asks about at most `max_users` users, on all cores, and the baselines hold the train
    split in memory anyway.
    """

    def __init__(self, context: base_executor.BaseExecutor.Context | None = None) -> None:
        """Stores the context. TFX's own executor requires one that has Beam's flags."""
        base_executor.BaseExecutor.__init__(self, context)

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Measures the model beside the baselines, and blesses it if it passes every rule of the gate.

        A refused model does not fail the run: the blessing records the refusal, and the Pusher pushes nothing.

        Args:
            inputs: The model, the data and the last blessed model.
            outputs: Where the measurements, the decision and the metrics are written.
            parameters: Settings and limits.

        Raises:
            ModelUnavailableError: A model cannot be read or asked, for a reason other than the model itself.
            OutputError: The results cannot be written.
        """
        evaluation, blessing = outputs.evaluation, outputs.blessing
        contest = Contest(
            model=contender_of(inputs.model),
            last_blessed=contender_of(inputs.baseline_model) if inputs.baseline_model else None,
            serving_failures=serving_failures(inputs.infra_blessing),
            train_files=files_of(inputs.examples, "train"),
            eval_files=files_of(inputs.examples, "eval"),
            settings=parameters.settings,
            limits=parameters.gate,
            weighted=parameters.weighted,
            leave_out=parameters.serving.rule,
        )
        watch = Stopwatch()
        with all_or_nothing(evaluation.uri), all_or_nothing(blessing.uri):
            with watch.step("total"):
                document = assess(contest, watch)
            document = document.model_copy(update={"seconds": watch.seconds})
            document.write(evaluation.uri)
            blessed = document.decision.blessed
            file = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
            write_bytes(os.path.join(blessing.uri, file), b"", blessing.uri)
        _describe(evaluation, document)
        for key, value in ui_metrics(document).items():
            outputs.metrics.set_float_custom_property(key, value)
        _bless(blessing, blessed, inputs, self.component_id)
        _log(document, contest.last_blessed)


def _describe(evaluation: types.Artifact, document: EvaluationReport) -> None:
    """Sets the model's metrics and the decision as custom properties, so that the metadata store can be queried."""
    metrics = document.contenders[MODEL].metrics if MODEL in document.contenders else {}
    for name, figure in metrics.items():
        if figure.value is not None:
            evaluation.set_float_custom_property(key_of(name), figure.value)
    evaluation.set_int_custom_property("users", document.users.evaluated)
    evaluation.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(document.decision.blessed))
    evaluation.set_string_custom_property("failed_rules", ", ".join(rule.rule for rule in document.decision.failed))


def _bless(blessing: types.Artifact, blessed: bool, inputs: Inputs, component_id: str | None) -> None:
    """Sets TFX's Evaluator's properties, which the Pusher and, on this machine, LatestBlessedModelStrategy read."""
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE
    )
    for artifact, uri_property, id_property in (
        (
            inputs.model,
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY,
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY,
        ),
        (
            inputs.baseline_model,
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY,
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY,
        ),
    ):
        if artifact is not None:
            blessing.set_string_custom_property(uri_property, artifact.uri)
            blessing.set_int_custom_property(id_property, artifact.id)
    if component_id is not None:
        blessing.set_string_custom_property("component_id", component_id)


def _log(document: EvaluationReport, last_blessed: Contender | None) -> None:
    """Logs what was measured and decided, for the person at the terminal."""
    logger, seconds, users = logging.getLogger(LOGGER), document.seconds, document.users.evaluated
    if "ask" in seconds:
        logger.info(
            "evaluated %s of %s users in %.1f s, %s users/s; the whole evaluation took %.1f s",
            f"{users:,}",
            f"{document.users.before_cut:,}",
            seconds["ask"],
            f"{users / max(seconds['ask'], 1e-3):,.0f}",
            seconds["total"],
        )
    for metric in _HEADLINES:
        figures = {name: contender.metrics[metric] for name, contender in document.contenders.items()}
        logger.info("%s: %s", metric, ", ".join(f"{name} {_text(figure)}" for name, figure in figures.items()))
    if last_blessed is not None and last_blessed.fault is not None:
        logger.warning("the last blessed model cannot be scored: %s", last_blessed.fault)
    if document.decision.blessed:
        logger.info("blessed: it passes all %d rules", len(document.decision.rules))
    for rule in document.decision.failed:
        logger.warning("refused by rule %s: %s", rule.rule, rule.detail)


def _text(figure: Measurement) -> str:
    numbers = (figure.value, figure.low, figure.high)
    value, low, high = (float("nan") if number is None else number for number in numbers)
    return f"{value:.4f} ({low:.4f} to {high:.4f})"
