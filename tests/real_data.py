"""Finds real logs for tests, on machines that have them beside the repository; the repository has none of them."""

from pathlib import Path

import pytest

_FOLDER = Path(__file__).resolve().parents[2] / "shared" / "data"


def real_data(name: str) -> Path:
    """The folder of a real data set; skips the test if there is none."""
    folder = _FOLDER / name
    if not folder.is_dir():
        pytest.skip(f"no real data: {name} is not in ../shared/data")
    return folder
