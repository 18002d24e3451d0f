"""Fits a model; first lets it choose, by targets that are held out of the training interactions."""

import dataclasses
import logging
import posixpath
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter

from configs.leave_out import LeaveOut
from configs.models import AnyModel, Model
from documents.metrics import Choice, HeldOutCounts
from trainer.data import TrainingData
from trainer.evaluate import Evaluator
from trainer.fitting import Fitted, Training, kind_of
from trainer.metrics import mean_metrics
from trainer.validation import hold_out, share_held_out
from trainer.warm_state import Carried

_SMALL_SHARE = 0.01
"""A model that was trained without so few of the interactions is not trained again with them."""

_MODEL: TypeAdapter[Any] = TypeAdapter(AnyModel)

_COMMON = tuple(Model.model_fields)
"""What a blend sets for its parts is not chosen by them."""

_LOGGER = logging.getLogger("perennial.trainer")


@dataclasses.dataclass(frozen=True)
class Validation:
    """Data whose eval split may be chosen by.

    Attributes:
        data: See `hold_out`.
        evaluator: Measures a model on its eval split.
    """

    data: TrainingData
    evaluator: Evaluator

    @classmethod
    def of(cls, data: TrainingData, settings: AnyModel, rule: LeaveOut) -> "Validation | None":
        """Holds targets out; None if the interactions are too few for that."""
        validation = hold_out(data, settings.validates_by, settings.eval_max_users)
        return cls(validation, evaluator_of(validation, settings, rule)) if validation is not None else None


@dataclasses.dataclass(frozen=True)
class Outcome:
    """A trained model.

    Attributes:
        fitted: The model.
        choice: What was chosen; None if nothing was.
        by_user: The metrics of each user of the validation, `[users]`, of a model that was trained without its
            targets; None if none was trained.
    """

    fitted: Fitted
    choice: Choice | None
    by_user: Mapping[str, npt.NDArray[np.float64]] | None


def evaluator_of(data: TrainingData, settings: AnyModel, rule: LeaveOut) -> Evaluator:
    """Measures models on the eval split of some data."""
    return Evaluator(
        data.held_out, data.candidates, data.popularity, settings.eval_top_k, rule, settings.eval_max_users
    )


def choose_and_fit(training: Training, settings: AnyModel, rule: LeaveOut, *, validate: bool = False) -> Outcome:
    """Trains a model; if it has something to choose, it is first trained without some targets, and measured on them.

    Args:
        training: What the model is trained with; its evaluator measures what is not chosen by.
        settings: The model's settings.
        rule: What is left out of lists.
        validate: Whether to measure by held-out targets even if there is nothing to choose.

    Raises:
        TrainingError: See `trainer.fitting`.
    """
    kind, chooses = kind_of(settings), settings.chooses(training.base is not None)
    validation = Validation.of(training.data, settings, rule) if chooses or validate else None
    if validation is None:
        return Outcome(kind.fit(dataclasses.replace(training, may_choose=False), settings), None, None)
    data, evaluator = validation.data, validation.evaluator
    share = share_held_out(training.data, data)
    again = share > _SMALL_SHARE or not chooses
    _LOGGER.info(
        "choosing by %(targets)d targets of %(users)d users, held out of the training interactions", evaluator.counts
    )
    folder = posixpath.join(training.folder, "choosing") if again else training.folder
    begin = _tell_nobody if again else training.begin
    first = kind.fit(Training(data, evaluator, chooses, training.base, begin, folder), settings)
    by_user = evaluator.by_user(first.model.scores)
    chosen = changed(settings.model_dump(mode="json"), first.settings.model_dump(mode="json"))
    _LOGGER.info("chosen: %s", ", ".join(f"{name} {value}" for name, value in chosen.items()) or "nothing")
    choice = Choice(
        settings=chosen,
        epochs=first.epochs,
        model=mean_metrics(by_user),
        popularity=evaluator.popularity,
        evaluated=HeldOutCounts(**evaluator.counts),
        is_trained_again=again,
    )
    if again:
        first = kind.fit(dataclasses.replace(training, may_choose=False), first.settings)
    return Outcome(first, choice, by_user)


def changed(given: Mapping[str, Any], chosen: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that were chosen, by dotted name.

    Args:
        given: The settings before the choice, as JSON values.
        chosen: Those after it. A part of a blend that was not given is compared with the defaults of its kind.

    Returns:
        What has another value than before, and not none, which is the value of what is no longer to be chosen.
    """
    found: dict[str, Any] = {}
    for name, value in chosen.items():
        before = given.get(name)
        if name == "parts" and value is not None:
            kinds = [{"kind": part["kind"]} for part in value]
            parts = before or [_MODEL.validate_python(kind).model_dump(mode="json") for kind in kinds]
            for number, (old, new) in enumerate(zip(parts, value, strict=True)):
                of_part = changed({**old, **{key: new[key] for key in _COMMON}}, new)
                found |= {f"parts.{number}.{key}": each for key, each in of_part.items()}
        elif value != before and value is not None:
            found[name] = value
    return found


def _tell_nobody(carried: Mapping[str, Carried], epochs: int) -> None: ...
