"""Which libraries each entry point may load: a command that lists runs must not wait for TensorFlow."""

import json
import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.e2e

_API = ("google.cloud.aiplatform", "google.cloud.aiplatform_v1")
_BEAM = ("apache_beam", "tensorflow_data_validation", "tensorflow_model_analysis")
_ALL = (*_API, *_BEAM, "tfx", "tfx_bsl", "tensorflow", "kfp", "pandas", "matplotlib", "google.cloud.storage")


def _command(*argv: str) -> str:
    return f"from pipeline.commands import cli; assert cli.main({list(argv)!r}) == 0"


# Each list goes through one process, which imports dear libraries once: what an entry point loads is there for those
# after it, so each may load what those before it may, and more.
_HERE = [
    (_command("--help"), _ALL),
    (_command("vertex", "--help"), _ALL),
    (_command("datasets", "list"), _ALL),
    (_command("completion", "bash"), _ALL),
    (_command("runs", "list"), _ALL),
    ("import pipeline.commands.demo", _ALL),
    ("import pipeline.commands.doctor.examine", _ALL),
    ("import pipeline.commands.vertex.rehearse", _ALL),
    ("import service.backends.local", _ALL),
    ("import service.backends.vertex", _ALL),
    ("import service.model_process.server", _ALL),
    (_command("versions", "list"), ("tfx", *_BEAM, *_API, "kfp")),
    ("import pipeline.store.models", ("tfx", *_BEAM, *_API, "kfp")),
    ("import pipeline.store.versions.rollback", ("tfx", *_BEAM, *_API, "kfp")),
    ("import serving_signatures.export", ("tfx", *_BEAM, *_API, "kfp")),
    ("import transforms.interactions", ("tfx", *_BEAM, *_API, "kfp")),
    ("import transforms.catalogue", ("tfx", *_BEAM, *_API, "kfp")),
    ("import pipeline.components.live_model_resolver.executor", (*_BEAM, *_API, "kfp")),
    ("import pipeline.components.run_report.executor", (*_BEAM, *_API, "kfp")),
    ("import pipeline.commands.notebook.runs", (*_BEAM, *_API, "kfp")),
    ("import pipeline.components.model_comparison.executor", (*_API, "mlflow")),
    ("import trainer.run_fn", _API),
    ("import pipeline.components.catalogue_gen.executor", _API),
    ("import pipeline.components.data_gate.executor", _API),
    ("import pipeline.components.interaction_gen.executor", _API),
    ("import pipeline.components.pusher.executor", _API),
    ("import pipeline.components.retrieval_evaluator.executor", _API),
    ("import pipeline.components.serving_check.executor", _API),
    ("import pipeline.components.trainer.executor", _API),
    ("import pipeline.runners.local", _API),
    ("import local_runner", _API),
    ("import pipeline.commands.replay.rounds", _API),
    ("import pipeline.runners.vertex.compile", _API),
    ("import kubeflow_v2_runner", _API),
    ("import pipeline.components.registry_pusher.executor", _API),
    ("import pipeline.cloud.registry.push", ("google.cloud.aiplatform",)),
]

_VERTEX = [
    # Its tasks are processes of their own.
    ("import pipeline.job.rehearsal.rehearse", (*_API, *_BEAM, "tfx", "tensorflow", "pandas")),
    ("import pipeline.runners.vertex.runs", (*_BEAM, "tfx", "tensorflow", "pandas", "google.cloud.aiplatform")),
    ("import pipeline.runners.vertex.schedule", (*_BEAM, "tfx", "tensorflow", "pandas", "google.cloud.aiplatform")),
    ("import pipeline.runners.vertex.submit", (*_BEAM, "tfx", "tensorflow", "pandas", "google.cloud.aiplatform")),
    ("import pipeline.runners.vertex.following", (*_BEAM, "tfx", "tensorflow", "pandas", "google.cloud.aiplatform")),
    ("import pipeline.runners.vertex.experiment", (*_BEAM, "tfx", "tensorflow", "pandas", "google.cloud.aiplatform")),
]

_PROGRAM = """
import contextlib, io, json, sys
sys.path.insert(0, ".")  # python -c has it there; with PYTHONSAFEPATH it has not
for statement, forbidden in json.loads(sys.argv[1]):
    with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):
        exec(statement, {})
    loaded = sorted(set(forbidden) & set(sys.modules))
    if loaded:
        sys.exit(f"`{statement}` loads {', '.join(loaded)}")
"""


def _imported(entry_points: list[tuple[str, tuple[str, ...]]]) -> str:
    """What is wrong with them, in the words of the process that has imported them; empty if nothing."""
    process = subprocess.run(
        [sys.executable, "-c", _PROGRAM, json.dumps(entry_points)], capture_output=True, text=True, check=False
    )
    return "" if process.returncode == 0 else process.stderr


@pytest.mark.parametrize("entry_points", [_HERE, _VERTEX], ids=["here", "Vertex"])
def test_entry_point_loads_no_library_that_it_does_not_need(entry_points: list[tuple[str, tuple[str, ...]]]) -> None:
    assert _imported(entry_points) == ""


def test_tasks_of_the_pipeline_do_without_the_group_serve() -> None:
    """The image of the pipeline lacks it, and InteractionGen reads what the service exports."""
    tasks = ("interaction_gen.executor", "pusher.executor", "run_report.executor")
    absent = ("sqlalchemy", "alembic", "argon2", "fastapi")
    modules = [*(f"pipeline.components.{name}" for name in tasks), "pipeline.pipeline", "pipeline.commands.cli"]
    assert _imported([(f"import {module}", absent) for module in modules]) == ""


def test_library_that_an_entry_point_must_not_load_is_named() -> None:
    entry_points = [("import json", ("kfp",)), ("import pipeline.job.compiled", ("kfp", "tfx"))]
    assert _imported(entry_points) == "`import pipeline.job.compiled` loads kfp\n"


@pytest.mark.parametrize("package", ["transforms", "serving_signatures", "trainer", "pipeline"])
def test_package_that_needs_tensorflow_chooses_keras_2_first(package: str) -> None:
    program = f"import os, sys; sys.path.insert(0, '.'); import {package}; print(os.environ['TF_USE_LEGACY_KERAS'])"
    environment = {name: value for name, value in os.environ.items() if name != "TF_USE_LEGACY_KERAS"}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "1\n", done.stderr
