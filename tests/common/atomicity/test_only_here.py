"""Whoever renames writes in a way of their own: `common.atomicity` is the one place for it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

ALLOWED = {
    # Runs in a process that has none of our packages, so that it sees the model as TensorFlow Serving would.
    "pipeline/components/serving_check/replay.py": {"os.rename"},
    # Moves what is to be deleted into a trash folder, which the next run empties after a kill.
    "pipeline/store/runs/disk.py": {"path.rename"},
}

MODULES = {"os", "shutil", "fileio", "gfile"}
"""Modules that rename, as they are called here: os, shutil, tfx.dsl.io.fileio, tf.io.gfile."""


def renames(source: str) -> set[str]:
    """Calls that rename a file or folder; `text.replace("a", "b")` and a dataclass's are none."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module in MODULES:
            found |= {f"{node.module}.{name.name}" for name in node.names if name.name in _NAMES}
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner, name = ast.unparse(node.func.value), node.func.attr
        if owner.rpartition(".")[2] in MODULES:
            of_a_path = False
        else:
            # Path.rename and Path.replace take one argument, str.replace takes two, datetime.replace names its own.
            of_a_path = len(node.args) == 1 and not node.keywords and name in ("rename", "replace")
        if of_a_path or (owner.rpartition(".")[2] in MODULES and name in _NAMES):
            found.add(f"{owner}.{name}")
    return found


_NAMES = {"rename", "renames", "replace", "move"}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("os.rename(a, b)", {"os.rename"}),
        ("os.replace(a, b)", {"os.replace"}),
        ("shutil.move(a, b)", {"shutil.move"}),
        ("from os import replace", {"os.replace"}),
        ("folder.with_name('b').rename(goal)", {"folder.with_name('b').rename"}),
        ("Path(a).replace(b)", {"Path(a).replace"}),
        ("fileio.rename(a, b, overwrite=True)", {"fileio.rename"}),
        ("tf.io.gfile.rename(a, b)", {"tf.io.gfile.rename"}),
        ("'text'.replace('t', 'd'); dataclasses.replace(a, b=1); now.replace(hour=1); os.remove(a)", set()),
    ],
)
def test_renames_are_found_among_other_calls(source: str, found: set[str]) -> None:
    assert renames(source) == found


def test_nothing_outside_renames() -> None:
    packages = [path.parent for path in ROOT.glob("*/__init__.py") if path.parent.name != "tests"]
    files = [*ROOT.glob("*.py"), *(file for package in packages for file in package.rglob("*.py"))]
    files = [file for file in files if file.parent != ROOT / "common" / "atomicity"]
    assert len(files) > 200
    found = {file.relative_to(ROOT).as_posix(): renames(file.read_text()) for file in files}
    assert {file: calls for file, calls in found.items() if calls} == ALLOWED
