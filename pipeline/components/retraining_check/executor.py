"""RetrainingCheck's executor: compares, asks the last blessed model, and writes the decision."""

import logging
from dataclasses import dataclass

from tfx.types import standard_artifacts

from common.errors import DriftError, OutputError
from configs.evaluation import Evaluation
from configs.retraining import Retraining
from documents.provenance import Provenance
from documents.retraining import RetrainingReport
from pipeline.components.retraining_check import rules
from pipeline.drift import blessing
from pipeline.drift.blessing import Remembered
from pipeline.evaluation.artifacts import contender_of, files_of
from pipeline.evaluation.newest import METRIC, Newest, ask_about_newest
from pipeline.ground.artifacts import DataBlessing, RetrainingDecision
from pipeline.ground.layout import learned_folder
from pipeline.ground.node import NodeExecutor
from trainer.settings import TrainerSettings

_LOGGER = logging.getLogger("perennial.retraining")


@dataclass(frozen=True)
class Inputs:
    """Today's data, and the model that may be good enough for it."""

    examples: standard_artifacts.Examples
    """Raw interaction Examples with the splits `train` and `eval`."""

    data_blessing: DataBlessing
    last_model: standard_artifacts.Model | None


@dataclass(frozen=True)
class Outputs:
    """The decision that the trainer follows."""

    decision: RetrainingDecision


@dataclass(frozen=True)
class Parameters:
    """The limits, and how the model is measured."""

    settings: Retraining
    evaluation: Evaluation
    weighted: bool
    """Whether the log's values are event weights."""

    trainer: TrainerSettings
    """What this run would train."""


class Executor(NodeExecutor[Inputs, Outputs, Parameters]):
    """Writes the decision. It never fails because of the model: a model that cannot be asked is trained anew."""

    def run(self, inputs: Inputs, outputs: Outputs, parameters: Parameters) -> None:
        """Decides whether training is due.

        Args:
            inputs: Today's data, and the last blessed model.
            outputs: Where the decision is written.
            parameters: The limits.

        Raises:
            ModelUnavailableError: The model cannot be read or asked, for a reason other than the model itself.
        """
        report = _decide(inputs, parameters)
        report.write(outputs.decision.uri)
        _LOGGER.info("training is %s: %s", "due" if report.is_due else "not due", "; ".join(report.because))


def _decide(inputs: Inputs, parameters: Parameters) -> RetrainingReport:
    if inputs.last_model is None:
        return _due("there is no blessed model yet")
    contender = contender_of(inputs.last_model)
    try:
        origin = Provenance.find(contender.folder) or Provenance()
        learned = blessing.read(learned_folder(inputs.last_model.uri))
    except (OutputError, DriftError) as e:
        return _due(f"what the last blessed model was made of cannot be read ({e})")
    if learned is None:
        return _due("the last blessed model has no record of the data that it learned from")
    trainer = parameters.trainer.following(origin.candidate)
    for name in ("config", "code"):
        if getattr(origin, f"{name}_digest") != getattr(trainer.made_by, f"{name}_digest"):
            return _due(f"the {name} is not that of the last blessed model")
    contender.load()
    newest = Newest(None, None)
    with contender.faults():
        if contender.served is not None and contender.fault is None:
            newest = ask_about_newest(
                contender.served,
                origin.learned.model.get(METRIC),
                learned.facts.counts.newest_timestamp,
                (files_of(inputs.examples, "train"), files_of(inputs.examples, "eval")),
                parameters.evaluation,
                parameters.weighted,
                trainer.serving.rule,
                parameters.settings.min_users,
            )
    if contender.fault is not None:
        return _due(f"the last blessed model cannot be asked: {contender.fault}")
    return _judge(inputs, parameters.settings, learned, newest)


def _judge(inputs: Inputs, settings: Retraining, learned: Remembered, newest: Newest) -> RetrainingReport:
    today = blessing.read(inputs.data_blessing.uri)
    assert today is not None
    counts, then = today.facts.counts, learned.facts.counts
    checked = (
        *rules.age(counts, then, settings),
        *rules.new_interactions(newest.interactions, counts, then, settings),
        *rules.new_items(today, learned, settings),
        *rules.item_divergence(today, learned, settings),
        *rules.metric_loss(newest.targets, settings),
    )
    due = tuple(rule.detail for rule in checked if rule.is_due)
    because = due or (f"none of {len(checked)} limits is passed",)
    return RetrainingReport(is_due=bool(due), because=because, rules=checked, newest=newest.targets)


def _due(why: str) -> RetrainingReport:
    return RetrainingReport(is_due=True, because=(why,))
