"""The contract of models: what training is given, and what it leaves.

A kind of model is a package `trainer.models.<kind>` with a module `fit` that has two names:

- `architecture(settings)`, a text: how the model works. A state of another architecture means nothing to it;
- `fit(training, settings) -> Fitted`.

`settings` are of the class of `configs.models` with the same kind.
"""

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from configs.models import AnyModel, Blend
from documents.metrics import Epoch
from serving_signatures.served_model import ServedModel
from trainer.data import TrainingData
from trainer.evaluate import Evaluator
from trainer.warm_state import Carried, Table, WarmState


@dataclasses.dataclass(frozen=True)
class Training:
    """What a model is trained with.

    Attributes:
        data: The data.
        evaluator: Measures the model on the eval split of these data.
        may_choose: Whether the evaluator's targets were held out to choose by: when to stop, how to weigh.
        base: What the last blessed model has learned; None for a cold start.
        begin: Is told, before the training, how many rows of each table were carried over, and the number of passes
            over the data.
        folder: Where TensorBoard's logs go.
    """

    data: TrainingData
    evaluator: Evaluator
    may_choose: bool
    base: WarmState | None
    begin: Callable[[Mapping[str, Carried], int], None]
    folder: str


@dataclasses.dataclass(frozen=True)
class Fitted:
    """A trained model.

    Attributes:
        model: What is served.
        settings: How it was trained: the given settings, with what was chosen in place of what was to be chosen.
        epochs: What was measured after each epoch; empty for a model that is made in one step.
        carried: As `Training.begin` was told.
        tables: What a later training may begin with: values by string id.
        arrays: The same, for what belongs to no id.
    """

    model: ServedModel
    settings: AnyModel
    epochs: tuple[Epoch, ...] = ()
    carried: Mapping[str, Carried] = dataclasses.field(default_factory=dict)
    tables: Mapping[str, Table] = dataclasses.field(default_factory=dict)
    arrays: Mapping[str, npt.NDArray[np.float32]] = dataclasses.field(default_factory=dict)


class Kind(Protocol):
    """The module `fit` of a kind."""

    architecture: Callable[[Any], str]
    fit: Callable[[Training, Any], Fitted]


def kind_of(settings: AnyModel) -> Kind:
    """The code of a kind of model."""
    kind: Any = importlib.import_module(_module_of(settings))
    found: Kind = kind
    return found


def modules_of(settings: AnyModel) -> tuple[str, ...]:
    """Dotted paths of the code that trains a model: of its kind, and of the kinds of its parts."""
    parts = settings.chosen_parts if isinstance(settings, Blend) else ()
    return tuple(dict.fromkeys(_module_of(each) for each in (settings, *parts)))


def _module_of(settings: AnyModel) -> str:
    return f"trainer.models.{settings.kind}.fit"
