"""Gets tokens for Google Cloud: of the machine's service account, or of a developer's login."""

import asyncio
from typing import Any

import google.auth
import google.auth.exceptions
import google.auth.transport.requests

from service.backends.backend import BackendUnavailableError

_SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class GoogleToken:
    """Tokens of the application default credentials. Use it in one event loop."""

    def __init__(self) -> None:
        self._credentials: Any = None
        self._refreshing = asyncio.Lock()

    async def get(self) -> str:
        """Returns a token that is valid.

        Raises:
            BackendUnavailableError: There are no credentials, or Google gives no token.
        """
        if not self._is_valid():
            async with self._refreshing:
                if not self._is_valid():
                    # google-auth waits for the network, and some machines' credentials for a program.
                    self._credentials = await asyncio.to_thread(self._refreshed)
        token: str = self._credentials.token
        return token

    def _is_valid(self) -> bool:
        return self._credentials is not None and self._credentials.valid

    def _refreshed(self) -> Any:
        try:
            credentials = self._credentials or google.auth.default(scopes=[_SCOPE])[0]
            credentials.refresh(google.auth.transport.requests.Request())
        except google.auth.exceptions.DefaultCredentialsError as e:
            raise BackendUnavailableError(
                "there are no credentials for Google Cloud: give the machine a service account, set "
                "GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth application-default login`"
            ) from e
        except google.auth.exceptions.GoogleAuthError as e:
            raise BackendUnavailableError(f"Google gives no token: {type(e).__name__}", str(e)) from None
        return credentials
