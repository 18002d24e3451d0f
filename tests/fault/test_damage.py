"""Disks that fill up, folders that go or turn read-only, clocks that jump, and two runs at once."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fault import hooks
from tests.fault.workshop import NEW_ROWS, ServingWatcher, Workshop, listing

pytestmark = [pytest.mark.fault, pytest.mark.e2e]

DAY_SECONDS = 86_400


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A shop that has run once, for copies."""
    shop = Workshop(tmp_path_factory.mktemp("trained"))
    assert shop.run() == 0, shop.said
    return shop


def _states(shop: Workshop) -> dict[str, str]:
    return {node.node_id: node.state for node in shop.runs[-1].nodes}


def test_artifact_deleted_behind_the_cache_made_again_with_all_that_follows(trained: Workshop) -> None:
    before = trained.versions
    examples = trained.runs[-1].outputs("Examples")["InteractionTransform"]
    shutil.rmtree(examples.uri)
    assert trained.run() == 0, trained.said
    states = _states(trained)
    assert states["InteractionTransform"] == "complete"
    assert states["Trainer"] == "complete"
    assert (states["InteractionGen"], states["CatalogueTransform"]) == ("cached", "cached")
    assert trained.versions == before  # the same model, so nothing new to push
    trained.check_nothing_is_left_behind()


def test_serving_folder_wiped_pushed_again(trained: Workshop) -> None:
    (digest,) = set(trained.versions.values())
    shutil.rmtree(trained.serving)
    assert trained.run() == 0, trained.said
    states = _states(trained)
    assert (states["InteractionTransform"], states["Pusher"]) == ("cached", "complete")
    assert set(trained.versions.values()) == {digest}
    trained.check_nothing_is_left_behind()


def test_two_runs_at_once_second_waits_and_both_succeed(trained: Workshop, tmp_path: Path) -> None:
    before, outputs = len(trained.runs), [tmp_path / "one.txt", tmp_path / "two.txt"]
    runs = [trained.start(output) for output in outputs]
    assert [run.wait() for run in runs] == [0, 0], [output.read_text() for output in outputs]
    first, second = trained.runs[before:]
    assert (first.state, second.state) == ("succeeded", "succeeded")
    assert len(first.nodes) == len(second.nodes) == len(trained.nodes)
    assert first.nodes[-1].started < second.nodes[0].started
    waited = [output.read_text().count("Waiting for process ") for output in outputs]
    assert sorted(waited) == [0, 1]
    trained.check_nothing_is_left_behind()


def test_two_runs_at_once_second_refused_by_config(trained: Workshop, tmp_path: Path) -> None:
    before, outputs = len(trained.runs), [tmp_path / "one.txt", tmp_path / "two.txt"]
    with trained.settings(runs={"when_locked": "refuse"}):
        runs = [trained.start(output) for output in outputs]
        assert sorted(run.wait() for run in runs) == [0, 1]
    assert sum("LockedError: pipeline shop: process " in output.read_text() for output in outputs) == 1
    assert [run.state for run in trained.runs[before:]] == ["succeeded"]


def test_clock_set_back_a_day_the_newer_model_is_live(trained: Workshop) -> None:
    (first,) = trained.versions
    trained.add_rows(NEW_ROWS)
    assert trained.run(what="set_clock_back", seconds=DAY_SECONDS) == 0, trained.said
    last, behind = trained.runs[-2:]
    assert behind.run_id < last.run_id  # the clock did go back
    assert behind.state == "succeeded"
    (old, old_digest), (new, new_digest) = trained.versions.items()
    assert (old, int(new) > int(old)) == (first, True)
    assert new_digest != old_digest
    trained.check_nothing_is_left_behind()


