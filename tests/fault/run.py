"""One run of a pipeline that the test may break, as a program: `python -m tests.fault.run CONFIG HOOK KILL_ON_WRITE`.

HOOK: JSON, the arguments of `hooks.install`, or `null`. KILL_ON_WRITE: the id of a node, or empty; the run is killed
when that node has begun to write. Runs are changed only here and in `tests.fault.hooks`; the pipeline's code has no
part in it. `tests.forked` must start this program: it forks once more, which is safe while no library has been used.
"""

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from common.errors import PerennialError
from configs.load import load_config
from pipeline.ground.home import local_home
from pipeline.runners import local
from tests.fault import hooks

_POLL_SECONDS = 0.002


def main(config: str, hook: str, kill_on_write: str) -> int:
    """Runs the pipeline; returns the exit status."""
    if kill_on_write:
        run = os.fork()
        if run:
            _kill_on_write(run, config, kill_on_write)
            status = os.waitstatus_to_exitcode(os.waitpid(run, 0)[1])
            if status < 0:
                os.kill(os.getpid(), -status)
            return status
    return _run(config, json.loads(hook))


def _run(config: str, hook: dict[str, Any] | None) -> int:
    if hook is not None:
        hooks.install(**hook)
    try:
        local.run(load_config(config))
    except PerennialError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return 0


def _kill_on_write(pid: int, config_file: str, node: str) -> None:
    """Kills a run when a new file appears in a node's output folders; for the Pusher, in the serving folder."""
    config = load_config(config_file)
    watched = [local_home(config) / ("serving" if node == "Pusher" else f"artifacts/{node}")]
    before = {file for folder in watched for file in _files(folder)}
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        if any(file not in before for folder in watched for file in _files(folder)):
            os.kill(pid, signal.SIGKILL)
            return
        time.sleep(_POLL_SECONDS)


def _files(folder: Path) -> set[str]:
    found = set()
    for parent, folders, files in os.walk(folder):
        with contextlib.suppress(ValueError):
            folders.remove(".system")
        found |= {os.path.join(parent, file) for file in files}
    return found


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
