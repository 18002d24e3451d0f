"""Sample data sets: fetches them, and resolves `dataset://` paths."""

from pipeline.datasets.store import SCHEME, data_dir, fetch, is_cached, resolve

__all__ = ["SCHEME", "data_dir", "fetch", "is_cached", "resolve"]
