"""Links, lines and names in the documents for people."""

import re
from pathlib import Path

import pytest

from tests.docs.markdown import DOCUMENTS, GUIDES, ROOT, anchors, fences, links, name, spans

ROOT_PACKAGES = {file.parent.name for file in ROOT.glob("*/__init__.py")} - {"tests"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_relative_links_resolve(document: Path) -> None:
    for link in links(document):
        if not re.match(r"[a-z]+:", link):
            path, _, fragment = link.partition("#")
            goal = (document.parent / path).resolve() if path else document
            assert goal.exists(), link
            if fragment:
                assert fragment in anchors(goal), link


def test_readme_leads_to_every_page() -> None:
    goals = {(ROOT / link).resolve() for link in links(ROOT / "README.md")}
    assert set(GUIDES[1:]) <= goals


def test_readme_names_every_package() -> None:
    assert {f"{package}/" for package in ROOT_PACKAGES} <= set(spans(ROOT / "README.md"))
    assert {f"{file.parent.name}/" for file in ROOT.glob("pipeline/*/__init__.py")} <= set(spans(ROOT / "README.md"))


def test_readme_is_of_a_length_that_is_read() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 200


@pytest.mark.parametrize("document", DOCUMENTS, ids=name)
def test_text_is_wrapped(document: Path) -> None:
    # Tables cannot be, and code blocks hold what programs print.
    printed = {line for block in fences(document, "") for line in block.splitlines()}
    lines = [line for line in document.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("|")]
    assert [line for line in lines if len(line) > 120 and line.strip() not in map(str.strip, printed)] == []
