"""Fixtures that several packages share."""

# ruff: noqa: E402, what is set here must be set before the libraries are imported
import functools
import importlib.metadata
import os

import pytest

# TensorFlow fills a block of this size with zeros for every file that it opens in an object store; its default of
# 64 MiB takes 40 ms. It reads this variable when it is imported.
os.environ.setdefault("GCS_READ_CACHE_BLOCK_SIZE_MB", "1")

# Google's libraries ask for it 16 times while they are imported in a Python that they no longer support.
importlib.metadata.packages_distributions = functools.cache(importlib.metadata.packages_distributions)

# isort: split
from pipeline.ground import beam_cache
from tests import once
from tests.trainer_inputs import TrainerInputs, shop_inputs

beam_cache.install()  # as a local run does


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        once.begin()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Puts the longest files first: if one of them ran last, one worker would run and the others wait.

    These are the files with runs that are killed, and then those with whole pipelines or processes.
    """
    slow = {item.path for item in items if item.get_closest_marker("e2e")}
    items.sort(key=lambda item: (item.path.parent.name != "fault", item.path not in slow))


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        once.end()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> TrainerInputs:
    """The small shop of `tests.trainer_inputs`, transformed once."""
    return shop_inputs(tmp_path_factory.mktemp("shop"))
