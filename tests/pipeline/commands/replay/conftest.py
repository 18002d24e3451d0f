"""Fixture of a metadata store to which tests write runs."""

from tests.pipeline.store.runs.conftest import history

__all__ = ["history"]
