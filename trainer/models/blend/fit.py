"""Fits a blend: trains its parts, and chooses how much each counts."""

import numpy as np

from configs.models.blend import Blend
from trainer.fitting import Fitted, Training, kind_of
from trainer.models.blend.parts import fit_parts, joined, part_names
from trainer.models.blend.served import ServedBlend
from trainer.models.blend.weighing import chosen_weights

_WEIGHTS = "weights"
"""Name of the array of the weights, which a warm start keeps."""


def architecture(settings: Blend) -> str:
    """How the parts work."""
    parts = zip(part_names(settings), settings.chosen_parts, strict=True)
    return f"blend of {'; '.join(f'{name} ({kind_of(part).architecture(part)})' for name, part in parts)}"


def fit(training: Training, settings: Blend) -> Fitted:
    """Makes the model; see `trainer.fitting`.

    The epochs of the parts are not those of the blend, so there are none; TensorBoard shows each part's in a folder of
    its name. The parts count the same if their weights are neither set, nor kept from the last blessed model, nor
    chosen, because the log is too small to hold targets out.
    """
    names, parts = part_names(settings), settings.chosen_parts
    weights = _known_weights(training, settings)
    fitted = fit_parts(training, settings, [True] * len(parts) if weights is None else [w > 0 for w in weights])
    if weights is None and training.may_choose:
        weights = chosen_weights({name: of_part.model for name, of_part in fitted.items()}, training.evaluator)
    elif weights is None:
        weights = (1 / len(parts),) * len(parts)
    models = {name: (fitted[name].model, weight) for name, weight in zip(names, weights, strict=True) if weight > 0}
    as_trained = tuple(
        fitted[name].settings if name in fitted else part for name, part in zip(names, parts, strict=True)
    )
    return Fitted(
        model=ServedBlend(*zip(*models.values(), strict=True)),
        settings=settings.model_copy(update={"parts": as_trained, "weights": weights}),
        carried=joined({name: of_part.carried for name, of_part in fitted.items()}),
        tables=joined({name: of_part.tables for name, of_part in fitted.items()}),
        arrays={
            **joined({name: of_part.arrays for name, of_part in fitted.items()}),
            _WEIGHTS: np.array(weights, np.float32),
        },
    )


def _known_weights(training: Training, settings: Blend) -> tuple[float, ...] | None:
    """The weights that are set, or else those of the last blessed model; None if they are to be chosen."""
    if settings.weights is not None or training.base is None:
        return settings.weights
    return tuple(float(weight) for weight in training.base.arrays[_WEIGHTS])
