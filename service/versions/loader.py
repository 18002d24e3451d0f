"""Loads a version: finds its model, replays the trainer's requests, makes the snapshot, and checks the ranking."""

import asyncio
import contextlib
import logging
import shutil
from collections.abc import Callable, Collection
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from common.errors import ModelError
from configs.service.section import Service
from documents.provenance import Provenance
from documents.push_record import PushRecord
from documents.service_data import ServiceData
from service.backends.backend import Backend
from service.backends.grpc_backend import GrpcBackend
from service.backends.local import model_processes
from service.batching import Run
from service.ranking.ranker import Ranker
from service.ranking.search import open_search
from service.snapshot.snapshot import Snapshot
from service.versions.asker import Asker
from service.versions.folder import ServingFolder, snapshots_of
from service.versions.oracle import check_ranking
from service.versions.preparing import backend_of, prepare_apart, preparing_processes
from service.versions.replay import replay
from service.versions.restarting import RestartingModel
from service.versions.served import Served

_logger = logging.getLogger("perennial.service")

_REPLAY_SECONDS = 30.0
"""Time for one stored request. The first call of a signature takes the longest, half a second on an idle machine."""


_SECTIONS = {"tf_serving": "tf_serving", "vertex": "vertex_endpoint"}
"""Backend to the section of the config that describes it."""


class Loader:
    """Loads versions of one serving folder."""

    def __init__(
        self,
        settings: Service,
        folder: ServingFolder,
        cache_dir: Path,
        *,
        threads: Executor,
        observe: Callable[[Run], None] = lambda _: None,
    ) -> None:
        """Prepares.

        Args:
            settings: The config's `service`.
            folder: The serving folder.
            cache_dir: Where snapshots are kept, one folder for each version.
            threads: Where rankings run.
            observe: Is told of each call of a model.
        """
        self._settings = settings
        self._folder = folder
        self._snapshots = snapshots_of(cache_dir)
        self._threads = threads
        self._observe = observe
        self._models = model_processes() if settings.backend == "local" else None
        self._preparers = preparing_processes()

    def start(self) -> None:
        """Starts what versions are loaded by, so that the first one does not wait for imports.

        Raises:
            ForkError: A process cannot be started.
        """
        for processes in (self._models, self._preparers):
            if processes is not None:
                processes.prepare()

    async def close(self) -> None:
        """Ends what `start` has started; the versions must have been closed."""
        for processes in (self._models, self._preparers):
            if processes is not None:
                await processes.close()

    async def load(self, number: int) -> Served:
        """Loads and checks a version.

        Args:
            number: The version's number.

        Raises:
            PerennialError: It cannot be loaded, or does not answer as it was trained.
        """
        folder = await asyncio.to_thread(self._folder.fetch, number)
        backend, reach = await self._backend(number, folder)
        async with contextlib.AsyncExitStack() as undo:
            undo.push_async_callback(backend.close)
            if isinstance(backend, GrpcBackend):
                await backend.wait_until_ready(timeout_seconds=self._settings.load_seconds)
            await replay(folder, backend, timeout_seconds=_REPLAY_SECONDS)
            place = self._snapshots / str(number)
            self._snapshots.mkdir(parents=True, exist_ok=True)
            await prepare_apart(
                self._preparers,
                folder,
                number,
                reach,
                place,
                index=self._settings.index,
                timeout_seconds=self._settings.load_seconds,
            )
            try:
                snapshot = await asyncio.to_thread(Snapshot.open, place)
            except OSError as e:
                raise ModelError(f"the snapshot of version {number} cannot be opened ({e})") from e
            undo.callback(snapshot.close)
            # The model's own signatures are exact, so exact search is compared with them, and the index with that.
            exact = Ranker(snapshot)
            checking = self._asker(backend, exact)
            try:
                await check_ranking(folder, exact, checking)
            finally:
                await checking.close()  # otherwise it would hold the snapshot until Python looks for cycles
            search = await asyncio.to_thread(open_search, snapshot)
            if search.is_faulty:
                _logger.error("version %d is searched exactly, which is slower: %s", number, search.reason)
            ranker = Ranker(snapshot, search.index)
            served = Served(
                number=number,
                backend=backend,
                snapshot=snapshot,
                ranker=ranker,
                search=search,
                asker=self._asker(backend, ranker),
                record=PushRecord.find(folder) or PushRecord(),
                provenance=Provenance.find(folder) or Provenance(),
                data=ServiceData.find(folder),
            )
            undo.pop_all()
        return served

    def _asker(self, backend: Backend, ranker: Ranker) -> Asker:
        return Asker(
            backend,
            ranker,
            self._settings.batching,
            deadline_seconds=self._settings.deadline_seconds,
            threads=self._threads,
            observe=self._observe,
        )

    def sweep(self, kept: Collection[int | None]) -> None:
        """Deletes the snapshots, and the copies of remote versions, of all other numbers."""
        for parent in (self._snapshots, self._folder.copies):
            if parent.is_dir():
                for folder in parent.iterdir():
                    if folder.name.isdigit() and int(folder.name) not in kept:
                        shutil.rmtree(folder, ignore_errors=True)

    async def _backend(self, number: int, folder: Path) -> tuple[Backend, dict[str, Any]]:
        """Starts or finds the model; returns it, and how another process reaches it."""
        settings = self._settings
        if self._models is not None:
            model = await RestartingModel.start(self._models, folder, number, timeout_seconds=settings.load_seconds)
            return model, {"address": model.address}
        # The config has the section of its backend; it checks that.
        reach = settings.model_dump(mode="json", include={_SECTIONS[settings.backend]})
        return backend_of(reach, number, folder), reach
