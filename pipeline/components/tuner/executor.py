"""Tuner's executor: searches, or hands on what the last search found if that is new enough."""

import hashlib
import json
import logging
import posixpath
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow_transform as tft
from tfx.types import standard_artifacts

from common.atomicity import write_text
from common.errors import TrainingError
from configs.tuner import Tuner
from documents.tuning import NewestTuning, TuningReport
from pipeline.ground.node import NodeExecutor
from pipeline.ground.training_inputs import TrainingInputs, file_patterns
from pipeline.ground.tuned import SEARCHED
from trainer.checks import check_data
from trainer.data import TrainingData, read_data
from trainer.fn_args import FnArgs
from trainer.settings import TrainerSettings
from trainer.tuning.hyperparameters import FILE, found_values, hyperparameters_of, read_hyperparameters
from trainer.tuning.journal import Journal, discard
from trainer.tuning.search import Search

RESULTS_FILE = "tuner_results.json"
"""TFX's name of the list of complete trials."""

_DAY_SECONDS = 86_400

_LOGGER = logging.getLogger("perennial.tuner")


@dataclass(frozen=True)
class Outputs:
    """The outputs of TFX's Tuner."""

    best_hyperparameters: standard_artifacts.HyperParameters
    tuner_results: standard_artifacts.TunerResults


@dataclass(frozen=True)
class Parameters:
    """What is searched, and for how long."""

    trainer: TrainerSettings
    limits: Tuner
    work_dir: str
    """See `component.Tuner`; empty for none."""


class Executor(NodeExecutor[TrainingInputs, Outputs, Parameters]):
    """Searches, and writes both outputs in TFX's format."""

    def run(self, inputs: TrainingInputs, outputs: Outputs, parameters: Parameters) -> None:
        """Searches the settings of the model.

        Args:
            inputs: The data, and what the last search found.
            outputs: The hyperparameters, and the trials.
            parameters: What is searched.

        Raises:
            TrainingError: The model cannot learn from the data, or no targets can be held out of it.
        """
        last = inputs.hyperparameters
        known = _usable(last, parameters.trainer)
        if last is not None and known and not _is_due(last, parameters.limits):
            _LOGGER.info("the last search is new enough; this run trains with what it found")
            _hand_on(last, outputs)
            return
        data = _read(inputs, parameters.trainer)
        check_data(data.interactions, data.held_out)
        with tempfile.TemporaryDirectory() as logs:
            search = Search(
                data,
                parameters.trainer.trainer,
                parameters.trainer.serving.rule,
                parameters.limits,
                Journal(_journal_folder(parameters, data, known)),
                known,
                logs,
            )
            found = search.run()
        hyperparameters = hyperparameters_of(parameters.trainer.trainer, found.space, found.values)
        _write(outputs, hyperparameters, found.report)
        _say(found.report)
        if parameters.work_dir:
            searched = outputs.best_hyperparameters.get_int_custom_property(SEARCHED)
            NewestTuning(uri=outputs.best_hyperparameters.uri, searched=searched).write(parameters.work_dir)
            discard(parameters.work_dir)


def _usable(last: standard_artifacts.HyperParameters | None, trainer: TrainerSettings) -> dict[str, Any]:
    """What the last search found, by name, if it fits the settings of today; else nothing, and a new search is due."""
    if last is None:
        return {}
    try:
        return dict(found_values(trainer.trainer, read_hyperparameters(last.uri)))
    except TrainingError as e:
        _LOGGER.warning("the result of the last search cannot be used: %s", e)
        return {}


def _is_due(last: standard_artifacts.HyperParameters, limits: Tuner) -> bool:
    searched = last.get_int_custom_property(SEARCHED)
    return limits.every_days is None or time.time() - searched >= limits.every_days * _DAY_SECONDS


def _hand_on(last: standard_artifacts.HyperParameters, outputs: Outputs) -> None:
    outputs.best_hyperparameters.set_int_custom_property(SEARCHED, last.get_int_custom_property(SEARCHED))
    text = json.dumps(read_hyperparameters(last.uri))
    write_text(posixpath.join(outputs.tuner_results.uri, RESULTS_FILE), "[]")
    write_text(posixpath.join(outputs.best_hyperparameters.uri, FILE), text)


def _read(inputs: TrainingInputs, trainer: TrainerSettings) -> TrainingData:
    patterns: dict[str, Any] = {
        "train_files": file_patterns(inputs.examples, "train"),
        "eval_files": file_patterns(inputs.examples, "eval"),
        "candidates_files": file_patterns(inputs.candidates),
    }
    graphs = (inputs.transform_graph, inputs.candidates_transform_graph)
    return read_data(FnArgs(**patterns), trainer.features, *(tft.TFTransformOutput(graph.uri) for graph in graphs))


def _journal_folder(parameters: Parameters, data: TrainingData, known: Mapping[str, Any]) -> str | None:
    """The folder of one search's trials: its name depends on all that decides them, except the limits."""
    if not parameters.work_dir:
        return None
    trainer = parameters.trainer
    decisive = [
        data.digest(),
        trainer.made_by.code_digest,
        trainer.trainer.model_dump_json(),
        trainer.serving.model_dump_json(),
        str(parameters.limits.seed),
        json.dumps(dict(known), sort_keys=True),
    ]
    return posixpath.join(parameters.work_dir, hashlib.sha256("\0".join(decisive).encode()).hexdigest()[:32])


def _write(outputs: Outputs, hyperparameters: Mapping[str, Any], report: TuningReport) -> None:
    complete = [trial for trial in report.trials if trial.score is not None]
    rows = [
        {"trial_id": f"{trial.number:04d}", "score": trial.score, **trial.values}
        for trial in sorted(complete, key=lambda trial: trial.score or 0.0, reverse=True)
    ]
    write_text(posixpath.join(outputs.tuner_results.uri, RESULTS_FILE), json.dumps(rows))
    report.write(outputs.tuner_results.uri)
    outputs.best_hyperparameters.set_int_custom_property(SEARCHED, int(time.time()))
    write_text(posixpath.join(outputs.best_hyperparameters.uri, FILE), json.dumps(hyperparameters))


def _say(report: TuningReport) -> None:
    difference = report.difference
    if report.best is None:
        _LOGGER.warning("the settings of the config could not be measured in time; they stay")
    elif difference is None:
        _LOGGER.info("no trial is better than the settings of the config; they stay")
    else:
        _LOGGER.info(
            "trial %d is better by %.4f in %s (95 %% interval %.4f to %.4f): %s",
            *(report.best, difference.value, report.metric, difference.low, difference.high),
            "taken" if report.is_taken else "not clear of zero, so the settings of the config stay",
        )
