"""Opens the newest pushed version for a batch: its model in a process, its snapshot, its ranking. No service runs."""

import contextlib
from collections.abc import AsyncIterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from common.errors import ModelError
from configs.home import serving_dir
from configs.pipeline import PipelineConfig
from configs.service.section import Batching
from service.backends.local import LocalModel, model_processes
from service.ranking.ranker import Ranker
from service.snapshot.snapshot import Snapshot
from service.snapshot.source import digest_of
from service.versions.asker import Asker
from service.versions.folder import ServingFolder
from service.versions.oracle import check_ranking
from service.versions.preparing import prepare_apart, preparing_processes
from service.versions.replay import replay

_MAX_ROWS = 256
"""Queries of one call of the model, and of one ranking: above it the matrix products gain no more."""

_CALL_SECONDS = 60.0
"""Time for one call. It takes milliseconds, and half a second for the first one; nobody waits for it."""


@dataclass(frozen=True)
class Chosen:
    """A version that is on this machine, not yet opened."""

    number: int
    folder: Path
    source: str
    """Digest of its files."""


@dataclass(frozen=True)
class OpenVersion:
    """A version that can be asked."""

    number: int
    snapshot: Snapshot
    ranker: Ranker
    asker: Asker


def newest(config: PipelineConfig, copies: Path) -> Chosen:
    """Chooses the newest version of the serving folder.

    Args:
        config: The pipeline's.
        copies: A folder for a copy, if the serving folder is remote.

    Raises:
        ModelError: Nothing has been pushed.
        OutputError: The serving folder cannot be read.
    """
    folder = ServingFolder(serving_dir(config), copies)
    found = folder.versions()
    if not found:
        raise ModelError(f"no model has been pushed to {folder.path}: run the pipeline first (perennial run).")
    number = found[0].number
    local = folder.fetch(number)
    return Chosen(number, local, digest_of(local))


@contextlib.asynccontextmanager
async def opened(
    chosen: Chosen, folder: Path, *, load_seconds: float, max_waiting: int, threads: Executor
) -> AsyncIterator[OpenVersion]:
    """Starts the version's model, checks it as a service does, and opens its snapshot; closes both after the block.

    Args:
        chosen: The version.
        folder: Where its snapshot is, or is made.
        load_seconds: Time until the model answers, and again for the snapshot.
        max_waiting: Largest number of queries that wait.
        threads: Where rankings run.

    Raises:
        ModelError: It does not answer as it was trained, or the snapshot cannot be made.
        BackendError: The model does not start.
    """
    async with contextlib.AsyncExitStack() as undo:
        models, preparers = model_processes(), preparing_processes()
        for processes in (models, preparers):
            undo.push_async_callback(processes.close)
            processes.prepare()
        model = await LocalModel.start(models, str(chosen.folder), chosen.number, timeout_seconds=load_seconds)
        undo.push_async_callback(model.close)
        await replay(chosen.folder, model, timeout_seconds=_CALL_SECONDS)
        reach = {"address": model.address}
        await prepare_apart(preparers, chosen.folder, chosen.number, reach, folder, timeout_seconds=load_seconds)
        try:
            snapshot = Snapshot.open(folder)
        except OSError as e:
            raise ModelError(f"the snapshot of version {chosen.number} cannot be opened ({e})") from e
        undo.callback(snapshot.close)
        ranker = Ranker(snapshot)
        batching = Batching(max_rows=_MAX_ROWS, max_waiting=max_waiting)
        asker = Asker(model, ranker, batching, deadline_seconds=_CALL_SECONDS, threads=threads)
        undo.push_async_callback(asker.close)
        await check_ranking(chosen.folder, ranker, asker)
        yield OpenVersion(chosen.number, snapshot, ranker, asker)
