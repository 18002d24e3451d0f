"""Finds the files that a compiled job reads: the patterns of its ExampleGens, with the run's parameter values."""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from pipeline.job.compiled import CompiledJob

_BASE, _CONFIG = "input_base", "input_config"
"""Inputs that only a FileBasedExampleGen of TFX has."""


def input_globs(job: CompiledJob, values: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """Lists the patterns of the files that a run reads.

    Args:
        job: The compiled job.
        values: Values of the run's parameters; parameters without a value have their defaults.

    Returns:
        A folder and the files' pattern in it, by task and split. Empty for a job without an ExampleGen that reads
        files.

    Raises:
        JobError: The job's description of its input cannot be read.
    """
    found = {}
    for name, task in job.spec.root.dag.tasks.items():
        if not {_BASE, _CONFIG} <= set(task.inputs.parameters):
            continue
        base, config = (_value(job, task.inputs.parameters[key], values) for key in (_BASE, _CONFIG))
        try:
            splits = json.loads(config)["splits"]
            patterns = {split["name"]: split["pattern"] for split in splits}
        except (ValueError, KeyError, TypeError) as e:
            raise JobError(f"{job.path}: the {_CONFIG} of task {name!r} names no files: {config!r}") from e
        for split, pattern in patterns.items():
            found[name, split] = str(base).rstrip("/"), pattern
    return found


def _value(job: CompiledJob, source: "pb.TaskInputsSpec.InputParameterSpec", values: Mapping[str, Any]) -> Any:
    if source.WhichOneof("kind") == "runtime_value":
        return json_format.MessageToDict(source.runtime_value.constant)
    parameter = source.component_input_parameter
    if parameter in values:
        return values[parameter]
    return json_format.MessageToDict(job.spec.root.input_definitions.parameters[parameter].default_value)
