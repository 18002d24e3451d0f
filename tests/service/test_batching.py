"""Batches whose runs wait until the test lets them end."""

import asyncio
import gc
import weakref
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from service.backends.backend import BackendRefusedError, BackendUnavailableError
from service.batching import Batcher, OverloadedError, Run

ROWS, WAITING = 4, 6


class Model:
    """Doubles numbers. Each run begins when the test lets one more begin."""

    def __init__(self) -> None:
        self.began: list[list[int]] = []
        self.at_once = self.most_at_once = 0
        self.free = asyncio.Semaphore(0)

    async def run(self, jobs: Sequence[int]) -> list[int]:
        self.began.append(list(jobs))
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.free.acquire()
        finally:
            self.at_once -= 1
        if any(job < 0 for job in jobs):
            raise BackendRefusedError("a job is below 0")
        return [2 * job for job in jobs]

    def let(self, runs: int) -> None:
        for _ in range(runs):
            self.free.release()


def batched(test: Callable[[Model, Batcher[int, int]], Awaitable[None]], **options: Any) -> Model:
    async def go() -> Model:
        model = Model()
        await test(model, Batcher(model.run, **{"max_rows": ROWS, "max_waiting": WAITING, "runs": 1, **options}))
        return model

    return asyncio.run(go())


async def submitted(batcher: Batcher[int, int], *jobs: int) -> list["asyncio.Task[int]"]:
    """Tasks that wait for the jobs' results."""
    tasks = [asyncio.ensure_future(batcher.submit(job)) for job in jobs]
    await turns()
    return tasks


