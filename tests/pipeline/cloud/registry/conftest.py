"""The world of `tests.pipeline.cloud.registry.worlds`."""

from tests.pipeline.cloud.registry.worlds import store, world

__all__ = ["store", "world"]
