"""RetrievalEvaluator's executor: reads artifacts, lets Beam ask the models, writes evaluation.json and the blessing."""

import json
import logging
import os
from typing import Any

from tfx import types
from tfx.components.evaluator import constants
from tfx.components.evaluator import executor as evaluator_executor
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils, path_utils

from configs.evaluation import LIST_K, Evaluation, Gate
from pipeline.components.retrieval_evaluator import stages
from pipeline.components.retrieval_evaluator.assessment import Clock, Contender, assess
from pipeline.components.retrieval_evaluator.evaluation import LAST_BLESSED, MODEL
from pipeline.components.retrieval_evaluator.ui_metrics import key_of, ui_metrics
from pipeline.components.serving_check.executor import REPORT_FILE
from pipeline.ground import tabular_files as files
from pipeline.ground.output import all_or_nothing
from pipeline.ground.presence import present

SETTINGS_KEY, GATE_KEY, WEIGHTED_KEY, CODE_DIGEST_KEY = "settings", "gate", "weighted", "code_digest"

EVALUATION_FILE = "evaluation.json"

METRICS_KEY = "metrics"

LOGGER = "perennial.evaluator"

_HEADLINES = (f"hit_rate@{LIST_K}", f"ndcg@{LIST_K}", f"coverage@{LIST_K}")

_RESULTS_DIR = "blocks"


class Executor(evaluator_executor.Executor):
    """Measures a model and blesses it, or does not.

    A subclass of TFX's, whose blessings alone KubeflowV2 rewrites for its resolvers; nothing else of it is used.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates.

        Args:
            input_dict: `examples` with splits `train` and `eval`; `model`; `infra_blessing`, what ServingCheck says of
                it; `baseline_model`, the last blessed one, or nothing.
            output_dict: `evaluation`, `blessing` and `metrics`.
            exec_properties: `settings` and `gate`, JSON of their config sections; `weighted`, 0 or 1.

        Raises:
            ModelUnavailableError: A model cannot be read or asked, and not because of what it is.
            OutputError: The results cannot be written.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        input_dict = present(input_dict)
        settings = Evaluation.model_validate_json(exec_properties[SETTINGS_KEY])
        limits = Gate.model_validate_json(exec_properties[GATE_KEY])
        weighted = bool(exec_properties[WEIGHTED_KEY])
        examples = input_dict[standard_component_specs.EXAMPLES_KEY]
        model = _contender(artifact_utils.get_single_instance(input_dict[standard_component_specs.MODEL_KEY]))
        failures = _serving_failures(
            artifact_utils.get_single_instance(input_dict[standard_component_specs.INFRA_BLESSING_KEY])
        )
        baseline = input_dict.get(standard_component_specs.BASELINE_MODEL_KEY)
        last_blessed = _contender(artifact_utils.get_single_instance(baseline)) if baseline else None
        evaluation = artifact_utils.get_single_instance(output_dict[standard_component_specs.EVALUATION_KEY])
        blessing = artifact_utils.get_single_instance(output_dict[standard_component_specs.BLESSING_KEY])
        clock = Clock()
        with all_or_nothing(evaluation.uri), all_or_nothing(blessing.uri):
            with clock.step("total"):
                document = self._evaluate(
                    model, last_blessed, failures, examples, evaluation.uri, settings, limits, weighted, clock
                )
            document["seconds"] = clock.seconds
            text = json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
            files.write_bytes(os.path.join(evaluation.uri, EVALUATION_FILE), text.encode(), evaluation.uri)
            blessed = document["decision"]["blessed"]
            file = constants.BLESSED_FILE_NAME if blessed else constants.NOT_BLESSED_FILE_NAME
            files.write_bytes(os.path.join(blessing.uri, file), b"", blessing.uri)
        _describe(evaluation, document)
        for key, value in ui_metrics(document).items():
            artifact_utils.get_single_instance(output_dict[METRICS_KEY]).set_float_custom_property(key, value)
        _bless(blessing, blessed, input_dict, exec_properties)
        _tell(document, last_blessed)

    def _evaluate(
        self,
        model: Contender,
        last_blessed: Contender | None,
        serving_failures: list[str] | None,
        examples: list[types.Artifact],
        uri: str,
        settings: Evaluation,
        limits: Gate,
        weighted: bool,
        clock: Clock,
    ) -> dict[str, Any]:
        """Loads the models, lets Beam ask them, and judges."""
        contenders = {MODEL: model, LAST_BLESSED: last_blessed}
        with clock.step("load"):
            for contender in contenders.values():
                if contender is not None:
                    contender.load()
        folder = os.path.join(uri, _RESULTS_DIR)
        try:
            if model.served is not None:
                job = stages.Job(
                    train_files=_files(examples, "train"),
                    eval_files=_files(examples, "eval"),
                    models={name: c.folder for name, c in contenders.items() if c is not None and c.fault is None},
                    k=max(settings.top_k),
                    max_users=settings.max_users,
                    weighted=weighted,
                    folder=folder,
                )
                with clock.step("ask"), self._make_beam_pipeline() as pipeline:
                    stages.build(pipeline, job)
            return assess(model, last_blessed, serving_failures, folder, settings, limits, weighted, clock)
        finally:
            if fileio.exists(folder):
                fileio.rmtree(folder)


def _contender(artifact: types.Artifact) -> Contender:
    folder = path_utils.serving_model_path(artifact.uri, path_utils.is_old_model_artifact(artifact))
    return Contender(artifact.uri, folder)


def _serving_failures(blessing: types.Artifact) -> list[str] | None:
    """Why ServingCheck refused the model; None if it blessed it."""
    if model_utils.is_infra_validated(blessing):
        return None
    with fileio.open(os.path.join(blessing.uri, REPORT_FILE)) as file:
        failures: list[str] = json.loads(file.read())["failures"]
    return failures


def _files(examples: list[types.Artifact], split: str) -> tuple[str, ...]:
    """The split's files, in the order of their names."""
    patterns = [io_utils.all_files_pattern(uri) for uri in artifact_utils.get_split_uris(examples, split)]
    return tuple(sorted(file for pattern in patterns for file in fileio.glob(pattern)))


