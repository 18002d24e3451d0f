"""Calls Google Cloud: credentials, clients, retries, and errors that say what to do. All other modules use this one."""

import logging
import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

import google.auth
from google.auth import exceptions as auth_exceptions
from google.auth.transport.requests import Request
from google.cloud.aiplatform_v1 import PipelineServiceClient, ScheduleServiceClient

from configs.vertex.section import Vertex
from pipeline.cloud.refusals import CAUGHT, Asked, explain
from pipeline.cloud.retrying import Patience, persistently

_Result = TypeVar("_Result")

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)

PATIENCE = Patience()
"""Default of `Api`."""

_urllib3 = logging.getLogger("urllib3.connectionpool")
_ALLOWED_LOCATIONS = "allowedLocations"
"""Part of the path of google-auth's request; see `_is_not_about_where_accounts_may_be_used`."""

CONSOLE = "https://console.cloud.google.com/vertex-ai"


def parent(vertex: Vertex) -> str:
    """Returns `projects/<project>/locations/<region>`, the parent of all resources on Vertex."""
    return f"projects/{vertex.project}/locations/{vertex.region}"


def state_name(state: Any) -> str:
    """Returns the name of a run's, task's or schedule's state; its number if the client library does not know it."""
    return str(getattr(state, "name", state))


class Api:
    """Google Cloud with the settings of one config. It sends nothing before the first call."""

    def __init__(self, vertex: Vertex, patience: Patience | None = None) -> None:
        """Takes the config's section.

        Args:
            vertex: The config's section: project, region, endpoint.
            patience: How often and how long to try. None: the defaults.
        """
        self.vertex = vertex
        self.patience = patience or PATIENCE

    @property
    def parent(self) -> str:
        """`projects/<project>/locations/<region>`."""
        return parent(self.vertex)

    @cached_property
    def credentials(self) -> Any:
        """The application default credentials, with a token: expired ones raise here, before any other request.

        Raises:
            VertexError: There are no credentials, or they are refused.
        """
        _urllib3.addFilter(_is_not_about_where_accounts_may_be_used)
        found: list[Any] = []
        attempts = 0

        def fetch() -> Any:
            nonlocal attempts
            attempts += 1
            if not found:
                found.append(_default_credentials())
            if not found[0].valid:
                try:
                    found[0].refresh(Request())
                except (TypeError, ValueError, AttributeError) as e:
                    # The reply was cut off, or is a page from a proxy; google-auth looks for the token in it anyway.
                    raise auth_exceptions.RefreshError(f"the reply has no token: {e}", retryable=True) from e
            return found[0]

        try:
            return persistently(fetch, self.patience)
        except CAUGHT as e:
            who = _account(found[0]) if found else "nobody"
            host = getattr(found[0] if found else None, "_token_uri", None) or "Google's sign-in"
            raise explain(e, Asked("sign in to Google Cloud", self.vertex, who, attempts, host)) from e

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
        """Creates a client of one of Vertex's services, such as `aiplatform_v1.ModelServiceClient`.

        Args:
            service: The client's class.

        Returns:
            The client: over REST where `vertex.api_endpoint` begins with `http`, else over gRPC.
        """
        endpoint = self.vertex.api_endpoint or f"{self.vertex.region}-aiplatform.googleapis.com"
        transport = {"transport": "rest"} if re.match("https?://", endpoint) else {}
        return service(credentials=self.credentials, client_options={"api_endpoint": endpoint}, **transport)

    def call(self, doing: str, call: Callable[[dict[str, Any]], _Result], host: str | None = None) -> _Result:
        """Makes a call, and repeats it after an error that may be temporary.

        Args:
            doing: What the call does, in words that go after `cannot`.
            call: Takes the keyword arguments for a client's method (no retries of its own, and a timeout) and calls
                it. It may be repeated, so a second call must not do the work twice.
            host: The service that the call asks, for the error message. None: Vertex.

        Returns:
            What the call returned.

        Raises:
            VertexError: Google Cloud refused, or could not be reached.
        """
        options = {"retry": None, "timeout": self.patience.call_seconds}
        credentials = self.credentials
        attempts = 0

        def counted() -> _Result:
            nonlocal attempts
            attempts += 1
            return call(options)

        try:
            return persistently(counted, self.patience)
        except CAUGHT as e:
            host = host or self.vertex.api_endpoint or f"{self.vertex.region}-aiplatform.googleapis.com"
            raise explain(e, Asked(doing, self.vertex, _account(credentials), attempts, host)) from e


def _is_not_about_where_accounts_may_be_used(record: logging.LogRecord) -> bool:
    """Filters out the warnings about a request that google-auth makes by itself in a thread.

    It asks iamcredentials.googleapis.com in which locations an account may be used, and goes on without an answer.
    Three warnings about a host that is in no config would only confuse the person at the terminal.
    """
    return _ALLOWED_LOCATIONS not in record.getMessage()


def _default_credentials() -> Any:
    """Returns the application default credentials; google-auth raises many types of errors about their file."""
    try:
        return google.auth.default(scopes=_SCOPES)[0]
    except auth_exceptions.GoogleAuthError:
        raise
    except (OSError, ValueError, AttributeError, TypeError) as e:
        raise auth_exceptions.DefaultCredentialsError(f"their file cannot be read: {e}") from e


def _account(credentials: Any) -> str:
    """Returns the account's e-mail address if the credentials have it."""
    for attribute in ("service_account_email", "account"):
        name = getattr(credentials, attribute, "")
        if name and name != "default":
            return str(name)
    return "your account"
