"""The world of `tests.pipeline.vertex.registry.worlds`."""

from tests.pipeline.vertex.registry.worlds import store, world

__all__ = ["store", "world"]
