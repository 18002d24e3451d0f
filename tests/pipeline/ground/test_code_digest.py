"""The digest of our own code, on a package written for the purpose."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.ground.code_digest import code_digest


@pytest.fixture
def digest_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, dict[str, str]], str]:
    """Writes a package `digested` with these files into a folder, and takes its digest."""

    def write(folder: str, files: dict[str, str]) -> str:
        for name, text in files.items():
            path = tmp_path / folder / "digested" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        with monkeypatch.context() as patch:
            patch.syspath_prepend(tmp_path / folder)
            sys.modules.pop("digested", None)
            importlib.invalidate_caches()
            code_digest.cache_clear()
            return code_digest("digested")

    return write


def test_code_digest_same_code_elsewhere_equal(digest_of: Callable[[str, dict[str, str]], str]) -> None:
    files = {"__init__.py": "", "towers/query.py": "DIM = 64"}
    assert digest_of("here", files) == digest_of("there", files)


def test_code_digest_changed_line_in_a_subpackage_differs(digest_of: Callable[[str, dict[str, str]], str]) -> None:
    before = digest_of("here", {"__init__.py": "", "towers/query.py": "DIM = 64"})
    assert digest_of("there", {"__init__.py": "", "towers/query.py": "DIM = 65"}) != before


@pytest.mark.parametrize(("file", "counts"), [("page.html.j2", True), ("style.css", True), ("shop.yaml", False)])
def test_code_digest_counts_templates_and_no_settings(
    digest_of: Callable[[str, dict[str, str]], str], file: str, counts: bool
) -> None:
    before = digest_of("here", {"__init__.py": "", file: "a"})
    assert (digest_of("there", {"__init__.py": "", file: "b"}) != before) == counts


def test_code_digest_moved_code_differs(digest_of: Callable[[str, dict[str, str]], str]) -> None:
    before = digest_of("here", {"__init__.py": "", "a.py": "DIM = 64", "b.py": ""})
    assert digest_of("there", {"__init__.py": "", "a.py": "", "b.py": "DIM = 64"}) != before


def test_code_digest_unknown_package_raises() -> None:
    with pytest.raises(ModuleNotFoundError, match="no_such_room"):
        code_digest("no_such_room")
