"""Which version answers: taken over, refused, kept, canary, drained. What loading does is tested in test_loader."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, cast

import pytest

from common.errors import ModelError
from configs.service.section import Canary
from service.versions import manager as module
from service.versions.folder import ServingFolder
from service.versions.manager import GoneError, NotReadyError, Versions
from service.versions.served import Served


class Version:
    """What the manager uses of a version in service."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.is_closed = False

    async def close(self, grace_seconds: float) -> None:
        assert not self.is_closed
        self.is_closed = True


class Place:
    """A serving folder, and versions that load in no time; the numbers in `broken` do not."""

    def __init__(self, root: Path, **settings: Any) -> None:
        self.root, self.broken, self.tried = root, set[int](), list[int]()
        self.changes = 0
        folder = ServingFolder(str(root / "serving"), root / "cache")
        settings = {"poll_seconds": 0.01, "drain_seconds": 60.0, **settings}
        self.versions = Versions(folder, self._load, on_change=self._changed, **settings)

    def push(self, *numbers: int) -> None:
        for number in numbers:
            folder = self.root / "serving" / str(number)
            folder.mkdir(parents=True)
            (folder / "saved_model.pb").touch()

    def remove(self, number: int) -> None:
        (self.root / "serving" / str(number) / "saved_model.pb").unlink()

    async def _load(self, number: int) -> Served:
        self.tried.append(number)
        if number in self.broken:
            raise ModelError(f"{number} answers otherwise")
        return cast(Served, Version(number))

    def _changed(self) -> None:
        self.changes += 1


def with_place(tmp_path: Path, test: Callable[[Place], Awaitable[None]], **settings: Any) -> None:
    async def run() -> None:
        place = Place(tmp_path, **settings)
        await test(place)
        await place.versions.close()

    asyncio.run(run())


def number_of(served: Served | None) -> int | None:
    return None if served is None else served.number