async def turns() -> None:
    """Lets every task go on as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_submit_alone_runs_at_once() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        (task,) = await submitted(batcher, 1)
        assert model.began == [[1]]
        model.let(1)
        assert await task == 2

    batched(test)


def test_submit_in_the_turn_of_the_last_result_is_run() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        async def client() -> list[int]:
            return [await batcher.submit(job) for job in range(3)]

        model.let(3)
        assert await asyncio.wait_for(client(), 10) == [0, 2, 4]

    batched(test)


def test_submit_while_a_run_goes_on_joins_what_waits_up_to_the_limit_in_order() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        tasks = await submitted(batcher, 0)
        tasks += await submitted(batcher, *range(1, 7))
        model.let(3)
        assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10, 12]
        assert model.began == [[0], [1, 2, 3, 4], [5, 6]]

    assert batched(test).most_at_once == 1


def test_runs_at_the_same_time_are_as_many_as_allowed() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        tasks = []
        for job in range(6):
            tasks += await submitted(batcher, job)
        model.let(6)
        assert await asyncio.gather(*tasks) == [0, 2, 4, 6, 8, 10]
        assert model.began[:2] == [[0], [1]]

    assert batched(test, runs=2).most_at_once == 2


def test_submit_beyond_the_limit_is_shed_and_taken_again_later() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        tasks = await submitted(batcher, 0)
        tasks += await submitted(batcher, *range(1, 1 + WAITING))
        assert batcher.waiting == WAITING
        with pytest.raises(OverloadedError, match="6 requests wait"):
            await batcher.submit(9)
        model.let(100)
        await asyncio.gather(*tasks)
        assert await batcher.submit(9) == 18

    batched(test)


def test_cancelled_jobs_are_not_run_and_make_room() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        tasks = await submitted(batcher, 0)
        waiting = await submitted(batcher, *range(1, 1 + WAITING))
        for task in waiting[:3]:
            task.cancel()
        await turns()
        tasks += waiting[3:] + await submitted(batcher, 7, 8)
        model.let(100)
        assert await asyncio.gather(*tasks) == [0, 8, 10, 12, 14, 16]
        assert model.began == [[0], [4, 5, 6, 7], [8]]

    batched(test)


def test_cancelled_during_the_run_leaves_the_others_their_results() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        first = await submitted(batcher, 0)
        one, two = await submitted(batcher, 1, 2)
        model.let(1)
        await first[0]
        await turns()
        assert model.began[-1] == [1, 2]
        one.cancel()
        model.let(1)
        assert await two == 4

    batched(test)


def test_refused_run_of_several_fails_for_the_poisoned_job_alone() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        model.let(100)
        results = await asyncio.gather(*(batcher.submit(job) for job in (1, -2, 3)), return_exceptions=True)
        assert results[0] == 2 and results[2] == 6
        assert isinstance(results[1], BackendRefusedError)
        assert model.began == [[1, -2, 3], [1], [-2], [3]]
        assert await batcher.submit(4) == 8

    batched(test)


@pytest.mark.parametrize("error", [BackendUnavailableError("it has gone"), ZeroDivisionError("a bug")])
def test_run_that_fails_otherwise_fails_for_all_its_jobs_and_later_ones_run(error: Exception) -> None:
    async def go() -> None:
        began = 0

        async def run(jobs: Sequence[int]) -> Sequence[int]:
            nonlocal began
            began += 1
            if began == 1:
                raise error
            return jobs

        batcher = Batcher(run, max_rows=ROWS, max_waiting=WAITING)
        results = await asyncio.gather(*(batcher.submit(job) for job in (1, 2)), return_exceptions=True)
        assert results == [error, error]
        assert await batcher.submit(3) == 3

    asyncio.run(go())


def test_run_that_is_cancelled_or_gives_too_few_results_leaves_nobody_waiting() -> None:
    async def go() -> None:
        async def cancelled(jobs: Sequence[int]) -> Sequence[int]:
            raise asyncio.CancelledError

        async def short(jobs: Sequence[int]) -> Sequence[int]:
            return []

        for run, error in ((cancelled, asyncio.CancelledError), (short, ValueError)):
            batcher = Batcher(run, max_rows=ROWS, max_waiting=WAITING)
            with pytest.raises(error):
                await batcher.submit(1)

    asyncio.run(go())


def test_observer_gets_each_runs_size_and_waiting_times() -> None:
    runs: list[Run] = []

    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        tasks = await submitted(batcher, 0)
        tasks += await submitted(batcher, 1, 2, 3)
        model.let(2)
        await asyncio.gather(*tasks)

    batched(test, observe=runs.append)
    assert [run.jobs for run in runs] == [1, 3]
    assert [len(run.waited_seconds) for run in runs] == [1, 3]
    assert all(seconds >= 0 for run in runs for seconds in run.waited_seconds)
    # They came one after another, so the first has waited longest.
    assert list(runs[1].waited_seconds) == sorted(runs[1].waited_seconds, reverse=True)


def test_close_waits_for_what_was_submitted() -> None:
    async def test(model: Model, batcher: Batcher[int, int]) -> None:
        tasks = await submitted(batcher, 0, 1, 2)
        closing = asyncio.ensure_future(batcher.close())
        await turns()
        assert not closing.done()
        model.let(2)
        await closing
        assert [task.result() for task in tasks] == [0, 2, 4]

    batched(test)


class Holder:
    """Holds its batcher, as what asks a version does."""

    def __init__(self) -> None:
        self.batcher: Batcher[int, int] = Batcher(self._run, max_rows=ROWS, max_waiting=WAITING)

    async def _run(self, jobs: Sequence[int]) -> Sequence[int]:
        return jobs


def test_close_lets_go_of_what_runs_the_jobs_and_refuses_others() -> None:
    async def go() -> None:
        holder = Holder()
        batcher, left = holder.batcher, weakref.ref(holder)
        assert await batcher.submit(7) == 7
        await batcher.close()
        del holder
        assert left() is None
        with pytest.raises(BackendUnavailableError, match="not served any more"):
            await batcher.submit(7)

    gc.disable()  # it would find the cycle some day
    try:
        asyncio.run(go())
    finally:
        gc.enable()
