"""Where names of documents may stand, and whom a component may import: found in the syntax of the code."""

import ast
from pathlib import Path

import pytest

from tests.documents.samples import DOCUMENTS

ROOT = Path(__file__).parents[2]
PACKAGES = ("common", "configs", "transforms", "serving_signatures", "trainer", "pipeline")
NAMES = {Path(document.FILE).name for document in DOCUMENTS}
COMPONENTS = sorted(folder.name for folder in (ROOT / "pipeline/components").iterdir() if folder.is_dir())


def file_names(source: str) -> list[str]:
    """The texts of a module that are a document's file name, alone or at the end of a path."""
    texts = [node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant)]
    return [text for text in texts if isinstance(text, str) and text.rsplit("/", 1)[-1] in NAMES]


def imported(source: str) -> set[str]:
    """The modules that a module imports, by their full names."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def test_file_names_of_documents_stand_in_their_package_alone() -> None:
    found = {
        str(file.relative_to(ROOT)): names
        for package in PACKAGES
        for file in (ROOT / package).rglob("*.py")
        if (names := file_names(file.read_text()))
    }
    assert found == {}


@pytest.mark.parametrize(
    "source", ['x = "gate.json"', 'f"{uri}/assets.extra/push.json"', 'open("a/" ".withdrawn.json")']
)
def test_file_name_in_code_is_found(source: str) -> None:
    assert len(file_names(source)) == 1


def test_file_names_are_of_every_document() -> None:
    assert {"cleaning.json", "gate.json", "evaluation.json", ".withdrawn.json"} <= NAMES
    assert (
        len(NAMES) == len(DOCUMENTS) - 1
    )  # the Pusher's report and a version's record have one name in different folders


@pytest.mark.parametrize("component", COMPONENTS)
def test_component_imports_no_other_component(component: str) -> None:
    others = {f"pipeline.components.{other}" for other in COMPONENTS if other != component}
    for file in (ROOT / "pipeline/components" / component).glob("*.py"):
        parts = {".".join(name.split(".")[:3]) for name in imported(file.read_text())}
        assert not parts & others, file
