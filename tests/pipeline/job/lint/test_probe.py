"""Names that a fresh interpreter can import, held against what importing them really does."""

import importlib
import sys
from pathlib import Path

import pytest

from common.errors import JobError
from pipeline.job.lint.importable import not_importable

SOURCE = """
import json as renamed
from collections import OrderedDict
try:
    from nowhere import Absent
except ImportError:
    Absent = None
if True:
    class Conditional: ...
FIRST = SECOND = 1
class Outer:
    class Inner: ...
    attribute = 1
def function():
    local = 1
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package in the current folder, as a task finds it in the image's."""
    folder = tmp_path / "shop_code" / "deep"
    folder.mkdir(parents=True)
    (folder.parent / "__init__.py").write_text("raise RuntimeError('imported')\n")
    (folder / "__init__.py").touch()
    (folder / "module.py").write_text(SOURCE)
    (folder / "broken.py").write_text("class Executor(\n")
    (folder / "lazy.py").write_text("def __getattr__(name):\n    raise AttributeError(name)\n")
    monkeypatch.chdir(tmp_path)
    return "shop_code.deep"


@pytest.mark.parametrize(
    "name", ["renamed", "OrderedDict", "Absent", "Conditional", "FIRST", "SECOND", "Outer", "function"]
)
def test_not_importable_name_at_top_level_is_found_and_nothing_is_imported(package: str, name: str) -> None:
    assert not_importable([f"{package}.module.{name}"]) == {}


@pytest.mark.parametrize("name", ["Inner", "attribute", "local", "json", "collections", "Missing"])
def test_not_importable_name_elsewhere_is_not_found(package: str, name: str) -> None:
    path = f"{package}.module.{name}"
    assert not_importable([path]) == {path: f"module {package}.module has no {name} at its top level"}


def test_not_importable_says_which_part_is_missing(package: str) -> None:
    asked = [
        "nowhere.Class",
        "nowhere.deep.Class",
        f"{package}.none.Class",
        f"{package}.module.Outer.Inner",
        "Class",
        "a b.Class",
    ]
    assert not_importable(asked) == {
        "nowhere.Class": "there is no module nowhere",
        "nowhere.deep.Class": "there is no module nowhere",
        f"{package}.none.Class": f"there is no module {package}.none",
        f"{package}.module.Outer.Inner": f"there is no module {package}.module.Outer",
        "Class": "Class is not the path of a module and a name in it",
        "a b.Class": "a b.Class is not the path of a module and a name in it",
    }


def test_not_importable_module_that_is_no_python_says_so(package: str) -> None:
    path = f"{package}.broken.Executor"
    assert f"module {package}.broken cannot be read" in not_importable([path])[path]


def test_not_importable_module_that_makes_names_up_is_believed(package: str) -> None:
    assert not_importable([f"{package}.lazy.Executor"]) == {}


@pytest.mark.parametrize(
    "path",
    [
        "tfx.components.trainer.executor.GenericExecutor",
        "pipeline.components.pusher.executor.Executor",
        "tfx.components.trainer.executor.NoExecutor",
        "tfx.components.trainer.no_executor.Executor",
        "collections.OrderedDict",
        "math.sqrt",
        "os.path.join",
    ],
)
def test_not_importable_agrees_with_the_import_itself(path: str) -> None:
    module, _, name = path.rpartition(".")
    try:
        there = hasattr(importlib.import_module(module), name)
    except ImportError:
        there = False
    assert (path not in not_importable([path])) == there


def test_not_importable_module_that_has_been_mended_is_found(package: str, tmp_path: Path) -> None:
    path = f"{package}.late.Executor"
    assert path in not_importable([path])
    (tmp_path / "shop_code" / "deep" / "late.py").write_text("class Executor: ...\n")
    assert not_importable([path]) == {}


def test_not_importable_interpreter_that_does_not_start_is_a_job_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "no-python"))
    with pytest.raises(JobError, match="no-python could not check"):
        not_importable(["math.sqrt"])
