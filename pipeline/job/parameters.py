"""Reads values of parameters, in the types that the job declares: from the command line, from files, from JSON."""

import json
import math
from collections.abc import Sequence
from typing import Any

from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from pipeline.job.compiled import CompiledJob

_SIGNS = {
    pb.ParameterType.NUMBER_DOUBLE: "a number",
    pb.ParameterType.NUMBER_INTEGER: "a whole number",
    pb.ParameterType.STRING: "text",
    pb.ParameterType.BOOLEAN: "true or false",
    pb.ParameterType.LIST: "a JSON list",
    pb.ParameterType.STRUCT: "a JSON object",
}
_PYTHON: dict[int, tuple[type, ...]] = {
    pb.ParameterType.NUMBER_DOUBLE: (int, float),
    pb.ParameterType.NUMBER_INTEGER: (int,),
    pb.ParameterType.BOOLEAN: (bool,),
    pb.ParameterType.LIST: (list,),
    pb.ParameterType.STRUCT: (dict,),
}
_LARGEST_INTEGER = 2**53
"""Whole numbers up to this can be sent exactly in JSON, whose numbers are IEEE 754 doubles."""

_MOST_DIGITS = 20
"""Longer numbers are beyond it; Python refuses to read those of some 4,000 digits."""

_ECHO = 100
"""Number of characters of a value that a message repeats."""

_OLD_TYPES = {
    pb.PrimitiveType.INT: pb.ParameterType.NUMBER_INTEGER,
    pb.PrimitiveType.DOUBLE: pb.ParameterType.NUMBER_DOUBLE,
    pb.PrimitiveType.STRING: pb.ParameterType.STRING,
}
"""Types by their old names: TFX writes the field `type`, which KFP has replaced by `parameter_type`."""


def parameter_values(job: CompiledJob, given: Sequence[str]) -> dict[str, Any]:
    """Reads values from the command line.

    Args:
        job: The job, which declares the parameters and may have values for them.
        given: Each value as `NAME=VALUE`.

    Returns:
        JSON values by name: the given values, and those in the job file.

    Raises:
        JobError: A name is unknown, a value does not fit, or one is missing.
    """
    declared = job.spec.root.input_definitions.parameters
    own = {*job.runtime.parameter_values, *job.runtime.parameters}
    values: dict[str, Any] = {name: value for name, value in job.parameters.items() if name in own}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise JobError(f"--parameter {text!r} is not NAME=VALUE.")
        if name not in declared:
            raise JobError(f"{job.path}: has no runtime parameter {name!r}. {_known(job)}")
        values[name] = _value(job, name, value)
    missing = [
        name
        for name, parameter in declared.items()
        if name not in values and not parameter.HasField("default_value") and not parameter.is_optional
    ]
    if missing:
        raise JobError(
            f"{job.path}: no value for the runtime parameter(s) {', '.join(sorted(missing))}. Give each with "
            f"--parameter NAME=VALUE. {_known(job)}"
        )
    return values


def type_of(declared: Any) -> int:
    """The type of a parameter, in either spelling of the pipeline spec.

    Args:
        declared: ParameterSpec of an input or an output.

    Returns:
        A value of `pb.ParameterType`.
    """
    return declared.parameter_type or _OLD_TYPES.get(declared.type, pb.ParameterType.STRING)


def from_text(text: str, declared: Any) -> Any:
    """Reads a value from text.

    Args:
        text: JSON, or plain text for a STRING.
        declared: ParameterSpec of an input or an output.

    Raises:
        ValueError: It is of another type, or JSON cannot hold it; the message names the wanted type.
    """
    kind = type_of(declared)
    if kind not in _PYTHON:
        return text
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite, parse_int=_exact)
    except (json.JSONDecodeError, RecursionError):
        value = None
    except ValueError as e:  # from the three functions below
        raise ValueError(f"{_SIGNS[kind]} that JSON can hold ({e})") from e
    fits = isinstance(value, _PYTHON[kind]) and (kind == pb.ParameterType.BOOLEAN or not isinstance(value, bool))
    if not fits:
        raise ValueError(_SIGNS[kind])
    return value


def _refuse(constant: str) -> Any:
    raise ValueError(f"it has no {constant}")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{_shortened(text)} is too large")
    return number


def _exact(text: str) -> int:
    if len(text) > _MOST_DIGITS or abs(int(text)) > _LARGEST_INTEGER:
        raise ValueError(f"{_shortened(text)} is beyond 2**53")
    return int(text)


def as_declared(value: Any, declared: Any) -> Any:
    """Converts a JSON value to its declared type: JSON and protobuf's Struct have only one kind of number.

    Args:
        value: A JSON value.
        declared: ParameterSpec of an input or an output.
    """
    kind = type_of(declared)
    if kind == pb.ParameterType.NUMBER_INTEGER and isinstance(value, float) and value.is_integer():
        return int(value)
    if kind == pb.ParameterType.STRING and isinstance(value, (dict, list)):
        return json.dumps(value)  # a final status, which TFX expects as text
    return value


def _value(job: CompiledJob, name: str, text: str) -> Any:
    try:
        return from_text(text, job.spec.root.input_definitions.parameters[name])
    except ValueError as e:
        received = repr(text) if len(text) <= _ECHO else f"{text[:_ECHO]!r}… ({len(text)} characters)"
        raise JobError(f"{job.path}: the runtime parameter {name!r} must be {e}. Received: {received}.") from e


def _shortened(number: str) -> str:
    return number if len(number) <= _ECHO else f"a number of {len(number)} characters"


def _known(job: CompiledJob) -> str:
    declared = job.spec.root.input_definitions.parameters
    known = [f"{name} ({_SIGNS.get(type_of(declared[name]), 'text')})" for name in sorted(declared)]
    return f"It has: {', '.join(known)}." if known else "It has none."
