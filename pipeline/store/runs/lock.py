"""Lets only one process at a time work on a local pipeline.

The lock is the kernel's (`flock`): the kernel releases it however the process ends, so no lock file is ever stale. The
text in the file is only for people.
"""

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import IO

from rich.console import Console

from common.errors import LockedError, OutputError
from configs.pipeline import PipelineConfig
from pipeline.ground.home import local_home

LOCK_FILE = "lock"

_LOOKS, _LOOK_SECONDS = 5, 0.05
"""`is_locked` holds the lock for a moment; that must not refuse another process."""


@contextlib.contextmanager
def pipeline_lock(config: PipelineConfig, console: Console | None = None) -> Iterator[None]:
    """Holds a pipeline's lock while the block runs. Do not nest it: the inner lock would wait for the outer one.

    Args:
        config: The pipeline; `runs.when_locked` says what happens while another process holds the lock.
        console: Where to print which process this waits for. Default: standard output.

    Raises:
        LockedError: Another process holds it, and the config says `refuse`.
        OutputError: The lock's file cannot be written.
    """
    with contextlib.ExitStack() as held:
        path = local_home(config) / LOCK_FILE
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: after a failed write on a full disk, closing the file must not write again.
            file = held.enter_context(path.open("ab+", buffering=0))
            _take(file, config, console or Console())
        except OSError as e:
            raise OutputError(
                f"{path}: cannot be written ({e.strerror}). Free disk space or make the file writable, and run again."
            ) from e
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # the text is only for people, and must not hide the block's own error
                file.truncate(0)


def _take(file: IO[bytes], config: PipelineConfig, console: Console) -> None:
    if not _taken(file):
        if config.runs.when_locked == "refuse":
            raise LockedError(
                f"pipeline {config.name}: {_holder(file)} is using {local_home(config)}. Try again when it has "
                "finished, or set runs.when_locked: wait. If you cannot wait, kill that process. This is safe at any "
                "time: the served model stays complete, and the next run continues from the finished nodes."
            )
        waiting = f"Waiting for {_holder(file)}, which is using {config.name}."
        console.print(waiting, highlight=False, soft_wrap=True)
        fcntl.flock(file, fcntl.LOCK_EX)
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": _now()}
    file.truncate(0)
    file.write(json.dumps(holder).encode())


def is_locked(home: Path) -> bool:
    """Tells whether a process is at work on the pipeline of this home.

    Args:
        home: The folder of everything that the pipeline writes.

    Raises:
        OutputError: The lock's file cannot be read.
    """
    try:
        with (home / LOCK_FILE).open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except FileNotFoundError:
        return False
    except OSError as e:
        raise OutputError(
            f"{home / LOCK_FILE}: cannot be read ({e.strerror}), so it is not known whether a run is at work. Let this "
            "account read it, or use the account that runs the pipeline."
        ) from e
    return False


def _taken(file: IO[bytes]) -> bool:
    for look in range(_LOOKS):
        if look:
            time.sleep(_LOOK_SECONDS)
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    return False


def _holder(file: IO[bytes]) -> str:
    file.seek(0)
    try:
        holder = json.loads(file.read())
        return f"process {holder['pid']} on {holder['host']}, since {holder['since']}"
    except ValueError:  # it has the lock and has not written its name yet
        return "another process"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(sep=" ", timespec="seconds")
