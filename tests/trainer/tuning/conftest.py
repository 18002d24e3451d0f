"""Fixtures of an object store for all tests in this folder."""

from tests.vertex_api.buckets import gs, store

__all__ = ["gs", "store"]
