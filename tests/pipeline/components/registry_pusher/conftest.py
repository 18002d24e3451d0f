"""Fixture of a project on Vertex, from `tests.pipeline.cloud.registry.worlds`."""

from tests.pipeline.cloud.registry.worlds import world
from tests.vertex_api.buckets import store

__all__ = ["store", "world"]