def test_look_nothing_pushed_not_ready(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        await place.versions.look()
        with pytest.raises(NotReadyError, match="no version is served yet"):
            place.versions.choose("u1")

    with_place(tmp_path, test)


def test_look_newest_is_served_and_the_next_one_takes_over(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        place.push(9, 10)
        await place.versions.look()
        first = place.versions.live
        assert number_of(first) == 10
        await place.versions.look()
        assert place.tried == [10]
        place.push(11)
        await place.versions.look()
        assert place.versions.choose("u1").number == 11
        assert place.versions.previous is first
        assert place.changes == 2

    with_place(tmp_path, test)


def test_watch_version_that_came_while_another_was_loaded_is_seen_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poll_seconds = 1000.0

    async def test(place: Place) -> None:
        loop, load = asyncio.get_running_loop(), place.versions._load
        now, passed = loop.time, [0.0]
        monkeypatch.setattr(loop, "time", lambda: now() + passed[0])

        async def slow(number: int) -> Served:
            passed[0] += 1.5 * poll_seconds
            if number == 10:
                place.push(11)
            return await load(number)

        monkeypatch.setattr(place.versions, "_load", slow)
        place.push(10)
        watching = asyncio.ensure_future(place.versions.watch())
        end = now() + 60
        while number_of(place.versions.live) != 11:
            assert now() < end
            await asyncio.sleep(0)
        watching.cancel()

    with_place(tmp_path, test, poll_seconds=poll_seconds)


def test_look_broken_version_refused_and_the_old_one_stays(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        place.push(10)
        await place.versions.look()
        place.broken.add(11)
        place.push(11)
        await place.versions.look()
        assert number_of(place.versions.live) == 10
        assert place.versions.refused[11].reason == "11 answers otherwise"
        assert place.versions.loading is None
        place.push(12)
        await place.versions.look()
        assert number_of(place.versions.live) == 12

    with_place(tmp_path, test)


def test_look_broken_version_not_tried_again_until_its_files_change_or_time_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def test(place: Place) -> None:
        place.broken.add(11)
        place.push(10, 11)
        await place.versions.look()
        await place.versions.look()
        assert place.tried == [11, 10]
        saved_model = tmp_path / "serving/11/saved_model.pb"
        saved_model.unlink()
        saved_model.write_text("another")
        os.utime(saved_model, (1, 1))
        await place.versions.look()
        assert place.tried == [11, 10, 11]
        monkeypatch.setattr(module, "RETRY_SECONDS", 0.0)
        place.broken.clear()
        await place.versions.look()
        assert number_of(place.versions.live) == 11
        assert place.versions.refused == {}

    with_place(tmp_path, test)


def test_look_broken_version_removed_no_longer_named(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        place.broken.add(11)
        place.push(10, 11)
        await place.versions.look()
        place.remove(11)
        await place.versions.look()
        assert place.versions.refused == {}

    with_place(tmp_path, test)


def test_look_live_version_removed_from_the_folder_goes_on(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        place.push(9, 10)
        await place.versions.look()
        place.remove(10)
        await place.versions.look()
        assert number_of(place.versions.live) == 10

    with_place(tmp_path, test)


def test_look_folder_unreadable_said_and_the_old_one_stays(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        place.push(10)
        await place.versions.look()
        (tmp_path / "serving").rename(tmp_path / "gone")
        (tmp_path / "serving").touch()
        await place.versions.look()
        assert "cannot be read" in (place.versions.folder_error or "")
        assert number_of(place.versions.live) == 10
        (tmp_path / "serving").unlink()
        (tmp_path / "gone").rename(tmp_path / "serving")
        await place.versions.look()
        assert place.versions.folder_error is None

    with_place(tmp_path, test)


def test_pinned_previous_version_answers_until_the_next_swap(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        for number in (10, 11, 12):
            place.push(number)
            await place.versions.look()
        assert place.versions.pinned(11).number == 11
        with pytest.raises(GoneError, match="version 10 is not served any more"):
            place.versions.pinned(10)

    with_place(tmp_path, test)


def test_previous_version_closed_after_its_time(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        for number in (10, 11):
            place.push(number)
            await place.versions.look()
        previous = cast(Version, place.versions.previous)
        while place.versions.previous is not None:
            await asyncio.sleep(0)
        while not previous.is_closed:
            await asyncio.sleep(0)
        with pytest.raises(GoneError):
            place.versions.pinned(10)

    with_place(tmp_path, test, drain_seconds=0.0)


def test_close_every_version_once(tmp_path: Path) -> None:
    async def run() -> None:
        place = Place(tmp_path, canary=Canary(version=9, percent=50))
        place.push(9, 10)
        await place.versions.look()
        place.push(11)
        await place.versions.look()
        parts = place.versions
        served = [cast(Version, one) for one in (parts.live, parts.previous, parts.canary)]
        await parts.close()
        assert [(one.number, one.is_closed) for one in served] == [(11, True), (10, True), (9, True)]

    asyncio.run(run())


def test_canary_gets_its_share_of_users_and_each_user_always_the_same(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        place.push(9, 10)
        await place.versions.look()
        assert (number_of(place.versions.live), number_of(place.versions.canary)) == (9, 10)
        chosen = {f"u{n}": place.versions.choose(f"u{n}").number for n in range(4000)}
        assert 0.17 < sum(number == 10 for number in chosen.values()) / 4000 < 0.23
        assert {user: place.versions.choose(user).number for user in chosen} == chosen
        assert place.versions.pinned(10).number == 10
        assert place.changes == 2  # the live one and the canary

    with_place(tmp_path, test, canary=Canary(version=10, percent=20))


def test_canary_refused_everybody_gets_the_live_one(tmp_path: Path) -> None:
    async def test(place: Place) -> None:
        place.broken.add(10)
        place.push(9, 10)
        await place.versions.look()
        assert {place.versions.choose(f"u{n}").number for n in range(100)} == {9}
        assert 10 in place.versions.refused

    with_place(tmp_path, test, canary=Canary(version=10, percent=99))
