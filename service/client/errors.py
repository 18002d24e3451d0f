"""What can go wrong when the service is asked. No error holds a password or a token."""

from common.errors import PerennialError


class ClientError(PerennialError):
    """The service did not answer as was asked.

    Attributes:
        status: The HTTP status; None if there was no answer.
        code: A word for programs, such as `invalid_request`; None if the answer is not the service's own.
        field: The parameter, or the field of the body, that is wrong; None if it is none.
    """

    def __init__(
        self, message: str, *, status: int | None = None, code: str | None = None, field: str | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.field = status, code, field


class RefusedError(ClientError):
    """The service refuses the request: it is malformed, not allowed, or asks for what is not there."""


class UnavailableError(ClientError):
    """There was no answer within the deadline; later there may be one."""
