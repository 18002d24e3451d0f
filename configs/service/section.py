"""Defines the `service` section as a whole."""

from typing import Literal

from pydantic import Field, model_validator

from configs.base import Settings
from configs.service.auth import Auth
from configs.service.backend import TfServing, VertexEndpoint
from configs.service.events import Database, EventTypes, EventWeights
from configs.service.index import Index
from configs.service.limits import Limits


class Batching(Settings):
    """How requests share one call of the model.

    Example:
        service:
          batching: {max_rows: 64}
    """

    max_rows: int = Field(default=32, ge=1, le=1024)
    """Largest number of queries in one call. A call takes what waits when the call before has ended; nothing waits for
    a timer."""

    max_waiting: int = Field(default=512, ge=1)
    """Largest number of queries that wait; more are answered with 503 and Retry-After."""


class Canary(Settings):
    """A second version that answers a share of the users.

    Example:
        service:
          canary: {version: 1795978097, percent: 10}
    """

    version: int = Field(ge=0)
    """The version's number in the serving folder."""

    percent: float = Field(gt=0, lt=100)
    """The share of users, by a hash of the user's id, so that a user always gets the same version. Requests without a
    user are divided by their items."""


class Service(Settings):
    """The service that answers HTTP from the pushed model.

    Example:
        service:
          port: 8080
          auth: {users_file: /run/secrets/users.yaml, keys_file: /run/secrets/keys.yaml}
    """

    host: str = "127.0.0.1"
    """Address to listen at. Default: this machine alone; `0.0.0.0` in a container."""

    port: int = Field(default=8080, ge=0, le=65_535)
    """Port to listen at; 0 takes a free one."""

    auth: Auth | Literal["off"] | None = None
    """Who may call. `off`: everybody who reaches the address, for a closed network. None: `perennial serve` asks for a
    decision."""

    backend: Literal["local", "tf_serving", "vertex"] = "local"
    """Where the model runs: in a process beside the service's own, in a TensorFlow Serving server, or at a Vertex
    Endpoint."""

    tf_serving: TfServing | None = None
    """The server; needed with `backend: tf_serving`."""

    vertex_endpoint: VertexEndpoint | None = None
    """The Endpoint; needed with `backend: vertex`."""

    serving_dir: str | None = None
    """The folder of pushed versions, local or `gs://`. None: that of local runs. Relative paths start at the YAML's
    folder."""

    cache_dir: str | None = None
    """Folder for what is made from a version when it is loaded; it may be emptied while the service does not run. None:
    `service` in the pipeline's folder."""

    poll_seconds: float = Field(default=2.0, gt=0)
    """Time between two looks for a new version."""

    deadline_seconds: float = Field(default=2.0, gt=0)
    """How long a request waits for the model before it is answered with 503."""

    load_seconds: float = Field(default=600.0, gt=0)
    """How long a new version may take until it answers; then it is refused."""

    drain_seconds: float = Field(default=60.0, ge=0)
    """How long the version before the live one still answers for cursors that began with it."""

    canary: Canary | None = None
    """A second version for a share of the users."""

    batching: Batching = Batching()
    """How requests share one call of the model."""

    index: Index = Index()
    """When a query is compared with a part of the catalogue instead of all of it."""

    max_history: int = Field(default=50, ge=0)
    """Number of each user's newest interactions that a push puts beside the model, so that `user=` alone is enough. 0:
    none, and no history leaves the pipeline."""

    event_types: EventTypes = EventTypes()
    """What the log calls the events of the API."""

    weights: EventWeights = EventWeights()
    """Weights of events, where the log has none."""

    database: Database = Database()
    """Events, items' metadata and users of the API."""

    limits: Limits = Limits()
    """Bounds of requests."""

    @model_validator(mode="after")
    def _backend_is_described(self) -> "Service":
        for backend, section, value in (
            ("tf_serving", "tf_serving", self.tf_serving),
            ("vertex", "vertex_endpoint", self.vertex_endpoint),
        ):
            if self.backend == backend and value is None:
                raise ValueError(f"backend {backend} needs {section}")
        return self
