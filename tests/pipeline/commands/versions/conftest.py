"""Fixture of a clock, from `tests.pipeline.store.versions.conftest`."""

from tests.pipeline.store.versions.conftest import clock

__all__ = ["clock"]
