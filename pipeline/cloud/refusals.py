"""Explains Google Cloud's errors: what each means for the person who made the call, and what to do."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import requests
from google.api_core import exceptions
from google.auth import exceptions as auth_exceptions
from google.protobuf import json_format
from google.rpc.error_details_pb2 import ErrorInfo

from common.errors import VertexError
from configs.vertex.section import Vertex

CAUGHT = (
    exceptions.GoogleAPIError,
    auth_exceptions.GoogleAuthError,
    requests.exceptions.RequestException,
    json_format.ParseError,
)
"""The errors that the client libraries raise."""

_LOGIN = (
    "Run `gcloud auth application-default login`, or name a service account's key in GOOGLE_APPLICATION_CREDENTIALS."
)
_ROLES = {
    "storage.objects.create": "roles/storage.objectAdmin",
    "storage": "roles/storage.objectViewer",
    "aiplatform": "roles/aiplatform.user",
}
"""Role that includes a permission, by the permission's prefix; the first match counts."""

_PERMISSION = re.compile(r"(?<![\w.@/-])[a-z]+\.[a-zA-Z]+\.[a-zA-Z]+\b(?!\.)")
"""A permission such as `storage.objects.list`, but not a part of an e-mail address."""

_ACT_AS = "iam.serviceAccounts.actAs"
_ACTS_AS = re.compile(r"\bact as\b")
_NO_PROJECT = "CONSUMER_INVALID", "USER_PROJECT_DENIED"


@dataclass(frozen=True)
class Asked:
    """Facts about a call, for the error message."""

    doing: str
    """What the call does, in words that go after `cannot`, such as `create the run`."""

    vertex: Vertex
    """The config's section."""

    who: str
    """The account, if the credentials have its name."""

    attempts: int
    """How many attempts were made."""

    host: str
    """The service that was called."""


def explain(error: Exception, asked: Asked) -> VertexError:
    """Turns a client library's error into one that says what it means.

    Args:
        error: One of `CAUGHT`.
        asked: The call.

    Returns:
        The error to raise from it.
    """
    return VertexError(f"cannot {asked.doing}: {_meaning(error, asked)}")


def _meaning(error: Exception, asked: Asked) -> str:
    if isinstance(error, auth_exceptions.DefaultCredentialsError):
        return f"no credentials were found on this machine ({_first_line(error)}). {_LOGIN}"
    if isinstance(error, auth_exceptions.RefreshError) and not error.retryable:
        return f"the credentials of {asked.who} have expired or are revoked ({_first_line(error)}). {_LOGIN}"
    if isinstance(error, exceptions.Unauthorized):
        return f"the credentials of {asked.who} are not accepted ({said(error)}). {_LOGIN}"
    if isinstance(error, exceptions.Forbidden):
        return _forbidden(error, asked)
    if isinstance(error, exceptions.NotFound):
        return (
            f"not found in project {asked.vertex.project}, region {asked.vertex.region}: {said(error)} Check "
            "vertex.project and vertex.region in the config."
        )
    if isinstance(error, exceptions.TooManyRequests):
        return (
            f"429 in {_attempts(asked)}: there were too many requests, or a quota of project {asked.vertex.project} "
            "is used up. Wait some minutes, or request a larger quota at "
            f"https://console.cloud.google.com/iam-admin/quotas. Google Cloud said: {said(error)}"
        )
    if isinstance(error, exceptions.MethodNotImplemented):
        return (
            f"{asked.host} does not have this method (501): {said(error)} Check vertex.region and vertex.api_endpoint "
            "in the config."
        )
    if isinstance(error, exceptions.GoogleAPICallError) and not isinstance(error, exceptions.ServerError):
        return f"Google Cloud refused the call ({int(error.code or 0)}): {said(error)}"
    return (
        f"{asked.host} could not be reached, or its replies were incomplete, in {_attempts(asked)}; last error: "
        f"{_first_line(error)}. Check the network, vertex.region and vertex.api_endpoint in the config, and "
        "https://status.cloud.google.com."
    )


def _attempts(asked: Asked) -> str:
    return f"{asked.attempts} attempt{'s' if asked.attempts != 1 else ''}"


def _forbidden(error: exceptions.Forbidden, asked: Asked) -> str:
    project, message = asked.vertex.project, said(error)
    reason, facts = _error_info(error)
    if reason == "SERVICE_DISABLED":
        service = facts.get("service", "aiplatform.googleapis.com")
        return f"{service} is not enabled. Run `gcloud services enable {service} --project={project}`."
    if reason == "BILLING_DISABLED":
        return f"project {project} has no billing account: {message}"
    if reason in _NO_PROJECT:
        return f"there is no project {project} that {asked.who} can use: {message} Check vertex.project in the config."
    found = _PERMISSION.search(f"{facts.get('permission', '')} {message}")
    permission = found[0] if found else ""
    if permission == _ACT_AS or _ACTS_AS.search(message):
        return (
            f"403: {asked.who} may not start runs as {asked.vertex.service_account or 'the default service account'}. "
            f"Grant {asked.who} roles/iam.serviceAccountUser on that service account. Google Cloud said: {message}"
        )
    role = next((role for start, role in _ROLES.items() if permission.startswith(start)), _ROLES["aiplatform"])
    return (
        f"403: {asked.who} lacks {permission or 'a permission'} in project {project}, or the project or region is "
        f"wrong. Grant it {role}, or check vertex.project and vertex.region in the config. Google Cloud said: "
        f"{message}"
    )


def _error_info(error: exceptions.GoogleAPICallError) -> tuple[str, Mapping[str, str]]:
    """Returns reason and metadata of google.rpc.ErrorInfo: over gRPC it is a message, over REST JSON values."""
    for detail in error.details:
        if isinstance(detail, Mapping) and str(detail.get("@type", "")).endswith("google.rpc.ErrorInfo"):
            return str(detail.get("reason", "")), detail.get("metadata", {})
        if isinstance(detail, ErrorInfo):
            return detail.reason, detail.metadata
    return "", {}


def said(error: exceptions.GoogleAPICallError) -> str:
    """Returns the service's own message, without the URL that the REST transport puts before it."""
    text = re.sub(r"^[A-Z]+ \S+: ", "", str(error.message)).strip()
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _first_line(error: Exception) -> str:
    if isinstance(error, exceptions.GoogleAPICallError):
        return said(error).rstrip(".")
    text = str(error.args[0]) if error.args else str(error)
    return text.splitlines()[0][:300] if text else type(error).__name__
