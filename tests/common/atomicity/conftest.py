"""An object store for all tests here."""

from tests.vertex_api.buckets import gs, store

__all__ = ["gs", "store"]
