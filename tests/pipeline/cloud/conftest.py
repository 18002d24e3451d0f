"""Fixtures of the cloud on the loopback, from `tests.pipeline.runners.vertex.conftest`."""

from tests.pipeline.runners.vertex.conftest import cloud, write_config

__all__ = ["cloud", "write_config"]
