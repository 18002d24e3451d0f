"""Finds what Kubeflow Pipelines' own backend does not support. That backend takes YAML; Vertex takes JSON.

See https://github.com/kubeflow/pipelines/blob/master/backend/src/v2/compiler/argocompiler/argo.go.
"""

from collections.abc import Iterator

from pipeline.job.lint.finding import Finding
from pipeline.job.lint.subject import Subject


def resolvers(subject: Subject) -> Iterator[Finding]:
    """Finds resolvers.

    Args:
        subject: The job.
    """
    for task in subject.tasks:
        if subject.is_yaml and task.executor.HasField("resolver"):
            yield Finding(
                "kfp-resolver",
                "error",
                task.id,
                "resolver",
                "Kubeflow Pipelines' own backend has no resolvers: it refuses the run with `resolver not implemented "
                "yet`. Vertex runs them.",
                "Find the model by what is served, as pipeline.components.live_model_resolver does, or import one by "
                "its place (tfx.dsl.Importer).",
            )


def drivers(subject: Subject) -> Iterator[Finding]:
    """Finds ExampleGens whose driver must run before the cache lookup.

    Args:
        subject: The job.
    """
    for task in subject.tasks:
        driver = task.executor.container.lifecycle.pre_cache_check
        if subject.is_yaml and driver.command and task.spec.caching_options.enable_cache:
            yield Finding(
                "kfp-cached-example-gen",
                "error",
                task.id,
                "container, lifecycle.preCacheCheck",
                "Kubeflow Pipelines' own backend does not run preCacheCheck, by which TFX puts the input files' "
                "fingerprint into the cache's key: with caching, new data is answered with yesterday's Examples.",
                "For that backend, compile with enable_cache: false, or give each run another input path.",
            )
