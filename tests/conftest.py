"""Fixtures that several packages share."""

# ruff: noqa: E402, what is set here must be set before the libraries are imported
import functools
import gc
import importlib.metadata
import os
from typing import TYPE_CHECKING

import pytest

# TensorFlow fills a block of this size with zeros for every file that it opens in an object store; its default of
# 64 MiB takes 40 ms. It reads this variable when it is imported.
os.environ.setdefault("GCS_READ_CACHE_BLOCK_SIZE_MB", "1")

# The workers share the cores. NumPy's and SciPy's linear algebra would have a thread for each core in each worker, and
# these threads wait for each other by spinning. `pytest_collection` removes the variable, as the product's processes
# must set it themselves.
os.environ["OPENBLAS_NUM_THREADS"] = "1"

# Google's libraries ask for it 16 times while they are imported in a Python that they no longer support.
importlib.metadata.packages_distributions = functools.cache(importlib.metadata.packages_distributions)

# Imports and the list of tests are some millions of objects that stay. Python would search them for garbage again and
# again: a third of the time until the first test.
gc.disable()

from tests import once

if TYPE_CHECKING:
    from tests.trainer_inputs import TrainerInputs


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        once.begin()


def pytest_collection() -> None:
    """Prepares Beam as a local run does; not in the first process of a run with workers, which has no tests."""
    import scipy.linalg  # noqa: F401, each reads the variable when it is imported, and not again

    del os.environ["OPENBLAS_NUM_THREADS"]
    from pipeline.ground import beam_cache

    beam_cache.install()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks what needs the shop as slow, and puts the longest files first.

    The shop is transformed by TFT's pipeline. If one of the longest files ran last, one worker would run and the others
    wait: these are the files with runs that are killed, and then those with whole pipelines or processes.
    """
    for item in items:
        if "shop" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.e2e)
    slow = {item.path for item in items if item.get_closest_marker("e2e")}
    items.sort(key=lambda item: (item.path.parent.name != "fault", item.path not in slow))


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        once.end()


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> "TrainerInputs":
    """The small shop of `tests.trainer_inputs`, transformed once."""
    from tests.trainer_inputs import shop_inputs

    return shop_inputs(tmp_path_factory.mktemp("shop"))
