"""Sample data sets: where they come from, and the folder that `dataset://` stands for."""

from pipeline.datasets.store import SCHEME, data_dir, fetch, is_cached, resolve

__all__ = ["SCHEME", "data_dir", "fetch", "is_cached", "resolve"]
