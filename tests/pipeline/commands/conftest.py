"""Fixture of a home, from `tests.pipeline.store.runs.conftest`."""

from tests.pipeline.store.runs.conftest import history

__all__ = ["history"]
