"""A login: name and password for an identity. It is expensive on purpose, so only few run at once.

A hash takes 64 MiB and some 0.2 s of a core. More than two at a time would take the machine from those who ask for
recommendations. So the others wait, and when too many wait, further ones are refused.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from service.auth.errors import AuthError, TooManyError
from service.auth.passwords import dummy_hash, verify
from service.auth.rate_limit import RateLimit, client_of
from service.auth.tokens import Identity
from service.auth.users import Users

_AT_ONCE = 2

_MAX_WAITING = 20
"""Some two seconds of work; who comes later is told to."""

_RETRY_SECONDS = 2.0


class Login:
    """Checks passwords. Made and used in one event loop."""

    def __init__(self, users: Users, limit: RateLimit) -> None:
        """Args: users: Where they are. limit: Of attempts, by address."""
        self._users = users
        self._limit = limit
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="login")
        self._num_running = 0

    async def identity(self, name: str, password: str, address: str) -> Identity:
        """Checks a user's password.

        Unknown users and wrong passwords take the same time and give the same error.

        Args:
            name: The user's name.
            password: The password.
            address: The client's IP address.

        Raises:
            AuthError: Name or password is wrong.
            TooManyError: This address, or all together, try too often.
            DatabaseUnavailableError, DatabaseError: The users are in a database, and it does not answer or refuses.
        """
        self._limit.take(client_of(address))
        if self._num_running >= _AT_ONCE + _MAX_WAITING:
            raise TooManyError(_RETRY_SECONDS)
        self._num_running += 1
        call = asyncio.get_running_loop().run_in_executor(self._threads, self._check, name, password)
        # When the work is done, not when its client has gone.
        call.add_done_callback(self._ended)
        found = await asyncio.shield(call)
        if found is None:
            raise AuthError("credentials")
        return found

    def close(self) -> None:
        """Begins no more checks."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, name: str, password: str) -> Identity | None:
        user = self._users.find(name)
        hashed = dummy_hash(self._users.any_hash()) if user is None else user.hash
        return Identity(user.name, user.scopes) if verify(hashed, password) and user is not None else None

    def _ended(self, call: "asyncio.Future[Identity | None]") -> None:
        self._num_running -= 1
        if not call.cancelled():
            call.exception()  # read, or asyncio logs it when the client has gone
