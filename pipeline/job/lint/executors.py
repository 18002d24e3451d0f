"""Finds code that a task on Vertex cannot import: executors of a notebook or script, and modules given as files."""

from collections.abc import Iterator
from typing import Any

from pipeline.job.lint.finding import Finding
from pipeline.job.lint.places import is_of_one_machine
from pipeline.job.lint.subject import MAIN, Subject

_MOVE = "Move the class to a module of the package that is installed in the image, at the module's top level"


def job_findings(subject: Subject) -> Iterator[Finding]:
    """Checks that each task's executor can be imported, as TFX's entry point will import it.

    Args:
        subject: The job.
    """
    for task in subject.tasks:
        path = task.executor_class
        if path and path.partition(".")[0] == MAIN:
            yield _in_main(task.id, path)
        elif path and path in subject.not_importable:
            yield _not_importable(task.id, path, subject.not_importable[path])
        yield from _module_files(task.id, task.constants)


def pipeline_findings(pipeline: Any) -> Iterator[Finding]:
    """Checks the executor classes of components.

    Args:
        pipeline: A `tfx.dsl.Pipeline`.
    """
    for component in pipeline.components:
        cls = getattr(component.executor_spec, "executor_class", None)  # an importer or a resolver has none
        if cls is not None:
            path = f"{cls.__module__}.{cls.__qualname__}"
            if cls.__module__ == MAIN:
                yield _in_main(component.id, path)
            elif "." in cls.__qualname__:
                yield _not_importable(component.id, path, "a class inside a function or class has no path of its own")
        yield from _module_files(component.id, component.exec_properties)


def _in_main(task: str, path: str) -> Finding:
    return Finding(
        "executor-in-main",
        "error",
        task,
        f"executor {path}",
        "The class is defined in the notebook or script that compiled the job; on Vertex `__main__` is TFX's own "
        "entry point.",
        f"{_MOVE}.",
    )


def _not_importable(task: str, path: str, reason: str) -> Finding:
    return Finding(
        "executor-not-importable",
        "error",
        task,
        f"executor {path}",
        f"The task imports its executor by this path, but a new interpreter cannot import it: {reason}.",
        f"{_MOVE}; a class that is only in the image cannot be checked on this machine.",
    )


def _module_files(task: str, parameters: dict[str, Any]) -> Iterator[Finding]:
    for name in ("module_file", "module_path"):
        value = parameters.get(name)
        if not isinstance(value, str) or not value:
            continue
        local = is_of_one_machine(value.rpartition("@")[2])
        yield Finding(
            "module-file",
            "error" if local else "warning",
            task,
            f"parameter {name}",
            f"{value} is packed into a wheel at compile time, with every other module of its folder, and pip installs "
            "it when the task starts. This needs pip in the image and a bucket that this machine can write to, and "
            "the " + ("path is a path of this machine." if local else "image alone does not say which code ran."),
            "Put the code into the image and name the function by its dotted path: run_fn or preprocessing_fn.",
        )
