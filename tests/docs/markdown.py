"""Reads the documents for people with a Markdown parser: code blocks, links, anchors."""

import functools
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parents[2]
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
DOCUMENTS = [
    *GUIDES,
    *(ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "images/README.md", "notebooks/README.md")),
]


def name(document: Path) -> str:
    """The document's path below the project's root, for the ids of tests."""
    return str(document.relative_to(ROOT))


def fences(document: Path, language: str) -> list[str]:
    """Contents of the code blocks of one language; `` for those without one."""
    return [token.content for token in _tokens(document) if token.type == "fence" and token.info.strip() == language]


def spans(document: Path) -> list[str]:
    """Contents of the code spans in the text."""
    return [token.content for token in _inline(document) if token.type == "code_inline"]


def links(document: Path) -> list[str]:
    """Targets of all links."""
    return [str(token.attrGet("href")) for token in _inline(document) if token.type == "link_open"]


def anchors(document: Path) -> set[str]:
    """The fragments that GitHub makes from the document's headings, for links."""
    tokens = _tokens(document)
    texts = [after.content for token, after in itertools.pairwise(tokens) if token.type == "heading_open"]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def _tokens(document: Path) -> list[Token]:
    return _parsed(document.read_text(encoding="utf-8"))


@functools.cache
def _parsed(text: str) -> list[Token]:
    return MarkdownIt().enable("table").parse(text)


def _inline(document: Path) -> Iterator[Token]:
    for token in _tokens(document):
        yield from token.children or ()
