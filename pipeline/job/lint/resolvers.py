"""Finds resolvers for which Vertex has no query, and blessings with which its query finds no model."""

from collections.abc import Iterator
from typing import Any

from pipeline.job.lint.finding import Finding

_STRATEGIES = ("LatestArtifactStrategy", "LatestBlessedModelStrategy")


def resolvers(pipeline: Any) -> Iterator[Finding]:
    """Finds resolvers for which Vertex has no query.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    from tfx.dsl.components.common import resolver
    from tfx.orchestration.kubeflow.v2 import compiler_utils
    from tfx.utils import deprecation_utils

    for component in pipeline.components:
        if not isinstance(component, resolver.Resolver):
            continue
        properties = component.exec_properties
        cls = properties.get(resolver.RESOLVER_STRATEGY_CLASS)  # None: the resolver has a function instead
        strategy = deprecation_utils.get_first_nondeprecated_class(cls).__name__ if cls else "its function"
        wanted = (properties.get(resolver.RESOLVER_CONFIG) or {}).get("desired_num_of_artifacts", 0)
        if strategy not in _STRATEGIES:
            yield _resolver(
                component.id, f"Vertex has queries for two strategies only, and {strategy} is not one of them"
            )
        elif wanted > 1:
            yield _resolver(component.id, f"it asks for {wanted} artifacts, but Vertex's query returns one")
        elif strategy == _STRATEGIES[0]:
            for key, channel in component.inputs.items():
                if compiler_utils.get_artifact_title(channel.type) == "tfx.Artifact":
                    yield Finding(
                        "resolver-of-own-type",
                        "warning",
                        component.id,
                        f"input {key}",
                        f"For a custom type, such as {channel.type.TYPE_NAME}, the compiler asks for the latest "
                        "`tfx.Artifact`. No artifact of the custom type has this title, so the resolver never finds "
                        "one.",
                        "Resolve an artifact of a standard type, or record the URI of the latest one in a bucket.",
                    )


def blessings(pipeline: Any) -> Iterator[Finding]:
    """Finds blessings with which LatestBlessedModelStrategy will not find a model.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    from tfx.components.evaluator import executor as evaluator
    from tfx.dsl.components.common import resolver
    from tfx.types import standard_artifacts

    strategies = [c.exec_properties.get(resolver.RESOLVER_STRATEGY_CLASS) for c in pipeline.components]
    if not any(getattr(strategy, "__name__", "") == _STRATEGIES[1] for strategy in strategies):
        return
    for component in pipeline.components:
        executor = getattr(component.executor_spec, "executor_class", None)
        for key, channel in component.outputs.items():
            if not issubclass(channel.type, standard_artifacts.ModelBlessing) or isinstance(
                component, resolver.Resolver
            ):
                continue
            if executor is None or not issubclass(executor, evaluator.Executor) or key != "blessing":
                yield Finding(
                    "blessing-without-model-name",
                    "error",
                    component.id,
                    f"output {key}",
                    "TFX's entry point writes the model's name on Vertex into a ModelBlessing only for the output "
                    "`blessing` of a subclass of TFX's Evaluator executor. With any other ModelBlessing, "
                    "LatestBlessedModelStrategy never finds the model.",
                    "Let the executor extend tfx.components.evaluator.executor.Executor, and name the output blessing.",
                )


def _resolver(task: str, why: str) -> Finding:
    return Finding(
        "resolver-strategy",
        "error",
        task,
        "node",
        f"The compiler refuses this resolver: {why}.",
        f"Use {' or '.join(_STRATEGIES)} for one artifact, or read the artifacts in your own component.",
    )
