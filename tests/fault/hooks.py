"""Breaks a run from inside its process: patches of TFX's launcher, which the test installs before the run."""

import datetime
import os
import signal
import subprocess
import time
import types
from collections.abc import Callable
from typing import Any

from tfx.orchestration.local import local_dag_runner
from tfx.orchestration.portable import launcher, resolver_node_handler

from pipeline.store.versions import publish

_MEBIBYTE = 2**20
_HELD_SECONDS = 2.0
"""A node that is killed while it writes waits this long before it publishes, so that the watcher sees its files."""


def install(what: str, **arguments: Any) -> None:
    """Installs one hook, by the name of its function below."""
    hooks: dict[str, Callable[..., None]] = {
        "kill": kill,
        "fill": fill,
        "read_only": read_only,
        "set_clock_back": set_clock_back,
    }
    hooks[what](**arguments)


def kill(node: str, moment: str) -> None:
    """Sends SIGKILL at a node's `start`, while `writing` or before `publishing`; no code can clean up.

    `tests.fault.run` sees the writing from outside. A node that writes nothing dies before it publishes.
    """
    publish = launcher.Launcher._publish_successful_execution
    publish_resolved = resolver_node_handler.execution_publish_utils.publish_internal_execution

    def held(self: Any, *args: Any, **kwargs: Any) -> None:
        if _node_of(self) == node:
            if moment == "writing":
                time.sleep(_HELD_SECONDS)
            _die()
        publish(self, *args, **kwargs)

    def resolved(*, contexts: Any, **kwargs: Any) -> None:
        if any(context.name.endswith(f".{node}") for context in contexts):
            _die()
        publish_resolved(contexts=contexts, **kwargs)

    if moment == "start":
        _at_start(node, _die)
        resolver_node_handler.execution_publish_utils.publish_internal_execution = resolved
    else:
        launcher.Launcher._publish_successful_execution = held


def fill(node: str, ballast: str, leave_bytes: int) -> None:
    """Fills the file system of `ballast` when a node starts."""
    _at_start(node, lambda: fill_up(ballast, leave_bytes))


def fill_up(ballast: str, leave_bytes: int) -> None:
    """Fills the file system of `ballast`, except for `leave_bytes`."""
    system = os.statvfs(os.path.dirname(ballast))
    size = system.f_bavail * system.f_frsize - leave_bytes
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, size)


def read_only(node: str, mount: str) -> None:
    """Makes a mount read-only when a node starts."""
    _at_start(node, lambda: _mount("-o", "remount,ro", mount))


def set_clock_back(seconds: float) -> None:
    """Sets back the clock that numbers versions and names runs; the metadata store keeps the true time.

    It does not patch Python's own clock: Beam pickles `time.time`.
    """

    class Behind(datetime.datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:  # type: ignore[override]  # the class that it returns is the base
            return datetime.datetime.now(tz) - datetime.timedelta(seconds=seconds)

    publish._now = lambda: time.time() - seconds
    local_dag_runner.datetime = types.SimpleNamespace(datetime=Behind)


def _at_start(node: str, act: Callable[[], None]) -> None:
    run = launcher.Launcher._run_executor

    def acting(self: Any, *args: Any, **kwargs: Any) -> Any:
        if _node_of(self) == node:
            act()
        return run(self, *args, **kwargs)

    launcher.Launcher._run_executor = acting


def _node_of(of_launcher: Any) -> str:
    return str(of_launcher._pipeline_node.node_info.id)


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _mount(*arguments: str) -> None:
    subprocess.run(["mount", *arguments], check=True)
