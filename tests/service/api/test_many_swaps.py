"""50 versions, one after the other, under load: no failed and no mixed answer, and nothing is left of the old ones."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.served_shop import ServedShop, Service
from tests.service.small_shop import HISTORIES, KINDS, shop_items
from tests.serving_signatures.oracle import Oracle, exported
from tests.trainer_inputs import TrainerInputs

pytestmark = pytest.mark.e2e

SWAPS, SECONDS = 50, 120.0
"""What the service must reach: so many swaps in so many seconds."""

BUSY = 5
"""How many times longer it may take: the processors are shared with other tests."""

SETTLED = 10
"""Swaps before the first look at memory: pools of threads and caches are full by then."""

LEAK_MIB = 12.0
"""How far the service, and the two processes that models and snapshots are forked from, may have grown after the other
swaps. A model process has 300 MiB. A snapshot of this small shop is smaller than the noise, so for that the mapped
files are counted. A model process itself ends with its version: what it takes depends on the requests that it got."""

PAUSE_SECONDS = 0.1
"""Between two questions of a caller: some 40 answers a second take a tenth of what the swaps take."""

LOOK_SECONDS = 0.05
"""Between two looks whether something has happened."""

FIRST = 100
RECOMMENDATIONS = "/v1/recommendations"


@dataclass(frozen=True)
class Look:
    """What there is of the service's processes: the service's own, the two that others are forked from, models."""

    processes: int
    open_files: list[int]
    """Of all but the models."""

    mapped_files: int
    """Of the service's own."""

    mib: list[float]
    """Resident memory of all."""

    cpu_seconds: float
    """With processes that have ended."""


