"""Simulates Google Cloud for tests: a server on the loopback that speaks the protocol of the real client.

`VertexApi` is the server. It parses requests strictly into the published protos, and its answers are such protos. It
keeps its state in memory, and fails on request. A service is a class with `routes()`, as in `pipelines.py`; add each
new service in its own file.
"""

from tests.vertex_api.faults import Cut, Refuse
from tests.vertex_api.rest import ApiError, Route
from tests.vertex_api.server import Received, Service, VertexApi

__all__ = ["ApiError", "Cut", "Received", "Refuse", "Route", "Service", "VertexApi"]