@pytest.fixture(scope="module")
def small_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A file system of 64 MiB."""
    folder = tmp_path_factory.mktemp("disk")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture(scope="module")
def on_small_disk(small_disk: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    """A shop on the small disk, whose runs write their output elsewhere."""
    shop = Workshop(small_disk / "shop")
    shop.output = tmp_path_factory.mktemp("output") / "output.txt"
    return shop


def test_disk_full_at_the_start_reported_in_one_line_and_the_next_run_recovers(
    small_disk: Path, tmp_path: Path
) -> None:
    shop = Workshop(small_disk / "shop")
    shop.output = tmp_path / "output.txt"
    ballast = small_disk / "ballast"
    # No room at all; room for the lock and the log, and none for the metadata store, which is made then.
    for leave_bytes in (0, 128 * 1024):
        hooks.fill_up(str(ballast), leave_bytes)
        assert shop.run() == 1, shop.said
        assert shop.said.splitlines()[-1].startswith(f"OutputError: {shop.home}: cannot be written (")
        assert shop.said.count("OutputError: ") == 1
        assert "Traceback" not in shop.said
        ballast.unlink()
    assert shop.run() == 0, shop.said
    before = shop.versions
    hooks.fill_up(str(ballast), 0)
    rollback = shop.shop.forked("perennial", "versions", "rollback", next(iter(before)))
    assert rollback.stderr.startswith(f"OutputError: {shop.home / 'lock'}: cannot be written (No space left on device)")
    assert rollback.stderr.count("\n") == 1
    assert shop.run() == 1, shop.said
    assert (len(shop.runs), shop.versions) == (1, before)
    ballast.unlink()
    assert shop.run() == 0, shop.said
    assert shop.versions == before
    shop.check_nothing_is_left_behind()


def test_disk_full_old_version_stays_whole_and_the_next_run_recovers(on_small_disk: Workshop, small_disk: Path) -> None:
    shop, ballast = on_small_disk, small_disk / "ballast"
    assert shop.run() == 0, shop.said
    before = shop.versions
    shop.add_rows(NEW_ROWS)
    with ServingWatcher(shop.serving) as watcher:
        for node in ("Trainer", "Pusher"):
            assert shop.run(what="fill", node=node, ballast=str(ballast), leave_bytes=64 * 1024) == 1, shop.said
            assert "OutputError: " in shop.said
            assert "No space left on device" in shop.said
            assert "Traceback" not in shop.said
            # The full disk may leave no room to write down how the run ended.
            assert shop.runs[-1].nodes[-1].node_id == node
            assert shop.runs[-1].state in ("failed", "killed")
            assert shop.versions == before
            ballast.unlink()
        assert shop.run() == 0, shop.said
    assert len(shop.versions) == 2
    assert watcher.seen == {name: {listing(shop.serving / name)} for name in shop.versions}
    shop.check_nothing_is_left_behind()


@pytest.fixture
def serving_mount(tmp_path: Path) -> Iterator[Path]:
    """The shop's serving folder, as a file system of its own."""
    folder = tmp_path / "runs" / "shop" / "serving"
    folder.mkdir(parents=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_serving_folder_read_only_reported_before_and_during_the_run(tmp_path: Path, serving_mount: Path) -> None:
    shop = Workshop(tmp_path)
    # Before: nothing runs at all.
    subprocess.run(["mount", "-o", "remount,ro", str(serving_mount)], check=True)
    assert shop.run() == 1
    assert f"OutputError: {serving_mount}: cannot be written (Read-only file system)" in shop.said
    assert shop.runs == []
    subprocess.run(["mount", "-o", "remount,rw", str(serving_mount)], check=True)
    # During: the push fails, and nothing else.
    assert shop.run(what="read_only", node="Pusher", mount=str(serving_mount)) == 1, shop.said
    assert "Read-only file system" in shop.said
    assert _states(shop)["Pusher"] == "failed"
    assert shop.runs[-1].nodes[-1].error is not None
    assert shop.versions == {}
    subprocess.run(["mount", "-o", "remount,rw", str(serving_mount)], check=True)
    assert shop.run() == 0, shop.said
    assert _states(shop)["InteractionTransform"] == "cached"
    assert len(shop.versions) == 1
    shop.check_nothing_is_left_behind()
