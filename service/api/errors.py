"""Errors of the API, all of one shape: `{"error": {"code": ..., "message": ..., "field": ...}}`."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from service.api.responses import JsonResponse

_ECHO_CHARACTERS = 80


class ErrorDetail(BaseModel):
    """What went wrong."""

    code: str
    """For programs: a word that stays the same."""

    message: str
    """For people: what is wrong, and what to do."""

    field: str | None = None
    """The parameter or the field of the body, if it is one."""


class ErrorAnswer(BaseModel):
    """The body of every answer that is no success."""

    error: ErrorDetail


class ApiError(Exception):
    """Ends a request with an error."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        field: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Makes an error; see `ErrorDetail`.

        Args:
            status: The HTTP status.
            code: For programs.
            message: For people.
            field: The parameter that is wrong.
            headers: Further headers of the answer.
        """
        super().__init__(message)
        self.status, self.code, self.message, self.field = status, code, message, field
        self.headers = dict(headers or {})

    def response(self) -> JsonResponse:
        """Returns the answer."""
        return error_response(self.status, self.code, self.message, self.field, self.headers)


def bad_request(message: str, field: str | None = None) -> ApiError:
    """The request does not say what the contract asks for."""
    return ApiError(400, "invalid_request", message, field=field)


def unavailable(code: str, message: str, retry_after_seconds: int = 1) -> ApiError:
    """The service cannot answer now; the client should try again."""
    return ApiError(503, code, message, headers={"Retry-After": str(retry_after_seconds)})


def error_response(
    status: int, code: str, message: str, field: str | None = None, headers: Mapping[str, str] | None = None
) -> JsonResponse:
    """Makes the answer of an error."""
    detail: dict[str, Any] = {"code": code, "message": message}
    if field is not None:
        detail["field"] = field
    return JsonResponse({"error": detail}, status, {**(headers or {}), "Cache-Control": "no-store"})


def from_validation(error: ValidationError) -> ApiError:
    """Describes the first fault that pydantic found: where, what, and the value, cut."""
    fault = error.errors(include_url=False)[0]
    # Queries are flat: what comes after a field's name is a place in a list, or a name that pydantic gives to a type.
    name, *places = fault["loc"] or ("",)
    field = str(name) + "".join(f"[{place}]" for place in places if isinstance(place, int))
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        return bad_request("there is no such field or parameter; the OpenAPI at /openapi.json lists them", field)
    if fault["type"] == "missing":
        return bad_request("is missing", field)
    value = repr(fault["input"])
    value = value if len(value) <= _ECHO_CHARACTERS else f"{value[:_ECHO_CHARACTERS]}…"
    return bad_request(f"{message}. Received: {value}", field or None)
