"""Google Cloud on this machine, for tests: a server that speaks the real client's protocol over the loopback.

`VertexApi` is the server. What it receives it parses strictly into the published protos, what it answers is such a
proto; it keeps its state in memory, and it fails when told to. A service is a class with `routes()`: see `pipelines.py`
for one, and add others in files of their own.
"""

from tests.vertex_api.faults import Cut, Refuse
from tests.vertex_api.rest import ApiError, Route
from tests.vertex_api.server import Received, Service, VertexApi

__all__ = ["ApiError", "Cut", "Received", "Refuse", "Route", "Service", "VertexApi"]
