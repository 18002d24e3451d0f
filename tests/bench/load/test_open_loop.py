"""The open loop sees a server that stalls, and says when it was late itself."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import numpy as np

from tests.bench.load.http import flat_out, get, post
from tests.bench.load.open_loop import Measured, open_loop, percentile

STALL_SECONDS, EACH_SECONDS = 0.3, 1.0


@contextlib.asynccontextmanager
async def server(stalls: bool, status: int = 200) -> AsyncIterator[tuple[int, list[bytes]]]:
    """A server that answers at once, but for the last part of each second if it stalls. Gives port and requests."""
    asked: list[bytes] = []
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0]
                asked.append(head + await reader.readexactly(int(length or 0)))
                into = (loop.time() - began) % EACH_SECONDS
                if stalls and into > EACH_SECONDS - STALL_SECONDS:
                    await asyncio.sleep(EACH_SECONDS - into)
                writer.write(f"HTTP/1.1 {status} Said\r\nContent-Length: 2\r\n\r\nok".encode())
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1], asked
    finally:
        listening.close()


async def measured(stalls: bool = False, status: int = 200, late: float = 0.0) -> Measured:
    async with server(stalls, status) as (port, _):
        if late:
            asyncio.get_running_loop().call_later(0.3, time.sleep, late)
        return await open_loop(port, [get("/")], rate=100, seconds=2 * EACH_SECONDS)


def test_open_loop_sees_all_of_a_stall() -> None:
    found = asyncio.run(measured(stalls=True))
    assert found.failed == 0
    assert len(found.latency) == len(found.late) == 200
    # Three of ten requests come in a stall, and wait for half of it on average.
    assert (found.latency > 10).mean() > 0.15
    assert percentile(found.latency, 90) > 0.3 * STALL_SECONDS * 1000


def test_closed_loop_of_one_connection_does_not_see_it() -> None:
    async def slowest_tenth() -> float:
        async with server(stalls=True) as (port, _):
            since, taken = time.monotonic(), []
            while time.monotonic() - since < EACH_SECONDS:
                before = time.monotonic()
                await flat_out(port, [get("/")], connections=1, number=20)
                taken.append((time.monotonic() - before) / 20 * 1000)
            return percentile(np.array(taken), 90)

    assert asyncio.run(slowest_tenth()) < 0.3 * STALL_SECONDS * 1000


def test_open_loop_that_is_late_itself_is_not_valid() -> None:
    on_time = np.array([1.0, 2.0, 19.0])
    assert Measured(latency=on_time + 50.0, late=on_time, failed=0).is_valid
    late = asyncio.run(measured(late=0.5))
    assert not late.is_valid
    assert percentile(late.latency, 99) > 300  # what it was late is part of the latency


def test_answers_that_are_no_success_are_failures() -> None:
    found = asyncio.run(measured(status=503))
    assert found.failed == 200
    assert percentile(found.latency, 50) == float("inf")


def test_flat_out_sends_each_request_in_turn_and_returns_all_answers() -> None:
    async def ask() -> tuple[int, list[bytes]]:
        async with server(stalls=False) as (port, asked):
            replies = await flat_out(port, [get("/a"), post("/b", b"{}")], connections=4, number=10)
            assert {(reply.status, reply.body) for reply in replies} == {(200, b"ok")}
            return len(replies), asked

    number, asked = asyncio.run(ask())
    assert number == 10
    assert sorted(request.split()[1] for request in asked) == [b"/a"] * 5 + [b"/b"] * 5
    assert all(request.endswith(b"\r\n\r\n{}") for request in asked if request.startswith(b"POST"))
