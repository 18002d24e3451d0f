"""Defines how much one request, and one client, may ask for."""

from pydantic import Field

from configs.base import Settings


class Limits(Settings):
    """Bounds of requests. What is larger is refused with a reason.

    Example:
        service:
          limits: {k: 100, requests_per_second: 50}
    """

    k: int = Field(default=500, ge=1, le=10_000)
    """Largest number of items of an answer."""

    ids: int = Field(default=500, ge=1, le=10_000)
    """Largest number of ids in one list of a query, such as `items` or `exclude`; and of candidates to rank."""

    batch: int = Field(default=100, ge=1, le=10_000)
    """Largest number of queries, or of events, in one request."""

    body_bytes: int = Field(default=1_048_576, ge=1024)
    """Largest body of a request, in bytes."""

    receive_seconds: float = Field(default=30.0, gt=0)
    """How long a client may take to send one request. Default 30: a body of the largest size over a slow mobile
    network."""

    filter_terms: int = Field(default=50, ge=1, le=1000)
    """Largest number of values in one filter."""

    graph_nodes: int = Field(default=300, ge=2, le=2000)
    """Largest number of items in a graph of neighbours: breadth to the power of depth must not exceed it."""

    requests_per_second: float | None = Field(default=None, gt=0)
    """How many requests one client, that is a user of a token or an address, may send in a second on average; more are
    answered with 429. None: any number."""

    burst: int = Field(default=50, ge=1)
    """How many requests a client that was silent may send at once."""
