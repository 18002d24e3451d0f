"""Sends requests to the service until one is answered or the deadline has passed; logs in when that is needed."""

import itertools
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from service.api.answers import Token
from service.client.errors import ClientError, RefusedError, UnavailableError
from service.client.retries import AGAIN, pause_seconds

A = TypeVar("A", bound=BaseModel)

_MAX_ANSWER_BYTES = 64 << 20
"""An answer is some kilobytes; a graph of 2,000 items with features is some megabytes."""


@dataclass(frozen=True)
class Login:
    """A user of the API."""

    user: str = field(repr=False)
    password: str = field(repr=False)


class Connection:
    """Connections to one service, for many threads."""

    def __init__(self, url: str, login: Login | None, token: str | None, deadline_seconds: float) -> None:
        """Names the service; nothing is sent yet.

        Args:
            url: Its address.
            login: Who logs in, when a token is needed.
            token: A token that there is already.
            deadline_seconds: Time for one request with all its attempts.

        Raises:
            RefusedError: The address holds a password, or is none.
        """
        try:
            base = httpx.URL(url)
        except httpx.InvalidURL:
            base = httpx.URL()
        if base.userinfo:
            raise RefusedError("the address holds a user or a password; give them as arguments of their own.")
        if base.scheme not in ("http", "https") or not base.host:
            raise RefusedError("the address of the service must begin with http:// or https:// and name a host.")
        self.url = str(base)
        self._login, self._token, self._lock = login, token, threading.Lock()
        self._deadline_seconds = deadline_seconds
        self._http = httpx.Client(base_url=base, headers={"User-Agent": "perennial"})

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def ask(
        self,
        answer: type[A],
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> A:
        """Sends a request that may be repeated without harm.

        Args:
            answer: What comes back.
            method: `GET` or `POST`.
            path: Below the address.
            params: Of the URL.
            body: JSON.

        Raises:
            RefusedError: The service refuses the request.
            UnavailableError: There was no answer within the deadline.
        """
        until = time.monotonic() + self._deadline_seconds
        token = self._token_within(until, None)
        try:
            return self._ask(answer, method, path, params, body, token, until)
        except RefusedError as e:
            if e.status != httpx.codes.UNAUTHORIZED or self._login is None:
                raise
        # The token has expired.
        token = self._token_within(until, token)
        return self._ask(answer, method, path, params, body, token, until)

    def _token_within(self, until: float, expired: str | None) -> str | None:
        """The token; a new one if there is none but an expired one. Threads that wait here log in once."""
        with self._lock:
            if self._login is not None and self._token == expired:
                body = {"user": self._login.user, "password": self._login.password}
                self._token = self._ask(Token, "POST", "/v1/login", None, body, None, until).access_token
            return self._token

    def _ask(
        self,
        answer: type[A],
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        token: str | None,
        until: float,
    ) -> A:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        for attempt in itertools.count():
            retry_after = None
            try:
                left = max(until - time.monotonic(), 0.001)  # 0 would mean to wait for ever
                request = self._http.build_request(
                    method, path, params=params, json=body, headers=headers, timeout=left
                )
                status, retry_after, content = self._send(request, until)
            except httpx.TransportError as e:
                # Neither the error nor its cause is kept: they hold the request with its token.
                failure: ClientError = UnavailableError(f"{self.url} gave no answer ({type(e).__name__}: {e}).")
            else:
                if status < httpx.codes.MULTIPLE_CHOICES:
                    return _read(answer, content, self.url)
                failure = _failure(status, content)
                if status not in AGAIN:
                    raise failure
            pause = pause_seconds(attempt, retry_after)
            if time.monotonic() + pause >= until:
                raise failure
            time.sleep(pause)
        raise AssertionError  # the loop has no end

    def _send(self, request: httpx.Request, until: float) -> tuple[int, str | None, bytes]:
        """Sends a request, and reads the answer in pieces: a server must not hold the client by a byte now and then."""
        response = self._http.send(request, stream=True)
        try:
            content = bytearray()
            for piece in response.iter_bytes():
                content += piece
                if time.monotonic() > until:
                    raise httpx.ReadTimeout("the answer takes too long")
                if len(content) > _MAX_ANSWER_BYTES:
                    raise RefusedError(f"{self.url}: the answer has more than {_MAX_ANSWER_BYTES} bytes.")
        finally:
            response.close()
        return response.status_code, response.headers.get("retry-after"), bytes(content)


class _ErrorDetail(BaseModel):
    code: str
    message: str
    field: str | None = None


class _ErrorAnswer(BaseModel):
    error: _ErrorDetail


def _failure(status: int, content: bytes) -> ClientError:
    kind = UnavailableError if status in AGAIN or status >= httpx.codes.INTERNAL_SERVER_ERROR else RefusedError
    try:
        said = _ErrorAnswer.model_validate_json(content).error
    except ValidationError:
        return kind(f"the answer has the status {status}, and not the form of this service's errors.", status=status)
    text = said.message if said.field is None else f"{said.field}: {said.message}"
    return kind(text, status=status, code=said.code, field=said.field)


def _read(answer: type[A], content: bytes, url: str) -> A:
    try:
        return answer.model_validate_json(content, extra="ignore")  # a newer service may say more
    except ValidationError:
        # The fault is not repeated: it holds parts of the answer, such as a token.
        raise RefusedError(f"{url}: the answer is no {answer.__name__}. Is this the address of the service?") from None
