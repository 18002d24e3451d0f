"""Follows the serving folder: loads a new version beside the live one, checks it, and lets it take over."""

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from common.errors import PerennialError
from configs.service.section import Canary
from service.versions.folder import ServingFolder, VersionFolder
from service.versions.served import Served

_logger = logging.getLogger("perennial.service")

RETRY_SECONDS = 30.0
"""Pause before a version that could not be loaded is tried again; its files may have been repaired, or its server may
have loaded it."""

_SHARES = 1 << 32


class NotReadyError(PerennialError):
    """No version answers yet."""


class GoneError(PerennialError):
    """The version that a cursor belongs to is not served any more."""


@dataclass(frozen=True)
class Refusal:
    """A version that was not put into service."""

    number: int
    reason: str
    modified: float
    """As of `VersionFolder`: another time means other files."""

    at: float
    """When, on the event loop's clock."""


class Versions:
    """The versions that answer: the live one, the one before it, and the canary. Used by one event loop."""

    def __init__(
        self,
        folder: ServingFolder,
        load: Callable[[int], Awaitable[Served]],
        *,
        poll_seconds: float,
        drain_seconds: float,
        canary: Canary | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Prepares; `watch` does the work.

        Args:
            folder: The serving folder.
            load: Loads and checks one version; it raises a PerennialError if the version must not serve.
            poll_seconds: Time between two looks at the folder.
            drain_seconds: How long the version before the live one still answers.
            canary: A second version for a share of the users.
            on_change: Is called when what is served, or refused, has changed.
        """
        self._folder = folder
        self._load = load
        self._poll_seconds = poll_seconds
        self._drain_seconds = drain_seconds
        self._canary_settings = canary
        self._on_change = on_change
        self.live: Served | None = None
        self.canary: Served | None = None
        self.previous: Served | None = None
        self.loading: int | None = None
        self.refused: dict[int, Refusal] = {}
        self.folder_error: str | None = None
        self._closing: dict[Served, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def choose(self, key: str) -> Served:
        """Returns the version that answers.

        Args:
            key: What decides between the live version and the canary: the user's id, or else the items.

        Raises:
            NotReadyError: There is none yet.
        """
        if self.live is None:
            raise NotReadyError("no version is served yet; try again in some seconds.")
        if self.canary is not None and self._canary_settings is not None:
            share = int.from_bytes(hashlib.blake2b(key.encode(), digest_size=4).digest(), "big") / _SHARES
            if share * 100 < self._canary_settings.percent:
                return self.canary
        return self.live

    def pinned(self, number: int) -> Served:
        """Returns the version of a cursor.

        Raises:
            GoneError: It is not served any more.
        """
        for served in (self.live, self.canary, self.previous):
            if served is not None and served.number == number:
                return served
        raise GoneError(f"version {number} is not served any more; ask for the first page again.")

    async def watch(self) -> None:
        """Looks at the folder again and again, until it is cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            next_look = loop.time() + self._poll_seconds
            await self.look()
            # At once, if loading took so long: another version may have come.
            await asyncio.sleep(max(0.0, next_look - loop.time()))

    async def look(self) -> None:
        """Looks at the folder once, and loads what is new."""
        try:
            found = await asyncio.to_thread(self._folder.versions)
        except PerennialError as e:
            if self.folder_error != str(e):
                _logger.error("%s", e)
            self.folder_error = str(e)
            return
        self.folder_error = None
        wanted = None if self._canary_settings is None else self._canary_settings.version
        live = next((version for version in found if version.number != wanted), None)
        if live is not None and (self.live is None or live.number > self.live.number):
            await self._renew(found, wanted)
        if wanted is not None and self.canary is None:
            self.canary = await self._tried(next((v for v in found if v.number == wanted), None))
            if self.canary is not None:
                self._on_change()
        gone = self.refused.keys() - {version.number for version in found}
        for number in gone:
            del self.refused[number]
        if gone:
            self._on_change()

    async def _renew(self, found: list[VersionFolder], wanted: int | None) -> None:
        """Puts the newest version into service; at the start, an older one if the newest is refused."""
        for version in found:
            if version.number == wanted:
                continue
            if self.live is not None and version.number <= self.live.number:
                return
            served = await self._tried(version)
            if served is not None:
                self._take_over(served)
                return

    async def _tried(self, version: VersionFolder | None) -> Served | None:
        """Loads a version, unless it was refused a moment ago."""
        if version is None:
            return None
        now = asyncio.get_running_loop().time()
        before = self.refused.get(version.number)
        if before is not None and before.modified == version.modified and now - before.at < RETRY_SECONDS:
            return None
        self.loading = version.number
        try:
            served = await self._load(version.number)
        except PerennialError as e:
            if before is None or before.reason != str(e):
                _logger.error("version %d is refused: %s", version.number, e)
            self.refused[version.number] = Refusal(version.number, str(e), version.modified, now)
            self._on_change()
            return None
        finally:
            self.loading = None
        self.refused.pop(version.number, None)
        _logger.info("version %d is in service", version.number)
        return served

    def _take_over(self, served: Served) -> None:
        oldest, self.previous, self.live = self.previous, self.live, served
        if oldest is not None:
            self._closing[oldest].set()  # at most one waits for its cursors
        if self.previous is not None:
            self._closing[self.previous] = asyncio.Event()
            task = asyncio.get_running_loop().create_task(self._drain(self.previous))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self._on_change()

    async def _drain(self, served: Served) -> None:
        """Closes a version after `drain_seconds`, or when its event is set."""
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self._closing[served].wait(), self._drain_seconds)
        if self.previous is served:
            self.previous = None
        await served.close(self._drain_seconds)
        del self._closing[served]
        self._on_change()

    async def close(self) -> None:
        """Closes all versions at once; their requests must have ended."""
        for event in self._closing.values():
            event.set()
        await asyncio.gather(*self._tasks)
        for served in (self.live, self.canary):
            if served is not None:
                await served.close(0.0)
        self.live = self.canary = None
