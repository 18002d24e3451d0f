"""Defines how the server can fail on request."""

from dataclasses import dataclass, field
from typing import Any

STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""google.rpc.Code, by HTTP status."""


@dataclass(frozen=True)
class Refuse:
    """Answers with an error."""

    code: int
    message: str = "told to fail"
    details: list[dict[str, Any]] = field(default_factory=list)
    after_effect: bool = False
    """Whether the server does the requested change first."""


@dataclass(frozen=True)
class Cut:
    """Closes the connection in the middle of the reply, or before it."""

    after_effect: bool = True
    """Whether the server does the requested change before it closes the connection."""


Fault = Refuse | Cut


def permission_denied(permission: str, resource: str) -> Refuse:
    """IAM's 403, with Vertex's text."""
    return Refuse(
        403,
        f"Permission '{permission}' denied on resource '//aiplatform.googleapis.com/{resource}' (or it may not exist).",
        [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "IAM_PERMISSION_DENIED",
                "domain": "aiplatform.googleapis.com",
                "metadata": {"permission": permission, "resource": resource},
            }
        ],
    )


def api_disabled(project: str) -> Refuse:
    """The 403 for a project that has not enabled the API."""
    return Refuse(
        403,
        f"Vertex AI API has not been used in project {project} before or it is disabled.",
        [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "SERVICE_DISABLED",
                "domain": "googleapis.com",
                "metadata": {"service": "aiplatform.googleapis.com", "consumer": f"projects/{project}"},
            }
        ],
    )
