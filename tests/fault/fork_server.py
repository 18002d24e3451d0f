"""Runs pipelines in forks of a process that has imported everything and run nothing, and kills them on request.

It is a process of its own: `python -m tests.fault.fork_server`. Each line of input is a JSON request, and each line of
output a JSON answer. Runs are changed only here and in `tests.fault.hooks`; the pipeline's code has no part in it.
"""

import contextlib
import json
import os
import signal
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from tfx.dsl.components.common.resolver import Resolver

from common.errors import PerennialError
from configs.load import load_config
from pipeline.ground.home import local_home
from pipeline.pipeline import create_pipeline
from pipeline.runners import local
from pipeline.runners.places import local_places
from tests.fault import hooks

_POLL_SECONDS = 0.0002


def main() -> None:
    """Answers requests until the input ends."""
    for line in sys.stdin:
        request = json.loads(line)
        match request.pop("do"):
            case "nodes":
                pid = os.fork()
                if pid == 0:
                    _answer(_nodes(request["config"]))
                    os._exit(0)
                os.waitpid(pid, 0)
            case "start":
                _answer(_start(**request))
            case "wait":
                pid = request["pid"]
                _answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
            case "run":
                pid = _start(request["config"], request["output"], request["hook"])
                if request.get("kill_on_write"):
                    _kill_on_write(pid, request["config"], request["kill_on_write"])
                _answer(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))


def _answer(value: Any) -> None:
    print(json.dumps(value), flush=True)


def _nodes(config_file: str) -> list[dict[str, Any]]:
    """All nodes in the order of execution, and whether each has an executor; TFX itself runs those without one."""
    config = load_config(config_file)
    pipeline = create_pipeline(config, local_places(config))
    return [{"id": node.id, "has_executor": not isinstance(node, Resolver)} for node in pipeline.components]


def _start(config: str, output: str, hook: dict[str, Any] | None) -> int:
    """Forks a run with its output in a file; returns the child's process id."""
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        with open(output, "w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        if hook is not None:
            hooks.install(**hook)
        local.run(load_config(config))
        status = 0
    except PerennialError as e:
        print(f"{type(e).__name__}: {e}", file=sys.stderr)
        status = 1
    except Exception:
        traceback.print_exc()
        raise
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _kill_on_write(pid: int, config_file: str, node: str) -> None:
    """Kills a run when a new file appears in a node's output folders; for the Pusher also in the serving folder."""
    config = load_config(config_file)
    watched = [local_home(config) / "artifacts" / node]
    watched += [local_home(config) / "serving"] if node == "Pusher" else []
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
    main()
