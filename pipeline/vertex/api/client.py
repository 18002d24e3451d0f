"""The one way to Google Cloud: credentials, clients, attempts, and errors in words that help."""

import logging
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import google.auth
from google.auth.transport.requests import Request
from google.cloud.aiplatform_v1 import PipelineServiceClient, ScheduleServiceClient

from configs.vertex import Vertex
from pipeline.vertex.api.refusals import CAUGHT, Asked, explain
from pipeline.vertex.api.retrying import Patience, persistently

_Result = TypeVar("_Result")

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

PATIENCE = Patience()
"""Of whoever says nothing else."""

CONSOLE = "https://console.cloud.google.com/vertex-ai"


def parent(vertex: Vertex) -> str:
    """`projects/<project>/locations/<region>`, in which all of Vertex's resources are."""
    return f"projects/{vertex.project}/locations/{vertex.region}"


class Api:
    """Google Cloud as one config sees it. Nothing is sent until something is asked."""

    def __init__(self, vertex: Vertex, patience: Patience | None = None) -> None:
        """Takes the config's section.

        Args:
            vertex: Where to ask.
            patience: How long. None: the defaults.
        """
        self.vertex = vertex
        self.patience = patience or PATIENCE

    @property
    def parent(self) -> str:
        """`projects/<project>/locations/<region>`."""
        return parent(self.vertex)

    @cached_property
    def credentials(self) -> Any:
        """The application default credentials, with a token: expired ones are told here, before anything is sent.

        Raises:
            VertexError: There are none, or they are refused.
        """
        # google-auth asks iamcredentials.googleapis.com, in a thread, where an account may be used, and goes on without
        # an answer; three warnings about a host that nobody asked for say nothing to the person at the terminal.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
        found: list[Any] = []

        def fetch() -> Any:
            if not found:
                found.append(google.auth.default(scopes=_SCOPES)[0])
            if not found[0].valid:
                found[0].refresh(Request())
            return found[0]

        try:
            return persistently(fetch, self.patience)
        except CAUGHT as e:
            who = _account(found[0]) if found else "nobody"
            raise explain(e, self._asked("sign in to Google Cloud", who)) from e

    @cached_property
    def pipelines(self) -> Any:
        """Vertex's PipelineService."""
        return self.client(PipelineServiceClient)

    @cached_property
    def schedules(self) -> Any:
        """Vertex's ScheduleService."""
        return self.client(ScheduleServiceClient)

    @cached_property
    def storage(self) -> Any:
        """Cloud Storage."""
        from google.cloud import storage

        return storage.Client(project=self.vertex.project, credentials=self.credentials)

    def client(self, service: type[Any]) -> Any:
        """A client of one of Vertex's services, such as `aiplatform_v1.ModelServiceClient`.

        Args:
            service: Its class.

        Returns:
            The client: over REST where `vertex.api_endpoint` begins with `http`, else over gRPC.
        """
        endpoint = self.vertex.api_endpoint or f"{self.vertex.region}-aiplatform.googleapis.com"
        transport = {"transport": "rest"} if re.match("https?://", endpoint) else {}
        return service(credentials=self.credentials, client_options={"api_endpoint": endpoint}, **transport)

    def call(self, doing: str, call: Callable[[dict[str, Any]], _Result]) -> _Result:
        """Asks, again where the fault may pass.

        Args:
            doing: What, in words that go after `cannot`.
            call: Gets the keyword arguments for a client's method (no retries of its own, and a timeout) and calls
                it. Repeated as it is, so it must not do a second time what it has done.

        Returns:
            What the call returned.

        Raises:
            VertexError: Google Cloud refused, or could not be reached.
        """
        options = {"retry": None, "timeout": self.patience.call_seconds}
        credentials = self.credentials
        try:
            return persistently(lambda: call(options), self.patience)
        except CAUGHT as e:
            raise explain(e, self._asked(doing, _account(credentials))) from e

    def _asked(self, doing: str, who: str) -> Asked:
        return Asked(doing, self.vertex, who, self.patience.attempts)


def _account(credentials: Any) -> str:
    """The account's e-mail address, where the credentials know it."""
    for attribute in ("service_account_email", "account"):
        name = getattr(credentials, attribute, "")
        if name and name != "default":
            return str(name)
    return "your account"
