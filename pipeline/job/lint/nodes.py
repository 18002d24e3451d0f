"""Finds nodes that TFX's compiler for Vertex refuses with an error that explains nothing."""

from collections.abc import Iterator
from typing import Any

from pipeline.job.lint.finding import Finding


def unions(pipeline: Any) -> Iterator[Finding]:
    """Finds inputs that join several channels.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    from tfx.dsl.components.common import resolver
    from tfx.types.channel import Channel

    for component in pipeline.components:
        if isinstance(component, resolver.Resolver):
            continue  # its inputs only say what types to look for
        for key, channel in component.inputs.items():
            if not isinstance(channel, Channel):
                yield Finding(
                    "union-channel",
                    "error",
                    component.id,
                    f"input {key}",
                    f"It is a {type(channel).__name__}; the compiler takes a single component's output and refuses "
                    "this with `TypeError: Only single Channel is supported`.",
                    "Give each channel its own input, or merge them in one component.",
                )


def infra_validators(pipeline: Any) -> Iterator[Finding]:
    """Finds InfraValidator.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    from tfx.components import InfraValidator

    for component in pipeline.components:
        if isinstance(component, InfraValidator):
            yield Finding(
                "infra-validator",
                "error",
                component.id,
                "node",
                "The compiler does not support InfraValidator: it starts a container beside its task, which Vertex "
                "does not let a task do.",
                "Check the model in a process of the task, as our ServingCheck does; it also writes an InfraBlessing.",
            )


def unsupported(pipeline: Any) -> Iterator[Finding]:
    """Finds pipelines inside the pipeline, and executor specs for which the compiler makes no container.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    from tfx.dsl.component.experimental import executor_specs
    from tfx.dsl.components.base import base_component, executor_spec
    from tfx.orchestration.pipeline import Pipeline

    supported = (executor_spec.ExecutorClassSpec, executor_specs.TemplatedExecutorContainerSpec)
    for component in pipeline.components:
        kind = component.executor_spec
        if isinstance(component, Pipeline):
            yield _unsupported(
                component.id, "It is a pipeline, and the compiler fails on it with an AssertionError without a message."
            )
        elif isinstance(component, base_component.BaseComponent) and not isinstance(kind, supported):
            why = f"The compiler makes no container for a {type(kind).__name__}; it raises NotImplementedError."
            yield _unsupported(component.id, why)


def _unsupported(task: str, why: str) -> Finding:
    fix = "Put its components into this pipeline, each with an executor class or a container."
    return Finding("unsupported-node", "error", task, "node", why, fix)
