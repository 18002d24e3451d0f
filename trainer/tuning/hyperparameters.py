"""Hyperparameters in the format of TFX and KerasTuner, and the settings that they change.

The format is the JSON of `keras_tuner.HyperParameters.get_config`: `space` describes each setting that was searched,
with its value in the config as `default`, and `values` has what was found. The other settings are `Fixed`, the model's
`kind` among them, so that a training can tell whether the values were found with its own settings.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from pydantic import JsonValue
from tfx.utils import io_utils

from common.errors import TrainingError
from configs.models import AnyModel
from configs.models.ranges import Choice, IntRange, Range
from trainer.tuning.values import values_of, with_values

FILE = "best_hyperparameters.txt"
"""The file in the artifact; TFX's Trainer reads the only file of the folder, whatever its name."""

_KIND = "kind"
_WHERE = "The hyperparameters"

_NOTHING = "none"
"""How a setting without a value is written: a Fixed hyperparameter must have one."""

_WITHOUT_INFLUENCE = ("learn", "warm_start", "seed", "eval_max_users")
"""Settings that may change without a new search."""

_LOGGER = logging.getLogger("perennial.trainer")


def hyperparameters_of(
    settings: AnyModel, space: Mapping[str, Range], values: Mapping[str, JsonValue]
) -> dict[str, Any]:
    """Describes what was found.

    Args:
        settings: The settings of the config.
        space: What was searched.
        values: What was found, by name.

    Returns:
        JSON values that `keras_tuner.HyperParameters.from_config` reads.
    """
    configured = values_of(settings, space)
    fixed = {name: value for name, value in _fixed(settings).items() if name not in space}
    described = [
        *({"class_name": "Fixed", "config": {"name": name, "conditions": [], "value": fixed[name]}} for name in fixed),
        *(_described(name, each, configured[name]) for name, each in space.items()),
    ]
    return {"space": described, "values": {**fixed, **{name: values[name] for name in space}}}


def applied(settings: AnyModel, hyperparameters: Mapping[str, Any] | None) -> tuple[AnyModel, dict[str, JsonValue]]:
    """Puts hyperparameters into the settings of a training.

    They are not used, and a warning says so, if they are of another kind of model, or if the config has changed since:
    the values were found together with it, and the person who has changed a setting expects to see it.

    Args:
        settings: The settings of the config.
        hyperparameters: As `hyperparameters_of` returns them, or another tuner of TFX; None if there are none.

    Returns:
        The settings to train with, and those among them that differ from the config, by name.

    Raises:
        TrainingError: A name is unknown, a value does not fit, or the format is another one.
    """
    values = found_values(settings, hyperparameters)
    configured = values_of(settings, values, _WHERE)
    changed = {name: value for name, value in values.items() if value != configured[name]}
    if not changed:
        return settings, {}
    made = with_values(settings, values, _WHERE)
    _LOGGER.info(
        "from the tuner: %s",
        ", ".join(f"{name} {value} (config: {configured[name]})" for name, value in changed.items()),
    )
    return made, changed


def read_hyperparameters(folder: str) -> dict[str, Any]:
    """Reads the only file of an artifact, as TFX's Trainer does.

    Args:
        folder: The artifact's folder, local or remote.

    Raises:
        TrainingError: It does not hold one file of JSON.
    """
    try:
        content = json.loads(io_utils.read_string_file(io_utils.get_only_uri_in_dir(folder)))
    except (RuntimeError, ValueError, tf.errors.NotFoundError) as e:
        raise TrainingError(f"{folder} holds no hyperparameters ({e}). Search again.") from e
    if not isinstance(content, dict):
        raise TrainingError(f"{folder} holds {type(content).__name__}, no hyperparameters. Search again.")
    return content


def found_values(settings: AnyModel, hyperparameters: Mapping[str, Any] | None) -> dict[str, JsonValue]:
    """The values that may be used with some settings; empty if there are none, or if they are of other settings.

    Args:
        settings: As in `applied`.
        hyperparameters: As in `applied`.

    Raises:
        TrainingError: As in `applied`.
    """
    if hyperparameters is None:
        return {}
    values = hyperparameters.get("values")
    if not isinstance(values, dict):
        raise TrainingError(
            f"{_WHERE} have no values: expected the JSON of keras_tuner.HyperParameters.get_config, received the keys "
            f"{', '.join(hyperparameters) or '(none)'}. Search again."
        )
    described = {each["config"]["name"]: each["config"] for each in hyperparameters.get("space", [])}
    then = {name: each["value"] for name, each in described.items() if "value" in each}
    kind = then.get(_KIND, values.get(_KIND, settings.kind))
    if kind != settings.kind:
        _LOGGER.warning(
            "the hyperparameters are of a model of the kind %s, and are not used for %s", kind, settings.kind
        )
        return {}
    is_ours = _KIND in then  # another tuner's Fixed hyperparameters are settings to train with
    found = {name: value for name, value in values.items() if name != _KIND and not (is_ours and name in then)}
    now: dict[str, JsonValue] = {**_fixed(settings), **values_of(settings, found, _WHERE)}
    before = (then if is_ours else {}) | {name: described[name].get("default") for name in found if name in described}
    differing = [
        f"{name} from {value} to {now.get(name, _NOTHING)}"
        for name, value in before.items()
        if value is not None and value != now.get(name, _NOTHING)
    ]
    if differing:
        _LOGGER.warning(
            "the hyperparameters are not used: since they were searched, the config has changed %s. Search again.",
            ", ".join(differing),
        )
        return {}
    return found


def _fixed(settings: AnyModel) -> dict[str, JsonValue]:
    """The settings by dotted names, without lists of numbers and without what has no influence on the best values."""
    found: dict[str, JsonValue] = {}

    def walk(value: JsonValue, path: tuple[str, ...]) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, (*path, name))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                if isinstance(inner, dict):
                    walk(inner, (*path, str(index)))
        elif path[-1] not in _WITHOUT_INFLUENCE:
            found[".".join(path)] = _NOTHING if value is None else value

    walk(settings.model_dump(mode="json"), ())
    return found


def _described(name: str, searched: Range, default: JsonValue) -> dict[str, Any]:
    common = {"name": name, "default": default, "conditions": []}
    if isinstance(searched, Choice):
        values = searched.values if default in searched.values else (default, *searched.values)
        return {"class_name": "Choice", "config": {**common, "values": list(values), "ordered": False}}
    is_whole = isinstance(searched, IntRange)
    step = 1 if is_whole and not searched.log else None
    sampling = "log" if searched.log else "linear"
    limits = {"min_value": searched.low, "max_value": searched.high, "step": step, "sampling": sampling}
    return {"class_name": "Int" if is_whole else "Float", "config": {**common, **limits}}
