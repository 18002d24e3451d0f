"""A model process that is started again when it ends by itself; until then requests fail at once."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from pathlib import Path

from service.backends.backend import BackendError, BackendUnavailableError, Tensor
from service.backends.local import LocalModel
from service.forks import Forks

_logger = logging.getLogger("perennial.service")

_SHORTEST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.1, 30.0
"""Before each start but the first after a crash, twice as long each time: a model that ends again and again must not
take the processor from the others."""

_STABLE_SECONDS = 60.0
"""After a process that ran so long, the pauses begin anew."""


class RestartingModel:
    """A Backend; `RestartingModel.start` makes one."""

    def __init__(self, processes: Forks, folder: Path, version: int, start_seconds: float) -> None:
        self._processes = processes
        self._folder, self._version, self._start_seconds = folder, version, start_seconds
        self._model: LocalModel | None = None
        self._restarting: asyncio.Task[None] | None = None
        self._started = 0.0
        self._pause_seconds = 0.0

    @classmethod
    async def start(cls, processes: Forks, folder: Path, version: int, *, timeout_seconds: float) -> "RestartingModel":
        """Starts the process and waits until the model answers; see `LocalModel.start`."""
        made = cls(processes, folder, version, timeout_seconds)
        await made._start()
        return made

    @property
    def address(self) -> str:
        """Where the process listens now.

        Raises:
            BackendUnavailableError: It is being started.
        """
        return self._running().address

    @property
    def pid(self) -> int:
        """The process's id; see `address`."""
        return self._running().pid

    async def predict(
        self, signature: str, inputs: Mapping[str, Tensor], *, timeout_seconds: float
    ) -> dict[str, Tensor]:
        """Asks one signature: see `Backend.predict`."""
        return await self._running().predict(signature, inputs, timeout_seconds=timeout_seconds)

    async def close(self) -> None:
        """Ends the process."""
        if self._restarting is not None:
            self._restarting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._restarting
        if self._model is not None:
            await self._model.close()
            self._model = None

    def _running(self) -> LocalModel:
        if self._model is None:
            raise BackendUnavailableError(f"the model process of version {self._version} is being started again")
        return self._model

    async def _start(self) -> None:
        self._model = await LocalModel.start(
            self._processes,
            str(self._folder),
            self._version,
            timeout_seconds=self._start_seconds,
            on_exit=self._on_exit,
        )
        self._started = asyncio.get_running_loop().time()

    def _on_exit(self, reason: BackendUnavailableError) -> None:
        _logger.error("%s; it is started again", reason)
        dead, self._model = self._model, None
        loop = asyncio.get_running_loop()
        if loop.time() - self._started >= _STABLE_SECONDS:
            self._pause_seconds = 0.0
        self._restarting = loop.create_task(self._restart(dead))

    async def _restart(self, dead: LocalModel | None) -> None:
        if dead is not None:
            await dead.close()
        while self._model is None:
            await asyncio.sleep(self._pause_seconds)
            self._pause_seconds = min(max(2 * self._pause_seconds, _SHORTEST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS)
            try:
                await self._start()
            except BackendError as e:
                _logger.error("the model process of version %d could not be started: %s", self._version, e)
