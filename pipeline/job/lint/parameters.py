"""Finds RuntimeParameters without a value."""

from collections.abc import Iterator
from typing import Any

from pipeline.job.lint.finding import Finding
from pipeline.job.lint.subject import Subject

_FIX = (
    "Give it a default, a value at compile time, run(pipeline, parameter_values={…}), or one at each submit: "
    "--parameter NAME=VALUE."
)

RUNTIME_PARAMETER_WITHOUT_VALUE = "runtime-parameter-without-value"


def job_findings(subject: Subject) -> Iterator[Finding]:
    """Checks that each parameter has a value or a default.

    Args:
        subject: The job.
    """
    runtime = subject.job.runtime
    given = {*runtime.parameter_values, *runtime.parameters}
    for name, parameter in sorted(subject.job.spec.root.input_definitions.parameters.items()):
        if name not in given and not parameter.HasField("default_value") and not parameter.is_optional:
            users = [
                task.id
                for task in subject.tasks
                if any(one.component_input_parameter == name for one in task.spec.inputs.parameters.values())
            ]
            yield Finding(
                RUNTIME_PARAMETER_WITHOUT_VALUE,
                "warning",
                users[0] if len(users) == 1 else None,
                f"runtime parameter {name}",
                "It has neither value nor default, so Vertex refuses the job unless a value is given with it. A "
                "default in the pipeline does not help, because TFX's own runner drops it.",
                _FIX,
            )


def pipeline_findings(pipeline: Any) -> Iterator[Finding]:
    """Checks that each RuntimeParameter of a component has a default.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    from tfx.orchestration.data_types import RuntimeParameter

    for component in pipeline.components:
        for name, value in component.exec_properties.items():
            if isinstance(value, RuntimeParameter) and value.default is None:
                yield Finding(
                    RUNTIME_PARAMETER_WITHOUT_VALUE,
                    "warning",
                    component.id,
                    f"runtime parameter {value.name}, parameter {name}",
                    "It has no default, so Vertex refuses a job that is submitted without a value.",
                    _FIX,
                )
