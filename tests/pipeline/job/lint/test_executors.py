"""Executors that a task cannot import, and modules shipped as files."""

import sys
import types
from pathlib import Path

import pytest
from tfx.dsl.components.base import base_executor

from tests.pipeline.job.lint.planted import (
    Executor,
    component,
    counter,
    example_gen,
    found,
    job_of,
    pipeline_of,
    places,
    trainer,
)

MAIN, IMPORT, FILE = "executor-in-main", "executor-not-importable", "module-file"


def _executor_in(module: str, monkeypatch: pytest.MonkeyPatch) -> type:
    """An executor class that this process has, in a module of that name."""
    if module not in sys.modules:
        monkeypatch.setitem(sys.modules, module, types.ModuleType(module))
    executor = type("Mine", (base_executor.BaseExecutor,), {"__module__": module, "Do": lambda *_: None})
    monkeypatch.setattr(sys.modules[module], "Mine", executor, raising=False)
    return executor


def test_executor_of_a_script_is_an_error_before_and_after_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    pipeline = pipeline_of(component(_executor_in("__main__", monkeypatch)))
    assert places(found(pipeline, MAIN, IMPORT)) == [("Own", "executor __main__.Mine")]
    assert places(found(job_of(pipeline), MAIN, IMPORT)) == [("Own", "executor __main__.Mine")]


def test_executor_of_a_module_that_only_this_process_has_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    job = job_of(pipeline_of(component(_executor_in("made_in_a_notebook", monkeypatch))))
    (finding,) = found(job, IMPORT)
    assert (finding.severity, finding.where) == ("error", "executor made_in_a_notebook.Mine")
    assert "there is no module made_in_a_notebook" in finding.why


def test_executor_inside_a_class_is_an_error_before_and_after_compilation() -> None:
    pipeline = pipeline_of(component(Executor.Inner))
    where = ("Own", f"executor {Executor.__module__}.Executor.Inner")
    assert places(found(pipeline, IMPORT)) == [where]
    assert places(found(job_of(pipeline), IMPORT)) == [where]


def test_executor_inside_a_function_is_an_error_where_the_compiler_has_only_a_value_error() -> None:
    class Local(base_executor.BaseExecutor):
        Do = None

    pipeline = pipeline_of(component(Local))
    (finding,) = found(pipeline, IMPORT)
    assert "Local" in finding.where
    with pytest.raises(ValueError, match="qualified name"):
        job_of(pipeline)


def test_executors_of_tfx_of_ones_own_and_of_a_function_component_are_found() -> None:
    pipeline = pipeline_of(example_gen(), component(Executor), counter())
    assert found(pipeline, MAIN, IMPORT) == []
    assert found(job_of(pipeline), MAIN, IMPORT) == []


def test_module_file_is_reported_before_a_wheel_is_built(tmp_path: Path) -> None:
    module = tmp_path / "user_code.py"
    module.write_text("def run_fn(arguments):\n    pass\n")
    examples = example_gen()
    pipeline = pipeline_of(examples, trainer(examples, module_file=str(module)), root=str(tmp_path / "root"))
    (finding,) = found(pipeline, FILE)
    assert (finding.severity, finding.task, finding.where) == ("error", "Trainer", "parameter module_file")
    assert not (tmp_path / "root").exists()


@pytest.mark.parametrize(("folder", "severity"), [("gs://bucket/root", "warning"), ("/srv/root", "error")])
def test_module_path_of_a_wheel_is_reported_in_the_job(folder: str, severity: str) -> None:
    examples = example_gen()
    node = trainer(examples)
    # As TFX leaves it when it has built the wheel.
    node.spec.exec_properties["module_path"] = f"user_code@{folder}/_wheels/tfx_user_code_Trainer-0.0-py3-none-any.whl"
    (finding,) = found(job_of(pipeline_of(examples, node)), FILE, "local-path")  # told once
    assert (finding.rule, finding.severity, finding.where) == (FILE, severity, "parameter module_path")
