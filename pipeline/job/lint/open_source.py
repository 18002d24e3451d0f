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
                "Find the model that is served, as pipeline.components.live_model_resolver does, or import a model "
                "by its URI (tfx.dsl.Importer).",
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
                "Kubeflow Pipelines' own backend does not run preCacheCheck, which TFX uses to put the fingerprint "
                "of the input files into the cache key. With caching, the task then returns yesterday's Examples for "
                "new data.",
                "For that backend, compile with enable_cache: false, or give each run a different input path.",
            )
