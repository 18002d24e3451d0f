"""Which files a compiled job reads: the patterns of its ExampleGens, with the values of the run's parameters."""

import json
from collections.abc import Mapping
from typing import Any

from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as pb

from common.errors import JobError
from pipeline.job.compiled import CompiledJob

_BASE, _CONFIG = "input_base", "input_config"
"""Inputs that a task has if, and only if, it is a FileBasedExampleGen of TFX."""


def input_globs(job: CompiledJob, values: Mapping[str, Any]) -> dict[tuple[str, str], tuple[str, str]]:
    """The files that a run reads.

    Args:
        job: The compiled job.
        values: Of the run's parameters; the others have their defaults.

    Returns:
        Folder, and the files' pattern in it, by task and split. Empty for a job that has no ExampleGen of files.

    Raises:
        JobError: What the job says of its input cannot be read.
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