def look(service: Service) -> Look:
    """Looks at the processes, the service's first, then in the order of their start."""
    everybody: dict[int, list[str]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                everybody[int(folder.name)] = (folder / "stat").read_text().rpartition(")")[2].split()
            except (FileNotFoundError, ProcessLookupError):
                continue
    found = [service.process.pid]
    for pid in found:
        found += sorted(child for child, fields in everybody.items() if int(fields[1]) == pid)
    maps = Path(f"/proc/{found[0]}/maps").read_text().splitlines()
    return Look(
        processes=len(found),
        open_files=[len(os.listdir(f"/proc/{pid}/fd")) for pid in found[:3]],
        mapped_files=sum("/snapshots/" in line for line in maps),
        mib=[int(everybody[pid][21]) * os.sysconf("SC_PAGE_SIZE") / 2**20 for pid in found],
        cpu_seconds=sum(int(ticks) for pid in found for ticks in everybody[pid][11:15]) / os.sysconf("SC_CLK_TCK"),
    )


class Callers:
    """Ask the same questions again and again, and compare each answer with what its version must say."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._expected: dict[tuple[str, int], list[str]] = {}
        self.answers: dict[str, int] = {}
        self.wrong: list[str] = []
        self.versions: set[int] = set()

    async def recommendations(self) -> None:
        await self._answer("recommendations", RECOMMENDATIONS, user="u0-0", items="i3", k=5)

    async def similar(self) -> None:
        await self._answer("similar", "/v1/items/i3/similar", k=5)

    async def pages(self) -> None:
        """The second page is of the first one's version, whatever has come in the meantime."""
        first = await self._answer("first page", RECOMMENDATIONS, items="i5", k=3)
        if first is None:
            return
        second = await self._answer("second page", RECOMMENDATIONS, items="i5", k=3, cursor=first["next"])
        if second is not None and second["version"] != first["version"]:
            self.wrong.append(f"a page of {first['version']}, and then one of {second['version']}")

    async def learn(self) -> None:
        """Takes what the version says that is live now for what all versions of its model must say."""
        for ask in (self.recommendations, self.similar, self.pages):
            await ask()

    async def go_on(self, ask: Callable[[], Awaitable[None]], ended: asyncio.Event) -> None:
        while not ended.is_set():
            await ask()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _answer(self, kind: str, path: str, **parameters: Any) -> dict[str, Any] | None:
        answer = await self._client.get(path, params=parameters)
        if answer.status_code != 200:
            self.wrong.append(f"{kind}: {answer.status_code} {answer.text}")
            return None
        body: dict[str, Any] = answer.json()
        items = [item["item_id"] for item in body["items"]]
        if items != self._expected.setdefault((kind, body["version"] % 2), items):
            self.wrong.append(f"{kind}: version {body['version']} says {items}")
        self.answers[kind] = self.answers.get(kind, 0) + 1
        self.versions.add(body["version"])
        return body

    def differ(self) -> bool:
        """Whether the two models answer each question differently."""
        kinds = {kind for kind, _ in self._expected}
        return all(self._expected[kind, 0] != self._expected[kind, 1] for kind in kinds) and len(kinds) == 4


def test_fifty_swaps_under_load_no_answer_fails_or_mixes_and_nothing_is_left(
    shop: TrainerInputs, oracle: Oracle, turned: Path, tmp_path: Path
) -> None:
    # A cursor must outlive the next swap, however busy the machine is.
    place = ServedShop(tmp_path, exported(shop), drain_seconds=60.0)

    def push(number: int) -> None:
        place.push(number, shop_items(oracle), KINDS, HISTORIES, model=turned if number % 2 else None)

    async def swap(client: httpx.AsyncClient, number: int) -> None:
        await asyncio.to_thread(push, number)
        end = time.monotonic() + SECONDS
        while (await client.get("/v1/model")).json()["live"]["version"] != number:
            assert time.monotonic() < end, service.output
            await asyncio.sleep(LOOK_SECONDS)

    async def settled() -> Look:
        """Once the version before the last two has gone: two models are left."""
        end = time.monotonic() + SECONDS
        while (found := await asyncio.to_thread(look, service)).processes != 5:
            assert time.monotonic() < end, found
            await asyncio.sleep(LOOK_SECONDS)
        return found

    async def go() -> None:
        async with httpx.AsyncClient(base_url=service.url, timeout=60) as client:
            callers, ended = Callers(client), asyncio.Event()
            for number in (FIRST, FIRST + 1):
                if number != FIRST:
                    await swap(client, number)
                await callers.learn()
            assert callers.differ()
            asks = (callers.recommendations, callers.recommendations, callers.similar, callers.pages)
            tasks = [asyncio.create_task(callers.go_on(ask, ended)) for ask in asks]
            before, began = look(service), time.monotonic()
            for count in range(1, SWAPS + 1):
                await swap(client, FIRST + 1 + count)
                if count == SETTLED:
                    early = await settled()
            seconds = time.monotonic() - began
            late = await settled()
            ended.set()
            await asyncio.gather(*tasks)
            cpu = (late.cpu_seconds - before.cpu_seconds) / SWAPS
            print(f"{SWAPS} swaps in {seconds:.0f} s, {cpu:.2f} s of CPU each; {callers.answers}\n{early}\n{late}")
            assert callers.wrong == []
            assert len(callers.versions) > SWAPS / 2
            # One file of each version would be 40; the callers' connections come and go.
            for now, then in zip(late.open_files, early.open_files, strict=True):
                assert now - then < (SWAPS - SETTLED) / 2
            assert late.mapped_files <= early.mapped_files
            for name, last, first in zip(("service", "TensorFlow", "snapshots"), late.mib, early.mib, strict=False):
                said = f"{name}: {first:.0f} MiB after {SETTLED} swaps, {last:.0f} after {SWAPS}"
                assert last - first < LEAK_MIB, said
            assert cpu < 2 * SECONDS / SWAPS
            assert seconds < BUSY * SECONDS

    push(FIRST)
    with place.running() as service:
        service.serves(FIRST)
        asyncio.run(go())
