"""Evaluates a task's condition, a CEL expression over its inputs (https://github.com/google/cel-spec)."""

import re
from typing import Any

import celpy
from celpy.adapter import json_to_cel
from celpy.celparser import CELParseError
from celpy.celtypes import BoolType
from celpy.evaluation import CELEvalError

from common.errors import JobError


def holds(condition: str, executor_input: dict[str, Any]) -> bool:
    """Whether a condition is true.

    Args:
        condition: CEL, such as `inputs.artifacts['blessing'].artifacts[0].metadata['blessed'] == 1.0`.
        executor_input: The task's ExecutorInput as JSON values.

    Raises:
        JobError: The expression is wrong, its value is not a boolean, or it reads an input that does not exist.
    """
    inputs = executor_input["inputs"]
    # As in KFP: `parameter_values` are plain values, and `parameters` of spec 2.0 are protos. Numbers of artifacts are
    # doubles.
    seen = {
        "artifacts": inputs.get("artifacts", {}),
        "parameter_values": inputs.get("parameterValues", {}),
        "parameters": {
            key: {_snake(field): inner for field, inner in value.items()}
            for key, value in inputs.get("parameters", {}).items()
        },
    }
    environment = celpy.Environment()
    try:
        answer = environment.program(environment.compile(condition)).evaluate({"inputs": json_to_cel(_doubles(seen))})
    except (CELParseError, CELEvalError) as e:
        raise JobError(f"the condition {condition!r} cannot be evaluated: {e.args[0] if e.args else e}") from e
    if not isinstance(answer, (bool, BoolType)):
        raise JobError(f"the condition {condition!r} is not a boolean: its value is {answer!r}.")
    return bool(answer)


def _snake(name: str) -> str:
    return re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name)


def _doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _doubles(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_doubles(inner) for inner in value]
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else value