def _describe(evaluation: types.Artifact, document: dict[str, Any]) -> None:
    """Puts the model's metrics and the decision where the metadata store can be asked for them."""
    metrics = document["contenders"].get(MODEL, {}).get("metrics", {})
    for name, figure in metrics.items():
        if figure["value"] is not None:
            evaluation.set_float_custom_property(key_of(name), figure["value"])
    evaluation.set_int_custom_property("users", document["users"]["evaluated"])
    evaluation.set_int_custom_property(constants.ARTIFACT_PROPERTY_BLESSED_KEY, int(document["decision"]["blessed"]))
    evaluation.set_string_custom_property("failed_rules", ", ".join(rule["rule"] for rule in _failed(document)))


def _bless(
    blessing: types.Artifact,
    blessed: bool,
    input_dict: dict[str, list[types.Artifact]],
    exec_properties: dict[str, Any],
) -> None:
    """Sets what TFX's Evaluator sets, by which the Pusher and, on this machine, LatestBlessedModelStrategy know it."""
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.BLESSED_VALUE if blessed else constants.NOT_BLESSED_VALUE
    )
    for key, uri_property, id_property in (
        (
            standard_component_specs.MODEL_KEY,
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_URI_KEY,
            constants.ARTIFACT_PROPERTY_CURRENT_MODEL_ID_KEY,
        ),
        (
            standard_component_specs.BASELINE_MODEL_KEY,
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_URI_KEY,
            constants.ARTIFACT_PROPERTY_BASELINE_MODEL_ID_KEY,
        ),
    ):
        for artifact in input_dict.get(key, ()):
            blessing.set_string_custom_property(uri_property, artifact.uri)
            blessing.set_int_custom_property(id_property, artifact.id)
    if "current_component_id" in exec_properties:
        blessing.set_string_custom_property("component_id", exec_properties["current_component_id"])


def _failed(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [rule for rule in document["decision"]["rules"] if not rule["passed"]]


def _tell(document: dict[str, Any], last_blessed: Contender | None) -> None:
    """Tells the person at the terminal what was measured and decided."""
    logger, seconds, users = logging.getLogger(LOGGER), document["seconds"], document["users"]["evaluated"]
    if "ask" in seconds:
        logger.info(
            "%s of %s users asked in %.1f s, %s users/s; all in %.1f s",
            f"{users:,}",
            f"{document['users']['before_cut']:,}",
            seconds["ask"],
            f"{users / max(seconds['ask'], 1e-3):,.0f}",
            seconds["total"],
        )
    for metric in _HEADLINES:
        told = {name: of["metrics"][metric] for name, of in document["contenders"].items()}
        logger.info("%s: %s", metric, ", ".join(f"{name} {_words(figure)}" for name, figure in told.items()))
    if last_blessed is not None and last_blessed.fault is not None:
        logger.warning("the last blessed model cannot be scored: %s", last_blessed.fault)
    if document["decision"]["blessed"]:
        logger.info("blessed: it passes all %d rules", len(document["decision"]["rules"]))
    for rule in _failed(document):
        logger.warning("refused by rule %s: %s", rule["rule"], rule["detail"])


def _words(figure: dict[str, float | None]) -> str:
    value, low, high = (float("nan") if number is None else number for number in figure.values())
    return f"{value:.4f} ({low:.4f} to {high:.4f})"
