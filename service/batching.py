"""Joins requests that come at the same time into one run.

A run takes what waits when a run before it has ended: nothing waits for a timer, so a single request runs at once, and
the busier the service is, the larger the runs are.
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from common.errors import PerennialError
from service.backends.backend import BackendRefusedError, BackendUnavailableError

J = TypeVar("J")
R = TypeVar("R")


class OverloadedError(PerennialError):
    """More requests wait than may; later one may be taken."""


@dataclass(frozen=True)
class Run:
    """What an observer learns of a run."""

    jobs: int
    """How many jobs it joins."""

    waited_seconds: tuple[float, ...]
    """For each job, the time from `submit` to the run."""


@dataclass
class _Waiting(Generic[J, R]):
    job: J
    result: "asyncio.Future[R]"
    since: float


class Batcher(Generic[J, R]):
    """Runs jobs in batches. Use it in one event loop.

    Args:
        run: Answers a batch: one result for each job, in the same order.
        max_rows: Largest number of jobs in a run.
        max_waiting: Largest number of jobs that wait for a run.
        runs: Largest number of runs at the same time.
        observe: Called before each run.
    """

    def __init__(
        self,
        run: Callable[[Sequence[J]], Awaitable[Sequence[R]]],
        *,
        max_rows: int,
        max_waiting: int,
        runs: int = 2,
        observe: Callable[[Run], None] = lambda _: None,
    ) -> None:
        self._run, self._observe = run, observe
        self._max_rows, self._max_waiting, self._most_runs = max_rows, max_waiting, runs
        self._queue: deque[_Waiting[J, R]] = deque()
        self._workers: set[asyncio.Task[None]] = set()
        self._working = 0

    @property
    def waiting(self) -> int:
        """Number of jobs that wait for a run."""
        return len(self._queue)

    async def submit(self, job: J) -> R:
        """Waits for a job's result. If the waiting task is cancelled before the run, the job is not run.

        Args:
            job: The job.

        Returns:
            Its result.

        Raises:
            OverloadedError: `max_waiting` jobs wait already.
            BackendRefusedError: The job was refused when it ran alone.
            Exception: Another error of the run, which all its jobs get.
        """
        if len(self._queue) >= self._max_waiting:
            self._drop_cancelled()
        if len(self._queue) >= self._max_waiting:
            raise OverloadedError(f"{self._max_waiting} requests wait for the model already; try again later")
        waiting: _Waiting[J, R] = _Waiting(job, asyncio.get_running_loop().create_future(), time.perf_counter())
        self._queue.append(waiting)
        if self._working < self._most_runs:
            self._working += 1
            worker = asyncio.ensure_future(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._workers.discard)
        return await waiting.result

    async def close(self) -> None:
        """Waits for all jobs that were submitted; later ones fail with BackendUnavailableError."""
        while self._workers:
            await asyncio.wait(self._workers)
        # `run` may be a method of an object that holds this one. Its arrays would stay until Python looks for cycles.
        self._run = _closed

    async def _work(self) -> None:
        while batch := await self._next():
            await self._answer(batch, is_first=True)
        # Not when the task is done, which others learn of later: a job that comes in between would find no worker.
        self._working -= 1

    async def _next(self) -> list[_Waiting[J, R]]:
        """The next batch; empty if nothing waits. No job may come between the last look and the end of the worker."""
        # Two turns of the event loop: it reads what has arrived, and runs what that has started. Under load a batch is
        # half as large again for it, and an idle loop takes microseconds for them.
        for _ in range(2):
            await asyncio.sleep(0)
        return self._take()

    def _take(self) -> list[_Waiting[J, R]]:
        batch: list[_Waiting[J, R]] = []
        while self._queue and len(batch) < self._max_rows:
            waiting = self._queue.popleft()
            if not waiting.result.done():  # cancelled
                batch.append(waiting)
        return batch

    async def _answer(self, batch: list[_Waiting[J, R]], *, is_first: bool) -> None:
        # In a task of its own, so that its error, of whatever kind, is handed on to those who wait.
        run = asyncio.ensure_future(self._results(batch, is_first))
        await asyncio.wait({run})
        error = None if run.cancelled() else run.exception()
        if isinstance(error, BackendRefusedError) and len(batch) > 1:
            for each in batch:  # one of them is refused, and the others need not fail with it
                if not each.result.done():
                    await self._answer([each], is_first=False)
            return
        for place, each in enumerate(batch):
            if each.result.done():
                continue
            if run.cancelled():
                each.result.cancel()
            elif error is not None:
                each.result.set_exception(error)
            else:
                each.result.set_result(run.result()[place])

    async def _results(self, batch: list[_Waiting[J, R]], is_first: bool) -> Sequence[R]:
        if is_first:
            now = time.perf_counter()
            self._observe(Run(len(batch), tuple(now - each.since for each in batch)))
        results = await self._run([each.job for each in batch])
        if len(results) != len(batch):
            raise ValueError(f"a run of {len(batch)} jobs gave {len(results)} results")
        return results

    def _drop_cancelled(self) -> None:
        self._queue = deque(each for each in self._queue if not each.result.done())


async def _closed(jobs: Sequence[Any]) -> NoReturn:
    raise BackendUnavailableError("this version is not served any more; ask again")
