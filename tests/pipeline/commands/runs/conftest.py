"""A metadata store to write runs into."""

from tests.pipeline.store.runs.conftest import history

__all__ = ["history"]
