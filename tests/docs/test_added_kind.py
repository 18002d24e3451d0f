"""The kind of model that docs/models.md adds: its files, taken from the page, pass what every kind passes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.markdown import ROOT, fences

PAGE = ROOT / "docs" / "models.md"
CHANGED = ("configs", "trainer", "tests")
"""Packages that the page adds files to."""

pytestmark = pytest.mark.e2e


def _files() -> dict[str, str]:
    """The files of the page by their paths, which stand in their first lines."""
    blocks = [block.partition("\n") for block in fences(PAGE, "python")]
    return {head.removeprefix("# "): text for head, _, text in blocks if head.startswith("# ") and "/" in head}


def _changed(text: str, lines: list[str]) -> str:
    """Inserts the lines that begin with `+` below those before them, each of which the text must have once."""
    place = ""
    for line in lines:
        body = line[1:] + "\n"
        if line.startswith("+"):
            text = text.replace(place, place + body)
        else:
            assert text.count(body) == 1, line
        place = body
    return text


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with the kind of the page."""
    project = tmp_path_factory.mktemp("project")
    for entry in ROOT.iterdir():
        if entry.name in CHANGED:
            shutil.copytree(entry, project / entry.name, ignore=shutil.ignore_patterns("__pycache__"))
        elif (entry / "__init__.py").exists() or entry.name == "pyproject.toml":
            (project / entry.name).symlink_to(entry)
    for path, text in _files().items():
        (project / path).parent.mkdir(parents=True, exist_ok=True)
        (project / path).write_text(text)
    for block in fences(PAGE, "diff"):
        path, *lines = block.splitlines()
        (project / path).write_text(_changed((project / path).read_text(), lines))
    return project


def _run(project: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([sys.executable, *command], cwd=project, env=environment, text=True, capture_output=True)


def test_kind_of_the_page_passes_the_conformance_tests(project: Path) -> None:
    [tests] = [path for path in _files() if path.startswith("tests/")]
    ran = _run(project, "-m", "pytest", "-q", "-p", "no:cacheprovider", tests)
    assert ran.returncode == 0, ran.stdout[-4000:] + ran.stderr[-2000:]
    assert " passed" in ran.stdout and "skipped" not in ran.stdout


def test_kind_of_the_page_is_one_that_a_config_names_and_that_the_reference_describes(project: Path) -> None:
    described = _run(project, "-m", "configs.reference")
    assert described.returncode == 0, described.stderr
    assert "kind: pure_svd" in described.stdout
