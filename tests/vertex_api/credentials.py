"""Makes credentials of a service account that only this server accepts, and the endpoint for its tokens."""

import functools
import json
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import exceptions, jwt

from tests.vertex_api.rest import ApiError, Route
from tests.vertex_api.server import VertexApi

EMAIL = "engineer@example-project.iam.gserviceaccount.com"


@functools.cache  # one for all accounts of a test run: making one takes longer than most tests of the API
def _key() -> rsa.RSAPrivateKey:
    # A short key: each load checks the key, which takes 70 ms for 2048 bits.
    return rsa.generate_private_key(public_exponent=65537, key_size=1024)


class Tokens:
    """Gives tokens for signed assertions, and accepts two kinds: its own tokens, and JWTs signed by the account.

    google-auth requests the first kind, and makes the second kind itself if a client library allows it.
    """

    def __init__(self) -> None:
        key = _key()
        self._private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        self._public = key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        self._given: set[str] = set()
        self.expired = False
        """Whether the account's key counts as revoked."""

    def routes(self) -> list[Route]:
        return [Route("Token", "POST", "/token", None, self._token)]

    def key_file(self, path: Path, url: str) -> Path:
        """Writes a key file like `gcloud iam service-accounts keys create`."""
        path.write_text(
            json.dumps(
                {
                    "type": "service_account",
                    "project_id": "example-project",
                    "private_key_id": "1",
                    "private_key": self._private,
                    "client_email": EMAIL,
                    "client_id": "1",
                    "token_uri": f"{url}/token",
                }
            )
        )
        return path

    def guard(self, api: VertexApi) -> None:
        """Makes every method require a valid token."""
        api.gate = self._check

    def _token(self, asked: dict[str, str]) -> dict[str, Any]:
        if self.expired:
            raise TokenError("Invalid JWT Signature.")
        self._verify(asked["assertion"])
        token = secrets.token_urlsafe()
        self._given.add(token)
        return {"access_token": token, "expires_in": 3600, "token_type": "Bearer"}

    def _check(self, headers: dict[str, str]) -> None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind != "Bearer" or self.expired or (token not in self._given and not self._is_signed(token)):
            raise ApiError(401, "Request had invalid authentication credentials.")

    def _is_signed(self, token: str) -> bool:
        try:
            self._verify(token)
        except ApiError:
            return False
        return True

    def _verify(self, token: str) -> None:
        try:
            claims = jwt.decode(token, certs=self._public)
        except (ValueError, exceptions.GoogleAuthError) as e:
            raise ApiError(401, f"not signed by {EMAIL}: {e}") from e
        if claims["iss"] != EMAIL:
            raise ApiError(401, f"issued by {claims['iss']}")


class TokenError(ApiError):
    """The answer of OAuth's token endpoint: https://www.rfc-editor.org/rfc/rfc6749#section-5.2."""

    def __init__(self, description: str) -> None:
        super().__init__(400, description)

    def body(self) -> dict[str, Any]:
        return {"error": "invalid_grant", "error_description": self.message}
