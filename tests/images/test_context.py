"""What `.dockerignore` lets into a build, decided by Docker's own client library."""

from pathlib import Path

import pytest
from docker.utils.build import exclude_paths

from tests.images.dockerfile import PIPELINE, ROOT, stages

PATTERNS = [
    line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.strip() and not line.startswith("#")
]
PRIVATE = [
    ".env",
    ".git/config",
    ".venv/bin/python",
    "credentials.json",
    "data/ratings.csv",
    "notebooks/runs.ipynb",
    "pipeline/__pycache__/cli.cpython-312.pyc",
    "runs/shop/metadata.db",
    "service-account-key.json",
    "tests/conftest.py",
]


def _context(root: Path) -> set[str]:
    return {path for path in exclude_paths(str(root), PATTERNS) if (root / path).is_file()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in [*PRIVATE, "configs/shop.yaml", "pipeline/commands/cli.py", "uv.lock"]:
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    return tmp_path


def test_context_has_what_is_named_and_nothing_else(tree: Path) -> None:
    assert _context(tree) == {"configs/shop.yaml", "pipeline/commands/cli.py", "uv.lock"}


def test_context_has_every_source_of_the_dockerfile() -> None:
    sources = {
        word
        for stage in stages(PIPELINE)
        for value in stage.values("COPY")
        if not value.startswith("--from")
        for word in value.split()[:-1]
    }
    context = _context(ROOT)
    for source in sources:
        assert any(path == source or path.startswith(f"{source}/") for path in context), source


def test_context_has_no_file_of_a_megabyte_but_the_lock() -> None:
    # Data that strayed into a room would be sent with every build.
    large = {path for path in _context(ROOT) if (ROOT / path).stat().st_size > 2**20}
    assert large <= {"uv.lock"}
