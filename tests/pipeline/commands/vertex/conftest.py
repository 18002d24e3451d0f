"""Fixtures: the cloud on the loopback, and a project on Vertex from `tests.pipeline.cloud.registry.worlds`."""

from tests.pipeline.cloud.registry.worlds import world
from tests.pipeline.runners.vertex.conftest import cloud, job_file, write_config
from tests.vertex_api.buckets import store

__all__ = ["cloud", "job_file", "store", "world", "write_config"]
